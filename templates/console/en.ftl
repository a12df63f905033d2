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
menu-undo = Undo
menu-audit = Audit
signed-in-as = Signed in:
sign-out = Sign out
other-language = Français
reason = Reason
list-any = Any
list-filter = Filter
list-keep = Export this list:

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
sign-in-wrong = Wrong login, password or code. After several attempts one has to wait some minutes.
sign-in-ended = Your session has ended: nothing of what you had just sent was saved.
sign-in-not-awaited = This return was not awaited, or comes too late: begin again.
sign-in-no-role = Your account gives no role here: ask your administrator.
sign-in-provider-away = The identity provider does not answer as it should. An emergency account opens too.

# Home
home-title = Home
home-night-late = The night of { $day } is late. { $why }
home-night-failed = The night of { $day } did not come about and waits for somebody. { $why }
home-paused = Sending is stopped.
home-working = A run is in progress.
home-left = A run stopped on its way: resume it, or wait for the next night, which finishes it.
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
reason-hint = It stays in the ledger: name nobody.
job-busy = This is being done already: wait until it ends.
job-broken = Unexpected error: it is in the server’s log.
job-refused = Not done: { $why }
job-began = Asked for by { $who }, on { $when }.
stage-beginning = Beginning…
stage-reading = Reading and assessing permits…
stage-planning = Planning…
stage-storing = Storing verdicts…
stage-convoking = Making appointments firm…
stage-writing = Writing letters…
stage-weeks = Living the weeks ahead…
stage-laying = Laying letters out…
stage-verifying = Verifying the ledger…
runs-title = Runs
runs-back = All runs
runs-caption = Runs, latest first
runs-none = No run.
runs-night = Night
runs-generation = run no. { $n }
runs-state = State
runs-by = By
runs-why = Reason
runs-firm = Firm
runs-lapses = No date
runs-started = Began
runs-next = More
runs-active = A run is in progress, by another process:
runs-committed = { $n ->
    [0] No appointment made firm so far.
    [one] { $shown } appointment made firm so far.
   *[other] { $shown } appointments made firm so far.
 }
runs-last-here = Last run asked for here, ended on { $when }:
runs-more = More about this run
runs-update = Bring up to date
runs-begun = It has begun.
runs-busy = A run is in progress already: wait until it ends.
runs-old-extract = The last extract is of { $day }: too old, permits that are renewed already would be convoked. Import a new one.
runs-done-firm = { $n ->
    [0] Done: no appointment became firm.
    [one] Done: { $shown } appointment became firm.
   *[other] Done: { $shown } appointments became firm.
 }
runs-done-letters = { $n ->
    [0] No letter written.
    [one] { $shown } letter written.
   *[other] { $shown } letters written.
 }
runs-done-lapses = { $n ->
    [one] { $shown } person is left without a date before expiry.
   *[other] { $shown } people are left without a date before expiry.
 }
runs-nothing-new = Nothing new: { $day } is up to date.
runs-cut-off = Nothing was done: run { $what } was cut off. Resume it first, from its page.
runs-too-many = Nothing was written: this run would make { $firm } appointments firm, more than the most allowed ({ $max }). If that is right, carry out exactly this plan from the preview.
runs-plan-changed = Nothing was written: the plan is no longer the one that was shown.
update-title = Bring up to date
update-first = First count the letters that this run would write: nothing is written.
update-count = Count the letters
update-counting = The letters are being counted: nothing is written.
update-would = The run of { $day } would do this, counted on { $when }:
update-letters = Letters to write, firm appointments
update-see-all = See the whole plan
update-go-preview = Go to the preview
update-over-max = That is more than a run may make ({ $max }). If it is right, carry out exactly this plan from the preview.
update-do = Do this run
update-type = To confirm, type the number of letters: { $n }
update-not-counted = Count the letters first.
update-stale = The data have changed since the letters were counted: count again.
update-stale-since = The data have changed since { $when }: count again.
changed-title = The plan has changed
changed-told = Nothing was written. On { $when }, the plan was no longer the one that had been shown.
changed-asked = Plan asked for
changed-now = Plan as it was then
changed-what = What has changed
changed-unknown = The plan asked for is not known here any more: what differs cannot be listed.
changed-next = Compute the preview again
differ-none = Nobody has another day, and no seat has come or gone.
differ-people = People
differ-what = What differs
differ-count = Count
differ-permits = Permits, for example
differ-people-new = planned now, and were not
differ-people-gone = not planned any more
differ-people-changed = with another permit, notice, place or family
differ-firm-new = firm now, and would not have been
differ-firm-gone = not firm any more
differ-moved = on another day or at another desk
differ-lapses-new = without a day before expiry now
differ-lapses-gone = with a day before expiry now, or not planned any more
differ-seats = Free seats
differ-desk = Desk
differ-week = Week of
differ-before = Before
differ-after = After
differ-more = { $n ->
    [one] And { $shown } other line.
   *[other] And { $shown } other lines.
 }
