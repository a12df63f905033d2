//! Exit codes: what cron, a shell or an operator can rely on.

/// Declares the enum, its list and the manual's table together, so that no code can be missing from one of them.
macro_rules! exits {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $meaning:literal;)+) => {
        /// How a command ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Exit {
            $($(#[$meta])* $name = $code,)+
        }

        impl Exit {
            /// Every code, in the order of the manual.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its meaning, for the manual.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }
        }
    };
}

exits! {
    /// Done, also when nothing was due.
    Done = 0, "done, also when nothing was due";
    /// An unexpected error.
    Unexpected = 1, "unexpected error";
    /// The command line is wrong.
    Usage = 2, "wrong command line";
    /// Done; some letters failed.
    LettersFailed = 3, "done, some letters failed";
    /// Done; some holders have no slot.
    WithoutSlot = 4, "done, some holders have no slot";
    /// Done; releases of appointments are withheld.
    Withheld = 5, "done, releases of appointments withheld: `convoke plan` shows them";
    /// The schema is not migrated.
    NotMigrated = 10, "the database is not migrated: run `convoke migrate`";
    /// A run is already in progress.
    RunInProgress = 11, "a run is already in progress";
    /// The relay refuses user or password.
    SmtpAuthentication = 12, "the SMTP relay refuses user or password";
    /// The plan changed since it was shown.
    PlanChanged = 13, "the plan changed since it was shown";
    /// More firm appointments than `max_firm_per_run`.
    TooManyFirm = 14, "more firm appointments than max_firm_per_run";
    /// Bad input data.
    BadData = 65, "bad input data";
    /// Wrong configuration.
    Configuration = 78, "wrong configuration";
    /// Interrupted.
    Interrupted = 130, "interrupted";
}

impl Exit {
    /// Every code and its meaning, for the manual.
    pub fn table() -> String {
        let lines = Self::ALL.iter().map(|exit| format!("\n  {:<4} {}", *exit as u8, exit.meaning()));
        std::iter::once("Exit codes:".to_owned()).chain(lines).collect()
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
