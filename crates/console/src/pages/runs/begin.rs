//! Running today by hand: first the number of letters, then that number typed as confirmation, then the run.

use std::sync::Arc;

use askama::Template;
use serde::Deserialize;

use super::difference::Differing;
use super::start::{Changed, begin_run};
use crate::answer::html;
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::jobs::{Ended, Kept, Kind};
use crate::pages::night::{Night, is_stale};
use crate::visit::Visit;
use crate::worker::Progress;
use convoke_machine::confirm::Confirmed;

#[derive(Template)]
#[template(path = "console/run_ask.html")]
struct Ask {
    frame: Frame,
    progress: Option<Progress>,
    working: bool,
    ended: Option<Ended>,
    night: Option<Arc<Kept<Night>>>,
    stale: bool,
    max: u32,
}

pub(super) fn ask(visit: &mut Visit<'_, '_>) -> Answer {
    let night = visit.kept::<Night>();
    let stale = match &night {
        Some(night) => is_stale(visit, night)?,
        None => false,
    };
    let page = Ask {
        frame: visit.frame("update-title"),
        progress: visit.progress(Kind::Preview, "/executions/mettre-a-jour"),
        working: visit.is_working(Kind::Run),
        ended: visit.ended(Kind::Preview).filter(|ended| ended.bad),
        night,
        stale,
        max: visit.config().settings.policy.max_firm_per_run,
    };
    html(&page)
}

#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    raison: String,
    #[serde(default)]
    lettres: String,
    /// Hash of the plan whose letters were counted.
    #[serde(default)]
    plan: String,
}

pub(super) fn bring_up_to_date(visit: &mut Visit<'_, '_>) -> Answer {
    let form: Form = visit.asked.form()?;
    let night = visit.kept::<Night>().ok_or_else(|| Failure::Text(visit.words().say("update-not-counted")))?;
    if is_stale(visit, &night)? {
        return Err(Failure::Text(visit.words().say("update-stale")));
    }
    if night.what.plan_hash != form.plan {
        // The count was repeated since this page was shown.
        return Err(Failure::Text(visit.words().say("update-stale")));
    }
    Confirmed::typed(&form.lettres, &night.what.letters().to_string()).ok_or(Failure::Unconfirmed)?;
    // The run does exactly what was counted: any change since is shown first.
    begin_run(visit, form.plan, false, &form.raison)?;
    let notice = visit.words().say("runs-begun");
    visit.done(notice, "/executions")
}

#[derive(Template)]
#[template(path = "console/run_changed.html")]
struct ChangedPage {
    frame: Frame,
    changed: Arc<Kept<Changed>>,
    differs: Option<Differing>,
}

/// What has changed since the confirmed plan was shown.
pub(super) fn changed(visit: &mut Visit<'_, '_>) -> Answer {
    let changed = visit.kept::<Changed>().ok_or(Failure::Missing)?;
    let differs = changed.what.differs.as_ref().map(|d| Differing::of(visit.words(), d));
    html(&ChangedPage { frame: visit.frame("changed-title"), changed, differs })
}
