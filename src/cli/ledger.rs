//! `convoke ledger verify`.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::exit::Exit;
use super::session::Session;
use super::verify::kept_by;
use convoke_domain::seal::Seal;
use convoke_store::Use;

#[derive(Debug, Subcommand)]
pub(super) enum Ledger {
    /// Verify the whole chain, and report where it breaks if it does
    ///
    /// Compares it with every checkpoint signed after a run, and with those that a witness kept.
    #[command(after_long_help = "Examples:
  convoke ledger verify
  convoke ledger verify --witness mails")]
    Verify {
        /// File or folder of checkpoints mailed to a witness.
        #[arg(long, value_name = "FILE")]
        witness: Option<PathBuf>,
    },
}

impl Ledger {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let Self::Verify { witness } = self;
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let witnessed = witness.as_deref().map(kept_by).transpose()?.unwrap_or_default();
        let own = config.seal.as_ref().map(Seal::public);
        match store.verify_ledger(own.as_ref(), &witnessed)? {
            Ok(walked) => {
                let (size, root, sealed) = (walked.head.size, &walked.head.root, walked.checkpoints);
                let mut text = format!(
                    "The ledger is intact: {size} entries, last hash\n{root}\n{sealed} checkpoints are as they were signed.\n"
                );
                if walked.compared > 0 {
                    writeln!(text, "{} checkpoints match those that the witness kept.", walked.compared)?;
                }
                let document = json!({"schema": "convoke.ledger/1", "valid": true, "size": size, "root": root,
                    "checkpoints": sealed, "witnessed": walked.compared});
                session.print(&document, &text)?;
                Ok(Exit::Done)
            }
            Err(broken) => {
                session
                    .print(&json!({"schema": "convoke.ledger/1", "valid": false, "broken": broken.to_string()}), "")?;
                eprintln!("convoke: the ledger was tampered with: {broken}");
                Ok(Exit::BadData)
            }
        }
    }
}
