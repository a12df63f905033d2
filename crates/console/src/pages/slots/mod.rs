//! Créneaux: how full desks are, closures, and the seats that will be missing.

mod closing;
mod weeks;

use std::collections::BTreeMap;

use askama::Template;
use chrono::{Datelike, Days, NaiveDate};
use serde::Deserialize;

use crate::answer::{export, html};
use crate::charts::Columns;
use crate::failure::Answer;
use crate::frame::Frame;
use crate::jobs::{Ended, Kind};
use crate::route::{Route, get, post};
use crate::visit::Visit;
use crate::worker::Progress;
use convoke_domain::access::Right;
use convoke_domain::agenda::{Agenda, Closure};
use convoke_domain::ending::AtDesk;
use convoke_domain::slot::PoolId;
use convoke_instance::weeks::monday;
use convoke_report::List;
use convoke_store::ClosedDay;

pub(super) const ROUTES: &[Route] = &[
    get(Right::Read, "/creneaux", show),
    get(Right::Act, "/creneaux/fermeture", closing::ask),
    post(Right::Act, "/creneaux/fermeture", closing::close),
    // It only computes, but plans again all who are expected.
    post(Right::Act, "/creneaux/fermeture/cout", closing::cost),
    get(Right::Act, "/creneaux/fermeture/resultat", closing::result),
    post(Right::Act, "/creneaux/rouvrir", closing::reopen),
    get(Right::Read, "/creneaux/prevision", weeks::show),
    // It only computes.
    post(Right::Read, "/creneaux/prevision", weeks::compute),
];

/// Weeks shown, starting with this one.
const WEEKS: u64 = 12;
/// Desks per page.
const DESKS: usize = 100;

#[derive(Template)]
#[template(path = "console/slots.html")]
struct Page {
    frame: Frame,
    closing: Option<Progress>,
    closed: Option<Ended>,
    weeks: Vec<NaiveDate>,
    chart: Columns,
    desks: Vec<(PoolId, Vec<Cell>)>,
    total: Vec<Cell>,
    next: Option<PoolId>,
    closures: Vec<ClosedDay>,
    /// Closures from `config/agenda.toml`, which cannot be reopened here.
    in_agenda: Vec<Closure>,
}

/// A desk in a week: taken seats and all seats.
#[derive(Clone, Copy, Default)]
struct Cell {
    taken: u64,
    seats: u64,
}

impl Cell {
    /// How full, in fifths; a full cell is also framed.
    fn class(self) -> &'static str {
        match (self.taken, self.seats) {
            (0, 0) => "heat0",
            (taken, seats) if taken >= seats => "heat4 full",
            (taken, seats) => ["heat0", "heat1", "heat2", "heat3", "heat4"][(taken * 5 / seats) as usize],
        }
    }

    fn is_full(self) -> bool {
        self.taken >= self.seats && self.taken > 0
    }
}

#[derive(Deserialize)]
struct Asked {
    /// `creteil/resident`: only desks after this one.
    apres: Option<String>,
    format: Option<String>,
}

fn show(visit: &mut Visit<'_, '_>) -> Answer {
    let asked: Asked = visit.asked.query()?;
    let (today, t, agenda) = (visit.today(), visit.words(), &visit.config().agenda);
    let first = monday(today);
    let weeks: Vec<NaiveDate> = (0..WEEKS).map(|n| first + Days::new(7 * n)).collect();
    let last = first + Days::new(7 * WEEKS - 1);
    let (seats, taken, closures) = visit
        .store
        .read(|s| Ok((s.seats_between(today, last)?, s.taken_between(today, last)?, s.closed_days(today)?)))?;
    let desks = heat(agenda, &weeks, &seats, &taken, &closures);
    if let Some(format) = asked.format {
        return export("creneaux", &list(&weeks, &desks), &format);
    }
    let mut total = vec![Cell::default(); weeks.len()];
    for (sum, cell) in desks.values().flat_map(|cells| cells.iter().enumerate()).map(|(i, cell)| (i, *cell)) {
        total[sum] = Cell { taken: total[sum].taken + cell.taken, seats: total[sum].seats + cell.seats };
    }
    let figures: Vec<(String, u64, u64, u64)> = weeks
        .iter()
        .zip(&total)
        .map(|(week, c)| (format!("{}/{}", week.day(), week.month()), c.taken, c.seats, 0))
        .collect();
    let said = weeks.iter().zip(&total).map(|(week, c)| format!("{} : {} / {}", t.short(week), c.taken, c.seats));
    let desc = said.collect::<Vec<_>>().join(" ; ");
    let after: Option<PoolId> = asked.apres.as_deref().and_then(|desk| desk.parse().ok());
    let mut shown: Vec<(PoolId, Vec<Cell>)> =
        desks.into_iter().filter(|(desk, _)| after.as_ref().is_none_or(|after| desk > after)).take(DESKS + 1).collect();
    let more = shown.len() > DESKS;
    shown.truncate(DESKS);
    let mut in_agenda: Vec<Closure> = agenda.closure.iter().filter(|c| c.to >= today).cloned().collect();
    in_agenda.sort_by_key(|c| (c.from, c.to));
    let page = Page {
        closing: visit.progress(Kind::Closing, "/creneaux"),
        closed: visit.ended(Kind::Closing),
        chart: Columns::new("occupation", t.say("slots-chart"), desc, &figures, |n| t.number(n)),
        next: shown.last().filter(|_| more).map(|(desk, _)| desk.clone()),
        desks: shown,
        weeks,
        total,
        closures,
        in_agenda,
        frame: visit.frame("slots-title"),
    };
    html(&page)
}

/// Each desk of the agenda, and each that still has slots, week by week. A closed day has no seats, but its
/// appointments still count.
fn heat(
    agenda: &Agenda,
    weeks: &[NaiveDate],
    seats: &[(AtDesk, u64)],
    taken: &[(AtDesk, u64)],
    closures: &[ClosedDay],
) -> BTreeMap<PoolId, Vec<Cell>> {
    let empty = || vec![Cell::default(); weeks.len()];
    let pools = agenda.pools();
    let mut desks: BTreeMap<PoolId, Vec<Cell>> = pools.iter().map(|p| (p.id(), empty())).collect();
    let of = |day: NaiveDate| ((day - weeks[0]).num_days() / 7).unsigned_abs() as usize;
    for ((site, desk, day), n) in seats {
        let id = PoolId::new(site, desk);
        let by_hand = closures.iter().any(|c| c.covers(&id, *day));
        let by_agenda = || agenda.find(&id).is_some_and(|pool| agenda.closed(pool, *day).is_some());
        let cells = desks.entry(id.clone()).or_insert_with(empty);
        if !by_hand && !by_agenda() {
            cells[of(*day)].seats += n;
        }
    }
    for ((site, desk, day), n) in taken {
        desks.entry(PoolId::new(site, desk)).or_insert_with(empty)[of(*day)].taken += n;
    }
    desks
}

fn list(weeks: &[NaiveDate], desks: &BTreeMap<PoolId, Vec<Cell>>) -> List {
    let lines = desks.iter().flat_map(|(PoolId { site, desk }, cells)| {
        weeks.iter().zip(cells).map(move |(week, cell)| {
            let figures = [cell.seats.to_string(), cell.taken.to_string()];
            [site.clone(), desk.clone(), week.to_string()].into_iter().chain(figures).collect()
        })
    });
    let header = vec!["site", "guichet", "semaine_du", "places", "reservees"];
    List { name: "creneaux", header, rows: lines.collect() }
}
