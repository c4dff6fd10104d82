-- Links that show people to others without an account: wall boards, the state of one person, and embeds.

-- Times of a share have the precision of a day (UTC), and its ID is random, so that nothing here tells at which time of
-- the day its owner was active.
CREATE TABLE shares (
    id         TEXT    NOT NULL PRIMARY KEY, -- random
    token_hash TEXT    NOT NULL UNIQUE, -- SHA-256, base64url
    user_id    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE, -- the owner, with whose eyes it sees
    kind       TEXT    NOT NULL, -- wall, person or embed
    label      TEXT    NOT NULL, -- for the owner
    team       TEXT    NOT NULL, -- whose people it shows; '': everyone whom the owner sees
    counts     BOOLEAN NOT NULL, -- shows only counts
    texts      BOOLEAN NOT NULL, -- shows texts of statuses
    origins    TEXT    NOT NULL, -- of pages that may embed it, one per line
    public_key TEXT    NOT NULL, -- the token of an embed, which every visitor of a page that has it can read; '': of others
    created_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL, -- 0: never
    used_at    BIGINT  NOT NULL -- 0: never
);

CREATE INDEX shares_user ON shares (user_id, id);
CREATE INDEX shares_team ON shares (team) WHERE team <> '';
CREATE INDEX shares_kind ON shares (kind, id);
CREATE INDEX shares_expiry ON shares (expires_at) WHERE expires_at <> 0;

ALTER TABLE users ADD COLUMN public_pages BOOLEAN NOT NULL DEFAULT FALSE; -- the person may be on public web pages

CREATE INDEX users_public ON users (sort_key) WHERE public_pages AND NOT disabled;
