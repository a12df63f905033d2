//! The people and places of the demo's world. Communes are real; names and streets are invented.

use super::REFUSED_ADDRESS;

const COMMUNES: &str = include_str!("../communes.csv");

#[derive(Clone, Copy)]
pub(super) struct Commune {
    pub(super) insee: &'static str,
    pub(super) name: &'static str,
    pub(super) postcode: &'static str,
}

/// The 47 communes of Val-de-Marne, each weighted by its population.
pub(super) fn communes() -> Vec<(Commune, u64)> {
    COMMUNES
        .lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.split(';');
            let mut field = || fields.next().unwrap_or_default();
            let commune = Commune { insee: field(), name: field(), postcode: field() };
            (commune, field().parse().expect("communes.csv ends each line with a population"))
        })
        .collect()
}

/// Communes of the neighbouring préfectures, for holders who moved.
pub(super) const ELSEWHERE: [Commune; 5] = [
    Commune { insee: "75113", name: "Paris 13e Arrondissement", postcode: "75013" },
    Commune { insee: "77373", name: "Pontault-Combault", postcode: "77340" },
    Commune { insee: "91027", name: "Athis-Mons", postcode: "91200" },
    Commune { insee: "92012", name: "Boulogne-Billancourt", postcode: "92100" },
    Commune { insee: "93048", name: "Montreuil", postcode: "93100" },
];

pub(super) const NAMES: [&str; 20] = [
    "Fictif",
    "Exemple",
    "Inventé",
    "Imaginaire",
    "Témoin",
    "Modèle",
    "Échantillon",
    "Spécimen",
    "Personnage",
    "D'Essai",
    "L'Hypothèse",
    "Brouillon",
    "Maquette",
    "Prototype",
    "Figurant",
    "Esquisse",
    "Chimère",
    "Scénario",
    "Pseudonyme",
    "De la Fable",
];

pub(super) const GIVEN_NAMES: [&str; 20] = [
    "Alba",
    "Oriel",
    "Zéphia",
    "Maëlor",
    "Tazimel",
    "Ilvane",
    "Koralin",
    "Dounio",
    "Sévrane",
    "Noémir",
    "Yaëlis",
    "Ombrin",
    "Févria",
    "Lunaé",
    "Çirel",
    "Brisane",
    "Hélior",
    "Ostara-Lou",
    "Vadim'an",
    "Ulysane",
];

pub(super) const STREETS: [&str; 12] = [
    "rue des Exemples",
    "avenue de la Fiction",
    "allée du Spécimen",
    "place des Personnages",
    "impasse de l'Échantillon",
    "boulevard des Modèles",
    "chemin de l'Hypothèse",
    "quai des Brouillons",
    "rue du Roman-Inachevé",
    "square des Figurants",
    "passage de la Maquette",
    "villa du Bel-Essai",
];

/// A permit type and its mention.
pub(super) type Kind = (&'static str, &'static str);

/// Permits renewed at the counters, in hundredths.
pub(super) const RENEWABLE: [(Kind, u64); 21] = [
    (("CST", "salarie"), 13),
    (("CST", "travailleur-temporaire"), 3),
    (("CST", "vie-privee-familiale"), 14),
    (("CST", "visiteur"), 2),
    (("CST", "entrepreneur"), 2),
    (("CSP", "salarie"), 9),
    (("CSP", "vie-privee-familiale"), 14),
    (("CSP", "entrepreneur"), 1),
    (("CRA1", "vie-privee-familiale"), 3),
    (("CRA1", "salarie"), 2),
    (("CRA1", "visiteur"), 1),
    (("VLS-TS", "salarie"), 1),
    (("VLS-TS", "vie-privee-familiale"), 1),
    (("VLS-TS", "visiteur"), 1),
    (("APS", "parent-enfant-malade"), 1),
    (("APS", "protection-temporaire"), 1),
    (("TALENT", "passeport-talent"), 3),
    (("CR", "resident"), 18),
    (("CRA10", "resident"), 7),
    (("RETRAITE", "retraite"), 1),
    (("LD-UE", "resident-longue-duree-ue"), 2),
];

pub(super) const STUDENT: [(Kind, u64); 6] = [
    (("CST", "etudiant"), 40),
    (("CSP", "etudiant"), 30),
    (("CSP", "etudiant-mobilite"), 5),
    (("CST", "etudiant-eleve"), 3),
    (("VLS-TS", "etudiant"), 17),
    (("CRA1", "etudiant"), 5),
];

pub(super) const NOT_RENEWABLE: [(Kind, u64); 2] =
    [(("CSP", "salarie-detache-ict"), 1), (("CST", "recherche-emploi"), 1)];

pub(super) const LONG: [(Kind, u64); 4] = [
    (("CR", "resident"), 60),
    (("CRA10", "resident"), 30),
    (("LD-UE", "resident-longue-duree-ue"), 8),
    (("RETRAITE", "retraite"), 2),
];

/// Holders present in every world, whatever its seed: all are renewals of the coming weeks.
pub(super) struct Guest {
    pub(super) name: &'static str,
    pub(super) given_names: &'static str,
    /// `None`: a generated one, as for everyone else.
    pub(super) email: Option<&'static str>,
    pub(super) language: &'static str,
    pub(super) expires_in_days: i64,
}

pub(super) const GUESTS: [Guest; 6] = [
    Guest { name: "Refusée", given_names: "Adresse", email: Some(REFUSED_ADDRESS), language: "", expires_in_days: 18 },
    Guest {
        name: "Sans-Arobase",
        given_names: "Témoin",
        email: Some("sans-arobase"),
        language: "",
        expires_in_days: 45,
    },
    Guest { name: "مثال", given_names: "خيال", email: None, language: "ar", expires_in_days: 33 },
    Guest { name: "示例", given_names: "虚构", email: None, language: "zh", expires_in_days: 47 },
    // 120 characters.
    Guest {
        name: "de l'Exemple-Imaginaire-et-de-la-Démonstration-Inventée-du-Très-Long-Patronyme-\
               Fictif-d'Échantillon-Spécimen-d'un-Modèle",
        given_names: "Alba Oriel Zéphia Maëlor",
        email: None,
        language: "",
        expires_in_days: 40,
    },
    Guest {
        name: "L’Inventée-d'Échantillon", given_names: "Noémir", email: None, language: "", expires_in_days: 54
    },
];
