//! Personne: search by name or number, a person's history, and the acts on them.

mod acts;
mod appointment;
mod holder;
mod letters;
mod person;

use askama::Template;
use serde::Deserialize;
use serde_json::json;

use crate::answer::{html, see};
use crate::failure::Answer;
use crate::frame::Frame;
use crate::route::{Route, get, post};
use crate::visit::Visit;
use convoke_domain::access::Right;
use convoke_domain::permit::PermitKind;
use convoke_report::visible;
use convoke_store::{Found, Person};

pub(super) const ROUTES: &[Route] = &[
    get(Right::Read, "/personnes", show),
    post(Right::Read, "/personnes", seek),
    get(Right::Read, "/personnes/{holder_id}", person::show),
    get(Right::Read, "/personnes/{holder_id}/lettres/{*letter_id}", letters::print),
    post(Right::Act, "/personnes/{holder_id}/suspension", acts::hold),
    post(Right::Act, "/personnes/{holder_id}/courriel", acts::mend_email),
    post(Right::Act, "/personnes/{holder_id}/lettre", acts::turn),
    post(Right::Act, "/personnes/{holder_id}/demande", acts::add_request),
    // It plans the night, which takes a while: only for those who can use the answer.
    get(Right::Act, "/rendez-vous/{reference}/dates", appointment::dates),
    post(Right::Act, "/rendez-vous/{reference}/eviter", appointment::avoid),
    post(Right::Act, "/rendez-vous/{reference}/deplacer", appointment::relocate),
    post(Right::Act, "/rendez-vous/{reference}/annuler", appointment::cancel),
];

/// People shown at most; if there are more, the name must be more specific.
const SHOWN: usize = 50;
/// Long enough for a name of 260 characters.
const SOUGHT_MAX: usize = 300;

#[derive(Template)]
#[template(path = "console/people.html")]
struct People {
    frame: Frame,
    sought: String,
    result: Option<Found>,
    /// Number of matches not shown.
    more: usize,
    /// Whether the search index lags behind the last extract.
    behind: bool,
}

impl People {
    fn name(person: &Person) -> String {
        let family = [person.family_name.as_str(), person.given_names.as_str()].join(" ");
        let name = person.usage_name.as_ref().map_or_else(|| family.clone(), |usage| format!("{family} ({usage})"));
        visible(name.trim())
    }

    fn kind(code: &str) -> String {
        code.parse().map_or_else(|_| visible(code), |kind: PermitKind| kind.label().to_owned())
    }
}

#[derive(Deserialize)]
struct Sought {
    #[serde(default)]
    texte: String,
}

fn seek(visit: &mut Visit<'_, '_>) -> Answer {
    let Sought { texte } = visit.asked.form()?;
    let texte: String = texte.trim().chars().take(SOUGHT_MAX).collect();
    visit.seek(&texte)?;
    Ok(see(&format!("{}/personnes", visit.base())))
}

fn show(visit: &mut Visit<'_, '_>) -> Answer {
    let frame = visit.frame("people-title");
    let sought = visit.agent().row.sought.clone().unwrap_or_default();
    if sought.is_empty() {
        return html(&People { frame, sought, result: None, more: 0, behind: false });
    }
    let found = visit.store.read(|s| s.find(&sought, SHOWN))?;
    let behind = !visit.store.words_are_current()?;
    if !found.people.is_empty() {
        // If nobody is shown, nothing was read.
        visit.reads("read.find", json!({"by": found.by, "people": found.people.len()}))?;
    }
    let more = found.total.saturating_sub(found.people.len());
    html(&People { frame, sought, result: Some(found), more, behind })
}
