//! The report as one self-contained page of HTML: no script, nothing fetched.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, escape_formatter, syntax::SyntaxConfig};
use serde::Serialize;

use convoke_domain::run::{RunState, Trigger};

use super::funnel::{Funnel, summary};
use super::{FollowedLine, Intervention, LapseLine, LegalWindow, Listed, Margin, Occupancy, RunReport, words};
use convoke_domain::permit::PermitKind;

const TEMPLATE: &str = include_str!("../../../templates/report.html");

/// Fuel limit of the template: an ordinary report takes 8,000 steps, one of 1,200 desks 900,000.
const FUEL: u64 = 20_000_000;

/// Lines shown of each list: the page is for reading, the CSV has them all.
const SHOWN: usize = 200;

/// Weeks shown of the agenda: as many as fit on a landscape page.
const WEEKS: usize = 16;

/// The page, in French.
///
/// # Errors
/// None with this template: a test renders extreme reports.
pub fn html(report: &RunReport) -> Result<String, Error> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    // Set as the formatter and not as a filter, so that it cannot be forgotten anywhere.
    env.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if !value.is_safe() => escape_formatter(out, state, &Value::from(words::visible(text))),
        _ => escape_formatter(out, state, value),
    });
    env.add_filter("number", words::number);
    env.add_filter("percent", percent);
    env.add_filter("date", |day: Serde<NaiveDate>| words::date(*day));
    env.add_filter("short_date", |day: Serde<NaiveDate>| words::short_date(*day));
    env.add_filter("weekday_date", |day: Serde<NaiveDate>| words::weekday_date(*day));
    env.add_filter("time", |start: Serde<NaiveTime>| words::time(*start));
    env.add_filter("instant", |at: Serde<DateTime<Utc>>| words::instant(*at));
    env.add_filter("letter_state", |code: &str| words::label(code, words::letter_state));
    env.add_filter("channel", |code: &str| words::label(code, words::channel));
    env.add_filter("permit_kind", |code: &str| words::label(code, PermitKind::label));
    env.add_filter("lapse_cause", |cause: Serde<_>| words::lapse_cause(*cause));
    env.add_filter("trigger", |word: Serde<Trigger>| words::trigger(word.0));
    env.add_filter("run_state", |word: Serde<RunState>| words::run_state(word.0));
    env.add_filter("certificate", |code: &str| words::certificate(code).to_owned());
    env.add_filter("intervention", |kind: &str| words::intervention(kind).to_owned());
    env.add_filter("anomaly", |kind: &str| words::anomaly(kind).to_owned());
    env.add_filter("procedure", |code: &str| words::procedure(code).to_owned());
    env.add_filter("iso_week", |iso: &str| words::week(iso));
    env.add_filter("margin", |days: i64| words::margin(days));
    env.template_from_named_str("report.html", TEMPLATE)?.render(Serde(View::of(report)))
}

/// Percentage of a full bar. A bar that is not zero stays visible, one that overflows is full.
fn percent(count: u64, scale: u64) -> String {
    if count == 0 || scale == 0 {
        return "0".to_owned();
    }
    format!("{:.1}", (count as f64 * 100.0 / scale as f64).clamp(0.5, 100.0))
}

/// Everything that the template may use.
#[derive(Serialize)]
struct View<'a> {
    report: &'a RunReport,
    summary: String,
    funnel: Funnel,
    lapses: Cut<&'a LapseLine>,
    followed: Cut<FollowedRow<'a>>,
    listed: Vec<Group<'a>>,
    agenda: Agenda<'a>,
    letters: Letters<'a>,
    margins: MarginChart,
    interventions: Cut<&'a Intervention>,
}

/// Appointments by weeks before expiry, as a chart; lengths are in the units of the drawing.
#[derive(Serialize)]
struct MarginChart {
    width: f64,
    bars: Vec<Bar>,
    /// The time when the window at a desk is open: left edge and width.
    window: Option<(f64, f64)>,
    /// All appointments, and those after expiry.
    all: u64,
    after: u64,
}

#[derive(Serialize)]
struct Bar {
    x: f64,
    y: f64,
    height: f64,
    days: i64,
    appointments: u64,
}

/// Width of a week in the chart, of which the bar takes four fifths, and height of the longest bar.
const WEEK_WIDTH: f64 = 44.0;
const BAR_HEIGHT: f64 = 120.0;

impl MarginChart {
    fn of(margins: &[Margin], windows: &[LegalWindow]) -> Self {
        let most = margins.iter().map(|m| m.appointments).max().unwrap_or(0).max(1) as f64;
        // Every week from the first to the last has a place, even without appointments.
        let (first, last) = (margins.first().map_or(0, |m| m.days), margins.last().map_or(0, |m| m.days));
        let place = |days: f64| ((first + 7) as f64 - days) / 7.0 * WEEK_WIDTH;
        let bars = margins.iter().map(|m| {
            let height = m.appointments as f64 / most * BAR_HEIGHT;
            let (days, appointments) = (m.days, m.appointments);
            Bar {
                x: place((m.days + 7) as f64) + WEEK_WIDTH / 10.0,
                y: BAR_HEIGHT - height,
                height,
                days,
                appointments,
            }
        });
        let width = ((first - last) / 7 + 1) as f64 * WEEK_WIDTH;
        let desk = || windows.iter().filter(|w| w.procedure == "guichet");
        let window = desk().map(|w| w.opens).max().zip(desk().map(|w| w.closes).min()).map(|(opens, closes)| {
            let (left, right) = (place(f64::from(opens)).max(0.0), place(f64::from(closes)).min(width));
            (left, (right - left).max(0.0))
        });
        let all = margins.iter().map(|m| m.appointments).sum();
        let after = margins.iter().filter(|m| m.days < 0).map(|m| m.appointments).sum();
        Self { width, bars: bars.collect(), window: window.filter(|_| !margins.is_empty()), all, after }
    }
}

