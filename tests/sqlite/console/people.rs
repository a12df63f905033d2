//! An agent finds, understands and helps one person in a browser, and the ledger records it.

use std::sync::LazyLock;

use super::browser::{Answer, Browser, Console, ROLES, enrol};
use crate::support::{self, Office, PLANNED};

/// An office after its first night, with an account for each role; its letters still wait.
static STAFFED: LazyLock<Office> = LazyLock::new(|| {
    let office = PLANNED.copy();
    for role in ROLES {
        enrol(&office, role, role);
    }
    office
});

/// A person with an appointment and an e-mail address.
struct Somebody {
    id: String,
    number: String,
    reference: String,
    letter: String,
}

impl Somebody {
    fn of(office: &Office) -> Self {
        let found = office.one("SELECT c.holder_id, h.number, reference FROM convocation c JOIN holder h USING (holder_id)
               WHERE state = 'convoked' AND email IS NOT NULL AND (channel IS NULL OR channel = 'email') AND c.origin <> 'after-expiry'
               ORDER BY reference LIMIT 1"
        );
        let parts: Vec<&str> = found.split('|').collect();
        let letter = office.one(&format!("SELECT letter_id FROM outbox WHERE reference = '{}'", parts[2]));
        Self { id: parts[0].into(), number: parts[1].into(), reference: parts[2].into(), letter }
    }

    fn page(&self) -> String {
        format!("/94/personnes/{}", self.id)
    }
}

/// The actor and payload of the last entry of a kind.
fn entry(office: &Office, kind: &str) -> (String, String) {
    let found =
        office.one(&format!("SELECT actor, payload FROM ledger_entry WHERE kind = '{kind}' ORDER BY seq DESC LIMIT 1"));
    let (actor, payload) = found.split_once('|').unwrap_or_else(|| panic!("no {kind}"));
    (actor.to_owned(), payload.to_owned())
}

fn done_by_hand(office: &Office, kind: &str, reason: &str) {
    let (actor, payload) = entry(office, kind);
    assert_eq!(actor, "local:operateur", "{kind}");
    assert!(payload.contains(&format!("\"reason\":\"{reason}\"")), "{kind}: {payload}");
}

/// The text of a page, ignoring blanks.
fn said(answer: &Answer) -> String {
    answer.body.replace(['\u{a0}', '\u{202f}'], " ")
}

/// Asserts that an act was refused and that nothing changed.
fn refused(answer: &Answer, status: u16, answered: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert!(said(answer).contains(answered) && answer.body.contains("Rien n’a été changé."), "{}", answer.body);
}

fn search(browser: &mut Browser, text: &str) -> Answer {
    let answer = browser.post("/94/personnes", &[("texte", text)]);
    assert_eq!((answer.status, answer.location.as_str()), (303, "/94/personnes"), "nothing of it in the address");
    browser.get("/94/personnes")
}

#[test]
fn people_are_found_forgivingly_and_the_ledger_knows_who_looked_but_not_for_whom() {
    let office = STAFFED.copy();
    office.change("UPDATE holder SET usage_name = NULL WHERE number = (SELECT min(number) FROM holder)").unwrap();
    let name = office.one("SELECT family_name FROM holder ORDER BY length(family_name) DESC, number LIMIT 1");
    let console = Console::with(&office, &[]);
    let mut reader = console.signed_in("lecteur");
    let empty = reader.get("/94/personnes");
    assert!(empty.status == 200 && !empty.body.contains("Personnes trouvées"), "{}", empty.body);
    let before = office.one("SELECT count(*) FROM ledger_entry WHERE kind = 'read.find'");
    let nobody = search(&mut reader, "zzzzqqqq");
    assert!(nobody.body.contains("Personne. Essayez moins de mots"), "{}", nobody.body);
    assert_eq!(office.one("SELECT count(*) FROM ledger_entry WHERE kind = 'read.find'"), before, "nobody was seen");

    // Lower case, and the last two letters swapped.
    let mut slip: Vec<char> = name.to_lowercase().chars().collect();
    let last = slip.len() - 1;
    slip.swap(last, last - 1);
    let found = search(&mut reader, &slip.into_iter().collect::<String>());
    assert!(
        found.body.contains("Personnes trouvées") && found.body.contains(&escaped(&name)),
        "{name}: {}",
        found.body
    );
    let (actor, payload) = entry(&office, "read.find");
    assert!(actor == "local:lecteur" && payload.contains("\"by\":\"name\""), "{payload}");
    assert!(!payload.to_lowercase().contains(&name.to_lowercase()));

    let somebody = Somebody::of(&office);
    for known in [&somebody.number, &somebody.reference] {
        let found = search(&mut reader, known);
        assert!(found.body.contains(&format!("href=\"{}\"", somebody.page())), "{known}");
        assert!(found.body.contains(&somebody.reference), "the appointment is told");
    }
    // The last search is shown until the next one.
    assert!(reader.get("/94/personnes").body.contains(&somebody.page()));
    assert!(!search(&mut reader, "  ").body.contains("Personnes trouvées"));
    assert!(!console.log().contains(&name) && !console.log().contains(&somebody.number));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&#38;").replace('<', "&#60;").replace('>', "&#62;").replace('"', "&#34;").replace('\'', "&#39;")
}

