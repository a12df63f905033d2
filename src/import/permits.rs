//! `permits.csv`: a row is a permit and its holder.

use super::field::Fields;
use super::result::{RowError, Warning};
use super::table::{Record, columns};
use crate::permit::{Holder, Permit, is_commune_code, is_deliverable_email, mention_code};

columns! {
    required:
    Number = "numero_etranger", FamilyName = "nom", GivenNames = "prenoms", Email = "email", Phone = "telephone",
    Language = "langue", Address1 = "adresse_1", Address2 = "adresse_2", Postcode = "code_postal",
    Commune = "commune_insee", Household = "foyer", PermitNumber = "numero_titre", Kind = "type_titre",
    Mention = "mention", ValidFrom = "debut_validite", ExpiresOn = "fin_validite", Status = "statut", FiledOn = "depot_le";
    optional:
    BirthDate = "date_naissance", UsageName = "nom_usage", Address3 = "adresse_3", Address4 = "adresse_4",
    Town = "ville", Channel = "canal", Format = "format"
}

/// Reads a row, or names each of its bad fields. Names are taken as they are written, but for blanks around them.
pub fn parse(record: &Record) -> Result<(Holder, Permit, Vec<Warning>), Vec<RowError>> {
    let mut fields = Fields::of(record)?;
    let holder = holder(&mut fields);
    let permit = permit(&mut fields);
    let ((holder, permit), warnings) = fields.finish(holder.zip(permit))?;
    Ok((holder, permit, warnings))
}

fn holder(fields: &mut Fields<'_>) -> Option<Holder> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let number = fields.foreigner_number(Column::Number);
    let family_name = fields.required(Column::FamilyName);
    let usage_name = owned(fields.optional(Column::UsageName));
    let given_names = fields.optional(Column::GivenNames).unwrap_or_default().to_owned();
    let birth_date = fields.date_if_any(Column::BirthDate);
    let mut email = fields.optional(Column::Email);
    if email.is_some_and(|text| !is_deliverable_email(text)) {
        fields.warn(Column::Email, "no address that mail can be sent to: taken as none, letters go by post");
        email = None;
    }
    let phone = owned(fields.optional(Column::Phone));
    if phone.is_some() && fields.is_number(Column::Phone) {
        fields.warn(Column::Phone, "stored as a number: a leading zero may be missing");
    }
    let language = fields.parsed_if_any(Column::Language, "a language code of 2 or 3 letters, such as fr", language);
    let first_line = fields.required(Column::Address1);
    let more_lines = [Column::Address2, Column::Address3, Column::Address4].map(|column| fields.optional(column));
    let postcode = fields.parsed(Column::Postcode, "a postcode of 5 digits, stored as text", postcode);
    let town = owned(fields.optional(Column::Town));
    let commune = fields.parsed(Column::Commune, "an INSEE commune code such as 94028, stored as text", commune);
    let household = owned(fields.optional(Column::Household));
    let channel = fields.code_if_any(Column::Channel);
    let large_print = fields.parsed_if_any(Column::Format, "one of: normal, gros-caracteres", large_print);
    Some(Holder {
        number: number?,
        family_name: family_name?.to_owned(),
        usage_name,
        given_names,
        birth_date,
        email: owned(email),
        phone,
        language: language.unwrap_or_else(|| "fr".to_owned()),
        address: [first_line?].into_iter().chain(more_lines.into_iter().flatten()).map(str::to_owned).collect(),
        postcode: postcode?,
        town,
        commune: commune?,
        household,
        channel,
        large_print: large_print.unwrap_or_default(),
    })
}

fn permit(fields: &mut Fields<'_>) -> Option<Permit> {
    let number = fields.identifier(Column::PermitNumber, "1 to 40 visible characters without blanks", is_permit_number);
    let kind = fields.code(Column::Kind);
    let mention = fields.required(Column::Mention).map(mention_code);
    let valid_from = fields.date(Column::ValidFrom);
    let expires_on = fields.date(Column::ExpiresOn);
    if let Some((from, _)) = valid_from.zip(expires_on).filter(|(from, to)| to < from) {
        fields.reject(Column::ExpiresOn, format!("a day that is not before debut_validite ({from})"));
    }
    let status = fields.code(Column::Status);
    let filed_on = fields.date_if_any(Column::FiledOn);
    Some(Permit {
        number: number?,
        kind: kind?,
        mention: mention?,
        valid_from: valid_from?,
        expires_on: expires_on?,
        status: status?,
        filed_on,
    })
}

/// Without blanks and without characters that nobody sees: a number must be the same to the eye and to the database.
fn is_permit_number(text: &str) -> bool {
    let invisible = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().count() <= 40 && !text.contains(invisible)
}

fn language(text: &str) -> Option<String> {
    (matches!(text.len(), 2 | 3) && text.bytes().all(|b| b.is_ascii_alphabetic())).then(|| text.to_ascii_lowercase())
}

fn postcode(text: &str) -> Option<String> {
    (text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.to_owned())
}

fn commune(text: &str) -> Option<String> {
    is_commune_code(text).then(|| text.to_owned())
}

fn large_print(text: &str) -> Option<bool> {
    match text {
        "normal" => Some(false),
        "gros-caracteres" => Some(true),
        _ => None,
    }
}
