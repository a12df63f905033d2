-- The console: who may sign in, who is signed in, and who is on the way to it.
CREATE TABLE account (
    prefecture TEXT NOT NULL,
    login TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('lecteur', 'operateur', 'auditeur', 'administrateur')),
    -- argon2id, as PHC text; the secret of the second factor, where there is one, and the last step that was used.
    password TEXT NOT NULL,
    totp TEXT,
    totp_step BIGINT NOT NULL DEFAULT 0,
    failures BIGINT NOT NULL DEFAULT 0,
    locked_until TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (prefecture, login)
) WITHOUT ROWID;
-- Tokens are kept as SHA-256: who reads this table can sign in as nobody.
CREATE TABLE console_session (
    prefecture TEXT NOT NULL,
    token TEXT NOT NULL,
    -- The token before it was rotated, for what was on its way then.
    token_before TEXT,
    actor TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('lecteur', 'operateur', 'auditeur', 'administrateur')),
    language TEXT NOT NULL,
    began_at TIMESTAMP NOT NULL,
    seen_at TIMESTAMP NOT NULL,
    rotated_at TIMESTAMP NOT NULL,
    -- What the next page says once, and what was last looked for: never in an address.
    notice TEXT,
    sought TEXT,
    PRIMARY KEY (prefecture, token)
) WITHOUT ROWID;
CREATE INDEX console_session_before ON console_session (prefecture, token_before) WHERE token_before IS NOT NULL;
-- Between the way out to the identity provider and the way back.
CREATE TABLE sign_in (
    prefecture TEXT NOT NULL,
    state TEXT NOT NULL,
    browser TEXT NOT NULL,
    nonce TEXT NOT NULL,
    verifier TEXT NOT NULL,
    target TEXT NOT NULL,
    began_at TIMESTAMP NOT NULL,
    PRIMARY KEY (prefecture, state)
) WITHOUT ROWID;
-- Letters of a state, page by page; what one run convoked.
CREATE INDEX outbox_by_state ON outbox (prefecture, state, letter_id);
CREATE INDEX convocation_by_run ON convocation (prefecture, run_id);
