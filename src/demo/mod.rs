//! `convoke demo`: seven nights of an invented Val-de-Marne, from the extract to the letters. Everything derives from
//! the seed: people, keys, ids, clock; the same seed gives the same files.

pub mod world;

use std::fmt::Write as _;
use std::fs;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, TimeZone};
use tokio_util::sync::CancellationToken;

use convoke_dispatch::sink::{Act, Sink};
use convoke_dispatch::smtp::{Relay, Stage};
use convoke_dispatch::{Counts, Errand, Transport, drain, letters_of};
use convoke_domain::ids::{RunId, keyed_hash};
use convoke_domain::ledger::Event;
use convoke_domain::run::Trigger;
use convoke_machine::clock::Clock;
use convoke_machine::entropy::Entropy;
use convoke_machine::files::write_whole;
use convoke_office::import::{self, Options};
use convoke_office::run::{self, Outcome, Request, Summary, Tools};
use convoke_report as report;
use convoke_settings::Configuration;
use convoke_store::{Store, Use};

/// The demonstration's parameters.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Permits in the extract.
    pub permits: usize,
    /// Consecutive nights.
    pub nights: u32,
    /// Seed of everything.
    pub seed: u64,
    /// Empty folder, created if it does not exist, or already filled by `convoke init`.
    pub folder: PathBuf,
}

/// The result of one night.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Night {
    /// The run.
    pub run: Summary,
    /// The letters that were sent.
    pub letters: Counts,
}

/// The first night: a Monday.
pub const FIRST_NIGHT: NaiveDate = NaiveDate::from_ymd_opt(2026, 10, 5).expect("a date");

/// Runs the nights. `say` receives one line per event.
pub async fn demonstrate(wish: &Wish, config: &Arc<Configuration>, say: &dyn Fn(&str)) -> Result<Vec<Night>> {
    let folder = &wish.folder;
    let letters = folder.join("letters");
    fs::create_dir_all(&letters).with_context(|| format!("making {}", letters.display()))?;
    let extract = folder.join("permits.csv");
    let file = fs::File::create(&extract).with_context(|| format!("writing {}", extract.display()))?;
    world::write_permits(wish.seed, wish.permits, FIRST_NIGHT, &mut BufWriter::new(file))?;
    say(&format!("An extract of {} invented permits: {}", wish.permits, extract.display()));

    // The relay refuses one address, so that the report has something to show.
    let sink = Sink::start(|turn| match turn.stage {
        Stage::Rcpt if turn.recipient == world::REFUSED_ADDRESS => Act::say("550 5.1.1 No such user"),
        _ => Act::Usual,
    })
    .await
    .context("starting the demonstration's own relay")?;
    let transport = Transport::Smtp(vec![Relay::parse(&format!("smtp://{}", sink.addr), None)?]);

    let mut store = Store::open(&config.settings.database.url, &config.settings.prefecture.code, Use::Batch)?;
    let mut entropy = Entropy::seeded(wish.seed);
    let clock = Clock::at(night_of(config, FIRST_NIGHT)?);
    let mut nights = Vec::new();
    for n in 0..wish.nights {
        let date = FIRST_NIGHT.checked_add_days(Days::new(n.into())).context("a night after the end of time")?;
        clock.set(night_of(config, date)?);
        tokio::task::block_in_place(|| prepare(&mut store, config, &clock, &extract, date, &mut entropy))?;
        let request = Request { date: None, plan: None, past_limit: false, actor: "demo".into(), reason: None };
        let mut tools = Tools { clock: &clock, entropy: &mut entropy, progress: &|_, _, _| {} };
        let summary = match tokio::task::block_in_place(|| {
            run::run(&mut store, config, Trigger::Cron, &request, &mut tools)
        })? {
            Outcome::Done(summary) | Outcome::NothingNew(summary) => summary,
            Outcome::TooManyFirm { plan_hash, .. } => {
                // What an operator would do after checking the plan.
                let request = Request { plan: Some(plan_hash), past_limit: true, ..request };
                match tokio::task::block_in_place(|| run::run(&mut store, config, Trigger::Cron, &request, &mut tools))?
                {
                    Outcome::Done(summary) => summary,
                    other => bail!("the confirmed run of {date} ended as {other:?}"),
                }
            }
            other => bail!("the run of {date} ended as {other:?}"),
        };
        // Letters leave in the morning, within sending hours; on Sundays, the next day.
        clock.advance(TimeDelta::hours(7));
        let errand = Errand {
            config,
            transport: &transport,
            render: letters_of(config)?,
            clock: &clock,
            until_empty: true,
            stop: CancellationToken::new(),
            progress: &|_| {},
            obstacle: &|_| {},
        };
        let (sent, _) = drain(store.another()?, errand).await?;
        let report = tokio::task::block_in_place(|| run::report(&mut store, config, &RunId(summary.run.clone())))?;
        write_whole(&folder.join(format!("report-{date}.html")), report::html(&report)?.as_bytes())?;
        say(&line(&summary, &sent));
        nights.push(Night { run: summary, letters: sent });
    }
    for message in sink.messages() {
        write_letter(&letters, &message.data)?;
    }
    sink.stop().await;
    Ok(nights)
}

