//! Fail points: places where a test kills the process, to see that nothing is lost and nothing is done twice. In debug builds only.

/// Kills this process, as SIGKILL would, if `CONVOKE_FAULT` names this point: `after-chunk`, or `after-chunk:3` for the
/// third time. `stop@after-chunk` has it stand still there until it is told to go on.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::collections::HashMap;
    use std::sync::Mutex;

    static PASSED: Mutex<Option<HashMap<String, u32>>> = Mutex::new(None);
    let Ok(wanted) = std::env::var("CONVOKE_FAULT") else { return };
    let (stop, wanted) = wanted.strip_prefix("stop@").map_or((false, wanted.as_str()), |w| (true, w));
    let (wanted, nth) = wanted.split_once(':').map_or((wanted, 1), |(w, n)| (w, n.parse().unwrap_or(1)));
    if wanted != name {
        return;
    }
    let mut passed = PASSED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let times = passed.get_or_insert_default().entry(name.to_owned()).or_default();
    *times += 1;
    if *times == nth && stop {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
    } else if *times == nth {
        std::process::abort();
    }
}

/// Nothing, in a release.
#[cfg(not(debug_assertions))]
pub fn point(_name: &str) {}

/// As many at once as `CONVOKE_FAULT_AT_ONCE` says: a test sees with hundreds what takes a release many thousands.
#[cfg(debug_assertions)]
pub fn at_once(usual: usize) -> usize {
    std::env::var("CONVOKE_FAULT_AT_ONCE").ok().and_then(|n| n.parse().ok()).filter(|n| *n > 0).unwrap_or(usual)
}

/// As many as usual, in a release.
#[cfg(not(debug_assertions))]
pub fn at_once(usual: usize) -> usize {
    usual
}

/// How far ahead of the machine's clock this process lives, from `CONVOKE_FAULT_CLOCK` in seconds: tests have a day of
/// their own, whatever day they run on.
#[cfg(debug_assertions)]
pub(crate) fn clock_ahead() -> chrono::TimeDelta {
    static AHEAD: std::sync::LazyLock<chrono::TimeDelta> = std::sync::LazyLock::new(|| {
        let seconds = std::env::var("CONVOKE_FAULT_CLOCK").ok().and_then(|seconds| seconds.parse().ok());
        chrono::TimeDelta::try_seconds(seconds.unwrap_or(0)).unwrap_or_default()
    });
    *AHEAD
}

/// The machine's clock itself, in a release.
#[cfg(not(debug_assertions))]
pub(crate) fn clock_ahead() -> chrono::TimeDelta {
    chrono::TimeDelta::zero()
}
