//! The way in, and who may go where.

use super::support::console::Console;
use super::support::{Office, Shape};

#[test]
fn whoever_signs_in_sees_the_home_page_and_whoever_does_not_sees_nothing() {
    let office = Office::new(Shape { permits: 50, seats: true });
    let console = Console::of(&office);
    let mut nobody = console.browser();
    for path in ["/94/", "/94/personnes", "/94/rien", "/94/executions/x"] {
        let answer = nobody.get(path);
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.location.starts_with("/94/connexion?vers=") && answer.body.is_empty(), "{path}");
    }
    let wrong = nobody.post("/94/connexion", &[("login", "lecteur"), ("password", "not this sentence")]);
    assert_eq!(wrong.status, 401);
    assert!(wrong.body.contains("Identifiant, mot de passe ou code inexact."));
    let home = console.signed_in("lecteur").get("/94/");
    assert_eq!(home.status, 200);
    assert!(home.body.contains("local:lecteur (lecteur)") && home.body.contains("<h1>Accueil</h1>"));
}
