-- Pairs of teams that see each other, while people otherwise see only their own team.

CREATE TABLE team_shares (
    team_key  TEXT   COLLATE "C" NOT NULL, -- sorts before other_key
    other_key TEXT   COLLATE "C" NOT NULL,
    team      TEXT   NOT NULL, -- as spelled when they were shared
    other     TEXT   NOT NULL,
    shared_at BIGINT NOT NULL,
    PRIMARY KEY (team_key, other_key)
);

CREATE INDEX team_shares_other ON team_shares (other_key, team_key);
