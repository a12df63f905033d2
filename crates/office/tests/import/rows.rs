//! Rows: what each says, and what they say of each other.

use std::fs;
use std::io::Write;
use std::sync::LazyLock;

use convoke_domain::agenda::Agenda;
use convoke_domain::permit::FIELD_MAX;
use convoke_office::import::duplicates::{Duplicates, Row, holder_fingerprint, permit_fingerprint};
use convoke_office::import::mapping::Mapping;
use convoke_office::import::result::{FileFault, RowError};
use convoke_office::import::table::Encoding;
use convoke_office::import::{permits, slots};
use proptest::prelude::*;
use rust_xlsxwriter::Workbook;

use super::*;

#[test]
fn both_separators_are_found_and_read_alike() {
    let rows = rows(&[&[("nom", "Le; Fèvre, dit \"Zé\"")]]);
    let (semicolon, a) = read(quoted(&rows, ';')).unwrap();
    let (comma, b) = read(quoted(&rows, ',')).unwrap();
    assert_eq!((semicolon.separator, comma.separator), (Some(';'), Some(',')));
    assert_eq!(a, b);
    let (holder, permit, warnings) = only(a).1.unwrap();
    assert_eq!(holder.family_name, "Le; Fèvre, dit \"Zé\"");
    assert_eq!((holder.number.as_str(), holder.address), ("0123456789", vec!["3 rue des Tilleuls".to_owned()]));
    assert_eq!((permit.valid_from, permit.expires_on), (day(2025, 12, 2), day(2026, 12, 1)));
    assert_eq!(warnings, []);
}

#[test]
fn utf8_is_read_with_and_without_its_mark_and_windows_1252_is_detected() {
    let text = csv(&[&[("nom", "Cœur d’Ô"), ("prenoms", "Zoé")]]);
    let marked = ["\u{feff}", &text].concat();
    let (ansi, _, unmappable) = encoding_rs::WINDOWS_1252.encode(&text);
    assert!(!unmappable);
    for (bytes, encoding) in
        [(text.as_bytes(), Encoding::Utf8), (marked.as_bytes(), Encoding::Utf8), (ansi.as_ref(), Encoding::Windows1252)]
    {
        let (table, parsed) = read(bytes).unwrap();
        assert_eq!(table.encoding, encoding);
        assert_eq!(table.header()[0], "numero_etranger");
        let (holder, ..) = only(parsed).1.unwrap();
        assert_eq!((holder.family_name.as_str(), holder.given_names.as_str()), ("Cœur d’Ô", "Zoé"));
    }
}

#[test]
fn a_file_that_is_no_text_is_refused_with_what_it_is() {
    let text = csv(&[&[]]);
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [[b"\xff\xfe", &little[..]].concat(), [b"\xfe\xff", &big[..]].concat(), little, big] {
        assert!(matches!(refusal(bytes), FileFault::Utf16));
    }
    for empty in ["", "\u{feff}", "\r\n\n\r\n"] {
        assert!(matches!(refusal(empty), FileFault::Empty), "{empty:?}");
    }
    let nul = csv(&[&[], &[("nom", "Le\0fèvre")]]);
    let place = nul.find('\0').unwrap() as u64;
    let found = refusal(&nul);
    assert!(matches!(found, FileFault::Nul { line: 3, offset } if offset == place), "{found}");
    assert!(found.to_string().starts_with("line 3 holds a NUL byte"), "{found}");
}

#[test]
fn an_open_quote_is_refused_with_the_line_on_which_it_opens() {
    let whole = csv(&[&[], &[("nom", "Deux\nlignes")]]);
    for (end, line) in [("\"", 5), ("\"0123456789\";\"Lefèvre\n\n\n", 5), ("a;b;\"c", 5), ("a;\"b\nb\";\"c", 6)] {
        let fault = refusal(format!("{whole}{end}"));
        assert!(matches!(fault, FileFault::OpenQuote { row } if row == line), "{end:?}: {fault}");
    }
}

