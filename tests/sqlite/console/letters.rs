//! The console's pages of letters.

use std::io::{Cursor, Read};

use super::browser::{Browser, Console, encoded};
use crate::SENT;
use crate::support::{Office, Shape};

fn a_letter(office: &Office, state: &str) -> String {
    office.one(&format!("SELECT letter_id FROM outbox WHERE state = '{state}' ORDER BY letter_id LIMIT 1"))
}

fn state_of(office: &Office, letter: &str) -> String {
    office.one(&format!("SELECT state FROM outbox WHERE letter_id = '{letter}'"))
}

/// Actor and payload of the last entry of a kind.
fn last_entry(office: &Office, kind: &str) -> String {
    office.one(&format!("SELECT actor, payload FROM ledger_entry WHERE kind = '{kind}' ORDER BY seq DESC LIMIT 1"))
}

/// Marks a letter as failed, with a relay's reply.
fn fail(office: &Office, letter: &str, reply: &str) {
    let sql = format!("UPDATE outbox SET state = 'failed', last_reply = '{reply}' WHERE letter_id = '{letter}'");
    office.change(&sql).unwrap();
}

#[test]
fn an_office_without_letters_says_so() {
    let office = Office::new(Shape { permits: 5, seats: false });
    let console = Console::of(&office);
    let mut reader = console.signed_in("lecteur");
    for (path, said) in [
        ("/94/courriers", "Aucune lettre ne correspond."),
        ("/94/courriers/lots", "Aucun lot n’est prêt."),
        ("/94/courriers/retours", "Aucun."),
    ] {
        let answer = reader.get(path);
        assert!(answer.status == 200 && answer.body.contains(said), "{path}: {}", answer.body);
        assert!(!answer.body.contains("name=\"reason\""), "a reader is offered no act: {path}");
    }
    assert_eq!(reader.get("/94/courriers?etat=nowhere").status, 400);
    assert_eq!(reader.get("/94/courriers/RC-94-2026-0000001-X/convocation/0").status, 404);
}

#[test]
fn letters_are_found_by_state_kind_and_channel_page_by_page_and_exported_without_addresses() {
    let office = &SENT.copy();
    let console = Console::of(office);
    let mut reader = console.signed_in("lecteur");
    let page = reader.get("/94/courriers");
    assert!(page.body.contains("Remise au relais de messagerie") && page.body.contains("À poster"), "{}", page.body);
    let accepted: usize = office.one("SELECT count(*) FROM outbox WHERE state = 'accepted'").parse().unwrap();
    let (mut path, mut seen) = ("/94/courriers?etat=accepted&genre=convocation&canal=email".to_owned(), 0);
    loop {
        let page = reader.get(&path);
        seen += page.body.matches("<th scope=\"row\"><a href=\"/94/courriers/RC-94").count();
        let Some((before, _)) = page.body.split_once("\" rel=\"next\"") else { break };
        path = before.rsplit_once("href=\"").unwrap().1.replace("&amp;", "&").replace("&#38;", "&");
        assert!(path.contains("apres=RC"), "{path}");
    }
    assert_eq!(seen, accepted);
    assert!(accepted > 100, "{accepted}: too few letters to page");

    let csv = reader.get("/94/courriers?etat=accepted&format=csv");
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(csv.body.lines().count(), accepted + 1);
    assert!(!csv.body.contains('@') && csv.body.contains(&a_letter(office, "accepted")));
    let xlsx = reader.get("/94/courriers?etat=to_post&format=xlsx");
    assert!(xlsx.status == 200 && xlsx.bytes.starts_with(b"PK"));
    assert_eq!(reader.get("/94/courriers?format=exe").status, 404);
}

