//! The Return-Path of a letter: an address of its own (VERP), which identifies a bounce. It is signed, so that nobody
//! can claim that another person's letter came back; it contains the reference and nothing about the person.

use convoke_domain::ids::{IdKey, Reference, base32, keyed_hash};

/// Placeholder for the letter's name in `[smtp] return_path`.
const PLACE: &str = "{letter}";

/// The address to which a letter bounces: `template` with the letter's name filled in.
pub(super) fn write(template: &str, key: &IdKey, prefecture: &str, reference: &str, letter_id: &str) -> String {
    let name = format!("{}.{}", reference.to_ascii_lowercase(), signature(key, prefecture, letter_id));
    template.replace(PLACE, &name)
}

/// A letter's name as found in an address: its reference, and a signature to compare with those of the reference's
/// letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Reference.
    pub reference: Reference,
    signature: String,
}

impl Named {
    /// Finds the name in an address, whatever precedes it: servers rewrite case, and templates change over the years.
    pub fn find(address: &str) -> Option<Self> {
        let address = address.to_ascii_lowercase();
        let (local, _) = address.rsplit_once('@')?;
        let (before, signature) = local.rsplit_once('.')?;
        let mut starts = ["rc-", "dl-", "tr-", "av-"].into_iter().flat_map(|series| before.match_indices(series));
        let reference = starts.find_map(|(at, _)| Reference::parse(&before[at..]))?;
        Some(Self { reference, signature: signature.to_owned() })
    }

    /// Whether it is the name of this letter.
    pub fn is_of(&self, key: &IdKey, prefecture: &str, letter_id: &str) -> bool {
        self.signature == signature(key, prefecture, letter_id)
    }
}

/// 80 bits of HMAC-SHA256.
fn signature(key: &IdKey, prefecture: &str, letter_id: &str) -> String {
    base32(&keyed_hash(&key.0, &[b"return-path", prefecture.as_bytes(), letter_id.as_bytes()])[..10])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_known_by_its_return_path_and_nobody_can_make_one_up() {
        let (key, other) = (IdKey([1; 32]), IdKey([2; 32]));
        let reference = Reference::new("94", 2026, 1_234);
        let id = format!("{reference}/convocation/0");
        for template in ["retours+{letter}@p.example", "retours-{letter}@p.example", "{letter}@retours.p.example"] {
            let address = write(template, &key, "94", reference.as_str(), &id);
            let named = Named::find(&address.to_uppercase()).unwrap();
            assert_eq!(named.reference, reference);
            assert!(named.is_of(&key, "94", &id), "{address}");
            assert!(!named.is_of(&other, "94", &id), "another key");
            assert!(!named.is_of(&key, "94", &format!("{reference}/reminder/0/J-7")), "another letter");
            let local = address.split('@').next().unwrap();
            assert!(local.len() <= 64, "{address}");
        }
        for address in ["retours@p.example", "rc-94-2026-0001234-k@p.example", "a.b@c", "", "rc-.x@p.example"] {
            assert_eq!(Named::find(address), None, "{address}");
        }
    }
}
