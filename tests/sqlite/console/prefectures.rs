//! Several préfectures on one server: no user of one can see or change what belongs to another.

use std::collections::BTreeMap;

use convoke_console::ROUTES;
use convoke_domain::access::Right;

use super::browser::{Browser, Console, PASSWORD, encoded, enrol};
use crate::support::Office;
use crate::support::prefectures::{of, offices_of};

/// A server of two préfectures: 75 has people, appointments and letters, and 94 has only an administrator.
fn served() -> (Office, Console) {
    let office = offices_of(&[("75", 300), ("94", 0)]);
    let config = office.path("prefectures/75/convoke.toml").display().to_string();
    office.answer(&["--config", &config, "run", "--yes", "--reason", "night", "--json"]);
    // A past appointment whose letter was posted: it can be marked, and its letter can come back.
    office
        .change(
            "UPDATE convocation SET day = '2026-01-05' WHERE reference = (SELECT min(reference) FROM convocation);
             UPDATE outbox SET state = 'posted', channel = 'post' WHERE reference = (SELECT min(reference) FROM convocation)",
        )
        .unwrap();
    let number = office.one("SELECT min(number) FROM holder");
    let request = ["requests", "add", &number, "--wish", "other", "--reason", "asked in writing", "--json"];
    office.ok(&[&["--config", &config], &request[..]].concat());
    enrol(&office, "administrateur", "administrateur");
    let console = Console::serving(&office, &["--every-prefecture"], &[]);
    (office, console)
}

/// Identifiers of 75, by their names in the console's addresses.
fn theirs(office: &Office) -> BTreeMap<&'static str, String> {
    let appointment = office.one("SELECT holder_id, reference, slot_id FROM convocation ORDER BY reference LIMIT 1");
    let [holder, reference, slot] = appointment.split('|').collect::<Vec<_>>()[..] else { panic!("{appointment}") };
    let (site, day) = (slot.split('/').next().unwrap(), "2026-01-05");
    let run = office.one("SELECT run_id FROM run");
    let [code, date, number] = run.split('/').collect::<Vec<_>>()[..] else { panic!("{run}") };
    let letter = office.one(&format!("SELECT letter_id FROM outbox WHERE reference = '{reference}'"));
    BTreeMap::from(
        [
            ("holder_id", holder),
            ("reference", reference),
            ("letter", &letter),
            ("letter_id", &letter),
            ("code", code),
            ("jour", date),
            ("numero", number),
            ("generation", number),
            ("day", day),
            ("site", site),
            ("format", "json"),
            ("file", "guichet.csv"),
            ("nom", "report.json"),
            ("fichier", "report.json"),
        ]
        .map(|(name, value)| (name, value.to_owned())),
    )
}

/// Everything on a page of 75 that identifies a person or an object.
fn marks(office: &Office) -> Vec<String> {
    let sql = "SELECT reference FROM convocation UNION SELECT holder_id FROM holder UNION SELECT number FROM holder
        UNION SELECT family_name || ' ' || given_names FROM holder UNION SELECT run_id FROM run UNION SELECT request_id FROM request";
    office.query(sql).lines().map(str::to_owned).collect()
}

