//! How addresses and hours are written in `config/agenda.toml`.

use serde::{Deserialize, Serialize};

/// Lines of an address, written as a list or as one text with line breaks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "LinesForm")]
pub struct Lines(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum LinesForm {
    Text(String),
    List(Vec<String>),
}

impl From<LinesForm> for Lines {
    fn from(form: LinesForm) -> Self {
        match form {
            LinesForm::List(lines) => Self(lines),
            LinesForm::Text(text) => {
                Self(text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect())
            }
        }
    }
}

/// Hours such as 09:00.
pub(super) mod hour {
    use chrono::NaiveTime;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(in crate::agenda) fn serialize<S: Serializer>(time: &NaiveTime, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&time.format("%H:%M"))
    }

    pub(in crate::agenda) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<NaiveTime, D::Error> {
        let text = String::deserialize(d)?;
        NaiveTime::parse_from_str(&text, "%H:%M")
            .map_err(|_| D::Error::custom(format!("`{text}` is not an hour such as 09:00")))
    }
}
