//! Damaged files against an independent reader: whatever happened to the bytes of a valid CSV, each row that is taken
//! is a row that Python's `csv` finds in them too, and each row that it finds and that is not taken is named.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use super::*;

/// Reads each file that is named on its standard input, with its encoding and separator, and prints, for each, its
/// rows: first line, last line, cells.
const READER: &str = r#"
import codecs, csv, io, json, sys
csv.field_size_limit(1 << 30)
for line in sys.stdin:
    path, encoding, separator = json.loads(line)
    data = open(path, "rb").read()
    if data.startswith(codecs.BOM_UTF8):
        data = data[3:]
    text = data.decode(encoding, "replace")
    rows, before = [], 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    for cells in reader:
        rows.append([before + 1, reader.line_num, cells])
        before = reader.line_num
    print(json.dumps(rows))
"#;

/// A small generator: the same damage on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

/// A valid file, in one of the encodings.
fn valid(dice: &mut Dice) -> Vec<u8> {
    let names = ["Lefèvre", "O'Hara", "Ben; Ali", "d’Ô \"Zé\"", "Müller", "Nguyen", "", " Zoé "];
    let numbers: Vec<(String, String)> = (0..9).map(|i| (format!("94000000{i:02}"), format!("T{i}"))).collect();
    let changes: Vec<Vec<(&str, &str)>> = numbers
        .iter()
        .map(|(number, permit)| {
            let (family, given) = (names[dice.below(6)], names[dice.below(8)]);
            vec![("numero_etranger", number.as_str()), ("numero_titre", permit), ("nom", family), ("prenoms", given)]
        })
        .collect();
    let changes: Vec<&[(&str, &str)]> = changes.iter().map(Vec::as_slice).collect();
    let style = if dice.below(2) == 0 { ::csv::QuoteStyle::Always } else { ::csv::QuoteStyle::Necessary };
    let end = [::csv::Terminator::Any(b'\n'), ::csv::Terminator::CRLF, ::csv::Terminator::Any(b'\r')][dice.below(3)];
    let mut writer = ::csv::WriterBuilder::new()
        .delimiter(b";,\t"[dice.below(3)])
        .terminator(end)
        .quote_style(style)
        .from_writer(Vec::new());
    for row in rows(&changes) {
        writer.write_record(row).unwrap();
    }
    let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
    match dice.below(4) {
        0 => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        1 => encoding_rs::WINDOWS_1252.encode(&text).0.into_owned(),
        _ => text.into_bytes(),
    }
}

/// What happens to files: bytes are cut, doubled, swapped, inserted, or come in another encoding.
fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let (from, length) = (dice.below(bytes.len()), 1 + dice.below(60));
    let to = (from + length).min(bytes.len());
    match dice.below(6) {
        0 => drop(bytes.drain(from..to)),
        1 => {
            let slice = bytes[from..to].to_vec();
            bytes.splice(to..to, slice);
        }
        2 => bytes.truncate(from.max(1)),
        3 => bytes[from] = [b'"', b';', b',', b'\t', b'\n', b'\r', 0xe9, 0xc3, b'\'', b' '][dice.below(10)],
        4 => bytes.insert(from, [b'"', b'\n', b'\r', b';', 0xa0, 0xe8][dice.below(6)]),
        _ => {
            let other = encoding_rs::WINDOWS_1252.encode(&String::from_utf8_lossy(&bytes[from..to])).0.into_owned();
            bytes.splice(from..to, other);
        }
    }
}

/// Makes workbooks as openpyxl does, with what sheets have besides a table, and prints for each its path, the row of
/// its header, and the cells below as text; a formula has no result there.
const WRITER: &str = r#"
import datetime, json, random, sys
import openpyxl
folder, cases, header, good = sys.argv[1], int(sys.argv[2]), *map(json.loads, sys.argv[3:])
dice = random.Random(94)
def text(value):
    if value is None: return ""
    if isinstance(value, datetime.datetime): return value.date().isoformat()
    return str(value)
for case in range(cases):
    book = openpyxl.Workbook()
    sheet = book.active
    if dice.random() < 0.3:
        sheet.sheet_state = "hidden"
        sheet.append(header)
        sheet = book.create_sheet("Titres")
        book.active = 1
    for _ in range(dice.randrange(4)):
        sheet.append(["Titres de séjour", None, datetime.date(2026, 10, 5)][: dice.randrange(4)])
    sheet.append(header)
    at = sheet.max_row
    rows = []
    for n in range(6):
        row = list(good)
        row[header.index("numero_titre")] = f"T{case}-{n}"
        for name in dice.sample(header, 3):
            value = dice.choice([None, "Zoé & <Ali>", 7, 12.5, "=1+1", datetime.datetime(2026, 10, 5), " x "])
            if name != "numero_titre": row[header.index(name)] = value
        sheet.append(row)
        rows.append([text(value) for value in row])
    path = f"{folder}/{case}.xlsx"
    book.save(path)
    print(json.dumps([path, at, rows]))
