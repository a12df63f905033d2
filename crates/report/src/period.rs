//! The figures of a period as an office publishes them, and how each permit that expired in it ended: the only true
//! measure of what was promised.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lists::List;
use super::{Intervention, words};
use convoke_domain::convocation::State;
use convoke_domain::eligibility::Rule;
pub use convoke_domain::ending::{Appointed, AtDesk, Ending, Expired};
use convoke_letters::{Document, Section, Table};

/// The figures of a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Period {
    /// `convoke.period/1`.
    pub schema: String,
    /// Code of the préfecture.
    pub prefecture: String,
    /// Its name.
    pub prefecture_name: String,
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// Appointments by week and desk.
    pub weeks: Vec<DeskFigures>,
    /// The same by semester.
    pub semesters: Vec<DeskFigures>,
    /// Time from convocation to appointment, by desk.
    pub waits: Vec<Wait>,
    /// How permits ended, by week, ending and rule.
    pub endings: Vec<EndingCount>,
    /// What people did, by who did it.
    pub acts: Vec<Intervention>,
}

/// Appointments of a desk in a week or a semester.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeskFigures {
    /// `2026-W41`, or `2026-S2`.
    pub span: String,
    /// Site.
    pub site: String,
    /// Desk.
    pub desk: String,
    /// Seats that were open.
    pub seats: u64,
    /// Appointments that were not cancelled.
    pub appointments: u64,
    /// Holders who came.
    pub honoured: u64,
    /// Holders who did not.
    pub missed: u64,
}

/// How long people wait, from convocation to appointment, in days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Wait {
    /// Desk.
    pub desk: String,
    /// Convocations made.
    pub appointments: u64,
    /// Half of the waits are at most this long (median).
    pub median: i64,
    /// Nine waits in ten are at most this long.
    pub nine_of_ten: i64,
    /// The longest wait.
    pub longest: i64,
}

/// Permits of a week that ended in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndingCount {
    /// ISO 8601 week, such as 2026-W41.
    pub week: String,
    /// How.
    pub ending: Ending,
    /// The verdict of the last day; empty if no run had seen it.
    pub rule: String,
    /// How many.
    pub permits: u64,
}

/// ISO 8601 week of a day.
pub fn week_of(day: NaiveDate) -> String {
    let week = day.iso_week();
    format!("{}-W{:02}", week.year(), week.week())
}

fn semester_of(day: NaiveDate) -> String {
    format!("{}-S{}", day.year(), if day.month() <= 6 { 1 } else { 2 })
}

/// Monday and Sunday of the week of a day.
pub fn bounds_of_week(day: NaiveDate) -> (NaiveDate, NaiveDate) {
    let monday = day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())).unwrap_or(day);
    (monday, monday.checked_add_days(Days::new(6)).unwrap_or(monday))
}

/// Adds up seats and appointments by name, for periods of days.
fn figures(
    span: fn(NaiveDate) -> String,
    seats: &[(AtDesk, u64)],
    appointments: &[(AtDesk, State, u64)],
) -> Vec<DeskFigures> {
    let mut sums: BTreeMap<(String, String, String), DeskFigures> = BTreeMap::new();
    let key = |(site, desk, day): &AtDesk| (span(*day), site.clone(), desk.clone());
    for (place, n) in seats {
        sums.entry(key(place)).or_default().seats += n;
    }
    for (place, state, n) in appointments {
        let sum = sums.entry(key(place)).or_default();
        if !matches!(state, State::Cancelled | State::Moved) {
            sum.appointments += n;
        }
        if *state == State::Honoured {
            sum.honoured += n;
        } else if *state == State::Missed {
            sum.missed += n;
        }
    }
    sums.into_iter().map(|((span, site, desk), sum)| DeskFigures { span, site, desk, ..sum }).collect()
}

/// Appointments by week, and by semester.
pub fn by_week_and_semester(
    seats: &[(AtDesk, u64)],
    appointments: &[(AtDesk, State, u64)],
) -> (Vec<DeskFigures>, Vec<DeskFigures>) {
    (figures(week_of, seats, appointments), figures(semester_of, seats, appointments))
}

/// How long people wait, by desk.
pub fn waits(convoked: &[(String, NaiveDateTime, NaiveDate)]) -> Vec<Wait> {
    let mut days: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (desk, made, day) in convoked {
        days.entry(desk).or_default().push((*day - made.date()).num_days());
    }
    let of = |(desk, mut days): (&str, Vec<i64>)| {
        days.sort_unstable();
        // The smallest number that this percentage of waits does not exceed.
        let rank = |percent: usize| days[(days.len() * percent).div_ceil(100).max(1) - 1];
        let (median, nine_of_ten, longest) = (rank(50), rank(90), rank(100));
        Wait { desk: desk.to_owned(), appointments: days.len() as u64, median, nine_of_ten, longest }
    };
    days.into_iter().map(of).collect()
}

