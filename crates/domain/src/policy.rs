//! The law and the préfecture's choices as dated data (`config/policy.toml`): windows, exclusions, notice.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::calendar::months_before;
use crate::code::coded;
use crate::follow::Follow;
use crate::permit::{Channel, PermitKind};
use crate::title::Titles;

coded! {
    /// How a renewal is requested.
    pub enum Procedure {
        /// At a desk: the holder is convoked.
        Counter = "guichet",
        /// Online (ANEF): nobody is convoked to file at a desk.
        Online = "teleservice",
    }
}

/// Everything that decides who is convoked and when. Each key has a default, and a comment in `config/policy.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Days between the planning night and the appointment, by channel.
    pub notice_days: Notice,
    /// Used, and reported as *préavis réduit*, when the full notice would pass the deadline.
    pub short_notice_days: u32,
    /// A letter that would arrive with fewer days left is not sent: the person is called instead.
    pub send_floor_days: u32,
    /// How far ahead each night plans.
    pub horizon_days: u32,
    /// If the law sets no close: days before expiry by which the appointment should have taken place.
    pub preferred_margin_days: u32,
    /// Makes appointments firm this many days earlier than necessary.
    pub firm_lead_days: u32,
    /// A person whose permit has expired is given a distant seat only after this many days; until then an earlier one
    /// is looked for.
    pub late_wait_days: u32,
    /// A permit expired for longer than this many months is listed for a named agent.
    pub late_months: u32,
    /// Days after a past, unmarked appointment when its holder is due again.
    pub mark_days: u32,
    /// Days before an appointment on which its holder gets a reminder by e-mail; empty for none.
    pub reminder_days: Vec<u32>,
    /// Whether people are told that they will be convoked when their window at a desk opens.
    pub heads_up: bool,
    /// Fee for a late request, in euros (CESEDA L.436-5).
    pub late_fee_eur: u32,
    /// Weight of a day for a person who is due and has asked in writing to be seen soon.
    pub request_weight: u32,
    /// Above this number a run stops before its commit and asks for `run --plan HASH`.
    pub max_firm_per_run: u32,
    /// Age of the last extract, in days, from which a run warns.
    pub extract_warn_days: u32,
    /// Age of the last extract, in days, above which a run refuses.
    pub extract_refuse_days: u32,
    /// `import permits --full`: share of permits that may vanish at once, in percent.
    pub full_vanish_max_percent: f64,
    /// The inbox that runs read by themselves: share of bad rows that may be left out, in percent.
    pub inbox_bad_rows_max_percent: f64,
    /// An extract that changes or empties a column in a larger share of its known rows waits for a person, in percent.
    pub import_column_max_percent: f64,
    /// An extract that brings a larger share of permits of unknown titles waits for a person, in percent.
    pub import_unknown_max_percent: f64,
    /// Weight of a day beyond the preferred end, by type; 1 if absent.
    pub weight: BTreeMap<PermitKind, u32>,
    /// Days that a lapse counts as, by type, where rights do not continue for three months (L.433-3).
    pub lapse_late: BTreeMap<PermitKind, u32>,
    /// Students: handled separately.
    pub student: Vec<Selector>,
    /// Permits that cannot be renewed.
    pub not_renewable: Vec<Selector>,
    /// Windows; the first match on the business date applies.
    pub rule: Vec<WindowRule>,
    /// What follows when a fact changes after an appointment was given.
    pub follow: Follow,
    /// What the words of extracts mean: `config/titles.toml`.
    pub titles: Titles,
}

/// Days of notice by channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// E-mail.
    pub email: u32,
    /// Post, and people who are called.
    pub post: u32,
}

/// Permits by type and mention. An empty list means any.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    /// Types.
    #[serde(default)]
    pub types: Vec<PermitKind>,
    /// Mentions.
    #[serde(default)]
    pub mentions: Vec<String>,
    /// Legal basis.
    pub basis: String,
}

impl Selector {
    fn matches(&self, kind: PermitKind, mention: &str) -> bool {
        selects(&self.types, &self.mentions, kind, mention)
    }
}

fn selects(types: &[PermitKind], mentions: &[String], kind: PermitKind, mention: &str) -> bool {
    (types.is_empty() || types.contains(&kind)) && (mentions.is_empty() || mentions.iter().any(|m| m == mention))
}

/// When a permit's renewal is requested, on business dates from `from` to `to`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowRule {
    /// Name in reports.
    pub id: String,
    /// Types covered; empty means any.
    #[serde(default)]
    pub types: Vec<PermitKind>,
    /// Mentions covered; empty means any.
    #[serde(default)]
    pub mentions: Vec<String>,
    /// At a desk or online.
    pub procedure: Procedure,
    /// Opening of the window.
    pub opens: Before,
    /// Close of the window if the law sets one; otherwise the expiry.
    #[serde(default)]
    pub closes: Option<Before>,
    /// First business date of the rule.
    #[serde(default, deserialize_with = "crate::code::civil_date_opt::deserialize")]
    pub from: Option<NaiveDate>,
    /// Last business date of the rule.
    #[serde(default, deserialize_with = "crate::code::civil_date_opt::deserialize")]
    pub to: Option<NaiveDate>,
    /// Legal basis; `usage` if no law sets a window.
    pub basis: String,
}