compare-title = Compare with another run
compare-with = Run
compare-do = Compare
compare-from-to = From { $before } to { $after }.
compare-plans = Plans
compare-rules = Rules that changed
compare-outcomes = Outcomes
compare-permits = Permits by outcome
compare-rule = Outcome
compare-no-plan = Run { $run } recorded no plan.
run-title = Run
run-of = Run of { $day }
run-number = Number
run-failure = Cause
run-ended = Ended
run-left = The process that worked on it has ended: resume this run, or wait for the next night, which finishes it.
run-elsewhere = A process is at work on it.
run-no-plan = This run stored no plan: it wrote nothing.
run-funnel = From permits to letters
run-funnel-picture = Picture from permits to letters
run-stage = Stage
run-count = Count
run-lapses = Without a date before expiry
run-no-lapse = Nobody.
run-letters = Letters
run-letters-now = Letters of this run, now
run-no-letter = No letter.
run-channel = Channel
run-failures = Failures by cause
run-no-failure = None.
run-by-cause = Letters that did not arrive, or not yet
run-cause = Cause
run-example = For example
run-perhaps-twice = { $n ->
    [one] { $shown } letter was perhaps received twice:
   *[other] { $shown } letters were perhaps received twice:
 }
run-proof = Proof
run-certificate = Certificate
run-plan-hash = Hash of the plan
run-input-hash = Hash of the input
run-policy-hash = Hash of the rules
run-ledger = Ledger at its end: entries, root
run-files = Files of the report
run-files-why = The report is made on demand: the night is planned again to prove it. Permits stand in it by their ids, nobody is named.
run-files-make = Make the files
run-files-begun = The files are being made.
run-files-made = The files are ready.
run-file-html = Open the report
run-file-pdf = Report for printing (PDF)
run-file-json = Report as data (JSON)
run-file-xlsx = All lists (spreadsheet)
run-file-rules = Permits by outcome (CSV)
run-file-lapses = Without a date before expiry (CSV)
run-file-listed = Permits to look at (CSV)
run-file-letters = Letters (CSV)
run-file-occupancy = Seats by desk and week (CSV)
run-file-outcomes = Each permit and its outcome (CSV)
run-file-whole = The whole folder, to be verified (ZIP)
run-acts = Act
run-resume = Resume this run
run-resume-why = For when its process was killed. What is committed stays, and nothing is done twice.
run-stop = Stop this run
run-stop-why = What is committed stays, with its letters; the next run plans anew for everybody else.
run-stop-type = To confirm, type the number of the run: { $run }
run-stopped = Stopped. Firm appointments that stay: { $committed }; that were not made: { $left }.
run-nothing-decided = Nothing changed: this run was cut off before it had decided anything. Bring up to date: the letters are counted first.
run-had-ended = Nothing changed: this run had ended.
# ----

# Preview
# ----
preview-title = Preview
preview-what = What the next run would do. Nothing is written.
preview-compute = Compute the preview
preview-begun = The preview is being computed.
preview-computed = The preview is computed.
preview-none = No preview has been computed here yet.
preview-back = Preview
preview-of = Night of { $day }, computed on { $when }.
preview-stale = The data have changed since: compute the preview again.
preview-settled = Nothing new: a run of this day has done all that there was to do.
preview-chart = What would be done
preview-picture = Picture of what would be done
preview-letters = { $n ->
    [0] No letter would be written.
    [one] { $shown } letter would be written.
   *[other] { $shown } letters would be written.
 }
