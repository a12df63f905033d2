-- A date of birth whose day or month no register knows (`1975-06-00`, `1975-00-00`); `birth_date` is then NULL.
ALTER TABLE holder ADD COLUMN birth_partial TEXT COLLATE "C";
