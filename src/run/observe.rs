//! Reads everything in one transaction, then decides purely: verdicts, plan, figures.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context, Result, ensure};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Dates, Tools};
use crate::agenda::Jurisdiction;
use crate::eligibility::{NEVER, Rule, assess};
use crate::ids::{HolderId, IdKey, PermitId, SlotId};
use crate::permit::{Holder, PermitKind};
use crate::planning::{self, Candidate, Figures, Nights, Pass, Plan, PlanningInput, Proof, SlotSeats, check};
use crate::policy::{Policy, Window};
use crate::settings::Configuration;
use crate::store::{Live, PermitRow, Placement, SlotRow, Store, VerdictChange};

/// What one night saw and decided, before anything is written.
pub(super) struct Seen {
    pub dates: Dates,
    pub rules_hash: String,
    /// All permits by rule, tonight's verdicts included.
    pub outcomes: BTreeMap<String, u64>,
    /// Verdicts to be stored.
    pub changes: Vec<VerdictChange>,
    /// Whether a verdict changed for another reason than that a run of this date has convoked the holder.
    pub has_news: bool,
    /// Past appointments that nobody marked in time.
    pub unmarked: Vec<Live>,
    pub input: PlanningInput,
    pub plan: Plan,
    pub figures: Figures,
    pub input_hash: String,
    pub plan_hash: String,
    /// Hash of what the plan leaves to plan.
    pub rest_hash: String,
    pub proof: Proof,
    pub certificate: &'static str,
    /// Firm appointments, in the order in which they are committed: soonest first.
    pub firm: Vec<Firm>,
    pub warnings: Vec<String>,
}

impl Seen {
    /// Whether there is nothing to do beyond what a run of this date did, which left `rest` to plan: equally good plans
    /// may differ, so it is what they are made from that tells.
    pub(super) fn changes_nothing_after(&self, rest: Option<&str>) -> bool {
        !self.has_news && self.unmarked.is_empty() && rest == Some(&self.input_hash)
    }
}

/// An appointment to be made firm, and what its letter needs to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firm {
    /// Who, where.
    pub placement: Placement,
    /// Day.
    pub day: NaiveDate,
    /// Type of permit.
    pub kind: PermitKind,
    /// Mention.
    pub mention: String,
    /// Last day of the permit.
    pub expires_on: NaiveDate,
    /// Whether the notice is reduced.
    pub short_notice: bool,
    /// Whether the permit had expired already.
    pub late: bool,
}

/// What `plan` shows: it writes nothing.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Business date.
    pub business_date: NaiveDate,
    /// All permits by rule.
    pub outcomes: BTreeMap<String, u64>,
    /// What the planner saw.
    pub input: PlanningInput,
    /// What it decided.
    pub plan: Plan,
    /// What proves it.
    pub proof: Proof,
    /// `closed` or `open`.
    pub certificate: &'static str,
    /// Whether a run of this date has done all that there is to do.
    pub settled: bool,
    /// Its figures.
    pub figures: Figures,
    /// SHA-256 of the input.
    pub input_hash: String,
    /// SHA-256 of the plan, for `run --plan`.
    pub plan_hash: String,
    /// SHA-256 of the rules.
    pub policy_hash: String,
    /// What the operator should know.
    pub warnings: Vec<String>,
}

/// Plans a date without writing anything.
pub fn preview(
    store: &mut Store,
    config: &Configuration,
    date: Option<NaiveDate>,
    tools: &mut Tools<'_>,
) -> Result<Preview> {
    let mut dates = Dates::of(date, tools.clock, config)?;
    if dates.business > dates.today {
        // The night itself is then today.
        dates.today = dates.business;
        dates.next_night = dates.business.succ_opt().context("a date after which none comes")?;
    }
    let seen = observe(store, config, dates, tools)?;
    let last = store.completed_run(dates.business)?;
    let settled = last.is_some_and(|last| seen.changes_nothing_after(last.rest_hash.as_deref()));
    Ok(Preview {
        settled,
        business_date: dates.business,
        outcomes: seen.outcomes,
        input: seen.input,
        plan: seen.plan,
        proof: seen.proof,
        certificate: seen.certificate,
        figures: seen.figures,
        input_hash: seen.input_hash,
        plan_hash: seen.plan_hash,
        policy_hash: config.settings.policy.hash(),
        warnings: seen.warnings,
    })
}

