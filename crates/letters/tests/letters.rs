//! What every letter promises, whoever receives it.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone};
use chrono_tz::Tz;
use convoke_letters::{
    Convoked, Fonts, Language, Letter, LetterData, LetterKind, Matter, Sender, TemplateError, Templates,
};
use proptest::prelude::*;

const NAMES: [&str; 9] = [
    "Zoé O’Brien-Lefèvre",
    "D'Almeida Ñuñez",
    "Nguyễn Thị Ánh Tuyết",
    "محمد عبد الرحمن",
    "می‌خواهم",
    "王小明",
    "Þórður Łukasz Øğuz",
    "Jean  Pierre",
    "Anne-Marie de La Tour, née d’Aubigné (Mme)",
];

const HOSTILE: [&str; 8] = [
    "Eve\r\nBcc: all@example.org\r\n\r\nhello",
    "Eve\u{202e}nimda\u{2066}",
    "E\u{200b}v\u{feff}e",
    "Eve\0\u{1b}[2J",
    "{{ 7 * 7 }}{% for i in range(9) %}",
    "<script>alert(1)</script><img src=x onerror=y>\"'",
    "=cmd()|' /C calc'!A0",
    "--=_boundary--\nBEGIN:VEVENT\nATTENDEE:x",
];

fn sender() -> Sender {
    Sender {
        from_name: "Préfecture du Val-de-Marne".into(),
        from_address: "convocations@prefecture-94.example".into(),
        message_domain: "prefecture-94.example".into(),
        sent_at: None,
    }
}

fn named(name: &str) -> LetterData {
    let mut data = LetterData::sample();
    data.recipient.name = name.into();
    data
}

/// The convocation in a sample.
fn convoked(data: &mut LetterData) -> &mut Convoked {
    match &mut data.matter {
        Matter::Convocation(convoked) => convoked,
        other => panic!("no convocation: {other:?}"),
    }
}

fn ics(letter: &Letter) -> &[u8] {
    letter.ics.as_ref().unwrap()
}

fn compose(data: &LetterData) -> Letter {
    Templates::embedded().compose(data, &sender()).unwrap()
}

fn replaced(file: &str, source: &str) -> Result<Templates, TemplateError> {
    Templates::from_sources([(file.to_owned(), source.into())], Fonts::embedded().clone())
}

#[test]
fn the_same_letter_twice_is_the_same_bytes() {
    let first = compose(&LetterData::sample());
    let stored = serde_json::to_string(&LetterData::sample()).unwrap();
    let again = compose(&serde_json::from_str(&stored).unwrap());
    assert_eq!(first, again);
    // A stored letter is identified by its hash: any change, even by a library, must be noticed.
    insta::assert_snapshot!(first.sha256, @"73a094f66e04a26e767cea6bc6930df99f377c6ab231ca24aed9f5ed1f5743fb");
}

#[test]
fn the_text_says_all_that_the_law_wants() {
    insta::assert_snapshot!(compose(&LetterData::sample()).text);
}

#[test]
fn a_new_sequence_is_a_new_message_about_the_same_event() {
    let mut data = LetterData::sample();
    let first = compose(&data);
    data.sequence = 1;
    let moved = compose(&data);
    assert_ne!(first.message_id, moved.message_id);
    assert_eq!(properties(ics(&first))["UID"], properties(ics(&moved))["UID"]);
    assert_eq!(properties(ics(&moved))["SEQUENCE"], "1");
}

#[test]
fn nothing_but_the_reference_identifies_the_person_in_subject_and_invitation() {
    let mut data = LetterData::sample();
    let letter = compose(&data);
    let invitation = unfold(ics(&letter));
    let desk = convoked(&mut data).appointment.desk.clone();
    let shown = [
        &data.recipient.name,
        data.recipient.email.as_ref().unwrap(),
        &data.recipient.address[1],
        &data.permit.label,
        &desk,
    ];
    for secret in shown {
        assert!(!letter.subject.contains(secret.as_str()), "{secret}");
        assert!(!invitation.contains(secret.as_str()), "{secret}");
    }
    assert!(letter.subject.contains(&data.reference));
    let event = properties(ics(&letter));
    assert_eq!(event["SUMMARY"], format!("Rendez-vous\\, réf. {}", data.reference));
    assert!(event["LOCATION"].contains(&convoked(&mut data).appointment.town));
    let refused = replaced("fr/convocation.subject.txt", "{{ recipient.name }}").unwrap_err();
    assert_eq!((refused.file.as_str(), refused.line), ("fr/convocation.subject.txt", Some(1)));
}