#[test]
fn a_letter_shows_its_attempts_and_acts_and_nobody_s_address() {
    let office = SENT.copy();
    let letter = a_letter(&office, "accepted");
    let address = office.one(&format!("SELECT recipient FROM outbox WHERE letter_id = '{letter}'"));
    fail(&office, &letter, &format!("550 5.7.1 <{address}> refused"));
    office
        .change(&format!(
            "UPDATE delivery_attempt SET outcome = 'failed', reply = '550 5.7.1 <{address}> <script>alert(1)</script> مرفوض' WHERE letter_id = '{letter}'"
        ))
        .unwrap();
    let console = Console::of(&office);
    let mut agent = console.signed_in("operateur");
    let list = agent.get("/94/courriers?etat=failed").body;
    assert!(list.contains("550 5.7.1") && list.contains("Causes") && !list.contains(&address), "{list}");

    let done = agent.submit(
        "/94/courriers/actes",
        &[("lettre", &letter), ("etat", "fiche"), ("reason", "filtre du relais corrigé"), ("acte", "retry")],
    );
    assert!(done.body.contains("1 lettre est remise en file.") && done.body.contains("filtre du relais corrigé"));
    assert!(done.body.contains("Lettre renvoyée dans la file, par local:operateur"), "{}", done.body);
    assert!(done.body.contains("مرفوض") && !done.body.contains("<script>alert"));
    assert!(!done.body.contains(&address) && done.body.contains(address.rsplit_once('@').unwrap().1));
    assert_eq!(state_of(&office, &letter), "queued");
    let entry = last_entry(&office, "letter.retried");
    assert!(entry.starts_with("local:operateur|") && entry.contains("filtre du relais corrigé"), "{entry}");
}

#[test]
fn the_letters_that_are_ticked_are_turned_together_or_not_at_all() {
    let office = SENT.copy();
    let ids = office.query("SELECT letter_id FROM outbox WHERE state = 'accepted' ORDER BY letter_id LIMIT 3");
    let letters: Vec<&str> = ids.lines().collect();
    for letter in &letters[..2] {
        office.change(&format!("UPDATE outbox SET state = 'deferred' WHERE letter_id = '{letter}'")).unwrap();
    }
    let console = Console::of(&office);
    let mut agent = console.signed_in("operateur");
    let turn = |agent: &mut Browser, letters: &[&str], act: &str, reason: &str| {
        let mut form: Vec<(&str, &str)> = letters.iter().map(|l| ("lettre", *l)).collect();
        form.extend([("etat", "deferred"), ("acte", act), ("reason", reason)]);
        agent.post("/94/courriers/actes", &form)
    };
    assert_eq!(turn(&mut agent, &letters[..2], "hold", " ").status, 422, "without a reason");
    assert_eq!(turn(&mut agent, &letters[..2], "hold", "0612345678 ne répond pas").status, 422, "a number");
    assert_eq!(turn(&mut agent, &[], "hold", "x").status, 422, "nothing ticked");
    assert_eq!(turn(&mut agent, &letters, "hold", "x").status, 409, "one that was accepted");
    assert_eq!(turn(&mut agent, &["RC-94-2026-0000000-Z"], "hold", "x").status, 409, "one that is not");
    assert_eq!(turn(&mut agent, &letters[..2], "burn", "x").status, 400);
    assert_eq!((state_of(&office, letters[0]), state_of(&office, letters[1])), ("deferred".into(), "deferred".into()));
    assert_eq!(office.one("SELECT count(*) FROM ledger_entry WHERE kind LIKE 'letter.held'"), "0");

    let done = turn(&mut agent, &letters[..2], "hold", "adresse à vérifier");
    assert_eq!((done.status, done.location.as_str()), (303, "/94/courriers?etat=deferred"));
    assert!(agent.get(&done.location).body.contains("2 lettres sont retenues."));
    assert_eq!(state_of(&office, letters[1]), "held");
    for path in ["/94/courriers?etat=held", &format!("/94/courriers/{}", letters[1])] {
        assert!(agent.get(path).body.contains("retenue par un agent"), "why, in French: {path}");
    }
    assert_eq!(turn(&mut agent, &letters[..2], "release", "vérifiée").status, 303);
    assert_eq!(state_of(&office, letters[0]), "queued");
    let page = agent.get(&format!("/94/courriers/{}", letters[0])).body;
    assert!(page.contains("libérée par un agent") && !page.contains("retenue par un agent"), "{page}");
    assert!(last_entry(&office, "letter.released").contains("vérifiée"));
}

