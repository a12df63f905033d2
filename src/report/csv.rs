//! The lists of a report as CSV for spreadsheets: `;`, UTF-8 with BOM, one line per fact, the run on every line so
//! that the files of many nights can be put one under the other.

use std::borrow::Cow;

use super::{Fate, RunReport, words};

/// Every permit, and what became of it: as many lines as permits were examined.
pub fn outcomes_csv(report: &RunReport, fates: &[Fate]) -> String {
    let yes = |yes| if yes { "oui" } else { "non" };
    let identified = fates.iter().any(|f| f.person.is_some());
    let header =
        ["titre", "type", "fin_validite", "regle", "cause", "passe", "ferme", "site", "guichet", "date", "heure"];
    let line = |fate: &Fate| {
        let [pass, firm, site, desk, day, start] = fate.seat.as_ref().map_or_else(Default::default, |s| {
            let (day, start) = (s.day.to_string(), s.start.format("%H:%M").to_string());
            [s.pass.code().to_owned(), yes(s.firm).to_owned(), s.site.clone(), s.desk.clone(), day, start]
        });
        let permit = fate.permit.clone().unwrap_or_else(|| "(efface)".to_owned());
        let expires_on = fate.expires_on.map_or_else(String::new, |day| day.to_string());
        let cause = fate.lapse.map_or_else(String::new, |cause| cause.code().to_owned());
        [permit, fate.kind.clone(), expires_on, fate.rule.code().to_owned(), cause, pass, firm, site, desk, day, start]
    };
    if !identified {
        return table(report, header, fates.iter().map(line));
    }
    let [permit, kind, end, rule, cause, pass, firm, site, desk, day, start] = header;
    let header = [permit, "numero_etranger", "nom", kind, end, rule, cause, pass, firm, site, desk, day, start];
    let named = fates.iter().map(|fate| {
        let [permit, kind, end, rule, cause, pass, firm, site, desk, day, start] = line(fate);
        let [number, name] = fate.person.clone().unwrap_or_default();
        [permit, number, name, kind, end, rule, cause, pass, firm, site, desk, day, start]
    });
    table(report, header, named)
}

/// Permits by rule: their sum is the number of permits that were examined.
pub fn rules_csv(report: &RunReport) -> String {
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

/// Letters of the run by channel and state.
pub fn letters_csv(report: &RunReport) -> String {
    let lines = report
        .letters
        .iter()
        .map(|l| [l.channel.clone(), l.state.clone(), words::letter_state(&l.state), l.letters.to_string()]);
    table(report, ["canal", "etat", "libelle", "lettres"], lines)
}

/// Seats by site, desk and week.
pub fn occupancy_csv(report: &RunReport) -> String {
    let lines = report.occupancy.iter().map(|o| {
        let [seats, reserved, planned] = [o.seats, o.reserved, o.planned].map(|n| n.to_string());
        [o.site.clone(), o.desk.clone(), o.week.to_string(), seats, reserved, planned]
    });
    table(report, ["site", "guichet", "semaine_du", "places", "reservees", "prevues"], lines)
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
