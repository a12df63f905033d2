//! Reports to render: an ordinary night, an empty one, and one where every text is hostile.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, NaiveTime, TimeZone, Utc};
use convoke_domain::eligibility::Rule;
use convoke_domain::follow::Suite;
use convoke_domain::policy::Policy;
use convoke_domain::run::{RunState, Trigger};
use convoke_instance::{Figures, LapseCause};
use convoke_report::{
    Anomaly, Circumstances, FollowedLine, Intervention, LapseLine, LetterCount, Listed, Margin, NightFigures,
    Occupancy, PerhapsTwice, Reply, RunReport, Shortage,
};

/// Text that a spreadsheet, a browser and a terminal must not obey, and a right-to-left line.
pub(crate) const HOSTILE: &str =
    "=cmd|' /C calc'!A0 <script>alert(1)</script> \u{202e}edoc\u{2066} \u{1b}[31m\u{0} \"'&";

const NIGHT: NaiveDate = NaiveDate::from_ymd_opt(2026, 10, 5).expect("a date");

/// A night over 4,212 permits: 63 people convoked, 9 students, one person without a slot.
pub(crate) fn night() -> RunReport {
    let counts = [
        (Rule::Deceased, 4),
        (Rule::Withdrawn, 2),
        (Rule::Held, 1),
        (Rule::NotLatestPermit, 310),
        (Rule::RenewalFiled, 205),
        (Rule::Student, 9),
        (Rule::NotRenewable, 12),
        (Rule::NoJurisdiction, 2),
        (Rule::AwaitingMark, 3),
        (Rule::AlreadyConvoked, 388),
        (Rule::Expired, 1),
        (Rule::NotYetDue, 3_036),
        (Rule::DueLate, 5),
        (Rule::Due, 234),
    ];
    RunReport {
        scanned: 4_212,
        outcomes: RunReport::outcomes_of(&counts.map(|(rule, n)| (rule.code().to_owned(), n)).into()),
        figures: Figures {
            firm: 58,
            planned: 175,
            no_possible_day: 0,
            no_capacity: 1,
            late_firm: 5,
            late_planned: 0,
            without_seat: 1,
            past_six_months: 1,
        },
        followed: vec![
            followed("RC-94-2026-0000007-K", Suite::Released, "deceased"),
            followed("RC-94-2026-0000011-F", Suite::Told, "renewal-filed"),
            followed("RC-94-2026-0000019-Y", Suite::Moved, "deadline"),
        ],
        letters: [
            ("email", "accepted", 49),
            ("email", "deferred", 2),
            ("email", "bounced", 1),
            ("post", "to_post", 11),
        ]
        .map(|(channel, state, letters)| LetterCount { channel: channel.into(), state: state.into(), letters })
        .into(),
        letters_perhaps_twice: vec![],
        occupancy: agenda(14),
        lapses: lapses(1),
        listed: vec![
            listed(Rule::NoJurisdiction, 0, "Commune 75113"),
            listed(Rule::NoJurisdiction, 1, "Commune 99999"),
            listed(Rule::AwaitingMark, 2, "Rendez-vous du 1er octobre 2026"),
            listed(Rule::Expired, 3, "Expiré le 28 février 2026"),
        ],
        warnings: vec!["L’extraction des titres date de 4 jours.".to_owned()],
        circumstances: circumstances("creteil"),
        ..empty()
    }
}

/// The context of a night; `text` is used wherever text comes from someone else.
fn circumstances(text: &str) -> Circumstances {
    let margin = |(days, appointments)| Margin { days, appointments };
    let night = |day: u32| NightFigures {
        run: format!("94/2026-10-0{day}/1"),
        business_date: NaiveDate::from_ymd_opt(2026, 10, day).unwrap(),
        scanned: 4_200 + u64::from(day),
        due: 230,
        firm: 60,
        lapses: u64::from(day % 2),
        letters: 60,
    };
    Circumstances {
        margins: [(49, 4), (42, 31), (35, 88), (28, 64), (21, 30), (14, 12), (7, 3), (0, 1), (-14, 5)]
            .map(margin)
            .into(),
        shortages: vec![Shortage {
            site: text.into(),
            desk: "renouvellement".into(),
            week: "2026-W42".into(),
            seats: 1,
        }],
        avoidable: 1,
        replies: vec![
            Reply { state: "accepted".into(), code: "2.0.0".into(), letters: 49 },
            Reply { state: "to_post".into(), code: String::new(), letters: 11 },
        ],
        interventions: vec![Intervention {
            entry: 1_190,
            at: Some("2026-10-04T09:12:30Z".parse().unwrap()),
            actor: text.into(),
            kind: "household.linked".into(),
            reason: Some(text.into()),
            times: 2,
        }],
        anomalies: vec![Anomaly { kind: "shared-email".into(), count: 1, concerned: 14 }],
        nights: (1..=5).map(night).collect(),
        ..Circumstances::of_policy(&Policy::default(), NIGHT)
    }
}

fn followed(reference: &str, consequence: Suite, cause: &str) -> FollowedLine {
    FollowedLine { reference: reference.into(), consequence, cause: cause.into() }
}

