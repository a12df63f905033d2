-- An extract that looks wrong and waits for a person: at most one, the newest.
CREATE TABLE import_waiting (
    prefecture TEXT COLLATE "C" NOT NULL,
    waiting_id TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    sha256 TEXT COLLATE "C" NOT NULL,
    as_of DATE NOT NULL,
    since TIMESTAMP NOT NULL,
    -- How it is read, as JSON.
    options TEXT COLLATE "C" NOT NULL,
    -- What looks wrong, in one line.
    why TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (prefecture, waiting_id)
);
