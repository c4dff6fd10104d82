package accounts

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// SessionLife is how long a session lasts, used or not.
	SessionLife = 30 * 24 * time.Hour
	// ProviderSessionLife is SessionLife for people who signed in elsewhere: at a provider or a proxy.
	ProviderSessionLife = 7 * 24 * time.Hour

	maxSessions        = 200 // of one user; another one ends the least recently used one
	maxUserAgent       = 256 // bytes; the rest is cut
	maxAddress         = 64
	maxProviderSession = 255 // bytes
	sweepAtOnce        = 100 // maximum expired sessions that starting a session deletes
)

const (
	sqlSession = `SELECT ` + userColumns + `, s.id, s.created_at, s.expires_at, s.used_at, s.user_agent, s.address,
		s.proved_at, s.method, s.factors, s.provider, s.provider_session, s.unnoticed,
		(SELECT count(*) FROM sessions o WHERE o.user_id = s.user_id AND o.unnoticed AND o.expires_at > $2)
		FROM sessions s JOIN users u ON u.id = s.user_id
		WHERE s.token_hash = $1 AND s.expires_at > $2 AND NOT u.disabled`
	sqlStart = `INSERT INTO sessions (id, token_hash, user_id, created_at, expires_at, used_at, user_agent, address,
		proved_at, method, factors, provider, provider_session)
		VALUES ($1, $2, $3, $4, $5, $4, $6, $7, $8, $9, $10, $11, $12)`
	sqlPasswordOf = `SELECT password_hash FROM users WHERE id = $1`
	sqlLeave      = leaveUnnoticed + `id = $1 RETURNING id`
	sqlEnd        = endNoticed + `id = $1 RETURNING id`
	sqlLeaveOther = leaveUnnoticed + `token_hash = $1 AND user_id <> $2 RETURNING id`
	sqlEndByToken = `DELETE FROM sessions WHERE token_hash = $1 RETURNING id`
	sqlEndOfUser  = `DELETE FROM sessions WHERE user_id = $1 AND id <> $2 RETURNING id`
	sqlEndSurplus = `DELETE FROM sessions WHERE id IN
		(SELECT id FROM sessions WHERE user_id = $1 ORDER BY used_at DESC, id DESC LIMIT 100 OFFSET $2) RETURNING id`
	sqlSweep    = `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= $1 LIMIT $2)`
	sqlEndOfOwn = `DELETE FROM sessions WHERE id = $1 AND user_id = $2 AND expires_at > $3 RETURNING id`
	sqlExpire   = `DELETE FROM sessions WHERE user_id = $1 AND expires_at <= $2`
	sqlSessions = `SELECT id, user_id, created_at, expires_at, used_at, user_agent, address, method, unnoticed, factors, proved_at,
		provider
		FROM sessions WHERE user_id = $1 AND expires_at > $2 AND token_hash <> 'left ' || id ORDER BY used_at DESC, id DESC LIMIT $3`
	sqlStoredSessions = `SELECT id, user_id, created_at, expires_at, used_at, user_agent, address, method, unnoticed, factors,
		proved_at, provider FROM sessions WHERE user_id = $1 AND expires_at > $2 ORDER BY used_at DESC, id DESC LIMIT $3`
)

// Method is how a session was started.
type Method string

// The values of Method.
const (
	ByPassword Method = "password"
	ByPasskey  Method = "passkey"
	ByProvider Method = "provider" // OpenID Connect
	ByProxy    Method = "proxy"    // a proxy's header
	ByLink     Method = "link"
)

// Session is one sign-in: one browser, until it signs out or the session expires.
type Session struct {
	ID, UserID                   string
	CreatedAt, ExpiresAt, UsedAt time.Time
	UserAgent, Address           string // of the browser when it signed in
	Method                       Method
	Factors                      string    // what the person proved last, such as password+totp
	ProvedAt                     time.Time // when; zero: they didn't
	Provider                     string    // key of the provider; "": the board itself
	Unnoticed                    bool      // started in a new browser, and the person hasn't confirmed it; see Store.Notice

	// Only in the result of SessionByToken and StartSession:

	ProviderSession string // the provider's ID of its own session; for a proxy, the value of its header
	News            bool   // other sessions of the person are unnoticed, and this one isn't; see Store.Unnoticed
}

// SignIn says who signs in, where, and how.
type SignIn struct {
	UserID             string
	UserAgent, Address string
	Replaces           string // token of the session that the browser had before, maybe of another user; "": none
	Method             Method // "": ByPassword
	Factors            string // "": the method
	Provider           string // key of the provider
	ProviderSession    string // the provider's ID of its own session, or the value of a proxy's header; "": unknown
	Unproved           bool   // the person didn't prove who they are for this session: by a proxy, or by a link
	Spends             []Once // what this sign-in uses up
	Used               Used   // the same, of second factors and passkeys
	PasswordWas        string // fingerprint of the password that was checked earlier; "": don't compare
	NewBrowser         bool   // it's new to the person; see IsNewBrowser
	Browser            string // its name, for people; only with NewBrowser
	Told               bool   // an email has told the person of this browser
}

