//! Turns what was read into the planner's input, and its decisions into what is committed. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context, Result};
use chrono::{Days, NaiveDate};

use super::Dates;
use super::firm::Firm;
use super::observation::Observation;
use convoke_domain::agenda::{Jurisdiction, Pool, RankedPool, Slot};
use convoke_domain::calendar::is_holiday;
use convoke_domain::gaps::Gap;
use convoke_domain::ids::{HolderId, IdKey, PermitId};
use convoke_domain::permit::{Holder, PermitKind};
use convoke_domain::policy::Window;
use convoke_domain::slot::{PoolId, SlotId, minute};
use convoke_instance::{Candidate, Nights, Pass, Plan, PlanningInput, SlotSeats};
use convoke_settings::Configuration;
use convoke_store::{PermitRow, Placement};

/// A person who is due.
pub(super) struct Due<'a> {
    pub permit: PermitRow,
    pub kind: PermitKind,
    pub window: Window<'a>,
}

/// The people who are due, and what is known about them.
#[derive(Clone, Copy)]
pub(super) struct People<'a> {
    pub due: &'a [Due<'a>],
    pub holders: &'a HashMap<String, Holder>,
    pub first_seen: &'a HashMap<String, NaiveDate>,
}

/// A person to be seen, as the planner sees them.
pub(super) fn candidate(
    config: &Configuration,
    dates: Dates,
    people: People<'_>,
    id_key: &IdKey,
    (permit, holder, kind): (&str, &str, PermitKind),
    pools: Vec<RankedPool>,
    window: &Window<'_>,
) -> Result<Candidate> {
    let nights = Nights { tonight: dates.business, today: dates.today, next: dates.next_night };
    let holder = people.holders.get(holder).with_context(|| format!("permit {permit} has no holder"))?;
    Ok(Candidate::new(
        PermitId(permit.to_owned()),
        household(config, id_key, holder),
        people.first_seen.get(permit).copied().unwrap_or(dates.business),
        kind,
        holder.effective_channel(),
        pools,
        nights,
        window,
        &config.settings.policy,
    ))
}

/// The name of a household: that in the extract may identify its people.
fn household(config: &Configuration, id_key: &IdKey, holder: &Holder) -> Option<String> {
    holder.household.as_ref().map(|h| id_key.household(&config.settings.prefecture.code, h))
}

pub(super) fn planning_input(
    config: &Configuration,
    jurisdiction: &Jurisdiction,
    dates: Dates,
    (seen, released): (&Observation, &HashMap<&SlotId, u64>),
    people: People<'_>,
    id_key: &IdKey,
) -> Result<PlanningInput> {
    let pools = config.agenda.pools();
    let names: Vec<PoolId> = pools.iter().map(Pool::id).collect();
    let pool_of: HashMap<&PoolId, usize> = names.iter().zip(0..).collect();
    let mut slots = Vec::with_capacity(seen.slots.len());
    for slot in &seen.slots {
        // A desk that was removed from the agenda, or is closed that day, receives nobody.
        let Some(pool) = pool_of.get(&slot.id.pool) else { continue };
        if config.agenda.closed(pools[*pool], slot.id.day).is_some() {
            continue;
        }
        let taken = seen.taken.get(&slot.id).copied().unwrap_or(0);
        let taken = taken.saturating_sub(released.get(&slot.id).copied().unwrap_or(0));
        slots.push(SlotSeats {
            pool: *pool as u32,
            day: (slot.id.day - dates.business).num_days() as i32,
            start: minute(slot.id.start),
            free: u64::from(slot.seats).saturating_sub(taken) as u32,
        });
    }
    let nights = Nights { tonight: dates.business, today: dates.today, next: dates.next_night };
    let mut candidates = Vec::with_capacity(people.due.len());
    for d in people.due {
        let who = (d.permit.permit_id.as_str(), d.permit.holder_id.as_str(), d.kind);
        let pools = jurisdiction.pools(d.kind, &d.permit.commune).to_vec();
        candidates.push(candidate(config, dates, people, id_key, who, pools, &d.window)?);
    }
    let due: HashSet<&str> = candidates.iter().filter_map(|c| c.household.as_deref()).collect();
    let mut beside: BTreeMap<String, (i32, String)> = BTreeMap::new();
    for live in seen.live.iter().filter(|l| l.slot_id.day >= dates.today) {
        let family = people
            .holders
            .get(&live.holder_id)
            .and_then(|h| household(config, id_key, h))
            .filter(|h| due.contains(h.as_str()));
        if let Some(family) = family {
            let at = ((live.slot_id.day - dates.business).num_days() as i32, live.slot_id.pool.site.clone());
            beside.entry(family).and_modify(|first| *first = at.clone().min(first.clone())).or_insert(at);
        }
    }
    let seed = PlanningInput::seed_of(&config.settings.prefecture.code, dates.business);
    let perish_before = Some(nights.perish_before(&config.settings.policy));
    let surplus_before = nights.surplus_before(&config.settings.policy);
    let business_date = dates.business;
    let late_wait_days = config.settings.policy.late_wait_days;
    let pools = names;
    let input = PlanningInput {
        business_date,
        seed,
        perish_before,
        surplus_before,
        late_wait_days,
        beside,
        pools,
        slots,
        candidates,
    };
    Ok(input.canonical())
}