#[test]
fn a_persons_page_says_why_and_what_happened_and_whoever_opens_it_is_written_down() {
    let office = STAFFED.copy();
    let console = Console::with(&office, &[]);
    let somebody = Somebody::of(&office);
    let mut reader = console.signed_in("lecteur");
    let page = reader.get(&somebody.page());
    assert_eq!(page.status, 200, "{}", page.body);
    for answered in
        ["Rendez-vous le ", &somebody.reference, &somebody.number, "Convoqué pour le", "Lettre « convocation »"]
    {
        assert!(page.body.contains(answered), "{answered}: {}", page.body);
    }
    assert!(!page.body.contains("name=\"reason\""), "whoever only reads is offered no act");
    assert_eq!(entry(&office, "read.timeline").0, "local:lecteur");
    assert!(console.signed_in("operateur").get(&somebody.page()).body.contains("name=\"reason\""));

    // A person with neither appointment nor letter has a page too.
    let other = office.one(
        "SELECT holder_id FROM holder h WHERE NOT EXISTS (SELECT 1 FROM convocation c WHERE c.holder_id = h.holder_id)
           AND NOT EXISTS (SELECT 1 FROM notice n WHERE n.holder_id = h.holder_id) ORDER BY 1 LIMIT 1",
    );
    let page = reader.get(&format!("/94/personnes/{other}"));
    assert!(page.body.contains("Aucun rendez-vous en cours.") && page.body.contains("Aucune lettre."), "{}", page.body);
    // In English, with the French of the rules marked as French.
    reader.post("/94/langue", &[("langue", "en")]);
    let page = reader.get(&somebody.page());
    assert!(page.body.contains("<html lang=\"en\">") && page.body.contains("Foreigner number"), "{}", page.body);
    for nobody in ["/94/personnes/0000000000000000", "/94/personnes/0000000000000000/lettres/RC-1/convocation/0"] {
        assert_eq!(reader.get(nobody).status, 404, "{nobody}");
    }
}

#[test]
fn find_a_person_mend_the_email_send_again() {
    let office = STAFFED.copy();
    let somebody = Somebody::of(&office);
    let fails = format!(
        "UPDATE outbox SET state = 'failed', last_reply = '550 5.7.1 spam' WHERE letter_id = '{}'",
        somebody.letter
    );
    office.change(&fails).unwrap();
    let console = Console::with(&office, &[]);
    let mut agent = console.signed_in("operateur");
    assert!(search(&mut agent, &somebody.number).body.contains(&somebody.page()));
    let page = agent.get(&somebody.page());
    assert!(page.body.contains("Renvoyer") && page.body.contains("<details open>"), "{}", page.body);

    // The same address again.
    let letter = [("lettre", somebody.letter.as_str()), ("acte", "retry"), ("reason", "filtre corrigé")];
    let answered = agent.submit(&format!("{}/lettre", somebody.page()), &letter);
    assert!(said(&answered).contains("État de la lettre : En attente d’envoi."), "{}", answered.body);
    done_by_hand(&office, "letter.retried", "filtre corrigé");
    office.change(&fails).unwrap();

    let path = format!("{}/courriel", somebody.page());
    let mend =
        |agent: &mut Browser, email: &str, reason: &str| agent.post(&path, &[("courriel", email), ("reason", reason)]);
    refused(&mend(&mut agent, "nouvelle@example.org", " "), 422, "Un motif est nécessaire");
    refused(&mend(&mut agent, "nouvelle@example.org", "a@b.fr"), 422, "Le motif reste au registre");
    refused(&mend(&mut agent, "", "au guichet"), 422, "l’un des deux");
    refused(&mend(&mut agent, "pas une adresse", "au guichet"), 409, "pas une adresse électronique");
    let answered = agent.submit(&path, &[("courriel", "nouvelle@example.org"), ("reason", "au guichet")]);
    assert!(said(&answered).contains("elle part à la nouvelle adresse"), "{}", answered.body);
    assert!(
        said(&answered).contains("nouvelle@example.org")
            && !agent.get(&somebody.page()).body.contains("Adresse enregistrée")
    );
    done_by_hand(&office, "holder.email_set", "au guichet");
    let again = office.one(&format!("SELECT state FROM outbox WHERE letter_id = '{}/adresse-1'", somebody.letter));
    assert_eq!(again, "queued");

    let answered = agent.submit(&path, &[("aucun", "oui"), ("reason", "n’en a plus")]);
    assert!(said(&answered).contains("elle attend la poste"), "{}", answered.body);
}