#[test]
fn missing_and_duplicate_columns_are_refused_and_all_named() {
    let text = csv(&[&[]]);
    let fault = refusal(text.replacen("\"nom\"", "\"Family name\"", 1).replacen("\"statut\"", "\"\"", 1));
    assert!(matches!(&fault, FileFault::MissingColumns { missing, .. } if missing == &["nom", "statut"]), "{fault}");
    let fault = refusal(text.replacen("\"prenoms\"", "\" NOM \"", 1).replacen("\"foyer\"", "\"Statut\"", 1));
    assert!(
        matches!(&fault, FileFault::DuplicateColumns(names) if names.iter().map(|n| n.to_lowercase()).eq(["nom", "statut"])),
        "{fault}"
    );
    let endless = refusal("a;".repeat(20_000));
    assert!(matches!(endless, FileFault::EndlessHeader { row: 1, .. }), "{endless}");
}

#[test]
fn an_unknown_column_is_ignored_and_listed() {
    let text = csv(&[&[]]);
    let wider = text.replace('\n', ";\"taille\"\n");
    let (table, parsed) = read(wider).unwrap();
    assert_eq!(table.unknown_columns, ["taille"]);
    assert_eq!(parsed, read(text).unwrap().1);
}

#[test]
fn a_ragged_row_is_a_row_error_and_the_others_are_read() {
    let text = csv(&[&[], &[]]);
    let (header, row) = text.split_once('\n').unwrap();
    let row = row.lines().next().unwrap();
    let shorter = row.rsplit_once(';').unwrap().0;
    let (_, parsed) = read(format!("{header}\n{row}\n{shorter}\n\n{row};\"more\"\n{row}")).unwrap();
    assert_eq!(parsed.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [2, 3, 5, 6]);
    assert!(parsed[0].1.is_ok() && parsed[3].1.is_ok());
    for (i, found) in [(1, "17 fields"), (2, "19 fields")] {
        let error = only(parsed[i].1.clone().unwrap_err());
        assert_eq!((error.row, error.column.as_str(), error.found.as_str()), (parsed[i].0, "", found));
        assert_eq!(error.expected, "18 fields, as in the header");
    }
}

#[test]
fn a_bad_field_is_named_with_its_row_and_column() {
    let million = "é".repeat(1_000_000);
    let too_long = "é".repeat(FIELD_MAX + 1);
    for (column, value) in [
        ("numero_etranger", "12345678"),
        ("numero_etranger", "12345678901"),
        ("numero_etranger", "012345678A"),
        ("numero_etranger", "٠١٢٣٤٥٦٧٨٩"),
        ("numero_etranger", ""),
        ("numero_titre", ""),
        ("numero_titre", "T 1"),
        ("numero_titre", "T\u{200b}1"),
        ("nom", ""),
        ("nom", "\u{a0} "),
        ("nom", "Le\tfèvre"),
        ("nom", "Le\r\nfèvre"),
        ("nom", "Le\u{1b}[2J"),
        ("prenoms", "Zo\u{85}é"),
        ("nom", &too_long),
        ("nom", &million),
        ("adresse_2", &million),
        ("code_postal", "9400"),
        ("commune_insee", "2C004"),
        ("langue", "français"),
        ("type_titre", ""),
        ("mention", "\u{7}"),
        ("statut", "perdu"),
        ("statut", ""),
        ("debut_validite", "2026-02-30"),
        ("fin_validite", "30/02/2026"),
        ("fin_validite", "2027-02-29"),
        ("fin_validite", "46357"),
        ("fin_validite", "2025-12-01"),
        ("depot_le", "hier"),
    ] {
        let text = csv(&[&[], &[(column, value)], &[]]);
        let shown: String = value.chars().take(20).collect();
        assert_eq!(places(text), [(3, column.to_owned())], "{column} {shown:?}");
    }
}

