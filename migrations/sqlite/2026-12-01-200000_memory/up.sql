-- What an act changed about a person, so that it can be undone. It may name them, and goes with them.
CREATE TABLE act_memory (
    prefecture TEXT NOT NULL,
    -- The act's entry in the ledger.
    entry BIGINT NOT NULL,
    holder_id TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (prefecture, entry)
) WITHOUT ROWID;
CREATE INDEX act_memory_by_holder ON act_memory (prefecture, holder_id);
