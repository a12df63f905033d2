DROP TABLE concerned;
DROP TABLE avoided_day;
DROP TABLE closed_day;
DROP INDEX convocation_honoured;
DROP INDEX convocation_day;
ALTER TABLE convocation DROP COLUMN moved_by;
ALTER TABLE convocation DROP COLUMN replaces;
ALTER TABLE holder DROP COLUMN email_set_over;
ALTER TABLE holder DROP COLUMN email_set;
