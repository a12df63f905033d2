//! One verdict per permit, in the order of docs and DESIGN, against a second, independent table; no student is ever
//! due; `review_on` skips nobody.

#[path = "support/second_law.rs"]
mod second_law;

use chrono::{Datelike, Days, NaiveDate};
use convoke_domain::agenda::{Agenda, Jurisdiction};
use convoke_domain::eligibility::{Facts, Rule, assess};
use convoke_domain::permit::{PermitKind, Status};
use convoke_domain::policy::{Policy, Procedure};
use proptest::prelude::*;
use second_law::{Civil, Example, LegalWindow, REFORM, legal_window};

const STUDENTS: [&str; 3] = ["etudiant", "etudiant-mobilite", "etudiant-eleve"];
const NOT_RENEWABLE: [&str; 2] = ["salarie-detache-ict", "recherche-emploi"];
const OTHERS: [&str; 7] =
    ["salarie", "visiteur", "talent", "passeport-talent", "travailleur-temporaire", "vie-privee-et-familiale", ""];

/// Served for every type, served for resident cards only, served by nobody.
const COMMUNES: [&str; 3] = ["94001", "94002", "75056"];
const RESIDENT: [&str; 4] = ["CR", "CRA10", "RETRAITE", "LD-UE"];

fn jurisdiction() -> Jurisdiction {
    let agenda: Agenda = toml::from_str(
        r#"
        [[site]]
        id = "a"
        name = "A"
        address = ["94000 Créteil"]
        [[site.desk]]
        id = "renouvellement"
        types = ["CST", "CSP", "CRA1", "VLS-TS", "APS", "TALENT"]
        communes = [{ insee = "94001", rank = 1 }]
        [[site.desk]]
        id = "resident"
        types = ["CR", "CRA10", "RETRAITE", "LD-UE"]
        communes = [{ insee = "94001", rank = 1 }, { insee = "94002", rank = 1 }]
        "#,
    )
    .expect("an agenda");
    agenda.jurisdiction()
}

fn policy(example: Example) -> Policy {
    let text = match example {
        Example::Counter => include_str!("../../../config/examples/94/policy.toml"),
        Example::Online => include_str!("../../../config/examples/94-2026/policy.toml"),
    };
    toml::from_str(text).expect("an example is well formed")
}

fn civil(date: NaiveDate) -> Civil {
    Civil(date.year(), date.month(), date.day())
}

/// Everything that a verdict depends on.
struct World<'a> {
    facts: &'a Facts<'a>,
    policy: &'a Policy,
    legal: LegalWindow,
    today: Civil,
    expiry: Civil,
    appointment: Option<Civil>,
}

impl World<'_> {
    fn served(&self) -> bool {
        match (self.facts.commune, self.legal.online) {
            ("94001", _) | ("94002", true) => true,
            ("94002", false) => RESIDENT.contains(&self.facts.kind.code()),
            _ => false,
        }
    }

    fn begins(&self) -> Civil {
        if self.legal.online {
            self.legal.opens
        } else {
            self.legal.opens.min(self.expiry.minus_days(self.policy.horizon_days))
        }
    }
}

/// A name, and when it matches.
type Row = (&'static str, fn(&World<'_>) -> bool);

/// DESIGN.md, "The domain, exactly": first match wins.
const ORDER: [Row; 18] = [
    ("deceased", |w| w.facts.status.code() == "decede"),
    ("withdrawn", |w| w.facts.status.code() == "retire"),
    ("held", |w| w.facts.held),
    ("absent-from-extract", |w| w.facts.absent),
    ("not-latest-permit", |w| w.facts.superseded || w.facts.status.code() == "renouvele"),
    ("renewal-filed", |w| w.facts.filed),
    ("student", |w| STUDENTS.contains(&w.facts.mention)),
    ("not-renewable", |w| !w.facts.unknown && NOT_RENEWABLE.contains(&w.facts.mention)),
    ("unknown-title", |w| w.facts.unknown),
    ("no-desk", |w| !w.served() && w.facts.commune != "75056"),
    ("no-jurisdiction", |w| !w.served()),
    ("awaiting-mark", |w| w.appointment.is_some_and(|d| d < w.today && w.today <= d.plus_days(w.policy.mark_days))),
    ("already-convoked", |w| w.appointment.is_some_and(|d| d >= w.today)),
    ("expired", |w| w.today > w.expiry.plus_months(w.policy.late_months as i32)),
    ("not-yet-due", |w| w.today < w.begins()),
    ("due.online", |w| w.legal.online),
    ("due.late", |w| w.expiry < w.today),
    ("due", |_| true),
];

