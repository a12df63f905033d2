//! The communes of France by their INSEE code, with those that are now part of another: an extract may still have their
//! code.

/// Code and name by line, sorted by code. INSEE, *Code officiel géographique* of 2026 (Licence Ouverte 2.0), as package
/// `@etalab/decoupage-administratif` 6.0.0 gives it; *arrondissements* have the name of their town.
const COMMUNES: &str = include_str!("../data/communes-2026.txt");

/// The name of a commune; `None` for a code that no commune has or had.
pub fn name(insee: &str) -> Option<&'static str> {
    let (mut from, mut to) = (0, COMMUNES.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let bytes = COMMUNES.as_bytes();
        let start = bytes[from..middle].iter().rposition(|b| *b == b'\n').map_or(from, |place| from + place + 1);
        let end = bytes[middle..to].iter().position(|b| *b == b'\n').map_or(to, |place| middle + place);
        let (code, name) = COMMUNES[start..end].split_once(' ')?;
        match insee.cmp(code) {
            std::cmp::Ordering::Equal => return Some(name),
            std::cmp::Ordering::Less => to = start,
            std::cmp::Ordering::Greater => from = end + 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_commune_is_found_by_its_code() {
        let mut last = "";
        for line in COMMUNES.lines() {
            let (code, expected) = line.split_once(' ').unwrap();
            assert!(last < code && crate::permit::is_commune_code(code), "{last} {code}");
            assert_eq!(name(code), Some(expected));
            last = code;
        }
        assert_eq!(COMMUNES.lines().count(), 37_006);
    }

    #[test]
    fn a_code_that_no_commune_has_has_no_name() {
        for code in ["", "00000", "94000", "75000", "99999", "2A", "94028 "] {
            assert_eq!(name(code), None, "{code}");
        }
        assert_eq!((name("94028"), name("75113"), name("98818")), (Some("Créteil"), Some("Paris"), Some("Nouméa")));
    }
}
