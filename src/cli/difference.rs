//! The differences between two plans, as text.

use super::output::terminal_width;
use convoke_instance::diff::Difference;
use convoke_report::columns::{Columns, paragraph};

/// Permits named on one line.
const NAMED: usize = 5;

/// A difference as lines of text.
pub(super) fn describe(difference: &Difference) -> String {
    if difference.is_none() {
        return "Nobody's day has changed, and no seat was added or removed.\n".into();
    }
    let mut text = String::new();
    let people = [
        (&difference.people_new, "planned now, not before"),
        (&difference.people_gone, "no longer planned"),
        (&difference.people_changed, "with another permit, notice, place or family"),
        (&difference.firm_new, "firm now, not before"),
        (&difference.firm_gone, "no longer firm"),
        (&difference.moved, "on another day or at another desk"),
        (&difference.lapses_new, "without a day before expiry now"),
        (&difference.lapses_gone, "with a day before expiry now, or no longer planned"),
    ];
    for (who, what) in people.iter().filter(|(who, _)| !who.is_empty()) {
        let more = if who.len() > NAMED { ", …" } else { "" };
        let shown = format!("{what}: {}{more}", who[..who.len().min(NAMED)].join(", "));
        text.push_str(&paragraph(&format!("{:>6} ", who.len()), &shown, terminal_width()));
    }
    if !difference.seats.is_empty() {
        let header = ["DESK", "WEEK OF", "SEATS BEFORE", "NOW"];
        let mut table = Columns::new(terminal_width()).header(header).whole([1]).right([2, 3]);
        for s in &difference.seats {
            table.row([s.pool.to_string(), s.week.to_string(), s.before.to_string(), s.after.to_string()]);
        }
        text.push_str(&table.text());
    }
    text
}
