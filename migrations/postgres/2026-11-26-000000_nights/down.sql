ALTER TABLE prefecture DROP COLUMN clock_seen_at;
ALTER TABLE prefecture DROP COLUMN watched_since;
DROP TABLE night;