/// Imports tonight's extract (the same file: nothing changed) and, on the first night, the slots.
fn prepare(
    store: &mut Store,
    config: &Configuration,
    clock: &Clock,
    extract: &Path,
    date: NaiveDate,
    entropy: &mut Entropy,
) -> Result<()> {
    if date == FIRST_NIGHT {
        let until = date
            .checked_add_days(Days::new(u64::from(config.settings.policy.horizon_days) + 31))
            .context("an end of the agenda")?;
        let slots = config.agenda.slots(date, until);
        store.write(|s| {
            let (inserted, updated) = s.upsert_slots(&slots)?;
            let payload = serde_json::json!({"inserted": inserted, "updated": updated});
            s.record("demo", clock.now(), vec![Event { kind: "agenda.generated", payload }])
        })?;
    }
    import::permits(store, config, extract, &Options::default(), "demo", clock, entropy, &|_, _| {})?;
    Ok(())
}

fn night_of(config: &Configuration, date: NaiveDate) -> Result<chrono::DateTime<chrono::Utc>> {
    let at = date.and_time(NaiveTime::from_hms_opt(1, 30, 0).unwrap_or_default());
    let local = config
        .settings
        .prefecture
        .zone
        .from_local_datetime(&at)
        .earliest()
        .context("01:30 does not exist that night")?;
    Ok(local.to_utc())
}

fn line(summary: &Summary, sent: &Counts) -> String {
    let lapses = summary.lapses.no_possible_day + summary.lapses.no_capacity;
    let mut line = format!(
        "{}: {} permits; {:>3} convoked in time, {:>2} after expiry; {:>3} planned; {lapses:>2} without a day before expiry; {:>3} letters accepted",
        summary.business_date, summary.scanned, summary.firm, summary.late_firm, summary.planned, sent.accepted
    );
    if sent.failed > 0 {
        // Unwrap safety: writing to a String cannot fail.
        write!(line, ", {} refused", sent.failed).expect("a String takes text");
    }
    line
}

fn write_letter(folder: &Path, message: &[u8]) -> Result<()> {
    let head = String::from_utf8_lossy(&message[..message.len().min(4_000)]).into_owned();
    let reference = head.lines().find_map(|l| l.strip_prefix("X-Convocation: ")).map(|r| r.trim().to_owned());
    // A name that is a reference or a hash: never text from a letter.
    let name = reference
        .filter(|r| convoke_domain::ids::Reference::parse(r).is_some())
        .unwrap_or_else(|| convoke_domain::ids::hex(&keyed_hash(b"letter", &[message])[..8]));
    // A reference has several letters: a reminder must not overwrite the convocation.
    let names = std::iter::once(format!("{name}.eml")).chain((2..).map(|n| format!("{name}-{n}.eml")));
    let free = names.map(|name| folder.join(name)).find(|file| !file.exists()).context("a free name")?;
    write_whole(&free, message)
}
