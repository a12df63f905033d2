//! The lists of a report for spreadsheets: as CSV (`;`, UTF-8 with BOM) and as one workbook (XLSX). One fact per line;
//! each line names its run, so that the files of many nights can be concatenated.

use std::borrow::Cow;

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, XlsxError};

use super::{Fate, RunReport, words};

/// A list: a CSV file, or a sheet of the workbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// Name of the sheet, and of the file without its extension.
    pub name: &'static str,
    /// Names of the columns.
    pub header: Vec<&'static str>,
    /// Lines.
    pub rows: Vec<Vec<String>>,
}

/// Numeric columns.
const FIGURES: [&str; 12] = [
    "titres",
    "lettres",
    "places",
    "reservees",
    "prevues",
    "rendez_vous",
    "honores",
    "absents",
    "delai_median",
    "delai_p90",
    "fois",
    "semaine_n",
];
/// Rows that a sheet can hold, without its header.
const ROWS_MAX: usize = 1_048_575;

impl List {
    /// A list whose lines have as many cells as columns.
    pub(super) fn new<const N: usize>(
        name: &'static str,
        header: [&'static str; N],
        rows: impl Iterator<Item = [String; N]>,
    ) -> Self {
        Self { name, header: header.into(), rows: rows.map(Vec::from).collect() }
    }

    /// A list of a run: each line begins with the run.
    fn of<const N: usize>(
        report: &RunReport,
        name: &'static str,
        header: [&'static str; N],
        rows: impl Iterator<Item = [String; N]>,
    ) -> Self {
        let with_run = |row: [String; N]| std::iter::once(report.run.clone()).chain(row).collect();
        let header = std::iter::once("execution").chain(header).collect();
        Self { name, header, rows: rows.map(with_run).collect() }
    }

    /// As CSV.
    pub fn to_csv(&self) -> String {
        // Without the byte order mark, Excel reads UTF-8 as Windows-1252.
        let bytes = "\u{feff}".as_bytes().to_vec();
        let mut writer =
            ::csv::WriterBuilder::new().delimiter(b';').terminator(::csv::Terminator::CRLF).from_writer(bytes);
        // Unwrap safety: every line has as many cells as the header, and writing to memory cannot fail.
        writer.write_record(&self.header).expect("the header of a CSV in memory");
        for row in &self.rows {
            writer.write_record(row.iter().map(|cell| harmless(cell).into_owned())).expect("a line of a CSV in memory");
        }
        // Unwrap safety: writing to memory cannot fail, and all that was written is text.
        String::from_utf8(writer.into_inner().expect("a CSV in memory")).expect("a CSV of text")
    }
}

/// Lists as one workbook. The same lists give the same bytes. A list too long for a sheet is only in its CSV.
///
/// # Errors
/// An invalid name of a sheet.
pub fn workbook(lists: &[List]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    // A fixed date: the real creation date would make every export a different file.
    book.set_properties(&DocProperties::new().set_creation_datetime(&ExcelDateTime::from_ymd(2000, 1, 1)?));
    let bold = Format::new().set_bold();
    for list in lists.iter().filter(|list| list.rows.len() <= ROWS_MAX) {
        // Row by row: otherwise a sheet of 60,000 rows would be held in memory as a whole.
        let sheet = book.add_worksheet_with_constant_memory()?.set_name(list.name)?;
        sheet.set_freeze_panes(1, 0)?;
        for (column, name) in (0u16..).zip(&list.header) {
            sheet.write_string_with_format(0, column, *name, &bold)?;
        }
        for (line, row) in (1u32..).zip(&list.rows) {
            for ((column, name), cell) in (0u16..).zip(&list.header).zip(row) {
                match cell.parse::<u32>() {
                    Ok(figure) if FIGURES.contains(name) => sheet.write_number(line, column, figure)?,
                    // A text cell is never a formula here, but the sheet may be saved as CSV, where it must not become
                    // one either.
                    _ => sheet.write_string(line, column, harmless(cell))?,
                };
            }
        }
    }
    book.save_to_buffer()
}

/// Every permit and its outcome: one line for each examined permit.
pub fn outcomes(report: &RunReport, fates: &[Fate]) -> List {
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
        return List::of(report, "outcomes", header, fates.iter().map(line));
    }
    let [permit, kind, end, rule, cause, pass, firm, site, desk, day, start] = header;
    let header = [permit, "numero_etranger", "nom", kind, end, rule, cause, pass, firm, site, desk, day, start];
    let named = fates.iter().map(|fate| {
        let [permit, kind, end, rule, cause, pass, firm, site, desk, day, start] = line(fate);
        let [number, name] = fate.person.clone().unwrap_or_default();
        [permit, number, name, kind, end, rule, cause, pass, firm, site, desk, day, start]
    });
    List::of(report, "outcomes", header, named)
}

/// Permits by rule: they add up to the number of examined permits.
pub fn rules(report: &RunReport) -> List {
    let lines = report.outcomes.iter().map(|o| [o.rule.code().into(), o.label.clone(), o.permits.to_string()]);
    List::of(report, "rules", ["regle", "libelle", "titres"], lines)
}

/// People without a day before expiry, and their seat after it, if any was left.
pub fn lapses(report: &RunReport) -> List {
    let header = ["titre", "type", "fin_validite", "cause", "libelle", "site", "guichet", "date", "heure"];
    let lines = report.lapses.iter().map(|lapse| {
        let [site, desk, day, start] = lapse.seat.as_ref().map_or_else(Default::default, |(site, desk, day, start)| {
            [site.clone(), desk.clone(), day.to_string(), start.format("%H:%M").to_string()]
        });
        let cause = words::lapse_cause(lapse.cause).to_owned();
        let (permit, kind) = (lapse.permit.clone(), lapse.kind.clone());
        [permit, kind, lapse.expires_on.to_string(), lapse.cause.code().into(), cause, site, desk, day, start]
    });
    List::of(report, "lapses", header, lines)
}

/// Letters of the run by channel and state.
pub fn letters(report: &RunReport) -> List {
    let lines = report.letters.iter().map(|l| {
        [l.channel.clone(), l.state.clone(), words::label(&l.state, words::letter_state), l.letters.to_string()]
    });
    List::of(report, "letters", ["canal", "etat", "libelle", "lettres"], lines)
}

/// Seats by site, desk and week.
pub fn occupancy(report: &RunReport) -> List {
    let lines = report.occupancy.iter().map(|o| {
        let [seats, reserved, planned] = [o.seats, o.reserved, o.planned].map(|n| n.to_string());
        [o.site.clone(), o.desk.clone(), o.week.to_string(), seats, reserved, planned]
    });
    List::of(report, "occupancy", ["site", "guichet", "semaine_du", "places", "reservees", "prevues"], lines)
}

/// All permits that need a person's attention.
pub fn listed(report: &RunReport) -> List {
    let lines = report.listed.iter().map(|listed| {
        let (code, label) = (listed.rule.code().to_owned(), listed.rule.label_fr().to_owned());
        [code, label, listed.permit.clone(), listed.detail.clone()]
    });
    List::of(report, "listed", ["regle", "libelle", "titre", "precision"], lines)
}

/// A cell that no spreadsheet interprets as a formula.
pub fn harmless(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}").into() } else { cell.into() }
}
