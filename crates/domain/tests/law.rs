//! The windows of the example policies, for every expiry from 2018 to 2030, against an independent computation; and the
//! reasons for which a policy is refused.

#[path = "support/second_law.rs"]
mod second_law;

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate};
use convoke_domain::permit::PermitKind;
use convoke_domain::policy::{Policy, Procedure};
use second_law::{Civil, Example, REFORM, legal_window};

const COUNTER: &str = include_str!("../../../config/examples/94/policy.toml");
const ONLINE: &str = include_str!("../../../config/examples/94-2026/policy.toml");

/// Both sides of the reform, and far from it.
const BUSINESS_DATES: [Civil; 4] = [Civil(2018, 1, 1), Civil(2021, 4, 30), Civil(2021, 5, 1), Civil(2030, 12, 31)];

/// Some on the online list, some not, and one unknown.
const MENTIONS: [&str; 5] = ["salarie", "visiteur", "vie-privee-et-familiale", "etudiant", "inconnue"];

fn policy(text: &str) -> Policy {
    toml::from_str(text).expect("an example is well formed")
}

fn date(Civil(year, month, day): Civil) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a date of our own arithmetic exists")
}

fn civil(date: NaiveDate) -> Civil {
    Civil(date.year(), date.month(), date.day())
}

/// Every day of 2018 to 2030, counted without chrono.
fn every_day() -> impl Iterator<Item = Civil> {
    std::iter::successors(Some(Civil(2018, 1, 1)), |day| Some(day.plus_days(1))).take_while(|day| day.0 <= 2030)
}

fn assert_window(policy: &Policy, example: Example, kind: PermitKind, mention: &str, expiry: Civil, business: Civil) {
    let legal = legal_window(example, kind.code(), mention, expiry, business);
    let (expires_on, business_date) = (date(expiry), date(business));
    let Some(found) = policy.window(kind, mention, expires_on, business_date) else {
        panic!("{kind} {mention} expiring on {expires_on} has no window on {business_date}");
    };
    assert_eq!(
        (found.rule, found.procedure == Procedure::Online, civil(found.opens), civil(found.preferred_end)),
        (legal.rule, legal.online, legal.opens, legal.preferred_end),
        "{kind} {mention} expiring on {expires_on}, on {business_date}: rule, online, opening, preferred end"
    );
    assert_eq!(found.deadline, expires_on, "the deadline is the expiry itself");
    assert_eq!(found.basis == "usage", legal.rule == "usage-aps", "only what no law covers is `usage`");
}

fn assert_every_expiry(text: &str, example: Example) {
    let policy = policy(text);
    let mut days = 0;
    for expiry in every_day() {
        days += 1;
        for business in BUSINESS_DATES {
            for kind in PermitKind::ALL {
                for mention in MENTIONS {
                    assert_window(&policy, example, *kind, mention, expiry, business);
                }
            }
        }
    }
    assert_eq!(days, 4_748, "thirteen years, of which 2020, 2024 and 2028 are leap years");
}

#[test]
fn counter_windows_are_the_law_for_every_expiry_of_2018_to_2030() {
    assert_every_expiry(COUNTER, Example::Counter);
}

#[test]
fn online_windows_are_the_law_for_every_expiry_of_2018_to_2030() {
    assert_every_expiry(ONLINE, Example::Online);
}

#[test]
fn windows_follow_the_law_of_the_business_date_on_every_day_of_2018_to_2030() {
    // A month's end that February lacks, and a leap day.
    for expiry in [Civil(2021, 4, 30), Civil(2024, 2, 29)] {
        for (text, example) in [(COUNTER, Example::Counter), (ONLINE, Example::Online)] {
            let policy = policy(text);
            for business in every_day() {
                for kind in PermitKind::ALL {
                    for mention in ["salarie", "travailleur-temporaire", "passeport-talent", "talent", ""] {
                        assert_window(&policy, example, *kind, mention, expiry, business);
                    }
                }
            }
        }
    }
}

#[test]
fn two_months_are_59_to_62_days_and_never_simply_60() {
    let policy = policy(COUNTER);
    let lengths: BTreeSet<i64> = every_day()
        .map(|expiry| {
            let window = policy.window(PermitKind::Cst, "salarie", date(expiry), date(REFORM)).expect("a window");
            (window.deadline - window.opens).num_days()
        })
        .collect();
    assert_eq!(lengths, BTreeSet::from([59, 60, 61, 62]));
}

