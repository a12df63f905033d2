//! `convoke simulate`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use chrono::NaiveDate;
use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::output::terminal_width;
use super::session::Session;
use convoke_domain::policy::Policy;
use convoke_machine::files::write_whole;
use convoke_planning::simulate::{self, Method, Scenario, simulate};
use convoke_report::columns::{Columns, paragraph};

/// Simulate a year of nights with invented people, and compare ways of planning it.
///
/// Three sites; more permits expire in autumn; one person in ten is known late. The same people, seats and luck are
/// planned by first-fit (the first free seat when the window opens, for good), by the exact plan made firm as late as
/// notice allows and one or two weeks earlier, and by the policy of convoke.toml if there is one. A person lapses if
/// not received by the day on which the permit expires.
///
/// First-fit never gives up a seat either: people who find none before expiry get the first one after it, for good.
/// People who cancel or do not come are due again the next night, whatever the method.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke simulate
  convoke simulate --load 0.95 --cancellations 0.08 --no-shows 0.06 --seeds 5 --out simulation")]
pub(super) struct Simulate {
    /// Weeks in which permits expire.
    #[arg(long, default_value_t = 52, value_parser = clap::value_parser!(u32).range(1..=260))]
    weeks: u32,
    /// Permits that expire in a week.
    #[arg(long, default_value_t = 65, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    people_per_week: u32,
    /// Ratio of permits to seats: 0.95 leaves one seat in twenty empty, if nobody cancels.
    #[arg(long, default_value_t = 0.95, value_parser = load)]
    load: f64,
    /// Share of appointments that are cancelled.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    cancellations: f64,
    /// Share of appointments where nobody comes.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    no_shows: f64,
    /// Share of people who agreed to be called at short notice.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    consent: f64,
    /// Number of years, each with different people and luck.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: u64,
    /// Seed of the first year.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    seed: u64,
    /// Write simulation.csv and simulation.svg to this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|n| (0.0..=0.9).contains(n))
        .ok_or_else(|| "expected a share such as 0.08, up to 0.9".into())
}

fn load(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|n| (0.05..=3.0).contains(n)).ok_or_else(|| "expected 0.05 to 3, such as 0.95".into())
}

/// Sums over all years of one method.
#[derive(Default)]
struct Sum {
    people: u64,
    lapses: u64,
    never: u64,
    late_days: u64,
    seats: u64,
    used: u64,
}

impl Simulate {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let own = session.global.config.exists().then(|| session.configuration()).transpose()?;
        let policy = own.map(|c| c.settings.policy);
        // Permits expire from the tenth week on: in the first nights nobody can lapse yet.
        let start = NaiveDate::from_ymd_opt(2026, 1, 5).context("a date of the calendar")?;
        let scenario = Scenario {
            start,
            weeks: self.weeks,
            people_per_week: self.people_per_week,
            load: self.load,
            cancellations: self.cancellations,
            no_shows: self.no_shows,
            consent: self.consent,
        };
        let exact = |firm_lead_days: u32| Method::Exact(Box::new(Policy { firm_lead_days, ..Policy::default() }));
        let mut methods = vec![("first-fit".to_owned(), Method::FirstFit)];
        methods.extend([0, 7, 14].map(|lead| (format!("exact, firm_lead_days {lead}"), exact(lead))));
        methods.extend(policy.map(|policy| ("exact, this policy".to_owned(), Method::Exact(Box::new(policy)))));
        let seeds: Vec<u64> = (self.seed..self.seed + self.seeds).collect();
        let nights = scenario.nights() * methods.len() as u64 * self.seeds;
        let progress = session.progress();
        let done = AtomicU64::new(0);
        let lived = std::thread::scope(|scope| {
            let work = scope.spawn(|| {
                simulate(&scenario, &methods, &seeds, &|n| {
                    done.fetch_add(n, Ordering::Relaxed);
                })
            });
            while !work.is_finished() {
                progress.show("living nights", done.load(Ordering::Relaxed), nights);
                std::thread::park_timeout(std::time::Duration::from_millis(100));
            }
            work.join()
        });
        progress.clear();
        let results = lived.map_err(|_| anyhow::anyhow!("the simulation panicked"))?;
        let results = results.context("planning a night: check the weights of the policy")?;
        let order: Vec<&str> = methods.iter().map(|(name, _)| name.as_str()).collect();
        let sums = sums(&results);
        let document = json!({"schema": "convoke.simulation/1", "scenario": scenario, "results": results});
        let mut text = table(&order, &sums, self.seeds);
        let early = |name: &str| sums.get(name).map_or(0, |s| s.lapses);
        let latest = early("exact, firm_lead_days 0");
        for lead in [7, 14] {
            let more = early(&format!("exact, firm_lead_days {lead}")) as i64 - latest as i64;
            let (verb, lapses) = if more < 0 { ("saves", -more) } else { ("costs", more) };
            // Unwrap safety: writing to a String cannot fail.
            writeln!(text, "Making appointments firm {lead} days earlier {verb} {lapses} lapses.")
                .expect("a String takes text");
        }
        if let Some(out) = &self.out {
            std::fs::create_dir_all(out).with_context(|| format!("making the folder {}", out.display()))?;
            write_whole(&out.join("simulation.csv"), &csv(&results)?)?;
            write_whole(&out.join("simulation.svg"), chart(&order, &sums, &scenario, self.seeds).as_bytes())?;
            writeln!(text, "simulation.csv and simulation.svg are in {}.", out.display()).expect("a String takes text");
        }
        session.print(&document, &text)?;
        Ok(Exit::Done)
    }
}

