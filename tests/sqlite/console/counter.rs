//! The counter: who is expected and who came, marked once.

use super::browser::{Answer, Console, ROLES, enrol};
use crate::support::{Office, Shape, faketime};

const MADE_ON: &str = "2026-10-05";

/// An office with appointments, created and run on 5 October 2026; `None` if the clock cannot be faked.
fn office() -> Option<Office> {
    let day = MADE_ON.parse().unwrap();
    let office = faketime::is_there().then(|| Office::made_on(day, Shape { permits: 300, seats: true }))?;
    let mut run = office.command(&["run", "--yes", "--reason", "test"]);
    let output = faketime::at(&mut run, "2026-10-05 12:00:00").output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 4)), "{}", String::from_utf8_lossy(&output.stderr));
    for role in ROLES {
        enrol(&office, role, role);
    }
    Some(office)
}

/// A server on a given day.
fn console(office: &Office, day: &str) -> Console {
    let environment = faketime::environment();
    let at = format!("@{day} 14:00:00");
    let mut settings: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    settings.push(("FAKETIME", &at));
    Console::with(office, &settings)
}

fn state(office: &Office, reference: &str) -> String {
    office.one(&format!("SELECT state FROM convocation WHERE reference = '{reference}'"))
}

/// The text of a page, ignoring blanks.
fn said(answer: &Answer) -> String {
    answer.body.replace(['\u{a0}', '\u{202f}'], " ")
}

