//! Crowds against an independent oracle: every person and every seat separately, matched by augmenting paths.

use proptest::prelude::*;

use super::*;

const MONDAY: Day = -2;

#[derive(Clone, Debug)]
struct Office {
    lists: Vec<Vec<RankedPool>>,
    /// Classes, with the number of their people.
    classes: Vec<(Alike, u32)>,
    days: Vec<Seats>,
    weeks: Vec<Seats>,
}

prop_compose! {
    fn office()(
        lists in prop::collection::vec(prop::collection::btree_map(0..3u32, 1..4u32, 1..3), 1..4),
        windows in prop::collection::vec((0..3usize, 0..20i32, 0..14i32, 0..6i32, 1..5u32), 1..12),
        days in prop::collection::btree_map((0..3u32, 0..24i32), 0..4u32, 0..20),
        weeks in prop::collection::btree_map((0..3u32, 0..3i32), 1..3u32, 0..3),
    ) -> Office {
        let ranked = |list: BTreeMap<u32, u32>| list.into_iter().map(|(pool, rank)| RankedPool { rank, pool }).collect();
        let classes = windows.into_iter().map(|(list, earliest, length, notice, people)| {
            let deadline = earliest + length - 2;
            let class = Alike {
                deadline, earliest, release: earliest + notice, pref_end: deadline - 3, list: (list % lists.len()) as u32,
                weight: 1, lapse_late: 0,
            };
            (class, people)
        }).collect();
        Office {
            classes,
            lists: lists.into_iter().map(ranked).collect(),
            days: days.into_iter().map(|((pool, day), free)| Seats { pool, day, free }).collect(),
            weeks: weeks.into_iter().map(|((pool, week), free)| Seats { pool, day: MONDAY + 7 * week, free }).collect(),
        }
    }
}

impl Office {
    fn alike(&self) -> Vec<Alike> {
        self.classes.iter().map(|(class, _)| *class).collect()
    }

    fn people(&self) -> Vec<u32> {
        self.classes.iter().map(|(_, people)| *people).collect()
    }

    fn in_week(day: Day, seats: &Seats) -> bool {
        (seats.day..seats.day + 7).contains(&day)
    }

    /// Whether a pool has an open day for a class among some days.
    fn opens(&self, class: &Alike, pool: u32, among: impl Fn(Day) -> bool) -> bool {
        let comes = |s: &Seats| s.pool == pool && class.earliest <= s.day && s.day <= class.deadline && among(s.day);
        self.lists[class.list as usize].iter().any(|r| r.pool == pool) && self.days.iter().any(comes)
    }

    /// For each person the seats that they may take: of a day, or of a week with an open day for them.
    fn options(&self, people: &[u32], extra: &[Seats]) -> (Vec<(usize, Vec<usize>)>, usize) {
        let days = self.days.iter().map(|s| (s, false));
        let weeks = self.weeks.iter().chain(extra).map(|s| (s, true));
        let seats: Vec<(&Seats, bool)> =
            days.chain(weeks).flat_map(|(s, week)| std::iter::repeat_n((s, week), s.free as usize)).collect();
        let may = |class: &Alike, (seat, week): &(&Seats, bool)| {
            self.opens(class, seat.pool, |day| if *week { Self::in_week(day, seat) } else { day == seat.day })
        };
        let each = self.classes.iter().enumerate().flat_map(|(number, (class, _))| {
            let fit: Vec<usize> = (0..seats.len()).filter(|s| may(class, &seats[*s])).collect();
            std::iter::repeat_n((number, fit), people[number] as usize)
        });
        (each.collect(), seats.len())
    }

    /// Number of people left out of each class when as many as possible are seated, served in `order`.
    fn left_out(&self, people: &[u32], extra: &[Seats], order: &[usize]) -> Vec<u64> {
        fn seat(person: usize, options: &[(usize, Vec<usize>)], tried: &mut [bool], at: &mut [Option<usize>]) -> bool {
            options[person].1.iter().any(|seat_of| {
                if std::mem::replace(&mut tried[*seat_of], true) {
                    return false;
                }
                let free = at[*seat_of].is_none_or(|other| seat(other, options, tried, at));
                if free {
                    at[*seat_of] = Some(person);
                }
                free
            })
        }
        let (options, seats) = self.options(people, extra);
        let mut at = vec![None; seats];
        let mut out = vec![0; self.classes.len()];
        let mut queue: Vec<usize> = (0..options.len()).collect();
        queue.sort_by_key(|person| order.get(*person % order.len().max(1)).copied());
        for person in queue {
            if !seat(person, &options, &mut vec![false; seats], &mut at) {
                out[options[person].0] += 1;
            }
        }
        out
    }

