//! What a letter on paper promises: both standards, always the same bytes, one page, a correct letter or a named
//! exception.

use chrono::{Days, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use convoke_domain::ids::sha256_hex;
use convoke_domain::permit::PermitKind;
use convoke_letters::{Fonts, Language, Letter, LetterData, LetterKind, Matter, PdfError, Sender, Templates, envelope};
use convoke_settings::Documents;

#[path = "../../../tests/support/pdf.rs"]
mod pdf;
use pdf::{failures, pages};

fn sender() -> Sender {
    Sender {
        from_name: "Préfecture du Val-de-Marne".into(),
        from_address: "convocations@prefecture-94.example".into(),
        message_domain: "prefecture-94.example".into(),
        sent_at: None,
    }
}

fn compose(data: &LetterData) -> Letter {
    Templates::embedded().compose(data, &sender()).unwrap()
}

fn sample(kind: LetterKind, language: Language) -> LetterData {
    let mut data = LetterData::sample_of(kind);
    data.recipient.language = language.code().into();
    data
}

fn every_letter() -> impl Iterator<Item = LetterData> {
    LetterKind::ALL.iter().flat_map(|kind| Language::ALL.iter().map(|language| sample(*kind, *language)))
}

/// Letters of every kind and language, and a thousand invitations, for third-party validators (`script/test`).
#[test]
fn letters_are_written_for_the_checkers_of_others() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let (letters, pages) = (root.join("letters"), root.join("html"));
    std::fs::create_dir_all(letters.join("zones")).unwrap();
    std::fs::create_dir_all(&pages).unwrap();
    for mut data in every_letter() {
        let name = format!("{}-{}", data.matter.kind(), data.recipient.language);
        if let Matter::Convocation(convoked) = &mut data.matter {
            // Together they cover every branch.
            let language = data.recipient.language.as_str();
            (convoked.short_notice, convoked.late) = (language != "fr", language == "en");
        }
        let letter = compose(&data);
        let write = |end: &str, bytes: &[u8]| std::fs::write(letters.join(format!("{name}.{end}")), bytes).unwrap();
        write("eml", &letter.message);
        write("html", letter.html.as_bytes());
        if let Some(ics) = &letter.ics {
            write("ics", ics);
        }
        std::fs::write(pages.join(format!("letter-{name}.html")), &letter.html).unwrap();
    }
    let zones = [
        Tz::Europe__Paris,
        Tz::America__Guadeloupe,
        Tz::America__Martinique,
        Tz::America__Cayenne,
        Tz::America__Miquelon,
        Tz::America__St_Barthelemy,
        Tz::America__Marigot,
        Tz::Indian__Reunion,
        Tz::Indian__Mayotte,
        Tz::Pacific__Noumea,
        Tz::Pacific__Tahiti,
        Tz::Pacific__Marquesas,
        Tz::Pacific__Gambier,
        Tz::Pacific__Wallis,
    ];
    let first = NaiveDate::from_ymd_opt(2000, 1, 3).unwrap();
    for n in 0..1_000u32 {
        let mut data = LetterData::sample();
        // Without an address there is no page to typeset: only the invitation matters here.
        data.recipient.address.clear();
        if let Matter::Convocation(convoked) = &mut data.matter {
            // Steps that hit every month, and the hours around every change.
            convoked.appointment.day = first + Days::new(u64::from(n) * 33 + u64::from(n % 7));
            convoked.appointment.start = NaiveTime::from_hms_opt(n % 24, n * 7 % 60, 0).unwrap();
            convoked.appointment.zone = zones[n as usize % zones.len()];
        }
        std::fs::write(letters.join(format!("zones/{n:03}.ics")), compose(&data).ics.unwrap()).unwrap();
    }
}

#[test]
fn letters_are_those_that_were_reviewed() {
    for data in every_letter() {
        let name = format!("{}-{}", data.matter.kind(), data.recipient.language);
        insta::with_settings!({ snapshot_path => "../../../docs/letters", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, compose(&data).text);
        });
    }
}

#[test]
fn every_kind_in_every_language_keeps_pdf_a_and_pdf_ua() {
    for data in every_letter() {
        let pdf = compose(&data).pdf.unwrap();
        assert_eq!(failures(&pdf), [""; 0], "{} {}", data.matter.kind(), data.recipient.language);
        let expected = if data.recipient.language == "fr" { 1 } else { 2 };
        assert_eq!(pages(&pdf), expected, "{} {}", data.matter.kind(), data.recipient.language);
    }
}

#[test]
fn a_letter_with_the_documents_that_come_with_the_program_is_one_page() {
    let documents: Documents = toml::from_str(include_str!("../../../config/examples/documents.toml")).unwrap();
    for kind in PermitKind::ALL {
        for mention in ["salarie", "vie-privee-familiale", "visiteur"] {
            let mut data = LetterData::sample();
            let Matter::Convocation(convoked) = &mut data.matter else { panic!("a sample is a convocation") };
            (convoked.documents, convoked.documents_source) = documents.for_permit(*kind, mention);
            convoked.short_notice = true;
            assert_eq!(pages(&compose(&data).pdf.unwrap()), 1, "{kind} {mention}");
        }
    }
}

