//! Closing a desk for a day: the people expected there are rebooked at once, before anyone new.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context, Result};
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::json;

use super::appointment::{give_up, put_elsewhere};
use super::{ATTEMPTS, Hand, Refused, live};
use crate::run::{Convocation, For, Preview, preview};
use convoke_domain::convocation::{Remark, State};
use convoke_domain::eligibility::{Rule, assess};
use convoke_domain::ids::Reference;
use convoke_domain::permit::Channel;
use convoke_domain::slot::{PoolId, SlotId};
use convoke_instance::{Candidate, Nights, PlanningInput};
use convoke_letters::{Because, CancelledBy};
use convoke_machine::confirm::Confirmed;
use convoke_planning as planning;
use convoke_store::{ClosedDay, Live, Store};

/// With fewer days left before an appointment, e-mail is not relied on: the person is called. A letter by post needs as
/// long as a short notice.
const CALL_DAYS: i64 = 3;

/// What to close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Site.
    pub site: String,
    /// Desk; every desk of the site if absent.
    pub desk: Option<String>,
    /// Day.
    pub day: NaiveDate,
}

impl Closing {
    /// `SITE` or `SITE/DESK`.
    pub fn of(place: &str, day: NaiveDate) -> Self {
        let (site, desk) = place.split_once('/').map_or((place, None), |(site, desk)| (site, Some(desk.to_owned())));
        Self { site: site.to_owned(), desk, day }
    }

    fn covers(&self, pool: &PoolId) -> bool {
        pool.site == self.site && self.desk.as_ref().is_none_or(|desk| *desk == pool.desk)
    }
}

/// A person who was expected.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Hit {
    /// The cancelled appointment.
    pub reference: String,
    /// Its hour.
    pub hour: String,
    /// The new appointment; `None` if no seat is left: the person is then due again tonight.
    pub new_reference: Option<String>,
    /// Its slot.
    pub new_slot: Option<SlotId>,
    /// Whether the new appointment is after the permit expires.
    pub after_expiry: bool,
    /// Whether the letter may come too late, so that the person must be called.
    pub call: bool,
    /// Telephone number, as written.
    pub phone: Option<String>,
    /// Whether a letter about it is written.
    pub letter: bool,
}

/// What closing a day costs those who were expected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// People who were expected.
    pub people: usize,
    /// Of those, people who get another appointment.
    pub moved: usize,
    /// The first and the last of their days.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// People whose new day is after their expiry.
    pub after_expiry: usize,
    /// People for whom no seat is left.
    pub without_seat: usize,
    /// Letters written.
    pub letters: usize,
}

impl Cost {
    /// The cost of what was, or would be, done.
    pub fn of(hits: &[Hit]) -> Self {
        let days = || hits.iter().filter_map(|hit| Some(hit.new_slot.as_ref()?.day));
        Self {
            people: hits.len(),
            moved: days().count(),
            days: days().min().zip(days().max()),
            after_expiry: hits.iter().filter(|hit| hit.after_expiry).count(),
            without_seat: hits.iter().filter(|hit| hit.new_slot.is_none()).count(),
            letters: hits.iter().filter(|hit| hit.letter).count(),
        }
    }
}

/// Closes a day and rebooks everyone expected, planned together, with one letter each.
pub fn close(store: &mut Store, hand: &mut Hand<'_>, closing: &Closing, _: &Confirmed) -> Result<Vec<Hit>> {
    check(hand, closing)?;
    for _ in 0..ATTEMPTS {
        let seen = preview(store, hand.config, None, For::Act, &mut hand.tools())?;
        let people = store.read(|s| expected(s, hand, closing))?;
        let ended = store.read(|s| ended(s, hand, &people))?;
        let seats = plan_again(store, hand, closing, &seen, (&people, &ended))?;
        let done = store.write(|s| {
            if s.data_version()? != seen.data_version {
                return Ok(None);
            }
            carry_out(s, hand, closing, (&people, &ended), &seats).map(Some)
        })?;
        if let Some(hits) = done {
            return Ok(hits);
        }
    }
    Err(Refused::Unsettled.into())
}