/// A night on an empty database.
pub(crate) fn empty() -> RunReport {
    RunReport {
        followed: vec![],
        schema: "convoke.report/1".to_owned(),
        run: "94/2026-10-05/1".to_owned(),
        prefecture: "94".to_owned(),
        prefecture_name: "Préfecture du Val-de-Marne".to_owned(),
        business_date: NIGHT,
        generation: 1,
        trigger: Trigger::Cron,
        actor: "convoke".to_owned(),
        reason: None,
        state: RunState::Completed,
        failure: None,
        started_at: Utc.with_ymd_and_hms(2026, 10, 4, 23, 30, 0).unwrap(),
        finished_at: Some(Utc.with_ymd_and_hms(2026, 10, 4, 23, 30, 12).unwrap()),
        scanned: 0,
        outcomes: RunReport::outcomes_of(&BTreeMap::new()),
        figures: Figures::default(),
        displaced: 0,
        letters: vec![],
        letters_perhaps_twice: vec![],
        occupancy: vec![],
        lapses: vec![],
        listed: vec![],
        warnings: vec![],
        circumstances: Circumstances::default(),
        input_hash: "1d".repeat(32),
        policy_hash: "2e".repeat(32),
        plan_hash: "3f".repeat(32),
        certificate: "absent".to_owned(),
        ledger_size: 1_234,
        ledger_root: "4a".repeat(32),
        version: "0.1.0".to_owned(),
    }
}

/// A failed night started by hand: ten people without a slot, lists longer than a page shows, hostile and very long
/// texts.
pub(crate) fn extreme() -> RunReport {
    let counts = [(Rule::NoJurisdiction, 260), (Rule::Due, 1_000_010)];
    RunReport {
        prefecture_name: HOSTILE.to_owned(),
        generation: 3,
        trigger: Trigger::Hand,
        actor: HOSTILE.to_owned(),
        reason: Some(format!("{HOSTILE} {} {}", "motif ".repeat(200), "a".repeat(500))),
        state: RunState::Failed,
        failure: Some(HOSTILE.to_owned()),
        finished_at: None,
        scanned: 1_000_270,
        outcomes: RunReport::outcomes_of(&counts.map(|(rule, n)| (rule.code().to_owned(), n)).into()),
        figures: Figures {
            firm: 1_000_000,
            planned: 0,
            no_possible_day: 4,
            no_capacity: 6,
            late_firm: 9,
            late_planned: 0,
            without_seat: 1,
            past_six_months: 1,
        },
        displaced: 2,
        followed: vec![followed(HOSTILE, Suite::Listed, HOSTILE)],
        letters: vec![LetterCount { channel: HOSTILE.to_owned(), state: HOSTILE.to_owned(), letters: 1_000_007 }],
        letters_perhaps_twice: (0..12).map(perhaps_twice).collect(),
        occupancy: agenda(26).into_iter().map(|o| Occupancy { desk: format!("{} {HOSTILE}", o.desk), ..o }).collect(),
        lapses: lapses(10),
        listed: (0..260).map(|i| listed(Rule::NoJurisdiction, i, HOSTILE)).collect(),
        warnings: vec![HOSTILE.to_owned(); 3],
        circumstances: circumstances(HOSTILE),
        ..night()
    }
}

/// Six desks that fill up from the left, the last one closed every fourth week.
fn agenda(weeks: u64) -> Vec<Occupancy> {
    let mut agenda = Vec::new();
    for (nth, site) in (0..).zip(["creteil", "lhay-les-roses", "nogent-sur-marne"]) {
        for (desk, seats) in [("renouvellement", 20), ("resident", 8)] {
            for week in (0..weeks).filter(|week| nth < 2 || week % 4 != 3) {
                let reserved = seats * 9 / (9 + 2 * week.pow(2));
                let planned = (seats - reserved).min((2 * week + nth) % 7);
                let week = NIGHT + Days::new(7 * week);
                agenda.push(Occupancy { site: site.to_owned(), desk: desk.to_owned(), week, seats, reserved, planned });
            }
        }
    }
    agenda
}

/// The first has no later seat, the others do.
fn lapses(people: u64) -> Vec<LapseLine> {
    let lapse = |i: u64| LapseLine {
        permit: permit(i),
        kind: if i.is_multiple_of(2) { "CST" } else { "CRA10" }.to_owned(),
        expires_on: NIGHT + Days::new(20 + i),
        cause: if i.is_multiple_of(3) { LapseCause::NoCapacity } else { LapseCause::NoPossibleDay },
        seat: (i > 0).then(|| {
            let start = NaiveTime::from_hms_opt(9, 30, 0).expect("an hour");
            ("creteil".to_owned(), "resident".to_owned(), NIGHT + Days::new(28 + i), start)
        }),
    };
    (0..people).map(lapse).collect()
}

fn listed(rule: Rule, i: u64, detail: &str) -> Listed {
    Listed { rule, permit: permit(i), detail: detail.to_owned() }
}

fn permit(i: u64) -> String {
    format!("k3v9x0{i:010}")
}

fn perhaps_twice(n: u64) -> PerhapsTwice {
    let reference = format!("{n} {HOSTILE}");
    PerhapsTwice { reference, kind: "convocation".into(), state: HOSTILE.to_owned(), uncertain: 1 }
}
