//! A database on a full disk: a clear error, nothing half done, and the rest once there is space again.

use std::path::PathBuf;
use std::process::Command;

use crate::support::{Office, Shape};

/// A small file system that a test may fill; removed at its end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` if file systems cannot be mounted: only root can.
    fn of_megabytes(size: u32) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("small").tempdir().unwrap().keep();
        let disk = Self(folder);
        disk.mount(&format!("size={size}m")).then_some(disk)
    }

    fn mount(&self, options: &str) -> bool {
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&self.0).output().unwrap();
        mounted.status.success()
    }

    fn grow_to_megabytes(&self, size: u32) {
        assert!(self.mount(&format!("remount,size={size}m")));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Detached at once, and unmounted when its last user is gone.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn a_disk_that_runs_full_stops_a_run_and_loses_nothing() {
    let Some(disk) = SmallDisk::of_megabytes(64) else {
        assert!(std::env::var_os("CI").is_none(), "CI mounts file systems");
        eprintln!("NOT RUN: only root can mount a small file system");
        return;
    };
    // A server cannot make a checkpoint while one of its disks is full.
    let whole = Office::alone(Shape { permits: 6_000, seats: true });
    whole.run(&[]);
    let office = whole.before_the_night().on_disk(&disk.0);
    // Leaves so little space that the run begins but cannot end.
    disk.grow_to_megabytes(Office::megabytes_used(&disk.0) + 1);
    let output = office.output(&["run", "--yes", "--reason", "night", "--json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said.contains("full") || said.contains("No space left"), "{said}");
    let half = office.query("SELECT count(*) FROM convocation c LEFT JOIN reservation r USING (reference) LEFT JOIN outbox o USING (reference) WHERE r.reference IS NULL OR o.reference IS NULL");
    assert_eq!(half.trim(), "0", "no convocation without its seat and its letter");
    office.assert_promises();
    disk.grow_to_megabytes(512);
    office.run(&[]);
    assert_eq!(office.totals(), whole.totals());
    office.assert_promises();
    office.leave_disk();
}

#[test]
fn a_report_that_finds_no_room_leaves_nothing_behind() {
    let Some(disk) = SmallDisk::of_megabytes(1) else {
        assert!(std::env::var_os("CI").is_none(), "CI mounts file systems");
        eprintln!("NOT RUN: only root can mount a small file system");
        return;
    };
    let office = Office::new(Shape { permits: 2_500, seats: true });
    office.run(&[]);
    let target = disk.0.join("report");
    let output = office.output(&["report", "--out", target.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("No space left"), "{output:?}");
    assert_eq!(std::fs::read_dir(&disk.0).unwrap().count(), 0, "neither half a report nor what it was made in");
    disk.grow_to_megabytes(64);
    office.ok(&["report", "--out", target.to_str().unwrap(), "--json"]);
    assert_eq!(office.ok(&["verify", target.to_str().unwrap(), "--json"])["valid"], true);
}
