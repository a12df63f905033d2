//! The wording of a letter, as blocks. Templates are written in Markdown, and text, HTML and PDF each have one layout
//! for the blocks, so the three always say the same.
//!
//! Of Markdown (`CommonMark`) a letter has: one title `#`, sections `##`, paragraphs, lists `-`, `**strong**`, links,
//! and
//! - a definition list, which is the framed box (a row is a label and its text);
//! - a rule `---`, after which come rights and legal mentions: on the back of a printed letter, in smaller type.
//!
//! Anything else is refused, so that nothing is dropped silently.

use pulldown_cmark::{Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd};
use serde::Serialize;

use super::fold::folded;

/// A complete text in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Document {
    /// Its title.
    pub(super) title: String,
    /// The blocks after the title.
    pub(super) blocks: Vec<Block>,
    /// Rights and legal mentions: the blocks after the rule.
    pub(super) mentions: Vec<Block>,
}

impl Document {
    /// All its words.
    pub(super) fn plain(&self) -> String {
        let mut out = self.title.clone();
        let mut say = |spans: &[Span]| {
            out.push('\n');
            out.extend(spans.iter().flat_map(|s| s.text.chars()).map(|c| if c == '\u{a0}' { ' ' } else { c }));
        };
        for block in self.blocks.iter().chain(&self.mentions) {
            match block {
                Block::Paragraph { spans } => say(spans),
                Block::List { items } => items.iter().for_each(|spans| say(spans)),
                Block::Box { rows } => rows.iter().flat_map(|row| &row.lines).for_each(|spans| say(spans)),
                Block::Heading { .. } => {}
            }
        }
        out
    }
}

impl std::fmt::Display for Document {
    /// For a terminal: no line is wider than 78 columns, unless a word is.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = vec![self.title.to_uppercase()];
        for block in self.blocks.iter().chain(&self.mentions) {
            parts.push(match block {
                Block::Heading { text, .. } => text.to_uppercase(),
                Block::Paragraph { spans } => words(spans),
                Block::List { items } => {
                    items.iter().map(|item| format!("- {}", words(item))).collect::<Vec<_>>().join("\n")
                }
                Block::Box { rows } => {
                    let row = |row: &Row| {
                        let lines = row.lines.iter().map(|line| format!("  {}", words(line)));
                        std::iter::once(format!("{} :", row.label)).chain(lines).collect::<Vec<_>>().join("\n")
                    };
                    rows.iter().map(row).collect::<Vec<_>>().join("\n")
                }
            });
        }
        f.write_str(&folded(&parts.join("\n\n")))
    }
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Block {
    /// The title of a section.
    Heading {
        /// An icon before it: `place`, `date` or `documents`.
        icon: Option<&'static str>,
        /// Its words.
        text: String,
    },
    /// A paragraph.
    Paragraph {
        /// Its words.
        spans: Vec<Span>,
    },
    /// A list.
    List {
        /// Its items.
        items: Vec<Vec<Span>>,
    },
    /// The framed box.
    Box {
        /// Its rows.
        rows: Vec<Row>,
    },
}

/// A row of the framed box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    /// An icon: `place`, `date` or `documents`.
    pub icon: Option<&'static str>,
    /// Label.
    pub label: String,
    /// Its text, one line per item.
    pub lines: Vec<Vec<Span>>,
}

/// Text in one style.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Span {
    /// The words.
    pub text: String,
    /// Bold.
    pub strong: bool,
    /// Never broken across lines.
    pub whole: bool,
    /// Target of a link.
    pub link: Option<String>,
}

/// The icons, as characters in templates and as names in layouts.
const ICONS: [(char, &str); 3] = [('📅', "date"), ('📍', "place"), ('📄', "documents")];

