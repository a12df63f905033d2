//! What each file holds, column by column: `convoke import --columns`, docs/FILES.md and the samples of `convoke init`
//! say the same.

use std::fmt::Write as _;

use super::table::layout::Layout;
use super::{attendance, convocations, permits, slots};

/// A kind of file.
#[derive(Clone, Copy, Debug)]
pub struct Guide {
    /// Its name in `convoke import NAME`.
    pub name: &'static str,
    /// What a row is.
    pub about: &'static str,
    layout: Layout,
    columns: &'static [Column],
}

#[derive(Clone, Copy, Debug)]
struct Column {
    name: &'static str,
    /// Whether a cell may be empty.
    may_be_empty: bool,
    what: &'static str,
    examples: [&'static str; 2],
}

const fn must(name: &'static str, what: &'static str, examples: [&'static str; 2]) -> Column {
    Column { name, may_be_empty: false, what, examples }
}

const fn may(name: &'static str, what: &'static str, examples: [&'static str; 2]) -> Column {
    Column { name, may_be_empty: true, what, examples }
}

/// Every kind of file.
pub const GUIDES: [Guide; 4] = [
    Guide {
        name: "permits",
        about: "A row is a permit and its holder. A holder with two permits has two rows.",
        layout: permits::LAYOUT,
        columns: &[
            must(
                "numero_etranger",
                "Foreigner number: 9 or 10 digits, as text; leading zeros count",
                ["9400000001", "940000002"],
            ),
            must("nom", "Family name", ["EXEMPLE", "MODELE"]),
            may("prenoms", "Given names", ["Ada", "Ben Ali"]),
            may("email", "Where the letter is sent; empty or malformed: by post", ["ada@example.org", ""]),
            may(
                "telephone",
                "As people write it; several are separated by / or a comma",
                ["06 39 98 00 01", "+33 6 39 98 00 02"],
            ),
            may("langue", "Language of the courtesy translation, 2 or 3 letters; empty: fr", ["fr", "ar"]),
            must("adresse_1", "First line of the address", ["1 rue du Modèle", "2 avenue de l’Exemple"]),
            may("adresse_2", "Second line", ["", "Bâtiment B"]),
            must("code_postal", "Postcode: 5 digits, as text", ["94000", "94130"]),
            must(
                "commune_insee",
                "INSEE code of the commune of residence, as text: it decides which desk is competent",
                ["94028", "94052"],
            ),
            may(
                "foyer",
                "Any text that members of a family share: they come on the same day where that costs nobody anything",
                ["", ""],
            ),
            must("numero_titre", "Permit number: 1 to 40 characters without blanks", ["TITRE000001", "TITRE000002"]),
            must(
                "type_titre",
                "Type of permit: a code (CST, CSP, CR, CRA1, CRA10, VLS-TS, RETRAITE, APS, LD-UE, TALENT) or its name in words",
                ["CST", "Carte de séjour pluriannuelle"],
            ),
            must(
                "mention",
                "Mention of the permit, in the words of the law or of your application; see `convoke titles list --all`",
                ["salarié", "vie privée et familiale"],
            ),
            must("debut_validite", "First day of validity", ["2026-03-01", "15/06/2023"]),
            must("fin_validite", "Last day of validity", ["2027-02-28", "14/06/2027"]),
            must("statut", "actif, renouvele, retire or decede", ["actif", "actif"]),
            may("depot_le", "Day on which the renewal was filed; empty: not filed", ["", ""]),
            may(
                "date_naissance",
                "Date of birth; 00/00/1975 or 1975 where day and month are not known",
                ["1990-05-17", "00/00/1975"],
            ),
            may("nom_usage", "Name in use, printed instead of the family name", ["", ""]),
            may("adresse_3", "Third line", ["", ""]),
            may("adresse_4", "Fourth line", ["", ""]),
            may("ville", "Town on the envelope; empty: the name of the commune", ["", "NOGENT-SUR-MARNE"]),
            may(
                "canal",
                "email, post, or phone (posted, and on the list of calls); empty: email if there is an address, else post",
                ["", ""],
            ),
            may("format", "normal or gros-caracteres (18-point type); empty: normal", ["", "gros-caracteres"]),
            may(
                "date_extrait",
                "Day whose facts the extract has, the same in every row; empty: the date in the file’s name, else `--as-of`, else today",
                ["", ""],
            ),
        ],
    },
    Guide {
        name: "slots",
        about: "A row is a slot at a desk of `config/agenda.toml`: made elsewhere, or instead of `convoke agenda generate`.",
        layout: slots::LAYOUT,
        columns: &[
            must("site", "Site, by its `id` in the agenda", ["creteil", "creteil"]),
            must("guichet", "Desk, by its `id` in the agenda", ["renouvellement", "renouvellement"]),
            must("date", "Day", ["2027-01-12", "12/01/2027"]),
            must(
                "heure",
                "Hour at which it begins, in the site’s civil time: 09:30, 9h30 or 09:30:00",
                ["09:00", "9h30"],
            ),
            must("duree_min", "Length in minutes, 1 to 720", ["30", "30"]),
            must("places", "People received at once, 1 to 10000", ["2", "1"]),
        ],
    },
    Guide {
        name: "convocations",
        about: "A row is an appointment given before this program was used: its seat is taken, and no letter is written. Slots and people come first.",
        layout: convocations::LAYOUT,
        columns: &[
            must(
                "numero_etranger",
                "Foreigner number of somebody in the extract of permits",
                ["9400000001", "940000002"],
            ),
            must("site", "Site, by its `id` in the agenda", ["creteil", "creteil"]),
            must("guichet", "Desk, by its `id` in the agenda", ["renouvellement", "renouvellement"]),
            must("date", "Day of the slot", ["2027-01-12", "2027-01-12"]),
            must("heure", "Hour at which the slot begins", ["09:00", "09:30"]),
        ],
    },
    Guide {
        name: "attendance",
        about: "A row is what became of an appointment. `convoke agenda sheet` writes such a file for a day, to be filled in.",
        layout: attendance::LAYOUT,
        columns: &[
            must("reference", "Reference of the appointment", ["RC-94-2027-0000001-K", "RC-94-2027-0000002-M"]),
            may("presence", "honore, absent, incomplet or annule; empty: not marked yet", ["honore", "absent"]),
        ],
    },
];

impl Guide {
    /// The guide of a kind of file.
    pub fn of(name: &str) -> Option<&'static Self> {
        GUIDES.iter().find(|guide| guide.name == name)
    }

    /// Name, whether it must be there, whether it may be empty, what it holds, an example; for each column.
    pub fn rows(&self) -> Vec<[&'static str; 4]> {
        let row = |(i, column): (usize, &Column)| {
            let presence = match (i < self.layout.required, column.may_be_empty) {
                (true, false) => "yes",
                (true, true) => "yes, may be empty",
                (false, _) => "no",
            };
            let example = column.examples.into_iter().find(|example| !example.is_empty()).unwrap_or_default();
            [column.name, presence, column.what, example]
        };
        self.columns.iter().enumerate().map(row).collect()
    }

    /// A table in Markdown.
    pub fn markdown(&self) -> String {
        let mut out = "| Column | Required | What it holds | Example |\n|---|---|---|---|\n".to_owned();
        for [name, presence, what, example] in self.rows() {
            let example = if example.is_empty() { String::new() } else { format!("`{example}`") };
            // Unwrap safety: a String takes every write.
            writeln!(out, "| `{name}` | {presence} | {what} | {example} |").expect("a String");
        }
        out
    }

    /// A small file that is right: two rows of invented people.
    pub fn sample(&self) -> String {
        let line = |cells: Vec<&str>| cells.join(";") + "\n";
        let mut out = line(self.columns.iter().map(|column| column.name).collect());
        for i in 0..2 {
            out += &line(self.columns.iter().map(|column| column.examples[i]).collect());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_every_file_is_explained() {
        for guide in GUIDES {
            let names: Vec<&str> = guide.columns.iter().map(|column| column.name).collect();
            assert_eq!(names, guide.layout.columns, "{}", guide.name);
        }
    }

    #[test]
    fn the_documentation_has_the_tables_of_the_program() {
        let doc = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/FILES.md")).unwrap();
        for guide in GUIDES {
            assert!(
                doc.contains(&guide.markdown()),
                "docs/FILES.md lacks the table of {}:\n{}",
                guide.name,
                guide.markdown()
            );
            assert!(
                doc.contains(&guide.sample()),
                "docs/FILES.md lacks the sample of {}:\n{}",
                guide.name,
                guide.sample()
            );
        }
    }
}
