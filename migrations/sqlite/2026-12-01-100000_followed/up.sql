-- From what an appointment was made: the permit's expiry and verdict of that time. NULL before this migration: the first
-- night takes its own facts, and lists whoever no longer needs the appointment.
ALTER TABLE convocation ADD COLUMN made_expires_on DATE;
ALTER TABLE convocation ADD COLUMN made_rule TEXT;

-- What a night found of an appointment that it had not made, and did about it.
CREATE TABLE followed (
    prefecture TEXT NOT NULL,
    run_id TEXT NOT NULL,
    reference TEXT NOT NULL,
    business_date DATE NOT NULL,
    consequence TEXT NOT NULL CHECK (consequence IN ('released', 'told', 'listed', 'withheld', 'moved', 'lapsed', 'restored')),
    -- The verdict that ended the need, or what changed.
    cause TEXT NOT NULL,
    -- The seat to which it moves, or that is given back.
    slot_id TEXT,
    -- The appointment made instead.
    new_reference TEXT,
    -- Whether its letter, or its new seat, is still to be written.
    pending BOOLEAN NOT NULL,
    PRIMARY KEY (prefecture, run_id, reference)
) WITHOUT ROWID;
CREATE INDEX followed_by_reference ON followed (prefecture, reference);
