//! Signing in, access rights, and what attackers try.

use std::process::Command;

use convoke_console::ROUTES;
use convoke_domain::access::{Right, Role};

use super::browser::{Console, PASSWORD, ROLES, enrol};
use crate::support::{self, Office, Shape};

fn office() -> Office {
    Office::new(Shape { permits: 50, seats: true })
}

/// The address of a route, its parts filled with values that do not exist.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "inconnu" } else { part });
    format!("/94{}", parts.collect::<Vec<_>>().join("/"))
}

#[test]
fn whoever_is_not_signed_in_is_sent_to_the_door_from_every_address() {
    let office = office();
    let console = Console::of(&office);
    let mut nobody = console.browser();
    for route in ROUTES.iter().copied().flatten().filter(|route| route.right != Right::Anyone) {
        let path = filled(route.path);
        let answer = nobody.ask(route.method.as_str(), &path, Some(""), &[("sec-fetch-site", "same-origin")]);
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.location.starts_with("/94/connexion") && answer.body.is_empty(), "{path}: {answer:?}");
    }
    for path in ["/94/rien", "/94/rien/du/tout"] {
        assert_eq!(nobody.get(path).status, 303, "it is not told which pages there are");
    }
    assert_eq!(nobody.get("/94/connexion").status, 200);
    assert_eq!(nobody.get("/").location, "/94/");
}

#[test]
fn every_route_by_every_role_answers_as_the_table_says() {
    let office = office();
    let console = Console::of(&office);
    for login in ROLES {
        let role: Role = login.parse().unwrap();
        let mut browser = console.signed_in(login);
        for route in ROUTES.iter().copied().flatten().filter(|route| route.right != Right::Anyone) {
            let path = filled(route.path);
            let answer = browser.ask(route.method.as_str(), &path, Some(""), &[("sec-fetch-site", "same-origin")]);
            let shown = format!("{login} {} {path}: {}", route.method, answer.status);
            if role.may(route.right) {
                assert!(answer.status != 403 && answer.status < 500 && answer.status != 405, "{shown} {}", answer.body);
                assert!(!answer.location.contains("/connexion") || path.ends_with("/deconnexion"), "{shown}");
            } else {
                assert_eq!(answer.status, 403, "{shown}");
                assert!(answer.body.contains("Votre rôle ne permet pas cette page."), "{shown}");
            }
            // Signing out is one of the routes.
            if path.ends_with("/deconnexion") {
                browser = console.signed_in(login);
            }
        }
    }
    // A GET never changes anything, and a POST requires more than the right to read.
    for route in ROUTES.iter().copied().flatten().filter(|route| route.method == "POST") {
        let own = ["/connexion", "/deconnexion", "/langue"].contains(&route.path);
        // A route that only computes, or keeps a name out of an address, changes nothing that anyone else sees.
        let looks =
            ["/personnes", "/apercu/calculer", "/executions/{code}/{jour}/{numero}/pieces", "/creneaux/prevision"];
        assert!(
            own || looks.contains(&route.path) || matches!(route.right, Right::Act | Right::Audit),
            "{}",
            route.path
        );
    }
}

#[test]
fn another_site_cannot_act_through_a_browser_that_is_signed_in() {
    let office = office();
    let console = Console::of(&office);
    let mut browser = console.signed_in("operateur");
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example.org")],
        &[("origin", "null")],
    ] {
        let answer = browser.ask("POST", "/94/deconnexion", Some(""), headers);
        assert_eq!(answer.status, 403, "{headers:?}");
        assert_eq!(browser.get("/94/").status, 200, "still signed in");
    }
}

#[test]
fn a_token_that_somebody_else_chose_is_worth_nothing_and_one_that_was_left_neither() {
    let office = office();
    let console = Console::of(&office);
    let mut browser = console.browser();
    let chosen = "a".repeat(64);
    browser.cookies.insert("convoke-94".into(), chosen.clone());
    browser.post("/94/connexion", &[("login", "lecteur"), ("password", PASSWORD)]);
    let first = browser.cookies["convoke-94"].clone();
    assert_ne!(first, chosen);
    browser.post("/94/connexion", &[("login", "lecteur"), ("password", PASSWORD)]);
    let second = browser.cookies["convoke-94"].clone();
    assert_ne!(second, first);
    for (token, opens) in [(&chosen, false), (&first, false), (&second, true)] {
        let mut other = console.browser();
        other.cookies.insert("convoke-94".into(), token.clone());
        assert_eq!(other.get("/94/").status == 200, opens);
    }
    browser.post("/94/deconnexion", &[]);
    assert!(browser.cookies.is_empty());
    browser.cookies.insert("convoke-94".into(), second);
    assert_eq!(browser.get("/94/").status, 303, "who signed out is signed out everywhere");
    let kept = office.query("SELECT token FROM console_session");
    assert!(!kept.contains(&first), "tokens are not kept as they are");
}

