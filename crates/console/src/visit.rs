//! What a page works with: the request, its user and the préfecture.

use std::net::IpAddr;
use std::ops::{Deref, DerefMut};

use anyhow::Result;
use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use super::limits::network;
use super::page::{Answer, Failure, Frame, see};
use super::pages::{Page, Route};
use super::session::{self, Agent};
use super::words::{Language, Words};
use super::{Bureau, Console, asked::Asked, is_html};
use convoke_domain::access::Right;
use convoke_domain::ids::HolderId;
use convoke_domain::ledger::Event;
use convoke_domain::permit::Holder;
use convoke_machine::clock::Clock;
use convoke_machine::entropy::Entropy;
use convoke_office::acts::Hand;
use convoke_settings::Configuration;
use convoke_store::Store;

/// A request by anyone.
pub(super) struct Call<'a> {
    pub(super) console: &'a Console,
    pub(super) bureau: &'a Bureau,
    pub(super) store: &'a mut Store,
    pub(super) asked: Asked,
    pub(super) client: IpAddr,
    /// The user, once known; error pages use it too.
    pub(super) agent: Option<Agent>,
}

/// A request by a signed-in user with the required right.
pub(super) struct Visit<'c, 'a> {
    call: &'c mut Call<'a>,
    agent: Agent,
}

impl<'a> Deref for Visit<'_, 'a> {
    type Target = Call<'a>;
    fn deref(&self) -> &Call<'a> {
        self.call
    }
}

impl DerefMut for Visit<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.call
    }
}

impl<'a> Call<'a> {
    pub(super) fn new(
        console: &'a Console,
        bureau: &'a Bureau,
        store: &'a mut Store,
        asked: Asked,
        client: IpAddr,
    ) -> Self {
        Self { console, bureau, store, asked, client, agent: None }
    }

    /// The answer of a route, if the user has the right.
    pub(super) fn answer(&mut self, route: &Route) -> Answer {
        let http = &self.bureau.config.settings.http;
        let agent = session::resume(self.store, http, &self.asked, self.now())?;
        self.agent.clone_from(&agent);
        let who = agent.as_ref().map_or_else(|| network(self.client), |a| a.row.began_at.to_string() + &a.actor);
        if !self.console.limits.may_ask(&who) {
            return Err(Failure::TooOften);
        }
        match route.page {
            Page::Open(page) => page(self),
            Page::Inside(right, page) => {
                let Some(agent) = agent else { return Ok(self.to_sign_in()) };
                if !agent.role.may(right) {
                    return Err(Failure::Forbidden);
                }
                let shown = agent.row.notice.clone();
                let mut visit = Visit { call: self, agent };
                let response = page(&mut visit)?;
                if let Some(shown) = shown.filter(|_| visit.asked.method == Method::GET && is_html(&response)) {
                    let token = visit.agent.row.token.clone();
                    visit.store.write_rows(|s| s.set_notice(&token, None, Some(&shown)))?;
                }
                Ok(response)
            }
        }
    }

    /// Adds the new token to a response.
    pub(super) fn finish(&self, mut response: Response) -> Response {
        if let Some(token) = self.agent.as_ref().and_then(|agent| agent.fresh.as_ref()) {
            self.give_token(&mut response, token);
        }
        response
    }

    /// Redirects to the sign-in page, and from there to the requested one.
    fn to_sign_in(&self) -> Response {
        let base = self.base();
        let encoded =
            |path| percent_encoding::utf8_percent_encode(path, percent_encoding::NON_ALPHANUMERIC).to_string();
        if self.asked.method == Method::GET {
            return see(&format!("{base}/connexion?vers={}", encoded(self.asked.path_and_query())));
        }
        // The submitted form is lost: the message says so, and the next page is the one with the form.
        let referer = self.asked.headers.get(header::REFERER).and_then(|r| r.to_str().ok()).unwrap_or_default();
        let path = referer.find(&format!("{base}/")).map_or("", |at| &referer[at..]);
        see(&format!("{base}/connexion?expire=oui&vers={}", encoded(path)))
    }

    pub(super) fn give_token(&self, response: &mut Response, token: &str) {
        let http = &self.bureau.config.settings.http;
        let name = session::cookie_name(http, self.bureau.code());
        self.set_cookie(response, &session::cookie(http, &name, token, None));
    }

