DROP TABLE template_bundle;
DROP TABLE notice;
CREATE TABLE outbox_old (
    prefecture TEXT NOT NULL,
    letter_id TEXT NOT NULL,
    reference TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('convocation')),
    revision BIGINT NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('email', 'post', 'phone')),
    state TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'sending', 'accepted', 'deferred', 'failed', 'uncertain', 'bounced',
        'held', 'cancelled', 'expired', 'to_post', 'posted', 'returned')),
    recipient TEXT,
    data TEXT NOT NULL,
    template_hash TEXT NOT NULL,
    sha256 TEXT,
    attempts BIGINT NOT NULL,
    uncertain BIGINT NOT NULL,
    next_at TIMESTAMP NOT NULL,
    owner TEXT,
    lease_until TIMESTAMP,
    epoch BIGINT NOT NULL,
    last_reply TEXT,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (prefecture, letter_id),
    UNIQUE (prefecture, reference, kind, revision)
);
-- The older version knows no other kind, and one channel a letter.
INSERT OR IGNORE INTO outbox_old SELECT prefecture, letter_id, reference, kind, revision, channel, state, recipient, data,
    template_hash, sha256, attempts, uncertain, next_at, owner, lease_until, epoch, last_reply, created_at FROM outbox
    WHERE kind = 'convocation' ORDER BY channel;
DROP TABLE outbox;
ALTER TABLE outbox_old RENAME TO outbox;
CREATE INDEX outbox_claimable ON outbox (prefecture, next_at, letter_id) WHERE state IN ('queued', 'deferred', 'uncertain');
CREATE INDEX outbox_in_hand ON outbox (prefecture, lease_until) WHERE state IN ('leased', 'sending');
