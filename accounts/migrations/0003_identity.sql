-- Ways to sign in besides a password, email addresses, and what waits to be sent to them.

ALTER TABLE users ADD COLUMN email TEXT NOT NULL DEFAULT ''; -- verified, or given by a provider or an administrator
ALTER TABLE users ADD COLUMN email_key TEXT COLLATE "C" NOT NULL DEFAULT ''; -- folded; '': none
ALTER TABLE users ADD COLUMN handle TEXT NOT NULL DEFAULT ''; -- names the account to authenticators; '': no passkey yet
ALTER TABLE users ADD COLUMN admin_by TEXT NOT NULL DEFAULT ''; -- key of the provider that gave the role; '': by hand
ALTER TABLE users ADD COLUMN team_by TEXT NOT NULL DEFAULT ''; -- key of the provider that gave the team; '': by hand

CREATE UNIQUE INDEX users_email ON users (email_key) WHERE email_key <> '';
CREATE UNIQUE INDEX users_handle ON users (handle) WHERE handle <> '';

ALTER TABLE sessions ADD COLUMN method TEXT NOT NULL DEFAULT 'password'; -- password, passkey, provider, proxy or link
ALTER TABLE sessions ADD COLUMN factors TEXT NOT NULL DEFAULT 'password'; -- password, password+totp, password+code, ...
ALTER TABLE sessions ADD COLUMN provider TEXT NOT NULL DEFAULT ''; -- key of the provider that signed the person in
ALTER TABLE sessions ADD COLUMN provider_session TEXT NOT NULL DEFAULT ''; -- the provider's ID of it (OIDC sid)
ALTER TABLE sessions ADD COLUMN unnoticed BOOLEAN NOT NULL DEFAULT FALSE; -- started in a new browser; the owner hasn't seen it

CREATE INDEX sessions_unnoticed ON sessions (user_id) WHERE unnoticed;
CREATE INDEX sessions_provider ON sessions (provider, provider_session) WHERE provider <> '';

-- Accounts at providers, and what proxies call people (issuer 'proxy:' and the name of the header).
CREATE TABLE identities (
    issuer     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    provider   TEXT   NOT NULL, -- its key in the configuration
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    label      TEXT   NOT NULL, -- what the provider calls the person
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);

CREATE INDEX identities_user ON identities (user_id);
CREATE INDEX identities_provider ON identities (provider);

CREATE TABLE passkeys (
    credential TEXT    NOT NULL PRIMARY KEY, -- its ID, base64url
    user_id    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    rp_id      TEXT    NOT NULL, -- host name of the public URL when it was made
    public_key TEXT    NOT NULL, -- COSE, base64url
    sign_count BIGINT  NOT NULL,
    eligible   BOOLEAN NOT NULL, -- for backup
    backed_up  BOOLEAN NOT NULL,
    aaguid     TEXT    NOT NULL, -- model of the authenticator
    transports TEXT    NOT NULL, -- separated by commas
    label      TEXT    NOT NULL,
    created_at BIGINT  NOT NULL,
    used_at    BIGINT  NOT NULL -- 0: never
);

CREATE INDEX passkeys_user ON passkeys (user_id);

CREATE TABLE totp (
    user_id      TEXT   NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    sealed       TEXT   NOT NULL, -- the secret, sealed with the operator's key
    key_id       TEXT   NOT NULL, -- which key
    last_step    BIGINT NOT NULL, -- of the last code that was accepted
    confirmed_at BIGINT NOT NULL
);

CREATE INDEX totp_key ON totp (key_id);

CREATE TABLE recovery_codes (
    user_id TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash    TEXT   NOT NULL, -- SHA-256, base64url
    used_at BIGINT NOT NULL, -- 0: not used
    PRIMARY KEY (user_id, hash)
);

-- What can be used once: states of sign-ins at providers, challenges of passkeys, IDs of logout tokens.
CREATE TABLE spent (
    hash       TEXT   NOT NULL PRIMARY KEY, -- SHA-256, base64url
    expires_at BIGINT NOT NULL
);

CREATE INDEX spent_expiry ON spent (expires_at);

ALTER TABLE links ADD COLUMN email TEXT NOT NULL DEFAULT ''; -- the address that a link verifies or restores

-- What to send. No bodies and no tokens: both are made right before sending.
CREATE TABLE mails (
    id          TEXT   NOT NULL PRIMARY KEY, -- UUIDv7
    kind        TEXT   NOT NULL,
    user_id     TEXT   REFERENCES users (id) ON DELETE CASCADE, -- whom it's about; NULL if that has to be looked up
    argument    TEXT   NOT NULL, -- JSON; depends on the kind
    tries       BIGINT NOT NULL,
    next_at     BIGINT NOT NULL,
    taken_until BIGINT NOT NULL, -- a replica is sending it until then
    queued_at   BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);

CREATE INDEX mails_next ON mails (next_at, id);
CREATE INDEX mails_user ON mails (user_id);
CREATE INDEX mails_expiry ON mails (expires_at);