"#;

#[test]
fn a_workbook_of_another_program_loses_no_row_without_a_word() {
    let cases = std::env::var("CONVOKE_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000) / 10;
    let folder = tempfile::tempdir().unwrap();
    let table = rows(&[&[]]);
    let [header, good] = [0, 1].map(|row| serde_json::to_string(&table[row]).unwrap());
    let output = Command::new(python())
        .args(["-c", WRITER, folder.path().to_str().unwrap(), &cases.to_string(), &header, &good])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (mut taken, mut named) = (0, 0);
    for answer in String::from_utf8(output.stdout).unwrap().lines() {
        let (path, at, theirs): (String, u64, Vec<Vec<String>>) = serde_json::from_str(answer).unwrap();
        let (_, ours) = ours(&fs::read(&path).unwrap()).expect("a workbook of openpyxl is read");
        assert_eq!(ours.header_row, at, "{path}");
        for (line, cells) in (at + 1..).zip(&theirs) {
            let is_named = ours.named.contains(&line);
            assert_eq!(ours.taken.contains(cells), !is_named, "line {line}: {cells:?}");
            assert!(is_named || !cells.iter().any(|cell| cell.starts_with("=1")), "a formula without a result");
            (taken, named) = (taken + u32::from(!is_named), named + u32::from(is_named));
        }
    }
    assert!(taken > 50 && named > 50, "{taken} taken, {named} named");
}

/// Python, with openpyxl if the scripts have set it up.
fn python() -> String {
    std::env::var("CONVOKE_PYTHON").unwrap_or_else(|_| "python3".into())
}

struct Ours {
    header_row: u64,
    taken: Vec<Vec<String>>,
    /// Lines of the rows that are errors.
    named: BTreeSet<u64>,
}

/// What we make of it; `None` for a file that is refused.
fn ours(bytes: &[u8]) -> Option<(Table, Ours)> {
    let mut table = open(bytes, &permits::LAYOUT, &Mapping::default()).ok()?;
    let titles = Titles::shipped();
    let mut wording = wording::Wording::new(&titles, []);
    let mut ours = Ours { header_row: table.header_row, taken: Vec::new(), named: BTreeSet::new() };
    let mut record = table.record();
    let mut records = table.records().ok()?;
    while records.read(&mut record).ok()? {
        match permits::parse(&record, &mut wording) {
            Ok(_) => ours.taken.push(record.cells().map(str::to_owned).collect()),
            Err(errors) => ours.named.extend(errors.iter().map(|error| error.row)),
        }
    }
    drop(records);
    Some((table, ours))
}

#[test]
fn a_damaged_file_loses_no_row_without_a_word() {
    let cases = std::env::var("CONVOKE_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut read, mut asked) = (Vec::new(), String::new());
    for case in 0..cases {
        let mut bytes = valid(&mut dice);
        for _ in 0..dice.below(4) {
            damage(&mut bytes, &mut dice);
        }
        let Some((table, ours)) = ours(&bytes) else { continue };
        let path = folder.path().join(format!("{case}.csv"));
        fs::write(&path, &bytes).unwrap();
        let encoding = match table.encoding.code() {
            "UTF-8" => "utf-8",
            "MacRoman" => "mac_roman",
            _ => "cp1252",
        };
        let separator = table.separator.unwrap().to_string();
        writeln!(asked, "{}", serde_json::json!([path, encoding, separator])).unwrap();
        read.push((path, ours));
    }
    assert!(read.len() > cases / 2, "most damaged files are still tables: {}", read.len());
    let list = folder.path().join("list");
    fs::write(&list, asked).unwrap();
    let output = Command::new(python()).args(["-c", READER]).stdin(fs::File::open(list).unwrap()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = String::from_utf8(output.stdout).unwrap();
    let mut compared = 0;
    for ((path, ours), answer) in read.iter().zip(answers.lines()) {
        let theirs: Vec<(u64, u64, Vec<String>)> = serde_json::from_str(answer).unwrap();
        let shown = || String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        let mut taken = ours.taken.clone();
        for (first, last, cells) in theirs.iter().filter(|(first, ..)| *first > ours.header_row) {
            if cells.iter().all(|cell| cell.trim_matches([' ', '\u{a0}']).is_empty()) {
                continue;
            }
            compared += 1;
            match taken.iter().position(|row| row == cells) {
                Some(place) => drop(taken.remove(place)),
                None => assert!(
                    ours.named.range(first..=last).next().is_some(),
                    "lines {first} to {last} are neither taken nor named: {cells:?}\n{}",
                    shown()
                ),
            }
        }
        assert_eq!(taken, [[""; 0]; 0], "taken, but no such row is there:\n{}", shown());
    }
    assert!(compared > cases, "{compared} rows");
}
