//! The report for a terminal: the sentence, the funnel and what needs attention.

use unicode_width::UnicodeWidthStr;

use super::funnel::{Funnel, Stage, summary};
use super::{RunReport, words};
use crate::columns::wrap;
use convoke_domain::eligibility::Rule;

/// People without a day before expiry named here; the page and the CSV name more.
const NAMED: usize = 10;

/// Width of a number: ten million with its separators.
const NUMBER: usize = 10;

/// The report as text of at most `width` columns, at least 40, in colour if `colour`.
pub fn terminal(report: &RunReport, width: u16, colour: bool) -> String {
    let mut page = Page { width: usize::from(width.max(40)), colour, text: String::new() };
    let funnel = Funnel::of(report);
    page.paragraph(&format!("Convocations, nuit du {}", words::weekday_date(report.business_date)), Tone::Strong);
    page.paragraph(
        &format!("{}, exécution {}\u{a0}: {}", report.prefecture_name, report.run, words::run_state(report.state)),
        Tone::Plain,
    );
    page.gap();
    page.paragraph(&summary(report), Tone::Plain);
    page.gap();
    let failure = report.failure.iter().map(|why| format!("Exécution interrompue\u{a0}: {why}"));
    for warning in failure.chain(report.warnings.iter().cloned()) {
        page.paragraph(&format!("! {warning}"), Tone::Alert);
    }
    page.gap();
    page.bars("TITRES EXAMINÉS", report.scanned, &funnel.examined, report.scanned);
    page.gap();
    page.bars(
        "PERSONNES À CONVOQUER",
        report.permits(Rule::Due) + report.permits(Rule::DueLate),
        &funnel.convoked,
        funnel.convoked_scale,
    );
    page.gap();
    for check in &funnel.checks {
        let (found, tone) = if check.holds { ("Vérifié", Tone::Plain) } else { ("ANOMALIE", Tone::Alert) };
        page.paragraph(&format!("{found}. {}\u{a0}: {}", check.label, check.sum), tone);
    }
    page.gap();
    page.lapses(report);
    page.gap();
    if !report.followed.is_empty() {
        page.line("SUITES", Tone::Strong);
        for line in report.followed.iter().take(NAMED) {
            let (done, cause) = (line.consequence.label_fr(), words::followed_cause(&line.cause));
            page.paragraph(&format!("- {}\u{a0}: {done} ({cause})", line.reference), Tone::Plain);
        }
        page.more(report.followed.len());
        page.gap();
    }
    if !report.letters_perhaps_twice.is_empty() {
        page.line("LETTRES PEUT-ÊTRE REÇUES DEUX FOIS", Tone::Strong);
        for letter in report.letters_perhaps_twice.iter().take(NAMED) {
            let state = words::label(&letter.state, words::letter_state).to_lowercase();
            page.paragraph(&format!("- {}\u{a0}: {state}", letter.reference), Tone::Plain);
        }
        page.more(report.letters_perhaps_twice.len());
        page.gap();
    }
    page.paragraph(&format!("Empreinte du plan\u{a0}: {}", report.plan_hash), Tone::Plain);
    let entries = words::number(report.ledger_size.unsigned_abs());
    page.paragraph(&format!("Registre\u{a0}: {entries} écritures, tête {}", report.ledger_root), Tone::Plain);
    // Terminals draw the narrow no-break space in different widths, and the ordinary one in a single column.
    page.text.replace('\u{202f}', "\u{a0}")
}

struct Page {
    width: usize,
    colour: bool,
    text: String,
}

#[derive(Clone, Copy)]
enum Tone {
    Plain,
    Strong,
    Alert,
}

impl Tone {
    fn unless_zero(alert: bool, count: u64, otherwise: Self) -> Self {
        if alert && count > 0 { Self::Alert } else { otherwise }
    }
}

impl Page {
    fn line(&mut self, line: &str, tone: Tone) {
        let (on, off) = match tone {
            Tone::Strong if self.colour => ("\u{1b}[1m", "\u{1b}[0m"),
            Tone::Alert if self.colour => ("\u{1b}[1;31m", "\u{1b}[0m"),
            _ => ("", ""),
        };
        self.text.extend([on, line.trim_end(), off, "\n"]);
    }

    /// One empty line, even if requested twice.
    fn gap(&mut self) {
        if !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    fn paragraph(&mut self, text: &str, tone: Tone) {
        for line in wrap(text, self.width) {
            self.line(&line, tone);
        }
    }

    /// Stages and their parts with a bar each; a full bar is `scale`.
    fn bars(&mut self, title: &str, total: u64, stages: &[Stage], scale: u64) {
        self.measure(title, 0, total, scale, Tone::Strong);
        self.line(&"-".repeat(self.width), Tone::Plain);
        for stage in stages {
            self.measure(stage.label, 0, stage.count, scale, Tone::unless_zero(stage.alert, stage.count, Tone::Strong));
            for part in &stage.parts {
                self.measure(&part.label, 2, part.count, scale, Tone::unless_zero(part.alert, part.count, Tone::Plain));
            }
        }
    }

    /// A label, its number and a bar. A long label continues below, with the same indentation.
    fn measure(&mut self, label: &str, indent: usize, count: u64, scale: u64, tone: Tone) {
        let bar_width = self.width / 5;
        let label_width = self.width - NUMBER - bar_width - 2 - indent;
        for (i, label) in wrap(label, label_width).into_iter().enumerate() {
            let fill = " ".repeat(label_width - label.width());
            let (number, bar) =
                if i == 0 { (words::number(count), bar(count, scale, bar_width)) } else { Default::default() };
            self.line(&format!("{:indent$}{label}{fill}{number:>NUMBER$}  {bar}", ""), tone);
        }
    }

    fn lapses(&mut self, report: &RunReport) {
        if !report.lapses.is_empty() {
            self.line("SANS RENDEZ-VOUS AVANT L’EXPIRATION", Tone::Strong);
        }
        for lapse in report.lapses.iter().take(NAMED) {
            let seat = lapse.seat.as_ref().map_or_else(
                || "aucune place ensuite".to_owned(),
                |(site, desk, day, start)| {
                    format!("reçu le {} à {}, {site}, {desk}", words::date(*day), words::time(*start))
                },
            );
            let cause = words::lapse_cause(lapse.cause).to_lowercase();
            let line =
                format!("- {}, expire le {}\u{a0}: {cause}, {seat}", lapse.permit, words::date(lapse.expires_on));
            self.paragraph(&line, Tone::Plain);
        }
        self.more(report.lapses.len());
    }

    /// The number of items that are not named.
    fn more(&mut self, all: usize) {
        if let Some(more @ 1..) = all.checked_sub(NAMED) {
            self.paragraph(&format!("et {}", words::counted(more as u64, "", "autre", "autres")), Tone::Plain);
        }
    }
}

/// A bar in eighths of a column; a value that is not zero stays visible.
fn bar(count: u64, scale: u64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let full = width * 8;
    let eighths = (u128::from(count) * full as u128).checked_div(u128::from(scale)).unwrap_or(0) as usize;
    let eighths = eighths.clamp(usize::from(count > 0), full);
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}
