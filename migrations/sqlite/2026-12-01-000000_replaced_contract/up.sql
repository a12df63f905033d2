-- A letter that a newer one replaced before it left, and more reasons for which a letter waits. SQLite changes no
-- constraint of a table: the outbox is made anew.
CREATE TABLE outbox_new (
    prefecture TEXT NOT NULL,
    letter_id TEXT NOT NULL,
    reference TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('convocation', 'reminder', 'change', 'cancellation', 'depot-en-ligne', 'transfert', 'heads-up')),
    revision BIGINT NOT NULL,
    occasion TEXT NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('email', 'post', 'phone')),
    state TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'sending', 'accepted', 'deferred', 'failed', 'uncertain', 'bounced',
        'held', 'cancelled', 'replaced', 'expired', 'to_post', 'posted', 'returned')),
    recipient TEXT,
    data TEXT NOT NULL,
    template_hash TEXT NOT NULL,
    sha256 TEXT,
    rendered TEXT,
    attempts BIGINT NOT NULL,
    uncertain BIGINT NOT NULL,
    next_at TIMESTAMP NOT NULL,
    owner TEXT,
    lease_until TIMESTAMP,
    epoch BIGINT NOT NULL,
    last_reply TEXT,
    created_at TIMESTAMP NOT NULL,
    has_turn BOOLEAN NOT NULL DEFAULT FALSE,
    relay TEXT,
    begun_at TIMESTAMP,
    remark TEXT CHECK (remark IN ('held', 'released', 'permit-held', 'permit-released', 'readdressed', 'address-refused', 'no-appointment', 'moved', 'deceased',
        'withdrawn', 'renewed', 'filed', 'too-late', 'absent', 'student', 'not-renewable', 'unknown-title', 'no-desk', 'moved-away', 'need-again',
        'replaced', 'delivered', 'never-told', 'undone', 'untrue', 'place-lost')),
    post_batch TEXT,
    PRIMARY KEY (prefecture, letter_id),
    UNIQUE (prefecture, reference, kind, revision, occasion, channel)
);
INSERT INTO outbox_new SELECT prefecture, letter_id, reference, kind, revision, occasion, channel, state, recipient, data, template_hash,
    sha256, rendered, attempts, uncertain, next_at, owner, lease_until, epoch, last_reply, created_at, has_turn, relay, begun_at,
    remark, post_batch FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_new RENAME TO outbox;
CREATE INDEX outbox_claimable ON outbox (prefecture, next_at, letter_id) WHERE state IN ('queued', 'deferred', 'uncertain');
CREATE INDEX outbox_in_hand ON outbox (prefecture, lease_until) WHERE state IN ('leased', 'sending');
CREATE INDEX outbox_to_post ON outbox (prefecture, created_at) WHERE state IN ('to_post', 'failed', 'bounced', 'expired');
CREATE INDEX outbox_by_recipient ON outbox (prefecture, recipient);
CREATE INDEX outbox_held ON outbox (prefecture, letter_id) WHERE state = 'held';
CREATE INDEX outbox_by_state ON outbox (prefecture, state, letter_id);
