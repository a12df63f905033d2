//! The lists of a report as CSV for spreadsheets: `;`, UTF-8 with BOM, one line per fact, the run on every line so
//! that the files of many nights can be put one under the other.

use std::borrow::Cow;

use super::{RunReport, words};

/// Permits by rule: their sum is the number of permits that were examined.
pub fn csv(report: &RunReport) -> String {
    let lines = report.outcomes.iter().map(|o| [o.rule.code().into(), o.label.clone(), o.permits.to_string()]);
    table(report, ["regle", "libelle", "titres"], lines)
}

/// People without a day before expiry, and the seat after it where one was left.
pub fn lapses_csv(report: &RunReport) -> String {
    let header = ["titre", "type", "fin_validite", "cause", "libelle", "site", "guichet", "date", "heure"];
    let lines = report.lapses.iter().map(|lapse| {
        let [site, desk, day, start] = lapse.seat.as_ref().map_or_else(Default::default, |(site, desk, day, start)| {
            [site.clone(), desk.clone(), day.to_string(), start.format("%H:%M").to_string()]
        });
        let cause = words::lapse_cause(lapse.cause).to_owned();
        let (permit, kind) = (lapse.permit.clone(), lapse.kind.clone());
        [permit, kind, lapse.expires_on.to_string(), lapse.cause.code().into(), cause, site, desk, day, start]
    });
    table(report, header, lines)
}

/// Permits that somebody must look at, all of them.
pub fn listed_csv(report: &RunReport) -> String {
    let lines = report.listed.iter().map(|listed| {
        let (code, label) = (listed.rule.code().to_owned(), listed.rule.label_fr().to_owned());
        [code, label, listed.permit.clone(), listed.detail.clone()]
    });
    table(report, ["regle", "libelle", "titre", "precision"], lines)
}

fn table<const N: usize>(report: &RunReport, header: [&str; N], lines: impl Iterator<Item = [String; N]>) -> String {
    // Without the mark, Excel reads UTF-8 as Windows-1252.
    let bytes = "\u{feff}".as_bytes().to_vec();
    let mut writer = ::csv::WriterBuilder::new().delimiter(b';').terminator(::csv::Terminator::CRLF).from_writer(bytes);
    let mut write = |cells: Vec<Cow<'_, str>>| {
        // Unwrap safety: every line has N + 1 cells, and memory takes what it is given.
        writer.write_record(cells.iter().map(|cell| cell.as_bytes())).expect("a line of a CSV in memory");
    };
    write(std::iter::once("execution").chain(header).map(Cow::from).collect());
    for line in lines {
        write(std::iter::once(&report.run).chain(&line).map(|cell| harmless(cell)).collect());
    }
    // Unwrap safety: memory is never full, and all that was written is text.
    String::from_utf8(writer.into_inner().expect("a CSV in memory")).expect("a CSV of text")
}

/// A cell that no spreadsheet takes for a formula.
pub(crate) fn harmless(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}").into() } else { cell.into() }
}
