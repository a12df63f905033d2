DROP TABLE title_kept;
DROP INDEX permit_of_unknown_title;
ALTER TABLE permit DROP COLUMN title_words;
ALTER TABLE permit DROP COLUMN unknown_title;
