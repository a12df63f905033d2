ALTER TABLE prefecture DROP COLUMN data_version;
DROP INDEX outbox_held;
ALTER TABLE outbox DROP COLUMN begun_at;
ALTER TABLE outbox DROP COLUMN relay;