fn expected(facts: &Facts<'_>, example: Example, policy: &Policy, today: NaiveDate) -> &'static str {
    let (day, expiry) = (civil(today), civil(facts.expires_on));
    let legal = legal_window(example, facts.kind.code(), facts.mention, expiry, day);
    let world = World { facts, policy, legal, today: day, expiry, appointment: facts.convoked_for.map(civil) };
    ORDER.iter().find(|(_, holds)| holds(&world)).expect("the last row always matches").0
}

fn example() -> impl Strategy<Value = Example> {
    prop_oneof![Just(Example::Counter), Just(Example::Online)]
}

/// A date of 2018 to 2030, more often near the reform.
fn night() -> impl Strategy<Value = NaiveDate> {
    let from = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a date");
    prop_oneof![
        3 => (0u64..4_748).prop_map(move |days| from(2018, 1, 1) + Days::new(days)),
        1 => (0u64..500).prop_map(move |days| from(2020, 6, 1) + Days::new(days)),
    ]
}

/// A number of days from a night, concentrated where verdicts change.
fn distance() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => -260i64..260,
        1 => prop::sample::select(vec![-184i64, -183, -182, -181, -31, -30, -1, 0, 1, 59, 60, 61, 62, 120, 180, 181]),
        1 => -4_000i64..4_000,
    ]
}

fn shifted(date: NaiveDate, days: i64) -> NaiveDate {
    date + chrono::TimeDelta::days(days)
}

fn any_facts(today: NaiveDate) -> impl Strategy<Value = Facts<'static>> {
    let mention = prop_oneof![
        6 => prop::sample::select(OTHERS.to_vec()),
        1 => prop::sample::select(STUDENTS.to_vec()),
        1 => prop::sample::select(NOT_RENEWABLE.to_vec()),
    ];
    let status = prop_oneof![8 => Just(Status::Active), 1 => prop::sample::select(Status::ALL.to_vec())];
    let rarely = || prop::bool::weighted(0.06);
    let commune = prop_oneof![4 => Just(COMMUNES[0]), 1 => prop::sample::select(COMMUNES.to_vec())];
    let appointment = prop::option::weighted(0.3, prop_oneof![-40i64..60, -400i64..400]);
    let flags = (rarely(), rarely(), rarely(), rarely(), rarely());
    (prop::sample::select(PermitKind::ALL.to_vec()), mention, status, distance(), commune, flags, appointment).prop_map(
        move |(kind, mention, status, expires_in, commune, (filed, held, absent, superseded, unknown), appointment)| {
            Facts {
                kind,
                mention,
                status,
                expires_on: shifted(today, expires_in),
                commune,
                filed,
                held,
                absent,
                superseded,
                unknown,
                convoked_for: appointment.map(|days| shifted(today, days)),
            }
        },
    )
}

/// An example policy with numbers changed by the préfecture, a night, and a permit.
fn any_case() -> impl Strategy<Value = (Example, Policy, NaiveDate, Facts<'static>)> {
    let numbers = prop_oneof![2 => Just((180, 30, 6)), 1 => (1u32..400, 0u32..60, 0u32..13)];
    (example(), numbers, night()).prop_flat_map(|(example, (horizon_days, mark_days, late_months), today)| {
        let policy = Policy { horizon_days, mark_days, late_months, ..policy(example) };
        (Just(example), Just(policy), Just(today), any_facts(today))
    })
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(4_000))]

    #[test]
    fn any_permit_on_any_night_gets_the_verdict_of_the_table((example, policy, today, facts) in any_case()) {
        let verdict = assess(&facts, &policy, &jurisdiction(), today);
        prop_assert_eq!(verdict.rule.code(), expected(&facts, example, &policy, today));
        let due = matches!(verdict.rule, Rule::Due | Rule::DueLate | Rule::DueOnline);
        prop_assert_eq!(verdict.window.is_some(), due, "a window for whoever is due, and for nobody else");
        if let Some(window) = verdict.window {
            prop_assert_eq!(window.procedure == Procedure::Online, verdict.rule == Rule::DueOnline);
        }
    }

    #[test]
    fn no_student_is_ever_due(
        (_, policy, today, facts) in any_case(),
        mention in prop::sample::select(STUDENTS.to_vec()),
    ) {
        let verdict = assess(&Facts { mention, ..facts }, &policy, &jurisdiction(), today);
        prop_assert!(!matches!(verdict.rule, Rule::Due | Rule::DueLate | Rule::DueOnline), "{}", verdict.rule);
        prop_assert_eq!(verdict.window, None);
    }
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn nothing_changes_before_review_on_when_only_time_passes((_, policy, today, facts) in any_case()) {
        let jurisdiction = jurisdiction();
        let verdict = assess(&facts, &policy, &jurisdiction, today);
        prop_assert!(verdict.review_on >= today);
        let days = today.iter_days().skip(1).take(400);
        for day in days.clone().take_while(|day| *day < verdict.review_on) {
            let later = assess(&facts, &policy, &jurisdiction, day);
            prop_assert_eq!((later.rule, later.window), (verdict.rule, verdict.window), "on {}, unseen", day);
        }
        // Nor is anyone reviewed in vain: on that night the verdict, or the law, is different.
        if days.clone().any(|day| day == verdict.review_on) && civil(verdict.review_on) != REFORM {
            let then = assess(&facts, &policy, &jurisdiction, verdict.review_on);
            prop_assert_ne!(then.rule, verdict.rule, "on {}, in vain", verdict.review_on);
        }
    }
}