#[test]
fn sessions_end_in_time_and_tokens_change_hands_once() {
    let office = office();
    let console = Console::of(&office);
    let mut browser = console.signed_in("lecteur");
    let shift = |column: &str, by: &str| {
        office.change(&format!("UPDATE console_session SET {column} = datetime({column}, '{by}')")).unwrap();
    };
    shift("rotated_at", "-20 minutes");
    let old = browser.cookies["convoke-94"].clone();
    assert_eq!(browser.get("/94/").status, 200);
    assert_ne!(browser.cookies["convoke-94"], old, "a token is used for a quarter of an hour");
    let mut late = console.browser();
    late.cookies.insert("convoke-94".into(), old);
    assert_eq!(late.get("/94/").status, 200, "what was on its way arrives");
    shift("rotated_at", "-2 minutes");
    assert_eq!(browser.get("/94/").status, 200, "the new one has arrived");
    assert_eq!(late.get("/94/").status, 303, "and the old one is worth nothing");
    // A lost response signs nobody out: the browser's token is still valid, and it gets a new one.
    let held = browser.cookies["convoke-94"].clone();
    shift("rotated_at", "-20 minutes");
    browser.get("/94/rien");
    assert_ne!(browser.cookies["convoke-94"], held, "with whatever is answered");
    browser.cookies.insert("convoke-94".into(), held);
    shift("rotated_at", "-2 minutes");
    assert_eq!(browser.get("/94/").status, 200);
    shift("rotated_at", "-2 minutes");
    assert_eq!(browser.get("/94/").status, 200);
    for (column, by) in [("seen_at", "-31 minutes"), ("began_at", "-11 hours")] {
        let mut browser = console.signed_in("lecteur");
        shift(column, by);
        assert_eq!(browser.get("/94/").status, 303, "{column}");
    }
    let mut browser = console.signed_in("lecteur");
    enrol(&office, "lecteur", "auditeur");
    assert_eq!(browser.get("/94/").status, 303, "another role is another session");
    let mut browser = console.signed_in("lecteur");
    office.ok(&["accounts", "sign-out", "local:lecteur", "--json"]);
    assert_eq!(browser.get("/94/").status, 303);
    let mut browser = console.signed_in("lecteur");
    let form = browser.ask("POST", "/94/langue", Some("langue=fr"), &[("sec-fetch-site", "same-origin")]);
    assert_eq!(form.status, 303);
    office.ok(&["accounts", "remove", "lecteur", "--json"]);
    assert_eq!(browser.get("/94/").status, 303);
}

#[test]
fn no_link_leads_out_of_the_console() {
    let office = office();
    let console = Console::of(&office);
    for target in [
        "https://evil.example.org/",
        "//evil.example.org/94/",
        "/94//evil.example.org",
        "/94/../../etc/passwd",
        "/\\evil.example.org",
        "/94/\r\nSet-Cookie: x=y",
        "javascript:alert(1)",
        "/75/",
    ] {
        let mut browser = console.browser();
        let form = [("login", "lecteur"), ("password", PASSWORD), ("vers", target)];
        let answer = browser.post("/94/connexion", &form);
        assert_eq!((answer.status, answer.location.as_str()), (303, "/94/"), "{target}");
    }
    let form = [("login", "lecteur"), ("password", PASSWORD), ("vers", "/94/creneaux?semaine=2026-W50")];
    assert_eq!(console.browser().post("/94/connexion", &form).location, "/94/creneaux?semaine=2026-W50");
}

#[test]
fn guessing_passwords_takes_longer_than_anybody_has() {
    let office = office();
    let console = Console::of(&office);
    let mut browser = console.browser();
    let wrong = [("login", "lecteur"), ("password", "one guess of many")];
    let shown: Vec<u16> = (0..6).map(|_| browser.post("/94/connexion", &wrong).status).collect();
    assert_eq!(shown, [401; 6]);
    let right = browser.post("/94/connexion", &[("login", "lecteur"), ("password", PASSWORD)]);
    assert_eq!(right.status, 401, "even the right one, for a while");
    assert!(right.body.contains("il faut attendre quelques minutes"), "and nobody is told why");
    assert_eq!(office.query("SELECT failures FROM account WHERE login = 'lecteur'").trim(), "5");
    // The owner of the account is not locked out for ever.
    office.change("UPDATE account SET locked_until = datetime(locked_until, '-1 hour')").unwrap();
    assert_eq!(browser.post("/94/connexion", &[("login", "lecteur"), ("password", PASSWORD)]).status, 303);
    assert_eq!(office.query("SELECT failures FROM account WHERE login = 'lecteur'").trim(), "0");
    // Using many logins from one address does not help.
    let shown: Vec<u16> = (0..30)
        .map(|n| browser.post("/94/connexion", &[("login", &format!("x{n}")), ("password", "a guess")]).status)
        .collect();
    assert_eq!(shown.last(), Some(&429));
}

