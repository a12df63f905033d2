//! No address of the console, and no line of its log, contains personal data.

use std::collections::{BTreeSet, VecDeque};

use super::browser::{Console, PASSWORD};
use crate::support::{Office, Shape};

/// Personal data: names, numbers, addresses, telephones.
fn canaries(office: &Office) -> Vec<String> {
    let sql = "SELECT family_name, given_names, address, number, email, phone FROM holder";
    let all: BTreeSet<String> =
        office.query(sql).lines().flat_map(|line| line.split('|').map(str::to_lowercase)).collect();
    // Words of the pages themselves are not names.
    let names = all.into_iter().filter(|word| word.chars().count() > 5 && word != "adresse").collect::<Vec<_>>();
    assert!(names.len() > 500);
    names
}

/// The addresses in this préfecture that a page links or submits to.
fn addresses(body: &str) -> BTreeSet<String> {
    let found = ["href=\"", "action=\"", "src=\"", "data-refresh=\""]
        .iter()
        .flat_map(|head| body.match_indices(head).filter_map(|(at, _)| body[at + head.len()..].split('"').next()));
    found
        .filter(|path| path.starts_with("/94/"))
        .map(|path| path.split('#').next().unwrap().replace("&amp;", "&"))
        .collect()
}

#[test]
fn no_url_and_no_line_of_the_log_names_anybody() {
    let office = Office::new(Shape { permits: 400, seats: true });
    office.run(&[]);
    for role in ["administrateur", "operateur"] {
        super::browser::enrol(&office, role, role);
    }
    let console = Console::with(&office, &[("CONVOKE_LOG", "trace")]);
    let mut browser = console.signed_in("administrateur");
    let token = browser.cookies["convoke-94"].clone();
    let (name, holder, reference) = {
        let found = office.one(
            "SELECT h.family_name, h.holder_id, c.reference FROM convocation c JOIN holder h USING (holder_id)
               WHERE h.email IS NOT NULL AND length(h.family_name) > 5 ORDER BY c.reference LIMIT 1",
        );
        let parts: Vec<String> = found.split('|').map(str::to_owned).collect();
        (parts[0].clone(), parts[1].clone(), parts[2].clone())
    };
    // Found, read, corrected, written to again; requested and refused.
    let found = browser.submit("/94/personnes", &[("texte", &name)]);
    assert!(found.body.to_lowercase().contains(&name.to_lowercase()));
    let person = format!("/94/personnes/{holder}");
    let mended = [("courriel", "canari.nouveau@example.org"), ("reason", "the person wrote")];
    assert!(browser.submit(&format!("{person}/courriel"), &mended).body.contains("canari.nouveau@example.org"));
    let refused = [("courriel", "canari pas une adresse"), ("reason", "the person wrote")];
    assert_eq!(browser.post(&format!("{person}/courriel"), &refused).status, 409);
    browser.submit(&format!("{person}/suspension"), &[("acte", "suspendre"), ("reason", "the person wrote")]);
    browser.submit(&format!("{person}/suspension"), &[("acte", "lever"), ("reason", "the person wrote")]);
    assert_eq!(browser.get(&format!("/94/rendez-vous/{reference}/dates")).status, 200);
    browser.post("/94/apercu/calculer", &[]);
    browser.once_done("/94/apercu");
    let mut wrong = console.browser();
    wrong.post("/94/connexion", &[("login", "canari.login"), ("password", "canari, mot de passe")]);

    let mut canaries = canaries(&office);
    canaries.extend(["canari.nouveau", "canari pas une adresse", "canari, mot de passe"].map(str::to_owned));
    let tells = |text: &str| canaries.iter().find(|canary| text.contains(canary.as_str())).cloned();
    let (mut seen, mut to_see) = (BTreeSet::new(), VecDeque::from(["/94/".to_owned(), person.clone()]));
    // A few pages of each kind suffice, in the order of the links.
    let mut of_a_kind = std::collections::HashMap::<String, usize>::new();
    let mut read = BTreeSet::new();
    while let Some(path) = to_see.pop_front() {
        let kind: String = path.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).take(24).collect();
        let known = of_a_kind.entry(kind).or_default();
        *known += 1;
        if *known > 4 || path.contains("deconnexion") {
            continue;
        }
        let mut answer = browser.get(&path);
        while answer.status == 429 {
            // A refused request does not count against the limit: one of the next is answered.
            answer = browser.get(&path);
        }
        assert!(answer.status < 500 && !answer.location.contains("/connexion"), "{path}: {}", answer.body);
        if answer.status == 200 {
            read.insert(path.clone());
        }
        assert_eq!(tells(&answer.location.to_lowercase()), None, "{path} leads to {}", answer.location);
        if answer.headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
            for address in addresses(&answer.body) {
                let plain =
                    percent_encoding::percent_decode_str(&address.replace('+', " ")).decode_utf8_lossy().to_lowercase();
                assert_eq!(tells(&plain), None, "{path} has a link to {address}");
                if seen.insert(address.clone()) {
                    to_see.push_back(address);
                }
            }
        }
    }
    assert!(read.len() > 40, "{read:?}");
    for room in ["executions", "apercu", "personnes", "creneaux", "courriers", "demandes", "guichet", "audit"] {
        assert!(read.iter().any(|path| path.starts_with(&format!("/94/{room}"))), "{room}");
    }

    let log = console.log().to_lowercase();
    assert!(log.lines().count() > 100 && log.contains("answered"), "it says something");
    assert_eq!(tells(&log), None);
    for secret in [PASSWORD, &token, "canari"] {
        assert!(!log.contains(&secret.to_lowercase()), "{secret} is in the log");
    }
}