#[test]
fn hostile_names_inject_no_header_and_no_markup() {
    let usual = compose(&LetterData::sample());
    let long = "é".repeat(5_000);
    for name in HOSTILE.into_iter().chain([long.as_str()]) {
        let mut data = named(name);
        data.recipient.address = vec![name.into()];
        data.permit.label = name.into();
        convoked(&mut data).appointment.site = name.into();
        data.office.name = name.into();
        let from = Sender { from_name: name.into(), ..sender() };
        let letter = Templates::embedded().compose(&data, &from).unwrap();
        assert_eq!(header_names(&letter.message), header_names(&usual.message), "{name:?}");
        assert!(!letter.html.contains("<script") && !letter.html.contains("<img"));
        let unseen = |c: char| c.is_control() && c != '\n' || "\u{202e}\u{2066}\u{200b}\u{feff}".contains(c);
        assert!(!letter.text.contains(unseen) && !letter.html.contains(unseen));
        assert_eq!(unfold(ics(&letter)).matches("\r\nATTENDEE").count(), 1);
        assert_eq!(unfold(ics(&letter)).matches("\r\nBEGIN:VEVENT").count(), 1);
        sound(&letter);
    }
}

#[test]
fn a_name_is_never_altered_in_silence() {
    for name in NAMES.into_iter().chain([HOSTILE[4], HOSTILE[6]]) {
        let letter = compose(&named(name));
        assert!(letter.text.contains(name), "{name}");
        assert_eq!(letter.neutralised, [""; 0], "{name}");
        sound(&letter);
    }
    let long = "Très-Long ".repeat(26) + "Nom";
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&compose(&named(&long)).text).contains(&long));
    assert_eq!(compose(&named(HOSTILE[1])).neutralised, ["/recipient/name"]);
}

#[test]
fn an_address_that_is_none_is_refused_and_no_address_is_addressed_to_nobody() {
    for address in ["a@b.fr\r\nBcc: c@d.fr", "a b@c.fr", "a@b@c.fr", "<a@b.fr>", "a@b", "a..b@c.fr", "é@c.fr", ""] {
        assert!(!convoke_domain::permit::is_deliverable_email(address), "{address}");
        let mut data = LetterData::sample();
        data.recipient.email = Some(address.into());
        assert!(Templates::embedded().compose(&data, &sender()).is_err());
    }
    let mut data = LetterData::sample();
    data.recipient.email = None;
    let message = String::from_utf8(compose(&data).message).unwrap();
    assert!(message.contains("To: \"undisclosed-recipients\":;\r\n"));
    data.reference = "RC-94\r\nBcc: a@b.fr".into();
    assert!(Templates::embedded().compose(&data, &sender()).is_err());
}

#[test]
fn a_fault_in_a_template_is_refused_with_file_line_and_column() {
    let place = |file: &str, source: &str| {
        let refused = replaced(file, source).unwrap_err();
        assert_eq!(refused.file, file);
        (refused.line, refused.column)
    };
    assert_eq!(place("fr/convocation.md", "# Titre\n\nMadame, {{ nom }}\n"), (Some(3), Some(12)));
    assert_eq!(place("fr/convocation.md", "# Titre\n\n{% if %}"), (Some(3), Some(7)));
    assert_eq!(place("layout/letter.html", "<p>\n  {{ nobody.name }}"), (Some(2), Some(6)));
    assert_eq!(place("layout/languages.toml", "[en]\nappointment = 1\n"), (Some(2), Some(15)));
    let message = replaced("fr/change.md", "# Titre\n\n{{ nom }}").unwrap_err().to_string();
    assert!(message.starts_with("template fr/change.md, line 3, column 4: "), "{message}");
}

#[test]
fn an_endless_loop_ends() {
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
    let refused = replaced("layout/letter.html", endless).unwrap_err();
    assert!(refused.reason.contains("fuel"), "{refused}");
}