pub(super) fn firm_appointments(plan: &Plan, input: &PlanningInput, due: &HashMap<&str, &Due<'_>>) -> Vec<Firm> {
    // People with an appointment are moved, each with their own letter.
    let mut firm: Vec<Firm> = plan
        .firm()
        .filter(|a| !input.candidates[a.candidate].again)
        .map(|a| {
            let candidate = &input.candidates[a.candidate];
            let permit = &due[candidate.id.0.as_str()].permit;
            let day = input.date(a.day);
            Firm {
                placement: Placement {
                    permit_id: candidate.id.clone(),
                    holder_id: HolderId(permit.holder_id.clone()),
                    slot_id: input.slot(a.pool, a.day, a.start),
                    origin: a.pass.into(),
                },
                day,
                kind: candidate.category,
                mention: permit.mention.clone(),
                expires_on: permit.expires_on,
                short_notice: a.day < candidate.full_notice,
                late: a.pass == Pass::AfterExpiry && candidate.is_late(),
            }
        })
        .collect();
    firm.sort_by(|a, b| {
        (a.day, &a.placement.slot_id, &a.placement.permit_id).cmp(&(
            b.day,
            &b.placement.slot_id,
            &b.placement.permit_id,
        ))
    });
    firm
}

pub(super) fn warnings(
    config: &Configuration,
    dates: Dates,
    seen: &Observation,
    plan: &Plan,
    input: &PlanningInput,
) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    let policy = &config.settings.policy;
    match seen.last_extract.map(|day| (dates.today - day).num_days()) {
        None => warnings.push("Aucune extraction n'a encore été importée : `convoke import permits FICHIER`.".into()),
        Some(age) if age > i64::from(policy.extract_warn_days) => {
            warnings.push(format!(
                "La dernière extraction date de {age} jours : des titres déjà renouvelés peuvent être convoqués."
            ));
        }
        Some(_) => {}
    }
    warnings.extend(config.gaps(dates.today).iter().map(Gap::in_french));
    for unknown in &seen.unknown_titles {
        let (words, n) = (unknown.words.replace('\n', " / "), unknown.permits);
        let s = if n > 1 { "s" } else { "" };
        let fate = if unknown.is_student { "tenu pour un titre d'étudiant" } else { "personne n'est convoqué" };
        warnings.push(format!(
            "Titre inconnu « {words} »\u{a0}: {n} titre{s}, première expiration le {}, {fate}. `convoke titles add` \
             dit ce qu'il est.",
            unknown.first_expiry.format("%d/%m/%Y")
        ));
    }
    if let Some(waiting) = &seen.waiting {
        warnings.push(format!(
            "Une extraction du {} attend d'être confirmée ({})\u{a0}: `convoke import confirm {}`. La nuit suit la \
             précédente.",
            waiting.as_of.format("%d/%m/%Y"),
            waiting.why,
            waiting.id
        ));
    }
    if seen.late_post > 0 {
        let (n, s) = (seen.late_post, if seen.late_post > 1 { "s" } else { "" });
        warnings.push(format!(
            "{n} lettre{s} attend{} la poste depuis plus de deux jours ouvrés : `convoke post --out DOSSIER`.",
            if n > 1 { "ent" } else { "" }
        ));
    }
    let taken = |s: &Slot| seen.taken.get(&s.id).copied().unwrap_or(0);
    for slot in seen.slots.iter().filter(|s| taken(s) > u64::from(s.seats)) {
        // Firm appointments are kept; no seat is offered.
        warnings.push(format!(
            "Le créneau {} a {} rendez-vous fermes pour {} places.",
            slot.id,
            taken(slot),
            slot.seats
        ));
    }
    let is_holiday = |slot: &&Slot| {
        let pool = config.agenda.find(&slot.id.pool);
        pool.is_some_and(|p| !p.site.open_on_holidays && is_holiday(p.site.holiday_zone, slot.id.day))
    };
    let on_holidays: Vec<&Slot> = seen.slots.iter().filter(|s| s.seats > 0).filter(is_holiday).collect();
    if let (Some(first), seats) = (on_holidays.first(), on_holidays.iter().map(|s| u64::from(s.seats)).sum::<u64>()) {
        warnings.push(format!(
            "{seats} places tombent sur un jour férié, la première le {} à {} : elles ne sont données à personne.",
            first.id.day.format("%d/%m/%Y"),
            first.id.pool.site
        ));
    }
    if let Some(last) = &seen.last_templates
        && *last != config.templates()?.hash()
    {
        warnings.push(
            "Les modèles de lettres ont changé depuis les dernières lettres : `convoke letters preview` les montre."
                .into(),
        );
    }
    let end = seen.slots.iter().map(|s| s.id.day).max();
    let horizon = dates.business.checked_add_days(Days::new(policy.horizon_days.into()));
    if let (Some(end), Some(horizon)) = (end, horizon)
        && end < horizon
    {
        warnings.push(format!(
            "L'agenda s'arrête le {}, avant la fin de l'horizon des plans ({}) : `convoke agenda generate --until DATE`.",
            end.format("%d/%m/%Y"),
            horizon.format("%d/%m/%Y")
        ));
    }
    let beyond = |c: &Candidate| end.is_none_or(|end| input.date(c.deadline) > end);
    let cut_off = plan.lapses.iter().filter(|l| beyond(&input.candidates[l.candidate])).count();
    if cut_off > 0 {
        let end = end
            .map_or("n'a aucun créneau à venir".to_owned(), |end| format!("s'arrête le {}", end.format("%d/%m/%Y")));
        warnings.push(format!("L'agenda {end} : {cut_off} personnes sont sans rendez-vous alors que leur titre expire après cette date. `convoke agenda generate --until DATE`."));
    }
    Ok(warnings)
}
