//! Why people lapse, and the fewest extra seats that would have helped.
//!
//! Every lapse either has no possible day, or is part of a *bottleneck*: a group of people and all the pool-days that
//! any of them may take, where people outnumber seats by the number of lapses (Hall 1935: such a group exists whenever
//! someone must be left out). Marginal prices show where a seat is scarce, but not what several seats would do
//! together. The minimum augmentation solves the plan again with overtime, which costs more than any lateness and less
//! than a lapse.

use std::collections::{BTreeMap, HashMap};

use chrono::Datelike;
use serde::Serialize;

use super::assignment::{Component, Seating, sizes, source};
use super::simplex::{self, Bin, Flow, Span};
use convoke_instance::{Day, Instance, LAPSE, LapseCause, NOWHERE, Proof, RANK, RankedPool, find, unite};

/// `explain.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// `convoke.explain/1`.
    pub schema: &'static str,
    /// Every lapse in the plan that the prices prove.
    pub lapses: Vec<ExplainedLapse>,
    /// Groups of people who outnumber their seats.
    pub bottlenecks: Vec<Bottleneck>,
    /// The fewest extra seats that prevent the most lapses.
    pub augmentation: Augmentation,
}

/// Why one person lapses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedLapse {
    /// Id of the person.
    pub id: String,
    /// Cause.
    pub cause: LapseCause,
    /// Index into the bottlenecks, if capacity is the cause.
    pub bottleneck: Option<usize>,
}

/// People who can use only these seats: demand − capacity = lapses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bottleneck {
    /// People.
    pub demand: u64,
    /// Seats.
    pub capacity: u64,
    /// Surplus of people.
    pub lapses: u64,
    /// First day of those seats.
    pub first_day: Day,
    /// Last day of those seats.
    pub last_day: Day,
    /// The seats, by site, desk and week.
    pub seats: Vec<WeekSeats>,
}

/// Seats of a desk in a week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WeekSeats {
    /// Site.
    pub site: String,
    /// Desk.
    pub desk: String,
    /// ISO 8601 week, such as 2026-W41.
    pub week: String,
    /// Seats: all of them taken, or in an augmentation the extra ones.
    pub capacity: u64,
}

/// The fewest extra seats that prevent the most lapses, up to a limit per desk and week.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Augmentation {
    /// The most extra seats of a desk in a week.
    pub overtime_limit: u32,
    /// Extra seats.
    pub extra_seats: u64,
    /// Lapses that they prevent: one each.
    pub avoided_lapses: u64,
    /// Their desks and weeks.
    pub seats: Vec<WeekSeats>,
    /// The people who would no longer lapse.
    pub saves: Vec<String>,
}

/// Explains every lapse in a plan. `overtime` is the most extra seats that a desk could open in a week.
pub fn explain(proof: &Proof, overtime: u32) -> Explanation {
    let (lapses, bottlenecks) = bottlenecks(proof);
    let augmentation = augmentation(proof, overtime);
    Explanation { schema: "convoke.explain/1", lapses, bottlenecks, augmentation }
}

/// ISO week of a day: year and number.
fn week(instance: &Instance, day: Day) -> (i32, u32) {
    let date = instance.date(day).iso_week();
    (date.year(), date.week())
}

fn by_week(instance: &Instance, seats: impl Iterator<Item = (u32, Day, u64)>) -> Vec<WeekSeats> {
    let mut sums: BTreeMap<(u32, (i32, u32)), u64> = BTreeMap::new();
    for (pool, day, seats) in seats {
        *sums.entry((pool, week(instance, day))).or_default() += seats;
    }
    let named = sums.into_iter().map(|((pool, (year, week)), capacity)| {
        let name = &instance.pools[pool as usize];
        WeekSeats { site: name.site.clone(), desk: name.desk.clone(), week: format!("{year}-W{week:02}"), capacity }
    });
    named.collect()
}

