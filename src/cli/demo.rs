//! `convoke demo`.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::failure::Usage;
use super::init;
use super::session::Session;
use crate::demo::{Wish, demonstrate};
use convoke_machine::entropy::Entropy;
use convoke_settings::Configuration;
use convoke_store::Store;

/// Run seven nights of an invented Val-de-Marne: 5,000 permits, three sites, letters to a relay inside this process.
///
/// Needs no configuration and no network. The same seed gives the same files.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke demo
  convoke demo --permits 500 --nights 3 --seed 7 --out small")]
pub(super) struct Demo {
    /// Permits in the invented extract.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(50..=1_000_000))]
    permits: u32,
    /// Consecutive nights, from 2026-10-05 on; 0 writes only the extract and the configuration.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(0..=60))]
    nights: u32,
    /// Seed from which everything derives.
    #[arg(long, default_value_t = 94)]
    seed: u64,
    /// Empty folder, created if it does not exist.
    #[arg(long, value_name = "DIR", default_value = "./convoke-demo")]
    out: PathBuf,
}

impl Demo {
    pub(super) fn execute(self, session: &Session) -> Result<Exit> {
        let dir = &self.out;
        if dir.is_file() || fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(Usage(format!(
                "{} is not empty: the demo overwrites nothing; choose another --out",
                dir.display()
            ))
            .into());
        }
        // A different stream from that of the demo's database: no key is used twice.
        init::fill(dir, init::Example::ValDeMarne, &mut Entropy::seeded(!self.seed))?;
        // Marks the folder as one that may be deleted.
        fs::write(dir.join(".convoke-demo"), "Made by `convoke demo`; may be deleted.\n")
            .context("writing into the folder")?;
        // The demo has its own relay and hours, whatever the environment says.
        let environment = vec![("CONVOKE__DISPATCH__HOURS".to_owned(), "always".to_owned())];
        let config = Arc::new(Configuration::load(&dir.join("convoke.toml"), environment, None)?);
        Store::migrate(&config.settings.database.url)?;

        let wish = Wish { permits: self.permits as usize, nights: self.nights, seed: self.seed, folder: dir.clone() };
        let loud = !session.global.json && !session.global.quiet;
        let say = |line: &str| {
            if loud {
                println!("{line}");
            }
        };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().context("starting")?;
        let nights = runtime.block_on(demonstrate(&wish, &config, &say))?;
        let somebody = nights.iter().any(|n| n.run.leaves_someone());
        let first = nights.first().map(|n| n.run.run.clone()).unwrap_or_default();
        let d = dir.display();
        let text = format!(
            "\nWhere to look:\n  {d}/report-2026-10-05.html   the first night, in a browser\n  {d}/letters/                 every letter that the relay took (.eml)\n\n\
             What to try next:\n  cd {d}\n  convoke runs list\n  convoke report {first}\n  convoke outbox list --state failed\n  convoke ledger verify\n"
        );
        session.print(&json!({"schema": "convoke.demo/1", "folder": dir, "nights": nights}), &text)?;
        Ok(if somebody { Exit::WithoutSlot } else { Exit::Done })
    }
}
