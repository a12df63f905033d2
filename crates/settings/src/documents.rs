//! `config/documents.toml`: what people bring to their appointment.

use serde::{Deserialize, Serialize};

use convoke_domain::permit::PermitKind;

/// Documents to bring, by type and mention (`config/documents.toml`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// Blocks, in the order that letters list them.
    #[serde(default)]
    pub documents: Vec<DocumentBlock>,
}

/// A list of documents, and the dated legal text that requires them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentBlock {
    /// Types covered.
    pub types: Vec<PermitKind>,
    /// Mentions covered; empty means any.
    #[serde(default)]
    pub mentions: Vec<String>,
    /// The text that requires them, with its date.
    pub source: String,
    /// One document per item.
    pub items: Vec<String>,
}

impl Documents {
    /// The documents that a permit's holder must bring, each once, and their sources.
    pub fn for_permit(&self, kind: PermitKind, mention: &str) -> (Vec<String>, String) {
        let covers = |b: &&DocumentBlock| {
            b.types.contains(&kind) && (b.mentions.is_empty() || b.mentions.iter().any(|m| m == mention))
        };
        let (mut items, mut sources): (Vec<String>, Vec<&str>) = (Vec::new(), Vec::new());
        for block in self.documents.iter().filter(covers) {
            items.extend(block.items.iter().filter(|i| !items.contains(i)).cloned().collect::<Vec<_>>());
            if !sources.contains(&block.source.as_str()) {
                sources.push(&block.source);
            }
        }
        (items, sources.join(" ; "))
    }
}
