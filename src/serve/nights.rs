//! The scheduler: looks at the clock once a minute, and works on the night that is due.

use convoke_domain::run::Stage;
use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_cron_scheduler::{Job, JobScheduler};
use tokio_util::sync::CancellationToken;

use super::night::{Looked, Night, Rota, Worked, look};
use super::{Office, Server};
use convoke_domain::ids::hex;
use convoke_machine::clock::Stopwatch;
use convoke_machine::entropy::Entropy;
use convoke_office::night::{self, Starter, Taken};
use convoke_office::run::{Outcome, Request, Tools};
use convoke_store::{Store, Use};

/// Every minute, at second 0. The database knows which nights are due, so a lost tick loses nothing.
const TICK: &str = "0 * * * * *";
/// The library waits for an instant: after the clock is set back, its tick may not come for hours or years.
const TICK_AT_LATEST: Duration = Duration::from_secs(20);

/// Looks once a minute for a due night in each préfecture, and works on it while the others go on.
pub(super) async fn keep(server: Arc<Server>, stop: CancellationToken) -> Result<()> {
    let (tick, mut ticks) = mpsc::channel(1);
    let mut scheduler = JobScheduler::new().await.context("starting the scheduler")?;
    let job = Job::new_async(TICK, move |_, _| {
        let tick = tick.clone();
        Box::pin(async move {
            // A tick not yet taken covers this one too.
            let _ = tick.try_send(());
        })
    })?;
    scheduler.add(job).await.context("starting the scheduler")?;
    scheduler.start().await.context("starting the scheduler")?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let places = Arc::new(Semaphore::new(processors));
    let mut looking = JoinSet::new();
    let mut busy = HashMap::new();
    let mut at_latest = interval(TICK_AT_LATEST);
    at_latest.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // Only time, not the end of a look, starts another.
        tokio::select! {
            Some(ended) = looking.join_next_with_id(), if !looking.is_empty() => {
                let id = ended.as_ref().map_or_else(tokio::task::JoinError::id, |(id, ())| *id);
                busy.remove(&id);
                continue;
            }
            Some(()) = ticks.recv() => server.counted.ticks.inc(),
            _ = at_latest.tick() => server.counted.ticks.inc(),
            () = stop.cancelled() => break,
        };
        server.beat.beat();
        for number in 0..server.offices.len() {
            if busy.values().any(|n| *n == number) {
                continue;
            }
            let code = server.offices[number].code().to_owned();
            server.counted.looks.get_or_create(&vec![("prefecture", code)]).inc();
            let (server, places, stop) = (Arc::clone(&server), Arc::clone(&places), stop.clone());
            let task = looking.spawn(async move {
                let _place = places.acquire().await;
                if !stop.is_cancelled() {
                    let _ = spawn_blocking(move || look_at(&server, number)).await;
                }
            });
            busy.insert(task.id(), number);
        }
    }
    scheduler.shutdown().await.context("stopping the scheduler")?;
    // The next process resumes a run that does not finish in time: nothing of it is lost.
    let patience = server.offices.iter().map(|o| o.config.settings.dispatch.stop_timeout_s).max().unwrap_or(0);
    let finished =
        timeout(Duration::from_secs(patience.into()), async { while looking.join_next().await.is_some() {} }).await;
    if finished.is_err() {
        tracing::warn!("A run did not finish within `stop_timeout_s`: the next server finishes it");
    }
    Ok(())
}

/// Looks for a due night in one préfecture. An error is logged, and the next tick looks again.
fn look_at(server: &Server, number: usize) {
    let office = &server.offices[number];
    let code = office.code().to_owned();
    let label = || vec![("prefecture", code.clone())];
    let looked = catch_unwind(AssertUnwindSafe(|| {
        let settings = &office.config.settings;
        let mut store = Store::open(&settings.database.url, &code, Use::Worker)?;
        let rota = Rota::of(&settings.serve, settings.prefecture.zone);
        look(&mut store, &rota, &server.clock, |store, night| work(server, office, store, night))
    }));
    let looked = looked.unwrap_or_else(|_| {
        server.counted.panics.get_or_create(&label()).inc();
        Err(anyhow::anyhow!("looking for a night panicked: see the log"))
    });
    office.notes.note_look(&looked);
    match looked {
        Ok(Looked::ClockJumped(by)) => {
            tracing::error!(prefecture = %code, "The clock is {} days ahead of when it was last seen: no night starts", by.num_days());
        }
        Ok(Looked::Worked(night, Worked::Failed(why) | Worked::Refused(why))) => {
            server.counted.failures.get_or_create(&label()).inc();
            tracing::error!(prefecture = %code, night.date = %night.date, attempt = night.attempt, "The night of {} failed: {why}", night.date);
        }
        Ok(_) => {}
        Err(error) => {
            server.counted.failures.get_or_create(&label()).inc();
            tracing::error!(prefecture = %code, "Looking for a due night failed: {error:#}");
        }
    }
}