/// All that is read, of one state of the database.
struct Observation {
    live: Vec<Live>,
    slots: Vec<SlotRow>,
    taken: BTreeMap<String, u64>,
    last_extract: Option<NaiveDate>,
}

/// Somebody who is due.
struct Due<'a> {
    permit: PermitRow,
    kind: PermitKind,
    window: Window<'a>,
}

/// The verdicts of one night, given row by row as permits are read: a million of them are never held at once.
struct Verdicts<'a> {
    policy: &'a Policy,
    jurisdiction: &'a Jurisdiction,
    today: NaiveDate,
    /// Day of each holder's live convocation.
    convoked: HashMap<String, NaiveDate>,
    /// Holders convoked by runs of this very date.
    ours: HashSet<String>,
    /// All permits by rule: by the stored verdicts of those that are not read, and by tonight's of those that are.
    outcomes: BTreeMap<String, u64>,
    /// Whether `outcomes` counted the stored verdicts of those that are read.
    counted: bool,
    changes: Vec<VerdictChange>,
    due: Vec<Due<'a>>,
    has_news: bool,
    read: u64,
}

impl Verdicts<'_> {
    fn take(&mut self, row: PermitRow) -> Result<()> {
        let facts = row.facts(self.convoked.get(&row.holder_id).copied());
        let verdict = assess(&facts, self.policy, self.jurisdiction, self.today);
        let kind = facts.kind;
        self.read += 1;
        if self.counted && !row.has_rule(verdict.rule) {
            let left =
                self.outcomes.get_mut(row.stored_rule()).context("the permits by rule and the permits disagree")?;
            *left -= 1;
        }
        if !self.counted || !row.has_rule(verdict.rule) {
            match self.outcomes.get_mut(verdict.rule.code()) {
                Some(count) => *count += 1,
                None => drop(self.outcomes.insert(verdict.rule.code().to_owned(), 1)),
            }
        }
        if !row.has_rule(verdict.rule) || !row.is_reviewed_by(verdict.review_on, self.today) {
            self.has_news |= verdict.rule != Rule::AlreadyConvoked || !self.ours.contains(&row.holder_id);
            self.changes.push(VerdictChange {
                permit_id: row.permit_id.clone(),
                rule: verdict.rule.code(),
                review_on: verdict.review_on,
            });
        }
        if let (Rule::Due | Rule::DueLate, Some(window)) = (verdict.rule, verdict.window) {
            self.due.push(Due { permit: row, kind, window });
        }
        Ok(())
    }
}

