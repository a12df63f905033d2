//! Exécutions and Aperçu: what nights did, what tonight would do, and doing it from a page.

use std::sync::LazyLock;

use rustix::process::{Pid, Signal, kill_process};

use super::browser::{Browser, Console};
use crate::support::{self, Office, Shape};

static OFFICE: LazyLock<Office> = LazyLock::new(|| Office::new(Shape { permits: 600, seats: true }));

/// The value of a labelled fact on a page.
fn fact(body: &str, label: &str) -> String {
    let after = body.split(&format!("<dt>{label}</dt>")).nth(1).unwrap_or_else(|| panic!("no {label}: {body}"));
    let value = after.split("</dd>").next().unwrap().rsplit("<dd>").next().unwrap();
    value.replace("<strong>", "").replace("</strong>", "").replace('\u{202f}', "")
}

/// Counts the letters that a run would write.
fn counted(browser: &mut Browser) -> String {
    browser.submit("/94/apercu/calculer", &[("retour", "mettre-a-jour")]);
    let page = browser.once_done("/94/executions/mettre-a-jour");
    fact(&page.body, "Lettres à écrire, rendez-vous fermes")
}

/// The hash of the last counted plan.
fn plan_hash(browser: &mut Browser) -> String {
    fact(&browser.get("/94/apercu").body, "Empreinte du plan").replace("<code>", "").replace("</code>", "")
}

fn entries(office: &Office, kind: &str) -> String {
    office.query(&format!("SELECT actor, payload FROM ledger_entry WHERE kind = '{kind}' ORDER BY seq"))
}

#[test]
fn before_the_first_night_the_pages_say_that_there_is_nothing() {
    let office = OFFICE.before_the_night();
    let console = Console::of(&office);
    let mut browser = console.signed_in("lecteur");
    assert!(browser.get("/94/executions").body.contains("Aucune exécution."));
    assert!(browser.get("/94/apercu").body.contains("Aucun aperçu n’a encore été calculé ici."));
    for path in [
        "/94/executions/94/2026-10-05/1",
        "/94/executions/75/2026-10-05/1",
        "/94/executions/94/%3Cscript%3E/1",
        "/94/executions/94/2026-10-05/1/pieces/report.html",
        "/94/executions/refus",
        "/94/apercu?liste=semaines&format=csv",
    ] {
        assert_eq!(browser.get(path).status, 404, "{path}");
    }
    assert_eq!(browser.get("/94/executions?etat=%27").status, 400);
    assert_eq!(browser.get("/94/executions?apres=x").status, 400);
    assert_eq!(browser.get("/94/executions/mettre-a-jour").status, 403);
    assert_eq!(browser.get("/94/apercu/lettres/1").status, 403);
    for path in [
        "/94/executions/mettre-a-jour",
        "/94/executions/94/2026-10-05/1/arreter",
        "/94/executions/94/2026-10-05/1/reprendre",
        "/94/apercu/executer",
        "/94/apercu/lettres",
    ] {
        assert_eq!(browser.post(path, &[("raison", "essai")]).status, 403, "{path}");
    }
    let mut agent = console.signed_in("operateur");
    assert!(agent.post("/94/executions/mettre-a-jour", &[("raison", "essai"), ("lettres", "1")]).status == 422);
    assert_eq!(agent.post("/94/apercu/lettres", &[("raison", "essai")]).status, 422);
}

