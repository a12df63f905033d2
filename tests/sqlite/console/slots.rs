//! Créneaux: how full desks are, closing a day, the weeks ahead.

use chrono::{Datelike, Days, NaiveDate};

use super::browser::Console;
use crate::support::{Office, PLANNED, Shape, today};

/// The day with the most appointments at a site.
fn busiest(office: &Office) -> (String, String, usize) {
    let sql = "SELECT s.site, s.day, count(*) FROM reservation r JOIN slot s ON s.slot_id = r.slot_id GROUP BY s.site, s.day ORDER BY count(*) DESC, s.day LIMIT 1";
    let answer = office.query(sql);
    let mut parts = answer.trim().split('|');
    let mut next = || parts.next().unwrap().to_owned();
    (next(), next(), next().parse().unwrap())
}

#[test]
fn an_office_without_slots_says_so_and_nobody_who_only_reads_closes_anything() {
    let office = Office::new(Shape { permits: 50, seats: false });
    let console = Console::of(&office);
    let mut browser = console.signed_in("lecteur");
    let page = browser.get("/94/creneaux");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Aucun jour à venir n’est fermé à la main.") && page.body.contains("creteil/"));
    assert!(!page.body.contains("Fermer un jour"));
    for path in ["/94/creneaux/fermeture", "/94/creneaux/rouvrir"] {
        assert_eq!(browser.post(path, &[("lieu", "creteil"), ("jour", "2030-01-01"), ("raison", "x")]).status, 403);
    }
    for path in ["/94/creneaux/fermeture", "/94/creneaux/fermeture/resultat"] {
        assert_eq!(browser.get(path).status, 403, "{path}");
    }
    assert_eq!(console.signed_in("operateur").get("/94/creneaux/fermeture/resultat").status, 404);
    let weeks = browser.get("/94/creneaux/prevision");
    assert!(weeks.body.contains("Cette prévision n’a pas encore été calculée ici."), "{}", weeks.body);
}

#[test]
fn the_page_counts_seats_and_those_that_are_taken_as_the_database_does() {
    let office = &PLANNED.copy();
    let console = Console::of(office);
    let csv = console.signed_in("lecteur").get("/94/creneaux?format=csv").body;
    let (mut seats, mut taken) = (0, 0);
    for line in csv.lines().skip(1) {
        let cells: Vec<&str> = line.split(';').map(|cell| cell.trim_matches('"')).collect();
        seats += cells[3].parse::<u64>().unwrap();
        taken += cells[4].parse::<u64>().unwrap();
    }
    let monday = today() - Days::new(today().weekday().num_days_from_monday().into());
    let last = monday + Days::new(83);
    let between = format!("day BETWEEN '{}' AND '{last}'", today());
    let sum = |sql: &str| office.query(sql).trim().parse::<u64>().unwrap();
    assert_eq!(seats, sum(&format!("SELECT sum(seats) FROM slot WHERE {between}")));
    let reserved = "SELECT count(*) FROM reservation r JOIN slot s ON s.slot_id = r.slot_id WHERE s.";
    assert_eq!(taken, sum(&format!("{reserved}{between}")));
    assert!(taken > 0);
}

#[test]
fn closures_of_the_agenda_are_listed_beside_those_by_hand_and_past_ones_are_not() {
    let office = PLANNED.copy();
    let file = office.path("config/agenda.toml");
    let closure = |from: NaiveDate, to: NaiveDate, reason: &str| {
        format!("\n[[closure]]\nsite = \"creteil\"\nfrom = {from}\nto = {to}\nreason = \"{reason}\"\n")
    };
    let (yesterday, tomorrow) = (today() - Days::new(1), today() + Days::new(1));
    let agenda = std::fs::read_to_string(&file).unwrap();
    let closures = closure(yesterday, yesterday, "inventaire") + &closure(tomorrow, tomorrow + Days::new(2), "travaux");
    std::fs::write(file, agenda + &closures).unwrap();
    let page = Console::of(&office).signed_in("lecteur").get("/94/creneaux");
    assert!(page.body.contains("travaux") && page.body.contains("Fermetures prévues par l’agenda"), "{}", page.body);
    assert!(!page.body.contains("inventaire"), "{}", page.body);
}

