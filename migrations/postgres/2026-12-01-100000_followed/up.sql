-- From what an appointment was made: the permit's expiry and verdict of that time. NULL before this migration: the first
-- night takes its own facts, and lists whoever no longer needs the appointment.
ALTER TABLE convocation ADD COLUMN made_expires_on DATE;
ALTER TABLE convocation ADD COLUMN made_rule TEXT COLLATE "C";

-- What a night found of an appointment that it had not made, and did about it.
CREATE TABLE followed (
    prefecture TEXT COLLATE "C" NOT NULL,
    run_id TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    business_date DATE NOT NULL,
    consequence TEXT COLLATE "C" NOT NULL CHECK (consequence IN ('released', 'told', 'listed', 'withheld', 'moved', 'lapsed', 'restored')),
    -- The verdict that ended the need, or what changed.
    cause TEXT COLLATE "C" NOT NULL,
    -- The seat to which it moves, or that is given back.
    slot_id TEXT COLLATE "C",
    -- The appointment made instead.
    new_reference TEXT COLLATE "C",
    -- Whether its letter, or its new seat, is still to be written.
    pending BOOLEAN NOT NULL,
    PRIMARY KEY (prefecture, run_id, reference)
);
CREATE INDEX followed_by_reference ON followed (prefecture, reference);
