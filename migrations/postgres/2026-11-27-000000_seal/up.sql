-- The ledger as it stood after each run, signed: whoever keeps one of these can tell that nothing before it was rewritten.
CREATE TABLE checkpoint (
    prefecture TEXT COLLATE "C" NOT NULL,
    -- Entries of the ledger, and the hash of the last.
    size BIGINT NOT NULL,
    root TEXT COLLATE "C" NOT NULL,
    run_id TEXT COLLATE "C" NOT NULL,
    sealed_at TIMESTAMP NOT NULL,
    -- Public key (hexadecimal), and its signature of the text that src/seal.rs makes of the above.
    key TEXT COLLATE "C" NOT NULL,
    signature TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (prefecture, size)
);
CREATE INDEX checkpoint_by_run ON checkpoint (prefecture, run_id);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is never %', TG_ARGV[0], CASE TG_OP WHEN 'UPDATE' THEN 'changed' ELSE 'cut' END; END $$;
CREATE TRIGGER checkpoint_is_never_changed BEFORE UPDATE ON checkpoint
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('a checkpoint');
CREATE TRIGGER checkpoint_is_never_cut BEFORE DELETE OR TRUNCATE ON checkpoint
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('a checkpoint');

-- Keys that followed one another, each by the word of the one before.
CREATE TABLE succession (
    prefecture TEXT COLLATE "C" NOT NULL,
    from_key TEXT COLLATE "C" NOT NULL,
    to_key TEXT COLLATE "C" NOT NULL,
    passed_at TIMESTAMP NOT NULL,
    endorsement TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (prefecture, from_key)
);
CREATE TRIGGER succession_is_never_changed BEFORE UPDATE ON succession
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('a succession of keys');
CREATE TRIGGER succession_is_never_cut BEFORE DELETE OR TRUNCATE ON succession
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('a succession of keys');

-- Checkpoints on their way to witnesses outside the server. One too many does no harm; one too few would.
CREATE TABLE witness_letter (
    prefecture TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL,
    -- When it is tried next; a worker that begins moves it on, so that no other does the same meanwhile.
    next_at TIMESTAMP NOT NULL,
    accepted_at TIMESTAMP,
    last_reply TEXT COLLATE "C",
    PRIMARY KEY (prefecture, size, address),
    FOREIGN KEY (prefecture, size) REFERENCES checkpoint (prefecture, size)
);

-- Where each run ends: reports tell what people did between two of them.
CREATE INDEX ledger_run_ends ON ledger_entry (prefecture, seq) WHERE kind = 'run.completed';
-- Which key was in use when.
CREATE INDEX ledger_keys ON ledger_entry (prefecture, seq) WHERE kind IN ('key.made', 'key.passed_on');
-- What concerns a person, for whoever asks, and for the day when it ends.
CREATE INDEX convocation_by_holder ON convocation (prefecture, holder_id);
CREATE INDEX notice_by_holder ON notice (prefecture, holder_id);
