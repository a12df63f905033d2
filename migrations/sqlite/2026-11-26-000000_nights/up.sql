-- Nights that the server owes: each business date once, whatever the clock did and however many servers there are.
CREATE TABLE night (
    prefecture TEXT NOT NULL,
    business_date DATE NOT NULL,
    -- The instant that the schedule gave it.
    scheduled_at TIMESTAMP NOT NULL,
    -- due: still owed, tried again from next_at on; done; covered: a later night did its work; failed: waits for a person.
    state TEXT NOT NULL CHECK (state IN ('due', 'done', 'covered', 'failed')),
    attempts BIGINT NOT NULL,
    next_at TIMESTAMP NOT NULL,
    started_at TIMESTAMP,
    finished_at TIMESTAMP,
    run_id TEXT,
    covered_by DATE,
    -- Why the last attempt failed.
    failure TEXT,
    PRIMARY KEY (prefecture, business_date)
);
-- Since when a server watches over this préfecture: earlier nights are not owed.
ALTER TABLE prefecture ADD COLUMN watched_since TIMESTAMP;
-- The last instant at which a server saw its clock: one that has jumped by weeks is not believed.
ALTER TABLE prefecture ADD COLUMN clock_seen_at TIMESTAMP;
