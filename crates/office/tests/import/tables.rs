//! Tables: whatever a spreadsheet or an export made of the same rows, they are read as the same rows.

use std::io::{Cursor, Read};

use convoke_office::import::table::Encoding;
use convoke_office::import::{attendance, slots};
use rust_xlsxwriter::{Format, Formula};
use zip::write::SimpleFileOptions;

use super::*;

fn plain() -> (String, Vec<Parsed>) {
    let text = csv(&[&[("nom", "Cœur d’Ô; dit \"Zé\"")], &[("numero_titre", "T2"), ("prenoms", "")]]);
    let parsed = read(&text).unwrap().1;
    assert!(parsed.iter().all(|(_, row)| row.is_ok()));
    (text, parsed)
}

fn values(parsed: Vec<Parsed>) -> Vec<(Holder, Permit)> {
    parsed.into_iter().map(|(_, row)| row.unwrap()).map(|(holder, permit, _)| (holder, permit)).collect()
}

#[test]
fn the_names_of_the_columns_may_stand_below_titles_and_a_separator_line() {
    let (text, expected) = plain();
    for (above, skipped) in [
        ("sep=;\r\n", &[][..]),
        ("\"sep=;\"\n", &[]),
        ("Titres de séjour du Val-de-Marne\n", &["Titres de séjour du Val-de-Marne"]),
        ("Extraction du 12/10/2026;;;\n\n;;;\nnom;valeur\n", &["Extraction du 12/10/2026", "nom | valeur"]),
        ("a, b, c, d, e, f, g\n", &["a, b, c, d, e, f, g"]),
    ] {
        let (table, parsed) = read(format!("{above}{text}")).unwrap();
        assert_eq!(table.skipped, skipped, "{above:?}");
        assert_eq!(table.header_row, 1 + above.lines().count() as u64, "{above:?}");
        assert_eq!(parsed[0].0, table.header_row + 1, "{above:?}");
        assert_eq!(values(parsed), values(expected.clone()), "{above:?}");
    }
    let below = |rows: usize| read("title\n".repeat(rows) + &text);
    assert_eq!(below(19).unwrap().0.header_row, 20);
    assert!(matches!(below(20), Err(FileFault::NoHeader { .. })));
}

#[test]
fn tabs_and_lone_carriage_returns_make_the_same_table() {
    let (text, expected) = plain();
    let rows = rows(&[&[("nom", "Cœur d’Ô; dit \"Zé\"")], &[("numero_titre", "T2"), ("prenoms", "")]]);
    let (table, parsed) = read(quoted(&rows, '\t')).unwrap();
    assert_eq!((table.separator, parsed), (Some('\t'), expected.clone()));
    for end in ["\r", "\r\n", "\n\r\n"] {
        let (_, parsed) = read(text.replace('\n', end)).unwrap();
        assert_eq!(values(parsed), values(expected.clone()), "{end:?}");
    }
}

#[test]
fn each_row_has_its_own_line_whatever_ends_it() {
    let text = csv(&[&[], &[("statut", "vivant")], &[]]);
    for end in ["\r", "\r\n", "\n"] {
        let text = text.replace('\n', end);
        assert_eq!(places(&text), [(3, "statut".to_owned())], "{end:?}");
        assert_eq!(read(&text).unwrap().1.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [2, 3, 4], "{end:?}");
    }
}

/// Rows without quotation marks, some of which get one.
fn with_stray_quotes(places: &[(usize, &str, &str)]) -> String {
    let mut lines: Vec<String> = csv(&[&[][..]; 8]).replace('"', "").lines().map(str::to_owned).collect();
    for (line, from, to) in places {
        assert!(lines[line - 1].contains(from));
        lines[line - 1] = lines[line - 1].replacen(from, to, 1);
    }
    lines.join("\n") + "\n"
}

