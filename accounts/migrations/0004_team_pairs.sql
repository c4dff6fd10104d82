-- Pairs of teams that see each other, while people otherwise see only their own team.

CREATE TABLE team_pairs (
    team_key  TEXT   COLLATE "C" NOT NULL, -- sorts before other_key
    other_key TEXT   COLLATE "C" NOT NULL,
    team      TEXT   NOT NULL, -- as spelled when they were paired
    other     TEXT   NOT NULL,
    paired_at BIGINT NOT NULL,
    PRIMARY KEY (team_key, other_key)
);

CREATE INDEX team_pairs_other ON team_pairs (other_key, team_key);
