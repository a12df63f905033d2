-- To which relay a letter is being handed over, and since when: with that, an attempt is written once, when it has ended.
ALTER TABLE outbox ADD COLUMN relay TEXT COLLATE "C";
ALTER TABLE outbox ADD COLUMN begun_at TIMESTAMP;
-- Letters that wait for a person: their people are called in time too.
CREATE INDEX outbox_held ON outbox (prefecture, letter_id) WHERE state = 'held';
-- Grows with every change of what nights are planned from: a run whose data changed while it planned plans again.
ALTER TABLE prefecture ADD COLUMN data_version BIGINT NOT NULL DEFAULT 0;
