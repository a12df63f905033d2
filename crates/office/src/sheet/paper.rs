//! The French text of the sheets of a site.

use std::collections::BTreeMap;

use crate::import::attendance::{FOR_PEOPLE, LAYOUT};
use convoke_letters::french::{date, spaced, time, weekday_date};
use convoke_letters::{Roll, RollLine, RollPart};
use convoke_report::List;

use super::{DeskDay, Expected, SiteDay};
use convoke_domain::birth::BirthDate;
use convoke_domain::convocation::Presence;

/// The boxes to tick at a counter, in order.
const BOXES: [(Presence, &str); 3] =
    [(Presence::Honoured, "Présent"), (Presence::Absent, "Absent"), (Presence::Incomplete, "Dossier incomplet")];

/// For the counter: by desk and hour.
pub(super) fn counter(site: &SiteDay) -> Roll {
    let line = |p: &Expected| RollLine {
        cells: vec![
            time(p.hour),
            if p.name.is_empty() { "(données effacées)".to_owned() } else { p.name.clone() },
            p.birth_date.map_or_else(String::new, BirthDate::in_french),
            p.kind.clone(),
            p.reference.clone(),
        ],
        ticked: BOXES.iter().position(|(presence, _)| p.presence == Some(*presence)),
    };
    let parts = site.desks.iter().filter(|d| !d.people.is_empty()).map(|desk| RollPart {
        heading: format!("{}, {}", desk.label, counted(desk.people.len())),
        said: warning(desk).into_iter().collect(),
        lines: desk.people.iter().map(line).collect(),
    });
    // Whoever comes all the same is told why nobody expects them.
    let mut released: BTreeMap<&str, Vec<&Expected>> = BTreeMap::new();
    for (person, why) in site.desks.iter().flat_map(|desk| &desk.released) {
        released.entry(why).or_default().push(person);
    }
    let released = released.into_iter().map(|(why, people)| RollPart {
        heading: format!("Convoqués, puis libérés, {}", counted(people.len())),
        said: vec![format!("Motif : {why}.")],
        lines: people.into_iter().map(line).collect(),
    });
    Roll {
        landscape: true,
        header: ["Heure", "Nom", "Né(e) le", "Titre", "Référence"].map(str::to_owned).into(),
        widths: vec![Some(20), None, Some(25), Some(25), Some(48)],
        boxes: BOXES.map(|(_, label)| label.to_owned()).into(),
        parts: parts.chain(released).collect(),
        ..roll(site, "Rendez-vous", "Données personnelles : ne pas laisser à la vue du public, détruire après saisie.")
    }
}

/// For the door: hours, desks and references, without names.
pub(super) fn door(site: &SiteDay) -> Roll {
    let mut lines: Vec<_> =
        site.desks.iter().flat_map(|d| d.people.iter().map(move |p| (p.hour, &d.label, &p.reference))).collect();
    lines.sort_unstable();
    let line = |(hour, desk, reference): (_, &String, &String)| RollLine {
        cells: vec![time(hour), desk.clone(), reference.clone()],
        ticked: None,
    };
    let part = RollPart { lines: lines.into_iter().map(line).collect(), ..RollPart::default() };
    Roll {
        header: ["Heure", "Guichet", "Référence"].map(str::to_owned).into(),
        widths: vec![Some(20), None, Some(48)],
        parts: vec![part],
        ..roll(site, "Accueil", "Sans nom : la référence figure sur la convocation.")
    }
}

/// For recording attendance: the columns of `attendance.csv`, and columns that help to find the line.
pub(super) fn table(site: &SiteDay) -> List {
    let header = LAYOUT.columns.iter().copied().chain(FOR_PEOPLE).collect();
    let line = |desk: &DeskDay, p: &Expected| {
        let presence = p.presence.map_or_else(String::new, |presence| presence.code().to_owned());
        let birth_date = p.birth_date.map_or_else(String::new, |d| d.to_string());
        let (day, hour) = (site.date.to_string(), p.hour.format("%H:%M").to_string());
        vec![
            p.reference.clone(),
            presence,
            site.site.clone(),
            desk.desk.clone(),
            day,
            hour,
            p.name.clone(),
            birth_date,
            p.kind.clone(),
        ]
    };
    let rows = site.desks.iter().flat_map(|desk| desk.people.iter().map(move |p| line(desk, p))).collect();
    List { name: "attendance", header, rows }
}

