-- An import that was undone is none: the extract before it is the last.
ALTER TABLE import_batch ADD COLUMN undone_at TIMESTAMP;

-- What the permits that an import changed were before it. It is kept for a few imports, and goes with its holder.
CREATE TABLE permit_revision (
    prefecture TEXT COLLATE "C" NOT NULL,
    import_id BIGINT NOT NULL,
    permit_id TEXT COLLATE "C" NOT NULL,
    holder_id TEXT COLLATE "C" NOT NULL,
    -- The fingerprint that the import gave it: with another, something has changed it since.
    became BIGINT NOT NULL,
    -- The one before; NULL if it was not known.
    fingerprint BIGINT,
    kind TEXT COLLATE "C",
    mention TEXT COLLATE "C",
    valid_from DATE,
    expires_on DATE,
    status TEXT COLLATE "C",
    filed_on DATE,
    unknown_title TEXT COLLATE "C",
    title_words TEXT COLLATE "C",
    commune TEXT COLLATE "C",
    absent BOOLEAN,
    PRIMARY KEY (prefecture, import_id, permit_id)
);
CREATE INDEX permit_revision_by_holder ON permit_revision (prefecture, holder_id);

-- The same of their holders.
CREATE TABLE holder_revision (
    prefecture TEXT COLLATE "C" NOT NULL,
    import_id BIGINT NOT NULL,
    holder_id TEXT COLLATE "C" NOT NULL,
    -- The fingerprint that the import gave it: with another, something has changed it since.
    became BIGINT NOT NULL,
    -- The one before; NULL if it was not known.
    fingerprint BIGINT,
    family_name TEXT COLLATE "C",
    usage_name TEXT COLLATE "C",
    given_names TEXT COLLATE "C",
    birth_date DATE,
    birth_partial TEXT COLLATE "C",
    email TEXT COLLATE "C",
    phone TEXT COLLATE "C",
    language TEXT COLLATE "C",
    address TEXT COLLATE "C",
    postcode TEXT COLLATE "C",
    town TEXT COLLATE "C",
    commune TEXT COLLATE "C",
    household TEXT COLLATE "C",
    channel TEXT COLLATE "C",
    large_print BOOLEAN,
    PRIMARY KEY (prefecture, import_id, holder_id)
);
CREATE INDEX holder_revision_by_holder ON holder_revision (prefecture, holder_id);