#[test]
fn every_bad_field_of_a_row_is_named() {
    let text = csv(&[
        &[("numero_etranger", "12A"), ("nom", "\u{7}"), ("mention", ""), ("statut", "perdu")],
        &[("fin_validite", "30/02/2026"), ("adresse_1", "")],
    ]);
    let expected =
        [(2, "numero_etranger"), (2, "nom"), (2, "mention"), (2, "statut"), (3, "adresse_1"), (3, "fin_validite")];
    assert_eq!(places(&text), expected.map(|(row, column)| (row, column.to_owned())));
    let (_, parsed) = read(&text).unwrap();
    let errors = parsed[0].1.clone().unwrap_err();
    assert_eq!(errors[0].to_string(), "line 2, numero_etranger: found \"12A\", expected text of 9 or 10 digits");
    assert_eq!(errors[1].found, "\\u{7}");
}

#[test]
fn what_an_error_quotes_is_short_and_nothing_in_it_is_invisible() {
    let hidden = format!("\u{202e}\u{200b}\u{feff}\r\n\0{}", "x".repeat(2_000)).replace('\0', "\u{1}");
    let (_, parsed) = read(csv(&[&[("nom", &hidden)]])).unwrap();
    let error = only(only(parsed).1.unwrap_err());
    assert!(error.found.starts_with("\\u{202e}\\u{200b}\\u{feff}\\r\\n\\u{1}x"), "{}", error.found);
    assert!(error.found.ends_with('…') && error.found.chars().count() < 120, "{}", error.found);
}

#[test]
fn a_malformed_address_is_taken_as_none_with_a_warning() {
    for address in ["zoe@", "zoe holder.example", "a@b.example;c@d.example", "<a@b.example>", "zoé@holder.example"] {
        let (_, parsed) = read(csv(&[&[("email", address)]])).unwrap();
        let (holder, _, warnings) = only(parsed).1.unwrap();
        assert_eq!(holder.email, None, "{address}");
        let warning = only(warnings);
        assert_eq!((warning.row, warning.column.as_str(), warning.found.as_str()), (2, "email", address));
    }
}

#[test]
fn a_formula_guard_is_taken_off_and_no_other_apostrophe() {
    let names = ["'=cmd()", "'t Hooft", "N'Guessan", "O''Hara", "'+33"];
    let taken: Vec<String> = taken(csv(&names.map(|name| [("nom", name)]).each_ref().map(|c| &c[..])))
        .into_iter()
        .map(|(h, _)| h.family_name)
        .collect();
    assert_eq!(taken, ["=cmd()", "'t Hooft", "N'Guessan", "O''Hara", "+33"]);
}

/// What the rows say of each other.
fn compared(changes: &[&[(&str, &str)]]) -> Vec<Result<Row, RowError>> {
    let mut seen = Duplicates::default();
    let rows = (2..).zip(taken(csv(changes)));
    rows.map(|(row, (holder, permit))| {
        let fingerprints = (holder_fingerprint(&holder), permit_fingerprint(&permit, &holder.commune));
        seen.check(row, &holder, &permit, fingerprints)
    })
    .collect()
}

#[test]
fn one_permit_under_two_numbers_is_an_error_that_names_the_first_line() {
    let found = compared(&[&[], &[("numero_etranger", "999999999")]]);
    assert!(matches!(found[0], Ok(Row::Take { takes_holder: true, warning: None })));
    let error = found[1].clone().unwrap_err();
    assert_eq!((error.row, error.column.as_str(), error.found.as_str()), (3, "numero_titre", "T000000001"));
    assert!(error.expected.contains("line 2"), "{error}");
}

#[test]
fn one_number_with_two_names_is_an_error_and_leaves_no_trace() {
    let other = ("numero_titre", "T2");
    let found = compared(&[&[], &[other, ("nom", "Martin")], &[other, ("prenoms", "Zoë")], &[other]]);
    for (i, row) in [(1, 3), (2, 4)] {
        let error = found[i].clone().unwrap_err();
        assert_eq!((error.row, error.column.as_str()), (row, "nom"));
        assert!(error.expected.contains("line 2"), "{error}");
    }
    // The permit of the refused rows can still be taken from a good one.
    assert_eq!(found[3], Ok(Row::Take { takes_holder: false, warning: None }));
}

