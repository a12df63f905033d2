//! Events that happen to a server.

use std::process::Stdio;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::support::postgres::{Cluster, as_postgres};

impl Cluster {
    /// The server's log.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.folder.join("log")).unwrap()).into_owned()
    }

    /// Ends every connection to a database, as an administrator would.
    pub(crate) fn end_connections(&self, database: &str) {
        let mut conn = PgConnection::establish(&self.url("postgres")).unwrap();
        let sql = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");
        conn.batch_execute(&sql).unwrap();
    }

    /// Kills every server process and restarts: uncommitted changes are lost.
    pub(crate) fn restart(&self) {
        let data = self.folder.join("data");
        let done = as_postgres(&self.programs.join("pg_ctl").display().to_string())
            .arg("-D")
            .arg(&data)
            .args(["-m", "immediate", "-w", "-l"])
            .arg(self.folder.join("log"))
            .args(["-o", &format!("-k {}", self.folder.display()), "restart"])
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success());
    }
}
