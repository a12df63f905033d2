-- Types: ids TEXT, instants TIMESTAMP (UTC), dates DATE, counts BIGINT, enums TEXT + CHECK, JSON as canonical TEXT.
-- `prefecture` stands in every table and every key: several préfectures may share a database.
-- Text is compared byte by byte, as on SQLite: the order of a report is the same on both, whatever the cluster's locale, and no
-- index depends on the collations of the C library.

CREATE TABLE prefecture (
    code TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- Makes opaque ids out of foreigner and permit numbers (hexadecimal). Never leaves the database.
    id_key TEXT COLLATE "C" NOT NULL,
    -- Hash of the policy and agenda under which every stored verdict was made; NULL before the first run.
    assessed_with TEXT COLLATE "C"
);

CREATE TABLE holder (
    prefecture TEXT COLLATE "C" NOT NULL,
    holder_id TEXT COLLATE "C" NOT NULL,
    -- Foreigner number: text, leading zeros count.
    number TEXT COLLATE "C" NOT NULL,
    family_name TEXT COLLATE "C" NOT NULL,
    usage_name TEXT COLLATE "C",
    given_names TEXT COLLATE "C" NOT NULL,
    birth_date DATE,
    -- NULL also where the extract holds something that no relay would accept: the person goes to post.
    email TEXT COLLATE "C",
    phone TEXT COLLATE "C",
    language TEXT COLLATE "C" NOT NULL,
    -- One to four lines, separated by line feeds.
    address TEXT COLLATE "C" NOT NULL,
    postcode TEXT COLLATE "C" NOT NULL,
    town TEXT COLLATE "C",
    commune TEXT COLLATE "C" NOT NULL,
    household TEXT COLLATE "C",
    channel TEXT COLLATE "C" CHECK (channel IN ('email', 'post', 'phone')),
    large_print BOOLEAN NOT NULL,
    -- Hash of the row as imported: an unchanged row is not written again.
    fingerprint BIGINT NOT NULL,
    PRIMARY KEY (prefecture, holder_id)
);

CREATE TABLE permit (
    prefecture TEXT COLLATE "C" NOT NULL,
    permit_id TEXT COLLATE "C" NOT NULL,
    holder_id TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('CST', 'CSP', 'CR', 'CRA1', 'CRA10', 'VLS-TS', 'RETRAITE', 'APS', 'LD-UE', 'TALENT')),
    mention TEXT COLLATE "C" NOT NULL,
    valid_from DATE NOT NULL,
    expires_on DATE NOT NULL,
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('actif', 'renouvele', 'retire', 'decede')),
    filed_on DATE,
    -- Commune of the row that brought the permit: the scan reads one table.
    commune TEXT COLLATE "C" NOT NULL,
    -- Absent from the last extract that was said to be full.
    absent BOOLEAN NOT NULL,
    -- Held back by an agent.
    held BOOLEAN NOT NULL,
    -- The holder has a permit that expires later.
    superseded BOOLEAN NOT NULL,
    fingerprint BIGINT NOT NULL,
    -- First night on which the program knew of it.
    first_seen DATE NOT NULL,
    -- Present verdict: rule id, the business date since which it holds, the run that gave it. NULL: not yet assessed.
    rule TEXT COLLATE "C",
    rule_since DATE,
    rule_run TEXT COLLATE "C",
    -- First night on which the verdict may change by time alone; 0001-01-01 after a change of data.
    review_on DATE NOT NULL,
    PRIMARY KEY (prefecture, permit_id),
    FOREIGN KEY (prefecture, holder_id) REFERENCES holder (prefecture, holder_id)
);
CREATE INDEX permit_by_holder ON permit (prefecture, holder_id);
-- Serves the nightly scan (review_on <= today) and, as it covers it, the count of permits by rule.
CREATE INDEX permit_by_review ON permit (prefecture, review_on, rule);

-- Verdicts that no longer hold: with the present one, the whole history of a permit.
CREATE TABLE past_verdict (
    prefecture TEXT COLLATE "C" NOT NULL,
    permit_id TEXT COLLATE "C" NOT NULL,
    rule TEXT COLLATE "C" NOT NULL,
    since DATE NOT NULL,
    until DATE NOT NULL,
    run_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (prefecture, permit_id, until, run_id)
);

