//! The planner uses the indexes made for it: the server logs the plans of the program's own statements.

use crate::support::postgres::Cluster;
use crate::support::{Office, Shape};

/// Permits and letters of several years, of which a night needs only a few.
const YEARS: &str = "
    INSERT INTO permit (prefecture, permit_id, holder_id, number, kind, mention, valid_from, expires_on, status, commune, absent, held,
            superseded, fingerprint, first_seen, rule, rule_since, rule_run, review_on)
        SELECT prefecture, permit_id || '-' || i, holder_id, number, kind, mention, valid_from, '2040-01-01', status, commune, absent, held,
            superseded, fingerprint, first_seen, 'not-yet-due', first_seen, rule_run, '2039-01-01'
        FROM permit, generate_series(1, 100) i;
    INSERT INTO outbox (prefecture, letter_id, reference, kind, revision, occasion, channel, state, recipient, data, template_hash, attempts,
            uncertain, next_at, epoch, created_at)
        SELECT prefecture, letter_id || '/' || i, reference, kind, revision + i, occasion, channel, 'accepted', recipient, data,
            template_hash, 1, 0, next_at, 1, created_at
        FROM outbox, generate_series(1, 200) i WHERE channel = 'email';
    ANALYZE;";

/// Logged plans of the statements that contain these words.
fn plans<'l>(log: &'l str, words: &[&str]) -> Vec<&'l str> {
    log.split("LOG:  duration: ").skip(1).filter(|entry| words.iter().all(|w| entry.contains(w))).collect()
}

#[test]
fn a_night_a_claim_and_a_history_read_only_what_they_need() {
    let own: &'static Cluster = Box::leak(Box::new(Cluster::start()));
    let office = Office::on(Some(own), Shape { permits: 600, seats: true }, None);
    office.run(&[]);
    office.change(YEARS).unwrap();
    let explained = format!(
        "{}&options=-c%20session_preload_libraries%3Dauto_explain%20-c%20auto_explain.log_min_duration%3D0",
        office.url()
    );
    office.answer(&["--database", &explained, "plan", "--json"]);
    // Few letters per claim, hence many claims: after several the server makes a generic plan.
    let mut dispatch = office.command(&["--database", &explained, "dispatch", "--until-empty", "--json"]);
    let sent = dispatch.env("CONVOKE__DISPATCH__SESSIONS", "1").env("CONVOKE__DISPATCH__RENDER_THREADS", "1").output();
    assert_eq!(sent.unwrap().status.code(), Some(0));
    let log = own.log();
    let scans = plans(&log, &["\"permit\".\"review_on\" <=", "\"permit\".\"mention\""]);
    assert!(!scans.is_empty(), "the window scan was not seen");
    assert!(scans.iter().all(|p| p.contains("permit_by_review")), "{scans:?}");
    let claims = plans(&log, &["UPDATE outbox SET state = 'leased'"]);
    assert!(claims.len() > 6, "{} claims: enough for a plan that knows no values", claims.len());
    assert!(claims.iter().all(|p| p.contains("outbox_claimable")), "{claims:?}");
    let looked_at = plans(&log, &["convocation_state", "outbox.letter_id = $2"]);
    assert!(looked_at.len() > 6);
    assert!(
        looked_at.iter().all(|p| !p.contains("Seq Scan on outbox") && !p.contains("Seq Scan on permit")),
        "{}",
        looked_at[0]
    );

    // One person's history, at the counter.
    let number =
        office.query("SELECT number FROM holder WHERE holder_id IN (SELECT holder_id FROM convocation) LIMIT 1");
    let before = own.log().len();
    office.answer(&["--database", &explained, "permit", "timeline", number.trim(), "--json"]);
    let log = own.log();
    let history = plans(&log[before..], &["SELECT"]);
    for table in ["permit", "outbox", "convocation", "delivery_attempt"] {
        assert!(history.iter().any(|p| p.contains(&format!("FROM \"{table}\""))), "{table} was not read");
    }
    let whole: Vec<_> = history
        .iter()
        .filter(|p| ["permit", "outbox"].iter().any(|t| p.contains(&format!("Seq Scan on {t} "))))
        .collect();
    assert!(whole.is_empty(), "{whole:?}");
}
