-- What a run's plan has for each person who waits, so that one is found without reading the whole plan: permits in their order, some
-- in each block. Made from what the run recorded; those of earlier runs go when a run is completed.
CREATE TABLE planned_block (
    prefecture TEXT COLLATE "C" NOT NULL,
    run_id TEXT COLLATE "C" NOT NULL,
    -- The permits in the block come from here on; empty for the first block, so that every permit has one.
    from_permit TEXT COLLATE "C" NOT NULL,
    -- JSON: each permit of the block, with its day or with why it has none.
    entries TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (prefecture, run_id, from_permit)
);
