-- An import that was undone is none: the extract before it is the last.
ALTER TABLE import_batch ADD COLUMN undone_at TIMESTAMP;

-- What the permits that an import changed were before it. It is kept for a few imports, and goes with its holder.
CREATE TABLE permit_revision (
    prefecture TEXT NOT NULL,
    import_id BIGINT NOT NULL,
    permit_id TEXT NOT NULL,
    holder_id TEXT NOT NULL,
    -- The fingerprint that the import gave it: with another, something has changed it since.
    became BIGINT NOT NULL,
    -- The one before; NULL if it was not known.
    fingerprint BIGINT,
    kind TEXT,
    mention TEXT,
    valid_from DATE,
    expires_on DATE,
    status TEXT,
    filed_on DATE,
    unknown_title TEXT,
    title_words TEXT,
    commune TEXT,
    absent BOOLEAN,
    PRIMARY KEY (prefecture, import_id, permit_id)
) WITHOUT ROWID;
CREATE INDEX permit_revision_by_holder ON permit_revision (prefecture, holder_id);

-- The same of their holders.
CREATE TABLE holder_revision (
    prefecture TEXT NOT NULL,
    import_id BIGINT NOT NULL,
    holder_id TEXT NOT NULL,
    -- The fingerprint that the import gave it: with another, something has changed it since.
    became BIGINT NOT NULL,
    -- The one before; NULL if it was not known.
    fingerprint BIGINT,
    family_name TEXT,
    usage_name TEXT,
    given_names TEXT,
    birth_date DATE,
    birth_partial TEXT,
    email TEXT,
    phone TEXT,
    language TEXT,
    address TEXT,
    postcode TEXT,
    town TEXT,
    commune TEXT,
    household TEXT,
    channel TEXT,
    large_print BOOLEAN,
    PRIMARY KEY (prefecture, import_id, holder_id)
) WITHOUT ROWID;
CREATE INDEX holder_revision_by_holder ON holder_revision (prefecture, holder_id);
