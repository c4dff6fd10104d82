-- What people notice a stranger by: browsers that are new to them, and when their recovery codes were made.

ALTER TABLE known_browsers ADD COLUMN new_since BIGINT NOT NULL DEFAULT 0; -- 0: the person has confirmed the browser, or it was their first
ALTER TABLE known_browsers ADD COLUMN session_id TEXT NOT NULL DEFAULT ''; -- of the last sign-in with a new browser; no reference, because it outlives the session
ALTER TABLE recovery_codes ADD COLUMN made_at BIGINT NOT NULL DEFAULT 0; -- 0: before this column
