//! The coming nights, simulated by class: what each plans, what becomes firm, and who gets the remaining seats.

use std::collections::BTreeMap;

use convoke_domain::agenda::RankedPool;
use convoke_domain::permit::Channel;
use convoke_domain::policy::Policy;
use convoke_instance::Day;
use convoke_planning::crowd::{Alike, Crowd, Seats};

/// With more weeks or classes than this, only one night a week is simulated.
const WEEKS_NIGHT_BY_NIGHT: usize = 26;
const CLASSES_NIGHT_BY_NIGHT: usize = 20_000;

/// The rules of the nights, and how long to simulate.
pub(super) struct Nights<'a> {
    pub policy: &'a Policy,
    /// A Monday.
    pub monday: Day,
    /// Last day of the weeks.
    pub last: Day,
    pub lists: &'a [Vec<RankedPool>],
}

/// The result of the simulation.
pub(super) struct Lived {
    /// People of each class whose permit expired before they were seen.
    pub lapses: Vec<u32>,
    /// Seats given.
    pub taken: Vec<Seats>,
    /// Of these, the seats of people whose permit had expired, or will have by then.
    pub late: Vec<Seats>,
}

struct Office {
    free: BTreeMap<(u32, Day), u32>,
    /// People of each class not convoked yet.
    waiting: Vec<u32>,
    /// Expired, by deadline and list.
    late: BTreeMap<(Day, u32), u32>,
    lived: Lived,
}

impl Nights<'_> {
    /// Simulates the nights. The permits of `late` have already expired; `progress` is called with nights done and in
    /// all.
    pub(super) fn live(
        &self,
        classes: &[Alike],
        people: &[u32],
        late: &BTreeMap<(Day, u32), u32>,
        seats: &[Seats],
        progress: &dyn Fn(u64, u64),
    ) -> Lived {
        let mut office = Office {
            free: seats.iter().map(|s| ((s.pool, s.day), s.free)).collect(),
            waiting: people.to_vec(),
            late: late.clone(),
            lived: Lived { lapses: vec![0; classes.len()], taken: Vec::new(), late: Vec::new() },
        };
        let few = classes.len() <= CLASSES_NIGHT_BY_NIGHT && self.last < 7 * WEEKS_NIGHT_BY_NIGHT as Day;
        let step = if few { 1 } else { 7 };
        for night in (0..=self.last).step_by(step as usize) {
            progress(night.unsigned_abs().into(), self.last.unsigned_abs().into());
            office.expire(classes, night);
            self.night(&mut office, classes, night, night + step);
        }
        office.expire(classes, self.last + 1);
        office.lived
    }

    fn night(&self, office: &mut Office, classes: &[Alike], night: Day, next: Day) {
        let policy = self.policy;
        let earliest = night + policy.short_notice_days as Day;
        let notice = policy.notice(Channel::Email) as Day;
        let firm_before = next + notice + policy.firm_lead_days as Day;
        let is_known = |c: &Alike| c.deadline <= night + policy.horizon_days as Day || c.earliest <= earliest;
        let known: Vec<usize> =
            (0..classes.len()).filter(|i| office.waiting[*i] > 0 && is_known(&classes[*i])).collect();
        let tonight: Vec<Alike> = known
            .iter()
            .map(|i| {
                let c = classes[*i];
                Alike { earliest: c.earliest.max(earliest), release: c.release.max(night + notice), ..c }
            })
            .collect();
        let sizes: Vec<u32> = known.iter().map(|i| office.waiting[*i]).collect();
        let days = office.free.iter().filter(|((_, day), _)| *day >= earliest);
        let days: Vec<Seats> = days.map(|((pool, day), free)| Seats { pool: *pool, day: *day, free: *free }).collect();
        let mut left: BTreeMap<(u32, Day), u32> = days.iter().map(|s| ((s.pool, s.day), s.free)).collect();
        let mut without = sizes.clone();
        for seated in Crowd::new(self.lists, &tonight, &days, &[], self.monday).plan(&sizes, next + notice) {
            without[seated.class as usize] -= seated.people;
            *left.entry((seated.pool, seated.day)).or_default() -= seated.people;
            if seated.day < firm_before {
                office.waiting[known[seated.class as usize]] -= seated.people;
                office.give(seated.pool, seated.day, seated.people);
            }
        }
        self.after_expiry(office, classes, night, firm_before, left, known.iter().copied().zip(without));
    }

    /// Gives the first remaining seats to those whose permit has expired and to those the plan leaves out, longest
    /// overdue first.
    fn after_expiry(
        &self,
        office: &mut Office,
        classes: &[Alike],
        night: Day,
        firm_before: Day,
        mut left: BTreeMap<(u32, Day), u32>,
        without: impl Iterator<Item = (usize, u32)>,
    ) {
        let policy = self.policy;
        let short = night + policy.short_notice_days as Day;
        let surplus = night + policy.horizon_days as Day - policy.longest_window() as Day;
        let expired = office.late.iter().map(|((deadline, list), n)| (*deadline, *list, None, *n));
        let lapsing = without.map(|(i, n)| (classes[i].deadline, classes[i].list, Some(i), n));
        let mut queue: Vec<(Day, u32, Option<usize>, u32)> = expired.chain(lapsing).filter(|(.., n)| *n > 0).collect();
        queue.sort_unstable();
        for (deadline, list, class, mut people) in queue {
            let earliest = short.max(class.map_or(short, |i| classes[i].earliest));
            while people > 0 {
                let first = |ranked: &RankedPool| {
                    let from = earliest.max(deadline + 1);
                    let mut seats = left.range((ranked.pool, from)..(ranked.pool + 1, Day::MIN));
                    seats.find(|(_, free)| **free > 0).map(|((pool, day), _)| (*day, ranked.rank, *pool))
                };
                let Some((day, _, pool)) = self.lists[list as usize].iter().filter_map(first).min() else { break };
                let free = left.entry((pool, day)).or_default();
                let some = people.min(*free);
                (*free, people) = (*free - some, people - some);
                let waited = deadline < night - policy.late_wait_days as Day;
                if deadline > earliest || !(day < firm_before || waited || day < surplus) {
                    continue;
                }
                office.give(pool, day, some);
                office.lived.late.push(Seats { pool, day, free: some });
                match class {
                    Some(i) => {
                        office.waiting[i] -= some;
                        office.lived.lapses[i] += some;
                    }
                    None => *office.late.entry((deadline, list)).or_default() -= some,
                }
            }
        }
        office.late.retain(|_, people| *people > 0);
    }
}

impl Office {
    fn give(&mut self, pool: u32, day: Day, people: u32) {
        *self.free.entry((pool, day)).or_default() -= people;
        self.lived.taken.push(Seats { pool, day, free: people });
    }

    /// People still waiting when their permit expires lapse, and go on waiting among the late.
    fn expire(&mut self, classes: &[Alike], night: Day) {
        for (i, class) in classes.iter().enumerate().take_while(|(_, c)| c.deadline < night) {
            let people = std::mem::take(&mut self.waiting[i]);
            if people > 0 {
                self.lived.lapses[i] += people;
                *self.late.entry((class.deadline, class.list)).or_default() += people;
            }
        }
    }
}
