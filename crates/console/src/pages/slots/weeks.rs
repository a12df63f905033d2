//! Weeks ahead: people due against seats, which seats to add, and what-if changes.

use std::sync::Arc;

use askama::Template;
use serde::Deserialize;

use crate::answer::{export, html};
use crate::charts::Columns;
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::jobs::{Ended, Kept, Kind};
use crate::visit::Visit;
use crate::worker::Progress;
use convoke_domain::slot::PoolId;
use convoke_office::run::forecast;
use convoke_report::forecast::{DeskWeek, Extra, Forecast, Percent, Unknown, WhatIf, desks_list, weeks_list};

/// Default and maximum number of weeks, as on the command line.
const WEEKS: u32 = 12;
const WEEKS_MAX: u32 = 156;
/// Desks and weeks shown with seats to add; the file has them all.
const SHOWN: usize = 60;

/// The last forecast.
struct Lived {
    weeks: u32,
    what_if: WhatIf,
    data_version: i64,
    forecast: Forecast,
}

#[derive(Template)]
#[template(path = "console/weeks.html")]
struct Page {
    frame: Frame,
    progress: Option<Progress>,
    failed: Option<Ended>,
    asked: Asked,
    lived: Option<Shown>,
}

struct Shown {
    lived: Arc<Kept<Lived>>,
    stale: bool,
    chart: Columns,
    missing: Vec<DeskWeek>,
    more: usize,
    conclusion: String,
}

/// The parameters in the address.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Asked {
    semaines: String,
    places: String,
    pluriannuel: String,
    ajout: String,
    liste: String,
    format: Option<String>,
}

impl Asked {
    fn read(&self, visit: &Visit<'_, '_>) -> Result<(u32, WhatIf), Failure> {
        let t = visit.words();
        let wrong = |key| Failure::Text(t.say(key));
        let weeks = match self.semaines.trim() {
            "" => WEEKS,
            text => {
                text.parse().ok().filter(|n| (1..=WEEKS_MAX).contains(n)).ok_or_else(|| wrong("weeks-wrong-weeks"))?
            }
        };
        let percent = |text: &str, key| match text.trim() {
            "" => Ok(Percent(0)),
            text => text.parse::<Percent>().map_err(|_| wrong(key)),
        };
        let multiyear = percent(&self.pluriannuel, "weeks-wrong-multiyear")?;
        if !(0..=100).contains(&multiyear.0) {
            return Err(wrong("weeks-wrong-multiyear"));
        }
        let mut extra = Vec::new();
        for text in self.ajout.split([',', ' ', ';']).filter(|text| !text.is_empty()) {
            let more: Extra = text.parse().map_err(|_| wrong("weeks-wrong-extra"))?;
            if visit.config().agenda.find(&PoolId::new(&more.site, &more.desk)).is_none() {
                return Err(wrong("weeks-wrong-extra"));
            }
            extra.push(more);
        }
        Ok((weeks, WhatIf { slots: percent(&self.places, "weeks-wrong-slots")?, multiyear, extra }))
    }

    /// The same address again, below the préfecture's code.
    fn path(&self) -> String {
        let fields = [
            ("semaines", &self.semaines),
            ("places", &self.places),
            ("pluriannuel", &self.pluriannuel),
            ("ajout", &self.ajout),
        ];
        let given: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let query = serde_urlencoded::to_string(given).unwrap_or_default();
        if query.is_empty() { "/creneaux/prevision".to_owned() } else { format!("/creneaux/prevision?{query}") }
    }

    /// The same, as the address of a file.
    fn file(&self, list: &str, format: &str) -> String {
        let path = self.path();
        format!("{path}{}liste={list}&format={format}", if path.contains('?') { '&' } else { '?' })
    }
}

pub(super) fn show(visit: &mut Visit<'_, '_>) -> Answer {
    let asked: Asked = visit.asked.query()?;
    let (weeks, what_if) = asked.read(visit)?;
    let lived = visit.kept::<Lived>().filter(|l| l.what.weeks == weeks && l.what.what_if == what_if);
    if let Some(format) = &asked.format {
        let lived = lived.ok_or(Failure::Missing)?;
        return match asked.liste.as_str() {
            "semaines" => export("prevision-semaines", &weeks_list(&lived.what.forecast), format),
            "guichets" => export("prevision-guichets", &desks_list(&lived.what.forecast), format),
            _ => Err(Failure::Missing),
        };
    }
    let lived = match lived {
        Some(lived) => {
            let stale =
                visit.store.data_version()? != lived.what.data_version || lived.what.forecast.night < visit.today();
            Some(shown(visit, lived, stale))
        }
        None => None,
    };
    let page = Page {
        progress: visit.progress(Kind::Forecast, &asked.path()),
        failed: visit.ended(Kind::Forecast).filter(|ended| ended.bad),
        frame: visit.frame("weeks-title"),
        asked,
        lived,
    };
    html(&page)
}

fn shown(visit: &Visit<'_, '_>, lived: Arc<Kept<Lived>>, stale: bool) -> Shown {
    let (t, f) = (visit.words(), &lived.what.forecast);
    let figures: Vec<_> = f.weeks.iter().map(|w| (w.week[2..].to_owned(), w.due, w.seats, w.lapses.expected)).collect();
    let said = f.weeks.iter().map(|w| format!("{} : {} / {} / {}", w.week, w.due, w.seats, w.lapses.expected));
    let desc = format!("{} {}", t.say("weeks-chart-reads"), said.collect::<Vec<_>>().join(" ; "));
    let missing = || f.desks.iter().filter(|d| d.to_add > 0);
    let conclusion = match &f.first_short_week {
        Some(week) => t.with("weeks-short", "week", week),
        None => t.say("weeks-enough"),
    };
    Shown {
        chart: Columns::new("semaines", t.say("weeks-chart"), desc, &figures, |n| t.number(n)),
        missing: missing().take(SHOWN).cloned().collect(),
        more: missing().count().saturating_sub(SHOWN),
        conclusion,
        stale,
        lived,
    }
}

/// Forecasts the weeks ahead: a job, because large data take seconds.
pub(super) fn compute(visit: &mut Visit<'_, '_>) -> Answer {
    let asked: Asked = visit.asked.form()?;
    let (weeks, what_if) = asked.read(visit)?;
    let path = asked.path();
    let back = path.clone();
    visit.begin(Kind::Forecast, move |worker| {
        let data_version = worker.store.data_version()?;
        let found = worker.with_tools(|store, config, tools| forecast(store, config, weeks, what_if.clone(), tools));
        match found {
            Ok(forecast) => {
                worker.keep(Lived { weeks, what_if, data_version, forecast });
                Ok(worker.well(worker.t.say("weeks-computed"), Some(path)))
            }
            Err(error) if error.is::<Unknown>() => Ok(worker.refused(worker.t.say("weeks-wrong-extra"), None)),
            Err(error) => Err(error),
        }
    })?;
    let notice = visit.words().say("weeks-begun");
    visit.done(notice, &back)
}
