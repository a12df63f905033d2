-- Foreigner numbers that were corrected in the register: the id that the new number makes, and the holder it is.
CREATE TABLE holder_alias (
    prefecture TEXT NOT NULL,
    alias_id TEXT NOT NULL,
    holder_id TEXT NOT NULL,
    PRIMARY KEY (prefecture, alias_id)
) WITHOUT ROWID;