impl WindowRule {
    fn holds_on(&self, date: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= date) && self.to.is_none_or(|to| date <= to)
    }
}

/// A distance before expiry, counted as the law counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Before {
    /// Calendar months, *de quantième à quantième*: two of them are 59 to 62 days.
    MonthsBefore(u32),
    /// Days.
    DaysBefore(u32),
}

impl Before {
    /// The distance in days, with `month` days in every month.
    fn days(self, month: u32) -> u32 {
        match self {
            Self::MonthsBefore(months) => months.saturating_mul(month),
            Self::DaysBefore(days) => days,
        }
    }

    fn from(self, expires_on: NaiveDate) -> NaiveDate {
        match self {
            Self::MonthsBefore(months) => months_before(expires_on, months),
            Self::DaysBefore(days) => expires_on.checked_sub_days(Days::new(days.into())).unwrap_or(NaiveDate::MIN),
        }
    }
}

/// The window in which one permit's renewal is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window<'a> {
    /// The rule that gives it.
    pub rule: &'a str,
    /// At a desk or online.
    pub procedure: Procedure,
    /// First day.
    pub opens: NaiveDate,
    /// The day by which the appointment should have taken place.
    pub preferred_end: NaiveDate,
    /// The last day that prevents a lapse: the expiry itself. Seats exist only on days when a site is open, so "the
    /// last working day before" needs no rule of its own, and a seat on a Saturday counts.
    pub deadline: NaiveDate,
    /// Legal basis.
    pub basis: &'a str,
}

impl Default for Policy {
    /// The defaults spelt out in the first example's `config/policy.toml`; its rules are the counter practice.
    fn default() -> Self {
        Self {
            notice_days: Notice { email: 21, post: 28 },
            short_notice_days: 10,
            send_floor_days: 5,
            horizon_days: 180,
            preferred_margin_days: 15,
            firm_lead_days: 0,
            late_wait_days: 30,
            late_months: 6,
            mark_days: 30,
            reminder_days: vec![7, 2],
            heads_up: false,
            late_fee_eur: 180,
            request_weight: 10,
            max_firm_per_run: 1_000,
            extract_warn_days: 3,
            extract_refuse_days: 10,
            full_vanish_max_percent: 2.0,
            inbox_bad_rows_max_percent: 0.5,
            import_column_max_percent: 20.0,
            import_unknown_max_percent: 1.0,
            weight: BTreeMap::new(),
            lapse_late: BTreeMap::new(),
            student: Vec::new(),
            not_renewable: Vec::new(),
            rule: Vec::new(),
            follow: Follow::default(),
            titles: Titles::default(),
        }
    }
}

impl Policy {
    /// What is wrong with it, if anything: a policy that fails here never starts a run.
    pub fn validate(&self) -> Result<(), String> {
        let ordered = self.send_floor_days <= self.short_notice_days
            && self.short_notice_days <= self.notice_days.email.min(self.notice_days.post);
        require(ordered, || "send_floor_days ≤ short_notice_days ≤ notice_days must hold".into())?;
        require((1..=3_660).contains(&self.horizon_days), || "horizon_days must be 1 to 3660".into())?;
        let reminders = self.reminder_days.iter().all(|d| (1..=60).contains(d));
        require(reminders, || "reminder_days must be 1 to 60 days before the appointment".into())?;
        let weight = self.weight.values().max().copied().unwrap_or(1);
        require((1..=100).contains(&self.request_weight), || "request_weight must be 1 to 100".into())?;
        require(weight <= 100, || format!("a weight of {weight} is more than 100"))?;
        let lapse_late = self.lapse_late.values().max().copied().unwrap_or(0);
        require(lapse_late <= 3_660, || format!("lapse_late of {lapse_late} days is more than ten years"))?;
        for days in [
            self.notice_days.email,
            self.notice_days.post,
            self.preferred_margin_days,
            self.firm_lead_days,
            self.late_wait_days,
            self.mark_days,
        ] {
            require(days <= 3_660, || format!("{days} days are more than ten years"))?;
        }
        require((1..=120).contains(&self.late_months), || {
            "late_months must be 1 to 120: with 0, nobody is convoked from the day after the expiry on (CESEDA \
             R.431-8 says 6)"
                .into()
        })?;
        let days = self.extract_warn_days <= self.extract_refuse_days;
        require(days, || "extract_warn_days must not exceed extract_refuse_days".into())?;
        for percent in [
            self.full_vanish_max_percent,
            self.inbox_bad_rows_max_percent,
            self.import_column_max_percent,
            self.import_unknown_max_percent,
        ] {
            require((0.0..=100.0).contains(&percent), || format!("{percent} is not a percentage"))?;
        }
        self.titles.validate()?;
        self.follow.validate()?;
        require(self.weight.values().all(|w| *w >= 1), || "weights are at least 1".into())?;
        require(!self.student.is_empty(), || {
            "there is no [[student]] entry: students must be named, for they keep another door and are never convoked"
                .into()
        })?;
        for s in self.student.iter().chain(&self.not_renewable) {
            require(!(s.types.is_empty() && s.mentions.is_empty()), || {
                format!(
                    "[[student]] or [[not_renewable]] `{}` names neither types nor mentions: it would exclude everybody",
                    s.basis
                )
            })?;
        }
        for rule in &self.rule {
            require(rule.opens.days(28) > 0, || {
                format!("rule `{}`: its window opens on the day of expiry; it must open earlier", rule.id)
            })?;
            let closes_after = rule.closes.is_none_or(|close| close.days(28) <= rule.opens.days(31));
            require(closes_after, || format!("rule `{}`: it closes before it opens", rule.id))?;
            let ordered = rule.from.zip(rule.to).is_none_or(|(from, to)| from <= to);
            require(ordered, || format!("rule `{}`: `to` is before `from`", rule.id))?;
        }
        PermitKind::ALL.iter().try_for_each(|kind| self.covers_every_date(*kind))
    }

