# Texts of the console. One key a text; the same keys as in fr.ftl.

# Frame
skip-to-content = Skip to content
menu = Sections
menu-home = Home
menu-runs = Runs
menu-preview = Preview
menu-people = People
menu-slots = Slots
menu-letters = Letters
menu-requests = Requests
menu-counter = Counter
menu-audit = Audit
signed-in-as = Signed in:
sign-out = Sign out
other-language = Français

# Sign-in
sign-in-title = Sign in
sign-in-provider = Sign in with your work account
sign-in-local = Emergency account
sign-in-local-why = For when the identity provider does not answer.
sign-in-login = Login
sign-in-password = Password
sign-in-digits = One-time code
sign-in-digits-hint = Six digits, if this account asks for them.
sign-in-submit = Sign in
sign-in-wrong = Wrong login, password or code.
sign-in-locked = Too many attempts: this account waits for some minutes.
sign-in-not-awaited = This return was not awaited, or comes too late: begin again.
sign-in-no-role = Your account gives no role here: ask your administrator.
sign-in-provider-away = The identity provider does not answer as it should. An emergency account opens too.

# Home
home-title = Home
home-night-late = The night of { $day } is late. { $why }
home-night-failed = The night of { $day } did not come about and waits for somebody. { $why }
home-paused = Sending is stopped.
home-working = A run is in progress.
home-last = Last night
home-no-night = There has been no night yet.
home-firm = Appointments made firm
home-planned = Planned, not yet firm
home-lapses = Without a date before expiry
home-letters = Letters queued
home-next = Next night
home-next-never = None is due.
home-to-preview = See what it would do
home-seats = People and seats
home-due = People to convoke
home-free = Free seats, twelve weeks
home-last-slot = Last known slot
home-no-slot = none
home-to-slots = See the slots
home-waiting = Letters that wait for somebody
home-nothing-waits = None.
home-to-post = to be posted

# Runs
# ----

# ----

# Preview
# ----

# ----

