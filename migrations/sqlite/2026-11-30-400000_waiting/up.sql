-- An extract that looks wrong and waits for a person: at most one, the newest.
CREATE TABLE import_waiting (
    prefecture TEXT NOT NULL,
    waiting_id TEXT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    as_of DATE NOT NULL,
    since TIMESTAMP NOT NULL,
    -- How it is read, as JSON.
    options TEXT NOT NULL,
    -- What looks wrong, in one line.
    why TEXT NOT NULL,
    PRIMARY KEY (prefecture, waiting_id)
);
