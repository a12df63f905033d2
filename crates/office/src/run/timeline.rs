//! Gathers one person's history.

use std::collections::HashSet;

use anyhow::Result;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

use super::planned::planned;
use convoke_domain::agenda::Jurisdiction;
use convoke_domain::convocation::State;
use convoke_domain::eligibility::{Facts, Rule, assess};
use convoke_domain::ids::HolderId;
use convoke_letters::competent_prefecture;
use convoke_report::timeline::{Circumstances, Moment, PermitNow, Planned, Timeline};
use convoke_report::words;
use convoke_settings::Configuration;
use convoke_store::{ActOn, Followed, Known, Store, Title};

/// Everything that happened to a person, and why each permit is where it is today.
pub fn timeline(store: &mut Store, config: &Configuration, id: &HolderId, today: NaiveDate) -> Result<Timeline> {
    store.read(|s| {
        let known = s.known_of(id)?;
        let acts = s.acts_on(id)?;
        let jurisdiction = config.agenda.jurisdiction();
        let mut permits = Vec::new();
        for p in &known.permits {
            permits.push(permit_now(s, config, &jurisdiction, &known, &p.permit, today)?);
        }
        let name = [known.person.usage_name.as_deref().unwrap_or(&known.person.family_name), &known.person.given_names];
        Ok(Timeline {
            schema: "convoke.timeline/1".into(),
            number: known.person.number.clone(),
            name: name.join(" ").trim().to_owned(),
            today,
            permits,
            moments: {
                let references: Vec<String> = known.convocations.iter().map(|c| c.reference.clone()).collect();
                let mut moments = moments(config, &known, &acts);
                moments.extend(suites(&s.followed_of(&references)?));
                moments.sort_by_key(Moment::order);
                moments
            },
        })
    })
}

fn permit_now(
    s: &mut Store,
    config: &Configuration,
    jurisdiction: &Jurisdiction,
    known: &Known,
    title: &Title,
    today: NaiveDate,
) -> Result<PermitNow> {
    let policy = &config.settings.policy;
    let kind = title.kind;
    let live = known.convocations.iter().find(|c| c.state == State::Convoked);
    // A person marked as having come with all documents has filed, whatever the extract says: as a night sees it.
    let last = known.convocations.iter().rfind(|c| c.permit_id == title.permit_id);
    let honoured = last.is_some_and(|c| c.state == State::Honoured);
    let facts = Facts {
        kind,
        mention: &title.mention,
        status: title.status,
        expires_on: title.expires_on,
        commune: &title.commune,
        filed: honoured || title.filed_on.is_some(),
        held: title.held,
        absent: title.absent,
        superseded: title.superseded,
        unknown: title.unknown_title.is_some(),
        convoked_for: live.map(|c| c.slot_id.day),
    };
    let verdict = assess(&facts, policy, jurisdiction, today);
    let window = policy.window(kind, &title.mention, title.expires_on, today);
    let is_due = matches!(verdict.rule, Rule::Due | Rule::DueLate);
    let circumstances = Circumstances {
        expires_on: title.expires_on,
        filed_on: title.filed_on,
        window: window.as_ref().map(|w| (w.opens, w.preferred_end)),
        basis: window.as_ref().map_or("", |w| w.basis),
        review_on: verdict.review_on,
        commune: &title.commune,
        competent: competent_prefecture(&title.commune).filter(|_| !title.commune.starts_with(s.prefecture())),
        appointment: live.map(|c| (c.reference.clone(), c.slot_id.day, c.slot_id.pool.to_string())),
        planned: if is_due { planned(s, &title.permit_id)? } else { Planned::NotYet },
        late_months: policy.late_months,
    };
    Ok(PermitNow {
        number: title.number.clone(),
        label: kind.label().to_owned(),
        expires_on: title.expires_on,
        rule: verdict.rule.code().to_owned(),
        verdict: verdict.rule.label_fr().to_owned(),
        why: circumstances.why(verdict.rule),
    })
}

