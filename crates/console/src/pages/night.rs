//! The planned night that was shown: previewed on one page, carried out from two.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{NaiveDate, NaiveDateTime};

use crate::jobs::Kept;
use crate::visit::Visit;
use convoke_domain::eligibility::Rule;
use convoke_domain::slot::SlotId;
use convoke_instance::diff::Difference;
use convoke_instance::weeks::Week;
use convoke_instance::{Figures, Plan, PlanningInput};
use convoke_office::run::Firm;
use convoke_planning::explain::Augmentation;

/// The planned night that was shown.
pub(super) struct Night {
    pub(super) business_date: NaiveDate,
    pub(super) data_version: i64,
    pub(super) outcomes: Vec<(Rule, u64)>,
    pub(super) scanned: u64,
    pub(super) figures: Figures,
    pub(super) firm: Vec<Firm>,
    pub(super) granted: Vec<(String, SlotId)>,
    pub(super) certificate: &'static str,
    pub(super) settled: bool,
    pub(super) plan_hash: String,
    pub(super) input_hash: String,
    pub(super) policy_hash: String,
    pub(super) warnings: Vec<String>,
    pub(super) weeks: Vec<Week>,
    pub(super) augmentation: Augmentation,
    /// Its input and plan, to compare with later ones.
    pub(super) planned: (PlanningInput, Plan),
    /// When the previous plan was shown, and the difference.
    pub(super) before: Option<(NaiveDateTime, Difference)>,
}

impl Night {
    /// Letters that would be written: one for each firm appointment.
    pub(super) fn letters(&self) -> usize {
        self.figures.firm + self.figures.late_firm + self.granted.len()
    }

    pub(super) fn lapses(&self) -> usize {
        self.figures.no_possible_day + self.figures.no_capacity
    }

    /// Firm, planned and free seats for each site.
    pub(super) fn sites(&self) -> Vec<(String, u64, u64, u64)> {
        let mut sites: BTreeMap<&str, (u64, u64, u64)> = BTreeMap::new();
        for week in &self.weeks {
            let site = sites.entry(week.pool.site.as_str()).or_default();
            *site = (site.0 + week.firm, site.1 + week.planned, site.2 + week.free);
        }
        let left = |(site, (firm, planned, free)): (&str, (u64, u64, u64))| {
            (site.to_owned(), firm, planned, free.saturating_sub(firm + planned))
        };
        sites.into_iter().map(left).collect()
    }
}

/// Whether the data or the day have changed since a night was planned.
pub(super) fn is_stale(visit: &mut Visit<'_, '_>, night: &Kept<Night>) -> Result<bool> {
    let today = visit.today();
    Ok(night.what.business_date != today || visit.store.data_version()? != night.what.data_version)
}
