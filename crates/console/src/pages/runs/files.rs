//! The files of a run's report: produced once by a job, then downloaded by name from a fixed list, never by path.

use std::io::{Cursor, Write as _};

use anyhow::{Context, Result};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::address::{id_of, row_of};
use crate::answer::file;
use crate::failure::{Answer, Failure};
use crate::jobs::Kind;
use crate::visit::Visit;
use convoke_domain::ids::RunId;
use convoke_office::run::{Asked, dossier};
use convoke_report::bundle::Files;

/// A downloadable file.
pub(super) struct Offered {
    pub(super) name: &'static str,
    kind: &'static str,
    /// Its name in words.
    pub(super) label: &'static str,
}

const CSV: &str = "text/csv; charset=utf-8";
const PAGE: &str = "report.html";
const WHOLE: &str = "dossier.zip";

/// The complete list: an address names one of these, or nothing.
const OFFERED: &[Offered] = &[
    Offered { name: PAGE, kind: "text/html; charset=utf-8", label: "run-file-html" },
    Offered { name: "report.pdf", kind: "application/pdf", label: "run-file-pdf" },
    Offered { name: "report.json", kind: "application/json", label: "run-file-json" },
    Offered {
        name: "tables.xlsx",
        kind: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        label: "run-file-xlsx",
    },
    Offered { name: "rules.csv", kind: CSV, label: "run-file-rules" },
    Offered { name: "lapses.csv", kind: CSV, label: "run-file-lapses" },
    Offered { name: "listed.csv", kind: CSV, label: "run-file-listed" },
    Offered { name: "letters.csv", kind: CSV, label: "run-file-letters" },
    Offered { name: "occupancy.csv", kind: CSV, label: "run-file-occupancy" },
    Offered { name: "outcomes.csv", kind: CSV, label: "run-file-outcomes" },
    Offered { name: WHOLE, kind: "application/zip", label: "run-file-whole" },
];

/// Policy for viewing the report: nothing in it runs, nothing is fetched, and it has its own style.
const SANDBOX: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The files of one run.
pub(super) struct Prepared {
    pub(super) run: RunId,
    files: Vec<(&'static Offered, Vec<u8>)>,
}

/// The available files of a run: a report that cannot be typeset has no PDF.
pub(super) fn offered(prepared: &Prepared) -> Vec<&'static Offered> {
    prepared.files.iter().map(|(offered, _)| *offered).collect()
}

/// Produces them: a job, because the night is planned again.
pub(super) fn prepare(visit: &mut Visit<'_, '_>) -> Answer {
    let id = id_of(visit);
    if row_of(visit, &id)?.plan_hash.is_none() {
        return Err(Failure::Text(visit.words().with("compare-no-plan", "run", &id)));
    }
    let path = format!("/executions/{id}");
    let back = path.clone();
    visit.begin(Kind::Report, move |worker| {
        // Permits appear by opaque ids: nobody is named, so there is no read to record.
        let asked = Asked { by: worker.actor.clone(), at: worker.clock.now(), identified: false };
        let (_, mut files) = dossier(&mut worker.store, &worker.config, &id, &asked)?;
        let whole = zipped(&files)?;
        files.insert(WHOLE.to_owned(), whole);
        let files = OFFERED.iter().filter_map(|offered| Some((offered, files.remove(offered.name)?))).collect();
        worker.keep(Prepared { run: id, files });
        Ok(worker.well(worker.t.say("run-files-made"), Some(path)))
    })?;
    let notice = visit.words().say("run-files-begun");
    visit.done(notice, &back)
}

/// The whole folder as one file: `convoke verify` checks it after unpacking.
fn zipped(files: &Files) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let how = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in files {
        zip.start_file(name.as_str(), how).and_then(|()| Ok(zip.write_all(bytes)?)).context("packing a report")?;
    }
    Ok(zip.finish().context("packing a report")?.into_inner())
}

pub(super) fn give(visit: &mut Visit<'_, '_>) -> Answer {
    let (id, asked) = (id_of(visit), visit.asked.part("nom").to_owned());
    let kept = visit.kept::<Prepared>().filter(|kept| kept.what.run == id).ok_or(Failure::Missing)?;
    let (offered, bytes) = kept.what.files.iter().find(|(offered, _)| offered.name == asked).ok_or(Failure::Missing)?;
    if offered.name == PAGE {
        return Ok(page(offered, bytes.clone()));
    }
    Ok(file(&format!("{}-{}", id.0.replace('/', "-"), offered.name), offered.kind, bytes.clone()))
}

fn page(offered: &Offered, bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, offered.kind), (header::CONTENT_SECURITY_POLICY, SANDBOX)], bytes).into_response()
}