CREATE TABLE slot (
    prefecture TEXT COLLATE "C" NOT NULL,
    slot_id TEXT COLLATE "C" NOT NULL,
    site TEXT COLLATE "C" NOT NULL,
    desk TEXT COLLATE "C" NOT NULL,
    day DATE NOT NULL,
    -- Minutes after midnight, civil time of the site.
    start BIGINT NOT NULL CHECK (start BETWEEN 0 AND 1439),
    duration_min BIGINT NOT NULL CHECK (duration_min > 0),
    seats BIGINT NOT NULL CHECK (seats >= 0),
    PRIMARY KEY (prefecture, slot_id)
);
CREATE INDEX slot_by_day ON slot (prefecture, day);

CREATE TABLE run (
    prefecture TEXT COLLATE "C" NOT NULL,
    run_id TEXT COLLATE "C" NOT NULL,
    business_date DATE NOT NULL,
    generation BIGINT NOT NULL,
    -- cron, or hand.
    trigger TEXT COLLATE "C" NOT NULL CHECK (trigger IN ('cron', 'hand')),
    -- The real login of who started it.
    actor TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C",
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('observing', 'committing', 'completed', 'stopped', 'failed')),
    -- Fencing: who works on it, until when it is trusted to, and how often it was taken over.
    owner TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    lease_until TIMESTAMP NOT NULL,
    input_hash TEXT COLLATE "C",
    policy_hash TEXT COLLATE "C",
    plan_hash TEXT COLLATE "C",
    -- What the plan left open: planning again must find the same, or there is something new.
    rest_hash TEXT COLLATE "C",
    -- Firm appointments that are committed so far.
    committed BIGINT NOT NULL,
    -- The result as `run --json` prints it; NULL until the plan is stored.
    summary TEXT COLLATE "C",
    -- Why it failed or stopped.
    failure TEXT COLLATE "C",
    started_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    PRIMARY KEY (prefecture, run_id),
    UNIQUE (prefecture, business_date, generation)
);
CREATE UNIQUE INDEX run_one_active ON run (prefecture) WHERE state IN ('observing', 'committing');

CREATE TABLE run_outcome (
    prefecture TEXT COLLATE "C" NOT NULL,
    run_id TEXT COLLATE "C" NOT NULL,
    rule TEXT COLLATE "C" NOT NULL,
    permits BIGINT NOT NULL,
    PRIMARY KEY (prefecture, run_id, rule)
);

-- What a run saw and decided, compressed: enough to finish it after a kill, and to plan it again years later.
CREATE TABLE run_record (
    prefecture TEXT COLLATE "C" NOT NULL,
    run_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('input', 'plan', 'policy')),
    sha256 TEXT COLLATE "C" NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (prefecture, run_id, kind)
);

CREATE TABLE convocation (
    prefecture TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    year BIGINT NOT NULL,
    number BIGINT NOT NULL,
    permit_id TEXT COLLATE "C" NOT NULL,
    holder_id TEXT COLLATE "C" NOT NULL,
    slot_id TEXT COLLATE "C" NOT NULL,
    day DATE NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('convoked', 'honoured', 'incomplete', 'missed', 'cancelled', 'moved', 'undelivered')),
    -- 0 for the first letter; each change of date adds one (RFC 5545 SEQUENCE).
    sequence BIGINT NOT NULL,
    -- in-time, short-notice, after-expiry; elsewhere: made before this program.
    origin TEXT COLLATE "C" NOT NULL CHECK (origin IN ('in-time', 'short-notice', 'after-expiry', 'elsewhere')),
    run_id TEXT COLLATE "C",
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (prefecture, reference),
    UNIQUE (prefecture, year, number)
);
-- Nobody is convoked twice: one live convocation a person, whatever runs at the same time.
CREATE UNIQUE INDEX convocation_one_live ON convocation (prefecture, holder_id) WHERE state = 'convoked';
CREATE INDEX convocation_by_permit ON convocation (prefecture, permit_id);