    #[expect(clippy::unused_self, reason = "reads as what it does")]
    pub(super) fn set_cookie(&self, response: &mut Response, cookie: &str) {
        // The characters of our cookies are valid in a header.
        if let Ok(value) = HeaderValue::from_str(cookie) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }

    /// `/94`.
    pub(super) fn base(&self) -> String {
        format!("/{}", self.bureau.code())
    }

    pub(super) fn config(&self) -> &'a Configuration {
        &self.bureau.config
    }

    pub(super) fn clock(&self) -> &'a Clock {
        &self.console.clock
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.console.clock.now()
    }

    /// Today, in the préfecture.
    pub(super) fn today(&self) -> NaiveDate {
        self.console.clock.today(self.config().settings.prefecture.zone)
    }

    pub(super) fn words(&self) -> Words {
        let asked = || self.asked.cookie("convoke-langue").and_then(|l| l.parse().ok()).unwrap_or(Language::Fr);
        let language = self.agent.as_ref().map_or_else(asked, |a| a.language);
        Words::of(language, self.config().settings.prefecture.zone)
    }

    /// The frame of a page; `title` is the text key of its title.
    pub(super) fn frame(&self, title: &str) -> Frame {
        Frame::new(self, title)
    }
}

impl Visit<'_, '_> {
    /// The user.
    pub(super) fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Whether the user also has this right.
    pub(super) fn may(&self, right: Right) -> bool {
        self.agent.role.may(right)
    }

    /// Acts in the user's name, for a reason that may stay in the ledger for ever.
    pub(super) fn by_hand<T>(
        &mut self,
        reason: &str,
        act: impl FnOnce(&mut Store, &mut Hand<'_>) -> Result<T>,
    ) -> Result<T, Failure> {
        let reason = convoke_office::acts::reason(reason).map_err(Failure::Reason)?;
        let (config, clock) = (self.config(), self.clock());
        let mut hand = Hand { clock, entropy: &mut Entropy::System, config, actor: &self.agent.actor, reason };
        Ok(act(self.call.store, &mut hand)?)
    }

    /// Records that the user is about to see personal data, before they do.
    pub(super) fn reads(&mut self, kind: &'static str, payload: Value) -> Result<()> {
        let (actor, now) = (self.agent.actor.clone(), self.now());
        self.call.store.write(|s| s.record(&actor, now, vec![Event { kind, payload }]))
    }

    /// The same for one person. Key and entry are written in one transaction, so that the disk is waited for once.
    pub(super) fn reads_about(&mut self, kind: &'static str, id: &HolderId, holder: &Holder) -> Result<()> {
        let (actor, now) = (self.agent.actor.clone(), self.now());
        self.call.store.write(|s| {
            let commitment = s.commitments(&[(&id.0, &holder.number)], &mut Entropy::System)?.remove(0);
            s.record(&actor, now, vec![Event { kind, payload: json!({"holder": commitment}) }])
        })
    }

    /// Redirects after an act, with a message shown once. The message is never in the address.
    #[expect(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "what a page ends with")]
    pub(super) fn done(&mut self, notice: String, path: &str) -> Answer {
        let token = self.agent.row.token.clone();
        // The act is done, even if the message is lost.
        if let Err(error) = self.call.store.write_rows(|s| s.set_notice(&token, Some(&notice), None)) {
            tracing::error!("What came of an act could not be kept for the next page: {error:#}");
        }
        Ok(see(&format!("{}{path}", self.base())))
    }

    /// Stores the search text, so that it need not be in the address of the results.
    pub(super) fn seek(&mut self, sought: &str) -> Result<()> {
        let token = self.agent.row.token.clone();
        self.agent.row.sought = Some(sought.to_owned());
        self.call.store.write_rows(|s| s.set_sought(&token, sought))
    }

    pub(super) fn set_language(&mut self, language: Language) -> Result<()> {
        let token = self.agent.row.token.clone();
        self.call.store.write_rows(|s| s.set_language(&token, language.code()))
    }

    /// Forgets a user who has signed out.
    pub(super) fn forget(&mut self) {
        self.call.agent = None;
    }
}
