//! What a page is given: who asks, for what, of which préfecture.

use std::net::IpAddr;
use std::ops::{Deref, DerefMut};

use anyhow::Result;
use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

use super::page::{Answer, Failure, Frame, see};
use super::pages::{Page, Route};
use super::session::{self, Agent};
use super::words::{Language, Words};
use super::{Bureau, Console, asked::Asked, is_html};
use crate::access::Right;
use crate::acts::Hand;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::ledger::Event;
use crate::settings::Configuration;
use crate::store::Store;

/// A request that somebody makes, whoever it is.
pub(super) struct Call<'a> {
    pub(super) console: &'a Console,
    pub(super) bureau: &'a Bureau,
    pub(super) store: &'a mut Store,
    pub(super) asked: Asked,
    pub(super) client: IpAddr,
    /// Who asks, once that is known; for the frame of what goes wrong too.
    pub(super) agent: Option<Agent>,
}

/// A request of somebody who is signed in and has the right to make it.
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

    /// The answer of a route, if whoever asks may have it.
    pub(super) fn answer(&mut self, route: &Route) -> Answer {
        let http = &self.bureau.config.settings.http;
        let agent = session::resume(self.store, http, &self.asked, self.now())?;
        self.agent.clone_from(&agent);
        let who = agent.as_ref().map_or_else(|| self.client.to_string(), |a| a.row.began_at.to_string() + &a.actor);
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
                let (fresh, shown) = (agent.fresh.clone(), agent.row.notice.is_some());
                let mut visit = Visit { call: self, agent };
                let mut response = page(&mut visit)?;
                if shown && visit.asked.method == Method::GET && is_html(&response) {
                    visit.agent.row.notice = None;
                    visit.keep_session()?;
                }
                if let Some(token) = fresh {
                    self.give_token(&mut response, &token);
                }
                Ok(response)
            }
        }
    }

    /// The way to sign in, and from there to what was asked for.
    fn to_sign_in(&self) -> Response {
        let base = self.base();
        if self.asked.method != Method::GET {
            return see(&format!("{base}/connexion"));
        }
        let target =
            percent_encoding::utf8_percent_encode(self.asked.path_and_query(), percent_encoding::NON_ALPHANUMERIC);
        see(&format!("{base}/connexion?vers={target}"))
    }

    pub(super) fn give_token(&self, response: &mut Response, token: &str) {
        let http = &self.bureau.config.settings.http;
        let name = session::cookie_name(http, self.bureau.code());
        self.set_cookie(response, &session::cookie(http, &name, token, None));
    }

    #[expect(clippy::unused_self, reason = "reads as what it does")]
    pub(super) fn set_cookie(&self, response: &mut Response, cookie: &str) {
        // What a cookie of ours is made of can stand in a header.
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

    /// The day, at the préfecture.
    pub(super) fn today(&self) -> NaiveDate {
        self.console.clock.today(self.config().settings.prefecture.zone)
    }

    pub(super) fn words(&self) -> Words {
        let asked = || self.asked.cookie("convoke-langue").and_then(|l| l.parse().ok()).unwrap_or(Language::Fr);
        let language = self.agent.as_ref().map_or_else(asked, |a| a.language);
        Words::of(language, self.config().settings.prefecture.zone)
    }

    /// What stands around a page; `title` is the key of its title.
    pub(super) fn frame(&self, title: &str) -> Frame {
        Frame::new(self, title)
    }
}

impl Visit<'_, '_> {
    /// Whoever asks.
    pub(super) fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Whether they may also do this.
    pub(super) fn may(&self, right: Right) -> bool {
        self.agent.role.may(right)
    }

    /// Does something in their name, for a reason that may stand in the ledger for good.
    pub(super) fn by_hand<T>(
        &mut self,
        reason: &str,
        act: impl FnOnce(&mut Store, &mut Hand<'_>) -> Result<T>,
    ) -> Result<T, Failure> {
        let reason = crate::acts::reason(reason).map_err(Failure::Reason)?;
        let (config, clock) = (self.config(), self.clock());
        let mut hand = Hand { clock, entropy: &mut Entropy::System, config, actor: &self.agent.actor, reason };
        Ok(act(self.call.store, &mut hand)?)
    }

    /// Writes into the ledger that this person is about to see somebody's data: before they do.
    pub(super) fn reads(&mut self, kind: &'static str, mut payload: Value) -> Result<()> {
        let actor = self.agent.actor.clone();
        // An auditor asks when.
        payload["at"] = serde_json::json!(self.now());
        self.call.store.write(|s| s.record(None, &actor, &[Event { kind, payload }]))
    }

    /// Back to a page after an act, which says once what came of it: never in the address.
    pub(super) fn done(&mut self, notice: String, path: &str) -> Answer {
        self.agent.row.notice = Some(notice);
        self.keep_session()?;
        Ok(see(&format!("{}{path}", self.base())))
    }

    /// Remembers what is looked for, so that the address of what was found does not have to.
    pub(super) fn seek(&mut self, sought: &str) -> Result<()> {
        self.agent.row.sought = Some(sought.to_owned());
        self.keep_session()
    }

    pub(super) fn set_language(&mut self, language: Language) -> Result<()> {
        language.code().clone_into(&mut self.agent.row.language);
        self.keep_session()
    }

    fn keep_session(&mut self) -> Result<()> {
        let row = self.agent.row.clone();
        self.call.store.write_rows(|s| s.put_session(&row.token, &row))?;
        Ok(())
    }
}