-- A seat that is taken. No seat is ever taken twice: it has a number, and the number a key.
CREATE TABLE reservation (
    prefecture TEXT COLLATE "C" NOT NULL,
    slot_id TEXT COLLATE "C" NOT NULL,
    seat BIGINT NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (prefecture, slot_id, seat),
    UNIQUE (prefecture, reference)
);

CREATE TABLE outbox (
    prefecture TEXT COLLATE "C" NOT NULL,
    letter_id TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('convocation')),
    revision BIGINT NOT NULL,
    channel TEXT COLLATE "C" NOT NULL CHECK (channel IN ('email', 'post', 'phone')),
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('queued', 'leased', 'sending', 'accepted', 'deferred', 'failed', 'uncertain', 'bounced',
        'held', 'cancelled', 'expired', 'to_post', 'posted', 'returned')),
    recipient TEXT COLLATE "C",
    -- All that the letter says, as canonical JSON: rendering it again gives the same bytes.
    data TEXT COLLATE "C" NOT NULL,
    template_hash TEXT COLLATE "C" NOT NULL,
    -- SHA-256 of the message that was handed over; NULL before.
    sha256 TEXT COLLATE "C",
    attempts BIGINT NOT NULL,
    -- How often its fate was unknown after the final dot.
    uncertain BIGINT NOT NULL,
    -- Not before this instant.
    next_at TIMESTAMP NOT NULL,
    owner TEXT COLLATE "C",
    lease_until TIMESTAMP,
    epoch BIGINT NOT NULL,
    last_reply TEXT COLLATE "C",
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (prefecture, letter_id),
    UNIQUE (prefecture, reference, kind, revision)
);
-- Claimable rows only: the queue's index does not grow with its history.
CREATE INDEX outbox_claimable ON outbox (prefecture, next_at, letter_id) WHERE state IN ('queued', 'deferred', 'uncertain');
CREATE INDEX outbox_in_hand ON outbox (prefecture, lease_until) WHERE state IN ('leased', 'sending');

-- Every attempt, never overwritten.
CREATE TABLE delivery_attempt (
    prefecture TEXT COLLATE "C" NOT NULL,
    letter_id TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    relay TEXT COLLATE "C" NOT NULL,
    started_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    -- How far the dialogue came, the relay's code and words, and what they were taken to mean.
    stage TEXT COLLATE "C",
    code BIGINT,
    reply TEXT COLLATE "C",
    outcome TEXT COLLATE "C" CHECK (outcome IN ('accepted', 'deferred', 'failed', 'uncertain', 'relay-fault', 'expired', 'cancelled')),
    PRIMARY KEY (prefecture, letter_id, epoch)
);

-- The key of a holder's commitments in the ledger: erasing it makes their entries anonymous, and leaves the chain valid.
CREATE TABLE holder_key (
    prefecture TEXT COLLATE "C" NOT NULL,
    holder_id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (prefecture, holder_id)
);

CREATE TABLE ledger_entry (
    prefecture TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    prev_hash TEXT COLLATE "C" NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    run_id TEXT COLLATE "C",
    actor TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    -- Canonical JSON; commitments, never names.
    payload TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (prefecture, seq),
    UNIQUE (prefecture, hash)
);
CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the ledger is never %', CASE TG_OP WHEN 'UPDATE' THEN 'changed' ELSE 'cut' END; END $$;
CREATE TRIGGER ledger_is_never_changed BEFORE UPDATE ON ledger_entry
FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();
CREATE TRIGGER ledger_is_never_cut BEFORE DELETE OR TRUNCATE ON ledger_entry
FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();

CREATE TABLE import_batch (
    prefecture TEXT COLLATE "C" NOT NULL,
    import_id BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('permits', 'slots', 'convocations')),
    imported_at TIMESTAMP NOT NULL,
    -- Civil date of the préfecture: the age of an extract is counted from it.
    imported_on DATE NOT NULL,
    file_sha256 TEXT COLLATE "C" NOT NULL,
    rows_read BIGINT NOT NULL,
    rows_inserted BIGINT NOT NULL,
    rows_updated BIGINT NOT NULL,
    rows_rejected BIGINT NOT NULL,
    PRIMARY KEY (prefecture, import_id)
);
