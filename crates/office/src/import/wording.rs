//! What the words of an extract for titles mean.

use std::collections::{HashMap, HashSet};

use convoke_domain::permit::{PermitKind, mention_code};
use convoke_domain::title::{Meaning, TitleId, Titles, begins_as_student};

/// What the words of an extract mean. An extract of a million rows has a few dozen of them.
#[derive(Debug)]
pub struct Wording<'a> {
    titles: &'a Titles,
    /// Types and mentions, by their codes, that keep the verdict that they had before titles were known by a table.
    kept: HashSet<(String, String)>,
    known: HashMap<String, HashMap<String, Worded>>,
}

#[derive(Clone, Debug)]
pub(super) struct Worded {
    pub(super) kind: PermitKind,
    pub(super) mention: String,
    pub(super) unknown_title: Option<String>,
    pub(super) title_words: Option<String>,
}

impl<'a> Wording<'a> {
    /// The words of these titles, and the mentions that were known before.
    pub fn new(titles: &'a Titles, kept: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { titles, kept: kept.into_iter().collect(), known: HashMap::new() }
    }

    pub(super) fn of(&mut self, (kind, mention): (&str, &str)) -> Worded {
        if let Some(worded) = self.known.get(kind).and_then(|mentions| mentions.get(mention)) {
            return worded.clone();
        }
        let worded = self.read(kind, mention);
        self.known.entry(kind.to_owned()).or_default().insert(mention.to_owned(), worded.clone());
        worded
    }

    fn read(&self, kind: &str, mention: &str) -> Worded {
        match self.titles.meaning(kind, mention) {
            Meaning::Known(TitleId { kind: known, mention: code }) => {
                let words = (known.code(), code.as_str()) != (kind, mention);
                let title_words = words.then(|| format!("{kind}\n{mention}"));
                Worded { kind: known, mention: code, unknown_title: None, title_words }
            }
            Meaning::Unknown { kind: Some(known), mention: code }
                if !begins_as_student(&code)
                    && self.kept.contains(&(known.code().to_owned(), mention_code(mention))) =>
            {
                Worded { kind: known, mention: mention_code(mention), unknown_title: None, title_words: None }
            }
            Meaning::Unknown { kind: known, mention: code } => {
                // A placeholder: nobody is convoked for it.
                let words = Some(format!("{kind}\n{mention}"));
                let kind = known.unwrap_or(PermitKind::Cst);
                Worded { kind, mention: code, unknown_title: words.clone(), title_words: words }
            }
        }
    }
}
