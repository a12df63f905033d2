//! Charts, drawn with attributes only, because pages have no inline styles, and described in text for screen readers.

use askama::Template;

/// A chart of horizontal bars.
#[derive(Template)]
#[template(path = "console/chart_rows.svg")]
pub(super) struct Rows {
    /// Makes identifiers unique among the charts of a page.
    id: &'static str,
    title: String,
    desc: String,
    height: usize,
    rows: Vec<Row>,
}

struct Row {
    label: String,
    value: String,
    y: usize,
    width: String,
    bad: bool,
}

/// Height of a row, and length of the longest bar.
const ROW: usize = 30;
const ROW_WIDTH: f64 = 300.0;

impl Rows {
    /// From (label, value, formatted value, whether it needs attention).
    pub(super) fn new(
        id: &'static str,
        title: String,
        figures: impl Iterator<Item = (String, u64, String, bool)>,
    ) -> Self {
        let figures: Vec<_> = figures.collect();
        let most = figures.iter().map(|(_, n, ..)| *n).max().unwrap_or(0).max(1);
        let desc = figures.iter().map(|(label, _, value, _)| format!("{label} : {value}")).collect::<Vec<_>>();
        let height = ROW * figures.len() + 6;
        let rows = figures.into_iter().enumerate().map(|(i, (label, n, value, bad))| Row {
            label: cut(&label),
            value,
            y: ROW * i + 4,
            width: length(n, most, ROW_WIDTH),
            bad,
        });
        Self { id, title, desc: desc.join(" ; "), height, rows: rows.collect() }
    }
}

/// Text in a chart does not wrap: what is cut off is in the description.
fn cut(label: &str) -> String {
    const SHOWN: usize = 46;
    if label.chars().count() <= SHOWN {
        return label.to_owned();
    }
    label.chars().take(SHOWN - 1).chain(['…']).collect()
}

fn length(n: u64, most: u64, whole: f64) -> String {
    format!("{:.1}", whole * n as f64 / most.max(1) as f64)
}

/// A chart of columns: a bar for demand, and a line across it for supply.
#[derive(Template)]
#[template(path = "console/chart_columns.svg")]
pub(super) struct Columns {
    id: &'static str,
    title: String,
    desc: String,
    width: usize,
    most: String,
    columns: Vec<Column>,
}

struct Column {
    label: Option<String>,
    x: usize,
    middle: usize,
    bar_width: usize,
    y: String,
    height: String,
    line: String,
    over: Option<String>,
    over_y: String,
}

const COLUMNS_HEIGHT: f64 = 180.0;
const COLUMNS_LEFT: usize = 56;

impl Columns {
    /// From (label, demand, supply, lapses); `number` formats the maximum.
    pub(super) fn new(
        id: &'static str,
        title: String,
        desc: String,
        figures: &[(String, u64, u64, u64)],
        number: impl Fn(u64) -> String,
    ) -> Self {
        let most = figures.iter().map(|(_, wanted, there, _)| *wanted.max(there)).max().unwrap_or(0).max(1);
        let step = (900 / figures.len().max(1)).clamp(6, 60);
        // With many weeks, not every name fits.
        let named = 48_usize.div_ceil(step).max(1);
        let column = |(i, (label, wanted, there, lapses)): (usize, &(String, u64, u64, u64))| {
            let top = |n: u64| 20.0 + COLUMNS_HEIGHT - COLUMNS_HEIGHT * n as f64 / most as f64;
            let (x, bar_width) = (COLUMNS_LEFT + step * i, step.saturating_sub(3));
            Column {
                label: i.is_multiple_of(named).then(|| label.clone()),
                x,
                middle: x + bar_width / 2,
                bar_width,
                y: format!("{:.1}", top(*wanted)),
                height: length(*wanted, most, COLUMNS_HEIGHT),
                line: format!("{:.1}", top(*there)),
                over: (*lapses > 0).then(|| number(*lapses)),
                over_y: format!("{:.1}", top(*wanted.max(there)) - 5.0),
            }
        };
        let width = (COLUMNS_LEFT + step * figures.len() + 8).max(320);
        Self { id, title, desc, width, most: number(most), columns: figures.iter().enumerate().map(column).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_in_pictures_and_figures_stay_within_them() {
        let figures = [("<b>".to_owned(), 3, "3".to_owned(), true), ("x".repeat(260), 0, "0".to_owned(), false)];
        let drawn = Rows::new("a", "t".into(), figures.into_iter()).render().unwrap();
        assert!(drawn.contains("&#60;b&#62;") && !drawn.contains("<b>") && drawn.contains("width=\"300.0\""));
        let drawn = Columns::new("b", "t".into(), "d".into(), &[("W1".into(), 0, 0, 0)], |n| n.to_string());
        assert!(drawn.render().unwrap().contains("height=\"0.0\""));
    }
}