fn rows(page: &Answer) -> Vec<String> {
    page.body.split("name=\"p-").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn whoever_came_is_marked_once_by_whoever_sits_at_the_counter() {
    let Some(office) = office() else { return };
    let busiest = office.one(
        "SELECT c.day, s.site FROM convocation c JOIN slot s USING (slot_id) WHERE c.state = 'convoked' GROUP BY 1, 2
           HAVING count(*) >= 4 ORDER BY 1, 2 LIMIT 1",
    );
    let (day, site) = busiest.split_once('|').expect("a day with people");
    let before = office.one("SELECT min(day) FROM convocation WHERE state = 'convoked'");
    let page_of = |day: &str| format!("/94/guichet?jour={day}&site={site}");
    {
        // The day has not come: the sheet is there, but nobody can be marked.
        let console = console(&office, MADE_ON);
        let mut agent = console.signed_in("operateur");
        let next = agent.get("/94/guichet");
        assert!(next.body.contains(&format!("value=\"{before}\"")), "the next day with appointments: {}", next.body);
        assert!(next.body.contains("Aucun rendez-vous passé n’attend de saisie."));
        let page = agent.get(&page_of(day));
        assert!(page.body.contains("à partir du jour du rendez-vous") && rows(&page).is_empty(), "{}", page.body);
        let reference = office.one(&format!("SELECT reference FROM convocation WHERE day = '{day}' LIMIT 1"));
        let early = agent.post(&format!("/94/guichet/{day}/{site}"), &[(&format!("p-{reference}"), "honore")]);
        assert!(early.status == 422 && early.body.contains("pas encore venu"), "{}", early.body);
        let (sheet, csv, door) = (
            agent.get(&format!("/94/guichet/{day}/{site}/guichet.pdf")),
            agent.get(&format!("/94/guichet/{day}/{site}/guichet.csv")),
            agent.get(&format!("/94/guichet/{day}/{site}/porte.pdf")),
        );
        assert!(sheet.bytes.starts_with(b"%PDF") && door.bytes.starts_with(b"%PDF"));
        assert!(csv.body.contains("reference;presence") && page.body.contains("guichet.csv"), "{}", csv.body);
        assert_eq!(agent.get(&format!("/94/guichet/{day}/{site}/autre.pdf")).status, 404);
        assert_eq!(agent.get(&format!("/94/guichet/{day}/ailleurs/guichet.pdf")).status, 404);
        assert_eq!(agent.get("/94/guichet?jour=2026-12-01&site=ailleurs").status, 404);
        assert_eq!(agent.get("/94/guichet?jour=hier").status, 400);
        let reads = "SELECT count(*) FROM ledger_entry WHERE kind = 'read.sheet' AND actor = 'local:operateur'";
        assert!(office.one(reads).parse::<u32>().unwrap() >= 5);
    }
    let console = console(&office, day);
    let mut agent = console.signed_in("operateur");
    let page = agent.get(&page_of(day));
    let people = rows(&page);
    assert!(people.len() >= 4, "{}", page.body);
    let path = format!("/94/guichet/{day}/{site}");
    let nothing = agent.post(&path, &[(&format!("p-{}", people[0]), "")]);
    assert!(nothing.status == 422 && nothing.body.contains("Aucune présence n’est choisie."), "{}", nothing.body);

    let fields: Vec<String> = people.iter().map(|p| format!("p-{p}")).collect();
    let words = ["honore", "absent", "incomplet", "annule"];
    let form: Vec<(&str, &str)> = fields.iter().map(String::as_str).zip(words).collect();
    let shown = agent.submit(&path, &form);
    assert!(said(&shown).contains("4 présences saisies."), "{}", shown.body);
    for (person, expected) in people.iter().zip(["honoured", "missed", "incomplete", "cancelled"]) {
        assert_eq!(state(&office, person), expected);
    }
    let marks = "SELECT count(*) FROM ledger_entry WHERE kind = 'convocation.marked' AND actor = 'local:operateur'";
    assert_eq!(office.one(marks), "4");
    assert_eq!(rows(&shown).len(), people.len() - 4, "what is marked cannot be marked again");

    // The same marks again change nothing; a different one is refused as too late, and does not affect the others.
    let shown = agent.submit(&path, &form[..1]);
    assert!(said(&shown).contains("1 était déjà saisie ainsi."), "{}", shown.body);
    let shown = agent.submit(&path, &[(fields[0].as_str(), "absent")]);
    assert!(
        said(&shown).contains(&format!("Non saisie : {}", people[0])) && said(&shown).contains("venu"),
        "{}",
        shown.body
    );
    assert_eq!((state(&office, &people[0]).as_str(), office.one(marks).as_str()), ("honoured", "4"));

    // Not a row of this page.
    let elsewhere =
        office.one(&format!("SELECT reference FROM convocation WHERE day > '{day}' AND state = 'convoked' LIMIT 1"));
    assert_eq!(agent.post(&path, &[(&format!("p-{elsewhere}"), "annule")]).status, 404);
    assert_eq!(agent.post(&path, &[("p-x", "honore")]).status, 400);
    assert_eq!(agent.post(&path, &[(fields[0].as_str(), "parti")]).status, 400);
    assert_eq!(console.signed_in("lecteur").post(&path, &form).status, 403);
    assert!(rows(&console.signed_in("lecteur").get(&page_of(day))).is_empty(), "whoever only reads marks nobody");
    office.assert_promises();
}

#[test]
fn days_that_await_a_mark_are_listed_with_a_way_to_them() {
    let Some(office) = office() else { return };
    let (first, last) = (
        office.one("SELECT min(day) FROM convocation WHERE state = 'convoked'"),
        office.one("SELECT max(day) FROM convocation WHERE state = 'convoked'"),
    );
    let name = "<i>François</i> محمد";
    office.change(&format!("UPDATE holder SET given_names = '{name}', family_name = '', usage_name = NULL")).unwrap();
    let console = console(&office, &last);
    let mut agent = console.signed_in("operateur");
    let page = agent.get("/94/guichet");
    let link =
        page.body.split("href=\"").find(|l| l.starts_with(&format!("/94/guichet?jour={first}&"))).expect("a link");
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    let page = agent.get(&link);
    assert!(!rows(&page).is_empty(), "what is past can still be marked: {}", page.body);
    assert!(page.body.contains("&#60;i&#62;François") && !page.body.contains("<i>"), "{}", page.body);
    assert!(page.body.contains("Jour suivant"));
}