# People
# ----
reason = Reason
people-title = People
people-search = Name, number, reference, e-mail or telephone
people-search-hint = In any order, whatever the accents; a slip is forgiven in words of four letters or more.
people-search-submit = Search
people-found = People found
people-count = { $n ->
    [one] { $shown } person
   *[other] { $shown } people
}
people-at-least = At least { $shown } people
people-more = { $n ->
    [one] And { $shown } more: type more of the name.
   *[other] And { $shown } more: type more of the name.
}
people-nobody-named = Nobody. Try fewer words, a name in use, or a number.
people-nobody = Nobody. Try another of: name, foreigner number, permit number, reference, e-mail, telephone.
people-behind = An older program took in the last extract: “convoke migrate” makes its names known to the search.
people-name = Person
people-number = no. { $what }
people-born = Born
people-permits = Permits
people-until = expires on { $day }
people-not-examined = not examined yet
people-appointment = Appointment
people-no-appointment = none
person-title = Person
person-back = Back to the search
person-is-held = held
person-number = Foreigner number
person-family-name = Family name
person-born = Born
person-email = E-mail
person-no-email = none
person-email-refused = The address { $what } sent a letter back.
person-phone = Telephone
person-none = none
person-address = Address
person-channel = Letters by
person-language = Language
person-permits = Permits
person-no-permit = No permit is known.
person-appointment = Appointment
person-no-appointment = No appointment.
person-to-mark = Mark who came to this appointment
person-other-dates = Offer another date
person-cancel = Cancel this appointment
person-cancel-what = The seat is free for the next night, a letter tells the person, who is due again; to prevent that, hold the permit first.
person-on-whose-wish = On whose wish
person-by-office = the préfecture
person-by-holder = the person
person-type-reference = To confirm, type the reference { $what }
person-cancel-submit = Cancel the appointment
person-cancelled = Appointment cancelled.
person-acts = Acts
person-reason-hint = Each act wants a reason; it stands in the ledger for good: name nobody.
person-mend = Mend the e-mail address
person-mend-what = The new address holds until the extract names another. The letter of an appointment to come that has not arrived is written again at once.
person-email-new = New address
person-email-none = The person has no e-mail address any more: letters go by post.
person-email-submit = Save the address
person-email-which = Give an address, or tick that the person has none any more: one of the two.
person-email-set = Address saved.
person-email-same = It was that already.
person-email-again = The letter of the appointment to come had not arrived: it leaves for the new address.
person-email-post = The letter of the appointment to come had not arrived: it waits for the post.
person-email-told = The old address had the letter: it is told, for the last time, that it was changed.
person-hold = Hold
person-hold-what = No night convokes this person any more, and letters that have not left wait. An appointment that was given stands.
person-hold-submit = Hold the permits
person-held = Held: no night convokes this person.
person-not-held = Nothing changed: held already, or no permit in force.
person-release = Release
person-release-what = The next night looks at this person again, and letters that were held leave.
person-release-submit = Release the permits
person-released = Released: the next night looks at this person again.
person-not-released = Nothing changed: no permit is held.
person-appointment-stands = The appointment { $what } stands: cancel it if it does not take place.
person-request = Write a request down
person-wish = What is asked for
person-received = Received on
person-needed-by = To be seen by (optional)
person-request-submit = Write the request down
person-request-future = A request cannot have been received on a day to come.
person-request-added = Written down as { $what }. The next night looks for a seat.
person-request-added-other = Written down as { $what }. No night answers it: decide it.
person-requests = Written requests
person-letters = Letters
person-no-letter = No letter.
person-letter-count = { $n ->
    [one] { $shown } letter, latest first
   *[other] { $shown } letters, latest first
}
person-letter = Letter
person-letter-written = Written
person-letter-state = State
person-letter-acts = What to do
person-letter-print = Print (PDF)
person-letter-gone = Content erased
person-letter-retry = Send again
person-letter-release = Let go
person-letter-turned = State of the letter: { $state }.
person-letter-erased = What this letter said was erased when it was no longer to be kept.
person-letter-no-pdf = This letter has no PDF: it cannot be laid out.
person-letter-differs = Not the letter that was sent
person-letter-differs-what = The letter { $what } cannot be shown to the byte as it was sent. Changed since:
person-letter-as-now = Download as it would be today
person-changed-templates = the templates of letters
person-changed-fonts = the fonts
person-changed-engine = the program that lays it out
person-changed-data = the data of the letter
person-way-email = The letter that says so leaves by e-mail.
person-way-post = The letter that says so waits for the post.
person-way-late = The letter that says so would come too late: call the person.
person-history = History
person-no-history = Nothing has happened yet.
person-by = by { $who }
dates-title = Another date
dates-back = Back to the person
dates-reference = Reference
dates-now = Present appointment
dates-expiry = Last day of the permit
dates-avoided = Days to avoid
dates-from-to = from { $first } to { $last }
dates-offered = Seats that can be had
dates-cost-nobody = None of them costs anybody a date before the permit expires.
dates-none = No other seat can be had without costing somebody a date before expiry.
dates-count = { $n ->
    [one] { $shown } day, nearest first
   *[other] { $shown } days, nearest first
}
dates-day = Day
dates-hours = Free hours
dates-place = Place
dates-move = Move the appointment
dates-to = New slot
dates-another = A slot that is not offered
dates-slot = Slot
dates-slot-hint = site/desk/YYYY-MM-DDTHH:MM. If filled in, it takes the place of the choice above.
dates-despite = Move even if somebody is then left without a date before the permit expires
dates-no-slot = That is no slot: site/desk/YYYY-MM-DDTHH:MM.
dates-move-submit = Move the appointment and tell the person
dates-moved = New appointment on { $day }, reference { $what }.
dates-avoid = Note days to avoid
dates-avoid-what = Days on which the person cannot come are kept, for this time and the next.
dates-first = First day
dates-last = Last day (optional)
dates-avoid-submit = Note these days
dates-noted = Days to avoid noted.
dates-backwards = The last day comes before the first.
# ----

# Slots
# ----

# ----

# Letters
# ----

# ----

# Requests
# ----
requests-title = Written requests
requests-by-state = Requests by state
requests-how = A request is written down on the person’s page. Each night serves those that are open, but for “other”, which an agent decides.
requests-none = No request is in this state.
requests-most-urgent-first = most urgent first
requests-latest-first = latest first
requests-request = Request
requests-wish = Wish
requests-received = Received on
requests-needed-by = Needed by
requests-rights = Rights until
requests-now = Now
requests-convoked = convoked for { $day }
requests-answer = Appointment given
requests-decided = Decided
requests-next = Next
requests-csv = Export as CSV
requests-xlsx = Export for a spreadsheet (XLSX)
request-title = Written request
request-heading = Request { $what }
request-back = Back to the requests
request-state = State
request-permit = Permit
request-appointment = Present appointment
request-person = See the person
request-decide = Decide
request-place = Give a seat
request-place-what = The seat is given now, and a letter tells the person.
request-no-seat = No free seat within sixty days at the desks that serve the person.
request-seat = Free seat
request-other-slot = Or another slot
request-despite = Give the seat even if somebody is then left without a date before the permit expires
request-place-submit = Give this seat
request-placed = Seat given on { $day }, reference { $what }.
request-end = Refuse, or note that the person takes it back
request-no-letter = No letter says so: tell the person.
request-refuse-submit = Refuse the request
request-withdraw-submit = The person takes it back
request-refused = Request { $what } refused. No letter says so: tell the person.
request-withdrawn = Request { $what } withdrawn.
# ----

