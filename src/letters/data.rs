//! What a letter says, apart from how it is said.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::convocation::LetterKind;

/// All that a letter says. It is stored with its outbox row, so that the letter can be rendered
/// again byte for byte: the order of the fields is the order of the stored JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LetterData {
    /// Which letter this is, hence which templates say it.
    pub kind: LetterKind,
    /// The convocation's reference, `RC-94-2026-0001234-K`: the only thing in subject and
    /// invitation that points to the person.
    pub reference: String,
    /// 0 for the first letter of an appointment, one more each time it changes.
    pub sequence: u32,
    /// The instant the letter was decided, and the same on every attempt to send it.
    pub issued_at: DateTime<Utc>,
    /// The civil date of the préfecture under which it was decided; the letter's date.
    pub business_date: NaiveDate,
    /// Who convokes.
    pub office: Office,
    /// Who is convoked.
    pub recipient: Recipient,
    /// The permit to be renewed.
    pub permit: PermitLines,
    /// When and where.
    pub appointment: Appointment,
    /// What to bring, one line a document.
    pub documents: Vec<String>,
    /// The dated list that `documents` is taken from.
    pub documents_source: String,
    /// The notice given is shorter than the usual one.
    pub short_notice: bool,
    /// The permit had already expired when the letter was decided.
    pub late: bool,
}

/// The service that convokes, and how to reach it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Office {
    /// Code of the préfecture, `94`.
    pub code: String,
    /// Name of the préfecture.
    pub name: String,
    /// The service within it.
    pub service: String,
    /// Postal address, a line each.
    pub address: Vec<String>,
    /// Telephone, as it is to be read.
    pub phone: Option<String>,
    /// Address of the website, `https://…`.
    pub website: Option<String>,
    /// Where answers go (`Reply-To`).
    pub contact_email: Option<String>,
    /// Whom to ask for the rules of the algorithm (CRPA art. R. 311-3-1-1), a line each.
    pub rules_contact: Vec<String>,
}

/// The person who is convoked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// The name as the permit has it.
    pub name: String,
    /// None: the letter goes by post.
    pub email: Option<String>,
    /// Postal address, a line each.
    pub address: Vec<String>,
    /// Preferred language; French is the legal text whatever it is.
    pub language: String,
}

/// What is said of the permit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitLines {
    /// What the permit is called after « votre »: `carte de séjour temporaire`.
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
    /// Address of the site, a line each.
    pub address: Vec<String>,
    /// The site's town.
    pub town: String,
    /// The zone in which `day` and `start` are civil date and time.
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

impl LetterKind {
    /// The templates that say it: subject, text, HTML.
    pub(super) fn templates(self) -> [&'static str; 3] {
        match self {
            Self::Convocation => ["fr/convocation.subject.txt", "fr/convocation.txt", "fr/convocation.html"],
        }
    }
}

impl Appointment {
    /// Site, address, town: the town once, and always in the letters in which it is written.
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
    /// A letter to nobody, for previews and for trying templates out.
    #[must_use]
    pub fn sample() -> Self {
        let day = |m, d| NaiveDate::from_ymd_opt(2026, m, d).unwrap_or_default();
        let lines = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
        Self {
            kind: LetterKind::Convocation,
            reference: "RC-94-2026-0001234-K".into(),
            sequence: 0,
            issued_at: day(10, 5).and_time(NaiveTime::from_hms_opt(23, 30, 12).unwrap_or_default()).and_utc(),
            business_date: day(10, 6),
            office: Office {
                code: "94".into(),
                name: "Préfecture du Val-de-Marne".into(),
                service: "Direction des migrations et de l’intégration".into(),
                address: lines(&["21-29 avenue du Général-de-Gaulle", "94038 CRÉTEIL CEDEX"]),
                phone: Some("01 00 00 00 94".into()),
                website: Some("https://prefecture-94.example".into()),
                contact_email: Some("rendez-vous@prefecture-94.example".into()),
                rules_contact: lines(&[
                    "Préfecture du Val-de-Marne, accès aux documents administratifs",
                    "21-29 avenue du Général-de-Gaulle, 94038 CRÉTEIL CEDEX",
                    "documents@prefecture-94.example",
                ]),
            },
            recipient: Recipient {
                name: "Amélie N’Guessan-Lefèvre".into(),
                email: Some("amelie@holder.example".into()),
                address: lines(&["Appartement 12", "3 rue des Tilleuls", "94210 LA VARENNE"]),
                language: "fr".into(),
            },
            permit: PermitLines { label: "carte de séjour temporaire".into(), expires_on: day(12, 1) },
            appointment: Appointment {
                site: "Sous-préfecture de Nogent-sur-Marne".into(),
                address: lines(&["4 avenue de Lattre-de-Tassigny", "94130 NOGENT-SUR-MARNE"]),
                town: "Nogent-sur-Marne".into(),
                zone: chrono_tz::Europe::Paris,
                desk: "Renouvellement".into(),
                day: day(11, 2),
                start: NaiveTime::from_hms_opt(9, 30, 0).unwrap_or_default(),
                duration_min: 20,
            },
            documents: lines(&[
                "votre titre de séjour actuel",
                "votre passeport en cours de validité",
                "un justificatif de domicile de moins de six mois",
                "trois photographies d’identité récentes",
            ]),
            documents_source: "liste du 1er juillet 2026, annexe 10 du CESEDA".into(),
            short_notice: false,
            late: false,
        }
    }

    /// The same letter in which every text is free of characters that are not seen but act:
    /// line breaks and other controls become a space, direction overrides and zero-width
    /// characters go. Second, the places where something changed, as JSON pointers, for nothing
    /// that a person is called is altered in silence.
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

/// The text as a reader sees it; borrowed where nothing had to change.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c.is_control() || is_unseen(c)) {
        return Cow::Borrowed(text);
    }
    let seen: String = text.chars().filter(|&c| !is_unseen(c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    Cow::Owned(seen.split(' ').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" "))
}

/// Format characters (Unicode category Cf), line and paragraph separators. The two joiners
/// U+200C and U+200D are letters to Persian, Kurdish and Indic names, and stay.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}
