//! Signing in and out.

use askama::Template;
use axum::http::{Method, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;

use crate::account::{self, Denied};
use crate::answer::{html, see};
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::oidc;
use crate::route::{Route, open, post};
use crate::session;
use crate::visit::{Call, Visit};
use crate::words::Language;
use convoke_domain::access::{Right, Role};
use convoke_domain::ids::sha256_hex;
use convoke_domain::ledger::Event;
use convoke_machine::entropy::Entropy;
use convoke_store::PendingSignIn;

pub(super) const ROUTES: &[Route] = &[
    open(Method::GET, "/connexion", show),
    open(Method::POST, "/connexion", submit),
    open(Method::GET, "/connexion/fournisseur", depart),
    open(Method::GET, "/connexion/retour", arrive),
    open(Method::GET, "/theme/{name}", theme),
    post(Right::SignedIn, "/deconnexion", leave),
    post(Right::SignedIn, "/langue", language),
];

#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct SignIn {
    frame: Frame,
    /// Where to go after signing in.
    target: String,
    /// Whether there is an identity provider.
    provider: bool,
    denied: Option<String>,
}

#[derive(Deserialize)]
struct Towards {
    #[serde(default)]
    vers: String,
    expire: Option<String>,
}

#[derive(Deserialize)]
struct Credentials {
    login: String,
    password: SecretString,
    #[serde(default)]
    digits: String,
    #[serde(default)]
    vers: String,
}

fn show(call: &mut Call<'_>) -> Answer {
    let towards: Towards = call.asked.query()?;
    let ended = towards.expire.map(|_| call.words().say("sign-in-ended"));
    form(call, towards.vers, ended)
}

fn form(call: &Call<'_>, target: String, denied: Option<String>) -> Answer {
    let provider = call.config().settings.http.oidc.is_some();
    html(&SignIn { frame: call.frame("sign-in-title"), target, provider, denied })
}

fn submit(call: &mut Call<'_>) -> Answer {
    let given: Credentials = call.asked.form()?;
    if !call.limits.may_sign_in(call.client) {
        return Err(Failure::TooOften);
    }
    let now = call.now();
    match account::verify(call.store, &given.login, &given.password, &given.digits, now)? {
        Ok(role) => {
            let actor = format!("local:{}", given.login);
            let token = enter(call, &actor, role, None)?;
            let mut response = see(&safe_target(call, &given.vers));
            call.give_token(&mut response, &token);
            Ok(response)
        }
        Err(denied) => {
            // The user is not told which it was.
            tracing::warn!(client = %call.client, locked = denied == Denied::Locked, "An attempt to sign in failed");
            let notice = call.words().say("sign-in-wrong");
            let mut response = form(call, given.vers, Some(notice))?;
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            Ok(response)
        }
    }
}

/// Redirects to the identity provider.
fn depart(call: &mut Call<'_>) -> Answer {
    let towards: Towards = call.asked.query()?;
    let Some(oidc) = &call.config().settings.http.oidc else { return Err(Failure::Missing) };
    if !call.limits.may_sign_in(call.client) {
        return Err(Failure::TooOften);
    }
    let left = match oidc::depart(oidc, &way_back(call), &mut Entropy::System) {
        Ok(left) => left,
        Err(error) => return away(call, towards.vers, &error),
    };
    let (browser, kept) = session::token(&mut Entropy::System)?;
    let (now, target) = (call.now(), safe_target(call, &towards.vers));
    let pending = PendingSignIn {
        state: left.state,
        browser: kept,
        nonce: left.nonce,
        verifier: left.verifier,
        target,
        began_at: now.naive_utc(),
    };
    session::tidy(call.store, &call.bureau.config.settings.http, now)?;
    call.store.write_rows(|s| s.keep_sign_in(&pending))?;
    let mut response = see(&left.url);
    let cookie = session::cookie(&call.config().settings.http, &departure_cookie(call), &browser, Some(600));
    call.set_cookie(&mut response, &cookie);
    Ok(response)
}

#[derive(Deserialize)]
struct Returned {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
}