/// Starting from those who lapse: all the seats they may take, all the people who hold them, all the seats those may
/// take, and so on. Every seat reached is taken; otherwise someone could move to it and make room.
fn bottlenecks(proof: &Proof) -> (Vec<ExplainedLapse>, Vec<Bottleneck>) {
    let (instance, places) = (&proof.instance, proof.proved());
    let mut classes_at: Vec<(u32, u32)> =
        places.iter().zip(&instance.class).filter(|(p, _)| **p != NOWHERE).map(|(p, c)| (*p, *c)).collect();
    classes_at.sort_unstable();
    classes_at.dedup();
    let mut lapsing = vec![0u64; instance.classes.len()];
    for (_, class) in places.iter().zip(&instance.class).filter(|(place, _)| **place == NOWHERE) {
        lapsing[*class as usize] += 1;
    }
    let has_days = |class: usize| instance.options(&instance.classes[class]).next().is_some();
    let mut queue: Vec<usize> = (0..lapsing.len()).filter(|c| lapsing[*c] > 0 && has_days(*c)).collect();
    let mut group: Vec<u32> = (0..lapsing.len() as u32).collect();
    let mut reached = vec![false; lapsing.len()];
    let mut reached_by: Vec<Option<usize>> = vec![None; instance.bins.len()];
    for class in &queue {
        reached[*class] = true;
    }
    while let Some(class) = queue.pop() {
        for (bin, _) in instance.options(&instance.classes[class]) {
            if let Some(other) = reached_by[bin] {
                unite(&mut group, class as u32, other as u32);
                continue;
            }
            reached_by[bin] = Some(class);
            let from = classes_at.partition_point(|(at, _)| (*at as usize) < bin);
            for (_, other) in classes_at[from..].iter().take_while(|(at, _)| *at as usize == bin) {
                unite(&mut group, class as u32, *other);
                let other = *other as usize;
                if !reached[other] {
                    reached[other] = true;
                    queue.push(other);
                }
            }
        }
    }
    let sizes = sizes(instance);
    let mut position: BTreeMap<u32, usize> = BTreeMap::new();
    let mut all: Vec<(u64, u64, Vec<usize>)> = Vec::new();
    for class in (0..reached.len()).filter(|c| reached[*c]) {
        let at = *position.entry(find(&mut group, class as u32)).or_insert(all.len());
        if at == all.len() {
            all.push((0, 0, Vec::new()));
        }
        all[at].0 += u64::from(sizes[class]);
        all[at].1 += lapsing[class];
    }
    for (bin, class) in reached_by.iter().enumerate() {
        if let Some(class) = class {
            let at = position[&find(&mut group, *class as u32)];
            all[at].2.push(bin);
        }
    }
    let bottlenecks = all.into_iter().map(|(demand, lapses, bins)| {
        let bins: Vec<_> = bins.into_iter().map(|bin| instance.bins[bin]).collect();
        let capacity = bins.iter().map(|b| u64::from(b.seats)).sum();
        assert_eq!(demand, capacity + lapses, "a bottleneck whose seats are not all taken by its people");
        Bottleneck {
            demand,
            capacity,
            lapses,
            first_day: bins.iter().map(|b| b.day).min().unwrap_or_default(),
            last_day: bins.iter().map(|b| b.day).max().unwrap_or_default(),
            seats: by_week(instance, bins.iter().map(|b| (b.pool, b.day, u64::from(b.seats)))),
        }
    });
    let bottlenecks = bottlenecks.collect();
    let lapses = (0..places.len()).filter(|person| places[*person] == NOWHERE).map(|person| {
        let class = instance.class[person] as usize;
        let bottleneck = reached[class].then(|| position[&find(&mut group, class as u32)]);
        let cause = if reached[class] { LapseCause::NoCapacity } else { LapseCause::NoPossibleDay };
        ExplainedLapse { id: instance.id(person).to_owned(), cause, bottleneck }
    });
    (lapses.collect(), bottlenecks)
}

