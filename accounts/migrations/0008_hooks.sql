-- Webhooks: where people want to be told who is here, what each receiver was told last, and which server does so.

CREATE TABLE hooks (
    id               TEXT    NOT NULL PRIMARY KEY, -- UUIDv7
    user_id          TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    label            TEXT    NOT NULL,
    url              TEXT    NOT NULL,
    format           TEXT    NOT NULL, -- standard, slack or teams
    about            TEXT    NOT NULL, -- all, team or person
    team_key         TEXT    COLLATE "C" NOT NULL,
    team             TEXT    NOT NULL,
    person_id        TEXT    NOT NULL, -- '': none; no reference, because the hook outlives the person
    states           BOOLEAN NOT NULL, -- it's told of states
    texts            BOOLEAN NOT NULL, -- it's told of texts
    settle           BIGINT  NOT NULL, -- milliseconds
    secret           TEXT    NOT NULL, -- as it is, because it signs
    old_secret       TEXT    NOT NULL,
    old_secret_until BIGINT  NOT NULL,
    stopped          TEXT    NOT NULL, -- why nothing is delivered; '': it is
    stopped_at       BIGINT  NOT NULL,
    failures         BIGINT  NOT NULL, -- in a row
    fails_since      BIGINT  NOT NULL,
    probe_at         BIGINT  NOT NULL, -- no delivery before that
    delivered        BIGINT  NOT NULL, -- attempts ever, to number them
    ready            BOOLEAN NOT NULL, -- told has what was true when the hook was made or changed
    version          BIGINT  NOT NULL, -- grows with each change by its owner
    created_at       BIGINT  NOT NULL
);

CREATE INDEX hooks_user ON hooks (user_id, created_at);
CREATE INDEX hooks_team ON hooks (team_key) WHERE about = 'team';
CREATE INDEX hooks_person ON hooks (person_id) WHERE person_id <> '';

-- What a receiver was told last about a person, and the message that waits to be delivered. Without a row, the receiver
-- takes the person for offline.
CREATE TABLE told (
    hook_id     TEXT    NOT NULL REFERENCES hooks (id) ON DELETE CASCADE,
    person_id   TEXT    NOT NULL, -- no reference: the receiver is told when somebody is gone
    state       TEXT    NOT NULL, -- with a hash of the text, if the hook is told of texts
    unsure      BOOLEAN NOT NULL, -- a message may have arrived since
    event_id    TEXT    NOT NULL, -- of the message; '': none
    event_state TEXT    NOT NULL, -- that the message tells
    body        TEXT    NOT NULL, -- of the message, if it has to stay the same
    tries       BIGINT  NOT NULL,
    due         BIGINT  NOT NULL,
    PRIMARY KEY (hook_id, person_id)
);

CREATE INDEX told_person ON told (person_id);

-- The latest deliveries of each hook. No bodies and no people.
CREATE TABLE deliveries (
    hook_id TEXT   NOT NULL REFERENCES hooks (id) ON DELETE CASCADE,
    n       BIGINT NOT NULL,
    at      BIGINT NOT NULL, -- the day alone, if the hook is about one person
    event   TEXT   NOT NULL, -- its type
    tries   BIGINT NOT NULL,
    status  BIGINT NOT NULL, -- of HTTP; 0: no answer
    ms      BIGINT NOT NULL,
    reason  TEXT   NOT NULL, -- why it failed
    PRIMARY KEY (hook_id, n)
);

CREATE INDEX deliveries_at ON deliveries (at);

-- What only one server does at a time.
CREATE TABLE leases (
    name       TEXT   NOT NULL PRIMARY KEY,
    owner      TEXT   NOT NULL,
    held_until BIGINT NOT NULL
);
