//! Whether an extract looks as an extract of the same register does: a shifted column, or one that is gone, is no news
//! of thousands of people.

use convoke_domain::policy::Policy;
use convoke_store::Merged;

/// From so many rows on: a file of a few corrections may change all that it has.
const ROWS_MIN: u64 = 20;

/// What looks wrong, one line for each.
pub(super) fn doubts(changes: &Merged, read: u64, policy: &Policy) -> Vec<String> {
    let exceeds = |n: u64, of: u64, percent: f64| n > ROWS_MIN && n as f64 * 100.0 > of as f64 * percent;
    let mut doubts = Vec::new();
    let percent = policy.import_column_max_percent;
    for column in &changes.columns {
        let (name, both) = (column.column, changes.both);
        if exceeds(column.emptied, both, percent) {
            doubts.push(format!("{name} is empty now in {} of {both} known rows", column.emptied));
        } else if exceeds(column.changed, both, percent) {
            doubts.push(format!("{name} says something else in {} of {both} known rows", column.changed));
        }
    }
    if exceeds(changes.unknown, read, policy.import_unknown_max_percent) {
        doubts.push(format!("{} of {read} permits have a title that nobody has named", changes.unknown));
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;
    use convoke_store::ColumnChange;

    fn merged(both: u64, changed: u64, emptied: u64, unknown: u64) -> Merged {
        let columns = vec![ColumnChange { column: "email", changed, emptied }];
        Merged { both, unknown, columns, ..Merged::default() }
    }

    #[test]
    fn a_column_that_is_gone_or_shifted_and_many_unknown_titles_are_doubted() {
        let policy = Policy::default();
        let doubts = |merged: Merged| doubts(&merged, 1_000, &policy);
        assert_eq!(doubts(merged(1_000, 200, 200, 10)), [""; 0]);
        assert_eq!(doubts(merged(1_000, 201, 0, 0)), ["email says something else in 201 of 1000 known rows"]);
        assert_eq!(doubts(merged(1_000, 300, 201, 0)), ["email is empty now in 201 of 1000 known rows"]);
        assert_eq!(doubts(merged(20, 20, 20, 0)), [""; 0], "a file of a few corrections");
        assert_eq!(doubts(merged(0, 0, 0, 21)), ["21 of 1000 permits have a title that nobody has named"]);
        assert_eq!(doubts(merged(0, 0, 0, 20)), [""; 0]);
    }
}