/// Reopens a day. Its seats are restored, but nobody is moved back. `false` if it was not closed.
pub fn reopen(store: &mut Store, hand: &mut Hand<'_>, closing: &Closing) -> Result<bool> {
    check(hand, closing)?;
    let desk = closing.desk.as_deref().unwrap_or_default();
    store.write(|s| {
        if !s.reopen_day(&closing.site, desk, closing.day)? {
            return Ok(false);
        }
        let payload = json!({"site": closing.site, "desk": closing.desk, "day": closing.day});
        hand.record(s, None, "agenda.reopened", payload)?;
        Ok(true)
    })
}

/// Number of people expected; if the day is today, only those still to come.
pub fn count_expected(store: &mut Store, hand: &Hand<'_>, closing: &Closing) -> Result<usize> {
    Ok(still_expected(store, hand, closing)?.len())
}

fn still_expected(s: &mut Store, hand: &Hand<'_>, closing: &Closing) -> Result<Vec<Live>> {
    let mut live = s.expected_on(&closing.site, closing.desk.as_deref(), closing.day)?;
    if closing.day == hand.today() {
        let site = hand.config.agenda.site.iter().find(|s| s.id == closing.site);
        let zone = site.map_or(hand.config.settings.prefecture.zone, |s| s.zone);
        let now = hand.now().with_timezone(&zone).time();
        // A person whose hour has passed is marked, not moved.
        live.retain(|l| l.slot_id.start > now);
    }
    Ok(live)
}

/// Refuses places and days that cannot be closed.
pub fn check(hand: &Hand<'_>, closing: &Closing) -> Result<()> {
    let site = hand.config.agenda.site.iter().find(|s| s.id == closing.site);
    let known = site.is_some_and(|s| closing.desk.as_ref().is_none_or(|d| s.desk.iter().any(|known| known.id == *d)));
    if !known {
        let desk = closing.desk.as_ref().map(|d| format!("/{d}")).unwrap_or_default();
        return Err(Refused::NoPlace(format!("{}{desk}", closing.site)).into());
    }
    if closing.day < hand.today() {
        return Err(Refused::DayPast(closing.day).into());
    }
    Ok(())
}

fn expected(s: &mut Store, hand: &Hand<'_>, closing: &Closing) -> Result<Vec<Convocation>> {
    let expected = still_expected(s, hand, closing)?;
    expected.iter().map(|l| live(s, &Reference::parse(&l.reference).context("a reference in the database")?)).collect()
}

/// Plans only the people who were expected, on every seat that is free and not closed: nobody new can take a seat
/// before them.
fn plan_again(
    store: &mut Store,
    hand: &mut Hand<'_>,
    closing: &Closing,
    seen: &Preview,
    (people, ended): (&[Convocation], &HashMap<String, Rule>),
) -> Result<HashMap<String, SlotId>> {
    let config = hand.config;
    let (policy, dates) = (&config.settings.policy, seen.dates);
    let key = store.id_key(hand.entropy)?;
    let jurisdiction = config.agenda.jurisdiction();
    let nights = Nights { tonight: dates.business, today: dates.today, next: dates.next_night };
    let candidates = people.iter().filter(|c| !ended.contains_key(c.reference.as_str())).map(|c| &c.person).map(|p| {
        let window = policy.window(p.permit.kind, &p.permit.mention, p.permit.expires_on, dates.business);
        let household = p.holder.household.as_ref().map(|h| key.household(&config.settings.prefecture.code, h));
        Some(Candidate::new(
            p.permit_id.clone(),
            household,
            dates.business,
            p.permit.kind,
            p.holder.effective_channel(),
            jurisdiction.pools(p.permit.kind, &p.permit.commune).to_vec(),
            nights,
            &window?,
            policy,
        ))
    });
    // A holder to whom no rule gives a window any longer gets no seat: that appointment is cancelled.
    let candidates = candidates.flatten().collect::<Vec<_>>();
    let closed = (closing.day - seen.input.business_date).num_days() as convoke_instance::Day;
    let mut input = PlanningInput { candidates, beside: BTreeMap::new(), ..seen.input.clone() };
    input.slots.retain(|s| s.day != closed || !closing.covers(&seen.input.pools[s.pool as usize]));
    let input = input.canonical();
    let (plan, _) = planning::plan(&input).context("planning those who were expected")?;
    let slot = |a: &convoke_instance::Appointment| {
        (input.candidates[a.candidate].id.0.clone(), input.slot(a.pool, a.day, a.start))
    };
    Ok(plan.appointments.iter().map(slot).collect())
}

