ALTER TABLE prefecture DROP COLUMN words_until;
DROP TABLE holder_word;