#[test]
fn a_run_asks_first_how_many_letters_then_does_what_the_command_line_does() {
    let office = OFFICE.before_the_night();
    let console = Console::of(&office);
    let mut browser = console.signed_in("operateur");
    let letters = counted(&mut browser);
    assert!(letters.parse::<u64>().unwrap() > 0);
    let plan = plan_hash(&mut browser);
    assert!(browser.get("/94/executions/mettre-a-jour").body.contains(&format!("name=\"plan\" value=\"{plan}\"")));
    let form = |reason, typed| [("raison", reason), ("lettres", typed), ("plan", plan.as_str())];
    let path = "/94/executions/mettre-a-jour";
    let another = [("raison", "extraction du matin"), ("lettres", letters.as_str()), ("plan", "0123456789abcdef")];
    let answer = browser.post(path, &another);
    assert_eq!(answer.status, 422, "somebody else has counted another plan since");
    for (reason, typed, shown) in [
        ("", letters.as_str(), "Un motif est nécessaire"),
        ("reçu de 9403123456", &letters, "ni numéro étranger"),
        ("extraction du matin", "oui", "La confirmation ne correspond pas"),
    ] {
        let answer = browser.post(path, &form(reason, typed));
        assert_eq!(answer.status, 422, "{}", answer.body);
        assert!(answer.body.contains(shown) && answer.body.contains("Rien n’a été changé."), "{}", answer.body);
    }
    assert_eq!(office.query("SELECT count(*) FROM run").trim(), "0");

    let begun = browser.submit(path, &form("extraction du matin", &letters));
    assert!(begun.body.contains("C’est commencé."));
    let ended = browser.once_done("/94/executions");
    assert!(ended.body.contains("Terminé"), "{}", ended.body);
    let id = office.one("SELECT run_id FROM run");
    assert_eq!(office.query("SELECT count(*) FROM convocation").trim(), letters);
    assert_eq!(fact(&browser.get("/94/").body, "Rendez-vous devenus fermes"), letters, "late ones too");
    assert_eq!(
        office.query("SELECT actor, trigger, reason, state FROM run").trim(),
        "local:operateur|hand|extraction du matin|completed"
    );
    assert!(entries(&office, "run.completed").starts_with("local:operateur|"));
    office.assert_promises();

    // Again: there is nothing new.
    let none = counted(&mut browser);
    assert_eq!(none, "0");
    let plan = plan_hash(&mut browser);
    browser.submit(path, &[("raison", "encore"), ("lettres", "0"), ("plan", plan.as_str())]);
    assert!(browser.once_done("/94/executions").body.contains("Rien de nouveau"));

    let page = browser.get(&format!("/94/executions/{id}"));
    assert_eq!(fact(&page.body, "Numéro"), id);
    assert!(page.body.contains("<svg class=\"chart\"") && page.body.contains("À convoquer avant l’expiration"));
    assert!(page.body.contains("Échecs par cause") && page.body.contains("Empreinte du plan"));
    let english = browser.submit("/94/langue", &[("langue", "en")]);
    assert!(english.body.contains("Home") || english.body.contains("Runs"));
}

#[test]
fn a_preview_is_carried_out_exactly_or_refused_with_what_has_changed() {
    let office = OFFICE.before_the_night();
    let console = Console::of(&office);
    let mut browser = console.signed_in("operateur");
    browser.submit("/94/apercu/calculer", &[]);
    let page = browser.once_done("/94/apercu");
    let hash = fact(&page.body, "Empreinte du plan").replace("<code>", "").replace("</code>", "");
    let plan = office.answer(&["plan", "--json"]);
    assert_eq!(plan["plan_hash"], hash.as_str());
    let letters = (plan["firm"].as_u64().unwrap() + plan["late_firm"].as_u64().unwrap()).to_string();
    let list = browser.get("/94/apercu?liste=rendez-vous&format=csv");
    assert_eq!(list.body.lines().count() as u64, 1 + letters.parse::<u64>().unwrap());
    assert!(browser.get("/94/apercu?liste=semaines&format=xlsx").bytes.starts_with(b"PK"));

    let form = |reason, plan, typed| [("raison", reason), ("plan", plan), ("lettres", typed)];
    let path = "/94/apercu/executer";
    assert_eq!(browser.post(path, &form("vu", &hash, "1000000")).status, 422);
    assert_eq!(browser.post(path, &form("", &hash, &letters)).status, 422);
    assert_eq!(browser.post(path, &form("vu", "0000000000000000", &letters)).status, 422);

    // A week's seats go: the plan is another.
    office.change(&format!("UPDATE slot SET seats = 0 WHERE day < date('{}', '+40 days')", support::today())).unwrap();
    browser.submit(path, &form("vu et approuvé", &hash, &letters));
    let refused = browser.once_done("/94/executions");
    assert!(refused.body.contains("le plan n’est plus celui qui a été montré"), "{}", refused.body);
    let changed = browser.get("/94/executions/refus");
    assert!(changed.body.contains(&hash) && changed.body.contains("Places libres"), "{}", changed.body);
    assert_eq!(office.query("SELECT count(*) FROM convocation").trim(), "0");

    browser.submit("/94/apercu/calculer", &[]);
    let page = browser.once_done("/94/apercu");
    assert!(page.body.contains("Depuis l’aperçu du"), "{}", page.body);
    let now = fact(&page.body, "Empreinte du plan").replace("<code>", "").replace("</code>", "");
    let typed: String = {
        let count = |label| fact(&page.body, label).parse::<u64>().unwrap();
        (count("Fermes, avant l’expiration") + count("Fermes, après l’expiration")).to_string()
    };
    browser.submit(path, &form("vu et approuvé", &now, &typed));
    assert!(browser.once_done("/94/executions").body.contains("Terminé"));
    assert_eq!(office.query("SELECT plan_hash, reason FROM run").trim(), format!("{now}|vu et approuvé"));
    office.assert_promises();
}