/// Escapes a value so that Markdown reads it literally: any ASCII punctuation may follow a backslash (`CommonMark`,
/// 2.4). A value cannot begin a code block, because it does not begin with a blank.
pub(super) fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 8);
    for c in value.trim().chars() {
        if c.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Parses Markdown. `whole` are words that are never broken across lines.
///
/// # Errors
/// Markdown that letters do not support: the byte offset, and what it is.
pub(super) fn parse(markdown: &str, whole: &[&str]) -> Result<Document, (usize, String)> {
    let mut document = Document::default();
    let mut open = Open::default();
    let parser = Parser::new_ext(markdown, Options::ENABLE_DEFINITION_LIST).into_offset_iter();
    for (event, range) in parser {
        open.take(event, &mut document).map_err(|what| (range.start, what))?;
    }
    if document.title.is_empty() {
        return Err((0, "has no title: a line that begins with `# `".into()));
    }
    for block in document.blocks.iter_mut().chain(&mut document.mentions) {
        match block {
            Block::Paragraph { spans } => set_whole(spans, whole),
            Block::List { items } => items.iter_mut().for_each(|spans| set_whole(spans, whole)),
            Block::Box { rows } => {
                rows.iter_mut().flat_map(|row| &mut row.lines).for_each(|spans| set_whole(spans, whole));
            }
            Block::Heading { .. } => {}
        }
    }
    Ok(document)
}

/// The parser's state.
#[derive(Default)]
struct Open {
    lines: Vec<Vec<Span>>,
    strong: bool,
    link: Option<String>,
    items: Vec<Vec<Span>>,
    rows: Vec<Row>,
    inside: Inside,
    is_in_mentions: bool,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Inside {
    #[default]
    Nothing,
    List,
    Box,
}

impl Open {
    fn take(&mut self, event: Event<'_>, document: &mut Document) -> Result<(), String> {
        let blocks = if self.is_in_mentions { &mut document.mentions } else { &mut document.blocks };
        match event {
            Event::Text(text) => self.text(&text),
            Event::SoftBreak => self.text(" "),
            Event::Rule if self.is_in_mentions || self.inside != Inside::Nothing => {
                return Err("a letter has one rule (`---`), outside lists and the box".into());
            }
            Event::Rule => self.is_in_mentions = true,
            Event::Start(Tag::Strong) => self.strong = true,
            Event::End(TagEnd::Strong) => self.strong = false,
            Event::Start(Tag::Link { link_type, dest_url, .. }) => {
                let mail = if link_type == LinkType::Email { "mailto:" } else { "" };
                // Isolates are for display; an address has none.
                self.link = Some(format!("{mail}{}", dest_url.replace(['\u{2068}', '\u{2069}'], "")));
            }
            Event::End(TagEnd::Link) => self.link = None,
            Event::Start(Tag::List(None)) => self.inside = Inside::List,
            Event::Start(Tag::DefinitionList) => self.inside = Inside::Box,
            Event::Start(
                Tag::Paragraph
                | Tag::Item
                | Tag::DefinitionListTitle
                | Tag::DefinitionListDefinition
                | Tag::Heading { level: HeadingLevel::H1 | HeadingLevel::H2, .. },
            ) => {}
            Event::End(TagEnd::Paragraph) if self.inside == Inside::Nothing => {
                let spans = self.spans();
                blocks.push(Block::Paragraph { spans });
            }
            // Within a list or the box a paragraph is just a line.
            Event::HardBreak | Event::End(TagEnd::Paragraph) => self.lines.push(Vec::new()),
            Event::End(TagEnd::Heading(HeadingLevel::H1)) if document.title.is_empty() => {
                document.title = words(&self.spans());
            }
            Event::End(TagEnd::Heading(HeadingLevel::H2)) => {
                let (icon, text) = pictogram(&words(&self.spans()));
                blocks.push(Block::Heading { icon, text });
            }
            Event::End(TagEnd::Item) => {
                let item = self.spans();
                self.items.push(item);
            }
            Event::End(TagEnd::List(_)) => {
                self.inside = Inside::Nothing;
                blocks.push(Block::List { items: std::mem::take(&mut self.items) });
            }
            Event::End(TagEnd::DefinitionListTitle) => {
                let (icon, label) = pictogram(&words(&self.spans()));
                self.rows.push(Row { icon, label, lines: Vec::new() });
            }
            Event::End(TagEnd::DefinitionListDefinition) => {
                let lines = std::mem::take(&mut self.lines).into_iter().filter(|l| !l.is_empty());
                if let Some(row) = self.rows.last_mut() {
                    row.lines.extend(lines);
                }
            }
            Event::End(TagEnd::DefinitionList) => {
                self.inside = Inside::Nothing;
                blocks.push(Block::Box { rows: std::mem::take(&mut self.rows) });
            }
            Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::HtmlBlock) => {
                return Err("HTML has no place in the words of a letter".into());
            }
            Event::End(TagEnd::Heading(_)) => return Err("a letter has one title (`# `)".into()),
            other => {
                let name = format!("{other:?}");
                return Err(format!("a letter has no {}", name.chars().take(60).collect::<String>()));
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if self.lines.is_empty() {
            self.lines.push(Vec::new());
        }
        let (strong, link) = (self.strong, self.link.clone());
        // Unwrap safety: a line was pushed above if there was none.
        let line = self.lines.last_mut().expect("a line");
        match line.last_mut() {
            Some(last) if last.strong == strong && last.link == link => last.text.push_str(text),
            _ => line.push(Span { text: text.to_owned(), strong, link, whole: false }),
        }
    }

    /// All spans since the last block, on one line.
    fn spans(&mut self) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for line in std::mem::take(&mut self.lines).into_iter().filter(|l| !l.is_empty()) {
            if let Some(last) = spans.last_mut() {
                last.text.push(' ');
            }
            spans.extend(line);
        }
        spans
    }
}

fn words(spans: &[Span]) -> String {
    spans.iter().map(|s| s.text.as_str()).collect()
}

fn pictogram(text: &str) -> (Option<&'static str>, String) {
    match ICONS.iter().find_map(|(sign, name)| Some((name, text.strip_prefix(*sign)?))) {
        Some((name, rest)) => (Some(name), rest.trim_start().to_owned()),
        None => (None, text.to_owned()),
    }
}

/// Splits the spans so that each of `whole` is a span of its own.
fn set_whole(spans: &mut Vec<Span>, whole: &[&str]) {
    for word in whole.iter().filter(|w| !w.is_empty()) {
        let mut parted = Vec::with_capacity(spans.len());
        for span in spans.drain(..) {
            if span.whole || span.link.is_some() {
                parted.push(span);
                continue;
            }
            for (i, part) in span.text.split(word).enumerate() {
                if i > 0 {
                    parted.push(Span { text: (*word).to_owned(), whole: true, ..span.clone() });
                }
                if !part.is_empty() {
                    parted.push(Span { text: part.to_owned(), ..span.clone() });
                }
            }
        }
        *spans = parted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paragraph(document: &Document) -> String {
        match &document.blocks[..] {
            [Block::Paragraph { spans }] => words(spans),
            other => panic!("one paragraph, not {other:?}"),
        }
    }

    #[test]
    fn a_value_is_words_whatever_it_looks_like() {
        let hostile = [
            "# x", "- x", "    x", "**x**", "[x](y)", "<b>x", "1. x", "+ x", "> x", "a\\", "&lt;", "`x`", "---", ": x",
        ];
        for value in hostile {
            let document = parse(&format!("# t\n\n{}\n", escape(value)), &[]).unwrap();
            assert_eq!(paragraph(&document), value.trim(), "{value}");
        }
    }

    #[test]
    fn what_a_letter_has_not_is_refused_with_its_place() {
        for (text, place) in [("# t\n\n<b>x</b>\n", 5), ("# t\n\n```\nx\n```\n", 5), ("# t\n\n# u\n", 5), ("x\n", 0)] {
            assert_eq!(parse(text, &[]).unwrap_err().0, place, "{text}");
        }
    }

    #[test]
    fn a_box_has_rows_with_lines_and_pictograms() {
        let text = "# t\n\n📅 Date\n: **lundi**\\\n9 h\n\n📍 Lieu\n: Ici\n\n---\n\nA *R-1* b\n".replace('*', "");
        let document = parse(&text, &["R-1"]).unwrap();
        let ([Block::Box { rows }], [Block::Paragraph { spans }]) = (&document.blocks[..], &document.mentions[..])
        else {
            panic!("{document:?}")
        };
        assert_eq!(
            rows.iter().map(|r| (r.icon, r.lines.len())).collect::<Vec<_>>(),
            [(Some("date"), 2), (Some("place"), 1)]
        );
        assert_eq!(spans.iter().map(|s| s.whole).collect::<Vec<_>>(), [false, true, false]);
    }
}