preview-scanned = { $n ->
    [0] No permit examined.
    [one] { $shown } permit examined.
   *[other] { $shown } permits examined.
 }
preview-firm = Firm, before expiry
preview-late-firm = Firm, after expiry
preview-requests = Written requests granted beside the plan
preview-planned = Planned, not yet firm
preview-late-planned = Planned after expiry
preview-lapses = Without a date before expiry
preview-no-day = No date: no possible day
preview-no-seat = No date: for want of a seat
preview-without-seat = Without any seat, even after
preview-missing = Seats that are missing
preview-missing-told = Seats to add: { $seats }. People who would then have a date before expiry: { $people }.
preview-seats = Seats
preview-where = Where and when
preview-sites = Appointments and seats by site
preview-site = Site
preview-col-firm = Firm
preview-col-planned = Planned
preview-col-left = Seats left
preview-desks = Firm appointments by desk and week
preview-weeks-csv = Weeks as CSV
preview-weeks-xlsx = Weeks as a spreadsheet
preview-firm-csv = Firm appointments, by permit id, as CSV
preview-permits = Permits examined
preview-by-rule = Permits by outcome
preview-since = Since the preview of { $when }
preview-closed = Closed: no plan is better
preview-open = Open: that no plan is better is not proved
preview-carry-out = Carry out exactly this plan
preview-carry-out-why = If the plan is another by then, nothing is written, and what has changed is shown.
preview-another = This plan is no longer the one that is shown: go back to the preview.
preview-letters-title = Letters of the plan
preview-see-letters = See a few letters as they would be written
preview-letters-why = { $n ->
    [one] { $shown } letter can be opened. It names a person: the ledger keeps who asked for it, and why.
   *[other] { $shown } letters can be opened. They name people: the ledger keeps who asked for them, and why.
 }
preview-open-letters = Open the letters
preview-letters-opened = { $n ->
    [one] { $shown } letter opened.
   *[other] { $shown } letters opened.
 }
preview-no-letter = No letter would be written, or the preview is not computed.
preview-letter-title = Letter
preview-letter-n = Letter no. { $n }
preview-subject = Subject
preview-pdf = Letter as PDF
preview-no-pdf = This letter would have no PDF: the fonts lack a sign.
preview-ics = Appointment for the calendar (ICS)
preview-mail = E-mail
preview-calendar = Appointment for the calendar
# ----

# People
# ----
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
person-never-told = Nobody had been told of it: no letter is written.
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
slots-title = Slots
slots-to-weeks = Weeks ahead: the seats that will be missing
slots-to-closing = Close a day
slots-last-closing = Last closure asked for here, ended on { $when }:
slots-see-expected = See who was expected
slots-chart = Seats taken, twelve weeks
slots-chart-reads = Bars: seats taken. Lines: seats.
slots-picture = Picture of seats taken
slots-heat = Occupancy by desk and week
slots-heat-reads = Seats taken / seats. The darker, the fuller; ●: full.
slots-caption = Seats taken and seats, by week
slots-full = full
slots-all = All desks
slots-none = The agenda has no desk.
slots-next = More desks
slots-csv = Occupancy as CSV
slots-xlsx = Occupancy as a spreadsheet
slots-closures = Closures
slots-no-closure = No day to come is closed by hand.
slots-closures-to-come = Days closed by hand
slots-in-agenda = Closures of the agenda (config/agenda.toml)
slots-first-day = First day
slots-last-day = Last day
slots-day = Day
slots-place = Site or desk
slots-reopen = Open again
slots-why-reopen = Reason for opening again
closing-title = Close a day
closing-back = Slots
closing-what = Whoever is expected is given another appointment and a letter at once, before anyone new.
closing-count = Count who is expected
closing-this = { $place }, { $day }
closing-would-hit = { $n ->
    [0] Nobody is expected on that day.
    [one] { $shown } person is expected on that day.
   *[other] { $shown } people are expected on that day.
 }
closing-cost-first = Before you close it, see what it would cost.
closing-cost-do = Work out what it would cost
closing-cost-begun = It is being worked out.
closing-cost-done = It is worked out: { $place }, { $day }.
closing-cost = What it would cost
closing-cost-moved = { $n ->
    [0] Nobody gets another appointment.
    [one] { $shown } person gets another appointment.
   *[other] { $shown } people get another appointment.
 }
