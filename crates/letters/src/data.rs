//! The content of a letter, apart from its wording.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use convoke_domain::code::coded;
use convoke_domain::convocation::LetterKind;
use convoke_domain::unseen;

/// The content of a letter. It is stored with its outbox row, so that the letter can be rendered again byte for byte:
/// the order of the fields is the order of the stored JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LetterData {
    /// The reference of the convocation, `RC-94-2026-0001234-K`, or of the notice: the only thing in subject and
    /// invitation that points to the person.
    pub reference: String,
    /// 0 for the first letter of an appointment, one more for each change.
    pub sequence: u32,
    /// The instant the letter was decided, the same for every attempt to send it.
    pub issued_at: DateTime<Utc>,
    /// The préfecture's civil date when it was decided; the letter's date.
    pub business_date: NaiveDate,
    /// The sending office.
    pub office: Office,
    /// The recipient.
    pub recipient: Recipient,
    /// The permit to be renewed.
    pub permit: PermitLines,
    /// The kind of letter and its details: the field `kind` and those of the variant.
    #[serde(flatten)]
    pub matter: Matter,
    /// Verification code ([`CodeKey`](super::CodeKey)), if the installation has a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The reference under which the appointment was first announced, if it differs: the invitation keeps its UID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_reference: Option<String>,
    /// The holder's address has changed since: this copy is the last to the old address, and says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub address_changed: bool,
}

/// The kind of letter. The field `kind` is the [`LetterKind`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Matter {
    /// An appointment is given.
    Convocation(Convoked),
    /// It is a few days away.
    Reminder(Convoked),
    /// It has changed.
    Change {
        /// The new appointment.
        #[serde(flatten)]
        convoked: Convoked,
        /// The previous appointment, no longer valid.
        was: Moment,
    },
    /// It is cancelled.
    Cancellation {
        /// The cancelled appointment.
        appointment: Appointment,
        /// Who cancelled it.
        by: CancelledBy,
        /// Why it is not needed any more; absent if another appointment will follow.
        #[serde(default)]
        because: Option<Because>,
    },
    /// The renewal can now be requested online (*dépôt en ligne*).
    #[serde(rename = "depot-en-ligne")]
    OnlineFiling {
        /// Address of the service, `https://…`.
        service: String,
        /// First day.
        opens_on: NaiveDate,
        /// Last day without a late fee.
        last_day: NaiveDate,
        /// Late fee after that day, in euros (CESEDA L.436-5).
        late_fee_eur: u32,
        /// Where to get help with the service, a line each.
        help: Vec<String>,
    },
    /// The holder has moved out of the jurisdiction (*transfert*).
    #[serde(rename = "transfert")]
    Transfer {
        /// The competent préfecture: `préfecture de l’Ain`.
        competent: String,
        /// Where its address and hours are found, `https://…`.
        directory: String,
        /// The move must be declared there by this day.
        act_by: NaiveDate,
    },
    /// An appointment will follow.
    HeadsUp {
        /// Before this day.
        convoked_before: NaiveDate,
    },
}

coded! {
    /// Who cancelled an appointment.
    pub enum CancelledBy {
        /// The préfecture.
        Office = "office",
        /// The person.
        Holder = "holder",
    }
}

coded! {
    /// Why an appointment is not needed any more.
    pub enum Because {
        /// The renewal has been requested.
        Filed = "filed",
        /// A newer permit exists.
        Renewed = "renewed",
        /// Another fact of the register.
        Ended = "ended",
    }
}

/// An appointment, and what to bring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Convoked {
    /// When and where.
    pub appointment: Appointment,
    /// Documents to bring, one per line.
    pub documents: Vec<String>,
    /// The dated list that `documents` is taken from.
    pub documents_source: String,
    /// Whether the notice is shorter than usual.
    pub short_notice: bool,
    /// Whether the permit had already expired when the letter was decided.
    pub late: bool,
    /// The last day of the months within which a late request still is a renewal (CESEDA R.431-8), if the appointment comes
    /// after it.
    #[serde(default)]
    pub renewal_until: Option<NaiveDate>,
}

/// A previous appointment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// Civil date at the site.
    pub day: NaiveDate,
    /// Civil time at the site.
    pub start: NaiveTime,
    /// Name of the site.
    pub site: String,
}