#[test]
fn a_person_is_held_and_let_go() {
    let office = STAFFED.copy();
    let console = Console::with(&office, &[]);
    let somebody = Somebody::of(&office);
    let mut agent = console.signed_in("operateur");
    let path = format!("{}/suspension", somebody.page());
    let answered = agent.submit(&path, &[("acte", "suspendre"), ("reason", "recours")]);
    assert!(
        said(&answered).contains("Suspendu : aucune nuit") && said(&answered).contains(&somebody.reference),
        "{}",
        answered.body
    );
    assert!(said(&answered).contains("<span class=\"tag\">suspendu</span>"));
    done_by_hand(&office, "permit.held", "recours");
    let answered = agent.submit(&path, &[("acte", "lever"), ("reason", "recours rejeté")]);
    assert!(said(&answered).contains("Suspension levée"), "{}", answered.body);
    done_by_hand(&office, "permit.released", "recours rejeté");
    assert_eq!(agent.post(&path, &[("acte", "autre"), ("reason", "x")]).status, 400);
}

#[test]
fn a_letter_is_printed_again_to_the_byte_or_it_is_said_what_has_changed() {
    let office = STAFFED.copy();
    office.until_sent();
    let somebody = Somebody::of(&office);
    let console = Console::with(&office, &[]);
    let mut reader = console.signed_in("lecteur");
    let path = format!("{}/lettres/{}", somebody.page(), somebody.letter);
    assert!(reader.get(&somebody.page()).body.contains(&format!("href=\"{path}\"")));
    let pdf = reader.get(&path);
    assert_eq!((pdf.status, pdf.headers["content-type"].to_str().unwrap()), (200, "application/pdf"), "{}", pdf.body);
    office.ok(&["letters", "show", &somebody.reference, "--out", "shown", "--json"]);
    let shown = office.path("shown").join(format!("{}.pdf", somebody.letter.replace('/', "-")));
    assert!(std::fs::read(shown).unwrap() == pdf.bytes, "not what `letters show` shows");
    let (actor, payload) = entry(&office, "read.letters");
    assert!(payload.contains(&somebody.reference), "{actor} {payload}");
    assert_eq!(
        office.one("SELECT count(*) FROM ledger_entry WHERE kind = 'read.letters' AND actor = 'local:lecteur'"),
        "1"
    );

    // Not on another person's page.
    let other = office.one(&format!("SELECT min(holder_id) FROM holder WHERE holder_id <> '{}'", somebody.id));
    assert_eq!(reader.get(&format!("/94/personnes/{other}/lettres/{}", somebody.letter)).status, 404);

    let changed = office.query(&format!("SELECT data FROM outbox WHERE letter_id = '{}'", somebody.letter));
    let changed = changed.trim().replace('\'', "''").replacen("\"name\":\"", "\"name\":\"X", 1);
    office.change(&format!("UPDATE outbox SET data = '{changed}' WHERE letter_id = '{}'", somebody.letter)).unwrap();
    let differs = reader.get(&path);
    assert!(differs.body.contains("les données de la lettre"), "{}", differs.body);
    assert_eq!(reader.get(&format!("{path}?actuelle=oui")).headers["content-type"], "application/pdf");
    office.change(&format!("UPDATE outbox SET data = '{{}}' WHERE letter_id = '{}'", somebody.letter)).unwrap();
    assert!(reader.get(&path).body.contains("a été effacé"));
    assert!(reader.get(&somebody.page()).body.contains("Contenu effacé"));
}

