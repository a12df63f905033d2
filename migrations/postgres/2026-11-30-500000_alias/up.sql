-- Foreigner numbers that were corrected in the register: the id that the new number makes, and the holder it is.
CREATE TABLE holder_alias (
    prefecture TEXT COLLATE "C" NOT NULL,
    alias_id TEXT COLLATE "C" NOT NULL,
    holder_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (prefecture, alias_id)
);
