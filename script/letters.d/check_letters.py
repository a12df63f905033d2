#!/usr/bin/env python3
"""Check letters with programs that are not ours: Python's email package, icalendar, dateutil, zoneinfo.

Read from FOLDER: KIND-LANGUAGE.eml for every kind and language, KIND-LANGUAGE.ics where there is an appointment, and,
if it exists, zones/*.ics. Needs icalendar and tzdata from PyPI (script/setup makes a venv that has them).

exit codes: 0 every check is ok; 1 a check FAILED; 2 usage, or a library is missing
"""

import argparse
import email
import email.policy
import importlib.util
import itertools
import sys
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from pathlib import Path

# dateutil comes with icalendar.
missing = [name for name in ("icalendar", "dateutil", "tzdata") if importlib.util.find_spec(name) is None]
if missing:
    print(f"check_letters: {sys.executable} lacks {', '.join(missing)}: pip install icalendar tzdata", file=sys.stderr)
    sys.exit(2)

import tzdata  # noqa: E402
from dateutil.rrule import rrulestr  # noqa: E402
from icalendar import Calendar, Event, Timezone  # noqa: E402

# What the system knows of zones differs from machine to machine: only the pinned tzdata counts.
zoneinfo.reset_tzpath(to=[])

INVITED = ["convocation", "reminder", "change", "cancellation"]
KINDS = [*INVITED, "depot-en-ligne", "transfert", "heads-up"]
LANGUAGES = ["fr", "en", "es", "ar", "pt", "zh"]
UPDATES = ["convocation", "change", "cancellation"]


@dataclass
class Check:
    """One family of checks: how many things were looked at, and what was wrong with them."""

    name: str
    seen: int = 0
    failures: list[str] = field(default_factory=list)

    def expect(self, where: str, holds: bool, otherwise: str) -> bool:
        if not holds:
            self.failures.append(f"{where}: {otherwise}")
        return holds


@dataclass
class Mail:
    """An e-mail as read, each part with its decoded content."""

    message: EmailMessage
    parts: list[tuple[EmailMessage, bytes]]

    def only(self, media: str) -> tuple[EmailMessage, bytes] | None:
        found = [(part, content) for part, content in self.parts if part.get_content_type() == media]
        return found[0] if len(found) == 1 else None


def read_mail(path: Path, check: Check) -> Mail:
    """Parses an e-mail; every defect that the parser notes, in the message, a part or a header, is a failure."""
    check.seen += 1
    raw = path.read_bytes()
    check.expect(path.name, raw.isascii(), "bytes outside ASCII")
    longest = max(map(len, raw.split(b"\r\n")))
    check.expect(path.name, longest <= 998, f"a line of {longest} octets (RFC 5322, 2.1.1)")
    check.expect(path.name, raw.count(b"\n") == raw.count(b"\r\n"), "a line that does not end with CRLF")
    message = email.message_from_bytes(raw, policy=email.policy.default)
    leaves = [part for part in message.walk() if not part.is_multipart()]
    # Decoded first: defects of an encoding are noted only then.
    parts = [(part, part.get_payload(decode=True)) for part in leaves]
    for part in message.walk():
        what = part.get_content_type()
        for defect in part.defects:
            check.expect(path.name, False, f"{what}: {defect!r}")
        for name, value in part.items():
            for defect in value.defects:
                check.expect(path.name, False, f"{what}: {name}: {defect!r}")
    for part, content in parts:
        if part.get_content_maintype() == "text":
            try:
                content.decode(part.get_content_charset("ascii"))
            except (UnicodeDecodeError, LookupError) as wrong:
                check.expect(path.name, False, f"{part.get_content_type()}: {wrong}")
    return Mail(message, parts)


