//! What differs between two plans, told.

use super::output::terminal_width;
use convoke_instance::diff::Difference;
use convoke_report::columns::{Columns, paragraph};

/// Names of permits that a line holds.
const NAMED: usize = 5;

/// A difference in lines.
pub(super) fn told(difference: &Difference) -> String {
    if difference.is_none() {
        return "Nobody has another day, and no seat has come or gone.\n".into();
    }
    let mut text = String::new();
    let people = [
        (&difference.people_new, "planned now, and were not"),
        (&difference.people_gone, "not planned any more"),
        (&difference.people_changed, "with another permit, notice, place or family"),
        (&difference.firm_new, "firm now, and would not have been"),
        (&difference.firm_gone, "not firm any more"),
        (&difference.moved, "on another day or at another desk"),
        (&difference.lapses_new, "without a day before expiry now"),
        (&difference.lapses_gone, "with a day before expiry now, or not planned any more"),
    ];
    for (who, what) in people.iter().filter(|(who, _)| !who.is_empty()) {
        let more = if who.len() > NAMED { ", …" } else { "" };
        let told = format!("{what}: {}{more}", who[..who.len().min(NAMED)].join(", "));
        text.push_str(&paragraph(&format!("{:>6} ", who.len()), &told, terminal_width()));
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
