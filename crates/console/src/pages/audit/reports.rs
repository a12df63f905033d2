//! Reports of runs, as files.

use askama::Template;

use super::reported::Reported;
use crate::answer::{file as to_keep, html};
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::pages::runs::sought::Sought;
use crate::visit::Visit;
use convoke_domain::access::Right;
use convoke_domain::ids::RunId;
use convoke_machine::files::archive;
use convoke_office::run::{Asked, dossier, report as report_of};
use convoke_report as report;

#[derive(Template)]
#[template(path = "console/audit_reports.html")]
struct Reports {
    frame: Frame,
    sought: Sought,
    runs: Vec<Reported>,
    next: Option<String>,
    reads: bool,
}

pub(super) fn list(visit: &mut Visit<'_, '_>) -> Answer {
    let sought: Sought = visit.asked.query()?;
    if let Some(file) = sought.file(visit.store)? {
        return Ok(file);
    }
    let found = sought.page(visit.store)?;
    let runs = found.runs.into_iter().map(Reported::from).collect();
    let (frame, reads) = (visit.frame("audit-reports-title"), visit.may(Right::Read));
    html(&Reports { frame, runs, next: found.next, reads, sought })
}

/// The report of a run in one of several formats. It names nobody.
pub(super) fn file(visit: &mut Visit<'_, '_>) -> Answer {
    let part = |name| visit.asked.part(name).to_owned();
    let (day, generation, format) = (part("jour"), part("generation"), part("format"));
    let id = RunId(format!("{}/{day}/{generation}", part("code")));
    let Some(row) = visit.store.run(&id)? else { return Err(Failure::Missing) };
    if row.summary.is_none() {
        return Err(Failure::Text(visit.words().say("audit-no-plan")));
    }
    let config = visit.config();
    let name = format!("rapport-{day}-{generation}");
    let broken = |error: String| Failure::Broken(anyhow::anyhow!("the report of run {id}: {error}"));
    match format.as_str() {
        "json" => {
            let report = report_of(visit.store, config, &id)?;
            let text = serde_json::to_vec_pretty(&report).map_err(|e| broken(e.to_string()))?;
            Ok(to_keep(&format!("{name}.json"), "application/json", text))
        }
        "html" => {
            let text = report::html(&report_of(visit.store, config, &id)?).map_err(|e| broken(e.to_string()))?;
            Ok(to_keep(&format!("{name}.html"), "text/html; charset=utf-8", text.into_bytes()))
        }
        "pdf" => {
            let document = report::document(&report_of(visit.store, config, &id)?);
            let pdf = document.to_pdf(&id.0, row.business_date, config.templates()?.fonts());
            Ok(to_keep(&format!("{name}.pdf"), "application/pdf", pdf.map_err(|e| broken(e.to_string()))?))
        }
        // Everything about the run, signed: `convoke verify` checks it on any machine.
        "zip" => {
            let asked = Asked { by: visit.agent().actor.clone(), at: visit.now(), identified: false };
            let (_, files) = dossier(visit.store, config, &id, &asked)?;
            let zip = archive(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())))?;
            Ok(to_keep(&format!("{name}.zip"), "application/zip", zip))
        }
        _ => Err(Failure::Missing),
    }
}
