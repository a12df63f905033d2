//! The languages of letters. French is the legal text; the others follow it, for information.

use chrono::{Datelike, Locale, NaiveDate, NaiveTime, Timelike, Weekday};
use minijinja::{Environment, Error, ErrorKind};

use crate::french;
use convoke_domain::code::coded;

coded! {
    /// A language in which letters are written.
    pub enum Language {
        /// *Français*: the legal text.
        French = "fr",
        /// English.
        English = "en",
        /// *Español*.
        Spanish = "es",
        /// *العربية*: written from right to left.
        Arabic = "ar",
        /// *Português*.
        Portuguese = "pt",
        /// 中文.
        Chinese = "zh",
    }
}

impl Language {
    /// The language that a holder prefers, by the first part of its tag (`pt-BR`, `zh_Hant`); `None` if letters are not
    /// available in it: then French alone.
    pub fn asked(tag: &str) -> Option<Self> {
        tag.split(['-', '_']).next().unwrap_or_default().trim().to_ascii_lowercase().parse().ok()
    }

    /// Whether it is written from right to left.
    pub const fn is_rtl(self) -> bool {
        matches!(self, Self::Arabic)
    }

    /// A weekday and an unambiguous date: month in words, or year first.
    pub fn weekday_date(self, day: NaiveDate) -> String {
        let with = |format, locale| day.format_localized(format, locale).to_string();
        match self {
            Self::French => french::weekday_date(day),
            Self::English => with("%A %-d %B %Y", Locale::en_GB),
            Self::Spanish => with("%A %-d de %B de %Y", Locale::es_ES),
            // The locale abbreviates the weekday to "segunda".
            Self::Portuguese => {
                let name = with("%A", Locale::pt_BR).to_lowercase();
                let fair = if matches!(day.weekday(), Weekday::Sat | Weekday::Sun) { "" } else { "-feira" };
                format!("{name}{fair}, {}", self.date(day))
            }
            // Month names differ between Algiers and Cairo: figures are the same everywhere.
            Self::Arabic => with("%A %d/%m/%Y", Locale::ar_EG),
            Self::Chinese => format!("{} {}", self.date(day), with("%A", Locale::zh_CN)),
        }
    }

    /// The same without the weekday.
    pub fn date(self, day: NaiveDate) -> String {
        let with = |format, locale| day.format_localized(format, locale).to_string();
        match self {
            Self::French => french::date(day),
            Self::English => with("%-d %B %Y", Locale::en_GB),
            Self::Spanish => with("%-d de %B de %Y", Locale::es_ES),
            Self::Portuguese => with("%-d de %B de %Y", Locale::pt_BR).to_lowercase(),
            Self::Arabic => day.format("%d/%m/%Y").to_string(),
            Self::Chinese => format!("{}年{}月{}日", day.year(), day.month(), day.day()),
        }
    }

    /// 9 h, 13 h 05; 09:30 in other languages. Never broken across lines.
    pub fn time(self, start: NaiveTime) -> String {
        match (self, start.minute()) {
            (Self::French, 0) => format!("{}\u{a0}h", start.hour()),
            (Self::French, minute) => format!("{}\u{a0}h\u{a0}{minute:02}", start.hour()),
            _ => start.format("%H:%M").to_string(),
        }
    }
}

/// Adds the filters `date`, `weekday_date`, `short_date` and `time` to `env`, each in the language of its template's
/// folder.
pub(super) fn teach(env: &mut Environment<'_>) {
    fn in_language<T: std::str::FromStr>(
        state: &minijinja::State<'_, '_>,
        text: &str,
        say: impl Fn(Language, T) -> String,
    ) -> Result<String, Error> {
        let language = state.name().split('/').next().and_then(|f| f.parse().ok()).unwrap_or(Language::French);
        let value = text
            .parse()
            .map_err(|_| Error::new(ErrorKind::InvalidOperation, format!("{text:?} is no date or time")))?;
        Ok(say(language, value))
    }
    env.add_filter("date", |s: &minijinja::State<'_, '_>, d: &str| in_language(s, d, Language::date));
    env.add_filter("weekday_date", |s: &minijinja::State<'_, '_>, d: &str| in_language(s, d, Language::weekday_date));
    env.add_filter("short_date", |s: &minijinja::State<'_, '_>, d: &str| {
        in_language(s, d, |_, day: NaiveDate| day.format("%d/%m/%Y").to_string())
    });
    env.add_filter("time", |s: &minijinja::State<'_, '_>, t: &str| in_language(s, t, Language::time));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_said_as_its_readers_say_it() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 2).unwrap();
        let said: Vec<_> = Language::ALL.iter().map(|l| l.weekday_date(day)).collect();
        assert_eq!(
            said,
            [
                "lundi 2 novembre 2026",
                "Monday 2 November 2026",
                "lunes 2 de noviembre de 2026",
                "الاثنين 02/11/2026",
                "segunda-feira, 2 de novembro de 2026",
                "2026年11月2日 星期一"
            ]
        );
    }

    #[test]
    fn a_tag_with_a_region_is_its_language_and_others_are_none() {
        assert_eq!(Language::asked("pt-BR"), Some(Language::Portuguese));
        assert_eq!(Language::asked("zh_Hant_TW"), Some(Language::Chinese));
        assert_eq!(Language::asked("ta"), None);
    }
}
