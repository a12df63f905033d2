//! Words and dates in files: closed lists of codes, civil dates with or without quotes.

/// An enum in which every variant has one code outside the program (in a file, a column, a report). Generates `ALL`,
/// `code`, `Display`, `FromStr` and serde from that code: a word that is not in the list is never accepted.
#[macro_export]
macro_rules! coded {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// Every value, in the order in which it is declared.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used in files, columns and reports.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.code())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::code::UnknownCode;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|value| value.code() == text).ok_or_else(|| $crate::code::UnknownCode {
                    found: text.chars().take(60).collect(),
                    expected: Self::ALL.iter().map(|value| value.code()).collect::<Vec<_>>().join(", "),
                })
            }
        }

        impl $crate::code::schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut $crate::code::schemars::SchemaGenerator) -> $crate::code::schemars::Schema {
                $crate::code::schemars::json_schema!({"type": "string", "enum": [$($code),+]})
            }
        }

        impl $crate::code::serde::Serialize for $name {
            fn serialize<S: $crate::code::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.code())
            }
        }

        impl<'de> $crate::code::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::code::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err($crate::code::serde::de::Error::custom)
            }
        }
    };
}
pub use coded;
#[doc(hidden)]
pub use {schemars, serde};

/// A word that is not in the list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not one of: {expected}")]
pub struct UnknownCode {
    /// The word found, cut to 60 characters.
    pub found: String,
    /// The allowed words.
    pub expected: String,
}

/// A civil date in a TOML file: `2026-10-05`, with or without quotes. Serialised as text.
pub mod civil_date {
    use chrono::NaiveDate;
    use serde::{Deserialize, Deserializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Text(String),
        Toml(toml::value::Datetime),
    }

    /// Deserialises it.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<NaiveDate, D::Error> {
        let text = match Form::deserialize(d).map_err(|_| D::Error::custom("expected a date such as 2026-10-05"))? {
            Form::Text(text) => text,
            Form::Toml(date) => date.to_string(),
        };
        text.parse().map_err(|_| D::Error::custom(format!("`{text}` is not a date such as 2026-10-05")))
    }
}

/// The same for an optional date.
pub mod civil_date_opt {
    use chrono::NaiveDate;
    use serde::{Deserialize, Deserializer};

    #[derive(Deserialize)]
    struct Civil(#[serde(deserialize_with = "super::civil_date::deserialize")] NaiveDate);

    /// Deserialises it.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<NaiveDate>, D::Error> {
        Ok(Option::<Civil>::deserialize(d)?.map(|civil| civil.0))
    }
}

/// The IANA name of a time zone in which the State receives people.
pub mod zone {
    use chrono_tz::{America, Europe, Indian, Pacific, Tz};
    use serde::{Deserialize, Deserializer, de::Error};

    const KNOWN: [Tz; 15] = [
        Europe::Paris,
        America::Cayenne,
        America::Guadeloupe,
        America::Marigot,
        America::Martinique,
        America::Miquelon,
        America::St_Barthelemy,
        Indian::Kerguelen,
        Indian::Mayotte,
        Indian::Reunion,
        Pacific::Gambier,
        Pacific::Marquesas,
        Pacific::Noumea,
        Pacific::Tahiti,
        Pacific::Wallis,
    ];

    /// Deserialises it.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Tz, D::Error> {
        let found = String::deserialize(d)?;
        KNOWN.into_iter().find(|zone| zone.name() == found).ok_or_else(|| {
            let known = KNOWN.map(Tz::name).join(", ");
            D::Error::custom(format!("`{found}` is not a time zone of a French préfecture; expected one of: {known}"))
        })
    }
}