/// Solves each component with lapses again, with overtime for each desk and week in which it is open. People who have a
/// seat keep one, so each extra seat prevents one lapse, and the people can be named.
fn augmentation(proof: &Proof, overtime: u32) -> Augmentation {
    let (instance, places) = (&proof.instance, proof.proved());
    let mut result = Augmentation { overtime_limit: overtime, ..Augmentation::default() };
    let mut lapsing: HashMap<u32, Vec<usize>> = HashMap::new();
    for person in (0..places.len()).filter(|person| places[*person] == NOWHERE) {
        lapsing.entry(instance.class[person]).or_default().push(person);
    }
    if overtime == 0 {
        return result;
    }
    let sizes = sizes(instance);
    let mut extra = Vec::new();
    for component in Component::all(instance).iter().filter(|c| c.classes.iter().any(|c| lapsing.contains_key(c))) {
        let at_stake: Vec<(u32, &[usize])> =
            component.classes.iter().filter_map(|c| Some((*c, lapsing.get(c)?.as_slice()))).collect();
        let mut seating = component.seating(instance, |bin| instance.bins[bin].seats);
        let weeks = Weeks::add(instance, component, overtime, &mut seating);
        let class_source = |class: u32, size: u32, lapse: i128| {
            let c = &instance.classes[class as usize];
            let mut spans = Vec::new();
            for ranked in &instance.lists[c.list as usize] {
                spans.extend(seating.span(*ranked, c.release, c.deadline));
                spans.extend(weeks.span(instance, *ranked, c.release, c.deadline));
            }
            let mut source = source(c, size, spans);
            source.lapse += lapse;
            source
        };
        let seated = component.classes.iter().map(|class| {
            let lapsing = lapsing.get(class).map_or(0, Vec::len) as u32;
            class_source(*class, sizes[*class as usize] - lapsing, 4 * LAPSE)
        });
        let lapsing = at_stake.iter().map(|(class, people)| class_source(*class, people.len() as u32, LAPSE));
        let sources: Vec<_> = lapsing.chain(seated).filter(|s| s.size > 0).collect();
        let solution = simplex::solve(&seating.bins, &sources);
        let mut saved = 0;
        for ((_, people), after) in at_stake.iter().zip(&solution.lapses) {
            let some = &people[..people.len() - *after as usize];
            saved += some.len() as u64;
            result.saves.extend(some.iter().map(|person| instance.id(*person).to_owned()));
        }
        let seats: Vec<_> = solution.flows.iter().filter_map(|f| weeks.of_bin(f)).collect();
        let all: u64 = seats.iter().map(|(.., people)| people).sum();
        assert_eq!(saved, all, "an extra seat that saves nobody");
        extra.extend(seats);
        result.extra_seats += all;
        result.avoided_lapses += saved;
    }
    result.seats = by_week(instance, extra.into_iter());
    result.saves.sort_unstable();
    result
}

/// Overtime: after the pool-days, a bin for each desk and week in which the desk is open.
struct Weeks {
    first_bin: usize,
    /// Pool, first and last open day of each.
    open: Vec<(u32, Day, Day)>,
}

impl Weeks {
    fn add(instance: &Instance, component: &Component, overtime: u32, seating: &mut Seating<'_>) -> Self {
        let mut weeks = Self { first_bin: seating.bins.len(), open: Vec::new() };
        for pool in &component.pools {
            let days = &instance.bins[instance.pool_days(*pool, Day::MIN, Day::MAX)];
            for days in days.chunk_by(|a, b| week(instance, a.day) == week(instance, b.day)) {
                let (first, last) = (days[0].day, days[days.len() - 1].day);
                weeks.open.push((*pool, first, last));
                seating.bins.push(Bin { day: first, seats: overtime, base: LAPSE });
            }
        }
        weeks
    }

    /// The weeks in which a pool has an open day between two days.
    fn span(&self, instance: &Instance, ranked: RankedPool, first: Day, last: Day) -> Option<Span> {
        let days = instance.pool_days(ranked.pool, first, last);
        let (first, last) = (instance.bins.get(days.start)?.day, instance.bins[days.clone()].last()?.day);
        let from = self.open.partition_point(|(pool, _, week_end)| (*pool, *week_end) < (ranked.pool, first));
        let to = self.open.partition_point(|(pool, week_start, _)| (*pool, *week_start) <= (ranked.pool, last));
        let at = |position: usize| (self.first_bin + position) as u32;
        Some(Span { first: at(from), end: at(to), cost: i128::from(ranked.rank) * RANK })
    }

    /// Pool, day and people of a flow into overtime.
    fn of_bin(&self, flow: &Flow) -> Option<(u32, Day, u64)> {
        let (pool, first, _) = self.open.get((flow.bin as usize).checked_sub(self.first_bin)?)?;
        Some((*pool, *first, u64::from(flow.people)))
    }
}