    /// Every permit must have a window on every date: otherwise someone would fall through a gap in the law.
    fn covers_every_date(&self, kind: PermitKind) -> Result<(), String> {
        let mut next = Some(NaiveDate::MIN);
        while let Some(date) = next {
            let rules = || self.rule.iter().filter(|r| r.mentions.is_empty() && selects(&r.types, &[], kind, ""));
            let Some(rule) = rules().find(|rule| rule.holds_on(date)) else {
                let since = if date == NaiveDate::MIN { "the beginning".to_owned() } else { date.to_string() };
                return Err(format!("no [[rule]] without mentions covers {kind} from {since} on"));
            };
            next = rule.to.and_then(|to| to.succ_opt());
        }
        Ok(())
    }

    /// The window of a permit under the rules in force on `business_date`. `None` only for a policy that
    /// [`Policy::validate`] refuses.
    pub fn window(
        &self,
        kind: PermitKind,
        mention: &str,
        expires_on: NaiveDate,
        business_date: NaiveDate,
    ) -> Option<Window<'_>> {
        let matches = |r: &&WindowRule| r.holds_on(business_date) && selects(&r.types, &r.mentions, kind, mention);
        let rule = self.rule.iter().find(matches)?;
        let preferred = rule.closes.unwrap_or(Before::DaysBefore(self.preferred_margin_days));
        Some(Window {
            rule: &rule.id,
            procedure: rule.procedure,
            opens: rule.opens.from(expires_on),
            preferred_end: preferred.from(expires_on),
            deadline: expires_on,
            basis: &rule.basis,
        })
    }

    /// The next date on which another rule takes effect: verdicts are reviewed then.
    pub fn next_change(&self, after: NaiveDate) -> Option<NaiveDate> {
        let starts = self.rule.iter().filter_map(|r| r.from);
        let ends = self.rule.iter().filter_map(|r| r.to.and_then(|to| to.succ_opt()));
        starts.chain(ends).filter(|date| *date > after).min()
    }

    /// The longest window at a desk, in days before expiry.
    pub fn longest_window(&self) -> u32 {
        let at_a_desk = self.rule.iter().filter(|r| r.procedure == Procedure::Counter);
        at_a_desk.map(|r| r.opens.days(31)).max().unwrap_or(0)
    }

    /// Whether a permit belongs to a student.
    pub fn is_student(&self, kind: PermitKind, mention: &str) -> bool {
        self.student.iter().any(|s| s.matches(kind, mention)) || self.titles.is_student(kind, mention)
    }

    /// Whether a permit cannot be renewed.
    pub fn is_not_renewable(&self, kind: PermitKind, mention: &str) -> bool {
        self.not_renewable.iter().any(|s| s.matches(kind, mention)) || self.titles.is_not_renewable(kind, mention)
    }

    /// Full notice by channel, in days.
    pub fn notice(&self, channel: Channel) -> u32 {
        match channel {
            Channel::Email => self.notice_days.email,
            Channel::Post | Channel::Phone => self.notice_days.post,
        }
    }

    /// SHA-256 of the policy in canonical form: a run's record of its rules.
    pub fn hash(&self) -> String {
        // Unwrap safety: plain data with text keys always serialises.
        crate::ids::sha256_hex(&serde_json::to_vec(self).expect("a policy serialises"))
    }
}

fn require(holds: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(message()) }
}
