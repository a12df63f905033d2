//! The people of the weeks ahead, without names: how many can be placed at all, where a plan puts them, which seats are
//! missing.
//!
//! Who can be seated together depends on the seats alone (such sets are the independent sets of a transversal matroid:
//! Edmonds and Fulkerson 1965), so the fewest lapses of any group bound what a schedule can do: see
//! [`Crowd::fewest_lapses`].

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use rayon::prelude::*;

use super::simplex::{self, Bin, Solution, Source, Span};
use convoke_instance::{Day, LAPSE, LATE_DAY, PERISHING, RANK, RankedPool, components};

/// A shortened notice outweighs every lateness, and a lapse every notice, as in the plan of a night.
const WORSE_THAN_ALL_NOTICES: i128 = 1 << 124;
/// Cost of a missing seat: more than every step and rank, less than a lapse.
const MISSING: i128 = 1 << 60;
/// Number of steps, each a tenth of a desk's share of a week, that are distinguished when seats are added; and the
/// extra cost of a further step, equal to that of a distant site.
const STEPS: u32 = 15;
const DEARER: i128 = 1 << 10;

/// People who are identical to the planner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Alike {
    /// Last day that prevents a lapse.
    pub deadline: Day,
    /// First day at short notice.
    pub earliest: Day,
    /// First day with the full notice.
    pub release: Day,
    /// Day by which they should have been seen.
    pub pref_end: Day,
    /// Index into the lists of pools.
    pub list: u32,
    /// Weight of a day beyond the preferred end.
    pub weight: u32,
    /// Days that a lapse counts for.
    pub lapse_late: u32,
}

/// Free seats of a pool on one day, or extra seats of a week that may be opened on any of its open days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seats {
    /// Pool number.
    pub pool: u32,
    /// The day; for extra seats of a week, its Monday.
    pub day: Day,
    /// Free seats; a full day is listed with 0.
    pub free: u32,
}

/// People of a class who come to a pool in the week of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seated {
    /// Index of the class.
    pub class: u32,
    /// Pool number.
    pub pool: u32,
    /// The day, or the first open day of the week of an extra seat.
    pub day: Day,
    /// People.
    pub people: u32,
}

/// People by class and seats by pool, divided into parts that share no desk.
pub struct Crowd<'a> {
    classes: &'a [Alike],
    parts: Vec<Part>,
    /// A Monday.
    monday: Day,
}

/// People who share desks, directly or through others.
struct Part {
    /// Indices of the classes, by deadline.
    classes: Vec<u32>,
    lists: HashMap<u32, Vec<RankedPool>>,
    desks: BTreeMap<u32, Desk>,
    bins: Vec<Bin>,
    /// Pool of each bin.
    pool: Vec<u32>,
}

/// The seats of a pool: indices of its bins, and its open days.
#[derive(Default)]
struct Desk {
    open: Vec<Day>,
    days: Range<usize>,
    weeks: Range<usize>,
    /// Mondays of the weeks.
    mondays: Vec<Day>,
}

impl<'a> Crowd<'a> {
    /// `days` and `weeks` may be in any order, each pool and day once; `monday` is any Monday. A week in which its pool
    /// is never open is ignored.
    pub fn new(lists: &[Vec<RankedPool>], classes: &'a [Alike], days: &[Seats], weeks: &[Seats], monday: Day) -> Self {
        let mut by_pool: BTreeMap<u32, (Vec<Seats>, Vec<Seats>)> = BTreeMap::new();
        for seats in days {
            by_pool.entry(seats.pool).or_default().0.push(*seats);
        }
        for seats in weeks.iter().filter(|s| s.free > 0) {
            by_pool.entry(seats.pool).or_default().1.push(*seats);
        }
        for (days, weeks) in by_pool.values_mut() {
            days.sort_unstable();
            weeks.sort_unstable();
        }
        let component = components(lists);
        let mut parts: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (position, class) in classes.iter().enumerate() {
            parts.entry(component[class.list as usize]).or_default().push(position as u32);
        }
        let part = |mut members: Vec<u32>| {
            members.sort_unstable_by_key(|c| classes[*c as usize]);
            let lists = members.iter().map(|c| classes[*c as usize].list).map(|l| (l, lists[l as usize].clone()));
            Part::new(members.clone(), lists.collect(), &by_pool, monday)
        };
        Self { classes, parts: parts.into_values().map(part).collect(), monday }
    }