#[test]
fn what_would_make_too_many_firm_is_refused_unless_the_plan_itself_was_seen() {
    let office = OFFICE.before_the_night();
    super::browser::enrol(&office, "operateur", "operateur");
    let console = Console::with(&office, &[("CONVOKE__POLICY__MAX_FIRM_PER_RUN", "1")]);
    let mut browser = console.signed_in("operateur");
    let letters = counted(&mut browser);
    let page = browser.get("/94/executions/mettre-a-jour");
    assert!(page.body.contains("C’est plus que le maximum"), "{}", page.body);
    // The form is not shown; submitting it anyway is refused by the run.
    let plan = plan_hash(&mut browser);
    let form = [("raison", "essai"), ("lettres", letters.as_str()), ("plan", plan.as_str())];
    browser.submit("/94/executions/mettre-a-jour", &form);
    let refused = browser.once_done("/94/executions");
    assert!(refused.body.contains("Rien n’a été écrit"), "{}", refused.body);
    assert_eq!(office.query("SELECT count(*) FROM convocation").trim(), "0");
}

#[test]
fn the_letters_of_a_plan_are_shown_to_whoever_said_why_and_to_nobody_else() {
    let office = OFFICE.before_the_night();
    let hostile = "<script>alert(1)</script> ابن سينا";
    office.change(&format!("UPDATE holder SET family_name = '{hostile}'")).unwrap();
    let console = Console::of(&office);
    let mut browser = console.signed_in("operateur");
    browser.submit("/94/apercu/calculer", &[]);
    browser.once_done("/94/apercu");
    assert_eq!(browser.get("/94/apercu/lettres/1").status, 404);
    assert_eq!(browser.post("/94/apercu/lettres", &[("raison", "")]).status, 422);
    assert_eq!(entries(&office, "read.letters"), "");
    let list = browser.submit("/94/apercu/lettres", &[("raison", "relecture du modèle")]);
    assert!(list.body.contains("Lettre nº 1"), "{}", list.body);
    let shown = entries(&office, "read.letters");
    assert!(shown.starts_with("local:operateur|") && shown.contains("relecture du modèle"), "{shown}");
    let page = browser.get("/94/apercu/lettres/1");
    assert!(page.body.contains("<iframe sandbox title=\"Courriel\""), "{}", page.body);
    let mail = browser.get("/94/apercu/lettres/1/courriel");
    let header = |name| mail.headers.get(name).unwrap().to_str().unwrap();
    assert!(header("content-security-policy").starts_with("sandbox; default-src 'none'"));
    assert_eq!(header("x-frame-options"), "SAMEORIGIN");
    assert!(mail.body.contains("RC-94-") && !mail.body.contains("<script>"));
    assert!(browser.get("/94/apercu/lettres/1/rendez-vous.ics").body.starts_with("BEGIN:VCALENDAR"));
    for path in ["/94/apercu/lettres/9", "/94/apercu/lettres/0", "/94/apercu/lettres/1/..%2Fx"] {
        assert_eq!(browser.get(path).status, 404, "{path}");
    }
    // Another user has not given a reason.
    assert_eq!(console.signed_in("administrateur").get("/94/apercu/lettres/1/courriel").status, 404);
}

#[test]
fn the_files_of_a_report_have_names_of_a_list_and_prove_themselves() {
    let office = OFFICE.before_the_night();
    let id = office.run(&[])["run"].as_str().unwrap().to_owned();
    office.change(&format!("UPDATE slot SET seats = 0 WHERE day < date('{}', '+40 days')", support::today())).unwrap();
    let second = office.output(&["run", "--yes", "--reason", "<script>x</script> ابن", "--json"]);
    assert!(second.status.code().is_some_and(|code| code == 0 || code == 4), "{second:?}");
    let console = Console::of(&office);
    let mut browser = console.signed_in("lecteur");
    let page = format!("/94/executions/{id}");
    browser.submit(&format!("{page}/pieces"), &[]);
    let made = browser.once_done(&page);
    assert!(made.body.contains("Ouvrir le rapport"), "{}", made.body);
    let report = browser.get(&format!("{page}/pieces/report.html"));
    let policy = report.headers.get("content-security-policy").unwrap().to_str().unwrap();
    assert!(policy.starts_with("sandbox; default-src 'none'") && !policy.contains("script"));
    assert!(report.body.contains("<!doctype html>") || report.body.contains("<!DOCTYPE html>"));
    let whole = browser.get(&format!("{page}/pieces/dossier.zip"));
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(whole.bytes)).unwrap();
    zip.extract(office.path("dossier")).unwrap();
    let verified = office.output(&["verify", "dossier", "--json"]);
    assert!(verified.status.code().is_some_and(|code| code != 65 && code != 2), "{verified:?}");
    let outcomes = browser.get(&format!("{page}/pieces/outcomes.csv"));
    assert_eq!(outcomes.body.lines().count(), 601);
    for name in ["..%2Fconvoke.toml", "%2Fetc%2Fpasswd", "manifest.json", "report.html%00", "record"] {
        assert_eq!(browser.get(&format!("{page}/pieces/{name}")).status, 404, "{name}");
    }
    // Not those of another run.
    let other = browser.get("/94/executions").body;
    assert!(other.contains("&#60;script&#62;x&#60;/script&#62; ابن") && !other.contains("<script>x"), "{other}");
    let last = office.one("SELECT run_id FROM run ORDER BY generation DESC LIMIT 1");
    assert_ne!(last, id);
    assert_eq!(browser.get(&format!("/94/executions/{last}/pieces/report.html")).status, 404);
    let differs = browser.get(&format!("/94/executions/{last}/ecart?avec={id}"));
    assert!(differs.body.contains("Places libres") || differs.body.contains("Personnes"), "{}", differs.body);
    assert_eq!(browser.get(&format!("/94/executions/{last}/ecart?avec=75/2026-10-05/1")).status, 404);
    let sheet = browser.get("/94/executions?format=csv");
    assert_eq!(sheet.body.lines().count(), 3);
}