#[test]
fn an_appointment_is_moved_to_a_seat_that_costs_nobody_anything_and_given_up() {
    let office = STAFFED.copy();
    let console = Console::with(&office, &[]);
    let somebody = Somebody::of(&office);
    let mut agent = console.signed_in("operateur");
    let base = format!("/94/rendez-vous/{}", somebody.reference);
    let dates = format!("{base}/dates");
    let page = agent.get(&dates);
    assert_eq!(page.status, 200, "{}", page.body);
    let offered: Vec<&str> = page.body.split("<option value=\"").skip(1).filter_map(|o| o.split('"').next()).collect();
    let seat = offered.iter().find(|o| o.contains('T')).expect("a seat").to_string();

    // An avoided day is no longer offered, and stays recorded.
    let day = seat.rsplit_once('/').unwrap().1.split_once('T').unwrap().0.to_owned();
    let avoid = format!("{base}/eviter");
    refused(&agent.post(&avoid, &[("du", &day), ("reason", "")]), 422, "Un motif est nécessaire");
    refused(&agent.post(&avoid, &[("du", &day), ("au", "2020-01-01"), ("reason", "x")]), 422, "précède le premier");
    let page = agent.submit(&avoid, &[("du", &day), ("au", ""), ("reason", "hospitalisation")]);
    assert!(page.body.contains("Jours à éviter notés.") && !page.body.contains(&format!("{day}T")), "{}", page.body);
    done_by_hand(&office, "holder.avoids", "hospitalisation");

    let go = |agent: &mut Browser, from: &str, more: &[(&str, &str)]| {
        let form = [&[("creneau", seat.as_str()), ("par", "personne")], more].concat();
        agent.post(&format!("/94/rendez-vous/{from}/deplacer"), &form)
    };
    let typed = ("confirmation", somebody.reference.as_str());
    refused(
        &go(&mut agent, &somebody.reference, &[("confirmation", "oui"), ("reason", "appel")]),
        422,
        "ne correspond pas",
    );
    refused(&go(&mut agent, &somebody.reference, &[typed, ("reason", "")]), 422, "Un motif est nécessaire");
    refused(
        &go(&mut agent, &somebody.reference, &[typed, ("autre", "demain"), ("reason", "x")]),
        422,
        "pas un créneau",
    );
    let nowhere = [typed, ("autre", "creteil/renouvellement/2020-01-01T09:00"), ("reason", "x")];
    refused(&go(&mut agent, &somebody.reference, &nowhere), 409, "n’existe pas");
    let moved = go(&mut agent, &somebody.reference, &[typed, ("reason", "appel")]);
    assert_eq!((moved.status, &moved.location), (303, &somebody.page()), "{}", moved.body);
    assert!(agent.get(&moved.location).body.contains("Nouveau rendez-vous le "));
    done_by_hand(&office, "convocation.moved", "appel");
    let new = office
        .one(&format!("SELECT reference FROM convocation WHERE holder_id = '{}' AND state = 'convoked'", somebody.id));
    assert_eq!(office.one(&format!("SELECT slot_id FROM convocation WHERE reference = '{new}'")), seat);
    refused(&go(&mut agent, &somebody.reference, &[typed, ("reason", "encore")]), 409, "n’est plus en cours");

    let cancel = format!("/94/rendez-vous/{new}/annuler");
    refused(
        &agent.post(&cancel, &[("par", "bureau"), ("confirmation", &somebody.reference), ("reason", "x")]),
        422,
        "ne correspond pas",
    );
    let answered = agent.submit(&cancel, &[("par", "personne"), ("confirmation", &new), ("reason", "quitte le pays")]);
    assert!(
        said(&answered).contains("Rendez-vous annulé.") && said(&answered).contains("Aucun rendez-vous en cours."),
        "{}",
        answered.body
    );
    done_by_hand(&office, "convocation.cancelled", "quitte le pays");
    office.assert_promises();
}