/// Number of permits by ending.
pub fn endings(expired: &[Expired]) -> Vec<EndingCount> {
    let mut counts: BTreeMap<(String, Ending, String), u64> = BTreeMap::new();
    for permit in expired {
        let rule = permit.rule.map(Rule::code).unwrap_or_default().to_owned();
        *counts.entry((week_of(permit.expires_on), permit.ending(), rule)).or_default() += 1;
    }
    counts.into_iter().map(|((week, ending, rule), permits)| EndingCount { week, ending, rule, permits }).collect()
}

/// Each expired permit, and how it ended.
pub fn endings_list(expired: &[Expired]) -> List {
    let rows = expired.iter().map(|e| {
        let (ending, rule) = (e.ending(), e.rule.map(Rule::code).unwrap_or_default().to_owned());
        let (code, label) = (ending.code().to_owned(), ending.label_fr().to_owned());
        [e.permit.clone(), e.kind.to_string(), e.expires_on.to_string(), week_of(e.expires_on), code, label, rule]
    });
    List::new("endings", ["titre", "type", "fin_validite", "semaine", "issue", "libelle", "regle"], rows)
}

fn rule_label(rule: &str) -> String {
    match rule.parse::<Rule>() {
        Ok(rule) => rule.label_fr().to_owned(),
        Err(_) => "Jamais examiné".to_owned(),
    }
}

impl Period {
    /// The figures as lists.
    pub fn lists(&self) -> Vec<List> {
        let desks = |name, figures: &[DeskFigures]| {
            let rows = figures.iter().map(|f| {
                let [seats, made, came, missed] =
                    [f.seats, f.appointments, f.honoured, f.missed].map(|n| n.to_string());
                [f.span.clone(), f.site.clone(), f.desk.clone(), seats, made, came, missed]
            });
            List::new(name, ["periode", "site", "guichet", "places", "rendez_vous", "honores", "absents"], rows)
        };
        let waits = self.waits.iter().map(|w| {
            [
                w.desk.clone(),
                w.appointments.to_string(),
                w.median.to_string(),
                w.nine_of_ten.to_string(),
                w.longest.to_string(),
            ]
        });
        let endings = self.endings.iter().map(|e| {
            let (code, label) = (e.ending.code().to_owned(), e.ending.label_fr().to_owned());
            [e.week.clone(), code, label, e.rule.clone(), e.permits.to_string()]
        });
        let acts = self.acts.iter().map(|a| {
            [
                a.actor.clone(),
                a.kind.clone(),
                words::intervention(&a.kind).to_owned(),
                a.reason.clone().unwrap_or_default(),
                a.times.to_string(),
            ]
        });
        vec![
            desks("weeks", &self.weeks),
            desks("semesters", &self.semesters),
            List::new("waits", ["guichet", "rendez_vous", "delai_median", "delai_p90", "delai_max"], waits),
            List::new("endings-by-week", ["semaine", "issue", "libelle", "regle", "titres"], endings),
            List::new("acts", ["auteur", "acte", "libelle", "motif", "fois"], acts),
        ]
    }

    /// The figures as a document.
    pub fn document(&self) -> Document {
        let number = |n: u64| words::number(n);
        let desks = |caption: &str, figures: &[DeskFigures]| {
            let rows = figures.iter().map(|f| {
                let place = format!("{}, {}, {}", f.span, f.site, f.desk);
                let percent = |part: u64, of: u64| {
                    (part * 100).checked_div(of).map_or_else(|| "–".to_owned(), |n| format!("{n} %"))
                };
                let known = f.honoured + f.missed;
                vec![
                    place,
                    number(f.seats),
                    number(f.appointments),
                    percent(f.appointments, f.seats),
                    number(f.honoured),
                    number(f.missed),
                    percent(f.missed, known),
                ]
            });
            let header = ["Période, site, guichet", "Places", "Rendez-vous", "Taux", "Honorés", "Absents", "Absence"];
            Table::of_figures(caption, &header, rows.collect())
        };
        let waits = self.waits.iter().map(|w| {
            let days = [w.median, w.nine_of_ten, w.longest].map(|n| n.to_string());
            std::iter::once(w.desk.clone()).chain([number(w.appointments)]).chain(days).collect()
        });
        let endings = self
            .endings
            .iter()
            .map(|e| vec![format!("{} : {}", e.week, e.ending.label_fr()), rule_label(&e.rule), number(e.permits)]);
        let mut endings = Table::of_words(
            "Par semaine d’expiration",
            &["Semaine, issue", "Règle au dernier jour", "Titres"],
            endings.collect(),
        );
        endings.numeric[2] = true;
        let acts = self.acts.iter().map(|a| {
            let reason = a.reason.clone().unwrap_or_default();
            vec![words::intervention(&a.kind).to_owned(), a.actor.clone(), reason, number(a.times)]
        });
        let mut acts =
            Table::of_words("Par auteur, d’après le registre", &["Acte", "Auteur", "Motif", "Fois"], acts.collect());
        acts.numeric[3] = true;
        let section = |heading: &str, tables: Vec<Table>| {
            let tables: Vec<Table> = tables.into_iter().filter(|t| !t.rows.is_empty()).collect();
            let text = if tables.is_empty() { vec!["Néant.".to_owned()] } else { Vec::new() };
            Section { heading: heading.to_owned(), text, tables }
        };
        let document = Document {
            title: format!("Rendez-vous du {} au {}", words::date(self.from), words::date(self.to)),
            author: self.prefecture_name.clone(),
            footer: format!("Préfecture {}", self.prefecture),
            lead: vec![self.summary()],
            sections: vec![
                section("Titres arrivés à expiration", vec![endings]),
                section("Rendez-vous par semestre", vec![desks("Par site et guichet", &self.semesters)]),
                section("Rendez-vous par semaine", vec![desks("Par site et guichet", &self.weeks)]),
                section(
                    "Délai entre la convocation et le rendez-vous, en jours",
                    vec![Table::of_figures(
                        "Par guichet",
                        &["Guichet", "Convocations", "Médian", "Neuf sur dix", "Le plus long"],
                        waits.collect(),
                    )],
                ),
                section("Actes", vec![acts]),
            ],
        };
        document.map_texts(&words::visible)
    }

