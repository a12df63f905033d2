//! Words with their kinds: what is set.

use std::ops::Range;
use std::sync::Arc;

/// A millimetre.
pub(crate) const MM: f32 = 72.0 / 25.4;

/// How words of one kind are set.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Kind {
    pub(crate) strong: bool,
    /// Never broken over two lines.
    pub(crate) whole: bool,
    /// Target of a link.
    pub(crate) link: Option<Arc<str>>,
    /// If it is not that of the paragraph.
    pub(crate) language: Option<Arc<str>>,
}

impl Kind {
    pub(crate) fn strong() -> Self {
        Self { strong: true, ..Self::default() }
    }
}

/// Words of several kinds. A newline is a forced line break.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    pub(super) words: String,
    pub(super) spans: Vec<(Range<usize>, Kind)>,
}

impl Text {
    pub(crate) fn plain(words: &str) -> Self {
        Self::default().with(words, Kind::default())
    }

    pub(crate) fn strong(words: &str) -> Self {
        Self::default().with(words, Kind::strong())
    }

    /// Lines, one below the other. A blank ends each, so that readers do not join its last word to the next line.
    pub(crate) fn lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        Self::plain(&lines.into_iter().collect::<Vec<_>>().join(" \n"))
    }

    /// The same text and more words.
    pub(crate) fn with(mut self, words: &str, kind: Kind) -> Self {
        let start = self.words.len();
        self.words.push_str(words);
        if !words.is_empty() {
            self.spans.push((start..self.words.len(), kind));
        }
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

/// What applies to a whole paragraph.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) size: f32,
    /// Between the lines.
    pub(crate) leading: f32,
    pub(crate) rtl: bool,
    pub(crate) language: &'static str,
}

impl Style {
    /// French; `leading` in em.
    pub(crate) fn french(size: f32, leading: f32) -> Self {
        Self { size, leading: leading * size, rtl: false, language: "fr" }
    }
}

/// Whether a character is never drawn. The joiners are not drawn either, but they shape the letters beside them.
pub(super) fn is_unseen(c: char) -> bool {
    use convoke_domain::unseen;
    (unseen::is_unseen(c) && !unseen::is_joiner(c))
        || matches!(c, '\u{fe00}'..='\u{fe0f}')
        || (c.is_control() && c != '\n')
}