    /// Whether a desk for the class is open on a day that a letter can still reach, even if its seats are taken.
    pub fn has_a_day(&self) -> Vec<bool> {
        let mut has = vec![false; self.classes.len()];
        for part in &self.parts {
            for class in &part.classes {
                let c = &self.classes[*class as usize];
                let opens = |r: &RankedPool| part.desks.get(&r.pool).is_some_and(|d| d.first_and_last(c).is_some());
                has[*class as usize] = part.lists[&c.list].iter().any(opens);
            }
        }
        has
    }

    /// Only the parts in which not all of `people` can be placed: nobody else can lapse.
    #[must_use]
    pub fn short_of_seats(mut self, people: &[u32]) -> Self {
        let classes = self.classes;
        self.parts.retain(|part| part.fewest_lapses(classes, people, self.monday) > 0);
        self
    }

    /// The fewest lapses among `people`, if they have the seats to themselves and every notice may be short.
    ///
    /// With L for this number, in any schedule at least L(A) of some people A lapse. In a schedule with the fewest
    /// lapses of all people E, at most L(E) − L(E without A) of A lapse, because those without A have at least L(E
    /// without A) lapses among themselves.
    pub fn fewest_lapses(&self, people: &[u32]) -> u64 {
        self.parts.par_iter().map(|part| part.fewest_lapses(self.classes, people, self.monday)).sum()
    }

    /// A plan for all of them, with a night's goals in their order. Seats on days before `perish_before` are lost if
    /// nobody takes them.
    pub fn plan(&self, people: &[u32], perish_before: Day) -> Vec<Seated> {
        self.parts
            .par_iter()
            .flat_map_iter(|part| part.plan(self.classes, people, self.monday, perish_before))
            .collect()
    }

    /// The fewest extra seats, by pool and week, with which everyone in `people` who has a possible day could be
    /// placed. Each prevents one lapse.
    pub fn missing_seats(&self, people: &[u32]) -> Vec<Seats> {
        self.parts.par_iter().flat_map_iter(|part| part.missing_seats(self.classes, people, self.monday)).collect()
    }
}

fn monday_of(day: Day, monday: Day) -> Day {
    day - (day - monday).rem_euclid(7)
}

impl Desk {
    /// First and last open day on which the class may come.
    fn first_and_last(&self, class: &Alike) -> Option<(Day, Day)> {
        let from = self.open.partition_point(|day| *day < class.earliest);
        let to = self.open.partition_point(|day| *day <= class.deadline);
        (from < to).then(|| (self.open[from], self.open[to - 1]))
    }
}

impl Part {
    fn new(
        classes: Vec<u32>,
        lists: HashMap<u32, Vec<RankedPool>>,
        seats: &BTreeMap<u32, (Vec<Seats>, Vec<Seats>)>,
        monday: Day,
    ) -> Self {
        let mut part = Self { classes, lists, desks: BTreeMap::new(), bins: Vec::new(), pool: Vec::new() };
        let mut pools: Vec<u32> = part.lists.values().flatten().map(|r| r.pool).collect();
        pools.sort_unstable();
        pools.dedup();
        for pool in pools {
            let Some((days, weeks)) = seats.get(&pool) else { continue };
            let open: Vec<Day> = days.iter().map(|s| s.day).collect();
            let free = days.iter().filter(|s| s.free > 0).map(|s| (s.day, s.free));
            let days = part.add(pool, free);
            let first_open = |s: &Seats| open.iter().copied().find(|day| monday_of(*day, monday) == s.day);
            let (mondays, extra): (Vec<Day>, Vec<(Day, u32)>) =
                weeks.iter().filter_map(|s| Some((s.day, (first_open(s)?, s.free)))).unzip();
            let weeks = part.add(pool, extra.into_iter());
            part.desks.insert(pool, Desk { open, days, weeks, mondays });
        }
        part
    }

