//! The invitation (RFC 5545, RFC 5546).
//!
//! It says when and where, and names nobody: calendars are shared, letters are not. The desk is left out because its
//! name can reveal the kind of permit; the attendee is the reference.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::{OffsetComponents, OffsetName, Tz};

use super::{LetterData, Matter, Sender};

/// The calendar data, and its iTIP method (RFC 5546).
pub(super) struct Invitation {
    /// `REQUEST` or `CANCEL`.
    pub method: &'static str,
    /// Lines end with CRLF and are folded at 75 octets.
    pub text: String,
}

/// The invitation to a letter's appointment, or its cancellation; `None` without an appointment. The UID stays when the
/// appointment moves, and SEQUENCE identifies the newer version.
pub(super) fn of(data: &LetterData, sender: &Sender) -> Option<Invitation> {
    let (appointment, reference) = (data.matter.appointment()?, &data.reference);
    let cancelled = matches!(data.matter, Matter::Cancellation { .. });
    let (method, status) = if cancelled { ("CANCEL", "CANCELLED") } else { ("REQUEST", "CONFIRMED") };
    let zone = appointment.zone;
    let start = appointment.day.and_time(appointment.start);
    let end = start + Duration::minutes(appointment.duration_min.into());
    let name = data.office.name.replace('"', "'");
    let description = if cancelled {
        format!("Référence : {reference}\nCe rendez-vous est annulé. La lettre de la préfecture dit la suite.")
    } else {
        format!(
            "Référence : {reference}\nApportez la lettre de la préfecture et les documents qu’elle \
             demande. Le guichet y est indiqué.\nEn cas d’empêchement, prévenez la préfecture en \
             indiquant cette référence."
        )
    };
    let uid = data.first_reference.as_ref().unwrap_or(reference);

    let mut ics = Ics(String::new());
    ics.line("BEGIN:VCALENDAR");
    ics.line("VERSION:2.0");
    ics.line("PRODID:-//convoke//convoke//FR");
    ics.line("CALSCALE:GREGORIAN");
    ics.line(&format!("METHOD:{method}"));
    ics.timezone(zone, appointment.day.year());
    ics.line("BEGIN:VEVENT");
    ics.line(&format!("UID:{uid}@{}", sender.message_domain));
    ics.line(&format!("SEQUENCE:{}", data.sequence));
    ics.line(&format!("DTSTAMP:{}Z", stamp(data.issued_at.naive_utc())));
    ics.line(&format!("DTSTART;TZID={zone}:{}", stamp(start)));
    ics.line(&format!("DTEND;TZID={zone}:{}", stamp(end)));
    ics.line(&format!("SUMMARY:{}", escape(&format!("Rendez-vous, réf. {reference}"))));
    ics.line(&format!("LOCATION:{}", escape(&appointment.place().join(", "))));
    ics.line(&format!("DESCRIPTION:{}", escape(&description)));
    ics.line(&format!("ORGANIZER;CN=\"{name}\":mailto:{}", sender.from_address));
    // A request needs an attendee (RFC 5546, 3.2.2); the holder's own address would identify them.
    ics.line(&format!(
        "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=FALSE:\
         mailto:{uid}@{}",
        sender.message_domain
    ));
    ics.line(&format!("STATUS:{status}"));
    ics.line("CLASS:PRIVATE");
    ics.line("TRANSP:OPAQUE");
    ics.line("END:VEVENT");
    ics.line("END:VCALENDAR");
    Some(Invitation { method, text: ics.0 })
}

/// A text value (RFC 5545, 3.3.11).
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace('\n', "\\n")
}

fn stamp(at: NaiveDateTime) -> impl std::fmt::Display {
    at.format("%Y%m%dT%H%M%S")
}

struct Ics(String);

impl Ics {
    /// One content line, folded at 75 octets and never within a character (RFC 5545, 3.1).
    fn line(&mut self, content: &str) {
        let mut width = 0;
        for c in content.chars() {
            if width + c.len_utf8() > 75 {
                self.0.push_str("\r\n ");
                width = 1;
            }
            width += c.len_utf8();
            self.0.push(c);
        }
        self.0.push_str("\r\n");
    }

    /// The zone in the IANA database, from three years before `year` to seven years after.
    fn timezone(&mut self, zone: Tz, year: i32) {
        self.line("BEGIN:VTIMEZONE");
        self.line(&format!("TZID:{zone}"));
        for observance in observances(zone, year - 3, year + 7) {
            self.observance(&observance);
        }
        self.line("END:VTIMEZONE");
    }

