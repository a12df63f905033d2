//! `[prefecture]`: who convokes.

use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who convokes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prefecture {
    /// Department or territory, `94`.
    pub code: String,
    /// Name.
    pub name: String,
    /// Service within it.
    #[serde(default)]
    pub service: String,
    /// Postal address.
    pub address: Vec<String>,
    /// Telephone.
    #[serde(default)]
    pub phone: Option<String>,
    /// Website.
    #[serde(default)]
    pub website: Option<String>,
    /// Reply-To.
    #[serde(default)]
    pub contact_email: Option<String>,
    /// Whom to ask for the rules of the algorithm.
    #[serde(default)]
    pub rules_contact: Vec<String>,
    /// Signature of letters, one entry per line; service and préfecture if empty.
    #[serde(default)]
    pub signature: Vec<String>,
    /// Time zone of civil dates.
    #[serde(default = "paris", deserialize_with = "convoke_domain::code::zone::deserialize")]
    #[schemars(with = "String")]
    pub zone: Tz,
}

fn paris() -> Tz {
    Tz::Europe__Paris
}
