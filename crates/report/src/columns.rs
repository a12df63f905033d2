//! Text in columns and lines, within the reader's width: no line is longer, none ends with blanks, and nothing in it
//! moves the cursor.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};
use serde_json::Value;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::visible;

/// A table without rules. Text too long for its column continues below.
#[derive(Debug)]
pub struct Columns {
    table: Table,
    whole: Vec<usize>,
    right: Vec<usize>,
}

impl Columns {
    /// For a terminal of `width` columns.
    pub fn new(width: u16) -> Self {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        Self { table, whole: Vec::new(), right: Vec::new() }
    }

    /// The column headings.
    #[must_use]
    pub fn header<T: AsRef<str>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.table.set_header(names.into_iter().map(|name| cell(name.as_ref())));
        self
    }

    /// Columns, from 0, that are never wrapped, so that they can be copied in one piece. The others shrink.
    #[must_use]
    pub fn whole(mut self, columns: impl IntoIterator<Item = usize>) -> Self {
        self.whole.extend(columns);
        self
    }

    /// Columns, from 0, of right-aligned figures.
    #[must_use]
    pub fn right(mut self, columns: impl IntoIterator<Item = usize>) -> Self {
        self.right.extend(columns);
        self
    }

    /// Adds a row. A line feed starts a new line within a cell.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.table.add_row(cells.into_iter().map(|text| cell(text.as_ref())));
    }

    /// The whole table, each line terminated.
    pub fn text(mut self) -> String {
        let last = self.table.column_iter().count().saturating_sub(1);
        for (i, column) in self.table.column_iter_mut().enumerate() {
            column.set_padding((0, if i == last { 0 } else { 2 }));
            if self.whole.contains(&i) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
            if self.right.contains(&i) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        self.table.trim_fmt() + "\n"
    }
}

fn cell(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// A sentence in lines of at most `width` columns, each terminated. `lead` precedes the first line, and blanks of the
/// same width the others.
pub fn paragraph(lead: &str, text: &str, width: u16) -> String {
    let indent = lead.width();
    let lines = wrap(text, usize::from(width).saturating_sub(indent).max(1));
    let begun = lines.into_iter().enumerate().map(|(i, line)| match i {
        0 => format!("{lead}{line}\n"),
        _ => format!("{:indent$}{line}\n", ""),
    });
    begun.collect()
}

/// Wraps a text to `width` columns. A continuation line is aligned with the last column that starts in the left half,
/// or else with the start of its line.
pub fn fold(text: &str, width: u16) -> String {
    let width = usize::from(width);
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches('\n');
        // Text with colours has already been laid out.
        if bare.width() <= width || bare.contains('\u{1b}') {
            out.push_str(line);
            continue;
        }
        let begin = bare.len() - bare.trim_start().len();
        let mut ends = bare.rmatch_indices("  ").map(|(at, _)| at + 2).filter(|at| !bare[*at..].starts_with(' '));
        let column = ends.find(|at| bare[..*at].width() <= width / 2);
        let (lead, rest) = bare.split_at(column.unwrap_or(begin).max(begin));
        // A word that does not fit is meant to be copied: a terminal breaks it without a line feed.
        if rest.split(' ').any(|word| lead.width() + word.width() > width) {
            out.push_str(line);
            continue;
        }
        out.push_str(&paragraph(lead, rest, width as u16));
    }
    out
}

/// The values in a document, one per row, each with its path such as `lapses.no_capacity`. Empty values are left out.
pub fn fields(document: &Value) -> Vec<[String; 2]> {
    fn flatten(path: String, value: &Value, rows: &mut Vec<[String; 2]>) {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match value {
            Value::Null => {}
            Value::Object(fields) => fields.iter().for_each(|(key, value)| flatten(below(key), value, rows)),
            Value::Array(items) => {
                items.iter().zip(1..).for_each(|(item, n)| flatten(below(&n.to_string()), item, rows));
            }
            Value::String(text) if text.is_empty() => {}
            Value::String(text) => rows.push([path, text.clone()]),
            other => rows.push([path, other.to_string()]),
        }
    }
    let mut rows = Vec::new();
    flatten(String::new(), document, &mut rows);
    rows
}

/// Lines of at most `width` columns, broken between words where possible.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in visible(text).split(' ').filter(|word| !word.is_empty()) {
        let blank = if line.is_empty() { "" } else { " " };
        if line.width() + blank.len() + word.width() <= width {
            line.extend([blank, word]);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        // Longer than a line, such as a hash on a narrow terminal.
        for c in word.chars() {
            if line.width() + c.width().unwrap_or(0) > width {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_known_is_listed_and_what_is_not_is_left_out() {
        let known = json!({"a": {"b": [1, "x"], "c": null}, "d": "", "e": true});
        assert_eq!(fields(&known), [["a.b.1", "1"], ["a.b.2", "x"], ["e", "true"]]);
    }

    #[test]
    fn a_line_goes_on_below_its_last_column_or_below_its_first() {
        let shown = "ok    seal      signed by the key of the office\nshort\n";
        let folded = "ok    seal      signed by the\n                key of the\n                office\nshort\n";
        assert_eq!(fold(shown, 32), folded);
        let far = "  policy.a = 10                    # config/policy.toml:41\n";
        assert_eq!(fold(far, 40), "  policy.a = 10 # config/policy.toml:41\n");
        assert_eq!(fold("nothing to fold", 20), "nothing to fold");
    }
}
