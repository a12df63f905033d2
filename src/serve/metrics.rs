//! Figures for Prometheus (`OpenMetrics` text). What the database knows is read at each scrape, so that any number of
//! processes report the same; what only this process knows is counted here.

use std::fmt;
use std::sync::atomic::AtomicU64;

use chrono::{DateTime, Utc};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use convoke_office::run::Summary;
use convoke_store::Figures;

/// Names and values of labels.
pub(super) type Labels = Vec<(&'static str, String)>;
type Count = Family<Labels, Counter>;
type Level = Family<Labels, Gauge<f64, AtomicU64>>;

/// What keeps letters from leaving: the relay does not answer (its breaker is open) or refuses user or password, the
/// sending hours are over, an operator has stopped sending, or the worker ended.
pub(super) const OBSTACLES: [&str; 6] = ["relay", "login", "hours", "paused", "worker", "clock"];

/// What only this process knows.
#[derive(Debug)]
pub(super) struct Counted {
    registry: Registry,
    /// Nights that started late.
    pub(super) late: Count,
    /// Attempts at nights that failed.
    pub(super) failures: Count,
    /// Parts of the process that panicked, and were restarted.
    pub(super) panics: Count,
    /// Extracts of the inbox that were refused.
    pub(super) refused: Count,
    /// Times at which the scheduler should look for a due night.
    pub(super) ticks: Counter,
    /// Looks for a due night: at most one per tick.
    pub(super) looks: Count,
    /// Seconds of each stage of the last run.
    pub(super) stages: Level,
}

impl Counted {
    /// Starts each count of these préfectures at 0, so that Prometheus sees the first event as an increase.
    pub(super) fn of<'p>(prefectures: impl Iterator<Item = &'p str>) -> Self {
        let mut registry = Registry::with_prefix("convoke");
        let [late, failures, panics, refused, looks] = [(); 5].map(|()| Count::default());
        let ticks = Counter::default();
        let stages = Level::default();
        registry.register("nights_late", "Nights that started later than late_after_min", late.clone());
        registry.register("night_failures", "Attempts at a night that failed", failures.clone());
        registry.register("panics", "Parts of the process that panicked", panics.clone());
        registry.register("extracts_refused", "Extracts of the inbox that were refused", refused.clone());
        registry.register(
            "ticks",
            "Times at which the scheduler should look for a due night, a few a minute",
            ticks.clone(),
        );
        registry.register("looks", "Looks for a due night, at most one per tick", looks.clone());
        registry.register_with_unit(
            "run_stage",
            "Each stage of the last run in this process",
            Unit::Seconds,
            stages.clone(),
        );
        for prefecture in prefectures {
            for count in [&late, &failures, &panics, &refused, &looks] {
                let _ = count.get_or_create(&vec![("prefecture", prefecture.to_owned())]);
            }
        }
        Self { registry, late, failures, panics, refused, ticks, looks, stages }
    }
}

/// What was read about one préfecture.
pub(super) struct Read {
    pub(super) prefecture: String,
    pub(super) figures: Figures,
    pub(super) nights_owed: usize,
    /// What keeps letters from leaving: one of [`OBSTACLES`].
    pub(super) obstacle: Option<&'static str>,
    pub(super) clock_jumped: bool,
}

/// All figures as `OpenMetrics` text.
pub(super) fn text(counted: &Counted, read: &[Result<Read, String>], now: DateTime<Utc>) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("convoke");
    let mut level = |name: &str, help: &str| {
        let family = Level::default();
        registry.register(name, help, family.clone());
        family
    };
    let success = level("last_success_timestamp_seconds", "End of the last completed run");
    let owed = level("nights_owed", "Nights that are due and not done");
    let permits = level("permits", "Permits by outcome in the last run");
    let assigned = level("assigned", "People with a day in the last run");
    let lapses = level("lapses", "People without a day before expiry in the last run, by cause");
    let capacity = level("at_capacity", "Whether somebody lacks a day for want of seats");
    let notices =
        level("notices_left", "Notices left for later nights, because one night writes at most max_firm_per_run");
    let letters = level("letters", "Letters by channel and state");
    let oldest = level("queue_oldest_seconds", "Age of the letter that has waited longest for its turn");
    let attempts = level("attempts", "Attempts to send, by outcome and class of reply");
    let obstacle = level("sending_stopped", "Whether something keeps letters from leaving, by cause");
    let jumped = level("clock_jumped", "Whether the clock is distrusted");
    let up = level("database_up", "Whether the database answers");
    for office in read {
        let prefecture = office.as_ref().map_or_else(String::clone, |office| office.prefecture.clone());
        up.get_or_create(&vec![("prefecture", prefecture)]).set(f64::from(u8::from(office.is_ok())));
        let Ok(office) = office else { continue };
        let label = |more: &[(&'static str, &str)]| -> Labels {
            let prefecture = ("prefecture", office.prefecture.clone());
            std::iter::once(prefecture).chain(more.iter().map(|(name, value)| (*name, (*value).to_owned()))).collect()
        };
        let put = |family: &Level, more: &[(&'static str, &str)], value: f64| {
            family.get_or_create(&label(more)).set(value);
        };
        let f = &office.figures;
        put(&owed, &[], office.nights_owed as f64);
        for cause in OBSTACLES {
            put(&obstacle, &[("cause", cause)], f64::from(u8::from(office.obstacle == Some(cause))));
        }
        put(&jumped, &[], f64::from(u8::from(office.clock_jumped)));
        put(&oldest, &[], f.oldest_waiting.map_or(0.0, |at| (now - at).as_seconds_f64()));
        for (channel, state, n) in &f.letters {
            put(&letters, &[("channel", channel), ("state", state)], *n as f64);
        }
        for (outcome, class, n) in &f.attempts {
            put(&attempts, &[("outcome", outcome), ("class", class)], *n as f64);
        }
        let Some((at, summary)) = &f.last_run else { continue };
        put(&success, &[], at.timestamp() as f64);
        let Ok(run) = serde_json::from_str::<Summary>(summary) else { continue };
        for (rule, n) in &run.outcomes {
            put(&permits, &[("rule", rule)], *n as f64);
        }
        for (how, n) in
            [("firm", run.firm), ("after-expiry", run.late_firm), ("planned", run.planned), ("none", run.without_seat)]
        {
            put(&assigned, &[("how", how)], n as f64);
        }
        put(&lapses, &[("cause", "no-possible-day")], run.lapses.no_possible_day as f64);
        put(&lapses, &[("cause", "no-capacity")], run.lapses.no_capacity as f64);
        put(&notices, &[], run.letters.notices_left as f64);
        put(&capacity, &[], f64::from(u8::from(run.lapses.no_capacity + run.without_seat > 0)));
    }
    let mut text = String::new();
    encode_registry(&mut text, &registry)?;
    encode_registry(&mut text, &counted.registry)?;
    encode_eof(&mut text)?;
    Ok(text)
}
