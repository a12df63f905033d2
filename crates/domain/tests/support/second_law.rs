//! The law computed a second time, from its text and with its own arithmetic: it uses neither chrono nor anything of
//! the program, so that one mistake cannot be in both. Shared by `tests/law.rs` and `tests/verdicts.rs`.

/// A civil date: year, month, day. Ordered as dates are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Civil(pub(crate) i32, pub(crate) u32, pub(crate) u32);

/// First day of the current R.431-5.
pub(crate) const REFORM: Civil = Civil(2021, 5, 1);

fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
        2 => 28,
        _ => 31,
    }
}

impl Civil {
    /// This many days later, month by month.
    pub(crate) fn plus_days(self, days: u32) -> Self {
        let Self(mut year, mut month, day) = self;
        let mut day = day + days;
        while day > days_in_month(year, month) {
            day -= days_in_month(year, month);
            (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        }
        Self(year, month, day)
    }

    /// This many days earlier, month by month.
    pub(crate) fn minus_days(self, days: u32) -> Self {
        let Self(mut year, mut month, mut day) = self;
        let mut left = days;
        while left >= day {
            left -= day;
            (year, month) = if month == 1 { (year - 1, 12) } else { (year, month - 1) };
            day = days_in_month(year, month);
        }
        Self(year, month, day - left)
    }

    /// This many months later (or earlier): the same day of the month, or the last day of a month that is too short.
    pub(crate) fn plus_months(self, months: i32) -> Self {
        let Self(mut year, month, day) = self;
        let mut month = month as i32 + months;
        while month > 12 {
            (year, month) = (year + 1, month - 12);
        }
        while month < 1 {
            (year, month) = (year - 1, month + 12);
        }
        let month = month as u32;
        Self(year, month, day.min(days_in_month(year, month)))
    }
}

/// Which of the two example policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Example {
    /// `config/examples/94`: everything at a desk.
    Counter,
    /// `config/examples/94-2026`: permits on the list of R.431-2 are filed online.
    Online,
}

/// What the law, or the usage, says about one permit on one business date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LegalWindow {
    pub(crate) rule: &'static str,
    pub(crate) online: bool,
    pub(crate) opens: Civil,
    pub(crate) preferred_end: Civil,
}

/// The window of a permit of this type (as files write it) and mention.
pub(crate) fn legal_window(
    example: Example,
    kind: &str,
    mention: &str,
    expires_on: Civil,
    business_date: Civil,
) -> LegalWindow {
    let reformed = business_date >= REFORM;
    let listed = match kind {
        "TALENT" => true,
        "CST" | "CSP" | "VLS-TS" => {
            matches!(mention, "visiteur" | "salarie" | "travailleur-temporaire" | "passeport-talent" | "talent")
        }
        _ => false,
    };
    if example == Example::Online && reformed && listed {
        // R.431-5, 1°: "entre le cent-vingtième jour et le soixantième jour qui précède l'expiration".
        return LegalWindow {
            rule: if kind == "TALENT" { "r431-5-1-talent" } else { "r431-5-1-mentions" },
            online: true,
            opens: expires_on.minus_days(120),
            preferred_end: expires_on.minus_days(60),
        };
    }
    LegalWindow {
        rule: match kind {
            "APS" | "LD-UE" => "usage-aps",
            _ if reformed => "r431-5-2",
            _ => "r311-2",
        },
        online: false,
        // R.311-2, then R.431-5, 2°: the two months before the expiry. No close: fifteen days of margin.
        opens: expires_on.plus_months(-2),
        preferred_end: expires_on.minus_days(15),
    }
}
