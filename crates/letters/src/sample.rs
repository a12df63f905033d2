//! Sample letters, for previews and for testing templates.

use chrono::{NaiveDate, NaiveTime};

use super::language::Language;
use super::{
    Appointment, Because, CancelledBy, Convoked, LetterData, LetterKind, Matter, Moment, Office, PermitLines, Recipient,
};

/// Must never appear in an HTML body unescaped, although the data contain it.
pub(super) const HOSTILE: &str = "<script>alert(1)</script>";

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

fn day(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, month, day).unwrap_or_default()
}

fn time(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default()
}

impl LetterData {
    /// An ordinary convocation.
    #[must_use]
    pub fn sample() -> Self {
        Self::sample_of(LetterKind::Convocation)
    }

    /// An ordinary letter of a kind.
    #[must_use]
    pub fn sample_of(kind: LetterKind) -> Self {
        let reference = match kind {
            LetterKind::OnlineFiling => "DL-94-2026-0000057-U",
            LetterKind::Transfer => "TR-94-2026-0000057-Z",
            LetterKind::HeadsUp => "AV-94-2026-0000057-9",
            _ => "RC-94-2026-0001234-R",
        };
        Self {
            reference: reference.into(),
            sequence: match kind {
                LetterKind::Change => 1,
                LetterKind::Cancellation => 2,
                _ => 0,
            },
            issued_at: day(10, 5).and_time(time(23, 30)).and_utc() + chrono::TimeDelta::seconds(12),
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
                help_url: None,
                signature: vec![],
            },
            recipient: Recipient {
                name: "Amélie N’Guessan-Lefèvre".into(),
                email: Some("amelie@holder.example".into()),
                address: lines(&["Appartement 12", "3 rue des Tilleuls", "94210 LA VARENNE"]),
                language: "fr".into(),
                large_print: false,
            },
            permit: PermitLines { label: "carte de séjour temporaire".into(), expires_on: day(12, 1) },
            matter: matter(kind),
            code: Some("9F2K-03MT-X7QD-W81C".into()),
            first_reference: None,
            address_changed: false,
        }
    }

    /// Letters of a kind and language that together cover every branch of its templates: ordinary; late, at short
    /// notice and without anything optional; hostile.
    pub(super) fn trials(kind: LetterKind, language: Language) -> Vec<Self> {
        let mut plain = Self::sample_of(kind);
        plain.recipient.language = language.code().into();
        let mut bare = plain.clone();
        bare.office = Office { phone: None, website: None, contact_email: None, service: String::new(), ..bare.office };
        bare.office.rules_contact.clear();
        bare.recipient = Recipient { email: None, ..bare.recipient };
        bare.code = None;
        bare.permit.expires_on = day(9, 1);
        let mut lapsed = plain.clone();
        lapsed.permit.expires_on = lapsed.business_date;
        lapsed.office.signature = lines(&["Pour le préfet et par délégation,", "Camille Exemple"]);
        lapsed.address_changed = true;
        let mut large = plain.clone();
        large.recipient.large_print = true;
        let mut hostile = plain.clone();
        hostile.recipient.name = format!("{{{{ 7 * 7 }}}} =cmd() #panic() {HOSTILE}");
        hostile.permit.label = HOSTILE.into();
        for (trial, late) in [(&mut bare, true), (&mut lapsed, false)] {
            if let Matter::Convocation(c) | Matter::Reminder(c) | Matter::Change { convoked: c, .. } = &mut trial.matter
            {
                *c = Convoked { short_notice: true, late, documents: vec![], ..c.clone() };
            }
        }
        for (trial, why) in
            [(&mut lapsed, Because::Filed), (&mut large, Because::Renewed), (&mut hostile, Because::Ended)]
        {
            if let Matter::Cancellation { because, .. } = &mut trial.matter {
                *because = Some(why);
            }
        }
        if let Matter::Convocation(c) | Matter::Change { convoked: c, .. } = &mut large.matter {
            c.renewal_until = Some(day(10, 28));
        }
        match &mut bare.matter {
            Matter::Cancellation { by, .. } => *by = CancelledBy::Holder,
            Matter::OnlineFiling { help, .. } => help.clear(),
            _ => {}
        }
        match &mut hostile.matter {
            Matter::Convocation(c) | Matter::Reminder(c) | Matter::Change { convoked: c, .. } => {
                c.documents = vec![HOSTILE.into(), "# titre".into(), "- tiret".into()];
                c.appointment.desk = HOSTILE.into();
            }
            Matter::OnlineFiling { help, .. } => *help = vec![HOSTILE.into()],
            Matter::Transfer { competent, .. } => *competent = HOSTILE.into(),
            Matter::Cancellation { .. } | Matter::HeadsUp { .. } => {}
        }
        vec![plain, bare, lapsed, large, hostile]
    }
}

fn matter(kind: LetterKind) -> Matter {
    let appointment = Appointment {
        site: "Sous-préfecture de Nogent-sur-Marne".into(),
        address: lines(&["4 avenue de Lattre-de-Tassigny", "94130 NOGENT-SUR-MARNE"]),
        town: "Nogent-sur-Marne".into(),
        zone: chrono_tz::Europe::Paris,
        desk: "Renouvellement".into(),
        day: day(11, 2),
        start: time(9, 30),
        duration_min: 20,
    };
    let convoked = || Convoked {
        appointment: appointment.clone(),
        documents: lines(&[
            "votre titre de séjour actuel",
            "votre passeport en cours de validité",
            "un justificatif de domicile de moins de six mois",
            "trois photographies d’identité récentes",
        ]),
        documents_source: "liste du 1er juillet 2026, annexe 10 du CESEDA".into(),
        short_notice: false,
        late: false,
        renewal_until: None,
    };
    match kind {
        LetterKind::Convocation => Matter::Convocation(convoked()),
        LetterKind::Reminder => Matter::Reminder(convoked()),
        LetterKind::Change => Matter::Change {
            convoked: Convoked {
                appointment: Appointment { day: day(11, 5), start: time(10, 40), ..appointment.clone() },
                ..convoked()
            },
            was: Moment { day: day(11, 2), start: time(9, 30), site: "Sous-préfecture de Nogent-sur-Marne".into() },
        },
        LetterKind::Cancellation => {
            Matter::Cancellation { appointment: appointment.clone(), by: CancelledBy::Office, because: None }
        }
        LetterKind::OnlineFiling => Matter::OnlineFiling {
            service: "https://administration-etrangers-en-france.interieur.gouv.fr".into(),
            opens_on: day(8, 3),
            last_day: day(10, 2),
            late_fee_eur: 180,
            help: lines(&["Centre de contact citoyens : 0 806 001 620 (appel non surtaxé)"]),
        },
        LetterKind::Transfer => Matter::Transfer {
            competent: "préfecture de l’Ain".into(),
            directory: "https://lannuaire.service-public.gouv.fr".into(),
            act_by: day(12, 1),
        },
        LetterKind::HeadsUp => Matter::HeadsUp { convoked_before: day(12, 1) },
    }
}
