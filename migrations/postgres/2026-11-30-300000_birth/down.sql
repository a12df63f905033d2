ALTER TABLE holder DROP COLUMN birth_partial;