#[test]
fn large_print_keeps_them_too_on_more_pages() {
    for kind in LetterKind::ALL {
        let mut data = sample(*kind, Language::Arabic);
        data.recipient.large_print = true;
        let pdf = compose(&data).pdf.unwrap();
        assert_eq!(failures(&pdf), [""; 0], "{kind}");
        assert!(pages(&pdf) > 2, "{kind}");
    }
}

#[test]
fn a_validator_that_accepts_everything_would_be_noticed() {
    let pdf = compose(&LetterData::sample()).pdf.unwrap();
    let text = pdf.windows(13).position(|w| w == b"<pdfaid:part>").unwrap();
    let mut other = pdf.clone();
    other[text + 13] = b'1';
    assert_ne!(failures(&other), [""; 0]);
}

#[test]
fn the_same_letter_is_the_same_bytes_cold_warm_and_in_two_threads() {
    let hash = |templates: &Templates, data: &LetterData| {
        sha256_hex(&templates.compose(data, &sender()).unwrap().pdf.unwrap())
    };
    let cold: Vec<String> = every_letter().map(|data| hash(&Templates::embedded(), &data)).collect();
    let warm = Templates::embedded();
    let again: Vec<String> = every_letter().map(|data| hash(&warm, &data)).collect();
    assert_eq!(cold, again);
    let letters: Vec<LetterData> = every_letter().collect();
    let halves = std::thread::scope(|scope| {
        let two: Vec<_> = letters
            .chunks(letters.len().div_ceil(2))
            .map(|half| scope.spawn(|| half.iter().map(|data| hash(&warm, data)).collect::<Vec<_>>()))
            .collect();
        two.into_iter().flat_map(|t| t.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(cold, halves);
    // A letter is shown again years later: any change of its bytes, even by a library, must be noticed. If it is meant,
    // raise `layout` in ENGINE, so that letters made before are said to be of another engine.
    insta::assert_snapshot!(cold[0], @"22aa19347585ba6898b52d9bb3da0d65631a5aa44cf56506731e46013fd936dd");
}

#[test]
fn names_of_every_script_are_printed_and_never_altered() {
    for name in
        ["Nguyễn Thị Ánh Tuyết", "محمد عبد الرحمن", "王小明", "Þórður Łukasz Øğuz", "Ирина Жукова", "Ελένη Νίκου"]
    {
        let mut data = LetterData::sample();
        data.recipient.name = name.into();
        let letter = compose(&data);
        assert_eq!(failures(&letter.pdf.unwrap()), [""; 0], "{name}");
        assert!(letter.html.contains(name), "{name}");
    }
}

/// What a reader gives of a PDF that takes each glyph for what the file says, in the order in which they are drawn.
/// Without blanks: a line ends where the paper does.
fn read(pdf: &[u8]) -> String {
    let document = lopdf::Document::load_mem(pdf).unwrap();
    let numbers: Vec<u32> = document.get_pages().into_keys().collect();
    document.extract_text(&numbers).unwrap().chars().filter(|c| !c.is_whitespace()).collect()
}

/// The same of a text.
fn joined(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[test]
fn what_is_read_is_what_was_written_in_order_and_once() {
    let names = [
        "Ọ̀yọ́lá Nguyễn Thị Ánh",
        "Étienne D’Almeida-Ñuñez",
        "محمد عبد الرحمن",
        "كتابًا عَلَّمَ مُحَمَّدٌ",
        "لا إله إلا صلاحية على الأولى",
        "می\u{200c}خواهم",
        "王小明",
        "{{ 7 * 7 }} <b>x</b> #panic() \\u{41}",
    ];
    for name in names {
        for language in [Language::French, Language::Arabic, Language::Chinese] {
            let mut data = sample(LetterKind::Convocation, language);
            data.recipient.name = name.into();
            data.permit.label = name.into();
            let read = read(&compose(&data).pdf.unwrap());
            // In the window, and in the words of each language.
            let expected = if language == Language::French { 2 } else { 3 };
            assert_eq!(read.matches(&joined(name)).count(), expected, "{name} in {language:?}:\n{read}");
        }
    }
}

#[test]
fn references_and_addresses_are_read_whole_in_every_language() {
    for data in every_letter() {
        let letter = compose(&data);
        let read = read(&letter.pdf.unwrap());
        let office = &data.office;
        let addresses = [&office.website, &office.contact_email].into_iter().flatten();
        let said = addresses.filter(|address| letter.text.contains(address.as_str())).chain([&data.reference]);
        for what in said {
            assert!(read.contains(what.as_str()), "{what} in {} {}", data.matter.kind(), data.recipient.language);
        }
    }
}

#[test]
fn a_missing_glyph_costs_one_letter_its_pdf_and_is_named() {
    let mut data = LetterData::sample();
    data.recipient.name = "தமிழ் Selvi".into();
    let letter = compose(&data);
    let Err(PdfError::Glyphs(lacking)) = &letter.pdf else { panic!("{:?}", letter.pdf) };
    assert!(lacking.contains(&'த'), "{lacking:?}");
    assert!(letter.pdf.unwrap_err().to_string().contains("U+0BA4"));
    let message = String::from_utf8(letter.message).unwrap();
    assert!(!message.contains("application/pdf") && message.contains("rendez-vous.ics"));
    // The next letter is rendered normally.
    assert!(compose(&LetterData::sample()).pdf.is_ok());
}

#[test]
fn hostile_letters_are_right_or_one_named_exception() {
    let long = "Très Long Nom ".repeat(19);
    let hostile = [
        "Eve\r\nBcc: all@example.org",
        "E\u{200b}v\u{202e}e\0",
        "=cmd()|' /C calc'!A0",
        "{{ 7 * 7 }} #panic() $x$ \\u{41} @label <label>",
        "<script>alert(1)</script>",
        "/* */ // #import \"x\"",
        long.trim(),
    ];
    for name in hostile {
        for field in 0..3 {
            let mut data = LetterData::sample();
            match field {
                0 => data.recipient.name = name.into(),
                1 => data.permit.label = name.into(),
                _ => data.recipient.address = vec![name.into(), "94000 Créteil".into()],
            }
            match compose(&data).pdf {
                Ok(pdf) => assert_eq!(failures(&pdf), [""; 0], "{name:?}"),
                Err(PdfError::Envelope(error)) => assert!(name.len() > 200 && field != 1, "{name:?}: {error}"),
                Err(other) => panic!("{name:?}: {other}"),
            }
        }
    }
    assert_eq!(long.trim().chars().count(), 265);
}

#[test]
fn six_lines_of_address_fit_and_seven_are_an_exception() {
    let lines = |n: usize| (1..n).map(|i| format!("Ligne {i}")).chain(["94000 Créteil".into()]).collect::<Vec<_>>();
    let mut data = LetterData::sample();
    data.recipient.name = "Nom".into();
    data.recipient.address = lines(5);
    assert_eq!(envelope("Nom", &lines(5)).unwrap().len(), 6);
    assert_eq!(failures(&compose(&data).pdf.unwrap()), [""; 0]);
    data.recipient.address = lines(6);
    assert!(matches!(compose(&data).pdf, Err(PdfError::Envelope(_))));
    // 38 of the widest letters are set smaller, not cut.
    data.recipient.address = vec!["W".repeat(38), "94000 Créteil".into()];
    assert_eq!(failures(&compose(&data).pdf.unwrap()), [""; 0]);
}

#[test]
fn a_language_that_letters_are_not_written_in_gets_french_alone() {
    let mut data = LetterData::sample();
    data.recipient.language = "ta".into();
    let (french, other) = (compose(&LetterData::sample()), compose(&data));
    assert_eq!(french.text, other.text);
    assert_eq!(pages(&other.pdf.unwrap()), 1);
}

#[test]
fn the_fonts_are_those_of_the_manifest() {
    let manifest = include_str!("../../../templates/fonts/MANIFEST.md");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../templates/fonts");
    let mut faces = 0;
    for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        if entry.extension().is_some_and(|e| e == "ttf") {
            let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
            let line = manifest.lines().find(|l| l.contains(&format!("`{name}`"))).expect("a line of the manifest");
            assert!(line.contains(&sha256_hex(&std::fs::read(&entry).unwrap())), "{name}");
            faces += 1;
        }
    }
    assert_eq!(faces, 5);
    let packed =
        ["NotoSans-Regular", "NotoSans-Bold", "NotoSans-Italic", "NotoSansArabic-Regular", "DroidSansFallbackFull"];
    let hashes: String =
        packed.iter().map(|name| sha256_hex(&std::fs::read(format!("{folder}/{name}.ttf")).unwrap())).collect();
    assert_eq!(Fonts::embedded().hash(), sha256_hex(hashes.as_bytes()), "what the program carries is what lies there");
    assert_eq!(Fonts::with([("x.ttf".into(), b"no font".to_vec())]).unwrap_err(), "x.ttf");
}

#[test]
fn a_recorded_letter_names_the_versions_that_made_it() {
    let lock = include_str!("../../../Cargo.lock");
    for part in convoke_letters::ENGINE.split(", ") {
        let (name, version) = part.split_once(' ').unwrap();
        // The revision of our own layout is in no lock.
        if name == "layout" {
            continue;
        }
        assert!(
            lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")),
            "{part} is not what is locked"
        );
    }
}
