package accounts

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

const (
	browserLife  = 180 * 24 * time.Hour // since the last sign-in
	browserNew   = SessionLife          // how long a browser that nobody confirms is new
	maxBrowsers  = 50                   // of one user
	maxOfBrowser = 20                   // users of one browser
)

const (
	sqlKnown = `SELECT u.password_hash, (SELECT count(*) FROM known_browsers b WHERE b.token_hash = $1 AND b.user_id = u.id AND b.used_at > $2)
		FROM users u WHERE u.username_key = $3`
	sqlUsersOfBrowser = `SELECT user_id FROM known_browsers
		WHERE token_hash = $1 AND used_at > $2 AND user_id <> $3 ORDER BY used_at DESC LIMIT $4`
	sqlRenewBrowser = `UPDATE known_browsers SET token_hash = $3 WHERE token_hash = $1 AND user_id = $2`
	sqlDropBrowser  = `DELETE FROM known_browsers WHERE token_hash = $1`
	sqlAddBrowser   = `INSERT INTO known_browsers (token_hash, user_id, used_at, new_since, session_id)
		VALUES ($1, $2, $3, $4, $5)`
	sqlNewSince = `SELECT new_since FROM known_browsers WHERE token_hash = $1 AND user_id = $2 AND new_since > 0`
	sqlFamiliar = `SELECT count(*) FROM known_browsers b JOIN users u ON u.id = b.user_id
		WHERE b.token_hash = $1 AND u.username_key = $2 AND b.used_at > $3 AND b.new_since <= $4`
	sqlConfirmBrowser = `UPDATE known_browsers SET new_since = 0, session_id = '' WHERE user_id = $1 AND session_id = $2`
	sqlExpireBrowsers = `DELETE FROM known_browsers WHERE user_id = $1 AND used_at <= $2`
	sqlTrimBrowsers   = `DELETE FROM known_browsers WHERE user_id = $1 AND token_hash IN
		(SELECT token_hash FROM known_browsers WHERE user_id = $1 ORDER BY used_at DESC, token_hash LIMIT 100 OFFSET $2)`
)

// RememberBrowser records that a user has just signed in with the browser that has token ("": none), and returns the
// browser's new token. Each sign-in gets a new token, so that nobody can use a token that they planted in somebody
// else's browser. Other users of the browser stay known in it. Error: ErrNotFound.
func (s *Store) RememberBrowser(ctx context.Context, userID, token string) (string, error) {
	return s.rememberBrowser(ctx, userID, token, "")
}

// RememberNewBrowser is RememberBrowser after a sign-in that nobody has confirmed: the browser stays new until the
// person confirms the session (Notice), or for browserNew. Otherwise, a stranger would only have to sign in twice.
func (s *Store) RememberNewBrowser(ctx context.Context, userID, token, sessionID string) (string, error) {
	return s.rememberBrowser(ctx, userID, token, sessionID)
}

func (s *Store) rememberBrowser(ctx context.Context, userID, token, unconfirmed string) (string, error) {
	fresh, hash := newToken()
	err := s.write(ctx, func(ctx context.Context, t *transaction) error {
		since, err := newSince(ctx, t, userID, token, unconfirmed)
		if err != nil {
			return err
		}
		if old, ok := tokenHash(token); ok {
			if err := renewBrowser(ctx, t, old, hash, userID); err != nil {
				return err
			}
		}
		if _, err := t.exec(ctx, sqlExpireBrowsers, userID, t.now-browserLife.Milliseconds()); err != nil {
			return err
		}
		_, err = t.exec(ctx, sqlAddBrowser, hash, userID, t.now, since, unconfirmed)
		if isOrphan(err) {
			return ErrNotFound
		}
		if err == nil {
			_, err = t.exec(ctx, sqlTrimBrowsers, userID, maxBrowsers)
		}
		return err
	})
	if err != nil {
		return "", wrap("remember browser", err)
	}
	return fresh, nil
}

// newSince returns since when a browser is new to a user, or 0 if nothing about their sign-in has to be confirmed.
func newSince(ctx context.Context, t *transaction, userID, token, unconfirmed string) (since int64, err error) {
	if unconfirmed == "" {
		return 0, nil
	}
	if hash, ok := tokenHash(token); ok {
		err = t.queryRow(ctx, sqlNewSince, []any{hash, userID}, &since)
		if err == nil || !errors.Is(err, sql.ErrNoRows) {
			return since, err
		}
	}
	return t.now, nil
}

// IsNewBrowser reports whether the browser that holds one of tokens is new to a user: they haven't signed in with it
// within half a year, or for the first time only recently and nobody has confirmed that.
func (s *Store) IsNewBrowser(ctx context.Context, username string, tokens []string) (bool, error) {
	key, _ := FoldUsername(username)
	now := s.nowMilli()
	for _, token := range tokens {
		hash, ok := tokenHash(token)
		if !ok {
			continue
		}
		var familiar int
		args := []any{hash, key, now - browserLife.Milliseconds(), now - browserNew.Milliseconds()}
		err := s.r.queryRow(ctx, sqlFamiliar, args, &familiar)
		if err != nil || familiar > 0 {
			return false, wrap("look for a browser", err)
		}
	}
	return true, nil
}

// renewBrowser stores a browser's new token for its other users and forgets the old one.
func renewBrowser(ctx context.Context, t *transaction, old, hash, userID string) error {
	since := t.now - browserLife.Milliseconds()
	others, err := t.strings(ctx, sqlUsersOfBrowser, old, since, userID, maxOfBrowser-1)
	if err != nil {
		return err
	}
	for _, id := range others {
		if _, err := t.exec(ctx, sqlRenewBrowser, old, id, hash); err != nil {
			return err
		}
	}
	_, err = t.exec(ctx, sqlDropBrowser, old)
	return err
}

// KnownBrowser reports whether username has signed in with the browser that holds token within half a year. It also
// returns a fingerprint of their password: it changes with each new password and doesn't reveal it. For an unknown
// username, known is false and the fingerprint is "".
func (s *Store) KnownBrowser(ctx context.Context, username, token string) (known bool, fingerprint string, err error) {
	key, _ := FoldUsername(username) // nobody has the name ""
	hash, _ := tokenHash(token)      // no browser has the hash ""
	since := s.nowMilli() - browserLife.Milliseconds()
	var stored string
	err = s.r.queryRow(ctx, sqlKnown, []any{hash, since, key}, &stored, &known)
	if errors.Is(err, sql.ErrNoRows) {
		return false, "", nil
	}
	if err != nil {
		return false, "", fmt.Errorf("known browser: %w", err)
	}
	return known, passwordFingerprint(stored), nil
}

// passwordFingerprint returns what KnownBrowser returns for a stored hash.
func passwordFingerprint(hash string) string {
	sum := sha256.Sum256([]byte(hash))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