#[test]
fn sending_is_stopped_and_goes_on_when_the_count_is_typed() {
    let office = SENT.copy();
    let letter = a_letter(&office, "accepted");
    office.change(&format!("UPDATE outbox SET state = 'deferred' WHERE letter_id = '{letter}'")).unwrap();
    let console = Console::of(&office);
    let mut agent = console.signed_in("operateur");
    assert_eq!(agent.post("/94/courriers/suspendre", &[("reason", "")]).status, 422);
    let paused = agent.submit("/94/courriers/suspendre", &[("reason", "mauvais en-tête")]);
    assert!(paused.body.contains("L’envoi est suspendu par local:operateur"), "{}", paused.body);
    assert!(paused.body.contains("mauvais en-tête") && paused.body.contains("1 lettre partirait"));
    assert!(last_entry(&office, "sending.paused").starts_with("local:operateur|"));
    let again = agent.submit("/94/courriers/suspendre", &[("reason", "autre")]);
    assert!(again.body.contains("avait déjà suspendu"));
    let refused = agent.post("/94/courriers/reprendre", &[("reason", "corrigé"), ("letters", "2")]);
    assert!(refused.status == 422 && refused.body.contains("Rien n’a été changé."));
    assert_eq!(agent.post("/94/courriers/reprendre", &[("reason", ""), ("letters", "1")]).status, 422);
    assert_eq!(office.one("SELECT count(*) FROM prefecture WHERE paused_at IS NULL"), "0");
    agent.submit("/94/courriers/reprendre", &[("reason", "corrigé"), ("letters", "1")]);
    assert_eq!(office.one("SELECT count(*) FROM prefecture WHERE paused_at IS NULL"), "1");
    assert!(last_entry(&office, "sending.resumed").contains("corrigé"));
}

/// Waits for the batch being prepared.
fn prepared(agent: &mut Browser) -> String {
    let page = agent.once_done("/94/courriers/lots").body;
    let lot = page.split("/94/courriers/lots/").nth(1).map(|rest| rest[..12].to_owned());
    lot.unwrap_or_else(|| panic!("no batch: {page}"))
}

#[test]
fn a_batch_is_prepared_downloaded_confirmed_by_its_count_and_what_returns_is_noted() {
    let office = SENT.copy();
    let waiting = office.one("SELECT count(*) FROM outbox WHERE state = 'to_post'");
    let console = Console::of(&office);
    let mut agent = console.signed_in("operateur");
    assert_eq!(agent.post("/94/courriers/lots", &[("reason", "")]).status, 422);
    agent.submit("/94/courriers/lots", &[("reason", "envoi du matin")]);
    let lot = prepared(&mut agent);
    assert!(last_entry(&office, "read.addresses").contains("envoi du matin"));
    let page = agent.get(&format!("/94/courriers/lots/{lot}")).body;
    assert!(page.contains("lettres-001.pdf") && page.contains(&format!("du lot\u{a0}: {waiting}")), "{page}");

    let zip = agent.get(&format!("/94/courriers/lots/{lot}/fichiers"));
    assert_eq!(zip.headers["content-type"], "application/zip");
    assert!(last_entry(&office, "read.addresses").contains(&lot), "whoever takes addresses is written down");
    let mut files = zip::ZipArchive::new(Cursor::new(zip.bytes)).unwrap();
    let names: Vec<String> = files.file_names().map(|name| name.unwrap().into_owned()).collect();
    assert_eq!(names, ["lettres-001.pdf", "adresses.csv", "manifest.json"]);
    let mut manifest = String::new();
    files.by_name("manifest.json").unwrap().read_to_string(&mut manifest).unwrap();
    // Same result as on the command line.
    office.ok(&["post", "--out", "a", "--json"]);
    assert_eq!(manifest, std::fs::read_to_string(office.path("a/manifest.json")).unwrap());

    let confirm = format!("/94/courriers/lots/{lot}/poste");
    assert_eq!(agent.post(&confirm, &[("letters", "1"), ("reason", "partis")]).status, 422);
    assert_eq!(agent.post(&confirm, &[("letters", &waiting), ("reason", "")]).status, 422);
    assert_eq!(office.one("SELECT count(*) FROM outbox WHERE state = 'posted'"), "0");
    let done = agent.submit(&confirm, &[("letters", &waiting), ("reason", "partis à 11 h")]);
    assert!(done.body.contains("marquées comme postées"), "{}", done.body);
    assert_eq!(office.one("SELECT count(*) FROM outbox WHERE state = 'posted'"), waiting);
    let entry = last_entry(&office, "letter.posted");
    assert!(entry.starts_with("local:operateur|") && entry.contains("partis à 11 h"), "{entry}");
    assert!(!office.path("post-batches").join(&lot).exists(), "names and addresses are kept no longer");
    assert_eq!(agent.post(&confirm, &[("letters", &waiting), ("reason", "encore")]).status, 404);

    let posted = office.one("SELECT reference FROM outbox WHERE state = 'posted' ORDER BY reference LIMIT 1");
    let came_back = "/94/courriers/retours";
    assert_eq!(agent.post(came_back, &[("reference", "RC"), ("reason", "x")]).status, 422);
    assert_eq!(agent.post(came_back, &[("reference", &posted), ("reason", "")]).status, 422);
    let back = agent.submit(came_back, &[("reference", &posted), ("reason", "NPAI")]);
    assert!(back.body.contains("sera convoquée de nouveau"), "{}", back.body);
    assert!(last_entry(&office, "letter.returned").contains("NPAI"));
    assert_eq!(agent.post(came_back, &[("reference", &posted), ("reason", "NPAI")]).status, 422, "once");
    assert_eq!(office.ok(&["ledger", "verify", "--json"])["valid"], true);
}

