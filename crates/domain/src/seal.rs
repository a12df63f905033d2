//! The seal: an Ed25519 key (RFC 8032) with which an office signs the state of its ledger after each run, and every
//! report that it exports. Anyone who knows the key's fingerprint, or keeps one signed checkpoint, can tell that
//! neither was rewritten.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ids::{hex, sha256_hex, unhex};
use crate::ledger::{Broken, Entry};

/// Text that does not contain a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("holds no Ed25519 key in PEM")]
pub struct NoKey;

/// The secret key. It is never displayed.
pub struct Seal(SigningKey);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seal({})", self.public().fingerprint())
    }
}

impl Seal {
    /// The key from 32 random bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// Parses `-----BEGIN PRIVATE KEY-----`.
    pub fn from_pem(text: &str) -> Result<Self, NoKey> {
        SigningKey::from_pkcs8_pem(text.trim()).map(Self).map_err(|_| NoKey)
    }

    /// The key in PEM, as `openssl genpkey -algorithm ed25519` writes it.
    pub fn to_pem(&self) -> String {
        // Without the public key: OpenSSL 3.0 reads no other form (RFC 8410, section 7).
        let bytes = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        // Unwrap safety: 32 bytes fit into PEM.
        bytes.to_pkcs8_pem(LineEnding::LF).expect("a key of 32 bytes").to_string()
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The signature of some bytes, in hexadecimal.
    pub fn sign(&self, bytes: &[u8]) -> String {
        hex(&self.0.sign(bytes).to_bytes())
    }

    /// Signs a state of the ledger.
    pub fn seal(&self, checkpoint: Checkpoint) -> Sealed {
        let signature = self.sign(checkpoint.text().as_bytes());
        Sealed { checkpoint, key: self.public().to_hex(), signature }
    }

    /// The ledger payload that introduces a key; `lost`: why the previous key did not sign for it.
    pub fn introduction(&self, lost: Option<&str>) -> Value {
        json!({"key": self.public().to_hex(), "fingerprint": self.public().fingerprint(), "lost": lost})
    }

    /// Signs, with the old key, that a new one follows it.
    pub fn pass_on(&self, to: &PublicKey, at: DateTime<Utc>) -> Succession {
        let (from, to) = (self.public().to_hex(), to.to_hex());
        let endorsement = self.sign(Succession::text(&from, &to, at).as_bytes());
        Succession { from, to, at, endorsement }
    }
}

/// The public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Parses `-----BEGIN PUBLIC KEY-----`.
    pub fn from_pem(text: &str) -> Result<Self, NoKey> {
        VerifyingKey::from_public_key_pem(text.trim()).map(Self).map_err(|_| NoKey)
    }

    /// The key in PEM, as `openssl pkey -pubin` reads it.
    pub fn to_pem(&self) -> String {
        // Unwrap safety: 32 bytes fit into PEM.
        self.0.to_public_key_pem(LineEnding::LF).expect("a key of 32 bytes")
    }

    /// Parses 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Result<Self, NoKey> {
        let bytes = unhex::<32>(text).ok_or(NoKey)?;
        VerifyingKey::from_bytes(&bytes).map(Self).map_err(|_| NoKey)
    }

    /// The key as 64 hexadecimal digits.
    pub fn to_hex(self) -> String {
        hex(self.0.as_bytes())
    }

    /// SHA-256 of the key as DER, in hexadecimal: `openssl pkey -pubin -in key.pem -outform DER | sha256sum`.
    pub fn fingerprint(&self) -> String {
        // Unwrap safety: 32 bytes fit into DER.
        sha256_hex(self.0.to_public_key_der().expect("a key of 32 bytes").as_bytes())
    }

    /// Whether a signature (in hexadecimal) is this key's signature of these bytes.
    pub fn signed(&self, bytes: &[u8], signature: &str) -> bool {
        unhex::<64>(signature).is_some_and(|s| self.0.verify_strict(bytes, &Signature::from_bytes(&s)).is_ok())
    }
}