closing-cost-days = From { $first } to { $last }.
closing-cost-late = { $n ->
    [0] No new day is after the permit expires.
    [one] { $shown } new day is after the permit expires.
   *[other] { $shown } new days are after the permit expires.
 }
closing-cost-without = { $n ->
    [0] Everybody has a seat.
    [one] { $shown } person is left without a seat.
   *[other] { $shown } people are left without a seat.
 }
closing-cost-letters = { $n ->
    [0] No letter is written.
    [one] { $shown } letter is written.
   *[other] { $shown } letters are written.
 }
closing-type = To confirm, type how many people are expected: { $n }
closing-do = Close this day
closing-begun = The day is being closed.
closing-done = { $place } is closed on { $day }.
closing-expected = { $n ->
    [0] Nobody was expected.
    [one] { $shown } person was expected.
   *[other] { $shown } people were expected.
 }
closing-calls = { $n ->
    [one] { $shown } is to be called: a letter may come too late.
   *[other] { $shown } are to be called: a letter may come too late.
 }
closing-reopened = { $place } is open again on { $day }: its seats come back, nobody is moved back.
closing-was-open = Nothing changed: this was not closed by hand.
closed-title = Who was expected
closed-was = Appointment
closed-hour = Hour
closed-now = Replaced by
closed-slot = Slot
closed-call = Call
closed-none = none: due again tonight
closed-after = after expiry
closed-to-call = To be called
closed-no-number = no number is known
weeks-title = Weeks ahead
weeks-what = Who comes due, how many seats there are, when they will be missing, which to add. Nothing is written.
weeks-what-if = What if…
weeks-weeks = Number of weeks
weeks-slots = More or fewer seats everywhere
weeks-slots-hint = In percent, such as +15% or -10%.
weeks-multiyear = Cards for several years given
weeks-multiyear-hint = In a hundred one-year cards renewed, such as +10%.
weeks-extra = Seats added at a desk
weeks-extra-hint = site/desk/week=seats, such as creteil/renouvellement/2026-W50=20; several separated by commas.
weeks-choose = Choose
weeks-compute = Compute this forecast
weeks-begun = The forecast is being computed.
weeks-computed = The forecast is computed.
weeks-none = This forecast has not been computed here yet.
weeks-of = From the night of { $day } on, computed on { $when }.
weeks-stale = The data have changed since: compute the forecast again.
weeks-short = First week where not everyone can be placed: { $week }.
weeks-enough = Everyone can be placed who has a possible day.
weeks-due = People due
weeks-late = Expired already, besides
weeks-online = File online
weeks-lapses = Without a date before expiry
weeks-bounds = at least { $low }, at most { $high }
weeks-no-day = Of these, without a possible day
weeks-to-add = Seats to add
weeks-projected = ~ From { $day } on there are desks without slots yet: their seats are those that their openings promise.
weeks-chart = People and seats by week
weeks-chart-reads = Bars: people due. Lines: free seats. Figures: without a date.
weeks-picture = Picture of the weeks ahead
weeks-caption = Weeks ahead
weeks-week = Week
weeks-taken = Given
weeks-load = Load
weeks-col-lapses = No date
weeks-least = At least
weeks-most = At most
weeks-nothing-to-add = None.
weeks-to-add-why = The fewest that would give a date to everybody who has a possible day:
weeks-to-add-caption = Seats to add by desk and week
weeks-desks-csv = Desks as CSV
weeks-desks-xlsx = Desks as a spreadsheet
weeks-wrong-weeks = The number of weeks is from 1 to 156.
weeks-wrong-slots = More or fewer seats are written as a whole percentage, such as +15% or -10%.
weeks-wrong-multiyear = Cards for several years are written from 0% to 100%.
weeks-wrong-extra = A seat that is added is written site/desk/week=seats, for a desk and a week that are open in this forecast.
# ----