#[test]
fn letters_that_no_window_can_show_are_named_with_what_to_mend() {
    let office = SENT.copy();
    let waiting = office.one("SELECT count(*) FROM outbox WHERE state = 'to_post'");
    let console = Console::of(&office);
    let mut agent = console.signed_in("operateur");
    let word = "x".repeat(39);
    let long = |which: &str| {
        let whose = format!(
            "SELECT holder_id FROM convocation JOIN outbox USING (reference) WHERE outbox.state = 'to_post' {which}"
        );
        office.change(&format!("UPDATE holder SET address = '{word}' WHERE holder_id IN ({whose})")).unwrap();
    };
    let prepare = |agent: &mut Browser| {
        agent.submit("/94/courriers/lots", &[("reason", "essai")]);
        agent.once_done("/94/courriers/lots").body
    };
    let why = "un mot de la ligne 2 de l’adresse dépasse 38 caractères (NF Z 10-011)";
    let first = a_letter(&office, "to_post");
    long(&format!("AND letter_id = '{first}'"));
    let page = prepare(&mut agent);
    assert!(page.contains("est prêt.") && page.contains("1 lettre n’entre dans aucun lot"), "{page}");
    assert!(page.contains(&format!("{first}, {why}")), "{page}");

    long("");
    let page = prepare(&mut agent);
    assert!(page.contains("Aucune lettre n’a pu être mise en page.") && page.contains(why), "{page}");
    assert!(page.contains(&format!("{waiting} lettres n’entrent dans aucun lot")), "{page}");
}

#[test]
fn a_batch_that_is_given_up_leaves_its_letters_waiting() {
    let office = SENT.copy();
    let waiting = office.one("SELECT count(*) FROM outbox WHERE state = 'to_post'");
    let console = Console::of(&office);
    let mut agent = console.signed_in("operateur");
    agent.submit("/94/courriers/lots", &[("reason", "essai")]);
    let lot = prepared(&mut agent);
    let path = format!("/94/courriers/lots/{lot}/retrait");
    assert_eq!(agent.post(&path, &[("letters", "0"), ("reason", "essai")]).status, 422, "the count is typed");
    assert_eq!(agent.post(&path, &[("letters", &waiting), ("reason", "")]).status, 422, "and why");
    let gone = agent.submit(&path, &[("letters", &waiting), ("reason", "essai")]);
    assert!(last_entry(&office, "post.discarded").contains("essai"));
    assert!(gone.body.contains("Aucun lot n’est prêt."));
    assert_eq!(office.one("SELECT count(*) FROM outbox WHERE state = 'to_post'"), waiting);
    assert_eq!(agent.get(&format!("/94/courriers/lots/{lot}/fichiers")).status, 404);
}

#[test]
fn no_name_of_a_batch_leads_out_of_its_folder() {
    let office = SENT.copy();
    std::fs::create_dir(office.path("post-batches")).unwrap();
    let console = Console::of(&office);
    let mut agent = console.signed_in("operateur");
    for name in
        ["..", "%2e%2e", "..%2f..%2fetc", "%2fetc%2fpasswd", "0123456789AB", "0123456789ab", "a%00b", "convoke.toml"]
    {
        for rest in ["", "/fichiers"] {
            assert_eq!(agent.get(&format!("/94/courriers/lots/{name}{rest}")).status, 404, "{name}{rest}");
        }
    }
}

