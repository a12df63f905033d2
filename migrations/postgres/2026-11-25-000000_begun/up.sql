-- To which relay a letter is being handed over, and since when: with that, an attempt is written once, when it has ended.
ALTER TABLE outbox ADD COLUMN relay TEXT COLLATE "C";
ALTER TABLE outbox ADD COLUMN begun_at TIMESTAMP;
