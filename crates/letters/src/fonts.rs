//! The fonts of letters: embedded, and additional ones of a préfecture.

use std::io::Read;
use std::sync::{Arc, LazyLock};

use flate2::read::GzDecoder;

use super::typeset::{Face, Faces};
use convoke_domain::ids::sha256_hex;

/// An embedded font, as packed by `build.rs`.
macro_rules! face {
    ($name:literal) => {
        ($name, include_bytes!(concat!(env!("OUT_DIR"), "/", $name)))
    };
}

/// The embedded fonts, with their SHA-256 (`templates/fonts/MANIFEST.md`).
const FACES: [(&str, &[u8]); 5] = [
    face!("NotoSans-Regular.ttf"),
    face!("NotoSans-Bold.ttf"),
    face!("NotoSans-Italic.ttf"),
    face!("NotoSansArabic-Regular.ttf"),
    face!("DroidSansFallbackFull.ttf"),
];

/// The same, unpacked once and shared by all sets of fonts.
static UNPACKED: LazyLock<[(String, Arc<Vec<u8>>); 5]> = LazyLock::new(|| {
    FACES.map(|(name, packed)| {
        // Allocate the exact size: the surplus of a growing buffer would stay with a server for years. The size is at
        // the end (RFC 1952, 2.3.1).
        let size = packed.last_chunk().map_or(0, |size| u32::from_le_bytes(*size) as usize);
        let mut face = Vec::with_capacity(size);
        // Unwrap safety: build.rs packed it.
        GzDecoder::new(packed).read_to_end(&mut face).expect("an embedded face");
        (name.to_owned(), Arc::new(face))
    })
});

/// Fonts, validated and ready.
#[derive(Clone)]
pub struct Fonts {
    faces: Arc<Faces>,
    hash: String,
}

impl Fonts {
    /// The embedded fonts, read once.
    pub fn embedded() -> &'static Self {
        static EMBEDDED: LazyLock<Fonts> =
            // Unwrap safety: a test reads them.
            LazyLock::new(|| Fonts::with([]).expect("the embedded fonts are fonts"));
        &EMBEDDED
    }

    /// The embedded fonts and additional ones: file name and content.
    ///
    /// # Errors
    /// The name of a file that is not a font.
    pub fn with(more: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, String> {
        let more = more.into_iter().map(|(name, bytes)| (name, Arc::new(bytes)));
        let (mut faces, mut hashes) = (Vec::new(), String::new());
        for (name, bytes) in UNPACKED.iter().cloned().chain(more) {
            hashes += &sha256_hex(&bytes);
            let before = faces.len();
            faces.extend(Face::all(&bytes));
            if faces.len() == before {
                return Err(name);
            }
        }
        let faces = faces.into_iter().map(Arc::new).collect();
        Ok(Self { faces: Arc::new(Faces::new(faces)), hash: sha256_hex(hashes.as_bytes()) })
    }

    /// SHA-256 over the fonts, recorded with each letter.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    pub(crate) fn faces(&self) -> &Faces {
        &self.faces
    }

    pub(crate) fn shared(&self) -> Arc<Faces> {
        Arc::clone(&self.faces)
    }

    /// The same faces, those of these families first.
    ///
    /// # Errors
    /// A family that no face is of.
    pub(crate) fn in_order<'a>(&self, families: &'a [String]) -> Result<Arc<Faces>, &'a String> {
        if families.is_empty() {
            return Ok(self.shared());
        }
        Ok(Arc::new(self.faces.in_order(families)?))
    }
}

impl std::fmt::Debug for Fonts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fonts({} faces)", self.faces.count())
    }
}
