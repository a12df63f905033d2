//! The console's audit pages.

use super::browser::{Browser, Console};
use crate::support::{Office, PLANNED, Shape, today};

/// The result of the verification, once it has ended.
fn verified(auditor: &mut Browser) -> String {
    auditor.submit("/94/audit/verification", &[]);
    let page = auditor.once_done("/94/audit").body;
    let said = page.split("<div class=\"notice").find(|part| part.contains("Le registre"));
    said.unwrap_or_else(|| panic!("no verification: {page}")).split("</p>").next().unwrap().to_owned()
}

#[test]
fn an_office_without_a_night_has_an_audit_too() {
    let office = Office::new(Shape { permits: 5, seats: false });
    let console = Console::of(&office);
    let mut auditor = console.signed_in("auditeur");
    assert_eq!(auditor.get("/94/").location, "/94/audit", "there is nothing else for an auditor");
    let page = auditor.get("/94/audit").body;
    assert!(page.contains("Aucune exécution n’a eu lieu.") && page.contains("Aucun témoin"), "{page}");
    for path in ["/94/audit/registre", "/94/audit/rapports", "/94/audit/actes", "/94/audit/periode"] {
        assert_eq!(auditor.get(path).status, 200, "{path}");
    }
    let nothing = auditor.get("/94/audit/registre?genre=letter.").body;
    assert!(nothing.contains("Rien de tel dans les écritures parcourues."), "{nothing}");
}

#[test]
fn the_ledger_is_paged_filtered_and_shown_as_text() {
    let office = PLANNED.copy();
    let console = Console::of(&office);
    let mut agent = console.signed_in("operateur");
    let hostile = format!("<script>alert(1)</script> محمد {}", "é".repeat(260));
    agent.submit("/94/courriers/suspendre", &[("reason", &hostile)]);
    let mut auditor = console.signed_in("auditeur");
    let size: usize = office.one("SELECT max(seq) FROM ledger_entry").parse().unwrap();
    let (mut path, mut seen, mut pages) = ("/94/audit/registre".to_owned(), 0, 0);
    loop {
        let page = auditor.get(&path);
        assert_eq!(page.status, 200);
        seen += page.body.matches("<tr><th scope=\"row\" class=\"number\">").count();
        pages += 1;
        let Some((before, _)) = page.body.split_once("\" rel=\"next\"") else { break };
        path = before.rsplit_once("href=\"").unwrap().1.replace("&amp;", "&");
    }
    // Sign-ins meanwhile add entries too.
    assert!(seen >= size && pages > 1, "{seen} of {size} entries on {pages} pages");

    let paused = auditor.get("/94/audit/registre?genre=sending.paused").body;
    assert!(paused.contains("Envois suspendus") && paused.contains("local:operateur") && paused.contains("محمد"));
    assert!(!paused.contains("<script>alert"), "{paused}");
    let acts = auditor.get("/94/audit/actes").body;
    let link = acts.split("href=\"").find(|l| l.contains("genre=sending.paused")).unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
    assert!(!link.contains("operateur"), "nobody's login in an address: {link}");
    let of_them = auditor.get(&link).body;
    assert_eq!(of_them.matches("<tr><th scope=\"row\" class=\"number\">").count(), 1, "{of_them}");

    let key = link.split("acteur=").nth(1).unwrap().split('&').next().unwrap();
    let hers = auditor.get(&format!("/94/audit/actes?acteur={key}&format=csv")).body;
    let everybody_s = auditor.get("/94/audit/actes?format=csv").body;
    assert!(hers.lines().skip(1).all(|line| line.starts_with("local:operateur;")), "{hers}");
    assert!(hers.contains(";sending.paused;Envois suspendus;1"), "{hers}");
    assert!(everybody_s.contains("local:auditeur;") && everybody_s.lines().count() > hers.lines().count());
    let nobody = auditor.get("/94/audit/actes?acteur=000000000000&format=csv").body;
    assert_eq!(nobody, everybody_s, "who did nothing in these days cannot be chosen");
    assert!(auditor.get("/94/audit/actes?format=xlsx").bytes.starts_with(b"PK"));

    let csv = auditor.get("/94/audit/registre?genre=sending.paused&format=csv");
    assert_eq!(csv.body.lines().count(), 2);
    assert!(auditor.get("/94/audit/registre?format=xlsx").bytes.starts_with(b"PK"));
    assert_eq!(auditor.get("/94/audit/registre?avant=x").status, 400);
    assert_eq!(auditor.get("/94/audit/registre?format=exe").status, 404);
}

#[test]
fn whoever_reads_addresses_is_among_the_reads_with_the_hour() {
    let office = PLANNED.copy();
    let console = Console::of(&office);
    console.signed_in("operateur").submit("/94/courriers/lots", &[("reason", "envoi du matin")]);
    let page = console.signed_in("auditeur").get("/94/audit/registre?genre=read.").body;
    assert!(page.contains("Adresses consultées") && page.contains("envoi du matin"), "{page}");
    assert!(page.contains("local:operateur") && page.contains(" à "));
}