#[test]
fn what_a_stray_quotation_mark_swallows_is_named_row_by_row() {
    for (places_of_quotes, swallowed) in [
        (&[(3, "Lefèvre", "\"Lefèvre"), (8, "Zoé", "Zoé\"")][..], 3..=8),
        (&[(3, "Lefèvre", "\"Lefèvre"), (7, "Lefèvre", "Lefèvre\"")], 3..=7),
        (&[(3, "Lefèvre", "\"Lefèvre"), (4, ";Lefèvre", "\";Lefèvre")], 3..=4),
        (&[(2, "actif;", "actif;\""), (3, "0123456789", "\"0123456789")], 2..=3),
    ] {
        let text = with_stray_quotes(places_of_quotes);
        let (_, parsed) = read(&text).unwrap();
        let bad: Vec<u64> = parsed
            .iter()
            .flat_map(|(_, row)| row.as_ref().err().into_iter().flatten().map(|error| error.row))
            .collect();
        assert_eq!(bad, swallowed.clone().collect::<Vec<_>>(), "{places_of_quotes:?}");
        assert_eq!(parsed.iter().filter(|(_, row)| row.is_ok()).count(), 8 - bad.len(), "nothing else is lost");
        let first = parsed.iter().find_map(|(_, row)| row.as_ref().err()).unwrap()[0].to_string();
        assert!(first.contains(&format!("on line {}", swallowed.end())), "{first}");
    }
}

#[test]
fn a_remark_of_several_lines_is_one_row() {
    let rows: Vec<Vec<String>> = rows(&[&[], &[("numero_titre", "T2")]])
        .into_iter()
        .zip(["remarque", "vu le 3;\ndossier \"complet\"\r\n", ""])
        .map(|(row, remark)| row.into_iter().chain([remark.to_owned()]).collect())
        .collect();
    let (table, parsed) = read(quoted(&rows, ';')).unwrap();
    assert_eq!(table.unknown_columns, ["remarque"]);
    assert_eq!(parsed.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [2, 5]);
    assert_eq!(values(parsed).len(), 2);
}

#[test]
fn one_byte_of_another_encoding_is_an_error_of_its_row_alone() {
    let text = csv(&[&[("nom", "Zoé")], &[("nom", "N#e")], &[("nom", "Lefèvre")]]);
    let with = |text: &[u8], bytes: &[u8]| {
        let place = text.iter().position(|b| *b == b'#').unwrap();
        [&text[..place], bytes, &text[place + 1..]].concat()
    };
    let utf8 = with(text.as_bytes(), b"\xe9");
    let ansi = encoding_rs::WINDOWS_1252.encode(&text).0.into_owned();
    for (bytes, encoding) in [
        (utf8.clone(), Encoding::Utf8),
        ([b"\xef\xbb\xbf", &utf8[..]].concat(), Encoding::Utf8),
        (with(&ansi, "é".as_bytes()), Encoding::Windows1252),
        (with(&ansi, b"\x8f"), Encoding::Windows1252),
    ] {
        let (table, parsed) = read(&bytes).unwrap();
        assert_eq!((table.encoding, places(&bytes)), (encoding, vec![(3, "nom".to_owned())]));
        let error = parsed[1].1.clone().unwrap_err().remove(0);
        assert!(error.expected.contains(encoding.code()) && error.expected.contains("0x"), "{error}");
        assert!(matches!(&parsed[2].1, Ok((holder, ..)) if holder.family_name == "Lefèvre"));
    }
    let text = text.replace('#', "é");
    let mac = encoding_rs::MACINTOSH.encode(&text).0;
    let (table, parsed) = read(&mac).unwrap();
    assert_eq!(table.encoding, Encoding::MacRoman);
    let names: Vec<_> = values(parsed).into_iter().map(|(holder, _)| holder.family_name).collect();
    assert_eq!(names, ["Zoé", "Née", "Lefèvre"]);
}

#[test]
fn a_file_that_names_no_column_is_refused_with_what_it_begins_with() {
    let fault = refusal("Liste des agents\n\nA. Martin;12\n").to_string();
    assert!(fault.contains("Liste des agents") && fault.contains("numero_etranger"), "{fault}");
    let fault = refusal("Extrait\nnumero_etranger\tnom\tprénoms\n").to_string();
    assert!(fault.contains("line 2 (separator `\\t`)") && fault.contains("numero_etranger, nom, prénoms"), "{fault}");
}

