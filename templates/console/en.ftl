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
reason = Reason (it stays in the ledger: name nobody)
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
letters-filter = Filter
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
batches-busy = Other work is in progress: wait until it ends.
batches-broken = Preparation failed: the cause is in the server’s log.
batches-made = Batch { $lot } is ready: { $letters } letters.
batches-nothing = No letter waits for the post.
batches-working = A batch is being prepared.
batches-progress = Progress of the batch
batches-so-far = { $done } letters of { $total }
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

# ----

# Counter
# ----

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
audit-verifying = Verification is in progress.
audit-progress = Verification of the ledger
audit-begun = Verification has begun.
audit-busy = Other work is in progress: wait until it ends.
audit-unverified = Verification failed: the cause is in the server’s log.
audit-holds = The ledger holds: { $n } entries, last hash { $root }.
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
audit-anybody = Anybody
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