#[test]
fn the_same_row_again_is_ignored_and_one_that_contradicts_it_is_an_error() {
    let found = compared(&[&[], &[], &[("fin_validite", "2026-12-31")]]);
    assert!(matches!(&found[1], Ok(Row::Ignore(warning)) if warning.row == 3 && warning.note.contains("line 2")));
    assert_eq!(found[2].clone().unwrap_err().column, "numero_titre");
}

#[test]
fn a_second_permit_that_says_something_else_of_its_holder_is_taken_with_a_warning() {
    let found = compared(&[&[], &[("numero_titre", "T2"), ("telephone", "")]]);
    let Ok(Row::Take { takes_holder: false, warning: Some(warning) }) = &found[1] else { panic!("{found:?}") };
    assert_eq!((warning.row, warning.column.as_str()), (3, "numero_etranger"));
}

#[test]
fn a_mapping_renames_columns_and_values_and_fills_columns_that_are_not_there() {
    let mapping = Mapping::parse(
        "[columns]\nnumero_etranger = \"AGDREF\"\n[values.type_titre]\n\"Carte temporaire\" = \"CST\"\n\
         [constants]\nlangue = \"ar\"\n",
        &permits::LAYOUT,
    )
    .unwrap();
    let theirs = csv(&[&[("type_titre", "Carte temporaire"), ("langue", "fr")]])
        .replacen("\"numero_etranger\"", "\"agdref\"", 1)
        .replacen("\"langue\"", "\"tongue\"", 1);
    let (table, parsed) = mapped(&theirs, &mapping).unwrap();
    let (holder, permit, _) = only(parsed).1.unwrap();
    assert_eq!((holder.number.as_str(), holder.language.as_str()), ("0123456789", "ar"));
    assert_eq!(permit.kind.code(), "CST");
    assert_eq!(table.unknown_columns, ["tongue"]);

    let fault = mapped(csv(&[&[]]), &mapping).err().unwrap();
    assert!(matches!(&fault, FileFault::MissingColumns { missing, .. } if missing == &["AGDREF"]), "{fault}");
    let constant = Mapping::parse("[constants]\nlangue = \"fr\"", &permits::LAYOUT).unwrap();
    let fault = mapped(csv(&[&[]]), &constant).err().unwrap();
    assert!(matches!(&fault, FileFault::NeedlessConstants(names) if names == &["langue"]), "{fault}");
}

fn agenda() -> Agenda {
    toml::from_str(&fs::read_to_string("../../config/examples/94/agenda.toml").unwrap()).unwrap()
}

#[test]
fn a_slot_at_an_unknown_desk_or_without_seats_is_a_row_error() {
    let today = day(2026, 11, 2);
    let parsed = |row: &str| {
        let text = format!("site;guichet;date;heure;duree_min;places\n{row}\n");
        let mut table = open(text, &slots::LAYOUT, &Mapping::default()).unwrap();
        let mut record = table.record();
        assert!(table.records().unwrap().read(&mut record).unwrap());
        slots::parse(&record, &agenda(), today)
    };
    for (row, columns) in [
        ("cretail;renouvellement;2026-11-03;09:30;20;2", &["site"][..]),
        ("creteil;renouvelement;2026-11-03;09:30;20;2", &["guichet"]),
        ("creteil;renouvellement;2026-11-31;24:30;0;0", &["date", "heure", "duree_min", "places"]),
        ("creteil;renouvellement;2026-11-03;09:30;20;-1", &["places"]),
        (";;2026-11-03;09:30;20;1", &["site", "guichet"]),
    ] {
        let errors = parsed(row).unwrap_err();
        assert!(errors.iter().all(|error| error.row == 2), "{row}");
        assert_eq!(errors.iter().map(|error| error.column.as_str()).collect::<Vec<_>>(), columns, "{row}");
    }
    let (slot, warnings) = parsed("creteil;renouvellement;2026-11-03;09:30;20;2").unwrap();
    assert_eq!(
        (slot.id.pool.site.as_str(), slot.id.day, slot.seats, warnings),
        ("creteil", day(2026, 11, 3), 2, vec![])
    );
    for (date, note) in [("2026-11-01", "past"), ("2026-11-11", "closed")] {
        let (_, warnings) = parsed(&format!("creteil;renouvellement;{date};09:30;20;2")).unwrap();
        assert!(only(warnings).note.contains(note), "{date}");
    }
}

