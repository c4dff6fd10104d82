package accounts

import "context"

const (
	sqlSignedInBefore = `SELECT 1 FROM known_browsers WHERE user_id = $1
		UNION ALL SELECT 1 FROM sessions WHERE user_id = $1 LIMIT 1`
	sqlMarkUnnoticed = `UPDATE sessions SET unnoticed = TRUE WHERE id = $1`
	sqlUnnoticed     = `SELECT id, user_id, created_at, expires_at, used_at, user_agent, address, method, unnoticed, factors,
		proved_at, provider
		FROM sessions WHERE user_id = $1 AND unnoticed AND expires_at > $2 ORDER BY created_at DESC LIMIT $3`
	sqlNotice = `UPDATE sessions SET unnoticed = FALSE WHERE id = $1 AND user_id = $2 AND id <> $3
		AND EXISTS (SELECT 1 FROM sessions s WHERE s.id = $3 AND s.user_id = $2 AND NOT s.unnoticed)`

	leaveUnnoticed = `UPDATE sessions SET token_hash = 'left ' || id WHERE unnoticed AND `
	endNoticed     = `DELETE FROM sessions WHERE NOT unnoticed AND `

	sqlDropLeft = `DELETE FROM sessions WHERE id = $1 AND token_hash = 'left ' || id`

	maxUnnoticed = 3 // that are shown at a time
	maxDevice    = 100
)

// wasSignedIn reports whether a user has ever signed in, as far as is known. The first sign-in is no news.
func wasSignedIn(ctx context.Context, t *transaction, userID string) (bool, error) {
	found, err := t.strings(ctx, sqlSignedInBefore, userID)
	return len(found) > 0, err
}

// tellOfDevice marks a session that was started in a new browser, so that the owner's other pages show it, and queues
// an email about it, unless there was one about the same browser.
func tellOfDevice(ctx context.Context, t *transaction, s Session, x SignIn) error {
	if _, err := t.exec(ctx, sqlMarkUnnoticed, s.ID); err != nil {
		return err
	}
	if x.Told {
		return nil
	}
	return queueNotice(ctx, t, MailNewSignIn, s.UserID, MailDetails{Browser: clip(x.Browser, maxDevice), Address: s.Address})
}

// Unnoticed returns the latest sessions of a user that were started in a new browser, and that nobody has confirmed, at
// most 3. They include sessions that have signed themselves out.
func (s *Store) Unnoticed(ctx context.Context, userID string) ([]Session, error) {
	sessions, err := readSessions(ctx, s.r, sqlUnnoticed, userID, s.nowMilli(), maxUnnoticed)
	return sessions, wrap("list new sessions", err)
}

// Notice records that the owner of a session knows of it. Only another session of theirs can do that, and not one
// that's unnoticed itself: otherwise, whoever stole a password could keep the owner from learning it. It returns
// ErrNoSession if nothing was recorded.
func (s *Store) Notice(ctx context.Context, userID, sessionID, by string) error {
	return wrap("notice a session", s.write(ctx, func(ctx context.Context, t *transaction) error {
		n, err := t.exec(ctx, sqlNotice, sessionID, userID, by)
		if err == nil && n == 0 {
			err = ErrNoSession
		}
		if err == nil {
			_, err = t.exec(ctx, sqlDropLeft, sessionID)
		}
		if err == nil {
			_, err = t.exec(ctx, sqlConfirmBrowser, userID, sessionID)
		}
		return err
	}))
}

// leaveSessions ends sessions, and returns their number. leave keeps the row of an unnoticed one,
// without a token, until it would have expired: otherwise, a stranger would only have to sign out. end deletes the
// others.
func leaveSessions(ctx context.Context, t *transaction, leave, end string, args ...any) (int, error) {
	left, err := endSessions(ctx, t, leave, args...)
	if err != nil {
		return 0, err
	}
	ended, err := endSessions(ctx, t, end, args...)
	return left + ended, err
}