    fn observance(&mut self, o: &Observance) {
        let kind = if o.daylight { "DAYLIGHT" } else { "STANDARD" };
        self.line(&format!("BEGIN:{kind}"));
        self.line(&format!("DTSTART:{}", stamp(o.onsets[0])));
        self.line(&format!("TZOFFSETFROM:{}", utc_offset(o.from_s)));
        self.line(&format!("TZOFFSETTO:{}", utc_offset(o.to_s)));
        if let Some(name) = &o.name {
            self.line(&format!("TZNAME:{name}"));
        }
        if let Some(rule) = &o.rule {
            self.line(&format!("RRULE:{rule}"));
        } else {
            for onset in &o.onsets[1..] {
                self.line(&format!("RDATE:{}", stamp(*onset)));
            }
        }
        self.line(&format!("END:{kind}"));
    }
}

/// All changes of a zone from one given offset to another.
struct Observance {
    daylight: bool,
    name: Option<String>,
    from_s: i32,
    to_s: i32,
    /// In local time before the change, as RFC 5545, 3.6.5 requires; at least one.
    onsets: Vec<NaiveDateTime>,
    rule: Option<String>,
}

fn observances(zone: Tz, first: i32, last: i32) -> Vec<Observance> {
    let january = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default().into();
    let (begin, end): (NaiveDateTime, NaiveDateTime) = (january(first), january(last + 1));
    let offset_s = |at| zone.offset_from_utc_datetime(&at).fix().local_minus_utc();
    let observance = |from_s, at: NaiveDateTime| {
        let offset = zone.offset_from_utc_datetime(&at);
        Observance {
            daylight: !offset.dst_offset().is_zero(),
            name: offset.abbreviation().map(ToOwned::to_owned),
            from_s,
            to_s: offset.fix().local_minus_utc(),
            onsets: vec![at + Duration::seconds(from_s.into())],
            rule: None,
        }
    };

    let mut found: Vec<Observance> = Vec::new();
    let mut left = begin;
    while left < end {
        let right = left + Duration::weeks(1);
        let from_s = offset_s(left);
        if from_s != offset_s(right) {
            let next = observance(from_s, change(left, right, |at| offset_s(at) == from_s));
            match found.iter_mut().find(|o| (o.from_s, o.to_s) == (next.from_s, next.to_s)) {
                Some(same) => same.onsets.extend(next.onsets),
                None => found.push(next),
            }
        }
        left = right;
    }
    // The offset before the first change, or without any, is valid since ever: no time may precede all observances.
    let always = observance(offset_s(begin), begin);
    let always = Observance { onsets: vec![DateTime::<Utc>::UNIX_EPOCH.naive_utc()], ..always };
    if found.is_empty() {
        return vec![always];
    }
    for o in &mut found {
        o.rule = yearly_rule(&o.onsets, first..=last);
    }
    if found.iter().all(|o| o.rule.is_none()) {
        found.insert(0, always);
    }
    found
}

/// The first second in (left, right] for which `before` no longer holds.
fn change(mut left: NaiveDateTime, mut right: NaiveDateTime, before: impl Fn(NaiveDateTime) -> bool) -> NaiveDateTime {
    while right - left > Duration::seconds(1) {
        let middle = left + Duration::seconds((right - left).num_seconds() / 2);
        if before(middle) {
            left = middle;
        } else {
            right = middle;
        }
    }
    right
}

/// The rule that these onsets follow in all `years`: a weekday's last occurrence in a month, or always its nth.
/// Programs that know zones by their rules (Outlook) handle a rule better than dates.
fn yearly_rule(onsets: &[NaiveDateTime], years: RangeInclusive<i32>) -> Option<String> {
    let first = onsets.first()?;
    let nth = |o: &NaiveDateTime| o.day0() / 7 + 1;
    let is_last = |o: &NaiveDateTime| (*o + Duration::weeks(1)).month() != o.month();
    let shape = |o: &NaiveDateTime| (o.month(), o.weekday(), o.time());
    if !onsets.iter().map(Datelike::year).eq(years) || onsets.iter().any(|o| shape(o) != shape(first)) {
        return None;
    }
    let ordinal = if onsets.iter().all(is_last) {
        "-1".to_owned()
    } else if onsets.iter().all(|o| nth(o) == nth(first)) {
        nth(first).to_string()
    } else {
        return None;
    };
    let weekday = first.weekday().to_string()[..2].to_uppercase();
    Some(format!("FREQ=YEARLY;BYMONTH={};BYDAY={ordinal}{weekday}", first.month()))
}

/// `+0100`.
fn utc_offset(offset_s: i32) -> String {
    let (sign, minutes) = (if offset_s < 0 { '-' } else { '+' }, offset_s.abs() / 60);
    format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
}