    fn crowd<'a>(&self, alike: &'a [Alike], extra: &[Seats]) -> Crowd<'a> {
        let weeks: Vec<Seats> = self.weeks.iter().chain(extra).copied().collect();
        // One line per pool and week.
        let mut sums: BTreeMap<(u32, Day), u32> = BTreeMap::new();
        for seats in weeks {
            *sums.entry((seats.pool, seats.day)).or_default() += seats.free;
        }
        let weeks: Vec<Seats> = sums.into_iter().map(|((pool, day), free)| Seats { pool, day, free }).collect();
        Crowd::new(&self.lists, alike, &self.days, &weeks, MONDAY)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn the_fewest_lapses_are_those_of_the_largest_matching(office in office()) {
        let (alike, people) = (office.alike(), office.people());
        let crowd = office.crowd(&alike, &[]);
        let fewest: u64 = office.left_out(&people, &[], &[0]).iter().sum();
        prop_assert_eq!(crowd.fewest_lapses(&people), fewest);
        let seated = crowd.plan(&people, 4);
        prop_assert_eq!(seated.iter().map(|s| u64::from(s.people)).sum::<u64>() + fewest, people.iter().map(|n| u64::from(*n)).sum::<u64>());
        let mut left: BTreeMap<(u32, Day), u32> = office.days.iter().map(|s| ((s.pool, s.day), s.free)).collect();
        for extra in &office.weeks {
            let first = office.days.iter().filter(|s| s.pool == extra.pool && Office::in_week(s.day, extra)).map(|s| s.day).min();
            if let Some(day) = first {
                *left.entry((extra.pool, day)).or_default() += extra.free;
            }
        }
        for s in &seated {
            let class = &alike[s.class as usize];
            let may = office.opens(class, s.pool, |day| (day - MONDAY).div_euclid(7) == (s.day - MONDAY).div_euclid(7));
            prop_assert!(may, "{:?} {:?}", s, class);
            let left = left.get_mut(&(s.pool, s.day)).unwrap();
            prop_assert!(*left >= s.people);
            *left -= s.people;
        }
    }

    #[test]
    fn whoever_is_seated_first_the_lapses_of_a_group_keep_to_its_bounds(
        office in office(), order in prop::collection::vec(0..100usize, 1..30), from in 0..20i32, to in 0..30i32,
    ) {
        let (alike, people) = (office.alike(), office.people());
        let crowd = office.crowd(&alike, &[]);
        let all = crowd.fewest_lapses(&people);
        let short = office.crowd(&alike, &[]).short_of_seats(&people);
        let belongs = |class: &Alike| (from..=to).contains(&class.deadline);
        let only = |inside: bool| -> Vec<u32> {
            office.classes.iter().map(|(class, n)| if belongs(class) == inside { *n } else { 0 }).collect()
        };
        let (lower, upper) = (crowd.fewest_lapses(&only(true)), all - crowd.fewest_lapses(&only(false)));
        prop_assert_eq!((short.fewest_lapses(&only(true)), short.fewest_lapses(&only(false))), (lower, all - upper));
        let out = office.left_out(&people, &[], &order);
        let lapses: u64 = out.iter().zip(&alike).filter(|(_, class)| belongs(class)).map(|(n, _)| n).sum();
        prop_assert!((lower..=upper).contains(&lapses), "{lower} ≤ {lapses} ≤ {upper}");
    }

    #[test]
    fn the_missing_seats_place_everybody_who_has_a_day_and_none_of_them_is_too_many(office in office()) {
        let (alike, people) = (office.alike(), office.people());
        let crowd = office.crowd(&alike, &[]);
        let missing = crowd.missing_seats(&people);
        let has_a_day = crowd.has_a_day();
        let without: u64 = people.iter().zip(&has_a_day).filter(|(_, has)| !**has).map(|(n, _)| u64::from(*n)).sum();
        for (class, has) in alike.iter().zip(&has_a_day) {
            prop_assert_eq!(*has, (0..3).any(|pool| office.opens(class, pool, |_| true)));
        }
        let added: u64 = missing.iter().map(|s| u64::from(s.free)).sum();
        prop_assert_eq!(added + without, crowd.fewest_lapses(&people));
        prop_assert_eq!(office.crowd(&alike, &missing).fewest_lapses(&people), without);
        prop_assert_eq!(office.left_out(&people, &missing, &[0]).iter().sum::<u64>(), without);
    }
}
