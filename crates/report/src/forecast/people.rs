//! Who comes due in the weeks ahead, and who comes back: permits become classes of people, without names.

use std::collections::{BTreeMap, HashMap};

use chrono::{Months, NaiveDate};

use super::{Horizon, Percent};
use convoke_domain::agenda::{Jurisdiction, RankedPool};
use convoke_domain::eligibility::{Facts, Rule, assess};
use convoke_domain::permit::{PermitKind, Status};
use convoke_domain::policy::{Policy, Window};
use convoke_instance::Day;
use convoke_planning::crowd::Alike;

/// How long a one-year card is valid.
const YEAR: Months = Months::new(12);

/// Counts people as their permits are read, because a million of them must never be held at once.
pub struct People<'a> {
    policy: &'a Policy,
    jurisdiction: &'a Jurisdiction,
    horizon: Horizon,
    lists: HashMap<Vec<RankedPool>, u32>,
    due: HashMap<Alike, Due>,
    /// One-year cards to be issued to current holders, by expiry.
    cards: BTreeMap<Card, u32>,
    homes: Homes,
    late: BTreeMap<(Day, u32), u32>,
    online: u64,
}

/// People of a class: due with their current permit, or with a future one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    pub known: u32,
    pub returning: u32,
}

/// A one-year card yet to be issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Card {
    expires_on: NaiveDate,
    kind: PermitKind,
    /// Mention and commune, by number.
    home: u32,
}

/// Mentions and communes, which decide a card's window and desks.
#[derive(Default)]
struct Homes {
    names: Vec<(String, String)>,
    numbers: HashMap<(String, String), u32>,
}

/// The counts.
pub(super) struct Counted {
    pub lists: Vec<Vec<RankedPool>>,
    /// By deadline.
    pub classes: Vec<(Alike, Due)>,
    /// Already expired, and to be convoked: by deadline and list.
    pub late: BTreeMap<(Day, u32), u32>,
    /// Number who will be referred to online filing before the end of the weeks.
    pub online: u64,
}

impl<'a> People<'a> {
    /// No people.
    pub fn new(policy: &'a Policy, jurisdiction: &'a Jurisdiction, horizon: Horizon) -> Self {
        Self {
            policy,
            jurisdiction,
            horizon,
            lists: HashMap::new(),
            due: HashMap::new(),
            cards: BTreeMap::new(),
            homes: Homes::default(),
            late: BTreeMap::new(),
            online: 0,
        }
    }

    /// Counts a permit.
    pub fn take(&mut self, facts: &Facts<'_>) {
        if facts.expires_on > self.horizon.last_known {
            return;
        }
        let (rule, window) = self.comes_due(facts);
        self.count(facts, rule, window, 1, |due| &mut due.known);
        let renewed = matches!(
            rule,
            Rule::Due
                | Rule::DueLate
                | Rule::DueOnline
                | Rule::AlreadyConvoked
                | Rule::AwaitingMark
                | Rule::RenewalFiled
                | Rule::NotYetDue
        );
        // A renewal requested long ago, and never replaced in the extract, says nothing about the coming year.
        let recent = facts.expires_on.checked_add_months(Months::new(self.policy.late_months));
        if let Some(kind) = renewed_for_a_year(facts.kind)
            && renewed
            && recent.is_some_and(|day| day >= self.horizon.night)
        {
            let home = self.homes.number(facts.mention, facts.commune);
            self.issue(Card { expires_on: facts.expires_on, kind, home }, 1);
        }
    }

    /// Adds cards that expire a year after others.
    fn issue(&mut self, after: Card, people: u32) {
        let expires_on = after.expires_on.checked_add_months(YEAR).filter(|day| *day <= self.horizon.last_known);
        if let Some(expires_on) = expires_on {
            *self.cards.entry(Card { expires_on, ..after }).or_default() += people;
        }
    }

    /// The verdict of the night on which the window opens, under the rules of that night; tonight's verdict if it is
    /// already open.
    fn comes_due(&self, facts: &Facts<'_>) -> (Rule, Option<Window<'a>>) {
        let mut on = self.horizon.night;
        loop {
            let verdict = assess(facts, self.policy, self.jurisdiction, on);
            let later = match (verdict.rule, verdict.window) {
                (Rule::NotYetDue, _) => verdict.review_on,
                (Rule::Due, Some(window)) if window.opens > on => {
                    self.policy.next_change(on).map_or(window.opens, |change| change.min(window.opens))
                }
                (rule, window) => return (rule, window),
            };
            if later > self.horizon.last_known {
                return (Rule::NotYetDue, None);
            }
            on = later;
        }
    }