#[test]
fn a_slot_said_twice_is_one_and_a_contradiction_names_the_first_line() {
    let mut repeats = slots::Repeats::default();
    let text = "site,guichet,date,heure,duree_min,places\n".to_owned()
        + &["2", "2", "3"].map(|n| format!("creteil,resident,2026-11-03,09:30,20,{n}\n")).concat();
    let mut table = open(text, &slots::LAYOUT, &Mapping::default()).unwrap();
    let (mut record, mut found) = (table.record(), Vec::new());
    let mut records = table.records().unwrap();
    while records.read(&mut record).unwrap() {
        let (slot, _) = slots::parse(&record, &agenda(), day(2026, 11, 2)).unwrap();
        found.push(repeats.check(record.row(), &slot));
    }
    assert_eq!((&found[0], &found[1]), (&Ok(true), &Ok(false)));
    let error = found.remove(2).unwrap_err();
    assert!(error.row == 4 && error.expected.contains("line 2"), "{error}");
}

#[test]
fn a_workbook_is_read_as_the_same_csv_is() {
    let rows = rows(&[&[("nom", "王小明; \"é\"")], &[("numero_titre", "T2"), ("prenoms", "")]]);
    let (table, parsed) = read(workbook(&rows)).unwrap();
    assert_eq!((table.encoding, table.separator), (Encoding::Xlsx, None));
    assert_eq!(parsed, read(quoted(&rows, ',')).unwrap().1);
}

#[test]
fn a_number_cell_has_lost_its_zeros_and_is_refused_as_an_identifier() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (y, row) in (0..).zip(rows(&[&[]])) {
        for (x, cell) in (0..).zip(row) {
            sheet.write_string(y, x, cell).unwrap();
        }
    }
    sheet.write_number(1, 0, 123_456_789).unwrap();
    sheet.write_number(1, 11, 17).unwrap();
    let (_, parsed) = read(book.save_to_buffer().unwrap()).unwrap();
    let errors = only(parsed).1.unwrap_err();
    let found: Vec<_> = errors.iter().map(|e| (e.row, e.column.as_str(), e.found.as_str())).collect();
    assert_eq!(found, [(2, "numero_etranger", "123456789"), (2, "numero_titre", "17")]);
    assert!(errors.iter().all(|error| error.expected.contains("leading zeros")));
}

#[test]
fn a_truncated_workbook_is_refused() {
    let whole = workbook(&rows(&[&[]]));
    for length in [4, 30, whole.len() / 3, whole.len() / 2, whole.len() - 23, whole.len() - 1] {
        let fault = refusal(&whole[..length]);
        assert!(matches!(fault, FileFault::Workbook(_)), "{length}: {fault}");
    }
}