#[test]
fn no_address_shows_and_no_form_changes_what_another_prefecture_has() {
    let (office, console) = served();
    let (theirs, marks, before) = (theirs(&office), marks(&office), of(&office, "75"));
    assert!(marks.len() > 300);
    let mut browser = console.signed_in("administrateur");
    let (reference, run) = (&theirs["reference"], office.one("SELECT run_id FROM run"));
    let request = office.one("SELECT request_id FROM request");
    let free = office.one(
        "SELECT min(slot_id) FROM slot WHERE prefecture = '75' AND slot_id NOT IN (SELECT slot_id FROM reservation)",
    );
    let today = crate::support::today().to_string();
    // Every form is valid: whatever is refused is refused because of the préfecture.
    let forms: &[(&str, &[(&str, &str)])] = &[
        ("/personnes/{holder_id}/suspension", &[("acte", "suspendre")]),
        ("/personnes/{holder_id}/courriel", &[("courriel", "someone@example.org")]),
        ("/personnes/{holder_id}/lettre", &[("lettre", &theirs["letter"]), ("acte", "retry")]),
        ("/personnes/{holder_id}/demande", &[("voeu", "urgent"), ("recu", &today)]),
        ("/rendez-vous/{reference}/eviter", &[("du", &theirs["day"])]),
        (
            "/rendez-vous/{reference}/deplacer",
            &[("creneau", &free), ("par", "bureau"), ("confirmation", reference), ("malgre", "oui")],
        ),
        ("/rendez-vous/{reference}/annuler", &[("par", "bureau"), ("confirmation", reference)]),
        ("/demandes/{reference}/decision", &[("decision", "refuser"), ("confirmation", &request)]),
        ("/courriers/actes", &[("lettre", &theirs["letter"]), ("acte", "hold")]),
        ("/courriers/retours", &[("reference", reference)]),
        ("/guichet/{day}/{site}", &[(&format!("p-{reference}"), "absent")]),
        ("/executions/{code}/{jour}/{numero}/arreter", &[("execution", &run)]),
        ("/executions/{code}/{jour}/{numero}/reprendre", &[]),
        ("/annulations/{acte}", &[("confirmation", "1")]),
    ];
    for route in ROUTES.iter().copied().flatten().filter(|route| route.right != Right::Anyone) {
        let form = forms.iter().find(|(path, _)| route.method == "POST" && *path == route.path);
        // Signing out ends the session, and the answer to a mere computation contains nobody's data.
        let computes = ["/deconnexion", "/langue", "/apercu/calculer", "/creneaux/prevision", "/audit/verification"];
        if route.path == "/{*rest}" || (route.method == "POST" && (form.is_none() || computes.contains(&route.path))) {
            continue;
        }
        let filled = |part: &str| {
            let name = part.strip_prefix('{').and_then(|p| p.strip_suffix('}')).map(|p| p.trim_start_matches('*'));
            let request = (name == Some("reference") && route.path.starts_with("/demandes")).then(|| request.clone());
            let value = name.map(|name| request.or_else(|| theirs.get(name).cloned()).unwrap_or_else(|| "1".into()));
            value.unwrap_or_else(|| part.to_owned())
        };
        let path = format!("/94{}", route.path.split('/').map(filled).collect::<Vec<_>>().join("/"));
        let reasons = [("reason", "a look elsewhere"), ("raison", "a look elsewhere")];
        let fields = form.map_or(&[][..], |(_, fields)| fields).iter().chain(&reasons);
        let body: Vec<String> = fields.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let body = (route.method == "POST").then(|| body.join("&"));
        let answer = browser.ask(route.method.as_str(), &path, body.as_deref(), &[("sec-fetch-site", "same-origin")]);
        let answered = format!("{} {path}: {} {}", route.method, answer.status, answer.body);
        match (route.method.as_str(), route.path.contains('{')) {
            // 94 also has a desk of that name, where nobody is expected.
            ("GET", true) if route.path.starts_with("/guichet") => assert_eq!(answer.status, 200, "{answered}"),
            ("GET" | "POST", true) => assert_eq!(answer.status, 404, "{answered}"),
            // Here the identifier of the other préfecture is in the form.
            ("POST", _) => assert!((400..500).contains(&answer.status), "{answered}"),
            _ => assert!(answer.status < 500, "{answered}"),
        }
        for mark in &marks {
            // The submitted values may be repeated.
            let typed = form.iter().flat_map(|(_, fields)| fields.iter()).flat_map(|(name, value)| [*name, *value]);
            let typed = typed.filter(|typed| typed.len() > 10);
            let shown = typed.fold(answer.body.replace(&path, ""), |shown, typed| shown.replace(typed, ""));
            assert!(!shown.contains(mark.as_str()), "{mark} at {answered}");
        }
    }
    assert_eq!(of(&office, "75"), before);
    let kept = "SELECT count(*) FROM convocation WHERE state <> 'convoked'
        UNION ALL SELECT count(*) FROM outbox WHERE state = 'held' UNION ALL SELECT count(*) FROM permit WHERE held
        UNION ALL SELECT count(*) FROM avoided_day UNION ALL SELECT count(*) FROM request WHERE state <> 'open'";
    assert_eq!(office.query(kept), "0\n".repeat(5));
    // In their own préfecture they do change something, so the forms are right.
    let config = office.path("prefectures/75/convoke.toml").display().to_string();
    let mut enrolling = office.command(&["--config", &config, "accounts", "add", "chez", "--role", "administrateur"]);
    let password = office.path("password.txt");
    std::fs::write(&password, PASSWORD).unwrap();
    assert!(enrolling.arg("--password-file").arg(&password).output().unwrap().status.success());
    let mut at_home = console.browser();
    assert_eq!(at_home.post("/75/connexion", &[("login", "chez"), ("password", PASSWORD)]).status, 303);
    let at_home_too = ["/suspension", "/courriel", "/retours", "/{day}/{site}"];
    for (path, fields) in forms.iter().filter(|(path, _)| at_home_too.iter().any(|end| path.ends_with(end))) {
        let path = path.replace("{holder_id}", &theirs["holder_id"]).replace("{reference}", reference);
        let path = path.replace("{day}", &theirs["day"]).replace("{site}", &theirs["site"]);
        let fields = [&fields[..], &[("reason", "the person asked")]].concat();
        // The last one finds the appointment already ended by the one before, which is a valid answer too.
        let answer = at_home.post(&format!("/75{path}"), &fields);
        assert!(answer.status == 303 || path.contains("guichet"), "{path}: {} {}", answer.status, answer.body);
    }
    assert_ne!(office.query(kept), "0\n".repeat(5));
}

#[test]
fn who_is_signed_in_at_one_prefecture_is_nobody_at_another() {
    let (_office, console) = served();
    let browser = console.signed_in("administrateur");
    let token = browser.cookies["convoke-94"].clone();
    let asks = |cookie: &str, path: &str| {
        let mut other = Browser::at(&console.url());
        other.cookies.insert(cookie.into(), token.clone());
        other.get(path).status
    };
    assert_eq!(asks("convoke-94", "/94/"), 200);
    assert_eq!(asks("convoke-94", "/75/"), 303);
    assert_eq!(asks("convoke-75", "/75/"), 303, "a token is of one préfecture, whatever its cookie is called");
    assert_eq!(asks("convoke-75", "/75/personnes"), 303);
}
