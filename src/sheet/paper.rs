//! What the sheets of a site say, in French.

use crate::french::{date, time, weekday_date};
use crate::import::attendance::{FOR_PEOPLE, LAYOUT};
use crate::letters::{Roll, RollLine, RollPart};
use crate::report::List;

use super::{DeskDay, Expected, SiteDay};
use crate::convocation::Presence;

/// What can be ticked at a counter, in the order of the boxes.
const BOXES: [(Presence, &str); 3] =
    [(Presence::Honoured, "Présent"), (Presence::Absent, "Absent"), (Presence::Incomplete, "Dossier incomplet")];

/// For the counter: by desk, in the order of hours.
pub(super) fn counter(site: &SiteDay) -> Roll {
    let parts = site.desks.iter().filter(|d| !d.people.is_empty()).map(|desk| {
        let line = |p: &Expected| RollLine {
            cells: vec![
                time(p.hour),
                if p.name.is_empty() { "(données effacées)".to_owned() } else { p.name.clone() },
                p.birth_date.map_or_else(String::new, |d| d.format("%d/%m/%Y").to_string()),
                p.kind.clone(),
                p.reference.clone(),
            ],
            ticked: BOXES.iter().position(|(presence, _)| p.presence == Some(*presence)),
        };
        RollPart {
            heading: format!("{}, {}", desk.label, counted(desk.people.len())),
            said: warning(desk).into_iter().collect(),
            lines: desk.people.iter().map(line).collect(),
        }
    });
    Roll {
        landscape: true,
        header: ["Heure", "Nom", "Né(e) le", "Titre", "Référence"].map(str::to_owned).into(),
        widest: 1,
        boxes: BOXES.map(|(_, label)| label.to_owned()).into(),
        parts: parts.collect(),
        ..roll(site, "Rendez-vous", "Données personnelles : ne pas laisser à la vue du public, détruire après saisie.")
    }
}

/// For the door: hours, desks and references, and nobody's name.
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
        widest: 1,
        parts: vec![part],
        ..roll(site, "Accueil", "Sans nom : la référence figure sur la convocation.")
    }
}

/// For whoever fills in what became of it: the columns of `attendance.csv`, and what helps to find the line.
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
    let lead = match (expected, site.closed()) {
        (0, Some(reason)) => format!("Site fermé : {reason}. Aucun rendez-vous."),
        (0, None) => "Aucun rendez-vous ce jour.".to_owned(),
        _ => format!("{}. État du {} à {}.", counted(expected), date(site.as_of.date()), time(site.as_of.time())),
    };
    Roll {
        title: format!("{what} du {}, {}", weekday_date(site.date), site.name),
        author: site.prefecture_name.clone(),
        footer: footer.to_owned(),
        lead: vec![lead],
        landscape: false,
        header: Vec::new(),
        widest: 0,
        boxes: Vec::new(),
        parts: Vec::new(),
    }
}

/// People have appointments at a desk that is closed: somebody must know before they stand there.
fn warning(desk: &DeskDay) -> Option<String> {
    let reason = desk.closed.as_ref()?;
    Some(format!("Attention, ce guichet est fermé ce jour ({reason}) et ces personnes y sont convoquées."))
}

fn counted(n: usize) -> String {
    format!("{n} rendez-vous")
}