/// A sheet with the rows from a line on.
fn fill(sheet: &mut rust_xlsxwriter::Worksheet, from: u32, rows: &[Vec<String>]) {
    for (y, row) in (from..).zip(rows) {
        for (x, cell) in (0..).zip(row) {
            sheet.write_string(y, x, cell).unwrap();
        }
    }
}

#[test]
fn the_visible_sheet_with_the_columns_is_read() {
    let rows = rows(&[&[]]);
    let mut book = Workbook::new();
    fill(book.add_worksheet().set_name("Ancien").unwrap().set_hidden(true), 0, &rows);
    fill(book.add_worksheet().set_name("Lisez-moi").unwrap(), 0, &[vec!["nom".to_owned(), "Extrait".to_owned()]]);
    let sheet = book.add_worksheet().set_name("Titres").unwrap().set_active(true);
    sheet.write_string(0, 3, "Titres de séjour").unwrap();
    fill(sheet, 4, &rows);
    let (table, parsed) = read(book.save_to_buffer().unwrap()).unwrap();
    assert_eq!((table.sheet.as_deref(), table.header_row), (Some("Titres"), 5));
    assert_eq!(table.skipped, ["Titres de séjour"]);
    assert_eq!(parsed[0].0, 6);
    assert_eq!(values(parsed), taken(csv(&[&[]])));

    let mut book = Workbook::new();
    book.add_worksheet().set_name("Vide").unwrap().set_active(true);
    fill(book.add_worksheet().set_name("Titres").unwrap().set_hidden(true), 0, &rows);
    let fault = refusal(book.save_to_buffer().unwrap());
    assert!(matches!(&fault, FileFault::HiddenSheet(name) if name == "Titres"), "{fault}");
}

#[test]
fn the_first_visible_sheet_that_has_the_columns_is_read_whatever_others_have() {
    let wide: Vec<Vec<String>> = rows(&[&[("nom", "Ancien")]])
        .into_iter()
        .zip(["ville", "CRETEIL"])
        .map(|(row, town)| row.into_iter().chain([town.to_owned()]).collect())
        .collect();
    for hidden in [false, true] {
        let mut book = Workbook::new();
        fill(book.add_worksheet().set_name("Extrait").unwrap().set_active(true), 0, &rows(&[&[]]));
        fill(book.add_worksheet().set_name("Archive").unwrap().set_hidden(hidden), 0, &wide);
        let (table, parsed) = read(book.save_to_buffer().unwrap()).unwrap();
        assert_eq!((table.sheet.as_deref(), values(parsed)), (Some("Extrait"), taken(csv(&[&[]]))));
    }
}

#[test]
fn a_sheet_that_repeats_a_cell_over_millions_is_refused_before_it_is_unpacked() {
    let mut cells = text_cells(&rows(&[&[]]));
    cells[1][0].0 += " table:number-columns-repeated=\"16384\"";
    let many: Vec<_> = (0..300).map(|_| cells[1].clone()).collect();
    let fault = refusal(ods(&[vec![cells[0].clone()], many].concat()));
    assert!(matches!(fault, FileFault::TooLarge { .. }), "{fault}");
}

#[test]
fn a_quotation_mark_that_swallows_the_file_refuses_it() {
    let (text, _) = plain();
    let fault = refusal(format!("{text}\"{}\"\n{text}", "\n".repeat(2_000_000)));
    assert!(matches!(fault, FileFault::OpenQuote { row: 4 }), "{fault}");
}

#[test]
fn nothing_of_a_header_moves_the_cursor_of_a_terminal() {
    let fault = refusal("nom\u{1b}[2J;prenoms;\u{202e}email\n").to_string();
    assert!(!fault.contains(char::is_control) && !fault.contains('\u{202e}'), "{fault:?}");
}

/// The workbook with a change in the XML of its first sheet.
fn edited(book: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(book)).unwrap();
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for i in 0..archive.len() {
        let mut part = archive.by_index(i).unwrap();
        let name = part.name().unwrap().to_string();
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).unwrap();
        if name == "xl/worksheets/sheet1.xml" {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.contains(from), "{from} is not in {text}");
            bytes = text.replacen(from, to, 1).into_bytes();
        }
        out.start_file(name, SimpleFileOptions::default()).unwrap();
        out.write_all(&bytes).unwrap();
    }
    out.finish().unwrap().into_inner()
}