    fn add(&mut self, pool: u32, seats: impl Iterator<Item = (Day, u32)>) -> Range<usize> {
        let from = self.bins.len();
        self.bins.extend(seats.map(|(day, seats)| Bin { day, seats, base: 0 }));
        self.pool.resize(self.bins.len(), pool);
        from..self.bins.len()
    }

    /// The bins of a desk between two days.
    fn days(&self, desk: &Desk, first: Day, last: Day) -> Range<usize> {
        let days = &self.bins[desk.days.clone()];
        let from = days.partition_point(|b| b.day < first);
        let to = days.partition_point(|b| b.day <= last);
        desk.days.start + from..desk.days.start + to.max(from)
    }

    /// Those of `mondays` in whose week the desk is open on a day that suits the class.
    fn weeks(desk: &Desk, mondays: &[Day], class: &Alike, monday: Day) -> Range<usize> {
        let Some((first, last)) = desk.first_and_last(class) else { return 0..0 };
        let from = mondays.partition_point(|m| *m < monday_of(first, monday));
        let to = mondays.partition_point(|m| *m <= monday_of(last, monday));
        from..to
    }

    /// Where a class may come at all, without cost.
    fn anywhere(&self, class: &Alike, monday: Day) -> Vec<Span> {
        let mut spans = Vec::new();
        for ranked in &self.lists[&class.list] {
            let Some(desk) = self.desks.get(&ranked.pool) else { continue };
            spans.extend(span(self.days(desk, class.earliest, class.deadline), 0));
            let weeks = Self::weeks(desk, &desk.mondays, class, monday);
            spans.extend(span(desk.weeks.start + weeks.start..desk.weeks.start + weeks.end, 0));
        }
        spans
    }

    /// The classes that have people.
    fn present<'p>(&'p self, people: &'p [u32]) -> impl Iterator<Item = (u32, u32)> + 'p {
        self.classes.iter().map(|c| (*c, people[*c as usize])).filter(|(_, size)| *size > 0)
    }

    fn fewest_lapses(&self, classes: &[Alike], people: &[u32], monday: Day) -> u64 {
        let sources: Vec<Source> = self
            .present(people)
            .map(|(class, size)| {
                let spans = self.anywhere(&classes[class as usize], monday);
                Source { size, spans, release: 0, pref_end: 0, late: 0, lapse: 1 }
            })
            .collect();
        lapses(&simplex::solve(&timeless(&self.bins), &sources))
    }

    fn plan(&self, classes: &[Alike], people: &[u32], monday: Day, perish_before: Day) -> Vec<Seated> {
        let (present, sources): (Vec<u32>, Vec<Source>) = self
            .present(people)
            .map(|(class, size)| {
                let c = &classes[class as usize];
                let weight = i128::from(c.weight);
                let mut spans = Vec::new();
                for ranked in &self.lists[&c.list] {
                    let Some(desk) = self.desks.get(&ranked.pool) else { continue };
                    let cost = i128::from(ranked.rank) * RANK;
                    spans.extend(span(self.days(desk, c.earliest, c.deadline.min(c.release - 1)), cost + LAPSE));
                    spans.extend(span(self.days(desk, c.release, c.deadline), cost));
                    let weeks = Self::weeks(desk, &desk.mondays, c, monday);
                    spans.extend(span(desk.weeks.start + weeks.start..desk.weeks.start + weeks.end, cost));
                }
                let lapse = LAPSE + weight * i128::from(c.lapse_late) * LATE_DAY + WORSE_THAN_ALL_NOTICES;
                let late = weight * LATE_DAY;
                (class, Source { size, spans, release: c.release, pref_end: c.pref_end, late, lapse })
            })
            .unzip();
        let perishes = |bin: &Bin| Bin { base: if bin.day < perish_before { -PERISHING } else { 0 }, ..*bin };
        let bins: Vec<Bin> = self.bins.iter().map(perishes).collect();
        let flows = simplex::solve(&bins, &sources).flows;
        let seated = flows.iter().map(|f| Seated {
            class: present[f.source as usize],
            pool: self.pool[f.bin as usize],
            day: self.bins[f.bin as usize].day,
            people: f.people,
        });
        seated.collect()
    }