# Letters
# ----
letters-title = Letters
letters-back = Back to the letters
letters-paused = Sending has been stopped by { $who } since { $at }.
letters-paused-already = Nothing changed: { $who } had stopped sending already.
letters-paused-now = Sending is stopped.
letters-pause-title = Stop sending
letters-pause-what = No letter leaves until sending goes on. Those that wait stay in the queue.
letters-pause = Stop all sending
letters-would-leave =
    { $n ->
        [one] { $shown } letter would leave.
       *[other] { $shown } letters would leave.
    }
letters-type-waiting = To confirm, type the number of letters that wait: { $n }
letters-resume = Let sending go on
letters-resumed = Sending goes on.
letters-states = Letters by state
letters-every-state = Every state
letters-state = State
letters-kind = Subject
letters-channel = Channel
letters-all = All
letters-by-cause = Causes
letters-causes-caption = Letters that wait or failed, by what relays said of them
letters-cause = Cause
letters-no-cause = not said
letters-count = Letters
letters-example = For example
letters-list = List
letters-caption = Letters, by reference
letters-none = No letter matches.
letters-letter = Letter
letters-tries = Tries
letters-tick-head = Choose
letters-tick = Choose { $what }
letters-do = Do to the letters that are ticked
letters-retry = Send again
letters-hold = Hold back
letters-release = Let go
letters-none-ticked = No letter is ticked.
letters-retried =
    { $n ->
        [one] { $shown } letter is back in the queue.
       *[other] { $shown } letters are back in the queue.
    }
letters-held =
    { $n ->
        [one] { $shown } letter is held back.
       *[other] { $shown } letters are held back.
    }
letters-released =
    { $n ->
        [one] { $shown } letter is let go.
       *[other] { $shown } letters are let go.
    }
letters-next = More of the list
letters-export = Export this list, without addresses, up to 100,000 letters:
letter-title = Letter
letter-heading = Letter { $what }
letter-reference = Reference
letter-domain = Domain of the recipient
letter-person = See the person
letter-history = History
letter-undated = Undated
letter-do = Act
letter-nothing-to-do = Nothing can be done to this letter in its state.
letter-retry = Send this letter again
letter-hold = Hold this letter back
letter-release = Let this letter go
bounces-title = What came back
bounces-by-post = A letter that the post returned
bounces-by-post-what = Where no e-mail reached the person, the appointment ends and they are due again.
bounces-reference = Reference on the letter
bounces-submit = Record the return
bounces-returned-letters = Letters that the post returned
bounces-known-letters = Letters that came back by e-mail
bounces-unread = Messages that somebody must read
bounces-unread-what = These messages came to the return address and were not understood. They stay in the mailbox where they were read.
bounces-none = None.
bounces-caption = Messages that were not understood, latest first
bounces-class = Nature
bounces-read-at = Read
bounces-said = What is said
bounces-nothing-said = nothing
bounces-no-letter = unknown
bounces-message = Hash of the message
bounces-next = Older messages
bounces-no-reference = This is no reference: read it again, such as RC-94-2026-0001234-R.
bounces-not-posted = No letter { $what } is posted.
bounces-ended = Letter { $what } came back: the seat is free, and the person due again.
bounces-noted = The return of { $what } is noted; the appointment does not change.
batches-title = Post batches
batches-waiting =
    { $n ->
        [0] No letter waits for the post.
        [one] { $shown } letter waits for the post.
       *[other] { $shown } letters wait for the post.
    }
batches-prepare = Prepare a batch
batches-prepare-what = All letters that wait for the post are laid out, and those whose e-mail failed. Nothing else changes: a batch can be prepared again.
batches-prepare-now = Prepare the batch
batches-begun = Preparation has begun.
batches-made = Batch { $lot } is ready. Letters: { $letters }.
batches-nothing = No letter waits for the post.
batches-none-fits = No letter could be laid out.
batches-left-out =
    { $n ->
        [one] { $shown } letter is in no batch until it is mended:
       *[other] { $shown } letters are in no batch until they are mended:
    }
batches-ready = Batches that are ready
batches-none = No batch is ready.
batches-caption = Batches that were prepared and not yet confirmed
batches-lot = Batch
batches-prepared-on = Prepared on
batches-files = Files
batches-posted =
    { $n ->
        [0] No letter was marked.
        [one] { $shown } letter is marked as posted.
       *[other] { $shown } letters are marked as posted.
    }