    /// The period in one sentence, beginning with what was promised.
    pub fn summary(&self) -> String {
        let of = |ending| self.endings.iter().filter(|e| e.ending == ending).map(|e| e.permits).sum::<u64>();
        let all: u64 = self.endings.iter().map(|e| e.permits).sum();
        let [filed, untraced, late, never, unseen, apart] =
            [Ending::Filed, Ending::Untraced, Ending::Late, Ending::Never, Ending::Unseen, Ending::Apart]
                .map(|e| words::number(of(e)));
        format!(
            "{} titres arrivés à expiration : {filed} renouvelés ou déposés à temps, {untraced} convoqués à temps sans trace de dépôt, \
             {late} convoqués trop tard, {never} jamais convoqués, {unseen} expirés avant la première nuit, {apart} qui n’étaient pas à convoquer.",
            words::number(all)
        )
    }
}

#[cfg(test)]
mod tests {
    use convoke_domain::permit::{PermitKind, Status};

    use super::*;

    fn day(n: i64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 10, 15).unwrap() + chrono::TimeDelta::days(n)
    }

    fn permit(rule: &str, convocations: &[(i64, State)]) -> Expired {
        let convocations = convocations.iter().map(|(n, state)| Appointed { day: day(*n), state: *state }).collect();
        Expired {
            permit: "p".into(),
            kind: PermitKind::Cst,
            expires_on: day(0),
            status: Status::Active,
            filed_on: None,
            superseded: false,
            rule: Some(rule.parse().unwrap()),
            convocations,
        }
    }

    #[test]
    fn every_permit_ends_in_exactly_one_way() {
        let cases = [
            (permit("due", &[]), Ending::Never),
            (permit("no-jurisdiction", &[]), Ending::Never),
            (Expired { rule: None, ..permit("due", &[]) }, Ending::Unseen),
            (Expired { superseded: true, ..permit("due", &[(3, State::Convoked)]) }, Ending::Late),
            (Expired { superseded: true, filed_on: Some(day(5)), ..permit("due", &[]) }, Ending::Never),
            (permit("student", &[]), Ending::Apart),
            (permit("already-convoked", &[(-3, State::Convoked)]), Ending::Untraced),
            (permit("already-convoked", &[(0, State::Missed)]), Ending::Untraced),
            (permit("already-convoked", &[(1, State::Convoked)]), Ending::Late),
            (permit("due", &[(-3, State::Cancelled)]), Ending::Never),
            (permit("due", &[(-9, State::Moved), (4, State::Convoked)]), Ending::Late),
            (permit("already-convoked", &[(-3, State::Honoured)]), Ending::Filed),
            (permit("already-convoked", &[(3, State::Honoured)]), Ending::Late),
            (Expired { filed_on: Some(day(0)), ..permit("due", &[]) }, Ending::Filed),
            (Expired { filed_on: Some(day(1)), ..permit("due", &[]) }, Ending::Never),
            (Expired { superseded: true, ..permit("due", &[]) }, Ending::Filed),
            (Expired { status: Status::Renewed, ..permit("due", &[]) }, Ending::Filed),
        ];
        for (permit, ending) in &cases {
            assert_eq!(permit.ending(), *ending, "{permit:?}");
        }
        let permits: Vec<Expired> = cases.into_iter().map(|(permit, _)| permit).collect();
        assert_eq!(endings(&permits).iter().map(|e| e.permits).sum::<u64>(), permits.len() as u64);
    }

    #[test]
    fn waits_are_the_ranks_of_what_was_waited() {
        let made = day(0).and_hms_opt(1, 30, 0).unwrap();
        let convoked: Vec<_> = (1..=10).map(|n| ("d".to_owned(), made, day(n))).collect();
        let Wait { median, nine_of_ten, longest, .. } = waits(&convoked)[0].clone();
        assert_eq!((median, nine_of_ten, longest), (5, 9, 10));
        assert_eq!(waits(&convoked[..1])[0].median, 1);
        assert!(waits(&[]).is_empty());
    }
}
