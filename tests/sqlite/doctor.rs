//! What `convoke doctor` reports, and where each setting comes from.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::LazyLock;

use convoke_dispatch::sink::{Act, Sink};
use convoke_dispatch::smtp::Stage;
use serde_json::Value;

use crate::support::{Office, Shape};

static OFFICE: LazyLock<Office> = LazyLock::new(|| Office::new(Shape { permits: 50, seats: true }));

/// The failed checks by name, and all checks.
fn doctor(office: &Office, settings: &[(&str, &str)]) -> (i32, Vec<(String, String, String)>, Value) {
    let output = office.command(&["doctor", "--json"]).envs(settings.iter().copied()).output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    let text = |f: &Value, name: &str| f[name].as_str().unwrap_or_default().to_owned();
    let wrong = answer["findings"].as_array().unwrap().iter().filter(|f| f["ok"] == false);
    let wrong = wrong.map(|f| (text(f, "what"), text(f, "told"), text(f, "remedy"))).collect();
    (output.status.code().unwrap(), wrong, answer)
}

#[test]
fn an_office_that_is_well_is_reported_line_by_line() {
    let office = OFFICE.copy();
    let (code, wrong, answer) = doctor(&office, &[]);
    assert_eq!((code, wrong), (0, vec![]), "{answer}");
    let looked: Vec<&str> =
        answer["findings"].as_array().unwrap().iter().map(|f| f["what"].as_str().unwrap()).collect();
    let all = ["settings", "templates", "secrets", "zones", "database", "extract", "agenda", "disk", "relay"];
    assert!(all.iter().all(|what| looked.contains(what)), "{looked:?}");
}

