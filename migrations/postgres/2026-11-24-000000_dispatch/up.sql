-- Sending: stopped and resumed, at a measured pace, and what comes back.

-- Sending is stopped since then; NULL: it goes on.
ALTER TABLE prefecture ADD COLUMN paused_at TIMESTAMP;
-- The login of who stopped it, and why.
ALTER TABLE prefecture ADD COLUMN paused_by TEXT COLLATE "C";
ALTER TABLE prefecture ADD COLUMN pause_reason TEXT COLLATE "C";

-- An address of the holder's that sent a letter back for good. Where it is the present one, letters go by post; the next
-- extract may bring another.
ALTER TABLE holder ADD COLUMN email_refused TEXT COLLATE "C";

-- Its turn under the limit of its domain has been given: next_at is that turn.
ALTER TABLE outbox ADD COLUMN has_turn BOOLEAN NOT NULL DEFAULT FALSE;
-- How many letters an address was sent today.
CREATE INDEX outbox_by_recipient ON outbox (prefecture, recipient);

-- The relay's enhanced status code (RFC 3463), where it gave one.
ALTER TABLE delivery_attempt ADD COLUMN enhanced TEXT COLLATE "C";

-- When the next message may leave, for each thing that has a limit a minute: `relay:…`, `domain:…`.
CREATE TABLE pace (
    prefecture TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    next_at TIMESTAMP NOT NULL,
    PRIMARY KEY (prefecture, scope)
);

-- What came back to the Return-Path of a letter, each message once.
CREATE TABLE bounce (
    prefecture TEXT COLLATE "C" NOT NULL,
    -- SHA-256 of the message.
    sha256 TEXT COLLATE "C" NOT NULL,
    -- The letter, by its signed Return-Path; NULL where none was found.
    letter_id TEXT COLLATE "C",
    -- hard: not delivered; soft: still being tried; auto-reply: from the person's own program; unknown: to be read by a person.
    class TEXT COLLATE "C" NOT NULL CHECK (class IN ('hard', 'soft', 'auto-reply', 'unknown')),
    -- Enhanced status code (RFC 3463) and the words of the server that refused.
    status TEXT COLLATE "C",
    diagnostic TEXT COLLATE "C",
    -- What followed: to-post, undelivered, counted, ignored, listed.
    consequence TEXT COLLATE "C" NOT NULL CHECK (consequence IN ('to-post', 'undelivered', 'counted', 'ignored', 'listed')),
    recorded_at TIMESTAMP NOT NULL,
    PRIMARY KEY (prefecture, sha256)
);
CREATE INDEX bounce_by_letter ON bounce (prefecture, letter_id);
-- A letter changes four times on its way: room for its versions on the page where it lies.
ALTER TABLE outbox SET (fillfactor = 70);
