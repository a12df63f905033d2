//! Fonts in the order in which they are tried, and a memory of the words that they shaped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::face::{Face, Shaped};
use super::text::is_unseen;

/// Words kept before the memory is emptied: a letter has a few hundred, nearly all of them in the next one too.
const WORDS_MAX: usize = 20_000;

/// Fonts, the first of them before the others.
pub(crate) struct Faces {
    faces: Vec<Arc<Face>>,
    words: Mutex<Words>,
}

/// What shapes a word: face, whether it is from right to left, and the first letters of its language.
type Setting = (u8, bool, [u8; 3]);

/// Shaped words.
#[derive(Default)]
struct Words {
    shaped: HashMap<Setting, HashMap<Box<str>, Arc<Shaped>>>,
    count: usize,
}

impl Faces {
    pub(crate) fn new(faces: Vec<Arc<Face>>) -> Self {
        // A face is named by one byte; nobody has so many fonts.
        let faces = faces.into_iter().take(usize::from(u8::MAX)).collect();
        Self { faces, words: Mutex::default() }
    }

    /// The same faces, those of these families first.
    ///
    /// # Errors
    /// A family that no face is of.
    pub(crate) fn in_order<'a>(&self, families: &'a [String]) -> Result<Self, &'a String> {
        if let Some(unknown) = families.iter().find(|family| !self.faces.iter().any(|face| face.family == **family)) {
            return Err(unknown);
        }
        let place = |face: &Face| families.iter().position(|family| *family == face.family).unwrap_or(families.len());
        let mut faces = self.faces.clone();
        faces.sort_by_key(|face| place(face));
        Ok(Self::new(faces))
    }

    pub(crate) fn count(&self) -> usize {
        self.faces.len()
    }

    pub(super) fn get(&self, face: u8) -> &Face {
        &self.faces[usize::from(face)]
    }

    /// The face for a character: that of the text before it, for signs that belong to no script, or else the first that
    /// has it.
    pub(super) fn choose(&self, c: char, bold: bool, before: Option<u8>) -> Option<u8> {
        // Digits do not follow the text before them: a date would be in two faces.
        if let Some(face) = before
            && (is_unseen(c) || (!c.is_alphanumeric() && self.get(face).covers(c)))
        {
            return before;
        }
        let first = |wanted: &dyn Fn(&Face) -> bool| {
            self.faces.iter().position(|face| !face.italic && wanted(face.as_ref()) && (is_unseen(c) || face.covers(c)))
        };
        // Of the first family that has it: a word is not bold in another font than the words beside it.
        let any = first(&|_| true)?;
        let family = &self.faces[any].family;
        let same = first(&|face| face.bold == bold && face.family == *family);
        Some(same.unwrap_or(any) as u8)
    }

    /// A word, shaped.
    pub(super) fn shape(&self, text: &str, face: u8, rtl: bool, language: &str) -> Arc<Shaped> {
        let code = language.as_bytes();
        let code = [0, 1, 2].map(|n| code.get(n).copied().unwrap_or_default());
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        if words.count >= WORDS_MAX {
            *words = Words::default();
        }
        let known = words.shaped.entry((face, rtl, code)).or_default();
        if let Some(shaped) = known.get(text) {
            return Arc::clone(shaped);
        }
        let shaped = Arc::new(self.get(face).shape(text, rtl, language));
        known.insert(text.into(), Arc::clone(&shaped));
        words.count += 1;
        shaped
    }
}