#[test]
fn a_run_of_another_process_is_watched_stopped_and_resumed() {
    let office = OFFICE.before_the_night();
    let console = Console::of(&office);
    let mut browser = console.signed_in("operateur");
    let mut run = office.command(&["run", "--yes", "--reason", "night"]);
    let mut run = run.env("CONVOKE_FAULT", "stop@before-chunk").spawn().unwrap();
    let pid = Pid::from_raw(run.id().cast_signed()).unwrap();
    while office.query("SELECT count(*) FROM run WHERE state = 'committing'").trim() != "1" {
        std::thread::yield_now();
    }
    let id = office.one("SELECT run_id FROM run");
    let list = browser.get("/94/executions");
    assert!(list.body.contains("Une exécution est en cours") && list.body.contains("data-refresh"), "{}", list.body);
    let page = format!("/94/executions/{id}");
    let home = browser.get("/94/").body;
    assert!(home.contains("Une exécution est en cours.") && home.contains(&page), "whoever works on it: {home}");
    assert!(browser.get(&page).body.contains("Un processus y travaille."));
    let count = counted(&mut browser);
    let plan = plan_hash(&mut browser);
    let form = [("raison", "essai"), ("lettres", count.as_str()), ("plan", plan.as_str())];
    let busy = browser.post("/94/executions/mettre-a-jour", &form);
    assert_eq!(busy.status, 422);
    assert!(busy.body.contains("Une exécution est déjà en cours"), "{}", busy.body);

    // The process is killed: someone completes its run.
    kill_process(pid, Signal::KILL).unwrap();
    run.wait().unwrap();
    assert!(browser.get(&page).body.contains("Le processus qui y travaillait s’est arrêté"));
    assert!(browser.get("/94/").body.contains("Une exécution s’est arrêtée en chemin"));
    let first = browser.post("/94/executions/mettre-a-jour", &form);
    assert_eq!(first.status, 422, "its letters were counted by nobody here");
    assert!(first.body.contains("Reprenez-la d’abord"), "{}", first.body);
    assert_eq!(browser.post(&format!("{page}/reprendre"), &[("raison", "")]).status, 422);
    browser.submit(&format!("{page}/reprendre"), &[("raison", "panne du serveur")]);
    let done = browser.once_done(&page);
    assert!(done.body.contains("Terminée"), "{}", done.body);
    assert_eq!(browser.post(&format!("{page}/reprendre"), &[("raison", "encore")]).status, 422);
    office.assert_promises();

    let office = OFFICE.before_the_night();
    let console = Console::of(&office);
    let mut browser = console.signed_in("operateur");
    let mut run = office.command(&["run", "--yes", "--reason", "night"]);
    let run = run.env("CONVOKE_FAULT", "stop@before-chunk").spawn().unwrap();
    let pid = Pid::from_raw(run.id().cast_signed()).unwrap();
    while office.query("SELECT count(*) FROM run WHERE state = 'committing'").trim() != "1" {
        std::thread::yield_now();
    }
    let stop = |reason, typed| [("raison", reason), ("execution", typed)];
    assert_eq!(browser.post(&format!("{page}/arreter"), &stop("", &id)).status, 422);
    assert_eq!(browser.post(&format!("{page}/arreter"), &stop("mauvaise extraction", "oui")).status, 422);
    let stopped = browser.submit(&format!("{page}/arreter"), &stop("mauvaise extraction", &id));
    assert!(stopped.body.contains("Rendez-vous fermes qui restent\u{a0}: 0"), "{}", stopped.body);
    let shown = entries(&office, "run.stopped");
    assert!(shown.starts_with("local:operateur|") && shown.contains("mauvaise extraction"), "{shown}");
    kill_process(pid, Signal::CONT).unwrap();
    assert_eq!(run.wait_with_output().unwrap().status.code(), Some(1));
}