/// The archive of these parts, each of so many MiB of blanks.
fn bomb(parts: &[(&str, usize)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let blanks = vec![b' '; 1 << 20];
    for (name, mib) in parts {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        for _ in 0..*mib {
            archive.write_all(&blanks).unwrap();
        }
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn a_zip_bomb_is_refused_before_it_is_unpacked() {
    for parts in [&[("xl/sharedStrings.xml", 65)][..], &[("xl/a.xml", 33), ("xl/b.xml", 32)]] {
        let bytes = bomb(parts);
        assert!(bytes.len() < 1 << 20);
        let fault = refusal(bytes);
        assert!(matches!(fault, FileFault::TooLarge { .. }), "{fault}");
    }
}

/// A workbook, made once: thousands of damaged copies are made of it.
static WORKBOOK: LazyLock<Vec<u8>> = LazyLock::new(|| workbook(&rows(&[&[], &[]])));

fn name() -> impl Strategy<Value = String> {
    let visible = |text: &String| !text.trim().is_empty() && text.trim() == text;
    // A guard against formulas is taken off, as the test of guards promises.
    let unguarded = |text: &String| !(text.starts_with('\'') && text[1..].starts_with(['=', '+', '-', '@']));
    prop_oneof!["[a-zA-Z;,\"'éèçŒ€ -]{1,40}", "[\u{620}-\u{64a}王小明ñ,; \"=@|{}<>#()]{1,40}"]
        .prop_filter("a name without blanks around it", visible)
        .prop_filter("no guard", unguarded)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn good_rows_are_read_as_they_were_written(
        names in proptest::collection::vec((name(), name(), name()), 1..6),
        comma in any::<bool>(),
        crlf in any::<bool>(),
        last_end in any::<bool>(),
        always_quoted in any::<bool>(),
        form in 0..4,
    ) {
        let numbers: Vec<String> = (0..names.len()).map(|i| format!("{i:09}")).collect();
        let changes: Vec<[(&str, &str); 4]> = names.iter().zip(&numbers).map(|((family, given, line), number)| {
            [("numero_etranger", number.as_str()), ("nom", family.as_str()), ("prenoms", given.as_str()), ("adresse_2", line.as_str())]
        }).collect();
        let changes: Vec<&[(&str, &str)]> = changes.iter().map(|c| &c[..]).collect();
        let rows = rows(&changes);
        let style = if always_quoted { ::csv::QuoteStyle::Always } else { ::csv::QuoteStyle::Necessary };
        let mut writer = ::csv::WriterBuilder::new()
            .delimiter(if comma { b',' } else { b';' })
            .terminator(if crlf { ::csv::Terminator::CRLF } else { ::csv::Terminator::Any(b'\n') })
            .quote_style(style)
            .from_writer(Vec::new());
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let mut text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        if !last_end {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        let bytes = match form {
            0 => text.into_bytes(),
            1 => ["\u{feff}", &text].concat().into_bytes(),
            2 => workbook(&rows),
            _ => {
                let (ansi, _, unmappable) = encoding_rs::WINDOWS_1252.encode(&text);
                // Bytes that are UTF-8 by chance are taken for it: no program can tell.
                let ansi = ansi.into_owned();
                if unmappable || std::str::from_utf8(&ansi).is_ok() { text.into_bytes() } else { ansi }
            }
        };
        let read: Vec<_> = taken(&bytes).into_iter().map(|(h, _)| (h.number, h.family_name, h.given_names, h.address[1].clone())).collect();
        let written: Vec<_> = names.into_iter().zip(numbers).map(|((family, given, line), number)| (number, family, given, line)).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn arbitrary_bytes_never_panic(head in 0..4, bytes in proptest::collection::vec(any::<u8>(), 0..1_500)) {
        let header = csv(&[]);
        let head: &[u8] = match head {
            0 => b"",
            1 => header.as_bytes(),
            2 => b"PK\x03\x04",
            _ => b"\xef\xbb\xbf",
        };
        let _ = read([head, &bytes].concat());
    }

    #[test]
    fn arbitrary_cells_are_taken_or_named(cells in proptest::collection::vec("\\PC{0,12}|[\\x01-\\x1f;\"]{0,3}", 18)) {
        let mut table = rows(&[&[]]);
        table[1] = cells;
        let (_, parsed) = read(quoted(&table, ';')).unwrap();
        for (row, result) in parsed {
            prop_assert!(row >= 2);
            if let Err(errors) = result {
                prop_assert!(!errors.is_empty());
                for error in errors {
                    prop_assert!(permits::LAYOUT.columns.contains(&error.column.as_str()), "{}", error);
                    prop_assert!(!error.found.contains(char::is_control), "{}", error);
                }
            }
        }
    }

    #[test]
    fn a_damaged_workbook_never_panics(flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = WORKBOOK.clone();
        for (place, byte) in flips {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = read(bytes);
    }
}