    fn missing_seats(&self, classes: &[Alike], people: &[u32], monday: Day) -> Vec<Seats> {
        let all = self.present(people).map(|(_, size)| size).sum::<u32>();
        let last = self.present(people).map(|(class, _)| classes[class as usize].deadline).max().unwrap_or(0);
        let mut bins = timeless(&self.bins);
        // After the existing seats, there are bins for each pool and week in which it is open. A few seats in many
        // weeks are easier to find than many in one, so each tenth of the week's share of the people costs a little
        // more than the one before.
        let mut weeks: Vec<(u32, Day)> = Vec::new();
        let mut open: BTreeMap<u32, (usize, Vec<Day>)> = BTreeMap::new();
        for (pool, desk) in &self.desks {
            let mut mondays: Vec<Day> = desk.open.iter().map(|day| monday_of(*day, monday)).collect();
            mondays.dedup();
            open.insert(*pool, (bins.len(), mondays.clone()));
            let within = mondays.partition_point(|m| *m <= last);
            let share = all / (self.desks.len() * within).max(1) as u32;
            let tenth = (share / 10).max(1);
            for step in 0..STEPS {
                let seats = if step + 1 == STEPS { all.max(1) } else { tenth };
                let base = MISSING + i128::from(step) * DEARER;
                bins.extend(mondays.iter().map(|_| Bin { day: 0, seats, base }));
                weeks.extend(mondays.iter().map(|m| (*pool, *m)));
            }
        }
        let sources: Vec<Source> = self
            .present(people)
            .map(|(class, size)| {
                let c = &classes[class as usize];
                let mut spans = self.anywhere(c, monday);
                for ranked in &self.lists[&c.list] {
                    let Some((desk, (first, mondays))) = self.desks.get(&ranked.pool).zip(open.get(&ranked.pool))
                    else {
                        continue;
                    };
                    let weeks = Self::weeks(desk, mondays, c, monday);
                    for step in 0..STEPS as usize {
                        let first = first + step * mondays.len();
                        spans.extend(span(first + weeks.start..first + weeks.end, i128::from(ranked.rank)));
                    }
                }
                Source { size, spans, release: 0, pref_end: 0, late: 0, lapse: 2 * MISSING }
            })
            .collect();
        let mut missing: BTreeMap<(u32, Day), u32> = BTreeMap::new();
        for flow in simplex::solve(&bins, &sources).flows {
            if let Some(week) = (flow.bin as usize).checked_sub(self.bins.len()) {
                *missing.entry(weeks[week]).or_default() += flow.people;
            }
        }
        missing.into_iter().map(|((pool, day), free)| Seats { pool, day, free }).collect()
    }
}

/// Bins without days, for solutions in which one day is as good as another.
fn timeless(bins: &[Bin]) -> Vec<Bin> {
    bins.iter().map(|bin| Bin { day: 0, ..*bin }).collect()
}

fn span(bins: Range<usize>, cost: i128) -> Option<Span> {
    (!bins.is_empty()).then_some(Span { first: bins.start as u32, end: bins.end as u32, cost })
}

fn lapses(solution: &Solution) -> u64 {
    solution.lapses.iter().map(|n| u64::from(*n)).sum()
}

#[cfg(test)]
mod tests;
