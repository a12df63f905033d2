-- Who has a word of a name: what `permit find` reads. Made of `holder`, and made anew from it at any time (src/store/words.rs).
CREATE TABLE holder_word (
    prefecture TEXT NOT NULL,
    -- A word of a name, in Latin letters without accents or capitals (src/search/fold.rs); or the head of a hash: `@` of an e-mail, `+`
    -- of a telephone number.
    word TEXT NOT NULL,
    -- The last holder_id that belongs into this row; `~` for the last row of a word.
    until TEXT NOT NULL,
    -- The word from its end, so that words that end alike stand together; empty for a head.
    backwards TEXT NOT NULL,
    -- Holders in the order of their ids, ten bytes each.
    holders BLOB NOT NULL,
    PRIMARY KEY (prefecture, word, until)
);
CREATE INDEX holder_word_backwards ON holder_word (prefecture, backwards);
-- The last import of permits whose names are in holder_word; NULL before the first. Behind the last import: an older program took that
-- one in, and the words are to be made anew.
ALTER TABLE prefecture ADD COLUMN words_until BIGINT;