/// The first lines of a long list.
#[derive(Serialize)]
struct Cut<T> {
    shown: Vec<T>,
    /// Number of lines left out.
    more: u64,
}

/// Listed permits under one rule.
#[derive(Serialize)]
struct Group<'a> {
    code: &'static str,
    label: &'static str,
    permits: Cut<&'a Listed>,
}

/// Desks as rows, weeks as columns.
#[derive(Serialize)]
struct Agenda<'a> {
    weeks: Vec<NaiveDate>,
    /// Number of weeks left out.
    more: u64,
    rows: Vec<DeskRow<'a>>,
    /// All desks combined.
    total: Vec<Week>,
}

#[derive(Serialize)]
struct DeskRow<'a> {
    site: &'a str,
    desk: &'a str,
    /// One per week shown; `None` where the desk is closed.
    weeks: Vec<Option<Week>>,
}

/// Seats of a desk, or of all, in a week.
#[derive(Clone, Copy, Default, Serialize)]
struct Week {
    seats: u64,
    reserved: u64,
    planned: u64,
    /// How full: from 0 to 4.
    heat: u8,
}

/// States as rows, channels as columns.
#[derive(Serialize)]
struct Letters<'a> {
    channels: Vec<&'a str>,
    rows: Vec<LetterRow<'a>>,
    /// By channel.
    totals: Vec<u64>,
    total: u64,
}

#[derive(Serialize)]
struct LetterRow<'a> {
    state: &'a str,
    counts: Vec<u64>,
    total: u64,
}

#[derive(Serialize)]
struct FollowedRow<'a> {
    reference: &'a str,
    done: &'static str,
    cause: String,
}

impl<'a> FollowedRow<'a> {
    fn of(line: &'a FollowedLine) -> Self {
        let (done, cause) = (line.consequence.label_fr(), words::followed_cause(&line.cause));
        Self { reference: &line.reference, done, cause }
    }
}

impl<'a> View<'a> {
    fn of(report: &'a RunReport) -> Self {
        Self {
            report,
            summary: summary(report),
            funnel: Funnel::of(report),
            lapses: Cut::of(report.lapses.iter().collect()),
            followed: Cut::of(report.followed.iter().map(FollowedRow::of).collect()),
            listed: Group::all(&report.listed),
            agenda: Agenda::of(&report.occupancy),
            letters: Letters::of(report),
            margins: MarginChart::of(&report.circumstances.margins, &report.circumstances.windows),
            interventions: Cut::of(report.circumstances.interventions.iter().collect()),
        }
    }
}

impl<T> Cut<T> {
    fn of(mut list: Vec<T>) -> Self {
        let more = list.len().saturating_sub(SHOWN) as u64;
        list.truncate(SHOWN);
        Self { shown: list, more }
    }
}

impl<'a> Group<'a> {
    fn all(listed: &'a [Listed]) -> Vec<Self> {
        let mut by_rule: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for permit in listed {
            by_rule.entry(permit.rule).or_default().push(permit);
        }
        let group = |(rule, permits): (convoke_domain::eligibility::Rule, _)| Group {
            code: rule.code(),
            label: rule.label_fr(),
            permits: Cut::of(permits),
        };
        by_rule.into_iter().map(group).collect()
    }
}

impl<'a> Agenda<'a> {
    fn of(occupancy: &'a [Occupancy]) -> Self {
        let weeks: BTreeSet<_> = occupancy.iter().map(|o| o.week).collect();
        let more = weeks.len().saturating_sub(WEEKS) as u64;
        let weeks: Vec<_> = weeks.into_iter().take(WEEKS).collect();
        let mut total = vec![Week::default(); weeks.len()];
        let mut desks: BTreeMap<_, Vec<Option<Week>>> = BTreeMap::new();
        for o in occupancy {
            let row = desks.entry((o.site.as_str(), o.desk.as_str())).or_insert_with(|| vec![None; weeks.len()]);
            if let Ok(week) = weeks.binary_search(&o.week) {
                row[week].get_or_insert_default().add(o);
                total[week].add(o);
            }
        }
        let rows = desks.into_iter().map(|((site, desk), weeks)| DeskRow { site, desk, weeks }).collect();
        Self { weeks, more, rows, total }
    }
}

impl Week {
    fn add(&mut self, week: &Occupancy) {
        self.seats += week.seats;
        self.reserved += week.reserved;
        self.planned += week.planned;
        self.heat = ((self.reserved + self.planned) * 4 / self.seats.max(1)).min(4) as u8;
    }
}

impl<'a> Letters<'a> {
    fn of(report: &'a RunReport) -> Self {
        let letters = &report.letters;
        let mut channels: Vec<&str> = Vec::new();
        let mut states: Vec<&str> = Vec::new();
        for line in letters {
            if !channels.contains(&line.channel.as_str()) {
                channels.push(&line.channel);
            }
            if !states.contains(&line.state.as_str()) {
                states.push(&line.state);
            }
        }
        let count = |state: Option<&str>, channel: Option<&str>| -> u64 {
            let of =
                letters.iter().filter(|l| state.is_none_or(|s| l.state == s) && channel.is_none_or(|c| l.channel == c));
            of.map(|l| l.letters).sum()
        };
        let row = |state: &'a str| LetterRow {
            state,
            counts: channels.iter().map(|channel| count(Some(state), Some(channel))).collect(),
            total: count(Some(state), None),
        };
        let rows = states.into_iter().map(row).collect();
        let totals = channels.iter().map(|channel| count(None, Some(channel))).collect();
        Self { rows, totals, total: count(None, None), channels }
    }
}