#[test]
fn templates_that_would_mislead_are_refused() {
    let html = include_str!("../../../templates/layout/letter.html");
    let words = include_str!("../../../templates/fr/convocation.md");
    let unsafe_name = html.replace("{{ recipient.name }}", "{{ recipient.name|safe }}");
    let silent = words.replace("311-3-1-1", "");
    let endless = words.replace("permit.expires_on|date", "reference");
    let spanish = include_str!("../../../templates/es/reminder.md");
    let dateless = spanish.replace("appointment.day|weekday_date", "reference");
    let unprintable = format!("{spanish}\n\nத\n");
    for (file, source, reason) in [
        ("layout/letter.html", unsafe_name.as_str(), "markup"),
        ("layout/letter.txt", "rien", "does not show"),
        ("fr/convocation.md", silent.as_str(), "311-3-1-1"),
        ("es/reminder.md", dateless.as_str(), "lunes 2 de noviembre de 2026"),
        ("fr/convocation.md", "sans titre", "no title"),
        ("fr/convocation.md", "# Titre\n\n<b>gras</b>", "HTML"),
        ("fr/short.txt", "{% for i in range(50) %}long {% endfor %}", "more than 160"),
        ("layout/letter.typ", "#panic()", "no longer used"),
        ("layout/logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"><text>x</text></svg>", "convert text"),
        ("es/reminder.md", unprintable.as_str(), "U+0BA4"),
        ("fr/convocation.subject.txt", "", "reference"),
        ("fr/short.txt", "", "reference"),
        ("fr/convocation.md", endless.as_str(), "1er décembre 2026"),
        ("fr/convocaton.md", words, "no letter"),
    ] {
        let refused = replaced(file, source).unwrap_err();
        assert_eq!(refused.file, file, "{refused}");
        assert!(refused.reason.contains(reason), "{refused}");
    }
    let binary = Templates::from_sources([("fr/convocation.md".into(), vec![0xff])], Fonts::embedded().clone());
    assert!(binary.is_err());
}

#[test]
fn templates_kept_of_an_earlier_engine_still_render() {
    let former = [("layout/letter.typ".to_owned(), b"#set page()".to_vec())];
    let kept = Templates::kept(former, Fonts::embedded().clone()).unwrap();
    assert_eq!(kept.hash(), Templates::embedded().hash());
    assert_eq!(kept.compose(&LetterData::sample(), &sender()).unwrap(), compose(&LetterData::sample()));
}

#[test]
fn the_hash_of_templates_tells_them_apart() {
    let text = include_str!("../../../templates/fr/convocation.md");
    let same = replaced("fr/convocation.md", text).unwrap();
    let other = replaced("fr/convocation.md", &format!("{text} ")).unwrap();
    assert_eq!(same.hash(), Templates::embedded().hash());
    assert_ne!(other.hash(), same.hash());
}

#[test]
fn the_zone_of_an_invitation_is_the_zone_database() {
    let zones = [
        Tz::Europe__Paris,
        Tz::America__Guadeloupe,
        Tz::America__Cayenne,
        Tz::Indian__Reunion,
        Tz::Indian__Mayotte,
        Tz::Pacific__Noumea,
        Tz::America__Miquelon,
        Tz::Pacific__Tahiti,
    ];
    for zone in zones {
        for year in 2024..=2032 {
            let mut data = LetterData::sample();
            convoked(&mut data).appointment.zone = zone;
            convoked(&mut data).appointment.day = NaiveDate::from_ymd_opt(year, 6, 15).unwrap();
            let observances = observances(ics(&compose(&data)));
            // The invitation of one year is valid for all of them.
            let first = NaiveDate::from_ymd_opt(year.max(2027) - 2, 1, 1).unwrap();
            for at in first.iter_days().take_while(|d| d.year() <= 2032).flat_map(hours) {
                let Some(expected) = zone.from_local_datetime(&at).single() else {
                    continue; // the hour that does not exist or comes twice
                };
                let expected_s = expected.offset().fix().local_minus_utc();
                assert_eq!(offset_s(&observances, at), expected_s, "{zone} {at}");
            }
        }
    }
}

fn hours(day: NaiveDate) -> impl Iterator<Item = NaiveDateTime> {
    [0, 1, 4, 9, 23].map(|h| day.and_time(NaiveTime::from_hms_opt(h, 30, 0).unwrap())).into_iter()
}

#[test]
fn a_zone_without_summer_time_is_one_standard() {
    for zone in [Tz::America__Guadeloupe, Tz::Indian__Reunion, Tz::Pacific__Noumea] {
        let mut data = LetterData::sample();
        convoked(&mut data).appointment.zone = zone;
        let invitation = unfold(ics(&compose(&data)));
        assert_eq!(
            (invitation.matches("BEGIN:STANDARD").count(), invitation.matches("BEGIN:DAYLIGHT").count()),
            (1, 0)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_line_is_short_and_ends_in_crlf(
        name in any::<String>(),
        lines in proptest::collection::vec(any::<String>(), 0..7),
        long in "[ -~é王]{0,3000}",
    ) {
        let mut data = named(&name);
        data.recipient.address = lines.clone();
        convoked(&mut data).appointment.address = lines;
        convoked(&mut data).appointment.site = long.clone();
        data.office.name = long;
        sound(&compose(&data));
    }
}

/// Only CRLF, no line over 998 octets (RFC 5322, 2.1.1), no line of the invitation over 75.
fn sound(letter: &Letter) {
    for (bytes, max) in [(letter.message.as_slice(), 998), (ics(letter), 75)] {
        let text = std::str::from_utf8(bytes).unwrap();
        assert!(text.ends_with("\r\n") && !text.contains('\0'));
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
        for line in text.split("\r\n") {
            assert!(line.len() <= max, "{} octets: {line}", line.len());
        }
    }
    assert!(letter.message.is_ascii());
    assert!(!letter.subject.contains(char::is_control));
}

fn header_names(message: &[u8]) -> Vec<&str> {
    let text = std::str::from_utf8(message).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let fields = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    fields.map(|line| line.split_once(':').unwrap().0).collect()
}

fn unfold(ics: &[u8]) -> String {
    std::str::from_utf8(ics).unwrap().replace("\r\n ", "")
}

/// The event's properties without their parameters.
fn properties(ics: &[u8]) -> BTreeMap<String, String> {
    let ics = unfold(ics);
    let (_, event) = ics.split_once("BEGIN:VEVENT").unwrap();
    let lines = event.lines().filter_map(|line| line.split_once(':'));
    lines.map(|(name, value)| (name.split(';').next().unwrap().into(), value.into())).collect()
}

/// A STANDARD or DAYLIGHT component, parsed independently of the code that wrote it.
struct Observance {
    onsets: Vec<NaiveDateTime>,
    to_s: i32,
}

fn observances(ics: &[u8]) -> Vec<Observance> {
    let ics = unfold(ics);
    let mut found = Vec::new();
    for kind in ["STANDARD", "DAYLIGHT"] {
        for block in ics.split(&format!("BEGIN:{kind}\r\n")).skip(1) {
            let block = block.split("END:").next().unwrap();
            let mut observance = Observance { onsets: vec![], to_s: 0 };
            for (name, value) in block.lines().filter_map(|line| line.split_once(':')) {
                let time = || NaiveDateTime::parse_from_str(value, "%Y%m%dT%H%M%S").unwrap();
                match name {
                    "DTSTART" | "RDATE" => observance.onsets.push(time()),
                    "TZOFFSETTO" => {
                        let hours: i32 = value[..3].parse().unwrap();
                        let minutes: i32 = value[3..].parse().unwrap();
                        observance.to_s = hours * 3600 + hours.signum() * minutes * 60;
                    }
                    "RRULE" => {
                        let start = observance.onsets[0];
                        observance.onsets.extend((1..20).map(|n| yearly(value, start, n)));
                    }
                    _ => {}
                }
            }
            found.push(observance);
        }
    }
    found
}

/// The onset `n` years after `start` by a rule `FREQ=YEARLY;BYMONTH=m;BYDAY=nWD`.
fn yearly(rule: &str, start: NaiveDateTime, n: i32) -> NaiveDateTime {
    let parts: BTreeMap<&str, &str> = rule.split(';').map(|p| p.split_once('=').unwrap()).collect();
    assert_eq!(parts["FREQ"], "YEARLY");
    let (ordinal, weekday) = parts["BYDAY"].split_at(parts["BYDAY"].len() - 2);
    let month = NaiveDate::from_ymd_opt(start.year() + n, parts["BYMONTH"].parse().unwrap(), 1).unwrap();
    let days: Vec<NaiveDate> = month
        .iter_days()
        .take_while(|d| d.month() == month.month())
        .filter(|d| d.weekday().to_string()[..2].to_uppercase() == weekday)
        .collect();
    let day = match ordinal.parse::<i32>().unwrap() {
        -1 => *days.last().unwrap(),
        nth => days[usize::try_from(nth - 1).unwrap()],
    };
    day.and_time(start.time())
}

/// The observance with the latest onset at or before a local time applies (RFC 5545, 3.6.5).
fn offset_s(observances: &[Observance], at: NaiveDateTime) -> i32 {
    let onsets = observances.iter().flat_map(|o| o.onsets.iter().map(move |onset| (*onset, o.to_s)));
    onsets.filter(|(onset, _)| *onset <= at).max().unwrap().1
}

#[test]
fn the_date_is_the_instant_of_issue() {
    let message = compose(&LetterData::sample()).message;
    let text = String::from_utf8(message).unwrap();
    let date = text.lines().find_map(|l| l.strip_prefix("Date: ")).unwrap();
    let read = DateTime::parse_from_rfc2822(date).unwrap();
    assert_eq!(read, LetterData::sample().issued_at);
}

#[test]
fn a_mail_is_first_in_the_language_of_the_holder_and_then_complete_in_french() {
    let mut data = LetterData::sample();
    data.recipient.language = "es".into();
    let letter = compose(&data);
    let place = |body: &str, words: &str| body.find(words).unwrap_or_else(|| panic!("{words}: {body}"));
    let html = letter.html.split_once("<main").unwrap().1;
    for (body, title) in [(letter.text.as_str(), "CONVOCATION POUR LE"), (html, ">Convocation pour le")] {
        let parts = ["Lettre officielle.", "título informativo", "Amélie N’Guessan", title, "salutations", "311-3-1-1"];
        let places = parts.map(|part| place(body, part));
        assert!(places.is_sorted(), "{places:?}: {body}");
    }
    let french = compose(&LetterData::sample());
    assert!(!french.text.contains("Lettre officielle."));
    assert!(letter.text.ends_with(french.text.as_str()), "the whole French letter follows: {}", letter.text);
}

#[test]
fn no_line_of_a_mail_is_wider_than_78_columns() {
    use unicode_width::UnicodeWidthStr;
    for (kind, language) in LetterKind::ALL.iter().flat_map(|kind| Language::ALL.iter().map(move |l| (*kind, *l))) {
        let mut data = LetterData::sample_of(kind);
        data.recipient.language = language.code().into();
        let text = compose(&data).text;
        let wide: Vec<&str> = text.lines().filter(|line| line.width() > 78 && line.trim().contains(' ')).collect();
        assert_eq!(wide, [""; 0], "{kind} {language}");
    }
}

/// Layouts that were kept with a letter of an earlier engine knew legal mentions as blocks; families of fonts may be
/// gone.
#[test]
fn a_letter_made_before_is_shown_with_its_legal_mentions_whatever_was_kept_with_it() {
    let text = "{% for block in texts[0].blocks %}{% if block.type == \"mentions\" %}--{% endif %}{% endfor %}";
    let kept = [
        ("layout/letter.txt", text),
        ("layout/letter.html", text),
        ("layout/letter.typ", "#set page()"),
        ("letter.toml", "[fonts]\nfamilies = [\"Marianne\"]\n[sizes]\nlegal = 6\n"),
    ];
    let kept = kept.map(|(file, source)| (file.to_owned(), source.as_bytes().to_vec()));
    let shown = Templates::kept(kept, Fonts::embedded().clone()).unwrap().compose(&LetterData::sample(), &sender());
    let (shown, today) = (shown.unwrap(), compose(&LetterData::sample()));
    assert!(shown.text.contains("311-3-1-1") && shown.html.contains("311-3-1-1"), "{}", shown.text);
    assert_eq!((&shown.text, &shown.pdf), (&today.text, &today.pdf));
}

#[test]
fn a_layout_that_leaves_out_legal_mentions_is_refused_for_every_kind() {
    let without = |file: &str, source: &str, cut: &str| {
        assert!(source.contains(cut), "{cut}");
        replaced(file, &source.replace(cut, "")).unwrap_err()
    };
    let (text, html) =
        (include_str!("../../../templates/layout/letter.txt"), include_str!("../../../templates/layout/letter.html"));
    for (file, source, cut) in [
        ("layout/letter.txt", text, "{{ said(text.mentions, \"fr\") }}"),
        ("layout/letter.html", html, "{{ said(text.mentions, level) }}"),
        ("layout/letter.txt", text, "{{ closing }}"),
        ("layout/letter.html", html, "{{ closing }}"),
    ] {
        let error = without(file, source, cut);
        assert!(error.file == file && error.reason.contains("which this letter says"), "{error}");
    }
}