#[test]
fn what_nobody_understood_is_listed_and_shown_as_text() {
    let office = SENT.copy();
    let hostile = format!("{} <script>x</script> محمد someone@example.org", "é".repeat(260));
    for n in 0..60 {
        office
            .change(&format!(
                "INSERT INTO bounce (prefecture, sha256, letter_id, class, status, diagnostic, consequence, recorded_at)
                   VALUES ('94', '{n:064}', NULL, '{}', '5.0.0', '{hostile}', 'listed', '2026-11-20 10:00:00')",
                if n < 55 { "hard" } else { "unknown" }
            ))
            .unwrap();
    }
    let console = Console::of(&office);
    let mut reader = console.signed_in("lecteur");
    let page = reader.get("/94/courriers/retours").body;
    assert_eq!(page.matches("محمد").count(), 50);
    assert!(!page.contains("<script>x") && !page.contains("someone@example.org"));
    let next = page.split_once("\" rel=\"next\"").unwrap().0.rsplit_once("href=\"").unwrap().1;
    assert_eq!(reader.get(&next.replace("&amp;", "&")).body.matches("محمد").count(), 10);

    let hard = reader.get("/94/courriers/retours?nature=hard").body;
    let next = hard.split_once("\" rel=\"next\"").unwrap().0.rsplit_once("href=\"").unwrap().1;
    assert_eq!(hard.matches("محمد").count(), 50, "{hard}");
    assert_eq!(reader.get(&next.replace("&amp;", "&")).body.matches("<q>").count(), 5, "of the same kind");
    let csv = reader.get("/94/courriers/retours?nature=hard&format=csv").body;
    assert_eq!(csv.lines().count(), 56, "{csv}");
    assert!(csv.contains("lettre non remise") && !csv.contains("someone@example.org"), "{csv}");
    assert_eq!(reader.get("/94/courriers/retours?format=csv").body.lines().count(), 61, "all of them, not a page");
    assert!(reader.get("/94/courriers/retours?format=xlsx").bytes.starts_with(b"PK"));
    assert_eq!(reader.get("/94/courriers/retours?format=exe").status, 404);
    assert_eq!(reader.get("/94/courriers/retours?nature=other").status, 400);
}

#[test]
fn who_may_not_act_does_nothing_and_another_prefecture_s_letters_are_nowhere() {
    let office = SENT.copy();
    let letter = a_letter(&office, "accepted");
    office
        .change(&format!(
            "INSERT INTO outbox (prefecture, letter_id, reference, kind, revision, occasion, channel, state, data, template_hash,
                 attempts, uncertain, next_at, epoch, created_at)
               SELECT '75', 'RC-75-2026-0000001-A/convocation/0', 'RC-75-2026-0000001-A', kind, revision, occasion, channel, 'failed',
                 data, template_hash, attempts, uncertain, next_at, epoch, created_at FROM outbox WHERE letter_id = '{letter}'"
        ))
        .unwrap();
    let console = Console::of(&office);
    let mut agent = console.signed_in("operateur");
    assert_eq!(agent.get("/94/courriers/RC-75-2026-0000001-A/convocation/0").status, 404);
    assert!(!agent.get("/94/courriers?etat=failed").body.contains("RC-75"));
    let theirs = [("lettre", "RC-75-2026-0000001-A/convocation/0"), ("acte", "retry"), ("reason", "x")];
    assert_eq!(agent.post("/94/courriers/actes", &theirs).status, 409);
    let mut reader = console.signed_in("lecteur");
    for path in
        ["actes", "suspendre", "reprendre", "retours", "lots", "lots/0123456789ab/poste", "lots/0123456789ab/retrait"]
    {
        assert_eq!(reader.post(&format!("/94/courriers/{path}"), &[("reason", "x")]).status, 403, "{path}");
    }
    assert_eq!(reader.get("/94/courriers/lots/0123456789ab/fichiers").status, 403);
    let mut auditor = console.signed_in("auditeur");
    for path in [String::new(), "/lots".to_owned(), "/retours".to_owned(), format!("/{}", encoded(&letter))] {
        assert_eq!(auditor.get(&format!("/94/courriers{path}")).status, 403, "{path}");
    }
}
