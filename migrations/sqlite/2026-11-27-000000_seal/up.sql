-- The ledger as it stood after each run, signed: whoever keeps one of these can tell that nothing before it was rewritten.
CREATE TABLE checkpoint (
    prefecture TEXT NOT NULL,
    -- Entries of the ledger, and the hash of the last.
    size BIGINT NOT NULL,
    root TEXT NOT NULL,
    run_id TEXT NOT NULL,
    sealed_at TIMESTAMP NOT NULL,
    -- Public key (hexadecimal), and its signature of the text that src/seal.rs makes of the above.
    key TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (prefecture, size)
);
CREATE INDEX checkpoint_by_run ON checkpoint (prefecture, run_id);
CREATE TRIGGER checkpoint_is_never_changed BEFORE UPDATE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never changed'); END;
CREATE TRIGGER checkpoint_is_never_cut BEFORE DELETE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never cut'); END;

-- Keys that followed one another, each by the word of the one before.
CREATE TABLE succession (
    prefecture TEXT NOT NULL,
    from_key TEXT NOT NULL,
    to_key TEXT NOT NULL,
    passed_at TIMESTAMP NOT NULL,
    endorsement TEXT NOT NULL,
    PRIMARY KEY (prefecture, from_key)
);
CREATE TRIGGER succession_is_never_changed BEFORE UPDATE ON succession
BEGIN SELECT RAISE(ABORT, 'a succession of keys is never changed'); END;
CREATE TRIGGER succession_is_never_cut BEFORE DELETE ON succession
BEGIN SELECT RAISE(ABORT, 'a succession of keys is never cut'); END;

-- Checkpoints on their way to witnesses outside the server. One too many does no harm; one too few would.
CREATE TABLE witness_letter (
    prefecture TEXT NOT NULL,
    size BIGINT NOT NULL,
    address TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    -- When it is tried next; a worker that begins moves it on, so that no other does the same meanwhile.
    next_at TIMESTAMP NOT NULL,
    accepted_at TIMESTAMP,
    last_reply TEXT,
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
-- INSERT OR REPLACE deletes without asking the triggers above.
CREATE TRIGGER ledger_is_never_replaced BEFORE INSERT ON ledger_entry
WHEN EXISTS (SELECT 1 FROM ledger_entry WHERE prefecture = NEW.prefecture AND (seq = NEW.seq OR hash = NEW.hash))
BEGIN SELECT RAISE(ABORT, 'the ledger is never changed'); END;
CREATE TRIGGER checkpoint_is_never_replaced BEFORE INSERT ON checkpoint
WHEN EXISTS (SELECT 1 FROM checkpoint WHERE prefecture = NEW.prefecture AND size = NEW.size)
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never changed'); END;
CREATE TRIGGER succession_is_never_replaced BEFORE INSERT ON succession
WHEN EXISTS (SELECT 1 FROM succession WHERE prefecture = NEW.prefecture AND from_key = NEW.from_key)
BEGIN SELECT RAISE(ABORT, 'a succession of keys is never changed'); END;