func (x SignIn) session(id string) Session {
	method := cmp.Or(x.Method, ByPassword)
	return Session{
		ID: id, UserID: x.UserID, UserAgent: clip(x.UserAgent, maxUserAgent), Address: clip(x.Address, maxAddress),
		Method: method, Factors: cmp.Or(x.Factors, string(method)), Provider: x.Provider,
		ProviderSession: clip(x.ProviderSession, maxProviderSession),
	}
}

// life returns how long a session lasts. Providers seldom tell that somebody has left them.
func (m Method) life() time.Duration {
	if m == ByProvider || m == ByProxy {
		return ProviderSessionLife
	}
	return SessionLife
}

// StartSession starts a session and returns its token: 43 characters, which aren't stored anywhere. It ends the session
// that x replaces. Errors: ErrNotFound if the user doesn't exist or is disabled, ErrSpent, ErrCodeUsed or ErrNoPasskey
// if something that x uses can't be used, ErrSecondFactor if x proves only a password and the user has an authenticator
// app, and ErrCredentials if the password was changed after it was checked.
func (s *Store) StartSession(ctx context.Context, x SignIn) (token string, _ Session, err error) {
	var session Session
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		token, session, err = startSignIn(ctx, t, x)
		return err
	})
	if err != nil {
		return "", Session{}, wrap("start session", err)
	}
	return token, session, nil
}

// startSignIn is StartSession within a transaction.
func startSignIn(ctx context.Context, t *transaction, x SignIn) (token string, _ Session, err error) {
	id, err := newID()
	if err != nil {
		return "", Session{}, err
	}
	u, err := readUser(ctx, t, sqlUserByID, []any{x.UserID})
	if err != nil {
		return "", Session{}, err
	}
	if u.Disabled {
		return "", Session{}, ErrNotFound
	}
	if err := checkSignIn(ctx, t, x); err != nil {
		return "", Session{}, err
	}
	session := x.session(id)
	session.CreatedAt, session.UsedAt = at(t.now), at(t.now)
	session.ExpiresAt = session.CreatedAt.Add(session.Method.life())
	if !x.Unproved {
		session.ProvedAt = at(t.now)
	}
	news := false
	if x.NewBrowser {
		if news, err = wasSignedIn(ctx, t, u.ID); err != nil {
			return "", Session{}, err
		}
	}
	token, hash := newToken()
	err = startSession(ctx, t, session, hash, x)
	if session.Unnoticed = news; err == nil && news {
		err = tellOfDevice(ctx, t, session, x)
	}
	return token, session, err
}

// checkSignIn uses up what x uses, and returns an error if that isn't enough.
func checkSignIn(ctx context.Context, t *transaction, x SignIn) error {
	if x.PasswordWas != "" {
		var hash string
		if err := t.queryRow(ctx, sqlPasswordOf, []any{x.UserID}, &hash); err != nil {
			return err
		}
		if passwordFingerprint(hash) != x.PasswordWas {
			return ErrCredentials
		}
	}
	if err := wantSecondFactor(ctx, t, x.UserID, cmp.Or(x.Method, ByPassword), x.Used); err != nil {
		return err
	}
	return recordUse(ctx, t, x.UserID, x.Used, x.Spends)
}

func startSession(ctx context.Context, t *transaction, s Session, hash string, x SignIn) error {
	if old, ok := tokenHash(x.Replaces); ok {
		if _, err := endSessions(ctx, t, sqlLeaveOther, old, s.UserID); err != nil {
			return err
		}
		if _, err := endSessions(ctx, t, sqlEndByToken, old); err != nil {
			return err
		}
	}
	if _, err := t.exec(ctx, sqlSweep, t.now, sweepAtOnce); err != nil {
		return err
	}
	_, err := t.exec(ctx, sqlStart, s.ID, hash, s.UserID, t.now, milli(s.ExpiresAt), s.UserAgent, s.Address,
		milli(s.ProvedAt), string(s.Method), s.Factors, s.Provider, s.ProviderSession)
	if err != nil {
		return err
	}
	_, err = endSessions(ctx, t, sqlEndSurplus, s.UserID, maxSessions)
	return err
}

