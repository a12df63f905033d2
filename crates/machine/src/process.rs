//! Who this process is, and whether another one still lives: so that the work of a killed process on this host is taken
//! over at once, and not only when its lease ends.

use std::fs;
use std::process;

/// `boot/namespace/pid/start`: never the same for two processes, and checkable by whoever shares host and container.
pub fn identity() -> String {
    let pid = process::id();
    format!("{}/{pid}/{}", host(), started(pid).unwrap_or_default())
}

/// Whether the process of this identity has certainly ended. Of processes elsewhere nothing is known: `false`.
pub fn has_ended(identity: &str) -> bool {
    let mut parts = identity.rsplitn(3, '/');
    let (Some(start), Some(pid), Some(there)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let Ok(pid) = pid.parse() else { return false };
    there == host() && !start.is_empty() && started(pid).as_deref() != Some(start) && !is_hidden(pid)
}

/// Whether a process lives of which `/proc` says nothing: another user's, on a host that hides them (`hidepid`).
fn is_hidden(pid: u32) -> bool {
    let readable = fs::metadata(format!("/proc/{pid}/stat")).is_ok();
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    !readable && pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

fn host() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = fs::read_link("/proc/self/ns/pid").map(|p| p.display().to_string()).unwrap_or_default();
    format!("{}/{namespace}", boot.trim())
}

/// Start of a process in clock ticks since boot: field 22 of `/proc/PID/stat` (proc(5)), counted after the name, which may
/// itself contain blanks and brackets. A process that has ended but was not yet waited for (state Z) has ended.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    (!matches!(fields.first(), Some(&("Z" | "X")))).then(|| fields.get(19).map(ToString::to_string)).flatten()
}

/// The login of who acts: the one that opened the session, whatever `su` or `sudo` came after it.
pub fn login() -> String {
    let number = |path: &str| fs::read_to_string(path).ok().and_then(|t| t.trim().parse::<u32>().ok());
    let effective = || {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        status.lines().find_map(|l| l.strip_prefix("Uid:"))?.split_whitespace().next()?.parse().ok()
    };
    // u32::MAX: no session was opened, as for a service.
    let Some(uid) = number("/proc/self/loginuid").filter(|uid| *uid != u32::MAX).or_else(effective) else {
        return "unknown".into();
    };
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("uid-{uid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_an_ended_one_has_ended() {
        let me = identity();
        assert!(!has_ended(&me));
        let mut child = process::Command::new("true").spawn().unwrap();
        let dead = format!("{}/{}/1", host(), child.id());
        child.wait().unwrap();
        assert!(has_ended(&dead));
        assert!(!has_ended("another-host/pid:[1]/1/1"), "of another host nothing is known");
        assert!(!has_ended(""));
    }
}
