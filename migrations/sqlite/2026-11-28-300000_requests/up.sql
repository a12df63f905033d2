-- Written requests: of students, of people who ask for an earlier date, of those who cannot be reached otherwise.
CREATE TABLE request (
    prefecture TEXT NOT NULL,
    request_id TEXT NOT NULL,
    year BIGINT NOT NULL,
    number BIGINT NOT NULL,
    holder_id TEXT NOT NULL,
    permit_id TEXT NOT NULL,
    wish TEXT NOT NULL CHECK (wish IN ('urgent', 'advance', 'no-email', 'other')),
    -- The day on which it reached the office, and the day by which the person needs to be seen, where they said one.
    received_on DATE NOT NULL,
    needed_by DATE,
    -- open; chosen: a run has given it a seat that it has not reserved yet; the others are ends.
    state TEXT NOT NULL CHECK (state IN ('open', 'chosen', 'placed', 'refused', 'withdrawn')),
    slot_id TEXT,
    run_id TEXT,
    -- The convocation that answers it.
    reference TEXT,
    decided_at TIMESTAMP,
    decided_by TEXT,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (prefecture, request_id),
    UNIQUE (prefecture, year, number)
) WITHOUT ROWID;
-- One open request of a person: a second is added to the first.
CREATE UNIQUE INDEX request_one_open ON request (prefecture, holder_id) WHERE state IN ('open', 'chosen');
CREATE INDEX request_by_holder ON request (prefecture, holder_id);
