-- What programs say about people: each a status under a key, until an end.

CREATE TABLE claims (
    user_id  TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key      TEXT   COLLATE "C" NOT NULL,
    state    TEXT   NOT NULL, -- away or dnd; '': only a text
    text     TEXT   NOT NULL,
    emoji    TEXT   NOT NULL,
    until    BIGINT NOT NULL, -- what others are told; 0: nothing
    ends_at  BIGINT NOT NULL, -- until, or the end of the lease if that comes first; others aren't told
    set_at   BIGINT NOT NULL, -- of the last change that others can see
    token_id TEXT   NOT NULL, -- of the token that set it; '': none
    PRIMARY KEY (user_id, key)
);

CREATE INDEX claims_end ON claims (ends_at);
