//! A server with its console, and a browser that keeps cookies and follows no redirect by itself.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use crate::support::Office;

/// Password of every account created by [`Console::of`].
pub(crate) const PASSWORD: &str = "une phrase que personne ne devine";
/// Accounts are named after their roles.
pub(crate) const ROLES: [&str; 4] = ["lecteur", "operateur", "auditeur", "administrateur"];

/// A server. It ends with the test, however that ends.
pub(crate) struct Console {
    child: Child,
    listen: String,
    log: tempfile::NamedTempFile,
}

/// Creates an account.
pub(crate) fn enrol(office: &Office, login: &str, role: &str) {
    let mut command = office.command(&["accounts", "add", login, "--role", role, "--password-file", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// Gives an office an account for each role, with a password that the program has hashed once: argon2 is slow on purpose.
fn give_accounts(office: &Office) {
    static HASHED: OnceLock<String> = OnceLock::new();
    let hash = HASHED.get_or_init(|| {
        enrol(office, ROLES[0], ROLES[0]);
        office.one("SELECT password FROM account")
    });
    let settings: toml::Table = std::fs::read_to_string(office.path("convoke.toml")).unwrap().parse().unwrap();
    let code = &settings["prefecture"]["code"];
    for role in ROLES {
        office
            .change(&format!(
                "INSERT INTO account (prefecture, login, role, password, created_at)
                 VALUES ({}, '{role}', '{role}', '{hash}', '2026-11-01 00:00:00') ON CONFLICT DO NOTHING",
                code.to_string().replace('"', "'")
            ))
            .unwrap();
    }
}

impl Console {
    /// A server of an office, with an account for each role.
    pub(crate) fn of(office: &Office) -> Self {
        give_accounts(office);
        Self::with(office, &[])
    }

    /// The same, with accounts that the program made: the ledger says so.
    pub(crate) fn of_accounts_made(office: &Office) -> Self {
        for role in ROLES {
            enrol(office, role, role);
        }
        Self::with(office, &[])
    }

    /// A server of an office, with settings (`CONVOKE__…`).
    pub(crate) fn with(office: &Office, settings: &[(&str, &str)]) -> Self {
        Self::serving(office, &[], settings)
    }

    /// The same with additional arguments.
    pub(crate) fn serving(office: &Office, more: &[&str], settings: &[(&str, &str)]) -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let named = settings.iter().find(|(name, _)| *name == "CONVOKE__HTTP__LISTEN");
        let listen = named.map_or_else(free, |(_, listen)| (*listen).to_owned());
        let mut command: Command = office.command(&[&["serve", "--role", "http"], more].concat());
        command.env("CONVOKE__HTTP__LISTEN", &listen).env("CONVOKE__HTTP__CONSOLE", "true");
        command.envs(settings.iter().copied());
        let log = tempfile::NamedTempFile::new().unwrap();
        let child = command.stdout(Stdio::null()).stderr(log.reopen().unwrap()).spawn().unwrap();
        let served = Self { child, listen, log };
        let address: SocketAddr = served.listen.parse().unwrap();
        for _ in 0..1_200 {
            if TcpStream::connect(address).is_ok() {
                return served;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("no server: {}", served.log());
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// A browser that is not signed in.
    pub(crate) fn browser(&self) -> Browser {
        Browser::at(&self.url())
    }

    /// A browser of a signed-in user.
    pub(crate) fn signed_in(&self, login: &str) -> Browser {
        let mut browser = self.browser();
        let answer = browser.post("/94/connexion", &[("login", login), ("password", PASSWORD)]);
        assert_eq!((answer.status, answer.location.as_str()), (303, "/94/"), "{}", answer.body);
        browser
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) struct Browser {
    agent: ureq::Agent,
    pub(crate) url: String,
    pub(crate) cookies: BTreeMap<String, String>,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
}

impl Browser {
    /// A browser at a site.
    pub(crate) fn at(url: &str) -> Self {
        let config = ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false).build();
        Self { agent: config.new_agent(), url: url.to_owned(), cookies: BTreeMap::new() }
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, None, &[])
    }

    /// Submits a form, as a page of the same site does.
    pub(crate) fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let body = form.iter().map(|(k, v)| format!("{}={}", encoded(k), encoded(v))).collect::<Vec<_>>().join("&");
        self.ask("POST", path, Some(&body), &[("sec-fetch-site", "same-origin")])
    }

    /// Submits a form, and opens the page that it redirects to.
    pub(crate) fn submit(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let answer = self.post(path, form);
        assert_eq!(answer.status, 303, "{path}: {}", answer.body);
        self.get(&answer.location)
    }

    pub(crate) fn ask(&mut self, method: &str, path: &str, body: Option<&str>, headers: &[(&str, &str)]) -> Answer {
        let cookies = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("; ");
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if !cookies.is_empty() {
            request = request.header("cookie", cookies);
        }
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.unwrap_or_default().as_bytes().to_vec()).unwrap();
        let mut response = self.agent.run(request).unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let location = response.headers().get("location").map_or("", |l| l.to_str().unwrap()).to_owned();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.body_mut().read_to_vec().unwrap();
        Answer { status, location, headers, body: String::from_utf8_lossy(&bytes).into_owned(), bytes }
    }
}

/// Encodes text as a form does.
pub(crate) fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

impl Browser {
    /// A page, once it no longer refreshes itself, because the job it shows has ended.
    pub(crate) fn once_done(&mut self, path: &str) -> Answer {
        for _ in 0..1_200 {
            let answer = self.get(path);
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
            if !answer.body.contains("data-refresh") {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{path} never ends");
    }
}
