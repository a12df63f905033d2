//! Texts of the pages: one file per language, French first. A text missing from a file fails the tests.

use std::sync::LazyLock;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Tz;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use convoke_domain::birth::BirthDate;
use convoke_domain::code::coded;
use convoke_letters::french;
use convoke_office::acts::{Refused, WrongReason};

coded! {
    /// A language of the pages.
    pub enum Language {
        /// French.
        Fr = "fr",
        /// English.
        En = "en",
    }
}

type Bundle = FluentBundle<FluentResource>;

const FRENCH: &str = include_str!("../../../templates/console/fr.ftl");
const ENGLISH: &str = include_str!("../../../templates/console/en.ftl");
static BUNDLES: LazyLock<[Bundle; 2]> = LazyLock::new(|| [bundle(Language::Fr, FRENCH), bundle(Language::En, ENGLISH)]);

fn bundle(language: Language, text: &str) -> Bundle {
    // Unwrap safety: the files are compiled in, and a test parses them.
    let id: LanguageIdentifier = language.code().parse().expect("a language");
    let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(_, errors)| panic!("{errors:?}"));
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    // Isolation marks around values would be read aloud.
    bundle.set_use_isolating(false);
    bundle.add_resource(resource).unwrap_or_else(|errors| panic!("{errors:?}"));
    bundle
}

/// A count, by value or by reference, as templates pass it.
pub(super) trait Count {
    fn count(&self) -> i64;
}

macro_rules! counts {
    ($($number:ty),+) => { $(
        impl Count for $number {
            fn count(&self) -> i64 {
                i64::try_from(*self).unwrap_or(i64::MAX)
            }
        }
    )+ };
}
counts!(u32, u64, usize, i64);

impl<T: Count> Count for &T {
    fn count(&self) -> i64 {
        (**self).count()
    }
}

/// A date or a time, by value or by any reference that a template passes.
pub(super) trait Moment<T> {
    fn moment(&self) -> T;
}

macro_rules! moments {
    ($($kind:ty),+) => { $(
        impl Moment<$kind> for $kind {
            fn moment(&self) -> $kind {
                *self
            }
        }
    )+ };
}
moments!(NaiveDate, NaiveTime, NaiveDateTime);

impl<T, V: Moment<T>> Moment<T> for &V {
    fn moment(&self) -> T {
        (**self).moment()
    }
}

/// The texts of one language, with its formats of dates and numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    language: Language,
    zone: Tz,
}

impl Words {
    pub(super) fn of(language: Language, zone: Tz) -> Self {
        Self { language, zone }
    }

    pub(super) fn language(self) -> Language {
        self.language
    }

    /// The other language, to switch to.
    pub(super) fn other(self) -> Language {
        if self.language == Language::Fr { Language::En } else { Language::Fr }
    }

    /// A text.
    pub(super) fn say(self, key: &str) -> String {
        self.format(key, None)
    }

    /// A text with one value.
    #[expect(clippy::needless_pass_by_value, reason = "templates pass references and values alike")]
    pub(super) fn with(self, key: &str, name: &str, value: impl ToString) -> String {
        let mut args = FluentArgs::new();
        args.set(name.to_owned(), value.to_string());
        self.format(key, Some(&args))
    }

