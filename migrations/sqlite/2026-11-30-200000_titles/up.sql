-- Type and mention as the extract has them, on two lines, where config/titles.toml has neither: the permit is not
-- convoked until somebody has said what it is. Its kind is then a placeholder if the type is unknown too.
ALTER TABLE permit ADD COLUMN unknown_title TEXT;
-- The same for every permit whose words are not codes: an answer to them may be corrected.
ALTER TABLE permit ADD COLUMN title_words TEXT;
CREATE INDEX permit_of_unknown_title ON permit (prefecture, unknown_title, expires_on) WHERE unknown_title IS NOT NULL;
-- Mentions that were assessed before titles were known by a table: they keep their verdict until somebody has answered.
CREATE TABLE title_kept (
    prefecture TEXT NOT NULL,
    kind TEXT NOT NULL,
    mention TEXT NOT NULL,
    PRIMARY KEY (prefecture, kind, mention)
) WITHOUT ROWID;
INSERT INTO title_kept (prefecture, kind, mention) SELECT DISTINCT prefecture, kind, mention FROM permit;