pub(super) fn observe(store: &mut Store, config: &Configuration, dates: Dates, tools: &mut Tools<'_>) -> Result<Seen> {
    let id_key = store.id_key(tools.entropy)?;
    let rules_hash = config.rules_hash();
    let watch = crate::clock::Stopwatch::start();
    let known_rules = store.assessed_with()?.is_some_and(|known| known == rules_hash);
    // Under other rules every verdict may differ.
    let review = known_rules.then(|| dates.business.max(dates.today));
    let policy = &config.settings.policy;
    let jurisdiction = config.agenda.jurisdiction();
    let runs_of_date = format!("{}/{}/", store.prefecture(), dates.business);
    (tools.progress)("reading and assessing permits", 0, 0);
    let (observation, verdicts, holders, first_seen) = store.read(|s| {
        let observation = Observation {
            live: s.live_convocations()?,
            slots: s.slots(dates.today, NEVER)?,
            taken: s.taken(dates.today)?,
            last_extract: s.last_extract()?,
        };
        let mut verdicts = Verdicts {
            policy,
            jurisdiction: &jurisdiction,
            today: dates.business,
            convoked: observation.live.iter().map(|l| (l.holder_id.clone(), l.day)).collect(),
            ours: observation
                .live
                .iter()
                .filter(|l| l.run_id.as_ref().is_some_and(|id| id.starts_with(&runs_of_date)))
                .map(|l| l.holder_id.clone())
                .collect(),
            // Those that are not read are counted by the database, and nothing is counted twice: where all are read, none.
            outcomes: if review.is_some() { s.permits_by_rule()? } else { BTreeMap::new() },
            counted: review.is_some(),
            changes: Vec::new(),
            due: Vec::new(),
            has_news: false,
            read: 0,
        };
        s.permits_to_review(review, |row| verdicts.take(row))?;
        tracing::info!(
            permits = verdicts.read,
            due = verdicts.due.len(),
            seconds = watch.seconds(),
            "Read and assessed {} permits",
            verdicts.read
        );
        let due = verdicts.due.iter().map(|d| d.permit.holder_id.as_str());
        let convoked = observation.live.iter().filter(|l| l.day >= dates.today).map(|l| l.holder_id.as_str());
        let holders = s.holders(&due.chain(convoked).collect::<Vec<_>>())?;
        let ids: Vec<&str> = verdicts.due.iter().map(|d| d.permit.permit_id.as_str()).collect();
        let first_seen = s.first_seen(&ids)?;
        Ok((observation, verdicts, holders, first_seen))
    })?;
    let Verdicts { mut outcomes, changes, due, has_news, .. } = verdicts;
    outcomes.retain(|_, n| *n > 0);

    (tools.progress)("planning", 0, due.len() as u64);
    let people = People { due: &due, holders: &holders, first_seen: &first_seen };
    let input = planning_input(config, &jurisdiction, dates, &observation, people, &id_key)?;
    let (plan, proof) = planning::plan(&input).context("planning: check the weights and ranks of policy and agenda")?;
    let breaches = check(&plan, &input);
    // The checker shares no code with the planner: if they disagree, nobody is convoked tonight, and somebody is called.
    ensure!(breaches.is_empty(), "the plan was refused by its checker, and nothing was written: {}", breaches[0]);

    let by_id: HashMap<&str, &Due<'_>> = due.iter().map(|d| (d.permit.permit_id.as_str(), d)).collect();
    let firm = firm_appointments(&plan, &input, &by_id);
    let unmarked = observation
        .live
        .iter()
        .filter(|l| l.day < dates.business && (dates.business - l.day).num_days() > i64::from(policy.mark_days))
        .cloned()
        .collect();
    let mut warnings = warnings(config, dates, &observation, &plan, &input);
    let certificate = if proof.closes() { "closed" } else { "open" };
    if certificate == "open" {
        // Everybody is better convoked by a plan that is only possible than by none; but somebody must look.
        tracing::error!("The certificate of the plan does not close: that it is the best is not proved");
        warnings.push(
            "Le certificat du plan est ouvert\u{a0}: rien ne prouve que ce plan soit le meilleur. À signaler.".into(),
        );
    }
    Ok(Seen {
        dates,
        rules_hash,
        outcomes,
        changes,
        has_news,
        unmarked,
        figures: plan.figures(&input),
        input_hash: input.hash(),
        plan_hash: plan.hash(&input),
        rest_hash: input.after(&plan).hash(),
        certificate,
        proof,
        input,
        plan,
        firm,
        warnings,
    })
}

/// Who is due, and what is known of them.
#[derive(Clone, Copy)]
struct People<'a> {
    due: &'a [Due<'a>],
    holders: &'a HashMap<String, Holder>,
    first_seen: &'a HashMap<String, NaiveDate>,
}

