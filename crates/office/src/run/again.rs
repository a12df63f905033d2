//! A letter rendered again with the stored templates of its run: identical to the byte, or with a list of what has
//! changed.

use anyhow::Result;

use convoke_domain::ids::sha256_hex;
use convoke_letters::{ENGINE, Letter, LetterData, Rendered, Templates};
use convoke_settings::Configuration;
use convoke_store::{LetterRow, Store};

/// A letter rendered again.
pub struct Again {
    /// As rendered now; `None` if it can no longer be rendered.
    pub letter: Option<Letter>,
    /// Of what was sent, rendered again: the message, or the PDF of a paper letter.
    pub sha256: Option<String>,
    /// What has changed since it was sent; empty if it is identical to the byte.
    pub differs: Vec<&'static str>,
    /// The engine that made what was sent, where that is known.
    pub engine: Option<String>,
}

impl Again {
    /// Renders a letter again from what it was made with.
    pub fn of(store: &mut Store, config: &Configuration, row: &LetterRow) -> Result<Self> {
        let made: Option<Rendered> = row.rendered.as_deref().map(serde_json::from_str).transpose()?;
        let mut differs = Vec::new();
        let kept = match &made {
            Some(made) => store.kept_templates(&made.templates)?,
            None => None,
        };
        let engine = made.as_ref().map(|made| made.engine.clone());
        let own = config.templates()?;
        let fonts = own.fonts();
        let templates = match kept {
            Some(sources) => Templates::kept(sources, fonts.clone()).ok(),
            // The configured templates serve if they are those that were used.
            None if made.as_ref().is_none_or(|m| m.templates == own.hash()) => {
                Some(Templates::unchecked(own.sources().clone(), fonts.clone())?)
            }
            None => None,
        };
        if let Some(made) = &made {
            let checks = [
                (templates.is_none(), "templates"),
                (made.fonts != fonts.hash(), "fonts"),
                (made.engine != ENGINE, "engine"),
            ];
            differs.extend(checks.into_iter().filter(|(changed, _)| *changed).map(|(_, what)| what));
        }
        let sender = made.as_ref().map_or_else(|| config.sender(), |m| m.sender.clone());
        let data: Result<LetterData, _> = serde_json::from_str(&row.data);
        let (Some(templates), Ok(data)) = (templates, data) else {
            if differs.is_empty() {
                differs.push("data");
            }
            return Ok(Self { letter: None, sha256: None, differs, engine });
        };
        let Ok(letter) = templates.compose(&data, &sender) else {
            differs.push("data");
            return Ok(Self { letter: None, sha256: None, differs, engine });
        };
        let on_paper = made.as_ref().is_some_and(|m| m.pdf == row.sha256) && row.sha256.is_some();
        let sha256 =
            if on_paper { letter.pdf.as_ref().ok().map(|p| sha256_hex(p)) } else { Some(letter.sha256.clone()) };
        let same = made.is_none() || row.sha256 == sha256;
        if same {
            // A different engine that gives the same bytes has changed nothing.
            differs.clear();
        } else if differs.is_empty() {
            differs.push("data");
        }
        Ok(Self { letter: Some(letter), sha256, differs, engine })
    }
}
