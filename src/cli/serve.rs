//! `convoke serve`, `convoke healthcheck`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::dispatch::{heed_signals, signals};
use super::exit::Exit;
use super::failure::Usage;
use super::session::Session;
use super::{dispatch, every};
use crate::serve::{Office, Server, serve};
use convoke_settings::{Configuration, Role};
use convoke_store::{Store, Use};

/// Start each night automatically, send letters all day, and report health over HTTP.
///
/// Nights start at `[serve] night` (01:30 by default); one run makes up for all missed nights. Before each night, the
/// files in `[import] inbox` are taken in. Letters leave within `[dispatch] hours`. `/healthz`, `/readyz` and
/// `/metrics` answer on `[http] listen`. Any number of servers may share a database; each may have its own roles.
///
/// On SIGTERM, work in flight finishes within `[dispatch] stop_timeout_s`; a second signal ends the process at once,
/// and loses nothing either.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke serve
  convoke serve --role scheduler --role http      nights here, letters from another machine
  convoke serve --every-prefecture")]
pub(super) struct Serve {
    /// Take only this role: scheduler, dispatch or http; may be repeated. By default, all of `[serve] roles`.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Serve every préfecture whose folder, made by `convoke init`, is in `prefectures/` next to the file of --config.
    #[arg(long)]
    every_prefecture: bool,
    /// Send every letter to `[dispatch] redirect_all_to` although these are production settings: nobody else receives
    /// one.
    #[arg(long)]
    redirect: bool,
}

impl Serve {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        // A server mostly waits, and should hold little memory: pages of 2 MB would double it. Systems without them are
        // fine.
        let _ = rustix::thread::disable_transparent_huge_pages(true);
        let files = if self.every_prefecture { every::files(session)? } else { vec![session.global.config.clone()] };
        let mut offices = Vec::new();
        for file in files {
            let office = Office::new(loader(session, file))?;
            dispatch::allow_redirection(&office.config, self.redirect)?;
            refuse_unmigrated(&office.config)?;
            offices.push(office);
        }
        let settings = &offices.first().context("a préfecture")?.config.settings;
        let (listen, mut roles) = (settings.http.listen, settings.serve.roles.clone());
        if !self.roles.is_empty() {
            let named = self.roles.iter().map(|role| role.parse());
            roles = named.collect::<Result<Vec<Role>, _>>().map_err(|e| Usage(format!("--role: {e}")))?;
        }
        let server = Arc::new(Server::new(offices, roles, session.clock.clone()));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("starting the server")?;
        let ended = runtime.block_on(async {
            let stop = CancellationToken::new();
            tokio::spawn(heed_signals(stop.clone(), signals()?));
            serve(server, listen, stop).await
        });
        // A run that had no time to finish is cut off, as by a kill: the next server finishes it.
        runtime.shutdown_background();
        ended?;
        Ok(Exit::Done)
    }
}

/// Returns a function that reads a configuration as this process was asked to.
fn loader(session: &Session, file: PathBuf) -> crate::serve::Load {
    let environment: Vec<(String, String)> = Session::environment();
    let database = session.global.database.clone();
    Arc::new(move || Ok(Configuration::load(&file, environment.clone(), database.as_deref())?))
}

/// A database without tables is an error at once; one that does not answer is waited for.
fn refuse_unmigrated(config: &Configuration) -> Result<()> {
    match Store::open(&config.settings.database.url, &config.settings.prefecture.code, Use::Worker) {
        Err(error) if error.is::<convoke_store::NotMigrated>() || error.is::<convoke_store::WrongUrl>() => Err(error),
        Err(error) => {
            tracing::warn!("The database does not answer yet: {error:#}");
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}

/// Ask a server whether it is alive, with exit code 0 if so: for containers.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:
  convoke healthcheck")]
pub(super) struct Healthcheck {
    /// Ask whether nights and letters are on time (`/readyz`), not only whether the process is alive.
    #[arg(long)]
    ready: bool,
    /// Address of the server; `[http] listen` by default.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

impl Healthcheck {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let listen = match self.listen {
            Some(listen) => listen,
            None => session.configuration_to_read()?.settings.http.listen,
        };
        let path = if self.ready { "/readyz" } else { "/healthz" };
        let (healthy, shown) = match ask(listen, path) {
            Ok((status, body)) => (status == 200, body),
            Err(error) => (false, format!("{error:#}\n")),
        };
        session
            .print(&json!({"schema": "convoke.healthcheck/1", "healthy": healthy, "told": shown.trim_end()}), &shown)?;
        Ok(if healthy { Exit::Done } else { Exit::Unexpected })
    }
}

/// One GET: status and body.
fn ask(listen: SocketAddr, path: &str) -> Result<(u16, String)> {
    let patience = Duration::from_secs(10);
    // A server that listens on every address is reached through loopback.
    let mut to = listen;
    if to.ip().is_unspecified() {
        to.set_ip(if to.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    let mut stream = TcpStream::connect_timeout(&to, patience).with_context(|| format!("no server answers on {to}"))?;
    stream.set_read_timeout(Some(patience))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(1 << 20).read_to_string(&mut answer).context("reading the answer")?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is no HTTP")?;
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).context("the answer has no status")?;
    Ok((status, body.to_owned()))
}
