//! What is wrong with a template.

/// A fault in a template, and its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template {file}{}{}: {reason}", line.map(|l| format!(", line {l}")).unwrap_or_default(), column.map(|c| format!(", column {c}")).unwrap_or_default())]
pub struct TemplateError {
    /// Name of the template, `fr/convocation.md`.
    pub file: String,
    /// Line, from 1, if a line is at fault.
    pub line: Option<usize>,
    /// Column, from 1.
    pub column: Option<usize>,
    /// What happened, and what to do if that is not obvious.
    pub reason: String,
}

impl TemplateError {
    pub(crate) fn new(file: &str, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, column: None, reason: reason.into() }
    }

    pub(super) fn at(file: &str, error: &minijinja::Error) -> Self {
        let reason = match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        let before = error.template_source().zip(error.range()).and_then(|(source, range)| source.get(..range.start));
        let column = before.map(|b| b.chars().rev().take_while(|c| *c != '\n').count() + 1);
        Self { line: error.line(), column, ..Self::new(error.name().unwrap_or(file), reason) }
    }

    pub(crate) fn toml(file: &str, source: &str, error: &toml::de::Error) -> Self {
        let before = error.span().and_then(|span| source.get(..span.start));
        Self {
            line: before.map(|b| b.matches('\n').count() + 1),
            column: before.map(|b| b.chars().rev().take_while(|c| *c != '\n').count() + 1),
            ..Self::new(file, error.message())
        }
    }
}
