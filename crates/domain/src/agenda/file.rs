//! `config/agenda.toml` as it is written, and what is refused in it.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Agenda, Closure, Site};
use crate::permit::is_commune_code;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgendaFile {
    site: Vec<Site>,
    #[serde(default)]
    closure: Vec<Closure>,
}

impl TryFrom<AgendaFile> for Agenda {
    type Error = String;

    fn try_from(file: AgendaFile) -> Result<Self, String> {
        let mut seen = BTreeSet::new();
        for site in &file.site {
            let here = format!("site `{}`", site.id);
            require(is_short_name(&site.id), || format!("{here}: an id is lower-case letters, digits and hyphens"))?;
            require(seen.insert((site.id.clone(), None)), || format!("{here} is declared twice"))?;
            require(!site.address.0.is_empty(), || format!("{here}: the address is empty"))?;
            for desk in &site.desk {
                let here = format!("site `{}`, desk `{}`", site.id, desk.id);
                require(is_short_name(&desk.id), || {
                    format!("{here}: an id is lower-case letters, digits and hyphens")
                })?;
                require(seen.insert((site.id.clone(), Some(desk.id.clone()))), || format!("{here} is declared twice"))?;
                require(desk.request_quota_percent <= 100, || format!("{here}: request_quota_percent is over 100"))?;
                let mut communes = BTreeSet::new();
                for served in &desk.communes {
                    require((1..=1_000).contains(&served.rank), || {
                        format!("{here}: commune {} has rank {}, not 1 to 1000", served.insee, served.rank)
                    })?;
                    require(communes.insert(&served.insee), || {
                        format!("{here}: commune {} appears twice", served.insee)
                    })?;
                    require(is_commune_code(&served.insee), || {
                        format!("{here}: `{}` is no INSEE commune code", served.insee)
                    })?;
                }
                for opening in &desk.opening {
                    let here = format!("{here}, opening on {} from {}", opening.weekday, opening.from.format("%H:%M"));
                    require(opening.from < opening.to, || format!("{here}: `to` is not after `from`"))?;
                    require((1..=720).contains(&opening.slot_min), || {
                        format!("{here}: slot_min is not 1 to 720 minutes")
                    })?;
                    require((1..=10_000).contains(&opening.seats), || format!("{here}: seats is not 1 to 10000"))?;
                    let ordered = opening.valid_from.zip(opening.valid_to).is_none_or(|(from, to)| from <= to);
                    require(ordered, || format!("{here}: valid_to is before valid_from"))?;
                }
            }
        }
        for closure in &file.closure {
            let place = (closure.site.clone(), closure.desk.clone());
            require(seen.contains(&place), || {
                format!("closure from {}: there is no such site or desk: {place:?}", closure.from)
            })?;
            require(closure.from <= closure.to, || format!("closure of {}: `to` is before `from`", closure.site))?;
        }
        Ok(Self { site: file.site, closure: file.closure })
    }
}

fn require(holds: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(message()) }
}

fn is_short_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 60
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