batches-posted-before =
    { $n ->
        [one] { $shown } had been by this batch.
       *[other] { $shown } had been by this batch.
    }
batches-taken-out =
    { $n ->
        [one] { $shown } letter no longer says what is true, take it out of the pile:
       *[other] { $shown } letters no longer say what is true, take them out of the pile:
    }
batches-not-waiting =
    { $n ->
        [one] { $shown } letter must not leave any more, take it out of the pile:
       *[other] { $shown } letters must not leave any more, take them out of the pile:
    }
batches-discarded = The files of batch { $lot } are deleted; its letters still wait.
batch-title = Post batch
batch-heading = Batch { $lot }
batch-back = Back to the batches
batch-files-caption = Files to be printed on both sides
batch-file = File
batch-pages = Pages
batch-exceptions = Letters that could not be printed
batch-skipped = Letters that are not to be posted any more
batch-download = Download the batch (ZIP)
batch-download-what = The PDFs, the list of addresses and the manifest. The download is written into the ledger.
batch-confirm = The letters have left
batch-confirm-what = Each letter of the batch is marked as posted, then the files are deleted here.
batch-type-count = To confirm, type the number of letters of the batch: { $n }
batch-confirm-now = Mark as posted
batch-discard = Give this batch up
batch-discard-what = The files are deleted here; the letters still wait for the post.
batch-discard-now = Delete the files

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
counter-for-good = The night acts on a mark; a wrong one is taken back with `convoke undo`. “Cancelled” frees the seat and writes no letter.
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
audit-title = Audit
audit-back = Back to the audit
audit-ledger = Ledger
audit-size = Entries
audit-root = Last hash
audit-verify = Verify the whole ledger
audit-verify-what = Each entry is compared with the one before, and each checkpoint with its signature. Nothing is changed.
audit-begun = Verification has begun.
audit-holds = The ledger holds. Entries: { $n }; last hash: { $root }.
audit-holds-seals =
    { $n ->
        [0] No checkpoint was signed.
        [one] { $shown } checkpoint is as it was signed.
       *[other] { $shown } checkpoints are as they were signed.
    }
audit-broken = The ledger was tampered with.
audit-broken-gap = Entry { $n } is missing.
audit-broken-unlinked = Entry { $n } does not follow from the one before it.
audit-broken-changed = Entry { $n } was changed after it was written.
audit-broken-rewritten = Entry { $n } is not the one that was signed: it, or one before it, was written anew.
audit-broken-cut = The end was cut off: { $signed } entries were signed, and { $found } are there.
audit-broken-forged = The checkpoint at entry { $n } is not signed by the key that was in use then.
audit-broken-unsigned = Entry { $n } ends a run, and its checkpoint is missing.
audit-broken-unvouched = Entry { $n } brings a key for which the one before it does not vouch.
audit-broken-unintroduced = Entry { $n } brings a key that has not signed its coming.
audit-broken-other-key = The key in use is not the one that the ledger names.
audit-broken-incomparable = Nothing that the witness kept is of this ledger.
audit-broken-witnessed = Entry { $n } is not the one that the witness saw.
audit-key = Key
audit-key-what = Fingerprint of the key that signs: compare it with the one that you were told by another way.
audit-other-key = The ledger names another key than this server’s.
audit-no-key = No key signs this ledger: whoever owns the database can write it anew. See “convoke keys generate”.
audit-keys-before = Keys before
audit-until = Until { $day }:
audit-key-began = a key began
audit-seals = Checkpoints
audit-seals-caption = Last states of the ledger that were signed
audit-no-seal = No state of the ledger was signed yet.
audit-signed-at = Signed
audit-run = Run
audit-state = State
audit-witnesses = Witnesses
audit-no-witness = No witness is named: see [audit] witnesses.
audit-untold =
    { $n ->
        [0] Each witness was sent each checkpoint.
        [one] { $shown } message to a witness has not left yet.
       *[other] { $shown } messages to witnesses have not left yet.
    }
