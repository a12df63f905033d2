//! A real mail server: Debian's Postfix on loopback accepts a thousand letters, delivers them to a mailbox, and bounces
//! those to unknown users; its bounces are imported. Without Postfix, or without root, the test says so, and fails in
//! CI.

use std::collections::HashSet;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use mail_parser::MessageParser;

use crate::support::{Office, Shape};

/// The test's own Postfix: configuration, queue and mailbox in a folder, one port on loopback.
struct Postfix {
    folder: tempfile::TempDir,
    port: u16,
}

impl Postfix {
    fn start() -> Result<Self, String> {
        let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout == b"0\n");
        if !root || !Path::new("/usr/sbin/postfix").exists() {
            return Err("Postfix is not installed, or this is not root".into());
        }
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let postfix = Self { folder, port };
        let path = |name: &str| postfix.path(name).display().to_string();
        for part in ["etc", "queue", "data", "mail"] {
            fs::create_dir(postfix.path(part)).unwrap();
        }
        // The mail daemon's user needs access to the folder, and one user owns all mailboxes.
        let open =
            |path: &Path, mode: &str| assert!(Command::new("chmod").arg(mode).arg(path).status().unwrap().success());
        open(postfix.folder.path(), "0755");
        for (owner, part) in [("postfix", "data"), ("nobody", "mail")] {
            assert!(Command::new("chown").args([owner, &path(part)]).status().unwrap().success());
        }
        fs::write(
            postfix.path("etc/main.cf"),
            format!(
                "compatibility_level = 3.6\nqueue_directory = {queue}\ndata_directory = {data}\ncommand_directory = /usr/sbin\n\
                 daemon_directory = /usr/lib/postfix/sbin\nmail_owner = postfix\nsetgid_group = postdrop\nmyhostname = mx.example.org\n\
                 mydestination =\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmynetworks = 127.0.0.0/8\n\
                 alias_maps =\nalias_database =\nlocal_recipient_maps =\nsmtpd_reject_unlisted_recipient = no\n\
                 recipient_delimiter = +\nvirtual_mailbox_domains = example.org, prefecture-94.example.org\n\
                 virtual_mailbox_base = {mail}\nvirtual_mailbox_maps = texthash:{etc}/mailboxes\n\
                 virtual_uid_maps = static:65534\nvirtual_gid_maps = static:65534\nmailbox_size_limit = 0\n\
                 virtual_mailbox_limit = 0\nmaillog_file =\nsmtp_dns_support_level = disabled\n",
                queue = path("queue"), data = path("data"), mail = path("mail"), etc = path("etc"),
            ),
        )
        .unwrap();
        let services = [
            "127.0.0.1:PORT inet n - n - - smtpd",
            "pickup unix n - n 60 1 pickup",
            "cleanup unix n - n - 0 cleanup",
            "qmgr unix n - n 300 1 qmgr",
            "rewrite unix - - n - - trivial-rewrite",
            "bounce unix - - n - 0 bounce",
            "defer unix - - n - 0 bounce",
            "trace unix - - n - 0 bounce",
            "error unix - - n - - error",
            "retry unix - - n - - error",
            "virtual unix - n n - - virtual",
            "anvil unix - - n - 1 anvil",
            "proxymap unix - - n - - proxymap",
            "tlsmgr unix - - n 1000? 1 tlsmgr",
            "flush unix n - n 1000? 0 flush",
        ];
        let lines: Vec<String> = services.iter().map(|l| l.replace("PORT", &port.to_string()) + "\n").collect();
        fs::write(postfix.path("etc/master.cf"), lines.concat()).unwrap();
        Ok(postfix)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sets which addresses have a mailbox; all others are unknown.
    fn knows(&self, addresses: &[String]) {
        let mut lines = addresses.join(" people/\n") + " people/\n";
        lines.push_str("ne-pas-repondre@prefecture-94.example.org returns/\n");
        fs::write(self.path("etc/mailboxes"), lines).unwrap();
        self.control("start");
    }

