-- Access tokens, with which programs act for a person.

CREATE TABLE tokens (
    id         TEXT   NOT NULL PRIMARY KEY,
    token_hash TEXT   NOT NULL UNIQUE, -- SHA-256, base64url
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name       TEXT   NOT NULL, -- what the person calls it
    scopes     TEXT   NOT NULL, -- separated by spaces
    parent     TEXT   NOT NULL, -- ID of the token that made it; '': the person did
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL, -- 0: never
    used_at    BIGINT NOT NULL  -- 0: never
);

CREATE INDEX tokens_user ON tokens (user_id, id);
CREATE INDEX tokens_expiry ON tokens (expires_at) WHERE expires_at > 0;
CREATE INDEX tokens_used ON tokens (used_at, created_at);