/// The ledger as it was when a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Code of the préfecture.
    pub prefecture: String,
    /// The run that it closes.
    pub run: String,
    /// Entries of the ledger.
    pub size: i64,
    /// Hash of the last.
    pub root: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl Checkpoint {
    /// The signed text: six lines.
    pub fn text(&self) -> String {
        let Self { prefecture, run, size, root, at } = self;
        let at = instant(*at);
        format!("convoke checkpoint 1\nprefecture {prefecture}\nrun {run}\nsize {size}\nroot {root}\nat {at}\n")
    }
}

/// A checkpoint and its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// The public key, in hexadecimal.
    pub key: String,
    /// The signature of [`Checkpoint::text`], in hexadecimal.
    pub signature: String,
}

impl Sealed {
    /// The key, if the signature is valid.
    pub fn signer(&self) -> Option<PublicKey> {
        let key = PublicKey::from_hex(&self.key).ok()?;
        key.signed(self.checkpoint.text().as_bytes(), &self.signature).then_some(key)
    }

    /// What a witness keeps: the signed text, and two more lines.
    pub fn text(&self) -> String {
        // In two halves, so that e-mail programs do not wrap the line in their own way.
        let (first, second) = self.signature.split_at(self.signature.len() / 2);
        format!("{}key {}\nsignature {first}\nsignature {second}\n", self.checkpoint.text(), self.key)
    }

    /// Finds the checkpoints in a witness's text, such as a whole mailbox. Incomplete ones are ignored.
    pub fn all_in(text: &str) -> Vec<Self> {
        let lines: Vec<&str> = text.lines().map(|line| line.trim_start_matches(['>', ' ']).trim_end()).collect();
        lines.windows(9).filter_map(Self::of_lines).collect()
    }

    fn of_lines(lines: &[&str]) -> Option<Self> {
        let [head, prefecture, run, size, root, at, key, first, second] = lines else { return None };
        let value = |line: &str, name: &str| Some(line.strip_prefix(name)?.strip_prefix(' ')?.to_owned());
        if *head != "convoke checkpoint 1" {
            return None;
        }
        let checkpoint = Checkpoint {
            prefecture: value(prefecture, "prefecture")?,
            run: value(run, "run")?,
            size: value(size, "size")?.parse().ok()?,
            root: value(root, "root")?,
            at: value(at, "at")?.parse().ok()?,
        };
        let signature = value(first, "signature")? + &value(second, "signature")?;
        Some(Self { checkpoint, key: value(key, "key")?, signature })
    }
}

/// A key that followed another, with the endorsement of the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Succession {
    /// The old key, in hexadecimal.
    pub from: String,
    /// The new one.
    pub to: String,
    /// Since when.
    pub at: DateTime<Utc>,
    /// The old key's signature, in hexadecimal.
    pub endorsement: String,
}

impl Succession {
    fn text(from: &str, to: &str, at: DateTime<Utc>) -> String {
        format!("convoke succession 1\nfrom {from}\nto {to}\nat {}\n", instant(at))
    }

    /// Whether the old key's signature is valid.
    pub fn holds(&self) -> bool {
        let text = Self::text(&self.from, &self.to, self.at);
        PublicKey::from_hex(&self.from).is_ok_and(|old| old.signed(text.as_bytes(), &self.endorsement))
    }
}

/// The ledger entry that introduces a key.
pub const KEY_MADE: &str = "key.made";
/// The ledger entry by which one key succeeds another.
pub const KEY_PASSED_ON: &str = "key.passed_on";

/// Tracks the key in use, from a ledger's entries in order.
#[derive(Debug, Default)]
pub struct Keys(Option<String>);