audit-told-caption = Last messages to witnesses
audit-witness = Witness
audit-told-at = Handed over
audit-not-told = not yet
audit-reply = Reply
audit-last-reports = Last reports
audit-reports-title = Reports
audit-reports-what = The report of a run names nobody. The ZIP is signed, and “convoke verify” checks it on any machine.
audit-reports-caption = Runs, latest first
audit-report = Report
audit-without-plan = no plan
audit-no-plan = This run has no plan: it has no report.
audit-no-run = There has been no run.
audit-every-report = Every report
audit-reports-next = Earlier runs
audit-days = Figures of some days
audit-from = From
audit-to = To
audit-week = A day of the week that is wanted
audit-see-days = See these days
audit-see-week = See how the permits of this week ended
audit-no-day = This is no day, such as 2026-10-05.
audit-days-wrong = The days end before they begin, or are more than 366: “convoke report --from --to” takes more.
audit-period-title = Figures of some days
audit-files = Files:
audit-entries-title = Entries of the ledger
audit-entries-caption = Entries, latest first
audit-every-entry = Every entry
audit-reads = Identified reads
audit-kind = Act
audit-kind-hint = Such as letter.held, or letter. for all that begin so.
audit-actor = Actor
audit-nothing-found = Nothing of the kind in the entries that were looked through.
audit-number = Number
audit-when = When
audit-what = What
audit-payload = Payload
audit-hash = Hash
audit-before = before the checkpoint of { $at }
audit-after-seals = since the last checkpoint
audit-entries-next = Entries before { $n }
audit-export = Export, from 100,000 entries at most:
audit-acts-title = Acts by actor
audit-acts-what = What each did and read, outside of runs. Days are those of each night’s checkpoints.
audit-acts-caption = Acts and reads of these days
audit-see-acts = See these acts
audit-times = Times
audit-no-act = No act in these days.

# ----

# Refusals and errors
failed-title = This was not done
failed-missing-title = Page not found
failed-page-title = Page unavailable
failed-missing = There is nothing at this address.
failed-forbidden = Your role does not allow this page.
failed-unreadable = This request is incomplete: go back to the page before.
failed-unconfirmed = The confirmation is not what was asked for.
failed-too-often = Too many requests in a short time: wait a minute.
failed-broken = An unexpected error: it is in the server’s log. See how things stand before you try again.
failed-unchanged = Nothing was changed.
failed-home = Back to the home page
bare-forbidden = This request does not come from a page of this site: nothing was done. Go back to the page, and try again.
bare-method = This address is not opened like that: go back to the page before.
bare-late = The form did not arrive in time: nothing was done.
bare-large = This form is too long: nothing was done.
bare-form = This is no form of this site: nothing was done.
bare-busy = The server is busy: nothing was done. Try again in a moment.
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
refused-no-act = No act { $what } can be undone.
refused-undone-before = Act { $what } was undone already.
refused-no-import = What import { $what } changed is not kept.
refused-later-import = An extract was taken in after import { $what }: undo that one first.
refused-unsettled = The data changed meanwhile: try again when imports and runs have ended.

undo-title = Undo an act
undo-one-title = Undo this act?
undo-what = What was done by hand by mistake is undone for everybody who has not been told of it yet. The letters of an act wait a few minutes for that.
undo-none = Nothing that was done by hand can be undone.
undo-latest-first = Latest first
undo-act = Act
undo-when = When
undo-by = By
undo-did = Done
undo-about = About
undo-stays = What would stay
undo-why = Why
undo-mend = Remedy
undo-type = To confirm, type the number of the act: { $n }
undo-do = Undo this act
undo-would-restore = { $n ->
    [0] Nothing would be restored.
    [one] { $shown } would be restored.
   *[other] { $shown } would be restored.
 }
undo-would-leave = { $n ->
    [0] Nothing would stay as it is.
    [one] { $shown } would stay as it is.
   *[other] { $shown } would stay as they are.
 }
undo-restored = { $n ->
    [0] Nothing was restored.
    [one] { $shown } was restored.
   *[other] { $shown } were restored.
 }
undo-left = { $n ->
    [0] Nothing is left to do.
    [one] { $shown } stayed as it is.
   *[other] { $shown } stayed as they are.
 }
undo-told = Somebody was told of it already.
undo-seat-taken = The seat is somebody else’s by now.
undo-changed-since = Something else was done about it since.
undo-past = The day of the appointment is past.
undo-built-on = Something was done on what it said.
undo-not-kept = What it changed was not kept.