    fn count(
        &mut self,
        facts: &Facts<'_>,
        rule: Rule,
        window: Option<Window<'_>>,
        people: u32,
        of: impl Fn(&mut Due) -> &mut u32,
    ) {
        let by_the_end = facts.expires_on <= self.horizon.last;
        match (rule, window) {
            (Rule::Due | Rule::DueLate, Some(window)) => {
                let pools = self.jurisdiction.pools(facts.kind, facts.commune);
                let list = self.lists.get(pools).copied().unwrap_or_else(|| {
                    let next = self.lists.len() as u32;
                    self.lists.insert(pools.to_vec(), next);
                    next
                });
                let class = self.horizon.place(self.policy, facts.kind, list, &window);
                if rule == Rule::Due {
                    *of(self.due.entry(class).or_default()) += people;
                } else {
                    *self.late.entry((class.deadline, list)).or_default() += people;
                }
            }
            (Rule::DueOnline, _) if by_the_end => self.online += u64::from(people),
            _ => {}
        }
    }

    /// The policy that places people in time.
    pub(super) fn policy(&self) -> &'a Policy {
        self.policy
    }

    /// All counts, including those who come back: holders of one-year cards, a year after each expiry, except for the
    /// share who are given a multi-year card instead.
    pub(super) fn counted(mut self, multiyear: Percent) -> Counted {
        let homes = std::mem::take(&mut self.homes).names;
        while !self.cards.is_empty() {
            for (card, people) in without_multiyear(&std::mem::take(&mut self.cards), multiyear) {
                let (mention, commune) = &homes[card.home as usize];
                let facts = Facts {
                    kind: card.kind,
                    mention,
                    status: Status::Active,
                    expires_on: card.expires_on,
                    commune,
                    filed: false,
                    held: false,
                    absent: false,
                    superseded: false,
                    unknown: false,
                    convoked_for: None,
                };
                let (rule, window) = self.comes_due(&facts);
                self.count(&facts, rule, window, people, |due| &mut due.returning);
                self.issue(card, people);
            }
        }
        // In an order that does not depend on the order of the permits.
        let mut lists: Vec<(Vec<RankedPool>, u32)> = self.lists.into_iter().collect();
        lists.sort_unstable();
        let place: HashMap<u32, u32> = lists.iter().zip(0..).map(|((_, number), place)| (*number, place)).collect();
        let mut classes: Vec<(Alike, Due)> =
            self.due.into_iter().map(|(class, due)| (Alike { list: place[&class.list], ..class }, due)).collect();
        classes.sort_unstable_by_key(|(class, _)| *class);
        let late = self.late.into_iter().map(|((deadline, list), people)| ((deadline, place[&list]), people)).collect();
        let lists = lists.into_iter().map(|(list, _)| list).collect();
        Counted { lists, classes, late, online: self.online }
    }
}

impl Homes {
    fn number(&mut self, mention: &str, commune: &str) -> u32 {
        let home = (mention.to_owned(), commune.to_owned());
        if let Some(number) = self.numbers.get(&home) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(home.clone());
        self.numbers.insert(home, number);
        number
    }
}

/// The one-year card that renews a permit; `None` for cards of another length.
fn renewed_for_a_year(kind: PermitKind) -> Option<PermitKind> {
    match kind {
        // A visa that counts as a card is issued only once.
        PermitKind::Cst | PermitKind::VlsTs => Some(PermitKind::Cst),
        PermitKind::Cra1 => Some(PermitKind::Cra1),
        _ => None,
    }
}

/// The cards that remain one-year cards. The Algerian agreement has no multi-year card.
fn without_multiyear(cards: &BTreeMap<Card, u32>, share: Percent) -> Vec<(Card, u32)> {
    let mut kept = super::seats::Scale::new(Percent(-share.0));
    let of_a_year = |(card, people): (&Card, &u32)| {
        let people = if card.kind == PermitKind::Cst { kept.of(*people) } else { *people };
        (*card, people)
    };
    cards.iter().map(of_a_year).filter(|(_, people)| *people > 0).collect()
}
