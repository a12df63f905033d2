//! Exit codes: what cron, a shell or an operator can rely on.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, also when nothing was due.
    Done = 0,
    /// Something that nobody foresaw.
    Unexpected = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Done; some letters failed.
    LettersFailed = 3,
    /// Done; some holders have no slot.
    WithoutSlot = 4,
    /// The schema is not migrated.
    NotMigrated = 10,
    /// A run is already in progress.
    RunInProgress = 11,
    /// The relay refuses user or password.
    SmtpAuthentication = 12,
    /// The plan changed since it was shown.
    PlanChanged = 13,
    /// More firm appointments than `max_firm_per_run`.
    TooManyFirm = 14,
    /// Bad input data.
    BadData = 65,
    /// Wrong configuration.
    Configuration = 78,
    /// Interrupted.
    Interrupted = 130,
}

impl Exit {
    /// Every code, for the manual.
    pub const TABLE: &'static str = "Exit codes:
  0    done, also when nothing was due
  1    unexpected error
  2    wrong command line
  3    done, some letters failed
  4    done, some holders have no slot
  10   the database is not migrated: run `convoke migrate`
  11   a run is already in progress
  12   the SMTP relay refuses user or password
  13   the plan changed since it was shown
  14   more firm appointments than max_firm_per_run
  65   bad input data
  78   wrong configuration
  130  interrupted";
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
