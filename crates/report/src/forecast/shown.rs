//! A forecast as text, as tables and as a picture.

use std::fmt::Write as _;

use super::{Bounds, DeskWeek, Forecast, Week};
use crate::columns::{Columns, paragraph};
use crate::lists::List;

/// Width of the text in columns; bars do not grow with the terminal.
const WIDTH: u16 = 80;
/// Desks and weeks named in the text; the tables name all.
const NAMED: usize = 12;
/// Length of the longest bar, in cells.
const BAR: u64 = 44;
/// Fractions of a cell, from one eighth on.
const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// For a terminal of 80 columns: the weeks, their bars, and the conclusions in sentences.
pub fn text(forecast: &Forecast) -> String {
    let weeks = forecast.weeks.len();
    let mut out = String::new();
    let (night, weeks, due) = (forecast.night, weeks as u64, forecast.due);
    let head = format!("Forecast of {weeks} week{} from the night of {night} on: {due} to be convoked.", plural(weeks));
    line_of(&mut out, &head);
    // Unwrap safety, here and below: writing to a String cannot fail.
    write!(out, "\n{}", table(forecast)).expect("a String takes text");
    for line in below_the_table(forecast) {
        line_of(&mut out, &line);
    }
    write!(out, "\n{}\n", chart(forecast)).expect("a String takes text");
    for line in conclusions(forecast) {
        line_of(&mut out, &line);
    }
    out
}

/// Adds text, wrapped.
fn line_of(out: &mut String, text: &str) {
    let words = text.trim_start();
    out.push_str(&paragraph(&text[..text.len() - words.len()], words, WIDTH));
}

fn plural(n: u64) -> &'static str {
    if n == 1 { "" } else { "s" }
}

fn table(forecast: &Forecast) -> String {
    let header = ["WEEK", "MONDAY", "DUE", "SEATS", "TAKEN", "LOAD", "LAPSES", "AT LEAST", "AT MOST"];
    let mut table = Columns::new(WIDTH).header(header).right(2..9);
    for week in &forecast.weeks {
        let Bounds { lower, expected, upper } = week.lapses;
        table.row([
            format!("{}{}", week.week, if week.projected { "~" } else { "" }),
            week.monday.to_string(),
            week.due.to_string(),
            week.seats.to_string(),
            week.taken.to_string(),
            load(week),
            expected.to_string(),
            lower.to_string(),
            upper.to_string(),
        ]);
    }
    table.text()
}

fn load(week: &Week) -> String {
    week.load_percent.map_or_else(|| "–".to_owned(), |percent| format!("{percent} %"))
}

fn below_the_table(forecast: &Forecast) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(day) = forecast.projected_from {
        lines.push(format!("~ From {day} on there are desks without slots yet: their seats are those that the openings of the agenda promise."));
    }
    let returning: u64 = forecast.weeks.iter().map(|w| w.returning).sum();
    if returning > 0 {
        let their = "a one-year card that is still to be issued: they renew one that expires a year before";
        lines.push(format!("{returning} of the people due hold {their}."));
    }
    if forecast.late > 0 {
        lines.push(format!(
            "{} people have expired already, are not among those due, and get seats that the others leave.",
            forecast.late
        ));
    }
    if forecast.online > 0 {
        lines.push(format!("{} people will file online, and need no seat.", forecast.online));
    }
    lines
}

/// People due as bars, with a mark at the number of seats, in 80 columns.
pub fn chart(forecast: &Forecast) -> String {
    let most = forecast.weeks.iter().map(|w| w.due.max(w.seats)).max().unwrap_or(0).max(1);
    let mut out = "█ people due   │ free seats   ! lapses\n".to_owned();
    for week in &forecast.weeks {
        let eighths = week.due * BAR * 8 / most;
        let (whole, rest) = ((eighths / 8) as usize, (eighths % 8) as usize);
        let mut bar: Vec<char> = vec!['█'; whole];
        bar.extend(rest.checked_sub(1).map(|part| EIGHTHS[part]));
        bar.resize(BAR as usize + 1, ' ');
        bar[(week.seats * BAR / most) as usize] = '│';
        let bar: String = bar.into_iter().collect();
        let lapses = if week.lapses.expected > 0 { format!(" !{}", week.lapses.expected) } else { String::new() };
        let line = format!("{} {bar} {}/{}{lapses}", week.week, week.due, week.seats);
        writeln!(out, "{}", line.trim_end()).expect("a String takes text");
    }
    out
}

fn conclusions(forecast: &Forecast) -> Vec<String> {
    let Bounds { lower, expected, upper } = forecast.lapses;
    let mut lines = Vec::new();
    match &forecast.first_short_week {
        Some(week) => lines.push(format!(
            "First week where not everyone can be placed: {week}. There are fewer seats than people whose permit expires by then, however they are given."
        )),
        None => lines.push("Everyone can be placed who has a possible day.".to_owned()),
    }
    if upper > 0 {
        lines.push(format!(
            "Lapses in all of these weeks: at least {lower}, at most {upper}; {expected} as the nights are lived here."
        ));
    }
    if forecast.no_possible_day > 0 {
        lines.push(format!(
            "{} of them have no possible day, whatever the seats: no desk is open between the earliest letter and their expiry.",
            forecast.no_possible_day
        ));
    }
    let missing: Vec<&DeskWeek> = forecast.desks.iter().filter(|d| d.to_add > 0).collect();
    if !missing.is_empty() {
        let seats = forecast.seats_to_add;
        lines.push(format!("{seats} seat{} to add, for everybody else to be placed:", plural(seats)));
        lines.extend(
            missing.iter().take(NAMED).map(|d| format!("  {} at {}/{} in {}", d.to_add, d.site, d.desk, d.week)),
        );
        if missing.len() > NAMED {
            lines.push("  … the others are in the tables (--csv FILE) and in --json".to_owned());
        }
    }
    lines.extend(forecast.warnings.iter().map(|warning| format!("! {warning}")));
    lines
}