/// Whose need of the appointment has ended, by which verdict: they take nobody's seat.
fn ended(s: &mut Store, hand: &Hand<'_>, people: &[Convocation]) -> Result<HashMap<String, Rule>> {
    let (policy, jurisdiction) = (&hand.config.settings.policy, hand.config.agenda.jurisdiction());
    let expected: HashSet<&str> = people.iter().map(|c| c.reference.as_str()).collect();
    let mut ended = HashMap::new();
    for case in s.live_cases()?.into_iter().filter(|case| expected.contains(case.reference.as_str())) {
        let rule = assess(&case.facts(), policy, &jurisdiction, hand.today()).rule;
        if rule.ends_need() && case.basis().is_none_or(|basis| basis.rule != rule) {
            ended.insert(case.reference, rule);
        }
    }
    Ok(ended)
}

/// Ends an appointment that nobody needs any more; the deceased are not written to. Whether a letter is written.
fn end_for(s: &mut Store, hand: &mut Hand<'_>, of: &Convocation, rule: Rule) -> Result<bool> {
    let letter = match rule {
        Rule::Deceased => {
            of.take_letters_back(s, Remark::Deceased, hand.now())?;
            None
        }
        Rule::RenewalFiled => of.tell_the_end(s, hand.occasion(), CancelledBy::Office, Some(Because::Filed))?,
        Rule::NotLatestPermit => of.tell_the_end(s, hand.occasion(), CancelledBy::Office, Some(Because::Renewed))?,
        _ => of.tell_the_end(s, hand.occasion(), CancelledBy::Office, Some(Because::Ended))?,
    };
    s.end_convocations(&[of.reference.to_string()], State::Cancelled)?;
    let payload =
        json!({"reference": of.reference.as_str(), "cause": rule, "letter": letter.as_ref().map(|l| &l.letter_id)});
    hand.record(s, Some(&of.person.holder_id), "convocation.cancelled", payload)?;
    Ok(letter.is_some())
}

fn carry_out(
    s: &mut Store,
    hand: &mut Hand<'_>,
    closing: &Closing,
    (people, ended): (&[Convocation], &HashMap<String, Rule>),
    seats: &HashMap<String, SlotId>,
) -> Result<Vec<Hit>> {
    let desk = closing.desk.clone().unwrap_or_default();
    let closed = ClosedDay { site: closing.site.clone(), desk, day: closing.day, reason: hand.reason.to_owned() };
    s.close_day(&closed, hand.now())?;
    let mut hits = Vec::new();
    for expected in people {
        let moved = if let Some(slot) = seats.get(&expected.person.permit_id.0) {
            Some(put_elsewhere(s, hand, expected, slot, CancelledBy::Office)?)
        } else {
            None
        };
        let over = ended.get(expected.reference.as_str());
        let letter = match (&moved, over) {
            (Some(_), _) => true,
            (None, Some(rule)) => end_for(s, hand, expected, *rule)?,
            (None, None) => give_up(s, hand, expected, CancelledBy::Office)?.letter.is_some(),
        };
        let by_post = expected.person.holder.effective_channel() != Channel::Email;
        let days = if by_post { i64::from(hand.config.settings.policy.short_notice_days) } else { CALL_DAYS };
        let call = over != Some(&Rule::Deceased) && (closing.day - hand.today()).num_days() < days;
        hits.push(Hit {
            reference: expected.reference.to_string(),
            hour: expected.slot_id.start.format("%H:%M").to_string(),
            after_expiry: moved.as_ref().is_some_and(|m| m.slot.day > expected.person.permit.expires_on),
            new_slot: moved.as_ref().map(|m| m.slot.clone()),
            new_reference: moved.map(|m| m.reference),
            letter,
            call,
            phone: expected.person.holder.phone.clone().filter(|_| call),
        });
    }
    let moved = hits.iter().filter(|h| h.new_reference.is_some()).count();
    let payload = json!({"site": closed.site, "desk": closing.desk, "day": closed.day, "expected": hits.len(), "moved": moved,
        "references": hits.iter().map(|h| &h.reference).collect::<Vec<_>>(),
        "numbers_shown": hits.iter().filter(|h| h.phone.is_some()).count()});
    hand.record(s, None, "agenda.closed", payload)?;
    Ok(hits)
}
