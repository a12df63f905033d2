//! What the renderings of a report promise.

#[path = "../../../../tests/support/pdf.rs"]
mod pdf;
mod sample;

use convoke_letters::Fonts;
use convoke_report::lists::{lapses, listed, rules, workbook};
use convoke_report::{RunReport, document, html, terminal};
use sample::{HOSTILE, empty, extreme, night};

fn reports() -> [RunReport; 3] {
    [night(), empty(), extreme()]
}

/// Text of a page without its tags and styles, with single blanks.
fn text_of(page: &str) -> String {
    let body = page.split_once("</style>").expect("a style").1;
    let text: String =
        body.split('<').filter_map(|piece| piece.split_once('>')).flat_map(|(_, text)| [text, " "]).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('\u{202f}', " ")
}

#[test]
fn nothing_in_the_page_is_executable_or_remote() {
    for report in reports() {
        let page = html(&report).unwrap();
        assert!(page.contains(
            r#"<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">"#
        ));
        // Only in tags, as the browser sees them: the text may contain any data.
        for tag in page.split('<').skip(1).map(|piece| piece.split('>').next().unwrap_or_default().to_lowercase()) {
            let name = tag.split([' ', '/']).next().unwrap_or_default();
            assert!(
                !["script", "iframe", "object", "embed", "link", "img", "base", "form", "image", "use"].contains(&name),
                "{tag}"
            );
            assert!([" on", "src=", "javascript:", "//"].iter().all(|active| !tag.contains(active)), "{tag}");
            assert!(!tag.contains("href=") || tag.contains("href=\"#"), "{tag}");
        }
        assert!(!page.contains("@import") && !page.contains("://"));
        assert_eq!(page.matches("url(").count(), page.matches("url(#hatch)").count());
    }
}

