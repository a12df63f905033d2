//! One appointment: other dates for it, and its cancellation. The page names nobody: it is reached from the person's
//! page.

use askama::Template;
use chrono::{NaiveDate, NaiveTime};
use serde::Deserialize;

use crate::answer::html;
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::pages::way::describe;
use crate::visit::Visit;
use convoke_domain::ids::Reference;
use convoke_domain::slot::SlotId;
use convoke_letters::CancelledBy;
use convoke_machine::confirm::Confirmed;
use convoke_machine::entropy::Entropy;
use convoke_office::acts::{self, Hand, Move, Options};
use convoke_report::visible;

#[derive(Template)]
#[template(path = "console/appointment.html")]
struct Dates {
    frame: Frame,
    reference: String,
    holder_id: String,
    /// The current place and time of the appointment.
    place: String,
    day: NaiveDate,
    hour: Option<NaiveTime>,
    options: Options,
    today: NaiveDate,
}

impl Dates {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as a template passes it")]
    fn days(&self, first: &NaiveDate, last: &NaiveDate) -> String {
        let (t, first) = (self.frame.t, self.frame.t.date(first));
        let last = t.date(last);
        if first == last { first } else { t.with2("dates-from-to", ("first", &first), ("last", &last)) }
    }

    /// A slot at another hour, at the same desk and on the same day.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as a template passes it")]
    fn at(slot: &SlotId, hour: &NaiveTime) -> SlotId {
        slot.pool.at(slot.day, *hour)
    }
}

/// The appointment in the address, and its holder.
fn appointment(visit: &mut Visit<'_, '_>) -> Result<(Reference, String), Failure> {
    let reference = Reference::parse(visit.asked.part("reference")).ok_or(Failure::Missing)?;
    let row = visit.store.convocation(reference.as_str())?.ok_or(Failure::Missing)?;
    Ok((reference, row.holder_id))
}

pub(super) fn dates(visit: &mut Visit<'_, '_>) -> Answer {
    let (reference, holder_id) = appointment(visit)?;
    let (config, clock, actor) = (visit.config(), visit.clock(), visit.agent().actor.clone());
    // Nothing is recorded, so no reason is needed.
    let mut hand = Hand { clock, entropy: &mut Entropy::System, config, actor: &actor, reason: "" };
    let options = acts::options(visit.store, &mut hand, &reference, &[])?;
    let present = options.present.clone();
    let (frame, today) = (visit.frame("dates-title"), visit.today());
    let found = config.agenda.find(&present.pool);
    let place =
        found.map_or_else(|| present.pool.to_string(), |pool| format!("{}, {}", pool.site.name, pool.desk.label()));
    let (day, hour) = (present.day, Some(present.start));
    let place = visible(&place);
    html(&Dates { frame, reference: reference.to_string(), holder_id, place, day, hour, options, today })
}

#[derive(Deserialize)]
struct Avoided {
    du: NaiveDate,
    #[serde(default)]
    au: String,
    reason: String,
}

pub(super) fn avoid(visit: &mut Visit<'_, '_>) -> Answer {
    let (reference, _) = appointment(visit)?;
    let form: Avoided = visit.asked.form()?;
    let t = visit.words();
    let last = match form.au.trim() {
        "" => form.du,
        day => day.parse().map_err(|_| Failure::Unreadable)?,
    };
    if last < form.du {
        return Err(Failure::Text(t.say("dates-backwards")));
    }
    visit.by_hand(&form.reason, |s, hand| acts::avoid(s, hand, &reference, &[(form.du, last)]))?;
    visit.done(t.say("dates-noted"), &format!("/rendez-vous/{reference}/dates"))
}

#[derive(Deserialize)]
struct Moving {
    #[serde(default)]
    creneau: String,
    /// Typed, if none of the offered slots is wanted.
    #[serde(default)]
    autre: String,
    par: String,
    malgre: Option<String>,
    confirmation: String,
    reason: String,
}

/// Who asked for it.
fn whose(par: &str) -> Result<CancelledBy, Failure> {
    match par {
        "bureau" => Ok(CancelledBy::Office),
        "personne" => Ok(CancelledBy::Holder),
        _ => Err(Failure::Unreadable),
    }
}

pub(super) fn relocate(visit: &mut Visit<'_, '_>) -> Answer {
    let (reference, holder_id) = appointment(visit)?;
    let form: Moving = visit.asked.form()?;
    let t = visit.words();
    let typed = if form.autre.trim().is_empty() { &form.creneau } else { &form.autre };
    let to: SlotId = typed.parse().map_err(|_| Failure::Text(t.say("dates-no-slot")))?;
    let confirmed = Confirmed::typed(&form.confirmation, reference.as_str()).ok_or(Failure::Unconfirmed)?;
    let wish = Move { to: &to, by: whose(&form.par)?, despite_lapse: form.malgre.is_some() };
    let moved = visit.by_hand(&form.reason, |s, hand| acts::relocate(s, hand, &reference, &wish, &confirmed))?;
    let notice = t.with2("dates-moved", ("day", &t.date(moved.slot.day)), ("what", &moved.reference));
    let notice = format!("{notice} {}", describe(visit, moved.channel, moved.slot.day));
    visit.done(notice, &format!("/personnes/{holder_id}"))
}

#[derive(Deserialize)]
struct Cancelling {
    par: String,
    confirmation: String,
    reason: String,
}

pub(super) fn cancel(visit: &mut Visit<'_, '_>) -> Answer {
    let (reference, holder_id) = appointment(visit)?;
    let form: Cancelling = visit.asked.form()?;
    let by = whose(&form.par)?;
    let confirmed = Confirmed::typed(&form.confirmation, reference.as_str()).ok_or(Failure::Unconfirmed)?;
    let ended = visit.by_hand(&form.reason, |s, hand| acts::cancel(s, hand, &reference, by, &confirmed))?;
    let told = match ended.letter {
        Some((_, channel)) => describe(visit, channel, ended.day),
        None => visit.words().say("person-never-told"),
    };
    let notice = format!("{} {told}", visit.words().say("person-cancelled"));
    visit.done(notice, &format!("/personnes/{holder_id}"))
}
