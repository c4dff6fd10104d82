-- Times are unix milliseconds, 0 for none; durations are milliseconds. Ids are UUIDv7 text. Folded names and words,
-- keys ("_key") and hashes are made in Go and compared byte by byte. The runner takes out what the database at hand doesn't
-- understand (COLLATE "C", WITHOUT ROWID).

CREATE TABLE meta (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL,
    label TEXT   NOT NULL DEFAULT ''
);

-- rev: of the last change that other processes must notice. pruned_rev: of the newest row removed from tombstones.
INSERT INTO meta (name, value) VALUES ('rev', 0), ('pruned_rev', 0);

CREATE TABLE users (
    id              TEXT    NOT NULL PRIMARY KEY,
    username_key    TEXT COLLATE "C" NOT NULL UNIQUE,
    display_name    TEXT    NOT NULL,
    team            TEXT    NOT NULL, -- spelled the same for everyone with the same team_key; '': none
    team_key        TEXT COLLATE "C" NOT NULL,
    sort_key        TEXT COLLATE "C" NOT NULL, -- team key, name key and id: the order of the board
    password_hash   TEXT    NOT NULL, -- argon2id, PHC form
    admin           BOOLEAN NOT NULL,
    disabled        BOOLEAN NOT NULL,
    created_at      BIGINT  NOT NULL,
    rev             BIGINT  NOT NULL, -- of the last change to this row that other processes must notice
    last_seen       BIGINT  NOT NULL,
    status_state    TEXT    NOT NULL, -- online, away or dnd; '': automatic
    status_text     TEXT    NOT NULL,
    status_emoji    TEXT    NOT NULL,
    status_until    BIGINT  NOT NULL,
    status_set_at   BIGINT  NOT NULL, -- 0: no status
    invisible       BOOLEAN NOT NULL,
    invisible_since BIGINT  NOT NULL,
    idle_after      BIGINT  NOT NULL, -- 0: the default; below 0: never
    show_last_seen  TEXT    NOT NULL DEFAULT '', -- exact or nobody; '': approximate
    time_zone       TEXT    NOT NULL DEFAULT '', -- IANA name; '': unknown
    theme           TEXT    NOT NULL DEFAULT '', -- light or dark; '': match the system
    announce        BOOLEAN NOT NULL DEFAULT FALSE, -- screen readers announce who comes and goes
    pronouns        TEXT    NOT NULL DEFAULT '',
    contacts        TEXT    NOT NULL DEFAULT '', -- addresses to reach the person, each a URL, one per line
    share_time      BOOLEAN NOT NULL DEFAULT FALSE, -- others see the local time
    no_alerts       BOOLEAN NOT NULL DEFAULT FALSE, -- others can't ask for alerts
    favorites_rev   BIGINT  NOT NULL DEFAULT 0 -- counts changes of the person's favorites
);

CREATE UNIQUE INDEX users_sort_key ON users (sort_key) WHERE NOT disabled;
CREATE INDEX users_team ON users (team_key, disabled, team);
CREATE INDEX users_rev ON users (rev);
CREATE INDEX users_facts ON users (id) WHERE status_set_at <> 0 OR invisible OR disabled OR idle_after <> 0;

-- The costs of password hashes ("m=…,t=…,p=…") that differ from the standard ones: what remains of a hash without its
-- key and its salt. Each failed sign-in asks for the distinct ones.
CREATE INDEX users_hash_costs ON users (
    (substr(rtrim(rtrim(rtrim(rtrim(password_hash, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'), '$'), 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'), '$'), 16))
) WHERE substr(password_hash, 1, 31) <> '$argon2id$v=19$m=19456,t=2,p=1$';

-- The words of the names of enabled people, for search.
CREATE TABLE search_words (
    word     TEXT COLLATE "C" NOT NULL,
    sort_key TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (word, sort_key)
) WITHOUT ROWID;

CREATE INDEX search_words_sort_key ON search_words (sort_key, word);

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

-- Browsers in which somebody signed in with the right password.
CREATE TABLE known_browsers (
    token_hash TEXT   NOT NULL,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    used_at    BIGINT NOT NULL,
    PRIMARY KEY (token_hash, user_id)
);

CREATE INDEX known_browsers_user ON known_browsers (user_id, used_at);

-- The statuses that each person set last, to choose again.
CREATE TABLE presets (
    id      TEXT   NOT NULL PRIMARY KEY,
    user_id TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    state   TEXT   NOT NULL,
    text    TEXT   NOT NULL,
    emoji   TEXT   NOT NULL,
    lasts   TEXT   NOT NULL, -- as EndOf understands it
    rev     BIGINT NOT NULL, -- of the change that set it last: the oldest one makes room
    UNIQUE (user_id, state, text, emoji)
);

CREATE INDEX presets_user ON presets (user_id, rev);

-- The people whom somebody pinned to the top of their own board.
CREATE TABLE favorites (
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    person_id  TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, person_id)
);

CREATE INDEX favorites_person ON favorites (person_id);

-- Who wants to be told, once, when another person is here. A row stays for a moment after that, so that every server
-- learns that its pages have to tell it.
CREATE TABLE alerts (
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    person_id  TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind       TEXT   NOT NULL, -- here, or free: can be disturbed
    asked_at   BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    told_at    BIGINT NOT NULL, -- 0: not yet
    rev        BIGINT NOT NULL, -- of the last change to this row
    PRIMARY KEY (user_id, person_id)
);

CREATE INDEX alerts_person ON alerts (person_id);
CREATE INDEX alerts_expiry ON alerts (expires_at);
CREATE INDEX alerts_rev ON alerts (rev);

-- What is stored about the board itself: board_name, and setup_code until the first account is made.
CREATE TABLE settings (
    name  TEXT   NOT NULL PRIMARY KEY,
    value TEXT   NOT NULL,
    rev   BIGINT NOT NULL -- of the change that set it; 0: others needn't notice
);

-- Deleted users and ended sessions, for a day, so that a process that asks later learns of them.
CREATE TABLE tombstones (
    rev        BIGINT NOT NULL,
    kind       TEXT   NOT NULL, -- user, session or token
    id         TEXT   NOT NULL, -- of what is gone
    deleted_at BIGINT NOT NULL,
    PRIMARY KEY (rev, kind, id)
);

CREATE INDEX tombstones_deleted_at ON tombstones (deleted_at, rev);