#[test]
fn a_day_is_closed_after_the_count_was_typed_and_opened_again() {
    let office = PLANNED.copy();
    let (site, day, expected) = busiest(&office);
    let console = Console::of(&office);
    let mut browser = console.signed_in("operateur");
    let page = format!("/94/creneaux/fermeture?lieu={site}&jour={day}");
    let ask = browser.get(&page);
    assert!(!ask.body.contains("Fermer ce jour"), "what it costs is said before it asks");
    let would = office.answer(&["agenda", "close", &site, &day, "--dry-run", "--reason", "chauffage", "--json"]);
    browser.submit("/94/creneaux/fermeture/cout", &[("lieu", &site), ("jour", &day)]);
    let ask = browser.once_done(&page);
    let moved = would["cost"]["moved"].as_u64().unwrap();
    assert!(moved > 1 && ask.body.contains(&format!("{moved} personnes reçoivent un autre")), "{}", ask.body);
    assert_eq!(office.query("SELECT count(*) FROM closed_day").trim(), "0", "nothing is kept of it");
    assert!(ask.body.contains(&format!("nombre de personnes attendues\u{a0}: {expected}")), "{}", ask.body);
    let path = "/94/creneaux/fermeture";
    let count = expected.to_string();
    let form =
        |reason, typed| [("lieu", site.as_str()), ("jour", day.as_str()), ("raison", reason), ("personnes", typed)];
    assert_eq!(browser.post(path, &form("", &count)).status, 422);
    assert_eq!(browser.post(path, &form("chauffage en panne", "oui")).status, 422);
    assert_eq!(office.query("SELECT count(*) FROM closed_day").trim(), "0");
    for (lieu, jour, status) in
        [("nulle-part", day.as_str(), 409), (&site, "2020-01-06", 409), (&site, "x", 400), ("<script>", &day, 409)]
    {
        let form = [("lieu", lieu), ("jour", jour), ("raison", "essai"), ("personnes", "0")];
        let answer = browser.post(path, &form);
        assert_eq!(answer.status, status, "{lieu} {jour}: {}", answer.body);
        assert!(!answer.body.contains("<script>"));
    }

    let reason = "chauffage <script> دفء";
    browser.submit(path, &form(reason, &count));
    let done = browser.once_done("/94/creneaux");
    assert!(done.body.contains("est fermé le"), "{}", done.body);
    assert!(done.body.contains("chauffage &#60;script&#62; دفء") && !done.body.contains("chauffage <script>"));
    let shown = office.query("SELECT actor, payload FROM ledger_entry WHERE kind = 'agenda.closed'");
    assert!(shown.starts_with("local:operateur|") && shown.contains("chauffage"), "{shown}");
    let hit = browser.get("/94/creneaux/fermeture/resultat");
    assert_eq!(hit.body.matches("<th scope=\"row\">RC-94-").count(), expected, "{}", hit.body);
    // It shows telephone numbers: only to the user who closed the day.
    assert_eq!(console.signed_in("administrateur").get("/94/creneaux/fermeture/resultat").status, 404);
    office.assert_promises();

    // By mistake: each of them gets the former seat back.
    let acts = browser.get("/94/annulations");
    let act = office.one("SELECT max(seq) FROM ledger_entry WHERE kind = 'agenda.closed'");
    assert!(
        acts.body.contains(&format!("/94/annulations/{act}\"")) && acts.body.contains("Jour fermé"),
        "{}",
        acts.body
    );
    let one = format!("/94/annulations/{act}");
    let shown = browser.get(&one);
    assert!(shown.body.contains(&format!("{expected} éléments seraient rétablis")), "{}", shown.body);
    assert_eq!(office.one("SELECT count(*) FROM closed_day"), "1", "nothing is kept of it");
    assert_eq!(browser.post(&one, &[("reason", "mauvais jour"), ("confirmation", "oui")]).status, 422);
    assert_eq!(browser.post(&one, &[("reason", ""), ("confirmation", &act)]).status, 422);
    let undone = browser.submit(&one, &[("reason", "mauvais jour"), ("confirmation", &act)]);
    assert!(undone.body.contains(&format!("{expected} éléments ont été rétablis")), "{}", undone.body);
    assert_eq!(busiest(&office), (site.clone(), day.clone(), expected));
    assert_eq!(browser.get(&one).status, 409, "undone once");
    assert_eq!(console.signed_in("lecteur").get("/94/annulations").status, 403);
    office.assert_promises();
    browser.submit(path, &form(reason, &count));
    browser.once_done("/94/creneaux");

    let reopen = [("lieu", site.as_str()), ("jour", day.as_str())];
    assert_eq!(browser.post("/94/creneaux/rouvrir", &reopen).status, 422);
    let again = [reopen[0], reopen[1], ("raison", "réparé")];
    assert!(browser.submit("/94/creneaux/rouvrir", &again).body.contains("est rouvert le"));
    assert!(browser.submit("/94/creneaux/rouvrir", &again).body.contains("Rien n’a changé"));
    let shown = office.query("SELECT actor, payload FROM ledger_entry WHERE kind = 'agenda.reopened'");
    assert!(shown.starts_with("local:operateur|") && shown.contains("réparé"), "{shown}");
}