def check_headers(where: str, language: str, message: EmailMessage, check: Check) -> None:
    check.seen += 1
    to = [value for name in ("To", "Cc", "Bcc") for value in message.get_all(name, [])]
    recipients = [str(address) for value in to for address in value.addresses]
    check.expect(where, len(recipients) == 1, f"not exactly one recipient: {recipients}")
    for name in ("From", "To", "Subject", "Date", "Message-ID", "X-Convocation", "Reply-To", "Auto-Submitted"):
        found = message.get_all(name, [])
        check.expect(where, len(found) == 1 and bool(found[0].strip()), f"{name}: not exactly one: {found}")
    automatic = message.get("Auto-Submitted")
    check.expect(where, automatic == "auto-generated", f"Auto-Submitted: {automatic}")
    languages = [tag.strip() for tag in message.get("Content-Language", "").split(",")]
    expected = list(dict.fromkeys(["fr", language]))
    check.expect(where, languages == expected, f"Content-Language: {languages}, not {expected}")
    # A list is something to leave, and a convocation is not.
    unwanted = [name for name in message if name.lower().startswith("list-")]
    check.expect(where, not unwanted, f"unwanted headers: {unwanted}")


def check_parts(where: str, mail: Mail, check: Check) -> None:
    check.seen += 1
    reference = str(mail.message.get("X-Convocation", ""))
    text = mail.only("text/plain")
    told = text[1].decode(errors="replace") if text else ""
    check.expect(where, bool(reference) and reference in told, "no single text/plain part with the reference")
    pdf = mail.only("application/pdf")
    check.expect(where, pdf is not None and pdf[1].startswith(b"%PDF"), "no single application/pdf part that is a PDF")
    for part, _ in mail.parts:
        # A program shows one or the other: Content-Disposition's filename, or Content-Type's name.
        for name in {part.get_filename(), part.get_param("name")} - {None}:
            check.expect(where, name in (f"{reference}.pdf", "rendez-vous.ics"), f"a part is named {name!r}")


@dataclass
class Invitation:
    method: str
    event: Event
    observances: Timezone

    @property
    def zone(self) -> str:
        return str(self.observances["TZID"])

    @property
    def start(self) -> datetime:
        """In local time, independent of icalendar's zone."""
        return self.event["DTSTART"].dt.replace(tzinfo=None)

    @property
    def version(self) -> tuple[int, datetime]:
        """What decides which of two is newer (RFC 5546, 2.1.5)."""
        return int(self.event["SEQUENCE"]), self.event["DTSTAMP"].dt


def read_ics(where: str, raw: bytes, check: Check) -> Invitation | None:
    """Parses an invitation, or says why it is none."""
    check.seen += 1
    before = len(check.failures)
    *lines, end = raw.split(b"\r\n")
    stray = any(b"\n" in line or b"\r" in line for line in lines)
    check.expect(where, end == b"" and not stray, "lines must end with CRLF")
    for number, line in enumerate(lines, 1):
        check.expect(where, len(line) <= 75, f"line {number} has {len(line)} octets (RFC 5545, 3.1)")
        try:
            line.decode()
        except UnicodeDecodeError:
            check.expect(where, False, f"line {number} is folded within a character")
    try:
        calendar = Calendar.from_ical(raw)
    except (ValueError, KeyError, IndexError) as wrong:
        check.expect(where, False, f"icalendar cannot read it: {wrong}")
        return None
    for component in calendar.walk():
        for error in component.errors:
            check.expect(where, False, f"{component.name}: {error}")
    events, timezones = calendar.walk("VEVENT"), calendar.walk("VTIMEZONE")
    if not check.expect(where, (len(events), len(timezones)) == (1, 1), "not one VEVENT and one VTIMEZONE"):
        return None
    event, method = events[0], str(calendar.get("METHOD", ""))
    for name in ("UID", "SEQUENCE", "DTSTAMP", "DTSTART", "DTEND", "ORGANIZER", "ATTENDEE"):
        present = name in event and not isinstance(event[name], list)
        check.expect(where, present, f"not exactly one {name}")
    if len(check.failures) > before:
        return None
    check.expect(where, method in ("REQUEST", "CANCEL"), f"METHOD: {method}")
    cancelled = event.get("STATUS") == "CANCELLED"
    check.expect(where, cancelled == (method == "CANCEL"), f"METHOD {method} with STATUS {event.get('STATUS')}")
    invitation = Invitation(method, event, timezones[0])
    for name in ("DTSTART", "DTEND"):
        zone = event[name].params.get("TZID")
        check.expect(where, zone == invitation.zone, f"{name} is in {zone}, and the VTIMEZONE is {invitation.zone}")
    return invitation