fn sums(results: &[simulate::YearResult]) -> BTreeMap<&str, Sum> {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for r in results {
        let sum = sums.entry(&r.method).or_default();
        sum.people += r.people;
        sum.lapses += r.lapses;
        sum.never += r.never;
        sum.late_days += r.late_days;
        sum.seats += r.seats;
        sum.used += r.used;
    }
    sums
}

/// Percentage of first-fit's lapses that a method avoids.
fn avoided(sums: &BTreeMap<&str, Sum>, name: &str) -> Option<f64> {
    let base = sums.get("first-fit").map_or(0, |s| s.lapses);
    let own = sums.get(name)?.lapses;
    (base > 0).then(|| 100.0 * (base as f64 - own as f64) / base as f64)
}

fn table(order: &[&str], sums: &BTreeMap<&str, Sum>, seeds: u64) -> String {
    let header = ["METHOD", "PEOPLE", "LAPSES", "AVOIDED", "NEVER SEEN", "LATE DAYS", "SEATS USED"];
    let mut table = Columns::new(terminal_width()).header(header).whole([0]).right(1..7);
    for name in order {
        let s = &sums[name];
        table.row([
            (*name).to_owned(),
            s.people.to_string(),
            s.lapses.to_string(),
            avoided(sums, name).map_or_else(|| "–".to_owned(), |percent| format!("{percent:.1} %")),
            s.never.to_string(),
            s.late_days.to_string(),
            format!("{:.1} %", 100.0 * s.used as f64 / s.seats.max(1) as f64),
        ]);
    }
    let years = if seeds == 1 { "1 year".to_owned() } else { format!("{seeds} years together") };
    let shown = format!(
        "Sums of {years}. Avoided: share of first-fit's lapses. Never seen: expired, and still waiting when the last permit expires."
    );
    table.text() + &paragraph("", &shown, terminal_width())
}

fn csv(results: &[simulate::YearResult]) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    for result in results {
        csv.serialize(result)?;
    }
    Ok(csv.into_inner()?)
}

/// A bar chart of lapses by method: readable without colour, with the figures as text for people who cannot see it.
fn chart(order: &[&str], sums: &BTreeMap<&str, Sum>, scenario: &Scenario, seeds: u64) -> String {
    let most = sums.values().map(|s| s.lapses).max().unwrap_or(0).max(1);
    let figures: Vec<String> = order.iter().map(|name| format!("{name}: {}", sums[name].lapses)).collect();
    let height = 90 + 36 * order.len();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 {height}\" role=\"img\" aria-labelledby=\"title desc\" font-family=\"sans-serif\" font-size=\"14\">\n<title id=\"title\">Lapses by way of planning</title>\n<desc id=\"desc\">{}</desc>\n<rect width=\"720\" height=\"{height}\" fill=\"#fff\"/>\n<text x=\"16\" y=\"28\" font-size=\"17\" font-weight=\"bold\">Lapses by way of planning</text>\n<text x=\"16\" y=\"50\" fill=\"#444\">{} weeks × {} people, load {}, cancellations {}, no-shows {}, short notice {}, {seeds} year(s)</text>\n",
        figures.join("; "),
        scenario.weeks,
        scenario.people_per_week,
        scenario.load,
        scenario.cancellations,
        scenario.no_shows,
        scenario.consent,
    );
    for (i, name) in order.iter().enumerate() {
        let lapses = sums[name].lapses;
        let (y, width) = (70 + 36 * i, 400.0 * lapses as f64 / most as f64);
        // Unwrap safety: writing to a String cannot fail.
        writeln!(
            svg,
            "<text x=\"210\" y=\"{}\" text-anchor=\"end\">{name}</text><rect x=\"220\" y=\"{y}\" width=\"{width:.1}\" height=\"24\" fill=\"#1f4e79\"/><text x=\"{:.1}\" y=\"{}\">{lapses}</text>",
            y + 17,
            228.0 + width,
            y + 17
        )
        .expect("a String takes text");
    }
    svg.push_str("</svg>\n");
    svg
}