/// A line for each week.
pub fn weeks_list(forecast: &Forecast) -> List {
    let header = vec![
        "week",
        "monday",
        "due",
        "returning",
        "no_possible_day",
        "seats",
        "reserved",
        "taken",
        "load_percent",
        "lapses_expected",
        "lapses_lower",
        "lapses_upper",
        "so_far_expected",
        "so_far_lower",
        "so_far_upper",
        "projected",
    ];
    let row = |w: &Week| {
        let mut row = vec![w.week.clone(), w.monday.to_string()];
        let figures = [w.due, w.returning, w.no_possible_day, w.seats, w.reserved, w.taken];
        row.extend(figures.map(|n| n.to_string()));
        row.push(w.load_percent.map_or_else(String::new, |n| n.to_string()));
        let bounds = |b: &Bounds| [b.expected, b.lower, b.upper].map(|n| n.to_string());
        row.extend(bounds(&w.lapses));
        row.extend(bounds(&w.lapses_so_far));
        row.push(if w.projected { "yes" } else { "no" }.to_owned());
        row
    };
    List { name: "weeks", header, rows: forecast.weeks.iter().map(row).collect() }
}

/// A line for each desk and week.
pub fn desks_list(forecast: &Forecast) -> List {
    let row = |d: &DeskWeek| {
        let figures = [d.seats, d.reserved, d.taken, d.to_add].map(|n| n.to_string());
        [d.site.clone(), d.desk.clone(), d.week.clone()].into_iter().chain(figures).collect()
    };
    let header = vec!["site", "desk", "week", "seats", "reserved", "taken", "to_add"];
    List { name: "desks", header, rows: forecast.desks.iter().map(row).collect() }
}

/// People due as bars, seats as lines across them. Readable without colour, with the figures as text for screen
/// readers.
pub fn svg(forecast: &Forecast) -> String {
    let most = forecast.weeks.iter().map(|w| w.due.max(w.seats)).max().unwrap_or(0).max(1);
    let step = (900 / forecast.weeks.len().max(1)).clamp(6, 60);
    let width = 60 + step * forecast.weeks.len();
    let width = width.max(480);
    let says = |w: &Week| format!("{}: {} due, {} seats, {} lapses", w.week, w.due, w.seats, w.lapses.expected);
    let figures: Vec<String> = forecast.weeks.iter().map(says).collect();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} 330\" role=\"img\" aria-labelledby=\"title desc\" font-family=\"sans-serif\" font-size=\"12\">\n<title id=\"title\">Weeks ahead of {}</title>\n<desc id=\"desc\">{}</desc>\n<rect width=\"{width}\" height=\"330\" fill=\"#fff\"/>\n<text x=\"16\" y=\"26\" font-size=\"16\" font-weight=\"bold\">Weeks ahead of {}</text>\n<text x=\"16\" y=\"46\" fill=\"#444\">Bars: people due. Lines: free seats. Figures: lapses.</text>\n<text x=\"44\" y=\"80\" text-anchor=\"end\">{most}</text><text x=\"44\" y=\"272\" text-anchor=\"end\">0</text>\n",
        forecast.night,
        figures.join("; "),
        forecast.night,
    );
    // With many weeks, not every name fits.
    let named = (50 / step).max(1);
    for (i, week) in forecast.weeks.iter().enumerate() {
        let height = |n: u64| 190.0 * n as f64 / most as f64;
        let (x, bar) = (50 + step * i, step.saturating_sub(2));
        let (due, seats) = (height(week.due), 270.0 - height(week.seats));
        write!(
            svg,
            "<rect x=\"{x}\" y=\"{:.1}\" width=\"{bar}\" height=\"{due:.1}\" fill=\"#6f9fcf\"/><path d=\"M{x} {seats:.1}h{bar}\" stroke=\"#000\" stroke-width=\"2\"/>",
            270.0 - due,
        )
        .expect("a String takes text");
        let middle = x + bar / 2;
        if week.lapses.expected > 0 {
            let y = (270.0 - due).min(seats) - 5.0;
            let lapses = week.lapses.expected;
            write!(
                svg,
                "<text x=\"{middle}\" y=\"{y:.1}\" text-anchor=\"middle\" font-weight=\"bold\">{lapses}</text>"
            )
            .expect("a String takes text");
        }
        if i % named == 0 {
            let name = &week.week[2..];
            write!(svg, "<text x=\"{middle}\" y=\"288\" text-anchor=\"middle\" font-size=\"11\">{name}</text>")
                .expect("a String takes text");
        }
        svg.push('\n');
    }
    let Bounds { lower, expected, upper } = forecast.lapses;
    write!(
        svg,
        "<text x=\"16\" y=\"316\">{} due in all; lapses: {expected}, at least {lower}, at most {upper}.</text>\n</svg>\n",
        forecast.due
    )
    .expect("a String takes text");
    svg
}