/// Carries out a night through [`night::carry_out`]; its result goes into the log and the metrics.
fn work(server: &Server, office: &Office, store: &mut Store, due: &Night) -> Worked {
    let trace = Entropy::System.bytes().map_or(String::new(), |bytes| hex(&bytes[..8]));
    let span = tracing::info_span!("night", prefecture = office.code(), night.date = %due.date, trace.id = trace);
    let _entered = span.enter();
    let label = || vec![("prefecture", office.code().to_owned())];
    if let Some(late) = due.late {
        server.counted.late.get_or_create(&label()).inc();
        tracing::warn!("The night of {} starts {} min late", due.date, late.num_minutes());
    }
    if !due.missed.is_empty() {
        tracing::warn!(missed = ?due.missed, "Catching up on {} missed nights", due.missed.len());
    }
    let config = match (office.load)() {
        Ok(config) => config,
        Err(error) => {
            night::report_unbegun(&office.config, due.date, &error);
            return Worked::Failed(format!("{error:#}"));
        }
    };
    // A panic is recorded and reported as a failed attempt.
    let carried = catch_unwind(AssertUnwindSafe(|| {
        let stages = Stages::new(server, office.code());
        let mut tools = Tools {
            clock: &server.clock,
            entropy: &mut Entropy::System,
            progress: &|stage, _, _| stages.enter(Some(stage)),
        };
        let request = Request::of(Some(due.date), due.reason());
        let carried = night::carry_out(store, &config, Starter::Server, &request, &mut tools);
        stages.enter(None);
        carried
    }));
    let Ok(carried) = carried else {
        server.counted.panics.get_or_create(&label()).inc();
        return Worked::Failed("the run panicked: see the log".into());
    };
    let refused = || server.counted.refused.get_or_create(&label()).inc();
    match carried.inbox {
        Ok(all) => {
            for Taken { file, refused: why } in all {
                if let Some(why) = why {
                    refused();
                    tracing::error!("Refused the extract {file}: {why}; see the inbox's folder `refused`");
                } else {
                    tracing::info!("Imported an extract: {file}");
                }
            }
        }
        Err(error) => {
            refused();
            tracing::error!("The inbox could not be read completely: {error:#}");
        }
    }
    match carried.sheets {
        Ok(0) => {}
        Ok(files) => tracing::info!("Wrote {files} files of sheets for counter and door"),
        Err(error) => tracing::error!("The sheets for counter and door could not be written: {error:#}"),
    }
    match carried.outcome {
        Ok(Outcome::Done(summary) | Outcome::NothingNew(summary)) => Worked::Done(summary.run),
        Ok(Outcome::Busy(_)) => Worked::Busy,
        Ok(Outcome::TooManyFirm { firm, max, plan_hash }) => Worked::Refused(format!(
            "it would make {firm} appointments firm, more than max_firm_per_run ({max}); if this is intended: \
             convoke run --date {} --plan {} --reason TEXT",
            due.date,
            &plan_hash[..16]
        )),
        Ok(Outcome::PlanChanged { .. }) => Worked::Failed("the plan is not the one that was asked for".into()),
        Err(error) => Worked::Failed(format!("{error:#}")),
    }
}

/// Measures how long each stage of a run takes.
struct Stages<'a> {
    server: &'a Server,
    prefecture: &'a str,
    now: RefCell<(Option<Stage>, Stopwatch)>,
}

impl<'a> Stages<'a> {
    fn new(server: &'a Server, prefecture: &'a str) -> Self {
        Self { server, prefecture, now: RefCell::new((None, Stopwatch::start())) }
    }

    fn enter(&self, stage: Option<Stage>) {
        let mut now = self.now.borrow_mut();
        if now.0 == stage {
            return;
        }
        let (before, watch) = std::mem::replace(&mut *now, (stage, Stopwatch::start()));
        if let Some(before) = before {
            let labels = vec![("prefecture", self.prefecture.to_owned()), ("stage", before.to_string())];
            self.server.counted.stages.get_or_create(&labels).set(watch.seconds());
        }
    }
}