#[test]
fn the_days_that_lawyers_ask_about() {
    let (counter, online) = (policy(COUNTER), policy(ONLINE));
    let on = |text: &str| text.parse::<NaiveDate>().expect("a date");
    for (expiry, opens) in [
        ("2026-12-31", "2026-10-31"),
        ("2026-04-30", "2026-02-28"),
        ("2026-04-29", "2026-02-28"),
        ("2024-04-30", "2024-02-29"),
        ("2026-03-01", "2026-01-01"),
        ("2026-01-31", "2025-11-30"),
    ] {
        for business in ["2020-06-01", "2026-06-01"] {
            let window = counter.window(PermitKind::Cr, "", on(expiry), on(business)).expect("a window");
            assert_eq!(window.opens, on(opens), "two months before {expiry}");
        }
    }
    let window = online.window(PermitKind::Talent, "", on("2026-12-31"), on("2026-06-01")).expect("a window");
    assert_eq!((window.opens, window.preferred_end), (on("2026-09-02"), on("2026-11-01")), "120th and 60th day");
}

#[test]
fn the_law_changes_once_on_1_may_2021() {
    let on = |text: &str| text.parse::<NaiveDate>().expect("a date");
    for text in [COUNTER, ONLINE] {
        let policy = policy(text);
        assert_eq!(policy.next_change(on("2018-01-01")), Some(date(REFORM)));
        assert_eq!(policy.next_change(on("2021-04-30")), Some(date(REFORM)));
        assert_eq!(policy.next_change(date(REFORM)), None);
    }
}

#[test]
fn every_example_policy_is_valid_and_every_example_is_tested() {
    let mut examples = Vec::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/examples")).expect("examples") {
        let path = entry.expect("an entry").path().join("policy.toml");
        if path.exists() {
            let text = std::fs::read_to_string(&path).expect("a policy");
            assert_eq!(policy(&text).validate(), Ok(()), "{}", path.display());
            assert!([COUNTER, ONLINE].contains(&text.as_str()), "{} has no second computation", path.display());
            examples.push(path);
        }
    }
    assert_eq!(examples.len(), 2, "{examples:?}");
}

/// The text with one passage replaced. The passage must occur exactly once.
fn with(text: &str, passage: &str, replacement: &str) -> String {
    assert_eq!(text.matches(passage).count(), 1, "`{passage}` is not there exactly once");
    text.replace(passage, replacement)
}

fn refusal(text: &str) -> String {
    policy(text).validate().expect_err("this policy must be refused")
}

#[test]
fn a_gap_in_the_law_is_refused_and_named() {
    // The new law, starting one day late.
    for text in [COUNTER, ONLINE] {
        let general = text.rfind("from = 2021-05-01").expect("the last rule has a first day");
        let gap = format!("{}from = 2021-05-02{}", &text[..general], &text[general + "from = 2021-05-01".len()..]);
        assert_eq!(refusal(&gap), "no [[rule]] without mentions covers CST from 2021-05-01 on");
    }
    // Before the old law.
    let since = with(COUNTER, "to = 2021-04-30", "from = 1945-11-02\nto = 2021-04-30");
    assert_eq!(refusal(&since), "no [[rule]] without mentions covers CST from the beginning on");
    // After the new one.
    let ended = with(COUNTER, "from = 2021-05-01", "from = 2021-05-01\nto = 2025-12-31");
    assert_eq!(refusal(&ended), "no [[rule]] without mentions covers CST from 2026-01-01 on");
    // For some types only: a type that is not listed is not covered.
    let types = r#"types = ["CST", "CSP", "CRA1", "CRA10", "VLS-TS", "RETRAITE", "TALENT"]"#;
    let forgotten = with(COUNTER, "from = 2021-05-01", &format!("from = 2021-05-01\n{types}"));
    assert_eq!(refusal(&forgotten), "no [[rule]] without mentions covers CR from 2021-05-01 on");
    // A rule with only some mentions covers no others.
    let partial = with(COUNTER, "from = 2021-05-01", "from = 2021-05-01\nmentions = [\"salarie\"]");
    assert_eq!(refusal(&partial), "no [[rule]] without mentions covers CST from 2021-05-01 on");
    // No law at all.
    let rules = COUNTER.find("[[rule]]\nid").expect("rules");
    assert_eq!(refusal(&COUNTER[..rules]), "no [[rule]] without mentions covers CST from the beginning on");
}

