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

# ----

# Slots
# ----

# ----

# Letters
# ----

# ----

# Requests
# ----

# ----

# Counter
# ----

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