#[test]
fn a_forecast_answers_what_if_as_the_command_line_does() {
    let office = PLANNED.copy();
    let console = Console::of(&office);
    let mut browser = console.signed_in("lecteur");
    for wrong in ["semaines=0", "places=beaucoup", "pluriannuel=-5%25", "ajout=creteil", "ajout=x/y/2026-W50=3"] {
        assert_eq!(browser.get(&format!("/94/creneaux/prevision?{wrong}")).status, 422, "{wrong}");
    }
    let form = [("semaines", "8"), ("places", "-50%"), ("pluriannuel", ""), ("ajout", "")];
    browser.submit("/94/creneaux/prevision", &form);
    let path = "/94/creneaux/prevision?semaines=8&places=-50%25";
    let page = browser.once_done(path);
    let shown = office.answer(&["forecast", "--weeks", "8", "--slots", "-50%", "--json"]);
    assert!(page.body.contains("Personnes et places par semaine"), "{}", page.body);
    let csv = browser.get(&format!("{path}&liste=semaines&format=csv")).body;
    let due = |line: &str| line.split(';').nth(2).unwrap().trim_matches('"').parse::<u64>().unwrap();
    assert_eq!(csv.lines().skip(1).map(due).sum::<u64>(), shown["due"].as_u64().unwrap());
    assert_eq!(csv.lines().count(), 9);
    assert!(browser.get(&format!("{path}&liste=guichets&format=xlsx")).bytes.starts_with(b"PK"));
    // A forecast with other parameters has not been computed yet.
    assert!(browser.get("/94/creneaux/prevision?semaines=9").body.contains("pas encore été calculée"));
    // An extra seat in a week outside this forecast.
    let far = NaiveDate::from_ymd_opt(today().year() + 3, 3, 3).unwrap().iso_week();
    let desk = shown["desks"][0]["desk"].as_str().unwrap();
    let extra = format!("{}/{desk}/{}-W{:02}=2", shown["desks"][0]["site"].as_str().unwrap(), far.year(), far.week());
    browser.submit("/94/creneaux/prevision", &[("ajout", extra.as_str())]);
    let refused = browser.once_done(&format!("/94/creneaux/prevision?ajout={}", super::browser::encoded(&extra)));
    assert!(refused.body.contains("une semaine ouverts de cette prévision"), "{}", refused.body);
}