# Counter
# ----
counter-title = Counter
counter-day = Day
counter-show = Show this day
counter-previous = Day before: { $day }
counter-next = Day after: { $day }
counter-sites = Sites
counter-site-closed = The site is closed on this day: { $reason }.
counter-desk-closed = This desk is closed on this day ({ $reason }), and these people are expected there.
counter-nobody = No appointment on this day.
counter-no-site = The agenda has no site.
counter-expected = { $n ->
    [one] { $shown } appointment
   *[other] { $shown } appointments
}
counter-sheet-pdf = Sheet for the counter (PDF)
counter-sheet-csv = Sheet to be filled in (CSV)
counter-door-pdf = List for the door, without names (PDF)
counter-to-come = Who came can be marked from the day of the appointment on.
counter-for-good = A mark is for good: the night acts on it. “Cancelled” frees the seat and writes no letter.
counter-at-desk = { $n ->
    [one] { $shown } person expected
   *[other] { $shown } people expected
}
counter-hour = Hour
counter-name = Name
counter-born = Born
counter-what = Permit
counter-reference = Reference
counter-presence = Presence
counter-erased = (data erased)
counter-mark-of = Presence of { $name }, { $hour }
counter-came = came
counter-absent = absent
counter-incomplete = documents missing
counter-cancelled = cancelled
counter-submit = Save the marks
counter-too-soon = This day has not come yet.
counter-nothing-chosen = No mark is chosen.
counter-marked = { $n ->
    [one] { $shown } marked.
   *[other] { $shown } marked.
}
counter-known = { $n ->
    [one] { $shown } was marked so already.
   *[other] { $shown } were marked so already.
}
counter-wrong = Not marked: { $what }, which is “{ $state }” already; a mark is for good.
counter-more-wrong = { $n ->
    [one] And { $shown } more not marked.
   *[other] And { $shown } more not marked.
}
counter-state-unknown = another state
counter-awaiting = Appointments to mark
counter-none-awaits = No past appointment awaits a mark.
counter-awaiting-why = These people are not convoked again until they are marked; when the time is over, the night counts them as missed.
counter-to-mark = { $n ->
    [one] { $shown } appointment
   *[other] { $shown } appointments
}
counter-more-awaiting = { $n ->
    [one] And { $shown } more day.
   *[other] And { $shown } more days.
}
# ----

# Audit
# ----

# ----

# Refusals and errors
failed-title = This was not done
failed-missing = There is nothing at this address.
failed-forbidden = Your role does not allow this page.
failed-unreadable = This request is incomplete: go back to the page before.
failed-unconfirmed = The confirmation is not what was asked for.
failed-too-often = Too many requests in a short time: wait a minute.
failed-broken = An unexpected error: it is in the server’s log.
failed-unchanged = Nothing was changed.
failed-home = Back to the home page
reason-missing = A reason is needed: it stays in the ledger.
reason-personal = The reason stays in the ledger for good: no foreigner number, no telephone, no e-mail address.
refused-nobody = Nobody has this number in this préfecture.
refused-no-convocation = There is no convocation { $what }.
refused-over = Convocation { $what } is not live any more: { $state }.
refused-past = The appointment { $what } was on { $day }: mark the attendance.
refused-no-slot = There is no slot { $what }.
refused-wrong-desk = The desk of { $what } does not renew this permit, or not for this commune.
refused-no-seat = No seat is left on { $what }.
refused-would-lapse = Moving to { $what } would cost somebody a date before expiry.
refused-moved-before = The holder has moved this appointment once already.
refused-no-address = This is no e-mail address that can be written to.
refused-no-request = There is no request { $what }.
refused-request-open = The person has an open request already: { $what }.
refused-request-over = Request { $what } is not open any more.
refused-not-to-be-seen = The permit of request { $what } is held, filed, renewed or withdrawn.
refused-no-letter = There is no letter { $what }.
refused-letter-stands = This letter is { $state }: this cannot be done now.
refused-no-place = There is no site or desk { $what }.
refused-day-past = { $day } lies in the past.
refused-unsettled = The data changed meanwhile: try again when imports and runs have ended.
