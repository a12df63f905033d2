-- Letters of more kinds, on more than one channel. SQLite changes no constraint of a table: the outbox is made anew.
CREATE TABLE outbox_new (
    prefecture TEXT NOT NULL,
    letter_id TEXT NOT NULL,
    reference TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('convocation', 'reminder', 'change', 'cancellation', 'depot-en-ligne', 'transfert', 'heads-up')),
    revision BIGINT NOT NULL,
    -- Which of several letters of the kind: J-7, J-2; empty for the only one.
    occasion TEXT NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('email', 'post', 'phone')),
    state TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'sending', 'accepted', 'deferred', 'failed', 'uncertain', 'bounced',
        'held', 'cancelled', 'expired', 'to_post', 'posted', 'returned')),
    recipient TEXT,
    -- All that the letter says, as canonical JSON: rendering it again gives the same bytes.
    data TEXT NOT NULL,
    template_hash TEXT NOT NULL,
    -- SHA-256 of the message that was handed over, or of the letter that was printed; NULL before.
    sha256 TEXT,
    -- With what it was rendered (templates, fonts, engine, sender), as JSON; NULL before.
    rendered TEXT,
    attempts BIGINT NOT NULL,
    -- How often its fate was unknown after the final dot.
    uncertain BIGINT NOT NULL,
    -- Not before this instant.
    next_at TIMESTAMP NOT NULL,
    owner TEXT,
    lease_until TIMESTAMP,
    epoch BIGINT NOT NULL,
    last_reply TEXT,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (prefecture, letter_id),
    -- The same letter is never written twice, whatever runs at the same time.
    UNIQUE (prefecture, reference, kind, revision, occasion, channel)
);
INSERT INTO outbox_new SELECT prefecture, letter_id, reference, kind, revision, '', channel, state, recipient, data, template_hash,
    sha256, NULL, attempts, uncertain, next_at, owner, lease_until, epoch, last_reply, created_at FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_new RENAME TO outbox;
-- Claimable rows only: the queue's index does not grow with its history.
CREATE INDEX outbox_claimable ON outbox (prefecture, next_at, letter_id) WHERE state IN ('queued', 'deferred', 'uncertain');
CREATE INDEX outbox_in_hand ON outbox (prefecture, lease_until) WHERE state IN ('leased', 'sending');
-- What waits for the post: batches are made of it, and its age is watched.
CREATE INDEX outbox_to_post ON outbox (prefecture, created_at) WHERE state IN ('to_post', 'failed', 'bounced', 'expired');

-- Letters that give no appointment. One of a kind for a permit: nobody is told twice.
CREATE TABLE notice (
    prefecture TEXT NOT NULL,
    reference TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('depot-en-ligne', 'transfert', 'heads-up')),
    year BIGINT NOT NULL,
    number BIGINT NOT NULL,
    permit_id TEXT NOT NULL,
    holder_id TEXT NOT NULL,
    run_id TEXT,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (prefecture, reference),
    UNIQUE (prefecture, kind, permit_id),
    UNIQUE (prefecture, kind, year, number)
);

-- Templates with which letters were made, by their hash: a letter is shown again as it was, years later.
CREATE TABLE template_bundle (
    prefecture TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    kept_at TIMESTAMP NOT NULL,
    -- Names and contents, compressed.
    bytes BLOB NOT NULL,
    PRIMARY KEY (prefecture, sha256)
);