#[test]
fn a_written_request_is_taken_down_listed_without_names_and_decided() {
    let office = STAFFED.copy();
    let console = Console::with(&office, &[]);
    let mut agent = console.signed_in("operateur");
    assert!(agent.get("/94/demandes").body.contains("Aucune demande dans cet état."));
    let students = office.query(
        "SELECT p.holder_id, h.family_name FROM permit p JOIN holder h USING (holder_id) WHERE p.rule = 'student' AND p.commune LIKE '94%'
           AND NOT p.held AND p.filed_on IS NULL ORDER BY p.expires_on DESC LIMIT 3",
    );
    let students: Vec<(&str, &str)> = students.lines().map(|l| l.split_once('|').unwrap()).collect();
    let today = support::today().to_string();
    let ask = |agent: &mut Browser, id: &str, more: &[(&str, &str)]| {
        agent.post(&format!("/94/personnes/{id}/demande"), &[&[("recu", today.as_str())], more].concat())
    };
    let future = [("recu", "2999-01-01"), ("voeu", "urgent"), ("reason", "x")];
    refused(&agent.post(&format!("/94/personnes/{}/demande", students[0].0), &future), 422, "jour à venir");
    refused(&ask(&mut agent, students[0].0, &[("voeu", "urgent"), ("reason", " ")]), 422, "Un motif est nécessaire");
    let mut ids = Vec::new();
    for (student, _) in &students {
        let added = ask(&mut agent, student, &[("voeu", "urgent"), ("avant", "2999-12-01"), ("reason", "contrat")]);
        assert_eq!(added.status, 303, "{}", added.body);
        let page = said(&agent.get(&added.location));
        let id = page.split("Demande enregistrée : ").nth(1).unwrap().split(". La").next().unwrap().to_owned();
        assert!(page.contains(&format!("/94/demandes/{id}")), "{page}");
        ids.push(id);
    }
    done_by_hand(&office, "request.added", "contrat");
    refused(&ask(&mut agent, students[0].0, &[("voeu", "other"), ("reason", "x")]), 409, &ids[0]);

    let list = agent.get("/94/demandes");
    let order: Vec<usize> = ids.iter().map(|id| list.body.find(id.as_str()).unwrap()).collect();
    assert!(order[2] < order[1] && order[1] < order[0], "the soonest expiry first: {order:?}");
    let csv = agent.get("/94/demandes?etat=open&format=csv");
    assert!(
        csv.headers["content-type"].to_str().unwrap().starts_with("text/csv") && csv.body.contains(&ids[0]),
        "{}",
        csv.body
    );
    assert_eq!(agent.get("/94/demandes?etat=open&format=xlsx").bytes[..2], *b"PK");
    for (holder, name) in &students {
        assert!(!list.body.contains(name) && !csv.body.contains(name) && !csv.body.contains(holder));
    }

    let decide =
        |agent: &mut Browser, id: &str, form: &[(&str, &str)]| agent.post(&format!("/94/demandes/{id}/decision"), form);
    refused(&decide(&mut agent, &ids[0], &[("decision", "refuser"), ("reason", "x")]), 422, "ne correspond pas");
    let refuse = |reason| [("decision", "refuser"), ("confirmation", ids[0].as_str()), ("reason", reason)];
    refused(&decide(&mut agent, &ids[0], &refuse("")), 422, "Un motif est nécessaire");
    assert_eq!(decide(&mut agent, &ids[0], &refuse("hors ressort")).status, 303);
    done_by_hand(&office, "request.refused", "hors ressort");
    assert_eq!(decide(&mut agent, &ids[1], &[("decision", "retiree"), ("reason", "a renoncé")]).status, 303);
    done_by_hand(&office, "request.withdrawn", "a renoncé");
    let late = [("decision", "refuser"), ("confirmation", ids[1].as_str()), ("reason", "x")];
    refused(&decide(&mut agent, &ids[1], &late), 409, "n’est plus ouverte");
    assert!(agent.get("/94/demandes?etat=refused").body.contains(&ids[0]));

    let page = agent.get(&format!("/94/demandes/{}", ids[2])).body;
    let seats: Vec<&str> = page.split("<option value=\"").skip(1).filter_map(|o| o.split('"').next()).collect();
    let (seat, typed) = (*seats.last().expect("free seats are offered"), ("confirmation", ids[2].as_str()));
    let place = [("decision", "placer"), ("creneau", seat), ("malgre", "oui"), ("reason", "opération")];
    refused(&decide(&mut agent, &ids[2], &place), 422, "ne correspond pas");
    let placed = decide(&mut agent, &ids[2], &[&place[..], &[typed]].concat());
    assert_eq!(placed.status, 303, "{}", placed.body);
    assert!(agent.get(&placed.location).body.contains("Place donnée le "));
    done_by_hand(&office, "request.placed", "opération");
    assert!(agent.get("/94/demandes?etat=placed").body.contains(&ids[2]));
    assert_eq!(agent.get("/94/demandes/DE-94-2026-0099999-X").status, 404);
    assert_eq!(agent.get("/94/demandes?etat=autre").status, 400);
    office.assert_promises();
}