#[test]
fn hostile_text_is_shown_and_never_obeyed() {
    let report = extreme();
    let (page, text) = (html(&report).unwrap(), terminal(&report, 80, false));
    let coloured = terminal(&report, 80, true);
    assert!(!page.contains("<script"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;&#x2f;script&gt;"));
    for rendering in [&page, &text] {
        let deceives = |c: char| {
            c.is_control() && c != '\n'
                || ('\u{202a}'..='\u{202e}').contains(&c)
                || ('\u{2066}'..='\u{2069}').contains(&c)
        };
        assert_eq!(rendering.chars().find(|c| deceives(*c)), None);
    }
    assert!(!coloured.contains("\u{1b}[31m\u{0}") && !coloured.contains('\u{202e}'));
}

#[test]
fn every_outcome_is_printed_and_the_sum_holds() {
    for report in reports() {
        assert_eq!(report.outcomes.iter().map(|o| o.permits).sum::<u64>(), report.scanned, "the sample itself");
        let (page, table) = (text_of(&html(&report).unwrap()), rules(&report).to_csv());
        let text = terminal(&report, 120, false);
        for outcome in &report.outcomes {
            let grouped = outcome
                .permits
                .to_string()
                .as_bytes()
                .rchunks(3)
                .rev()
                .map(String::from_utf8_lossy)
                .collect::<Vec<_>>()
                .join(" ");
            assert!(page.contains(&format!("{} {grouped} ", outcome.label)), "{outcome:?}");
            let line = text.lines().find(|line| line.contains(&outcome.label)).expect("a line of the funnel");
            assert!(format!("{line} ").replace('\u{a0}', " ").contains(&format!(" {grouped} ")), "{line}");
            assert!(table.contains(&format!(";{};{};{}\r\n", outcome.rule, outcome.label, outcome.permits)));
        }
        assert!(page.contains("✓ Vérifié. La somme des issues est égale au nombre de titres examinés"), "{page}");
        assert!(!page.contains("Anomalie") && !text.contains("ANOMALIE"));
    }
}

#[test]
fn a_permit_that_is_counted_nowhere_is_an_anomaly() {
    let report = RunReport { scanned: 4_213, ..night() };
    assert!(text_of(&html(&report).unwrap()).contains("✗ Anomalie. La somme des issues"));
    assert!(terminal(&report, 80, false).contains("ANOMALIE"));
}

#[test]
fn a_run_that_did_not_end_claims_to_have_convoked_nobody() {
    let report = RunReport { state: convoke_domain::run::RunState::Stopped, letters: vec![], ..night() };
    for rendering in [text_of(&html(&report).unwrap()), terminal(&report, 80, false)] {
        assert!(rendering.contains("exécution non terminée"));
        assert!(!rendering.contains("personnes convoquées"));
    }
}

#[test]
fn a_long_list_is_cut_in_the_page_and_whole_in_the_csv() {
    let report = extreme();
    assert!(text_of(&html(&report).unwrap()).contains("et 60 autres&nbsp;: voir le CSV."));
    assert_eq!(listed(&report).to_csv().lines().filter(|line| line.starts_with("94/")).count(), 260);
    assert_eq!(lapses(&report).to_csv().lines().count(), 11);
}

#[test]
fn no_cell_of_a_csv_is_a_formula() {
    let mut report = extreme();
    report.run = "+33".to_owned();
    report.listed[0].detail = "\t=1+1".to_owned();
    report.lapses[0].kind = "@SUM(A1)".to_owned();
    for table in [rules(&report).to_csv(), lapses(&report).to_csv(), listed(&report).to_csv()] {
        let table = table.strip_prefix('\u{feff}').expect("a byte order mark");
        let mut cells = ::csv::ReaderBuilder::new().delimiter(b';').from_reader(table.as_bytes());
        for cell in cells.records().flat_map(|line| line.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()) {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
        }
    }
    assert!(listed(&report).to_csv().contains(&format!("'{}", HOSTILE.replace('"', "\"\""))));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for report in reports() {
        for width in [40, 80, 120] {
            let text = terminal(&report, width, false);
            assert_eq!(text.lines().find(|line| line.chars().count() > usize::from(width)), None, "{width}");
        }
    }
}

#[test]
fn the_terminal_of_an_ordinary_night() {
    insta::assert_snapshot!(terminal(&night(), 80, false));
}

#[test]
fn the_report_on_paper_keeps_both_standards_and_says_every_figure() {
    for report in reports() {
        let made = document(&report);
        let written = made.to_pdf(&report.run, report.business_date, Fonts::embedded()).unwrap();
        assert_eq!(pdf::failures(&written), Vec::<String>::new());
        assert_eq!(
            written,
            made.to_pdf(&report.run, report.business_date, Fonts::embedded()).unwrap(),
            "the same bytes"
        );
        let said = serde_json::to_string(&made).unwrap();
        for outcome in &report.outcomes {
            assert!(said.contains(&outcome.label), "{}", outcome.label);
        }
        assert!(said.contains(&report.plan_hash) && said.contains(&report.ledger_root));
    }
    assert!(pdf::pages(&document(&extreme()).to_pdf("x", night().business_date, Fonts::embedded()).unwrap()) < 40);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tmp");
    std::fs::create_dir_all(&folder).unwrap();
    let written = document(&night()).to_pdf("94", night().business_date, Fonts::embedded()).unwrap();
    std::fs::write(folder.join("report.pdf"), written).unwrap();
}

#[test]
fn the_workbook_holds_the_lists_and_no_formula() {
    use calamine::{Data, Reader};
    let mut report = extreme();
    report.listed[0].detail = "=1+1".to_owned();
    let lists = [rules(&report), lapses(&report), listed(&report)];
    let bytes = workbook(&lists).unwrap();
    assert_eq!(bytes, workbook(&lists).unwrap(), "the same bytes");
    let mut book = calamine::open_workbook_from_rs::<calamine::Xlsx<_>, _>(std::io::Cursor::new(bytes)).unwrap();
    for list in &lists {
        let sheet = book.worksheet_range(list.name).unwrap();
        assert_eq!(sheet.height(), list.rows.len() + 1);
        assert!(book.worksheet_formula(list.name).unwrap().used_cells().next().is_none());
        for cell in sheet.rows().flatten() {
            assert!(!matches!(cell, Data::String(text) if text.starts_with(['=', '+', '-', '@'])), "{cell:?}");
        }
    }
    let permits: f64 = book
        .worksheet_range("rules")
        .unwrap()
        .rows()
        .skip(1)
        .map(|row| row[3].to_string().parse::<f64>().unwrap())
        .sum();
    assert_eq!(permits as u64, 1_000_270, "figures are figures");
}