fn roll(site: &SiteDay, what: &str, footer: &str) -> Roll {
    let expected = site.expected();
    let mut lead = vec![match (expected, site.closed()) {
        (0, Some(reason)) => format!("Site fermé : {reason}. Aucun rendez-vous."),
        (0, None) => "Aucun rendez-vous ce jour.".to_owned(),
        _ => format!("{}. État du {} à {}.", counted(expected), date(site.as_of.date()), time(site.as_of.time())),
    }];
    if site.closed().is_none() {
        let closed = site.desks.iter().filter(|d| d.people.is_empty());
        lead.extend(closed.filter_map(|d| Some(format!("{} : fermé ({}).", d.label, d.closed.as_deref()?))));
    }
    Roll {
        title: format!("{what} du {}, {}", weekday_date(site.date), site.name),
        author: site.prefecture_name.clone(),
        footer: footer.to_owned(),
        lead: lead.iter().map(|said| spaced(said)).collect(),
        landscape: false,
        header: Vec::new(),
        widths: Vec::new(),
        boxes: Vec::new(),
        parts: Vec::new(),
    }
}

/// A warning that people have appointments at a closed desk: the staff must know before they arrive.
fn warning(desk: &DeskDay) -> Option<String> {
    let reason = desk.closed.as_ref()?;
    Some(format!("Attention, ce guichet est fermé ce jour ({reason}) et ces personnes y sont convoquées."))
}

fn counted(n: usize) -> String {
    format!("{n} rendez-vous")
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, NaiveTime};

    use super::*;

    fn site() -> SiteDay {
        let day = NaiveDate::from_ymd_opt(2026, 12, 1).unwrap();
        let person = |reference: &str, hour, name: &str| Expected {
            reference: reference.into(),
            hour: NaiveTime::from_hms_opt(hour, 30, 0).unwrap(),
            name: name.into(),
            birth_date: NaiveDate::from_ymd_opt(1990, 2, 3).map(BirthDate::Day),
            kind: "CST".into(),
            presence: None,
        };
        let desk = |desk: &str, closed: Option<&str>, people| DeskDay {
            desk: desk.into(),
            label: format!("Guichet {desk}"),
            closed: closed.map(str::to_owned),
            people,
            released: Vec::new(),
        };
        SiteDay {
            prefecture: "94".into(),
            prefecture_name: "Préfecture".into(),
            date: day,
            as_of: day.and_hms_opt(1, 31, 0).unwrap(),
            site: "creteil".into(),
            name: "Créteil".into(),
            desks: vec![
                desk("a", None, vec![person("RC-1", 9, "Amina BENALI"), person("RC-2", 11, "")]),
                desk("b", Some("travaux"), vec![person("RC-3", 10, "=cmd()")]),
                desk("c", Some("grève"), vec![]),
            ],
        }
    }

    #[test]
    fn the_door_knows_hours_and_references_and_nobody() {
        let door = door(&site());
        let lines: Vec<&[String]> = door.parts[0].lines.iter().map(|line| &line.cells[..]).collect();
        assert_eq!(lines[0], ["9\u{a0}h\u{a0}30", "Guichet a", "RC-1"]);
        assert_eq!(lines.iter().map(|line| &*line[2]).collect::<Vec<_>>(), ["RC-1", "RC-3", "RC-2"], "by hour");
        assert!(!format!("{door:?}").contains("BENALI") && !format!("{door:?}").contains("1990"));
    }

    #[test]
    fn a_counter_that_is_closed_says_so_whether_or_not_somebody_comes() {
        let counter = counter(&site());
        assert_eq!(counter.lead[0], "3 rendez-vous. État du 1er\u{a0}décembre 2026 à 1\u{a0}h\u{a0}31.");
        assert_eq!(counter.lead[1..], ["Guichet c\u{a0}: fermé (grève)."]);
        assert_eq!(
            counter.parts.iter().map(|p| p.said.len()).collect::<Vec<_>>(),
            [0, 1],
            "who comes to a closed desk"
        );
        assert_eq!(counter.parts[0].lines[1].cells[1], "(données effacées)");
        let mut one = site();
        let freed = one.desks[0].people.pop().unwrap();
        one.desks[0].released.push((freed, "Renouvellement déjà déposé".into()));
        let last = super::counter(&one).parts.pop().unwrap();
        assert_eq!(last.heading, "Convoqués, puis libérés, 1 rendez-vous");
        assert_eq!(last.said, ["Motif : Renouvellement déjà déposé."]);
        assert_eq!(last.lines[0].cells[4], "RC-2");
        let mut none = site();
        none.desks.retain(|desk| desk.people.is_empty());
        assert_eq!(super::counter(&none).lead, ["Site fermé\u{a0}: grève. Aucun rendez-vous."]);
        assert!(table(&site()).to_csv().contains(";'=cmd();"), "no formula");
    }
}