#[test]
fn whoever_only_reads_does_nothing_and_what_is_not_there_is_not_there() {
    let office = STAFFED.copy();
    let console = Console::with(&office, &[]);
    let somebody = Somebody::of(&office);
    let before = office.query("SELECT reference, state, slot_id FROM convocation ORDER BY 1");
    let (mut reader, mut auditor, mut agent) =
        (console.signed_in("lecteur"), console.signed_in("auditeur"), console.signed_in("operateur"));
    let form = [("reason", "x"), ("confirmation", &somebody.reference), ("acte", "suspendre")];
    for act in ["suspension", "courriel", "lettre", "demande"] {
        assert_eq!(reader.post(&format!("{}/{act}", somebody.page()), &form).status, 403, "{act}");
        assert_eq!(agent.post(&format!("/94/personnes/0000000000000000/{act}"), &form).status, 404, "{act}");
    }
    for act in ["eviter", "deplacer", "annuler"] {
        let path = format!("/94/rendez-vous/{}/{act}", somebody.reference);
        assert_eq!(reader.post(&path, &form).status, 403, "{act}");
        for unknown in ["RC-94-2020-0000001-A", "x"] {
            assert_eq!(agent.post(&format!("/94/rendez-vous/{unknown}/{act}"), &form).status, 404, "{unknown} {act}");
        }
    }
    assert_eq!(reader.post("/94/demandes/DE-94-2026-0000001-O/decision", &form).status, 403);
    assert_eq!(agent.post("/94/demandes/DE-94-2026-0000001-O/decision", &form).status, 404);
    assert_eq!(reader.get(&format!("/94/rendez-vous/{}/dates", somebody.reference)).status, 403);
    for path in ["/94/personnes", &somebody.page(), "/94/demandes", "/94/guichet"] {
        assert_eq!(auditor.get(path).status, 403, "an auditor audits: {path}");
    }
    // Another person's letter.
    let other =
        office.one(&format!("SELECT letter_id FROM outbox WHERE reference <> '{}' LIMIT 1", somebody.reference));
    let turned = [("lettre", other.as_str()), ("acte", "retry"), ("reason", "x")];
    assert_eq!(agent.post(&format!("{}/lettre", somebody.page()), &turned).status, 404);
    assert_eq!(office.query("SELECT reference, state, slot_id FROM convocation ORDER BY 1"), before);
}

#[test]
fn whatever_people_are_called_their_page_is_a_page() {
    let office = STAFFED.copy();
    let somebody = Somebody::of(&office);
    let console = Console::with(&office, &[]);
    let mut agent = console.signed_in("operateur");
    let long = "Ñ".repeat(260);
    for name in [long.as_str(), "محمد بن عبد الله", "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>"]
    {
        let quoted = name.replace('\'', "''");
        office
            .change(&format!(
                "UPDATE holder SET family_name = '{quoted}', usage_name = NULL, given_names = '{quoted}', address = '{quoted}', town = '{quoted}', phone = '{quoted}' WHERE holder_id = '{}'",
                somebody.id
            ))
            .unwrap();
        let (page, found) = (agent.get(&somebody.page()), search(&mut agent, &somebody.number));
        for answer in [&page, &found] {
            assert_eq!(answer.status, 200, "{name}");
            assert!(answer.body.contains(&escaped(name)), "{name}");
            assert!(!answer.body.contains("<script>alert") && !answer.body.contains("<img"), "{name}");
        }
    }
    // A relay's reply is shown as it is, and nothing else.
    office
        .change(&format!(
            "UPDATE outbox SET state = 'failed', last_reply = '<b>550</b>' WHERE letter_id = '{}'",
            somebody.letter
        ))
        .unwrap();
    assert!(!agent.get(&somebody.page()).body.contains("<b>550"));
    let sought = search(&mut agent, "\"><script>alert(2)</script>");
    assert!(!sought.body.contains("<script>alert(2)"), "{}", sought.body);
    assert_eq!(search(&mut agent, &long).status, 200);
}
