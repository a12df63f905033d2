//! Templates are checked before they are used: no letter fails because of its template after seats were reserved.

use minijinja::HtmlEscape;

use super::{DESIGN, LAYOUT_HTML, LAYOUT_TEXT, LOGO, SHORT, TemplateError, Templates, one_line, plain, words_file};
use crate::explain::Explanation;
use crate::pdf::PdfError;
use crate::sample::HOSTILE;
use crate::{Language, LetterData, LetterKind, Matter};

/// Required in every letter whose date was computed, whoever wrote the template: the article behind the notice.
const NOTICE: &str = "311-3-1-1";

impl Templates {
    /// # Errors
    /// The first template that fails, lets markup through, or omits what the letter must say.
    pub(super) fn check(&self, letters: impl IntoIterator<Item = (LetterKind, Language)>) -> Result<(), TemplateError> {
        if let Err(error) = &self.logo {
            return Err(error.clone());
        }
        for (kind, language) in letters {
            let trials = LetterData::trials(kind, language);
            for data in &trials {
                self.check_one(kind, language, data)?;
            }
            self.check_paper(kind, language, &trials[0])?;
        }
        Explanation::trials().iter().try_for_each(|trial| self.explain(trial).map(drop))
    }

    fn check_one(&self, kind: LetterKind, language: Language, data: &LetterData) -> Result<(), TemplateError> {
        let bodies = self.render(data)?;
        for said_in in [Language::French, language] {
            let shown = self.words(kind, said_in, data)?.plain();
            for what in must_say(data, said_in) {
                if !shown.contains(&what) {
                    let reason = format!("does not say {what:?}, which this letter must");
                    return Err(TemplateError::new(&words_file(kind, said_in), reason));
                }
            }
        }
        // Whatever layout it is: all of the French text, with its rights and legal mentions, and the closing.
        let (text, html) = (one_line(&bodies.text), one_line(&without_tags(&bodies.html)));
        let french = self.words(kind, Language::French, data)?.plain();
        for what in french.lines().skip(1).chain([self.design.signature.closing.as_str()]) {
            let escaped = one_line(&HtmlEscape(what).to_string());
            for (file, body, what) in [(LAYOUT_TEXT, &text, &one_line(what)), (LAYOUT_HTML, &html, &escaped)] {
                if !body.contains(what) {
                    return Err(TemplateError::new(file, format!("does not show {what:?}, which this letter says")));
                }
            }
        }
        if bodies.html.contains(HOSTILE) {
            let reason = "prints data as markup; take away `safe` and `autoescape`";
            return Err(TemplateError::new(LAYOUT_HTML, reason));
        }
        for (file, line) in [(format!("fr/{kind}.subject.txt"), &bodies.subject), (SHORT.into(), &self.short(data)?)] {
            if !line.contains(&data.reference) {
                return Err(TemplateError::new(&file, "does not give the reference"));
            }
        }
        bodies.pdf.map(drop).map_err(|error| of_pdf(kind, language, error))
    }

    /// What the letter must say must be on paper too, also in large print.
    fn check_paper(&self, kind: LetterKind, language: Language, data: &LetterData) -> Result<(), TemplateError> {
        let (sheets, _) = self.pages(data).map_err(|error| of_pdf(kind, language, error))?;
        let (said, town) = (sheets.said(), data.recipient.address.last().cloned().unwrap_or_default());
        let must = must_say(data, Language::French).into_iter().chain([data.recipient.name.clone(), town]);
        match must.into_iter().find(|what| !said.contains(&what.split_whitespace().collect::<String>())) {
            Some(missing) => {
                let reason = format!("does not show {missing:?} on paper, which this letter says");
                Err(TemplateError::new(&words_file(kind, language), reason))
            }
            None => Ok(()),
        }
    }
}

/// The words of a page.
fn without_tags(html: &str) -> String {
    let mut words = String::with_capacity(html.len());
    let mut parts = html.split('<');
    words.extend(parts.next());
    // What is behind the end of each tag.
    words.extend(parts.filter_map(|part| Some(part.split_once('>')?.1)));
    words
}

/// A letter that cannot be printed, as a fault of its wording.
fn of_pdf(kind: LetterKind, language: Language, error: PdfError) -> TemplateError {
    match error {
        PdfError::Layout(error) => error,
        PdfError::Window => TemplateError::new(DESIGN, "leaves no room for an address: name other `envelopes`"),
        other => TemplateError::new(&words_file(kind, language), other.to_string()),
    }
}

pub(super) fn every_letter() -> impl Iterator<Item = (LetterKind, Language)> {
    LetterKind::ALL.iter().flat_map(|kind| Language::ALL.iter().map(move |language| (*kind, *language)))
}

/// The letters that use a file. For the logo, one letter suffices; French wording is in the letters of every language.
pub(super) fn letters_with(file: &str) -> Vec<(LetterKind, Language)> {
    if file == LOGO {
        return vec![(LetterKind::Convocation, Language::French)];
    }
    let named = || {
        let (language, name) = file.split_once('/')?;
        Some((language.parse().ok()?, name.split('.').next()?.parse().ok()?))
    };
    let Some((language, kind)): Option<(Language, LetterKind)> = named() else { return every_letter().collect() };
    every_letter().filter(|(k, l)| *k == kind && (language == Language::French || *l == language)).collect()
}

/// What a letter must say in a language, whoever wrote its wording.
fn must_say(data: &LetterData, language: Language) -> Vec<String> {
    let mut shown = vec![data.reference.clone()];
    if language == Language::French {
        shown.extend(data.matter.convoked().into_iter().flat_map(|c| c.documents.iter().cloned()));
    }
    if !matches!(data.matter, Matter::HeadsUp { .. } | Matter::Cancellation { because: Some(_), .. }) {
        shown.push(language.date(data.permit.expires_on));
    }
    if let Some(appointment) = data.matter.appointment() {
        shown.push(language.weekday_date(appointment.day));
        shown.push(plain(&language.time(appointment.start)));
    }
    if data.matter.convoked().is_some() {
        shown.extend(data.matter.appointment().map(|a| a.town.clone()));
    }
    match &data.matter {
        Matter::Convocation(_) | Matter::Change { .. } if language == Language::French => shown.push(NOTICE.into()),
        Matter::OnlineFiling { service, last_day, .. } => shown.extend([service.clone(), language.date(*last_day)]),
        Matter::Transfer { competent, act_by, .. } => shown.extend([competent.clone(), language.date(*act_by)]),
        Matter::HeadsUp { convoked_before } => shown.push(language.date(*convoked_before)),
        _ => {}
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::super::{EXPLAIN, LANGUAGES};
    use super::*;

    #[test]
    fn a_replaced_file_has_the_letters_that_it_is_in_tried() {
        let tried = |file| letters_with(file).len();
        assert_eq!([LOGO, "ar/reminder.md", "fr/reminder.md", "fr/change.subject.txt"].map(tried), [1, 1, 6, 6]);
        for file in [LANGUAGES, SHORT, EXPLAIN, "nowhere.md"] {
            assert_eq!(tried(file), every_letter().count(), "{file}");
        }
    }
}
