//! Sign-in through a real identity provider: node's `oidc-provider`, run here.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::browser::{Answer, Browser, Console, PASSWORD, enrol};
use crate::support::{self, Office, Shape, faketime};

const SECRET: &str = "a secret of the tests";

/// A provider; it ends with the test.
struct Provider(Child, u16);

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A provider that redirects to a console on `port`. `None` if it is not installed: CI fails, anyone else gets a
/// message.
fn provider(port: u16) -> Option<Provider> {
    let modules = std::env::var_os("CONVOKE_NPM");
    let found = modules.as_ref().is_some_and(|at| Path::new(at).join("node_modules/oidc-provider").is_dir());
    if !found || !faketime::is_there() {
        assert!(std::env::var_os("CI").is_none(), "oidc-provider: `script/test` installs it, and says where");
        eprintln!("IDENTITY PROVIDER: NOT RUN, because it is missing: `script/test` installs it");
        return None;
    }
    let own = free_port();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("script/console.d/provider.mjs");
    let back = format!("http://127.0.0.1:{port}/94/connexion/retour");
    let mut command = Command::new("node");
    command.arg(script).args([own.to_string(), back]).stdout(Stdio::piped()).stderr(Stdio::null());
    // What it signs is valid from the present of the tests on.
    faketime::at(&mut command, &support::now().format("%F %T").to_string());
    let mut child = command.spawn().unwrap();
    // It prints a line when it is ready.
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    assert_eq!(line.trim(), "ready");
    Some(Provider(child, own))
}

/// An office whose console signs in through a provider.
fn signing_in_elsewhere() -> Option<(Office, Console, Provider)> {
    let port = free_port();
    let provider = provider(port)?;
    let office = Office::new(Shape { permits: 0, seats: false });
    let file = office.path("convoke.toml");
    let settings = std::fs::read_to_string(&file).unwrap();
    let more = format!(
        "\n[http.oidc]\nissuer = \"http://localhost:{}\"\nclient_id = \"convoke\"\n[http.oidc.roles]\noperateur = [\"chefs\"]\nlecteur = [\"guichet\"]\n",
        provider.1
    );
    std::fs::write(&file, settings + &more).unwrap();
    enrol(&office, "secours", "administrateur");
    let listen = format!("127.0.0.1:{port}");
    let secret = ("CONVOKE__HTTP__OIDC__CLIENT_SECRET", SECRET);
    let console = Console::with(&office, &[("CONVOKE__HTTP__LISTEN", &listen), secret]);
    Some((office, console, provider))
}

/// Signs in there as `NAME:GROUP,GROUP`, and returns the address of the redirect.
fn at_the_provider(browser: &Browser, provider: &Provider, url: &str, who: &str) -> String {
    let own = format!("http://localhost:{}", provider.1);
    let mut there = Browser::at(&own);
    let mut path = url.strip_prefix(&own).expect("the provider").to_owned();
    for _ in 0..20 {
        let answer: Answer = there.get(&path);
        let location = if answer.status == 303 {
            answer.location
        } else {
            let prompt = if answer.body.contains("value=\"login\"") { "login" } else { "consent" };
            let form = [("prompt", prompt), ("login", who), ("password", "any")];
            there.post(&path, &form).location
        };
        match location.strip_prefix(&own) {
            Some(next) => next.clone_into(&mut path),
            None if location.starts_with('/') => path = location,
            None => return location.strip_prefix(&browser.url).expect("back to the console").to_owned(),
        }
    }
    panic!("the provider never sends anybody back");
}

#[test]
fn an_agent_signs_in_by_the_provider_and_has_the_role_of_their_groups() {
    let Some((office, console, provider)) = signing_in_elsewhere() else { return };
    let mut browser = console.browser();
    let door = browser.get("/94/connexion?vers=%2F94%2Fcreneaux");
    assert!(door.body.contains("href=\"/94/connexion/fournisseur?vers="), "{}", door.body);
    let left = browser.get("/94/connexion/fournisseur?vers=%2F94%2Fcreneaux");
    assert_eq!(left.status, 303);
    assert!(left.location.contains("code_challenge_method=S256") && left.location.contains("nonce="), "{left:?}");
    let back = at_the_provider(&browser, &provider, &left.location, "agent.fictif:guichet,chefs");
    // An intercepted redirect cannot be used from another browser, and none can be used twice.
    assert!(console.browser().get(&back).body.contains("n’était pas attendu"));
    let after_theft = browser.get(&back);
    assert!(after_theft.body.contains("n’était pas attendu"), "a way back that was tried elsewhere is used up");
    let left = browser.get("/94/connexion/fournisseur?vers=%2F94%2Fcreneaux");
    let back = at_the_provider(&browser, &provider, &left.location, "agent.fictif:guichet,chefs");
    let answer = browser.get(&back);
    assert_eq!((answer.status, answer.location.as_str()), (303, "/94/creneaux"), "{}", answer.body);
    assert!(browser.get("/94/").body.contains("oidc:agent.fictif (operateur)"));
    assert!(browser.get(&back).body.contains("n’était pas attendu"));
    let shown = office.query("SELECT actor FROM ledger_entry WHERE kind = 'console.signed_in'");
    assert_eq!(shown.trim(), "oidc:agent.fictif");
}

#[test]
fn whoever_has_no_role_stays_outside_and_a_wrong_code_opens_nothing() {
    let Some((_office, console, provider)) = signing_in_elsewhere() else { return };
    let mut browser = console.browser();
    let left = browser.get("/94/connexion/fournisseur");
    let back = at_the_provider(&browser, &provider, &left.location, "quelqu.un:autres");
    assert!(browser.get(&back).body.contains("ne donne aucun rôle"));
    assert_eq!(browser.get("/94/").status, 303);
    let left = browser.get("/94/connexion/fournisseur");
    let back = at_the_provider(&browser, &provider, &left.location, "agent.fictif:chefs");
    let forged = back.replace("code=", "code=x");
    assert!(browser.get(&forged).body.contains("ne répond pas comme il faut"));
    assert_eq!(browser.get("/94/").status, 303);
}

#[test]
fn an_emergency_account_opens_when_the_provider_is_away() {
    let Some((_office, console, provider)) = signing_in_elsewhere() else { return };
    drop(provider);
    let mut browser = console.browser();
    let answer = browser.get("/94/connexion/fournisseur");
    assert!(answer.body.contains("ne répond pas comme il faut"), "{}", answer.body);
    assert_eq!(browser.post("/94/connexion", &[("login", "secours"), ("password", PASSWORD)]).status, 303);
    assert!(!console.log().contains(SECRET));
}