fn moments(config: &Configuration, known: &Known, acts: &[ActOn]) -> Vec<Moment> {
    let zone = config.settings.prefecture.zone;
    let at = |at: chrono::NaiveDateTime, kind, what, of| Moment::at(at.and_utc(), zone, kind, what, of);
    let mut moments = Vec::new();
    for p in &known.permits {
        let first = format!("Titre n° {} connu du système.", p.permit.number);
        moments.push(Moment::on(p.permit.first_seen, "extract", first, None));
        let now = p.permit.rule.zip(p.permit.rule_since);
        let now = now.map(|(rule, since)| (rule, since, p.permit.rule_run.clone()));
        let before = p.rules_before.iter().map(|r| (r.rule, r.since, Some(r.run_id.clone())));
        for (rule, since, run) in before.chain(now) {
            let label = rule.label_fr();
            moments.push(Moment::on(since, "verdict", format!("Titre n° {} : {label}.", p.permit.number), run));
        }
    }
    for c in &known.convocations {
        let verb = if c.replaces.is_some() { "Rendez-vous déplacé au" } else { "Convoqué pour le" };
        let what = format!(
            "{verb} {} à {}, {} ({}).",
            convoke_letters::french::date(c.slot_id.day),
            c.slot_id.start.format("%H:%M"),
            c.slot_id.pool,
            words::convocation_state(c.state)
        );
        moments.push(at(c.created_at, "appointment", what, Some(c.reference.clone())));
    }
    for r in &known.requests {
        let wish = words::wish(r.wish);
        moments.push(Moment::on(
            r.received_on,
            "request",
            format!("Demande écrite reçue : {wish}."),
            Some(r.request_id.clone()),
        ));
        if let Some(decided) = r.decided_at {
            let what = format!("Demande {}.", words::request_state(r.state));
            let decision = at(decided, "request", what, Some(r.request_id.clone()));
            moments.push(Moment { by: r.decided_by.clone(), ..decision });
        }
    }
    for l in &known.letters {
        let (kind, way) = (words::letter_kind(l.letter.kind), words::channel(l.letter.channel));
        let why = l.letter.remark.map(words::remark);
        let why = why.map_or_else(String::new, |why| format!(" ({why})"));
        let what = format!("Lettre « {kind} » ({way}) : {}{why}.", words::letter_state(l.letter.state));
        moments.push(at(l.letter.created_at, "letter", what, Some(l.letter.letter_id.clone())));
        for a in &l.attempts {
            let reply = a.reply.as_deref().unwrap_or_default();
            let stage = a.stage.as_deref().map_or_else(String::new, |stage| format!(" ({stage})"));
            let outcome = a.outcome.map_or("en cours", words::attempt);
            let what = format!("Essai par {}{stage} : {outcome}, {reply}", a.relay);
            moments.push(at(a.started_at, "attempt", what, Some(l.letter.letter_id.clone())));
        }
        for b in &l.bounces {
            let what = format!("Retour ({}) : {}", b.class, b.diagnostic.as_deref().unwrap_or_default());
            moments.push(at(b.recorded_at, "bounce", what, Some(l.letter.letter_id.clone())));
        }
    }
    for (kind, actor, payload) in acts {
        let reason = payload["reason"].as_str().unwrap_or_default();
        let what = format!("{} : {reason}", words::intervention(kind));
        let when: Option<DateTime<Utc>> = serde_json::from_value::<DateTime<Utc>>(payload["at"].clone()).ok();
        let Some(when) = when else { continue };
        let of = payload["reference"].as_str().map(str::to_owned).filter(|_| payload["reference"] != Value::Null);
        moments.push(Moment { by: Some(actor.clone()), ..Moment::at(when, zone, "act", what, of) });
    }
    moments
}

/// What nights did about the person's appointments: each thing once, however many nights found it.
fn suites(followed: &[Followed]) -> Vec<Moment> {
    let mut said = HashSet::new();
    let new = followed.iter().filter(|f| said.insert((&f.reference, f.consequence, &f.cause)));
    let moment = |f: &Followed| {
        let (done, cause) = (f.consequence.label_fr(), words::followed_cause(&f.cause));
        Moment::on(f.business_date, "followed", format!("{done} ({cause})."), Some(f.reference.clone()))
    };
    new.map(moment).collect()
}