/// The convoking service, and its contact details.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Office {
    /// Code of the préfecture, `94`.
    pub code: String,
    /// Name of the préfecture.
    pub name: String,
    /// The service within it.
    pub service: String,
    /// Postal address, one line per item.
    pub address: Vec<String>,
    /// Telephone number, as displayed.
    pub phone: Option<String>,
    /// Address of the website, `https://…`.
    pub website: Option<String>,
    /// Address for replies (`Reply-To`).
    pub contact_email: Option<String>,
    /// Contact for the rules of the algorithm (CRPA art. R. 311-3-1-1), one line per item.
    pub rules_contact: Vec<String>,
    /// Web page that explains letters in other languages, `https://…`; the website if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help_url: Option<String>,
    /// Signatory, one line per item; service and préfecture if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signature: Vec<String>,
}

/// The person who is convoked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// The name as on the permit.
    pub name: String,
    /// `None`: the letter goes by post.
    pub email: Option<String>,
    /// Postal address, one line per item.
    pub address: Vec<String>,
    /// Preferred language; the French text is the legal one in any case.
    pub language: String,
    /// Whether to use 18-point type (*gros caractères*).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub large_print: bool,
}

/// The permit in a letter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitLines {
    /// The permit's name after « votre »: `carte de séjour temporaire`.
    pub label: String,
    /// Its last day of validity.
    pub expires_on: NaiveDate,
}

/// When and where the person is expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appointment {
    /// Name of the site.
    pub site: String,
    /// Address of the site, one line per item.
    pub address: Vec<String>,
    /// The site's town.
    pub town: String,
    /// The time zone of `day` and `start`.
    pub zone: Tz,
    /// Name of the desk.
    pub desk: String,
    /// Civil date at the site.
    pub day: NaiveDate,
    /// Civil time at the site.
    pub start: NaiveTime,
    /// Length of the appointment, in minutes.
    pub duration_min: u16,
}

impl Matter {
    /// Which letter this is.
    pub const fn kind(&self) -> LetterKind {
        match self {
            Self::Convocation(_) => LetterKind::Convocation,
            Self::Reminder(_) => LetterKind::Reminder,
            Self::Change { .. } => LetterKind::Change,
            Self::Cancellation { .. } => LetterKind::Cancellation,
            Self::OnlineFiling { .. } => LetterKind::OnlineFiling,
            Self::Transfer { .. } => LetterKind::Transfer,
            Self::HeadsUp { .. } => LetterKind::HeadsUp,
        }
    }

    /// The appointment that it is about, if any.
    pub const fn appointment(&self) -> Option<&Appointment> {
        match self {
            Self::Convocation(convoked) | Self::Reminder(convoked) | Self::Change { convoked, .. } => {
                Some(&convoked.appointment)
            }
            Self::Cancellation { appointment, .. } => Some(appointment),
            Self::OnlineFiling { .. } | Self::Transfer { .. } | Self::HeadsUp { .. } => None,
        }
    }

    /// The appointment and the documents to bring, if the person is expected.
    pub const fn convoked(&self) -> Option<&Convoked> {
        match self {
            Self::Convocation(convoked) | Self::Reminder(convoked) | Self::Change { convoked, .. } => Some(convoked),
            _ => None,
        }
    }
}

impl Appointment {
    /// Site, address, town; the town only once, in the spelling given.
    pub(super) fn place(&self) -> Vec<&str> {
        let mut lines = vec![self.site.as_str()];
        lines.extend(self.address.iter().map(String::as_str));
        if !lines.iter().any(|line| line.contains(&self.town)) {
            lines.push(&self.town);
        }
        lines
    }
}

impl LetterData {
    /// The same letter with every text free of invisible control characters: line breaks and other controls become a
    /// space, direction overrides and zero-width characters are removed. Also returns where something changed, as JSON
    /// pointers, because no name may be altered silently.
    pub(super) fn neutralised(&self) -> Result<(Self, Vec<String>), serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        let mut changed = Vec::new();
        walk(&mut value, "", &mut changed);
        Ok((serde_json::from_value(value)?, changed))
    }
}

fn walk(value: &mut Value, path: &str, changed: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(seen) = visible(text) {
                *text = seen;
                changed.push(path.to_owned());
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                walk(item, &format!("{path}/{i}"), changed);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                walk(field, &format!("{path}/{name}"), changed);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The visible text; borrowed if nothing had to change.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c.is_control() || is_unseen(c)) {
        return Cow::Borrowed(text);
    }
    let seen: String = text.chars().filter(|&c| !is_unseen(c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    Cow::Owned(seen.split(' ').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" "))
}

/// Format characters (Unicode category Cf), line and paragraph separators. The two joiners U+200C and U+200D are kept:
/// Persian, Kurdish and Indic names need them.
pub(super) fn is_unseen(c: char) -> bool {
    unseen::is_unseen(c) && !unseen::is_joiner(c)
}