    fn control(&self, verb: &str) {
        let done = Command::new("/usr/sbin/postfix")
            .args(["-c", &self.path("etc").display().to_string(), verb])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(done.status.success() || verb == "stop", "postfix {verb}: {done:?}");
    }

    fn mailbox(&self, name: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("mail").join(name).join("new"));
        entries.map(|e| e.map(|e| e.unwrap().path()).collect()).unwrap_or_default()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.control("stop");
    }
}

/// Letters to send, and how many of them go to unknown users.
const LETTERS: usize = 1_000;
const UNKNOWN: usize = 10;

#[test]
fn a_real_server_delivers_a_thousand_letters_and_its_bounces_are_taken_in() {
    let postfix = match Postfix::start() {
        Ok(postfix) => postfix,
        Err(reason) => {
            assert!(std::env::var_os("CI").is_none(), "NOT RUN: {reason}");
            eprintln!("NOT RUN: {reason}");
            return;
        }
    };
    let office = Office::new(Shape { permits: 900, seats: true });
    office.run(&[]);
    let made: usize = office
        .query("SELECT count(*) FROM outbox WHERE kind = 'convocation' AND channel = 'email'")
        .trim()
        .parse()
        .unwrap();
    let copies = LETTERS.div_ceil(made);
    // Copies of the night's letters, each with its own address; a thousand are kept.
    office
        .change(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {copies})
             INSERT INTO outbox (prefecture, letter_id, reference, kind, revision, occasion, channel, state, recipient, data,
                 template_hash, attempts, uncertain, next_at, epoch, created_at)
               SELECT prefecture, letter_id || '/' || i, reference, kind, revision + i, 'adieu-' || i, channel, state,
                   'p' || i || '-' || rowid || '@example.org', json_set(data, '$.sequence', revision + i), template_hash, 0, 0,
                   next_at, 0, created_at
                 FROM outbox, n WHERE kind = 'convocation' AND channel = 'email';
             DELETE FROM outbox WHERE channel = 'email' AND letter_id NOT IN
               (SELECT letter_id FROM outbox WHERE channel = 'email' AND recipient GLOB 'p*-*@example.org' ORDER BY letter_id LIMIT {LETTERS})"
        ))
        .unwrap();
    let addresses: Vec<String> = office
        .query("SELECT recipient FROM outbox WHERE channel = 'email' ORDER BY letter_id")
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(addresses.len(), LETTERS);
    postfix.knows(&addresses[UNKNOWN..]);
    let url = format!("smtp://127.0.0.1:{}", postfix.port);
    let sent =
        office.command(&["dispatch", "--until-empty", "--json"]).env("CONVOKE__SMTP__URL", url).output().unwrap();
    let counts: serde_json::Value = serde_json::from_slice(&sent.stdout).unwrap_or_else(|e| panic!("{e}: {sent:?}"));
    assert_eq!(counts["accepted"], LETTERS, "{sent:?}");
    let all_there =
        || postfix.mailbox("people").len() == LETTERS - UNKNOWN && postfix.mailbox("returns").len() == UNKNOWN;
    for _ in 0..600 {
        if all_there() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let (people, returns) = (postfix.mailbox("people"), postfix.mailbox("returns"));
    assert_eq!((people.len(), returns.len()), (LETTERS - UNKNOWN, UNKNOWN), "delivered, and come back");
    let mut ids = HashSet::new();
    for file in &people {
        let bytes = fs::read(file).unwrap();
        let message = MessageParser::default().parse(&bytes).expect("a message");
        assert!(message.attachment_count() >= 2 && message.body_text(0).is_some(), "{}", file.display());
        assert!(ids.insert(message.message_id().unwrap().to_owned()), "{} twice", message.message_id().unwrap());
    }
    let folder = postfix.path("mail/returns").display().to_string();
    let taken = office.ok(&["bounces", "ingest", &folder, "--json"]);
    assert_eq!((taken["hard"].as_u64(), taken["unknown"].as_u64()), (Some(UNKNOWN as u64), Some(0)), "{taken}");
    assert_eq!(office.query("SELECT count(*) FROM outbox WHERE state = 'bounced'").trim(), UNKNOWN.to_string());
}
