//! Exécutions: what each night did, during and after it.

mod address;
mod begin;
mod compare;
pub(super) mod difference;
mod files;
mod one;
pub(super) mod sought;
pub(super) mod start;

use askama::Template;

use self::sought::{Line, Sought};
use crate::answer::html;
use crate::failure::Answer;
use crate::frame::Frame;
use crate::jobs::{Ended, Kind};
use crate::route::{Route, get, post};
use crate::visit::Visit;
use crate::worker::Progress;
use convoke_domain::access::Right;
use convoke_store::RunRow;

pub(super) const ROUTES: &[Route] = &[
    get(Right::Read, "/executions", list),
    get(Right::Act, "/executions/mettre-a-jour", begin::ask),
    post(Right::Act, "/executions/mettre-a-jour", begin::bring_up_to_date),
    get(Right::Read, "/executions/refus", begin::changed),
    get(Right::Read, "/executions/{code}/{jour}/{numero}", one::show),
    post(Right::Act, "/executions/{code}/{jour}/{numero}/arreter", one::stop),
    post(Right::Act, "/executions/{code}/{jour}/{numero}/reprendre", one::resume),
    get(Right::Read, "/executions/{code}/{jour}/{numero}/ecart", compare::show),
    // It only computes: those who may read the report may have it produced.
    post(Right::Read, "/executions/{code}/{jour}/{numero}/pieces", files::prepare),
    get(Right::Read, "/executions/{code}/{jour}/{numero}/pieces/{nom}", files::give),
];

#[derive(Template)]
#[template(path = "console/runs.html")]
struct Runs {
    frame: Frame,
    progress: Option<Progress>,
    /// The result of the last run started here.
    ended: Option<Ended>,
    /// A run in progress, in whichever process.
    active: Option<RunRow>,
    sought: Sought,
    runs: Vec<Line>,
    next: Option<String>,
}

fn list(visit: &mut Visit<'_, '_>) -> Answer {
    let sought: Sought = visit.asked.query()?;
    if let Some(file) = sought.file(visit.store)? {
        return Ok(file);
    }
    let found = sought.page(visit.store)?;
    let page = Runs {
        active: visit.store.active_run()?,
        progress: visit.progress(Kind::Run, "/executions"),
        ended: visit.ended(Kind::Run),
        frame: visit.frame("runs-title"),
        runs: found.runs.into_iter().map(Line::of).collect(),
        next: found.next,
        sought,
    };
    html(&page)
}
