-- Times are unix milliseconds, 0 where there is none; durations are milliseconds. Ids are UUIDv7 text. Keys ("_key",
-- "place", "word") are made in Go and compared byte by byte. What only one kind of database understands (COLLATE "C",
-- WITHOUT ROWID) is taken out for the others.

CREATE TABLE meta (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL,
    label TEXT   NOT NULL DEFAULT ''
);

-- rev: of the last change that others must notice. forgotten: of the newest row taken out of "gone".
INSERT INTO meta (name, value) VALUES ('rev', 0), ('forgotten', 0);

CREATE TABLE users (
    id              TEXT    NOT NULL PRIMARY KEY,
    username_key    TEXT COLLATE "C" NOT NULL UNIQUE,
    display_name    TEXT    NOT NULL,
    team            TEXT    NOT NULL, -- spelt alike for everyone with the same team_key; '': none
    place           TEXT COLLATE "C" NOT NULL, -- team key, name key and id: the order of the board
    last_seen       BIGINT  NOT NULL,
    team_key        TEXT COLLATE "C" NOT NULL,
    admin           BOOLEAN NOT NULL,
    disabled        BOOLEAN NOT NULL,
    idle_after      BIGINT  NOT NULL, -- 0: the default; below 0: never
    status_state    TEXT    NOT NULL,
    status_text     TEXT    NOT NULL,
    status_emoji    TEXT    NOT NULL,
    status_until    BIGINT  NOT NULL,
    status_set_at   BIGINT  NOT NULL, -- 0: no status
    invisible       BOOLEAN NOT NULL,
    invisible_since BIGINT  NOT NULL,
    created_at      BIGINT  NOT NULL,
    rev             BIGINT  NOT NULL,
    password        TEXT    NOT NULL -- argon2id, PHC form
);

CREATE UNIQUE INDEX users_place ON users (place) WHERE NOT disabled;
CREATE INDEX users_team ON users (team_key, disabled, team);
CREATE INDEX users_rev ON users (rev);
CREATE INDEX users_facts ON users (id) WHERE status_set_at <> 0 OR invisible OR disabled OR idle_after <> 0;

-- The words under which each enabled person is found.
CREATE TABLE name_words (
    word  TEXT COLLATE "C" NOT NULL,
    place TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (word, place)
) WITHOUT ROWID;

CREATE INDEX name_words_place ON name_words (place, word);

CREATE TABLE sessions (
    id         TEXT   NOT NULL PRIMARY KEY,
    token_hash TEXT   NOT NULL UNIQUE, -- SHA-256, base64url
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    user_agent TEXT   NOT NULL,
    address    TEXT   NOT NULL
);

CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Browsers in which a user has signed in with the right password.
CREATE TABLE browsers (
    token_hash TEXT   NOT NULL,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    used_at    BIGINT NOT NULL,
    PRIMARY KEY (token_hash, user_id)
);

CREATE INDEX browsers_user ON browsers (user_id, used_at);

-- Deleted users and ended sessions, for a day, so that others who ask later learn of them.
CREATE TABLE gone (
    rev  BIGINT NOT NULL,
    kind TEXT   NOT NULL, -- user or session
    id   TEXT   NOT NULL,
    at   BIGINT NOT NULL,
    PRIMARY KEY (rev, kind, id)
);

CREATE INDEX gone_at ON gone (at, rev);