/// The cell of a column in the only row of a workbook.
fn with_cell(column: &str, write: impl FnOnce(&mut rust_xlsxwriter::Worksheet, u16)) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    fill(sheet, 0, &rows(&[&[]]));
    let place = GOOD.iter().position(|(name, _)| *name == column).unwrap();
    write(sheet, place as u16);
    book.save_to_buffer().unwrap()
}

#[test]
fn a_formula_without_a_stored_result_is_no_empty_cell() {
    let book = with_cell("depot_le", |sheet, x| {
        sheet.write_formula(1, x, Formula::new("TODAY()").set_result("2026-10-01")).unwrap();
    });
    assert_eq!(only(taken(&book)).1.filed_on, Some(day(2026, 10, 1)));
    for empty in ["<v></v>", "<v/>", ""] {
        let book = edited(&book, "<v>2026-10-01</v>", empty);
        let book = edited(&book, " t=\"str\"><f>TODAY", "><f>TODAY");
        assert_eq!(places(&book), [(2, "depot_le".to_owned())], "{empty:?}");
        let (_, parsed) = read(&book).unwrap();
        let error = only(only(parsed).1.unwrap_err());
        assert!(error.found == "=TODAY()" && error.expected.contains("not stored"), "{error}");
    }
    // A formula may say that there is nothing.
    let book = with_cell("depot_le", |sheet, x| {
        sheet.write_formula(1, x, Formula::new("\"\"").set_result("")).unwrap();
    });
    let book = edited(&book, "><f>\"\"</f><v>0</v>", " t=\"str\"><f>\"\"</f><v></v>");
    assert_eq!(only(taken(&book)).1.filed_on, None);
}

#[test]
fn dates_are_read_as_every_program_stores_them() {
    let expected = Some(day(2026, 10, 1));
    let date = Format::new().set_num_format("dd/mm/yyyy");
    let serial = with_cell("depot_le", |sheet, x| {
        sheet.write_number_with_format(1, x, 46_296.0, &date).unwrap();
    });
    assert_eq!(only(taken(&serial)).1.filed_on, expected);
    let text = with_cell("depot_le", |sheet, x| {
        sheet.write_number(1, x, 7_777_777.0).unwrap();
    });
    for iso in ["2026-10-01", "2026-10-01T00:00:00", "2026-10-01T00:00:00.000"] {
        let book = edited(&text, "><v>7777777</v>", &format!(" t=\"d\"><v>{iso}</v>"));
        assert_eq!(only(taken(&book)).1.filed_on, expected, "{iso}");
    }
    assert_eq!(places(&text), [(2, "depot_le".to_owned())], "a number without the format of a date");
}

#[test]
fn a_number_cell_of_ten_digits_has_lost_no_zero() {
    let book = with_cell("numero_etranger", |sheet, x| {
        sheet.write_number(1, x, 9_912_345_678_f64).unwrap();
    });
    assert_eq!(only(taken(&book)).0.number, "9912345678");
}

/// The hours of a table of slots.
fn hours(bytes: &[u8]) -> Vec<Result<String, String>> {
    let agenda = toml::from_str(&std::fs::read_to_string("../../config/examples/94/agenda.toml").unwrap()).unwrap();
    let mut table = open(bytes, &slots::LAYOUT, &Mapping::default()).unwrap();
    let (mut record, mut found) = (table.record(), Vec::new());
    let mut records = table.records().unwrap();
    while records.read(&mut record).unwrap() {
        found.push(match slots::parse(&record, &agenda, day(2026, 10, 1)) {
            Ok((slot, _)) => Ok(slot.id.start.format("%H:%M").to_string()),
            Err(errors) => Err(errors[0].found.clone()),
        });
    }
    found
}

