-- Written requests: of students, of people who ask for an earlier date, of those who cannot be reached otherwise.
CREATE TABLE request (
    prefecture TEXT COLLATE "C" NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    year BIGINT NOT NULL,
    number BIGINT NOT NULL,
    holder_id TEXT COLLATE "C" NOT NULL,
    permit_id TEXT COLLATE "C" NOT NULL,
    wish TEXT COLLATE "C" NOT NULL CHECK (wish IN ('urgent', 'advance', 'no-email', 'other')),
    -- The day on which it reached the office, and the day by which the person needs to be seen, where they said one.
    received_on DATE NOT NULL,
    needed_by DATE,
    -- open; chosen: a run has given it a seat that it has not reserved yet; the others are ends.
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'chosen', 'placed', 'refused', 'withdrawn')),
    slot_id TEXT COLLATE "C",
    run_id TEXT COLLATE "C",
    -- The convocation that answers it.
    reference TEXT COLLATE "C",
    decided_at TIMESTAMP,
    decided_by TEXT COLLATE "C",
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (prefecture, request_id),
    UNIQUE (prefecture, year, number)
);
-- One open request of a person: a second is added to the first.
CREATE UNIQUE INDEX request_one_open ON request (prefecture, holder_id) WHERE state IN ('open', 'chosen');
CREATE INDEX request_by_holder ON request (prefecture, holder_id);
