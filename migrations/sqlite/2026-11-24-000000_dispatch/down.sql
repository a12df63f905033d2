DROP TABLE bounce;
DROP TABLE pace;
ALTER TABLE delivery_attempt DROP COLUMN enhanced;
DROP INDEX outbox_by_recipient;
ALTER TABLE outbox DROP COLUMN has_turn;
ALTER TABLE holder DROP COLUMN email_refused;
ALTER TABLE prefecture DROP COLUMN pause_reason;
ALTER TABLE prefecture DROP COLUMN paused_by;
ALTER TABLE prefecture DROP COLUMN paused_at;