/// The return from the provider. Only the browser that left can come back, once, and soon.
fn arrive(call: &mut Call<'_>) -> Answer {
    let returned: Returned = call.asked.query()?;
    let Some(oidc) = &call.config().settings.http.oidc else { return Err(Failure::Missing) };
    if !call.limits.may_sign_in(call.client) {
        return Err(Failure::TooOften);
    }
    let pending = call.store.write_rows(|s| s.take_sign_in(&returned.state))?;
    let browser = call.asked.cookie(&departure_cookie(call)).map(|token| sha256_hex(token.as_bytes()));
    let known = pending.filter(|p| browser.as_ref() == Some(&p.browser) && session::is_awaited(p.began_at, call.now()));
    let Some(pending) = known.filter(|_| !returned.code.is_empty()) else {
        let notice = call.words().say("sign-in-not-awaited");
        return form(call, String::new(), Some(notice));
    };
    let way_back = way_back(call);
    let arrival = oidc::arrive(oidc, &way_back, &returned.code, pending.verifier, pending.nonce, call.clock());
    let arrival = match arrival {
        Ok(arrival) => arrival,
        Err(error) => return away(call, pending.target, &error),
    };
    let actor = format!("oidc:{}", arrival.name);
    let Some(role) = arrival.role else {
        tracing::warn!("Somebody whom the identity provider knows has no role here");
        let notice = call.words().say("sign-in-no-role");
        return form(call, String::new(), Some(notice));
    };
    let token = enter(call, &actor, role, Some((&oidc.issuer, &arrival.subject)))?;
    let mut response = see(&pending.target);
    call.give_token(&mut response, &token);
    let gone = session::cookie(&call.config().settings.http, &departure_cookie(call), "", Some(0));
    call.set_cookie(&mut response, &gone);
    Ok(response)
}

/// The cookie held while the user is at the provider.
fn departure_cookie(call: &Call<'_>) -> String {
    session::cookie_name(&call.config().settings.http, call.store.prefecture()) + "-depart"
}

/// The address that the provider redirects to.
fn way_back(call: &Call<'_>) -> String {
    let http = &call.config().settings.http;
    let here = || format!("http://{}", http.listen);
    let origin = http.public_url.as_ref().map_or_else(here, |url| url.origin().ascii_serialization());
    format!("{origin}{}/connexion/retour", call.base())
}

/// The provider does not answer, or answers wrongly: local accounts still work.
fn away(call: &Call<'_>, target: String, error: &anyhow::Error) -> Answer {
    tracing::error!("The identity provider: {error:#}");
    form(call, target, Some(call.words().say("sign-in-provider-away")))
}

/// Signs a user in: starts a session with a new token, ends the browser's previous one, and records it in the ledger.
fn enter(call: &mut Call<'_>, actor: &str, role: Role, by: Option<(&url::Url, &str)>) -> anyhow::Result<String> {
    let (now, language) = (call.now(), call.words().language());
    session::tidy(call.store, &call.bureau.config.settings.http, now)?;
    let before = call.agent.take();
    call.store.write(|s| {
        if let Some(before) = before {
            s.end_session(&before.row.token)?;
        }
        let mut payload = serde_json::json!({"role": role.code()});
        // Names may be reassigned at the provider; the subject is not.
        if let Some((issuer, subject)) = by {
            payload["issuer"] = issuer.as_str().into();
            payload["subject"] = subject.into();
        }
        s.record(actor, now, vec![Event { kind: "console.signed_in", payload }])?;
        session::begin(s, actor, role, language, now)
    })
}

/// A page of this préfecture's console and nothing else, whatever the link says.
fn safe_target(call: &Call<'_>, target: &str) -> String {
    let home = format!("{}/", call.base());
    let plain = target.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'<' | b'>' | b'"'));
    let inside = target.starts_with(&home) && !target.contains("//") && !target.contains("..");
    if plain && inside { target.to_owned() } else { home }
}

fn leave(visit: &mut Visit<'_, '_>) -> Answer {
    let token = visit.agent().row.token.clone();
    visit.store.write_rows(|s| s.end_session(&token))?;
    visit.forget();
    let http = &visit.config().settings.http;
    let name = session::cookie_name(http, visit.store.prefecture());
    let mut response = see(&format!("{}/connexion", visit.base()));
    visit.set_cookie(&mut response, &session::cookie(http, &name, "", Some(0)));
    Ok(response)
}

#[derive(Deserialize)]
struct Chosen {
    langue: Language,
}

fn language(visit: &mut Visit<'_, '_>) -> Answer {
    let chosen: Chosen = visit.asked.form()?;
    visit.set_language(chosen.langue)?;
    let mut response = see(&format!("{}/", visit.base()));
    let cookie =
        session::cookie(&visit.config().settings.http, "convoke-langue", chosen.langue.code(), Some(31_536_000));
    visit.set_cookie(&mut response, &cookie);
    Ok(response)
}

/// A file of the préfecture's theme.
fn theme(call: &mut Call<'_>) -> Answer {
    call.bureau.theme.file(call.asked.part("name")).ok_or(Failure::Missing)
}