impl Keys {
    /// The key in use, in hexadecimal.
    pub fn in_use(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Starts with the key in use at the beginning of a range of the ledger.
    pub fn beginning_with(key: Option<String>) -> Self {
        Self(key)
    }

    /// Takes the next entry. A key that succeeds another needs that key's signature, or the office's statement that it
    /// was lost.
    pub fn take(&mut self, entry: &Entry) -> Result<(), Broken> {
        let unvouched = || Broken::Unvouched(entry.seq);
        if entry.kind == KEY_MADE {
            let made: Introduced = serde_json::from_str(&entry.payload).map_err(|_| unvouched())?;
            if self.0.is_some() && made.lost.is_none() {
                return Err(unvouched());
            }
            self.0 = Some(made.key);
        } else if entry.kind == KEY_PASSED_ON {
            let passed: Passed = serde_json::from_str(&entry.payload).map_err(|_| unvouched())?;
            let word = Succession { from: passed.from, to: passed.to, at: passed.at, endorsement: passed.endorsement };
            if self.0.as_ref() != Some(&word.from) || !word.holds() {
                return Err(unvouched());
            }
            self.0 = Some(word.to);
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Introduced {
    key: String,
    lost: Option<String>,
}

#[derive(Deserialize)]
struct Passed {
    from: String,
    to: String,
    at: DateTime<Utc>,
    endorsement: String,
}

/// Whether trust in the key with a fingerprint extends to another key, through a chain of signed successions.
pub fn reaches(successions: &[Succession], fingerprint: &str, key: &PublicKey) -> bool {
    // A key that signed for two successors was stolen: its signature is worth nothing.
    let twice = |from: &str| {
        successions.iter().filter(|s| s.from == from && s.holds()).map(|s| &s.to).collect::<BTreeSet<_>>().len() > 1
    };
    let mut trusted = vec![fingerprint.to_owned()];
    // Each round adds a key or is the last, so cycles of keys terminate too.
    loop {
        let next = successions.iter().filter(|s| s.holds() && !twice(&s.from)).find_map(|s| {
            let of = |key: &str| PublicKey::from_hex(key).ok().map(|key| key.fingerprint());
            let (from, to) = (of(&s.from)?, of(&s.to)?);
            (trusted.contains(&from) && !trusted.contains(&to)).then_some(to)
        });
        match next {
            Some(to) => trusted.push(to),
            None => return trusted.contains(&key.fingerprint()),
        }
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            prefecture: "94".into(),
            run: "94/2026-10-05/1".into(),
            size: 12,
            root: "ab".repeat(32),
            at: "2026-10-05T01:30:12.5Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_key_is_read_as_it_was_written_and_never_shown() {
        let seal = Seal::new(&[7; 32]);
        assert_eq!(Seal::from_pem(&seal.to_pem()).unwrap().public(), seal.public());
        assert_eq!(PublicKey::from_pem(&seal.public().to_pem()), Ok(seal.public()));
        assert_eq!(PublicKey::from_hex(&seal.public().to_hex()), Ok(seal.public()));
        assert!(!format!("{seal:?}").contains(&hex(&[7; 32])));
        assert!(Seal::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----").is_err());
    }

    #[test]
    fn a_checkpoint_is_found_in_what_a_witness_kept_and_any_change_of_it_is_seen() {
        let sealed = Seal::new(&[7; 32]).seal(checkpoint());
        let mail = format!("Subject: checkpoint\r\n\r\n> {}", sealed.text().replace('\n', "\r\n> "));
        assert_eq!(Sealed::all_in(&mail), std::slice::from_ref(&sealed));
        assert_eq!(sealed.signer(), Some(Seal::new(&[7; 32]).public()));
        for (from, to) in
            [("size 12", "size 13"), ("94/", "95/"), ("root ab", "root ac"), ("signature ", "signature 0")]
        {
            let changed = Sealed::all_in(&sealed.text().replacen(from, to, 1));
            assert!(changed.iter().all(|sealed| sealed.signer().is_none()), "{to}");
        }
        assert!(Sealed::all_in(&sealed.text()[..100]).is_empty());
    }

    #[test]
    fn trust_passes_from_key_to_key_only_by_the_word_of_the_one_before() {
        let (a, b, c) = (Seal::new(&[1; 32]), Seal::new(&[2; 32]), Seal::new(&[3; 32]));
        let at = checkpoint().at;
        let chain = [b.pass_on(&c.public(), at), a.pass_on(&b.public(), at)];
        let first = a.public().fingerprint();
        assert!(reaches(&[], &first, &a.public()));
        assert!(reaches(&chain, &first, &c.public()));
        assert!(!reaches(&chain, &c.public().fingerprint(), &a.public()));
        let forged = [Succession { from: a.public().to_hex(), ..b.pass_on(&c.public(), at) }];
        assert!(!reaches(&forged, &first, &c.public()));
        let circle = [a.pass_on(&b.public(), at), b.pass_on(&a.public(), at)];
        assert!(!reaches(&circle, &first, &c.public()));
    }
}
