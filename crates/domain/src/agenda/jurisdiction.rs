//! Which desks serve which communes.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Agenda, Pool};
use crate::permit::PermitKind;
use crate::slot::PoolId;

/// A pool with its distance rank: 1 for the nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RankedPool {
    /// Distance rank.
    pub rank: u32,
    /// Number of the pool in [`Agenda::pools`].
    pub pool: u32,
}

/// The communes served by each site and desk: never derived from the first digits of a postcode.
#[derive(Clone, Debug, Default)]
pub struct Jurisdiction(HashMap<String, HashMap<PermitKind, Vec<RankedPool>>>);

impl Jurisdiction {
    /// Whether any desk serves the commune at all.
    pub fn knows(&self, commune: &str) -> bool {
        self.0.contains_key(commune)
    }

    /// The pools that serve this type from this commune, nearest first.
    pub fn pools(&self, kind: PermitKind, commune: &str) -> &[RankedPool] {
        self.0.get(commune).and_then(|kinds| kinds.get(&kind)).map_or(&[], Vec::as_slice)
    }
}

impl Agenda {
    /// Whether a desk exists, and its agenda is open on a day.
    pub fn is_open(&self, id: &PoolId, day: NaiveDate) -> bool {
        self.find(id).is_some_and(|pool| self.closed(pool, day).is_none())
    }

    /// Whether a desk serves a permit of this type from this commune.
    pub fn serves(&self, id: &PoolId, kind: PermitKind, commune: &str) -> bool {
        self.find(id).is_some_and(|pool| {
            pool.desk.types.contains(&kind) && pool.desk.communes.iter().any(|served| served.insee == commune)
        })
    }

    /// Which desks serve whom.
    pub fn jurisdiction(&self) -> Jurisdiction {
        let mut by_kind: HashMap<String, HashMap<PermitKind, Vec<RankedPool>>> = HashMap::new();
        for (pool, Pool { desk, .. }) in self.pools().into_iter().enumerate() {
            for served in &desk.communes {
                let kinds = by_kind.entry(served.insee.clone()).or_default();
                for kind in &desk.types {
                    kinds.entry(*kind).or_default().push(RankedPool { rank: served.rank, pool: pool as u32 });
                }
            }
        }
        for ranked in by_kind.values_mut().flat_map(HashMap::values_mut) {
            ranked.sort_unstable();
        }
        Jurisdiction(by_kind)
    }
}
