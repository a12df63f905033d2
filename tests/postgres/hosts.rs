//! Three hosts share the queue of one database, and one is cut off in mid-send. Each has its own network, connected to
//! this one by a cable, and sees only its own processes: it knows the others only through the database.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use convoke_dispatch::sink::Act;
use convoke_dispatch::smtp::Stage;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UnixStream};

use super::whole::dispatch::{Play, SHORT_LEASE, WAITING, count, until};

/// Its network is 198.18.N.0/30, from the range reserved for measurements (RFC 2544): this side is .1, the host .2.
struct Host {
    /// Ends together with everything it started.
    namespaces: Child,
    cable: String,
}

/// What a host runs once it is plugged in: the rest of its arguments.
const PLUGGED_IN: &str = r#"until ip link set cable up 2>/dev/null; do sleep 0.05; done
ip addr add "$0" dev cable
exec "$@""#;

impl Host {
    /// Starts a worker on its own host.
    async fn start(play: &Play, worker: &[&str]) -> Self {
        static HOSTS: AtomicU8 = AtomicU8::new(1);
        let n = HOSTS.fetch_add(1, Ordering::Relaxed);
        let url = play.office.url();
        let (database, socket) = url.trim_start_matches("postgres:///").split_once("?host=").unwrap();
        let socket = format!("{}/.s.PGSQL.5432", socket.split('&').next().unwrap());
        let cable = format!("cv{}-{n}", std::process::id());
        let (inside, here) = (format!("{cable}x"), format!("198.18.{n}.1"));
        assert!(run("ip", &["link", "add", &cable, "type", "veth", "peer", "name", &inside]));
        assert!(run("ip", &["addr", "add", &format!("{here}/30"), "dev", &cable]));
        assert!(run("ip", &["link", "set", &cable, "up"]));
        let (database_at, relay_at) = (listener(&here).await, listener(&here).await);
        let (d, r) = (database_at.local_addr().unwrap(), relay_at.local_addr().unwrap());
        let worker = play.command(worker);
        let mut command = Command::new("unshare");
        command
            .args(["--net", "--pid", "--mount-proc", "--fork", "--kill-child", "sh", "-c", PLUGGED_IN])
            .arg(format!("198.18.{n}.2/30"))
            .arg(worker.get_program())
            .args(worker.get_args())
            .current_dir(worker.get_current_dir().unwrap())
            .envs(worker.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("CONVOKE__DATABASE__URL", format!("postgres://postgres@{d}/{database}?sslmode=disable"))
            .env("CONVOKE__SMTP__URL", format!("smtp://{r}"))
            .env("CONVOKE__SMTP__ALLOW_CLEAR", "true")
            .envs([SHORT_LEASE, ("CONVOKE__DISPATCH__SESSIONS", "2")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let host = Self { namespaces: command.spawn().unwrap(), cable };
        let network = |who: &str| fs::read_link(format!("/proc/{who}/ns/net")).ok();
        let id = host.namespaces.id().to_string();
        until("a network of its own", || network(&id).is_some_and(|own| Some(own) != network("self"))).await;
        assert!(run("ip", &["link", "set", &inside, "netns", &id, "name", "cable"]));
        tokio::spawn(pass_on(database_at, move |c| to_socket(c, socket.clone())));
        let sink = play.sink.addr;
        tokio::spawn(pass_on(relay_at, move |c| to_address(c, sink)));
        host
    }

    fn signal(&self, name: &str) {
        let id = self.namespaces.id();
        let worker = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        assert!(run("kill", &[name, worker.trim()]));
    }

    fn cable(&self, state: &str) {
        assert!(run("ip", &["link", "set", &self.cable, state]));
    }

    fn ended(self) -> Output {
        self.namespaces.wait_with_output().unwrap()
    }
}

fn run(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).status().is_ok_and(|s| s.success())
}

async fn listener(address: &str) -> TcpListener {
    TcpListener::bind((address, 0)).await.unwrap()
}

async fn pass_on<F: Future<Output = ()> + Send + 'static>(door: TcpListener, to: impl Fn(TcpStream) -> F) {
    while let Ok((caller, _)) = door.accept().await {
        tokio::spawn(to(caller));
    }
}

async fn to_socket(mut caller: TcpStream, path: String) {
    if let Ok(mut server) = UnixStream::connect(path).await {
        let _ = copy_bidirectional(&mut caller, &mut server).await;
    }
}

async fn to_address(mut caller: TcpStream, address: SocketAddr) {
    if let Ok(mut server) = TcpStream::connect(address).await {
        let _ = copy_bidirectional(&mut caller, &mut server).await;
    }
}

/// One of three hosts is cut off while two letters are in flight, for longer than its lease, and then comes back.
async fn cut_off(cut: impl Fn(&Host), mend: impl Fn(&Host)) {
    if !run("ip", &["netns", "list"]) || !run("unshare", &["--net", "true"]) {
        assert!(std::env::var_os("CI").is_none(), "hosts are made by root alone, with `ip` and `unshare`");
        eprintln!("THREE HOSTS: NOT RUN, because they are made by root alone, with `ip` and `unshare`");
        return;
    }
    let play = Play::new(|turn| {
        if turn.stage == Stage::Dot && turn.session <= 2 { Act::Late(Duration::from_secs(3)) } else { Act::Usual }
    })
    .await;
    // It ends by itself once nothing waits any longer, after printing everything.
    let lost = Host::start(&play, &["dispatch", "--json", "--until-empty"]).await;
    until("letters in flight", || play.sink.messages().len() >= 2).await;
    cut(&lost);
    let mut others = Vec::new();
    for _ in 2..=3 {
        others.push(Host::start(&play, &["dispatch", "--json"]).await);
    }
    until("all letters", || count(&play.office, WAITING) == 0).await;
    play.assert_all_arrived();
    let rows = || play.office.query("SELECT state, epoch, attempts, uncertain FROM outbox ORDER BY letter_id");
    let before = rows();
    let arrived = play.sink.messages().len();
    mend(&lost);
    let shown = lost.ended();
    assert_eq!(shown.status.code(), Some(0), "{shown:?}");
    for host in others {
        host.signal("-TERM");
        assert_eq!(host.ended().status.code(), Some(0));
    }
    assert_eq!(rows(), before, "its late writes are discarded");
    assert_eq!(play.sink.messages().len(), arrived, "it sends nothing that others have sent");
    assert!(arrived as u64 <= play.letters + 2, "twice: at most the two in flight");
    play.assert_all_arrived();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_host_that_is_frozen_in_mid_send_writes_nothing_late() {
    cut_off(|host| host.signal("-STOP"), |host| host.signal("-CONT")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_host_whose_cable_is_pulled_in_mid_send_writes_nothing_late() {
    cut_off(|host| host.cable("down"), |host| host.cable("up")).await;
}
