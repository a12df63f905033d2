//! `convoke ledger verify`.

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::{Exit, Session};
use crate::store::Use;

#[derive(Debug, Subcommand)]
pub(super) enum Ledger {
    /// Walk the whole chain, and say where it breaks if it does
    Verify,
}

impl Ledger {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let Self::Verify = self;
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        match store.verify_ledger()? {
            Ok(head) => {
                let text = format!("The ledger holds: {} entries, last hash\n{}\n", head.size, head.root);
                session.print(
                    &json!({"schema": "convoke.ledger/1", "valid": true, "size": head.size, "root": head.root}),
                    &text,
                )?;
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
