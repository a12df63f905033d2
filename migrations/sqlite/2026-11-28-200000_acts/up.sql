-- An e-mail address that an agent set (empty: none), and what the extract said then (empty: nothing): it holds until the extract
-- says something else.
ALTER TABLE holder ADD COLUMN email_set TEXT;
ALTER TABLE holder ADD COLUMN email_set_over TEXT;
-- Few have one: found by it.
CREATE INDEX holder_email_set ON holder (prefecture, email_set) WHERE email_set IS NOT NULL;

-- The appointment in whose place this one came, and who asked for the change.
ALTER TABLE convocation ADD COLUMN replaces TEXT;
ALTER TABLE convocation ADD COLUMN moved_by TEXT CHECK (moved_by IN ('office', 'holder'));
-- Who is hit where a desk closes, who is expected at it.
CREATE INDEX convocation_day ON convocation (prefecture, day) WHERE state = 'convoked';

-- Who has come: each night asks.
CREATE INDEX convocation_honoured ON convocation (prefecture, permit_id) WHERE state = 'honoured';

-- Days on which a desk receives nobody, said by hand: its slots have no seats then, whatever is generated or imported.
CREATE TABLE closed_day (
    prefecture TEXT NOT NULL,
    site TEXT NOT NULL,
    -- Empty: every desk of the site.
    desk TEXT NOT NULL,
    day DATE NOT NULL,
    reason TEXT NOT NULL,
    closed_at TIMESTAMP NOT NULL,
    PRIMARY KEY (prefecture, site, desk, day)
) WITHOUT ROWID;

-- Days on which a person cannot come, as they said.
CREATE TABLE avoided_day (
    prefecture TEXT NOT NULL,
    holder_id TEXT NOT NULL,
    first_day DATE NOT NULL,
    last_day DATE NOT NULL,
    PRIMARY KEY (prefecture, holder_id, first_day)
) WITHOUT ROWID;

-- Entries of the ledger that concern one person, who is not named in them: erased with the person.
CREATE TABLE concerned (
    prefecture TEXT NOT NULL,
    holder_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (prefecture, holder_id, seq)
) WITHOUT ROWID;
