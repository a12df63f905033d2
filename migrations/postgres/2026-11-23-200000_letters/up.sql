-- Letters of more kinds, on more than one channel.
ALTER TABLE outbox
    -- Which of several letters of the kind: J-7, J-2; empty for the only one.
    ADD COLUMN occasion TEXT COLLATE "C" NOT NULL DEFAULT '',
    -- With what it was rendered (templates, fonts, engine, sender), as JSON; NULL before.
    ADD COLUMN rendered TEXT COLLATE "C",
    DROP CONSTRAINT outbox_kind_check,
    ADD CONSTRAINT outbox_kind_check CHECK (kind IN ('convocation', 'reminder', 'change', 'cancellation', 'depot-en-ligne', 'transfert', 'heads-up')),
    -- The same letter is never written twice, whatever runs at the same time.
    DROP CONSTRAINT outbox_prefecture_reference_kind_revision_key,
    ADD CONSTRAINT outbox_one_of_each UNIQUE (prefecture, reference, kind, revision, occasion, channel);
ALTER TABLE outbox ALTER COLUMN occasion DROP DEFAULT;
-- What waits for the post: batches are made of it, and its age is watched.
CREATE INDEX outbox_to_post ON outbox (prefecture, created_at) WHERE state IN ('to_post', 'failed', 'bounced', 'expired');

-- Letters that give no appointment. One of a kind for a permit: nobody is told twice.
CREATE TABLE notice (
    prefecture TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('depot-en-ligne', 'transfert', 'heads-up')),
    year BIGINT NOT NULL,
    number BIGINT NOT NULL,
    permit_id TEXT COLLATE "C" NOT NULL,
    holder_id TEXT COLLATE "C" NOT NULL,
    run_id TEXT COLLATE "C",
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (prefecture, reference),
    UNIQUE (prefecture, kind, permit_id),
    UNIQUE (prefecture, kind, year, number)
);

-- Templates with which letters were made, by their hash: a letter is shown again as it was, years later.
CREATE TABLE template_bundle (
    prefecture TEXT COLLATE "C" NOT NULL,
    sha256 TEXT COLLATE "C" NOT NULL,
    kept_at TIMESTAMP NOT NULL,
    -- Names and contents, compressed.
    bytes BYTEA NOT NULL,
    PRIMARY KEY (prefecture, sha256)
);