fn planning_input(
    config: &Configuration,
    jurisdiction: &Jurisdiction,
    dates: Dates,
    seen: &Observation,
    people: People<'_>,
    id_key: &IdKey,
) -> Result<PlanningInput> {
    let pools = config.agenda.pools();
    let pool_of: HashMap<(&str, &str), usize> =
        pools.iter().enumerate().map(|(i, p)| ((p.site.id.as_str(), p.desk.id.as_str()), i)).collect();
    let mut slots = Vec::with_capacity(seen.slots.len());
    for slot in &seen.slots {
        // A desk that left the agenda, or is closed that day, receives nobody.
        let Some(pool) = pool_of.get(&(slot.site.as_str(), slot.desk.as_str())) else { continue };
        if config.agenda.closed(pools[*pool], slot.day).is_some() {
            continue;
        }
        let taken = seen.taken.get(&slot.slot_id).copied().unwrap_or(0);
        slots.push(SlotSeats {
            pool: *pool as u32,
            day: (slot.day - dates.business).num_days() as i32,
            start: slot.start as u16,
            free: (slot.seats as u64).saturating_sub(taken) as u32,
        });
    }
    let nights = Nights { tonight: dates.business, today: dates.today, next: dates.next_night };
    // The household's name in the extract may tell who they are.
    let household =
        |holder: &Holder| holder.household.as_ref().map(|h| id_key.household(&config.settings.prefecture.code, h));
    let mut candidates = Vec::with_capacity(people.due.len());
    for d in people.due {
        let holder = people
            .holders
            .get(&d.permit.holder_id)
            .with_context(|| format!("permit {} has no holder", d.permit.permit_id))?;
        candidates.push(Candidate::new(
            PermitId(d.permit.permit_id.clone()),
            household(holder),
            people.first_seen.get(&d.permit.permit_id).copied().unwrap_or(dates.business),
            d.kind,
            holder.effective_channel(),
            jurisdiction.pools(d.kind, &d.permit.commune).to_vec(),
            nights,
            &d.window,
            &config.settings.policy,
        ));
    }
    let due: HashSet<&str> = candidates.iter().filter_map(|c| c.household.as_deref()).collect();
    let mut beside: BTreeMap<String, (i32, String)> = BTreeMap::new();
    for live in seen.live.iter().filter(|l| l.day >= dates.today) {
        let family = people.holders.get(&live.holder_id).and_then(household).filter(|h| due.contains(h.as_str()));
        let site = live.slot_id.split('/').next().unwrap_or_default().to_owned();
        if let Some(family) = family {
            let at = ((live.day - dates.business).num_days() as i32, site);
            beside.entry(family).and_modify(|first| *first = at.clone().min(first.clone())).or_insert(at);
        }
    }
    let seed = PlanningInput::seed_of(&config.settings.prefecture.code, dates.business);
    let names = pools.iter().map(|p| format!("{}/{}", p.site.id, p.desk.id)).collect();
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

fn firm_appointments(plan: &Plan, input: &PlanningInput, due: &HashMap<&str, &Due<'_>>) -> Vec<Firm> {
    let mut firm: Vec<Firm> = plan
        .firm()
        .map(|a| {
            let candidate = &input.candidates[a.candidate];
            let permit = &due[candidate.id.0.as_str()].permit;
            let day = input.date(a.day);
            Firm {
                placement: Placement {
                    permit_id: candidate.id.clone(),
                    holder_id: HolderId(permit.holder_id.clone()),
                    slot_id: SlotId(format!(
                        "{}/{day}T{:02}:{:02}",
                        input.pools[a.pool as usize],
                        a.start / 60,
                        a.start % 60
                    )),
                    origin: a.pass.code().to_owned(),
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

fn warnings(
    config: &Configuration,
    dates: Dates,
    seen: &Observation,
    plan: &Plan,
    input: &PlanningInput,
) -> Vec<String> {
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
    let taken = |s: &SlotRow| seen.taken.get(&s.slot_id).copied().unwrap_or(0);
    for slot in seen.slots.iter().filter(|s| taken(s) > s.seats as u64) {
        // The firm ones stay, none is offered.
        warnings.push(format!(
            "Le créneau {} a {} rendez-vous fermes pour {} places.",
            slot.slot_id,
            taken(slot),
            slot.seats
        ));
    }
    let end = seen.slots.iter().map(|s| s.day).max();
    let beyond = |c: &Candidate| end.is_none_or(|end| input.date(c.deadline) > end);
    let cut_off = plan.lapses.iter().filter(|l| beyond(&input.candidates[l.candidate])).count();
    if cut_off > 0 {
        let end = end
            .map_or("n'a aucun créneau à venir".to_owned(), |end| format!("s'arrête le {}", end.format("%d/%m/%Y")));
        warnings.push(format!("L'agenda {end} : {cut_off} personnes sont sans rendez-vous alors que leur titre expire après cette date. `convoke agenda generate --until DATE`."));
    }
    warnings
}