#[test]
fn the_digits_of_a_second_factor_open_once() {
    let office = office();
    let password = office.path("password.txt");
    std::fs::write(&password, PASSWORD).unwrap();
    let args = ["accounts", "add", "agent", "--role", "lecteur", "--second-factor", "--json", "--password-file"];
    let made = office.ok(&[&args[..], &[password.to_str().unwrap()]].concat());
    let totp = totp_rs::Totp::from_url(made["second_factor"].as_str().unwrap()).unwrap();
    let console = Console::with(&office, &[]);
    let mut browser = console.browser();
    let mut enter = |digits: &str| {
        browser.post("/94/connexion", &[("login", "agent"), ("password", PASSWORD), ("digits", digits)]).status
    };
    assert_eq!(enter(""), 401);
    let digits = totp.generate(support::now().timestamp() as u64).to_string();
    assert_eq!(enter(&digits), 303);
    assert_eq!(enter(&digits), 401, "whoever looked over a shoulder comes too late");
}

#[test]
fn what_no_page_of_ours_sends_is_refused_and_leads_nowhere() {
    let office = office();
    let console = Console::of(&office);
    let mut browser = console.signed_in("operateur");
    let same = ("sec-fetch-site", "same-origin");
    let large = "x=".to_owned() + &"a".repeat(100_000);
    assert_eq!(browser.ask("POST", "/94/langue", Some(&large), &[same]).status, 413);
    let json = browser.ask("POST", "/94/langue", Some("{}"), &[same, ("content-type", "application/json")]);
    assert_eq!(json.status, 415);
    let elsewhere = browser.ask("POST", "/94/langue", Some("langue=fr"), &[("sec-fetch-site", "cross-site")]);
    let deleted = browser.ask("DELETE", "/94/", None, &[same]);
    for (answer, status, shown) in [
        (&json, 415, "Ce n’est pas un formulaire de ce site"),
        (&elsewhere, 403, "ne vient pas d’une page de ce site"),
        (&deleted, 405, "This address is not opened like that"),
    ] {
        assert_eq!(answer.status, status);
        assert!(answer.body.contains(shown) && answer.body.contains("lang=\"fr\""), "{}", answer.body);
        assert!(answer.headers.contains_key("content-security-policy"));
    }
    assert_eq!(deleted.headers["allow"], "GET,HEAD");
    assert_eq!(browser.ask("POST", "/94/langue", Some("langue=xx"), &[same]).status, 400);
    assert_eq!(browser.ask("DELETE", "/94/", None, &[same]).status, 405);
    for path in [
        "/assets/..%2F..%2Fconvoke.toml",
        "/94/theme/..%2F..%2Fconvoke.toml",
        "/94/theme/%2Fetc%2Fpasswd",
        "/94/executions/..%2F..%2Fkeys",
        "/94/rien",
    ] {
        assert_eq!(browser.get(path).status, 404, "{path}");
    }
}

#[test]
fn every_answer_tells_the_browser_to_load_nothing_from_elsewhere_and_to_keep_nothing() {
    let office = office();
    let console = Console::of(&office);
    let mut browser = console.signed_in("administrateur");
    let gets = ROUTES.iter().copied().flatten().filter(|route| route.method == "GET" && !route.path.contains('{'));
    for path in gets.map(|route| filled(route.path)).chain(["/94/connexion".into(), "/94/rien".into()]) {
        let answer = browser.get(&path);
        let header = |name: &str| answer.headers.get(name).map_or("", |value| value.to_str().unwrap());
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        assert!(!answer.body.contains(" style=\"") && !answer.body.contains(" onclick"), "{path}");
    }
}

#[test]
fn the_console_is_reached_from_elsewhere_by_tls_alone_and_when_somebody_can_sign_in() {
    let office = office();
    let serve = |settings: &[(&str, &str)]| {
        let mut command: Command = office.command(&["serve", "--role", "http"]);
        command.env("CONVOKE__HTTP__CONSOLE", "true").env("CONVOKE__HTTP__LISTEN", "0.0.0.0:1");
        command.envs(settings.iter().copied());
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, shown) = serve(&[]);
    assert_eq!(code, Some(78));
    assert!(shown.contains("public_url"), "{shown}");
    let public = ("CONVOKE__HTTP__PUBLIC_URL", "https://convoke.example.org");
    let (code, shown) = serve(&[public]);
    assert_ne!(code, Some(0));
    assert!(shown.contains("convoke accounts add"), "{shown}");
    // With TLS the browser protects the cookie.
    let console = Console::of(&office);
    drop(console);
    let console = Console::with(&office, &[public]);
    let mut browser = console.browser();
    let answer = browser.post("/94/connexion", &[("login", "lecteur"), ("password", PASSWORD)]);
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-convoke-94=") && cookie.contains("; Secure"), "{cookie}");
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax"), "{cookie}");
}

#[test]
fn each_sign_in_is_kept_in_the_ledger() {
    let office = office();
    let console = Console::of_accounts_made(&office);
    console.signed_in("auditeur");
    let shown = office
        .query("SELECT actor || ' ' || kind FROM ledger_entry WHERE kind LIKE 'console.%' OR kind LIKE 'account.%'");
    assert!(shown.contains("local:auditeur console.signed_in"), "{shown}");
    assert_eq!(shown.matches("account.set").count(), 4, "{shown}");
    let log = console.log();
    assert!(!log.contains(PASSWORD), "{log}");
}