#[test]
fn what_is_wrong_comes_with_its_remedy() {
    let office = OFFICE.copy();
    office.change("DELETE FROM slot").unwrap();
    office.change("UPDATE import_batch SET imported_on = '2026-01-01', as_of = '2026-01-01'").unwrap();
    let key = office.path("keys/letter-code.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    // Nothing listens on a port that was just released.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fs::create_dir_all(office.path("words/fr")).unwrap();
    fs::write(office.path("words/fr/reminder.md"), "{{ nobody.knows }}").unwrap();
    let url = format!("smtp://{closed}");
    let (code, wrong, _) = doctor(&office, &[("CONVOKE__SMTP__URL", &url), ("CONVOKE__FILES__TEMPLATES", "words")]);
    assert_eq!(code, 1);
    let expected = [
        ("templates", "fr/reminder.md", "convoke templates check"),
        ("secrets", "644", "chmod 600"),
        ("extract", "days old", "convoke import permits"),
        ("agenda", "0 days ahead", "convoke agenda generate --until"),
        ("relay", "refused", "host, port"),
    ];
    assert_eq!(wrong.len(), expected.len(), "{wrong:?}");
    for ((what, answered, remedy), expected) in wrong.iter().zip(expected) {
        assert_eq!(what, expected.0, "{wrong:?}");
        assert!(answered.contains(expected.1) && remedy.contains(expected.2), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_is_called_logged_in_to_and_left_without_a_letter() {
    let office = OFFICE.copy();
    let sink =
        Sink::start(
            |turn| if turn.stage == Stage::Auth && turn.session > 1 { Act::say("535 5.7.8 no") } else { Act::Usual },
        )
        .await
        .unwrap();
    let password = office.path("password");
    fs::write(&password, "a-password\n").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    let (url, file) = (format!("smtp://agent@{}", sink.addr), password.display().to_string());
    let settings = [("CONVOKE__SMTP__URL", url.as_str()), ("CONVOKE__SMTP__PASSWORD_FILE", file.as_str())];
    let (code, wrong, _) = tokio::task::block_in_place(|| doctor(&office, &settings));
    assert_eq!((code, wrong), (0, vec![]));
    let (code, wrong, answer) = tokio::task::block_in_place(|| doctor(&office, &settings));
    assert_eq!((code, wrong.len()), (1, 1), "{wrong:?}");
    assert!(wrong[0].2.contains("password"), "{wrong:?}");
    assert!(!answer.to_string().contains("a-password"));
    assert_eq!(sink.messages(), [], "no letter");
}

#[test]
fn every_setting_says_where_it_comes_from_and_no_secret_is_shown() {
    let office = OFFICE.copy();
    let secret = "an-open-sesame";
    let output = office
        .command(&["config", "show", "--json", "--database", "sqlite:convoke.sqlite3"])
        .env_remove("CONVOKE__DATABASE__URL")
        .env("CONVOKE__SMTP__PASSWORD", secret)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains(secret));
    let answer: Value = serde_json::from_str(&text).unwrap();
    let origin = |key: &str| {
        let found = answer["settings"].as_array().unwrap().iter().find(|s| s["key"] == key);
        found.unwrap_or_else(|| panic!("{key}: {text}"))["origin"].as_str().unwrap().to_owned()
    };
    assert_eq!(origin("database.url"), "--database");
    assert_eq!(origin("dispatch.hours"), "CONVOKE__DISPATCH__HOURS");
    assert_eq!(origin("smtp.password"), "CONVOKE__SMTP__PASSWORD");
    assert_eq!(origin("dispatch.sessions"), "default");
    let line_of = |file: &str, key: &str| {
        let text = fs::read_to_string(office.path(file)).unwrap();
        text.lines().position(|l| l.starts_with(key)).unwrap() + 1
    };
    assert_eq!(origin("prefecture.code"), format!("convoke.toml:{}", line_of("convoke.toml", "code")));
    let horizon = line_of("config/policy.toml", "horizon_days");
    assert_eq!(origin("policy.horizon_days"), format!("config/policy.toml:{horizon}"));
    // A URL may contain passwords in several places.
    let url =
        format!("postgres://office:{secret}@127.0.0.1/office?sslmode=require&password={secret}&sslpassword={secret}");
    let output = office.output(&["config", "show", "--database", &url]);
    let answered = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{answered}");
    let shown = "postgres://office:***@127.0.0.1/office?sslmode=require&password=***&sslpassword=***";
    assert!(answered.contains(shown) && !answered.contains(secret), "{answered}");
}

#[test]
fn a_setting_that_nothing_reads_is_refused_with_what_was_meant() {
    let office = OFFICE.copy();
    let file = office.path("convoke.toml");
    let text = fs::read_to_string(&file).unwrap().replace("\nretry_first_s", "\nretry_frist_s");
    fs::write(&file, text).unwrap();
    let output = office.output(&["config", "check"]);
    let answered = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{answered}");
    assert!(answered.contains("did you mean `retry_first_s`?") && answered.contains("line "), "{answered}");
}

#[test]
fn the_schema_for_editors_knows_every_section_and_every_word() {
    let office = OFFICE.copy();
    let schema = office.ok(&["config", "schema", "--json"]);
    let sections = ["prefecture", "database", "files", "smtp", "dispatch", "letters", "serve", "http", "import"];
    assert!(sections.iter().all(|s| schema["properties"][s].is_object()), "{schema}");
    assert_eq!(schema["$defs"]["Role"]["enum"], serde_json::json!(["scheduler", "dispatch", "http"]));
    assert_eq!(schema["$defs"]["Dispatch"]["additionalProperties"], false);
}

#[test]
fn a_variable_that_nothing_reads_is_named_as_it_was_set() {
    let office = Office::new(Shape { permits: 0, seats: false });
    for (variable, meant) in [("CONVOKE__DISPATCH__HOUR", "hours"), ("CONVOKE__DISPTCH__HOURS", "dispatch")] {
        let output = office.command(&["config", "check"]).env(variable, "always").output().unwrap();
        let answered = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{answered}");
        let named = variable.trim_end_matches("__HOURS");
        assert!(answered.contains(&format!("({named})")) && answered.contains(meant), "{answered}");
    }
}

#[test]
fn an_unknown_zone_is_refused_with_a_list_of_known_ones() {
    let office = Office::new(Shape { permits: 0, seats: false });
    let refused = |answered: &str| answered.contains("`Europe/Londres`") && answered.contains("Europe/Paris, ");
    let output =
        office.command(&["config", "check"]).env("CONVOKE__PREFECTURE__ZONE", "Europe/Londres").output().unwrap();
    let answered = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(78) && refused(&answered), "{answered}");
    assert!(answered.contains("`prefecture.zone` (CONVOKE__PREFECTURE__ZONE)"), "{answered}");
    let file = office.path("config/agenda.toml");
    let text =
        fs::read_to_string(&file).unwrap().replacen("\nzone = \"Europe/Paris\"", "\nzone = \"Europe/Londres\"", 1);
    fs::write(&file, text).unwrap();
    let output = office.output(&["config", "check"]);
    let answered = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(78) && refused(&answered) && answered.contains("agenda.toml"), "{answered}");
}
