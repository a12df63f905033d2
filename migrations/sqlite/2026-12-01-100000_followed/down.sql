DROP TABLE followed;
ALTER TABLE convocation DROP COLUMN made_rule;
ALTER TABLE convocation DROP COLUMN made_expires_on;