// SessionByToken returns the session of a browser's token, and its user. It returns ErrNoSession if there is none, it
// has ended or expired, or the user is disabled. It writes nothing.
func (s *Store) SessionByToken(ctx context.Context, token string) (Session, User, error) {
	hash, ok := tokenHash(token)
	if !ok {
		return Session{}, User{}, ErrNoSession
	}
	var r userRow
	var x Session
	var created, expires, used, proved int64
	var others int
	dest := append(r.dest(), &x.ID, &created, &expires, &used, &x.UserAgent, &x.Address, &proved,
		&x.Method, &x.Factors, &x.Provider, &x.ProviderSession, &x.Unnoticed, &others)
	err := s.r.queryRow(ctx, sqlSession, []any{hash, s.nowMilli()}, dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return Session{}, User{}, ErrNoSession
	}
	if err != nil {
		return Session{}, User{}, fmt.Errorf("read session: %w", err)
	}
	u := r.finish()
	x.News = others > 0 && !x.Unnoticed
	x.UserID, x.CreatedAt, x.ExpiresAt, x.UsedAt, x.ProvedAt = u.ID, at(created), at(expires), at(used), at(proved)
	return x, u, nil
}

const sqlAnySession = `SELECT count(*) FROM (SELECT 1 FROM sessions WHERE expires_at > $1 LIMIT 1) live`

// AnySession reports whether anyone is signed in and could reconnect to a server that has just started.
func (s *Store) AnySession(ctx context.Context) (bool, error) {
	var n int
	err := s.r.queryRow(ctx, sqlAnySession, []any{s.nowMilli()}, &n)
	return n > 0, wrap("look for sessions", err)
}

// EndSession ends a session by its id, when its person signs out. It's not an error if the session has already
// ended. If it was started in a new browser and nobody has confirmed that, its owner is still told of it (Unnoticed).
func (s *Store) EndSession(ctx context.Context, sessionID string) error {
	return wrap("end session", s.write(ctx, func(ctx context.Context, t *transaction) error {
		_, err := leaveSessions(ctx, t, sqlLeave, sqlEnd, sessionID)
		return err
	}))
}

// Sessions returns the current sessions of a user, last used first.
func (s *Store) Sessions(ctx context.Context, userID string) ([]Session, error) {
	sessions, err := readSessions(ctx, s.r, sqlSessions, userID, s.nowMilli(), maxSessions)
	return sessions, wrap("list sessions", err)
}

func readSessions(ctx context.Context, from reader, text string, args ...any) ([]Session, error) {
	type sessionRow struct {
		Session
		created, expires, used, proved int64
	}
	rows, err := from.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	found, err := collect(rows, func(r *sessionRow) []any {
		return []any{&r.ID, &r.UserID, &r.created, &r.expires, &r.used, &r.UserAgent, &r.Address, &r.Method,
			&r.Unnoticed, &r.Factors, &r.proved, &r.Provider}
	})
	sessions := make([]Session, len(found))
	for i, r := range found {
		sessions[i] = r.Session
		sessions[i].CreatedAt, sessions[i].ExpiresAt, sessions[i].UsedAt = at(r.created), at(r.expires), at(r.used)
		sessions[i].ProvedAt = at(r.proved)
	}
	return sessions, err
}

// EndSessionOf ends one session of a user. It returns ErrNoSession if they have no session with that id.
func (s *Store) EndSessionOf(ctx context.Context, userID, sessionID string) error {
	return wrap("end session", s.write(ctx, func(ctx context.Context, t *transaction) error {
		n, err := endSessions(ctx, t, sqlEndOfOwn, sessionID, userID, t.now)
		if err == nil && n == 0 {
			return ErrNoSession
		}
		return err
	}))
}

// EndOtherSessions ends all sessions of a user except the one with the id keep, and returns how many it ended. With
// tokens, it also revokes all of the user's access tokens.
func (s *Store) EndOtherSessions(ctx context.Context, userID, keep string, tokens bool) (n int, err error) {
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		if _, err := t.exec(ctx, sqlExpire, userID, t.now); err != nil { // they don't count
			return err
		}
		if n, err = endSessions(ctx, t, sqlEndOfUser, userID, keep); err != nil || !tokens {
			return err
		}
		_, err = endTokens(ctx, t, sqlEndTokens, userID)
		return err
	})
	if err != nil {
		return 0, wrap("end other sessions", err)
	}
	return n, nil
}

// endSessions runs a statement that deletes sessions, adds tombstones for them, and returns their number.
func endSessions(ctx context.Context, t *transaction, text string, args ...any) (int, error) {
	ids, err := t.strings(ctx, text, args...)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return len(ids), t.remember(ctx, endedSession, ids...)
}

// endSessionsOf ends all sessions of a user except keep ("": all).
func endSessionsOf(ctx context.Context, t *transaction, userID, keep string) error {
	_, err := endSessions(ctx, t, sqlEndOfUser, userID, keep)
	return err
}

// TouchSessions stores when sessions, by id, were last used. It never moves a time back. Other processes don't need to
// notice.
func (s *Store) TouchSessions(ctx context.Context, used map[string]time.Time) error {
	return wrap("touch sessions", s.stampAll(ctx, touchSQL, used))
}

// clip truncates s to at most limit bytes of valid text.
func clip(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
		for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
			s = s[:len(s)-1]
		}
		if len(s) > 0 && s[len(s)-1] >= utf8.RuneSelf {
			s = s[:len(s)-1]
		}
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}