#[test]
fn a_rule_that_ends_before_it_begins_is_refused_by_name() {
    let text = with(COUNTER, "to = 2021-04-30", "from = 2021-05-01\nto = 2021-04-30");
    let text = text.replacen("from = 2021-05-01\nbasis", "basis", 1);
    let refusal = refusal(&text);
    assert!(refusal.contains("`r311-2`") && refusal.contains("`to` is before `from`"), "{refusal}");
}

#[test]
fn a_policy_that_names_no_students_is_refused() {
    for text in [COUNTER, ONLINE] {
        let (start, end) =
            (text.find("[[student]]").expect("students"), text.find("# Permits that cannot").expect("next"));
        let refusal = refusal(&format!("{}{}", &text[..start], &text[end..]));
        assert!(refusal.contains("[[student]]") && refusal.contains("students must be named"), "{refusal}");
    }
}

#[test]
fn notices_out_of_order_are_refused_and_named() {
    for (passage, replacement) in [
        ("email = 21, post = 28", "email = 9, post = 28"),
        ("email = 21, post = 28", "email = 21, post = 9"),
        ("short_notice_days = 10", "short_notice_days = 22"),
        ("short_notice_days = 10", "short_notice_days = 4"),
        ("send_floor_days = 5", "send_floor_days = 11"),
    ] {
        let refusal = refusal(&with(COUNTER, passage, replacement));
        for key in ["send_floor_days", "short_notice_days", "notice_days"] {
            assert!(refusal.contains(key), "{replacement}: {refusal}");
        }
    }
    // Equality is allowed.
    let equal = with(COUNTER, "email = 21, post = 28", "email = 10, post = 10");
    assert_eq!(policy(&with(&equal, "send_floor_days = 5", "send_floor_days = 10")).validate(), Ok(()));
}

#[test]
fn what_would_forget_everybody_is_refused() {
    for (passage, replacement, named) in [
        ("horizon_days = 180", "horizon_days = 0", "horizon_days"),
        ("horizon_days = 180", "horizon_days = 3661", "horizon_days"),
        ("late_months = 6", "late_months = 121", "late_months"),
        ("extract_warn_days = 3", "extract_warn_days = 11", "extract_warn_days"),
        ("full_vanish_max_percent = 2.0", "full_vanish_max_percent = 100.5", "100.5"),
        ("full_vanish_max_percent = 2.0", "full_vanish_max_percent = nan", "NaN"),
        ("[weight]\nAPS = 2", "[weight]\nAPS = 0", "weights"),
    ] {
        let refusal = refusal(&with(COUNTER, passage, replacement));
        assert!(refusal.contains(named), "{replacement}: {refusal}");
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_column() {
    for (passage, replacement, key) in [
        ("late_months = 6", "late_month = 6", "late_month"),
        ("notice_days = { email = 21, post = 28 }", "notice_days = { email = 21, post = 28, fax = 3 }", "fax"),
        ("id = \"r311-2\"", "id = \"r311-2\"\nopen = 3", "open"),
        ("mentions = [\"recherche-emploi\"]", "mention = [\"recherche-emploi\"]", "mention"),
        ("[weight]\nAPS = 2", "[weight]\nAPX = 2", "APX"),
    ] {
        let text = with(COUNTER, passage, replacement);
        let place = text.find(replacement).expect("replaced")
            + replacement.rfind(&format!("{key} =")).expect("the key is in its replacement");
        let line = text[..place].matches('\n').count() + 1;
        let column = place - text[..place].rfind('\n').map_or(0, |end| end + 1) + 1;
        let refusal = toml::from_str::<Policy>(&text).expect_err("an unknown key").to_string();
        assert!(refusal.contains(&format!("line {line}, column {column}")), "{line}:{column} {refusal}");
        assert!(refusal.contains(&format!("`{key}`")), "{refusal}");
    }
}
