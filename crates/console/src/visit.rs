//! What a page works with: the request, its user and the préfecture.

use std::net::IpAddr;
use std::ops::{Deref, DerefMut};

use anyhow::Result;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use super::answer::see;
use super::asked::Asked;
use super::bureau::Bureau;
use super::failure::{Answer, Failure};
use super::limits::Limits;
use super::session::{self, Agent};
use super::words::{Language, Words};
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
    clock: &'a Clock,
    pub(super) limits: &'a Limits,
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
        clock: &'a Clock,
        limits: &'a Limits,
        bureau: &'a Bureau,
        store: &'a mut Store,
        asked: Asked,
        client: IpAddr,
    ) -> Self {
        Self { clock, limits, bureau, store, asked, client, agent: None }
    }

    /// Adds the new token to a response.
    pub(super) fn finish(&self, mut response: Response) -> Response {
        if let Some(token) = self.agent.as_ref().and_then(|agent| agent.fresh.as_ref()) {
            self.give_token(&mut response, token);
        }
        response
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
        self.clock
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Today, in the préfecture.
    pub(super) fn today(&self) -> NaiveDate {
        self.clock.today(self.config().settings.prefecture.zone)
    }

    pub(super) fn words(&self) -> Words {
        let asked = || self.asked.cookie("convoke-langue").and_then(|l| l.parse().ok()).unwrap_or(Language::Fr);
        let language = self.agent.as_ref().map_or_else(asked, |a| a.language);
        Words::of(language, self.config().settings.prefecture.zone)
    }
}

impl<'c, 'a> Visit<'c, 'a> {
    /// The caller has checked the right of `agent`.
    pub(super) fn new(call: &'c mut Call<'a>, agent: Agent) -> Self {
        Self { call, agent }
    }

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