#[test]
fn an_hour_keeps_its_seconds_until_they_are_refused() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let header = slots::LAYOUT.columns.iter().map(|name| (*name).to_owned()).collect();
    fill(sheet, 0, &[header]);
    let time = Format::new().set_num_format("hh:mm:ss");
    for (y, seconds) in (1..).zip([33_600, 34_200, 49_530]) {
        fill(sheet, y, &[["creteil", "renouvellement", "2026-11-03", "", "20", "1"].map(str::to_owned).to_vec()]);
        sheet.write_number_with_format(y, 3, f64::from(seconds) / 86_400.0, &time).unwrap();
    }
    assert_eq!(
        hours(&book.save_to_buffer().unwrap()),
        [Ok("09:20".into()), Ok("09:30".into()), Err("13:45:30".into())]
    );
}

/// An ODS sheet: the attributes and the text of each cell.
fn ods(rows: &[Vec<(String, String)>]) -> Vec<u8> {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let cell = |(attributes, text): &(String, String)| {
        format!("<table:table-cell {attributes}><text:p>{}</text:p></table:table-cell>", escaped(text))
    };
    let row = |row: &Vec<(String, String)>| {
        format!("<table:table-row>{}</table:table-row>", row.iter().map(cell).collect::<String>())
    };
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><office:document-content \
         xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
         xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" \
         xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" office:version=\"1.3\">\
         <office:body><office:spreadsheet><table:table table:name=\"Titres\">{}</table:table>\
         </office:spreadsheet></office:body></office:document-content>",
        rows.iter().map(row).collect::<String>()
    );
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let manifest = "<manifest:manifest xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\"/>";
    let mimetype = "application/vnd.oasis.opendocument.spreadsheet";
    for (name, text) in [("mimetype", mimetype), ("META-INF/manifest.xml", manifest), ("content.xml", &content)] {
        archive.start_file(name, SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn text_cells(rows: &[Vec<String>]) -> Vec<Vec<(String, String)>> {
    let cell = |text: &String| ("office:value-type=\"string\"".to_owned(), text.clone());
    rows.iter().map(|row| row.iter().map(cell).collect()).collect()
}

#[test]
fn an_opendocument_sheet_is_read_as_the_same_csv_is() {
    let (_, expected) = plain();
    let rows = rows(&[&[("nom", "Cœur d’Ô; dit \"Zé\"")], &[("numero_titre", "T2"), ("prenoms", "")]]);
    let mut cells = text_cells(&rows);
    let filed = rows[0].iter().position(|name| name == "fin_validite").unwrap();
    let iso = "office:value-type=\"date\" office:date-value=\"2026-12-01T00:00:00\"";
    cells[1][filed] = (iso.into(), "01/12/26".into());
    let (table, parsed) = read(ods(&cells)).unwrap();
    assert_eq!((table.encoding, table.sheet.as_deref()), (Encoding::Ods, Some("Titres")));
    assert_eq!(parsed, expected);

    let last = rows[0].len() - 1;
    cells[2][last] = ("table:formula=\"of:=TODAY()\"".into(), String::new());
    assert_eq!(places(ods(&cells)), [(3, "depot_le".to_owned())]);

    let slot = |hour: &str| {
        let mut row =
            text_cells(&[["creteil", "renouvellement", "2026-11-03", "", "20", "1"].map(str::to_owned).to_vec()]);
        row[0][3] = (format!("office:value-type=\"time\" office:time-value=\"{hour}\""), String::new());
        row.remove(0)
    };
    let mut cells = text_cells(&[slots::LAYOUT.columns.iter().map(|name| (*name).to_owned()).collect()]);
    cells.extend([slot("PT09H30M00S"), slot("PT09H30M00.000000000S"), slot("PT13H45M30S")]);
    assert_eq!(hours(&ods(&cells)), [Ok("09:30".into()), Ok("09:30".into()), Err("13:45:30".into())]);
}

#[test]
fn a_sheet_filled_in_at_a_counter_may_have_a_title() {
    let text = "Feuille du 3 novembre\nreference;presence;nom\nRC-94-2026-0000001-X;honore;N\n";
    let table = open(text, &attendance::LAYOUT, &Mapping::default()).unwrap();
    assert_eq!((table.header_row, table.unknown_columns), (2, vec!["nom".to_owned()]));
}
