-- What people choose for themselves.
ALTER TABLE users ADD COLUMN time_zone TEXT NOT NULL DEFAULT ''; -- IANA name; '': not known
ALTER TABLE users ADD COLUMN theme TEXT NOT NULL DEFAULT ''; -- light or dark; '': as the system has it
ALTER TABLE users ADD COLUMN seen_precision TEXT NOT NULL DEFAULT ''; -- exact or nobody; '': approximate
ALTER TABLE users ADD COLUMN announce BOOLEAN NOT NULL DEFAULT FALSE;

-- The statuses that each person set last.
CREATE TABLE presets (
    id      TEXT   NOT NULL PRIMARY KEY,
    user_id TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    state   TEXT   NOT NULL,
    text    TEXT   NOT NULL,
    emoji   TEXT   NOT NULL,
    lasts   TEXT   NOT NULL, -- as EndOf understands it
    rev     BIGINT NOT NULL, -- of the change that set it last: the order in which they fall out
    UNIQUE (user_id, state, text, emoji)
);

CREATE INDEX presets_user ON presets (user_id, rev);