#[test]
fn a_ledger_that_holds_and_one_that_was_changed_are_told_apart_in_words() {
    let office = PLANNED.copy();
    let console = Console::of(&office);
    let mut auditor = console.signed_in("auditeur");
    let said = verified(&mut auditor);
    assert!(said.contains("Le registre est intact"), "{said}");
    for done in ["changed", "cut"] {
        office.change(&format!("DROP TRIGGER ledger_is_never_{done}")).unwrap();
    }
    office.change("UPDATE ledger_entry SET payload = '{}' WHERE seq = 3").unwrap();
    let said = verified(&mut auditor);
    assert!(said.contains("Le registre a été altéré.") && said.contains("L’écriture 3 a été modifiée"), "{said}");
}

#[test]
fn reports_come_in_a_few_forms_and_name_nobody() {
    let office = &PLANNED.copy();
    let console = Console::of(office);
    let mut auditor = console.signed_in("auditeur");
    let run = office.one("SELECT run_id FROM run");
    let list = auditor.get("/94/audit/rapports").body;
    assert!(list.contains(&format!("/94/audit/rapports/{run}/zip")) && !list.contains("/94/executions/"), "{list}");
    assert!(!auditor.get("/94/audit/rapports?etat=failed").body.contains(&run), "filtered by state");
    assert!(auditor.get("/94/audit/rapports?etat=completed&format=csv").body.contains(&run));
    assert_eq!(auditor.get("/94/audit/rapports?etat=failed&format=csv").body.lines().count(), 1, "a header");
    assert_eq!(auditor.get("/94/audit/rapports?etat=other").status, 400);
    let names = office.query("SELECT family_name FROM holder WHERE length(family_name) > 6");
    for (format, begins) in [("json", "{"), ("html", "<!"), ("pdf", "%PDF"), ("zip", "PK")] {
        let file = auditor.get(&format!("/94/audit/rapports/{run}/{format}"));
        assert!(file.status == 200 && file.bytes.starts_with(begins.as_bytes()), "{format}: {}", file.status);
        assert!(file.headers["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"rapport-"));
        assert!(names.lines().all(|name| !file.body.contains(name)), "{format}");
    }
    for nowhere in
        [format!("{run}/exe"), "75/2026-01-01/1/json".into(), "94/2020-01-01/9/json".into(), "94/../1/json".into()]
    {
        assert_eq!(auditor.get(&format!("/94/audit/rapports/{nowhere}")).status, 404, "{nowhere}");
    }
}

#[test]
fn the_figures_of_some_days_are_a_page_and_the_files_of_the_command_line() {
    let office = &PLANNED.copy();
    let console = Console::of(office);
    let mut auditor = console.signed_in("auditeur");
    let (from, to) = (today() - chrono::Days::new(60), today());
    let page = auditor.get(&format!("/94/audit/periode?du={from}&au={to}"));
    assert!(page.status == 200 && page.body.contains("<caption>"), "{}", page.body);
    assert_eq!(auditor.get(&format!("/94/audit/periode?semaine={to}")).status, 200);
    office.ok(&["report", "--from", &from.to_string(), "--to", &to.to_string(), "--out", "days", "--json"]);
    for name in ["weeks.csv", "endings.csv", "tables.xlsx", "period.pdf"] {
        let file = auditor.get(&format!("/94/audit/periode/{name}?du={from}&au={to}"));
        assert_eq!(file.bytes, std::fs::read(office.path("days").join(name)).unwrap(), "{name}");
    }
    for (path, status) in [
        ("periode?du=hier&au=demain", 422),
        ("periode?du=2026-02-01&au=2026-01-01", 422),
        ("actes?du=2020-01-01&au=2026-01-01", 422),
        ("periode/..%2fconvoke.toml", 404),
        ("periode/other.csv", 404),
    ] {
        assert_eq!(auditor.get(&format!("/94/audit/{path}")).status, status, "{path}");
    }
}

#[test]
fn only_who_checks_sees_the_audit() {
    let office = &PLANNED.copy();
    let console = Console::of(office);
    let run = office.one("SELECT run_id FROM run");
    for role in ["lecteur", "operateur"] {
        let mut other = console.signed_in(role);
        let report = format!("/rapports/{run}/json");
        for path in ["", "/registre", "/rapports", "/periode", "/actes", "/periode/acts.csv", &report] {
            assert_eq!(other.get(&format!("/94/audit{path}")).status, 403, "{role} {path}");
        }
        assert_eq!(other.post("/94/audit/verification", &[]).status, 403, "{role}");
    }
    assert_eq!(console.signed_in("administrateur").get("/94/audit").status, 200);
}