def check_same(where: str, mail: Mail, path: Path, invited: bool, check: Check) -> None:
    """The invitation is the same among the alternatives, as a file of the e-mail, and beside it."""
    check.seen += 1
    alternative, attached = mail.only("text/calendar"), mail.only("application/ics")
    if not invited:
        calendars = [part for part, _ in mail.parts if part.get_content_type() in ("text/calendar", "application/ics")]
        check.expect(where, not calendars and not path.exists(), "an invitation where there is no appointment")
        return
    raw = path.read_bytes() if path.exists() else b""
    check.expect(where, alternative is not None and alternative[1] == raw, f"the text/calendar part is not {path.name}")
    check.expect(where, attached is not None and attached[1] == raw, f"the attached file is not {path.name}")
    if alternative is not None:
        # Outlook and Gmail go by this parameter (RFC 6047, 2.4).
        method = alternative[0].get_param("method")
        check.expect(where, f"METHOD:{method}\r\n".encode() in raw, f"Content-Type says method={method}")


def check_updates(language: str, sent: list[Invitation], check: Check) -> None:
    """In any order of arrival of the three, a calendar ends with one event, and that is cancelled."""
    check.seen += 1
    for order in itertools.permutations(zip(UPDATES, sent, strict=True)):
        store: dict[str, Invitation] = {}
        for _, invitation in order:
            uid = str(invitation.event["UID"])
            if uid not in store or invitation.version > store[uid].version:
                store[uid] = invitation
        arrived = f"{language}: {', '.join(kind for kind, _ in order)}"
        if check.expect(arrived, len(store) == 1, f"{len(store)} events: {sorted(store)}"):
            (last,) = store.values()
            told = f"SEQUENCE {', '.join(str(invitation.version[0]) for _, invitation in order)}"
            status = last.event.get("STATUS")
            check.expect(arrived, status == "CANCELLED", f"ends as {status} ({told})")


@dataclass(order=True)
class Onset:
    """From when on (in UTC) an offset holds."""

    at: datetime
    offset: timedelta


def onsets(observances: Timezone, until: datetime) -> list[Onset]:
    """When each observance of a VTIMEZONE begins, up to a local time (RFC 5545, 3.6.5)."""
    found = []
    for observance in observances.subcomponents:
        first = observance["DTSTART"].dt
        local = {first}
        if "RRULE" in observance:
            local.update(rrulestr(observance["RRULE"].to_ical().decode(), dtstart=first).between(first, until))
        dates = observance.get("RDATE", [])
        for several in dates if isinstance(dates, list) else [dates]:
            local.update(date.dt for date in several.dts)
        before, after = observance["TZOFFSETFROM"].td, observance["TZOFFSETTO"].td
        found.extend(Onset(onset - before, after) for onset in local if onset <= until)
    return sorted(found)


def instant(observances: Timezone, local: datetime) -> datetime:
    """A local time in UTC, by a VTIMEZONE alone. A time that comes twice is the first; a time that never comes is
    reckoned with the offset before the gap (RFC 5545, 3.3.5)."""
    begun = onsets(observances, local + timedelta(days=2))
    if not begun or begun[0].at > local - timedelta(days=1):
        raise ValueError("no observance of the VTIMEZONE has begun by then")
    for now, following in itertools.pairwise(begun):
        # Before the end of this observance, or in the gap between it and the next.
        if local - now.offset < following.at or local - following.offset < following.at:
            return local - now.offset
    return local - begun[-1].offset


