//! What agenda and policy say, but what serves nobody: it is well formed, and a mistake.

use std::fmt;

use chrono::{Months, NaiveDate};

use crate::agenda::{Agenda, Opening};
use crate::commune;
use crate::permit::PermitKind;
use crate::policy::{Policy, Procedure};

/// A part of the configuration that serves nobody.
#[derive(Clone, Debug, PartialEq)]
pub enum Gap {
    /// Renewed at a desk, and no desk renews it.
    NoDesk(PermitKind),
    /// A desk serves a commune that does not exist.
    NoCommune {
        /// Site and desk.
        desk: String,
        /// The code.
        insee: String,
    },
    /// An opening in which no slot fits.
    NoSlot {
        /// Site and desk.
        desk: String,
        /// The opening.
        opening: Opening,
    },
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDesk(kind) => {
                write!(f, "{kind} is renewed at a desk, and no desk has it in its `types`: nobody with it is convoked")
            }
            Self::NoCommune { desk, insee } => write!(f, "desk {desk} serves commune {insee}, which does not exist"),
            Self::NoSlot { desk, opening } => write!(
                f,
                "desk {desk}: the opening on {} from {} to {} is shorter than its slots of {} minutes",
                opening.weekday,
                opening.from.format("%H:%M"),
                opening.to.format("%H:%M"),
                opening.slot_min
            ),
        }
    }
}

impl Gap {
    /// The same in French, for the report of a night.
    pub fn in_french(&self) -> String {
        match self {
            Self::NoDesk(kind) => {
                format!("Aucun guichet ne reçoit le type {kind}\u{a0}: personne n'est convoqué pour ce type.")
            }
            Self::NoCommune { desk, insee } => {
                format!("Le guichet {desk} dessert la commune {insee}, qui n'existe pas.")
            }
            Self::NoSlot { desk, opening } => format!(
                "Le guichet {desk} a une ouverture plus courte que ses créneaux de {} minutes\u{a0}: elle n'en donne \
                 aucun.",
                opening.slot_min
            ),
        }
    }
}

/// What serves nobody on a date.
pub fn gaps(agenda: &Agenda, policy: &Policy, today: NaiveDate) -> Vec<Gap> {
    let desks = || agenda.site.iter().flat_map(|site| site.desk.iter().map(move |desk| (site, desk)));
    let soon = today.checked_add_months(Months::new(1)).unwrap_or(today);
    let at_a_desk = |kind| policy.window(kind, "", soon, today).is_some_and(|w| w.procedure == Procedure::Counter);
    let unserved = PermitKind::ALL.iter().copied().filter(|kind| desks().all(|(_, desk)| !desk.types.contains(kind)));
    let mut gaps: Vec<Gap> = unserved.filter(|kind| at_a_desk(*kind)).map(Gap::NoDesk).collect();
    for (site, desk) in desks() {
        let name = format!("{}/{}", site.id, desk.id);
        let unknown = desk.communes.iter().filter(|served| commune::name(&served.insee).is_none());
        gaps.extend(unknown.map(|served| Gap::NoCommune { desk: name.clone(), insee: served.insee.clone() }));
        let short = |opening: &&Opening| (opening.to - opening.from).num_minutes() < i64::from(opening.slot_min);
        let short = desk.opening.iter().filter(short);
        gaps.extend(short.map(|opening| Gap::NoSlot { desk: name.clone(), opening: opening.clone() }));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(change: impl FnOnce(&mut Agenda)) -> Vec<String> {
        let mut agenda: Agenda = toml::from_str(include_str!("../../../config/examples/94/agenda.toml")).unwrap();
        let policy: Policy = toml::from_str(include_str!("../../../config/examples/94/policy.toml")).unwrap();
        change(&mut agenda);
        gaps(&agenda, &policy, NaiveDate::from_ymd_opt(2026, 11, 2).unwrap()).iter().map(Gap::to_string).collect()
    }

    #[test]
    fn the_example_serves_everybody() {
        assert_eq!(found(|_| {}), [""; 0]);
    }

    #[test]
    fn what_serves_nobody_is_named() {
        let no_retired = found(|agenda| {
            for desk in agenda.site.iter_mut().flat_map(|site| &mut site.desk) {
                desk.types.retain(|kind| *kind != PermitKind::Retraite);
            }
        });
        assert!(no_retired.len() == 1 && no_retired[0].starts_with("RETRAITE is renewed at a desk"), "{no_retired:?}");
        let no_commune = found(|agenda| agenda.site[0].desk[0].communes[0].insee = "94999".into());
        assert!(no_commune.len() == 1 && no_commune[0].contains("commune 94999"), "{no_commune:?}");
        let no_slot = found(|agenda| {
            let opening = &mut agenda.site[0].desk[0].opening[0];
            opening.slot_min = 719;
        });
        assert!(no_slot.len() == 1 && no_slot[0].contains("719 minutes"), "{no_slot:?}");
    }
}
