//! How many cells an ODS sheet stands for: a cell of a few bytes may be repeated over columns and rows.

use std::io::{self, BufRead};

/// The largest area of a sheet of `content.xml`, in cells, from its first to its last that has a value.
pub(super) fn largest(mut content: impl BufRead) -> io::Result<u64> {
    let (mut area, mut sheet, mut row) = (0u64, Sheet::default(), Row::default());
    let mut tag = Vec::new();
    loop {
        tag.clear();
        if content.read_until(b'>', &mut tag)? == 0 {
            return Ok(area);
        }
        let start = tag.iter().rposition(|b| *b == b'<').map_or(0, |place| place + 1);
        let tag = &tag[start..];
        let is =
            |name: &[u8]| tag.strip_prefix(name).is_some_and(|rest| rest.first().is_none_or(|b| b" />".contains(b)));
        if is(b"table:table") {
            sheet = Sheet::default();
        } else if is(b"table:table-row") {
            row = Row { repeats: number(tag, b"table:number-rows-repeated=\""), ..Row::default() };
        } else if is(b"table:table-cell") || is(b"table:covered-table-cell") {
            row.columns = row.columns.saturating_add(number(tag, b"table:number-columns-repeated=\""));
            if contains(tag, b"office:") || contains(tag, b"table:formula") {
                row.filled = row.columns;
            }
        } else if is(b"/table:table-row") {
            sheet.rows = sheet.rows.saturating_add(row.repeats);
            if row.filled > 0 {
                sheet.width = sheet.width.max(row.filled);
                area = area.max(sheet.width.saturating_mul(sheet.rows));
            }
        }
    }
}

#[derive(Default)]
struct Sheet {
    rows: u64,
    width: u64,
}

#[derive(Default)]
struct Row {
    repeats: u64,
    columns: u64,
    /// Columns up to the last that has a value.
    filled: u64,
}

/// The number of an attribute; 1 if it has none.
fn number(tag: &[u8], attribute: &[u8]) -> u64 {
    let place = tag.windows(attribute.len()).position(|window| window == attribute);
    let digits = place.map_or(&[][..], |place| &tag[place + attribute.len()..]);
    let digits: String = digits.iter().take_while(|b| b.is_ascii_digit()).map(|b| char::from(*b)).collect();
    if digits.is_empty() { 1 } else { digits.parse().unwrap_or(u64::MAX) }
}

fn contains(tag: &[u8], what: &[u8]) -> bool {
    tag.windows(what.len()).any(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(rows: &str) -> u64 {
        largest(format!("<x><table:table table:name=\"a\">{rows}</table:table></x>").as_bytes()).unwrap()
    }

    #[test]
    fn a_repeated_cell_counts_as_often_as_it_stands_there() {
        let row = |repeats: &str, cells: &str| format!("<table:table-row {repeats}>{cells}</table:table-row>");
        let cell = "<table:table-cell office:value-type=\"string\"><text:p>a</text:p></table:table-cell>";
        let gap = "<table:table-cell table:number-columns-repeated=\"16000\"/>";
        assert_eq!(area(&row("", cell)), 1);
        assert_eq!(area(&row("table:number-rows-repeated=\"90000\"", cell)), 90_000);
        assert_eq!(area(&row("", &format!("{gap}{cell}"))), 16_001);
        assert_eq!(area(&format!("{}{}", row("", cell), row("table:number-rows-repeated=\"1048575\"", gap))), 1);
        let wide = cell.replace("office", "table:number-columns-repeated=\"1100\" office");
        assert_eq!(area(&row("table:number-rows-repeated=\"90000\"", &wide)), 99_000_000);
        assert_eq!(area(&row("table:number-rows-repeated=\"99999999999999999999\"", &wide)), u64::MAX);
    }
}