def check_zone(path: Path, check: Check) -> None:
    invitation = read_ics(f"zones/{path.name}", path.read_bytes(), check)
    if invitation is None:
        return
    where = f"zones/{path.name}: {invitation.zone} {invitation.start}"
    try:
        civil = invitation.start.replace(tzinfo=zoneinfo.ZoneInfo(invitation.zone))
        expected = civil.astimezone(timezone.utc)
        ours = instant(invitation.observances, invitation.start).replace(tzinfo=timezone.utc)
        check.expect(where, ours == expected, f"{ours:%FT%RZ} by the VTIMEZONE, {expected:%FT%RZ} by tzdata")
        # icalendar reckons times that come twice or never in a way of its own.
        if civil.utcoffset() == civil.replace(fold=1).utcoffset():
            # Without the look-up it would answer from zoneinfo, and agree with itself.
            zone = invitation.observances.to_tz(lookup_tzid=False)
            theirs = invitation.start.replace(tzinfo=zone).astimezone(timezone.utc)
            check.expect(where, theirs == expected, f"{theirs:%FT%RZ} by icalendar, {expected:%FT%RZ} by tzdata")
    except (ValueError, KeyError) as wrong:
        check.expect(where, False, str(wrong))


def checks(folder: Path) -> Iterator[Check]:
    mails, headers, parts = Check("e-mails parse"), Check("headers"), Check("parts and their names")
    invitations, same = Check("invitations parse"), Check("invitation and e-mail agree")
    updates, zones = Check("updates of one event"), Check("zones and tzdata agree")
    for language in LANGUAGES:
        sent: dict[str, Invitation] = {}
        ids: dict[str, str] = {}
        for kind in KINDS:
            eml, ics = folder / f"{kind}-{language}.eml", folder / f"{kind}-{language}.ics"
            if mails.expect(eml.name, eml.exists(), "missing"):
                mail = read_mail(eml, mails)
                check_headers(eml.name, language, mail.message, headers)
                twin = ids.setdefault(str(mail.message["Message-ID"]), eml.name)
                headers.expect(eml.name, twin == eml.name, f"has the Message-ID of {twin}")
                check_parts(eml.name, mail, parts)
                check_same(eml.name, mail, ics, kind in INVITED, same)
            if kind in INVITED and invitations.expect(ics.name, ics.exists(), "missing"):
                invitation = read_ics(ics.name, ics.read_bytes(), invitations)
                if invitation is not None:
                    wanted = "CANCEL" if kind == "cancellation" else "REQUEST"
                    invitations.expect(ics.name, invitation.method == wanted, f"METHOD: {invitation.method}")
                    sent[kind] = invitation
        if updates.expect(language, all(kind in sent for kind in UPDATES), "invitations missing, see above"):
            check_updates(language, [sent[kind] for kind in UPDATES], updates)
    yield from (mails, headers, parts, invitations, same, updates)
    if (folder / "zones").is_dir():
        for path in sorted((folder / "zones").glob("*.ics")):
            check_zone(path, zones)
        zones.expect("zones", zones.seen > 0, "holds no invitation")
        yield zones


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    folder = parser.parse_args().folder
    if not folder.is_dir():
        parser.error(f"no such folder: {folder}")
    failed = False
    for check in checks(folder):
        failed = failed or bool(check.failures)
        verdict = f"FAILED ({len(check.failures)} failures)" if check.failures else "ok"
        print(f"{check.name:28} {check.seen:5} seen  {verdict}")
        for failure in check.failures:
            print(f"  {failure}")
    if (folder / "zones").is_dir():
        print(f"(tzdata {tzdata.IANA_VERSION})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
