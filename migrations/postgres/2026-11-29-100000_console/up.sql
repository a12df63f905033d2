-- The console: who may sign in, who is signed in, and who is on the way to it.
CREATE TABLE account (
    prefecture TEXT COLLATE "C" NOT NULL,
    login TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('lecteur', 'operateur', 'auditeur', 'administrateur')),
    -- argon2id, as PHC text; the secret of the second factor, where there is one, and the last step that was used.
    password TEXT COLLATE "C" NOT NULL,
    totp TEXT COLLATE "C",
    totp_step BIGINT NOT NULL DEFAULT 0,
    failures BIGINT NOT NULL DEFAULT 0,
    locked_until TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (prefecture, login)
);
-- Tokens are kept as SHA-256: who reads this table can sign in as nobody.
CREATE TABLE console_session (
    prefecture TEXT COLLATE "C" NOT NULL,
    token TEXT COLLATE "C" NOT NULL,
    -- The token before it was rotated, for what was on its way then.
    token_before TEXT COLLATE "C",
    actor TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('lecteur', 'operateur', 'auditeur', 'administrateur')),
    language TEXT COLLATE "C" NOT NULL,
    began_at TIMESTAMP NOT NULL,
    seen_at TIMESTAMP NOT NULL,
    rotated_at TIMESTAMP NOT NULL,
    -- What the next page says once, and what was last looked for: never in an address.
    notice TEXT COLLATE "C",
    sought TEXT COLLATE "C",
    PRIMARY KEY (prefecture, token)
);
CREATE INDEX console_session_before ON console_session (prefecture, token_before) WHERE token_before IS NOT NULL;
-- Between the way out to the identity provider and the way back.
CREATE TABLE sign_in (
    prefecture TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    browser TEXT COLLATE "C" NOT NULL,
    nonce TEXT COLLATE "C" NOT NULL,
    verifier TEXT COLLATE "C" NOT NULL,
    target TEXT COLLATE "C" NOT NULL,
    began_at TIMESTAMP NOT NULL,
    PRIMARY KEY (prefecture, state)
);
-- Letters of a state, page by page; what one run convoked.
CREATE INDEX outbox_by_state ON outbox (prefecture, state, letter_id);
CREATE INDEX convocation_by_run ON convocation (prefecture, run_id);
