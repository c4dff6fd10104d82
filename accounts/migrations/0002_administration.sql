-- Administration: who may join, invitations, links to reset a password, and a log of what was done.

ALTER TABLE users ADD COLUMN waiting_since BIGINT NOT NULL DEFAULT 0; -- for approval; the account is disabled meanwhile
ALTER TABLE users ADD COLUMN join_note TEXT NOT NULL DEFAULT ''; -- what the person wrote to whoever approves
ALTER TABLE users ADD COLUMN name_key TEXT COLLATE "C" NOT NULL DEFAULT ''; -- sort_key without the team: by name alone

UPDATE users SET name_key = substr(sort_key, length(team_key) + 2);

CREATE INDEX users_name ON users (name_key);
CREATE INDEX users_team_name ON users (team_key, name_key);
CREATE INDEX users_admin ON users (name_key) WHERE admin;
CREATE INDEX users_disabled ON users (name_key) WHERE disabled;
CREATE INDEX users_waiting ON users (waiting_since, id) WHERE waiting_since > 0;

ALTER TABLE sessions ADD COLUMN proved_at BIGINT NOT NULL DEFAULT 0; -- when the person last proved who they are

-- Links that let somebody in: invitations, and links with which one person can choose a new password.
CREATE TABLE links (
    token_hash TEXT   NOT NULL PRIMARY KEY, -- SHA-256, base64url
    kind       TEXT   NOT NULL, -- invite or reset
    user_id    TEXT   REFERENCES users (id) ON DELETE CASCADE, -- whom it's for; NULL for an invitation
    team       TEXT   NOT NULL, -- of those who join by it
    label      TEXT   NOT NULL,
    uses       BIGINT NOT NULL, -- so far
    uses_left  BIGINT NOT NULL,
    made_by    TEXT   NOT NULL, -- an actor
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX links_user ON links (user_id, kind);
CREATE INDEX links_kind ON links (kind, created_at);
CREATE INDEX links_made_by ON links (made_by);
CREATE INDEX links_expiry ON links (expires_at);

-- What was done to accounts and to the board, and by whom. No sign-ins, no presence, no names.
CREATE TABLE audit (
    id      TEXT   NOT NULL PRIMARY KEY, -- UUIDv7: sorts by time
    at      BIGINT NOT NULL,
    actor   TEXT   NOT NULL,
    via     TEXT   NOT NULL, -- web, cli or system
    action  TEXT   NOT NULL,
    target  TEXT   NOT NULL, -- such as user:ID; '': the board
    address TEXT   NOT NULL, -- of an administrator's browser, for 30 days
    request TEXT   NOT NULL, -- ID of the request, as in the log of the server
    detail  TEXT   NOT NULL  -- JSON: what was changed, without personal data
);

CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_target ON audit (target, id);
CREATE INDEX audit_action ON audit (action, id);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_address ON audit (at) WHERE address <> '';