/// Every student mention with every type, status and fact, on nights around the expiry and the reform.
#[test]
fn no_student_of_any_type_is_due_whatever_else_holds() {
    let jurisdiction = jurisdiction();
    let expires_on = NaiveDate::from_ymd_opt(2021, 6, 30).expect("a date");
    for policy in [policy(Example::Counter), policy(Example::Online)] {
        for kind in PermitKind::ALL {
            for mention in STUDENTS {
                for case in 0..(4 * 3 * 16) {
                    let bit = |n: u32| (case >> n) & 1 == 1;
                    let facts = Facts {
                        kind: *kind,
                        mention,
                        status: Status::ALL[(case / 16) % 4],
                        expires_on,
                        commune: COMMUNES[case / 64],
                        filed: bit(0),
                        held: bit(1),
                        absent: bit(2),
                        superseded: bit(3),
                        unknown: case % 3 == 0,
                        convoked_for: None,
                    };
                    for days in [-200, -120, -61, -60, -1, 0, 1, 180, 190] {
                        let rule = assess(&facts, &policy, &jurisdiction, shifted(expires_on, days)).rule;
                        assert!(rule <= Rule::Student, "{kind} {mention} is {rule} {days} days after expiry");
                    }
                }
            }
        }
    }
}

/// A permit of which nothing else is known.
fn plain(mention: &'static str, expires_on: NaiveDate) -> Facts<'static> {
    Facts {
        kind: PermitKind::Cst,
        mention,
        status: Status::Active,
        expires_on,
        commune: "94001",
        filed: false,
        held: false,
        absent: false,
        superseded: false,
        unknown: false,
        convoked_for: None,
    }
}

/// A title that nobody has named is convoked by no night, except that a student is a student.
#[test]
fn nobody_is_due_for_a_title_that_nobody_has_named() {
    let expires_on = NaiveDate::from_ymd_opt(2026, 11, 30).expect("a date");
    for (example, days) in [(Example::Counter, -30), (Example::Counter, 10), (Example::Online, -90)] {
        let facts = |mention| Facts { unknown: true, ..plain(mention, expires_on) };
        let rule = |mention| assess(&facts(mention), &policy(example), &jurisdiction(), shifted(expires_on, days)).rule;
        assert_eq!(rule("artiste"), Rule::UnknownTitle);
        assert_eq!(rule("salarie"), Rule::UnknownTitle, "the type may be what nobody knows");
        assert_eq!(rule("etudiant-en-echange"), Rule::Student);
    }
}

#[test]
fn the_rules_are_declared_in_the_order_of_examination() {
    let declared: Vec<&str> = Rule::ALL.iter().map(|rule| rule.code()).collect();
    assert_eq!(declared, ORDER.map(|(name, _)| name));
}

#[test]
fn dates_at_the_ends_of_time_get_a_verdict_too() {
    let jurisdiction = jurisdiction();
    let ends = [(1, 1, 1), (1900, 1, 1), (2026, 2, 28), (9999, 12, 31)]
        .map(|(year, month, day)| NaiveDate::from_ymd_opt(year, month, day).expect("a date"));
    for (example, today, expires_on) in [Example::Counter, Example::Online]
        .into_iter()
        .flat_map(|example| ends.into_iter().flat_map(move |today| ends.map(|expiry| (example, today, expiry))))
    {
        for convoked_for in [None, Some(ends[0]), Some(ends[3])] {
            let facts = Facts { convoked_for, ..plain("salarie", expires_on) };
            let policy = policy(example);
            let rule = assess(&facts, &policy, &jurisdiction, today).rule.code();
            assert_eq!(rule, expected(&facts, example, &policy, today), "{expires_on} on {today}");
        }
    }
}