    /// A text with two values.
    pub(super) fn with2(self, key: &str, a: (&str, &dyn ToString), b: (&str, &dyn ToString)) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in [a, b] {
            args.set(name.to_owned(), value.to_string());
        }
        self.format(key, Some(&args))
    }

    /// The same for templates, which pass expressions in parentheses by reference.
    #[expect(clippy::needless_pass_by_value, reason = "templates pass references and values alike")]
    pub(super) fn two(self, key: &str, a: &str, of_a: impl ToString, b: &str, of_b: impl ToString) -> String {
        self.with2(key, (a, &of_a), (b, &of_b))
    }

    /// A text that depends on a count: `$n` selects the form, `$shown` is the formatted number.
    pub(super) fn count(self, key: &str, n: impl Count) -> String {
        let mut args = FluentArgs::new();
        args.set("n", FluentValue::from(n.count()));
        args.set("shown", self.number(n));
        self.format(key, Some(&args))
    }

    fn format(self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let bundle = &BUNDLES[self.language as usize];
        let Some(pattern) = bundle.get_message(key).and_then(|m| m.value()) else {
            tracing::error!(key, "A text of the console is missing");
            return key.to_owned();
        };
        let text = bundle.format_pattern(pattern, args, &mut Vec::new()).into_owned();
        if self.language == Language::Fr { french::spaced(&text) } else { text }
    }

    /// 1 234.
    pub(super) fn number(self, n: impl Count) -> String {
        let n = n.count();
        let separator = if self.language == Language::Fr { '\u{202f}' } else { ',' };
        let digits = n.unsigned_abs().to_string();
        let mut out = if n < 0 { "−".to_owned() } else { String::new() };
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                out.push(separator);
            }
            out.push(digit);
        }
        out
    }

    /// 3 novembre 2026.
    pub(super) fn date(self, day: impl Moment<NaiveDate>) -> String {
        match self.language {
            Language::Fr => french::date(day.moment()),
            Language::En => day.moment().format("%-d %B %Y").to_string(),
        }
    }

    /// mardi 3 novembre 2026.
    pub(super) fn weekday(self, day: impl Moment<NaiveDate>) -> String {
        match self.language {
            Language::Fr => french::weekday_date(day.moment()),
            Language::En => day.moment().format("%A %-d %B %Y").to_string(),
        }
    }

    /// 3 nov. 2026.
    pub(super) fn short(self, day: impl Moment<NaiveDate>) -> String {
        match self.language {
            Language::Fr => french::short_date(day.moment()),
            Language::En => day.moment().format("%-d %b %Y").to_string(),
        }
    }

    /// A date of birth, as far as it is known: 00/00/1975.
    pub(super) fn born(self, born: &BirthDate) -> String {
        born.day().map_or_else(|| born.in_french(), |day| self.date(day))
    }

    /// 9 h 30.
    pub(super) fn hour(self, at: impl Moment<NaiveTime>) -> String {
        match self.language {
            Language::Fr => french::time(at.moment()),
            Language::En => at.moment().format("%H:%M").to_string(),
        }
    }

    /// An instant, in the préfecture's civil time.
    pub(super) fn at(self, utc: impl Moment<NaiveDateTime>) -> String {
        let local = utc.moment().and_utc().with_timezone(&self.zone).naive_local();
        let (day, hour) = (self.short(local.date()), self.hour(local.time()));
        match self.language {
            Language::Fr => format!("{day} à {hour}"),
            Language::En => format!("{day} at {hour}"),
        }
    }

    /// Why an act was refused.
    pub(super) fn refused(self, refused: &Refused) -> String {
        match refused {
            Refused::Nobody(_) => self.say("refused-nobody"),
            Refused::NoConvocation(r) => self.with("refused-no-convocation", "what", r),
            Refused::Over { reference, state } => self.with2(
                "refused-over",
                ("what", reference),
                ("state", &convoke_report::words::convocation_state(*state)),
            ),
            Refused::Past { reference, day } => {
                self.with2("refused-past", ("what", reference), ("day", &self.date(*day)))
            }
            Refused::NoSlot(s) => self.with("refused-no-slot", "what", s),
            Refused::WrongDesk(s) => self.with("refused-wrong-desk", "what", s),
            Refused::NoSeat(s) => self.with("refused-no-seat", "what", s),
            Refused::WouldLapse(s, _) => self.with("refused-would-lapse", "what", s),
            Refused::MovedBefore => self.say("refused-moved-before"),
            Refused::NoAddress(_) => self.say("refused-no-address"),
            Refused::NoRequest(r) => self.with("refused-no-request", "what", r),
            Refused::RequestOpen(r) => self.with("refused-request-open", "what", r),
            Refused::RequestOver(r, _) => self.with("refused-request-over", "what", r),
            Refused::NotToBeSeen(r) => self.with("refused-not-to-be-seen", "what", r),
            Refused::NoLetter(l) => self.with("refused-no-letter", "what", l),
            Refused::LetterStands { state, .. } => {
                self.with("refused-letter-stands", "state", convoke_report::words::letter_state(*state))
            }
            Refused::NoPlace(p) => self.with("refused-no-place", "what", p),
            Refused::DayPast(day) => self.with("refused-day-past", "day", self.date(*day)),
            Refused::NoAct(act) => self.with("refused-no-act", "what", act),
            Refused::UndoneBefore(act) => self.with("refused-undone-before", "what", act),
            Refused::NoImport(import) => self.with("refused-no-import", "what", import),
            Refused::LaterImport(import) => self.with("refused-later-import", "what", import),
            Refused::Unsettled => self.say("refused-unsettled"),
        }
    }

    /// What is wrong with a reason.
    pub(super) fn wrong_reason(self, wrong: WrongReason) -> String {
        self.say(match wrong {
            WrongReason::Missing => "reason-missing",
            WrongReason::Personal => "reason-personal",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    fn keys(text: &str) -> BTreeSet<String> {
        let starts = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
        text.lines().filter(starts).filter_map(|line| line.split_once(" =")).map(|(key, _)| key.to_owned()).collect()
    }

    #[test]
    fn both_languages_say_the_same_things() {
        LazyLock::force(&BUNDLES);
        let (french, english) = (keys(FRENCH), keys(ENGLISH));
        assert_eq!(french.symmetric_difference(&english).collect::<Vec<_>>(), Vec::<&String>::new());
        for key in &french {
            for language in Language::ALL {
                let text = Words::of(*language, Tz::Europe__Paris).say(key);
                assert!(!text.trim().is_empty(), "{key}");
            }
        }
    }

    #[test]
    fn every_text_that_is_said_exists_and_every_one_that_exists_is_said() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let mut sources = String::new();
        let mut folders = vec![root.join("crates/console/src"), root.join("templates/console")];
        while let Some(folder) = folders.pop() {
            for file in fs::read_dir(folder).unwrap() {
                let path = file.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "rs" || e == "html") {
                    sources += &fs::read_to_string(path).unwrap();
                }
            }
        }
        let known = keys(FRENCH);
        for key in &known {
            // Texts of a family such as `rule-…` are selected by a code.
            let family = key.split_once('-').map_or("", |(family, _)| family);
            let said = sources.contains(&format!("\"{key}\"")) || sources.contains(&format!("\"{family}-{{}}\""));
            assert!(said, "nothing says {key}");
        }
        for said in [".say(\"", ".with(\"", ".with2(\"", ".two(\"", ".count(\""] {
            for rest in sources.split(said).skip(1) {
                let key = rest.split('"').next().unwrap();
                assert!(known.contains(key) || !rest.contains('"'), "{key} is said and stands in no file");
            }
        }
    }

    #[test]
    fn numbers_and_dates_are_written_as_the_language_writes_them() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 3).unwrap();
        let at = day.and_hms_opt(8, 30, 0).unwrap();
        let french = Words::of(Language::Fr, Tz::Europe__Paris);
        let english = Words::of(Language::En, Tz::America__Cayenne);
        assert_eq!(french.number(1_234_567_u64), "1\u{202f}234\u{202f}567");
        assert_eq!(english.number(999_u64), "999");
        assert_eq!(french.at(at), "3\u{a0}nov. 2026 à 9\u{a0}h\u{a0}30");
        assert_eq!(english.at(at), "3 Nov 2026 at 05:30");
    }
}
