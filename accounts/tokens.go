package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Limits of access tokens.
const (
	MaxTokens    = 20                   // of one user
	TokensPerDay = 50                   // that one user makes, also by tokens
	TokenLife    = 90 * 24 * time.Hour  // unless another one is chosen
	MaxTokenLife = 365 * 24 * time.Hour // except for tokens that never expire
	TokenUnused  = 365 * 24 * time.Hour // after which a token ends, also one that never expires
)

// Forever is the Life of a token that never expires.
const Forever time.Duration = -1

// ErrNoToken says that a token doesn't exist, was revoked, or has expired, or that its user is disabled.
var ErrNoToken = errors.New("no such token")

// Token is an access token, with which programs act for a user. Its text isn't stored.
type Token struct {
	ID, UserID string
	Name       string // at most 64 runes
	Scopes     []Scope
	Parent     string // ID of the token that made it; "": a person did
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never
	UsedAt     time.Time // zero: never; see TouchTokens
}

// Has reports whether the token has a scope.
func (x Token) Has(s Scope) bool { return slices.Contains(x.Scopes, s) }

// NewToken is a token to make.
type NewToken struct {
	UserID string
	Name   string // "": "Token"
	Scopes []Scope
	Life   time.Duration // up to MaxTokenLife, or Forever; 0: TokenLife
	Parent Token         // the token that makes it, which must not have a parent itself; zero: a person makes it
}

const (
	tokenColumns = `t.id, t.user_id, t.name, t.scopes, t.parent, t.created_at, t.expires_at, t.used_at`

	sqlToken = `SELECT ` + userColumns + `, ` + tokenColumns + ` FROM tokens t JOIN users u ON u.id = t.user_id
		WHERE t.token_hash = $1 AND (t.expires_at = 0 OR t.expires_at > $2) AND NOT u.disabled`
	sqlTokensOf = `SELECT ` + tokenColumns + ` FROM tokens t WHERE t.user_id = $1 AND (t.expires_at = 0 OR t.expires_at > $2)
		ORDER BY t.id DESC LIMIT $3`
	sqlTokensFrom = `SELECT ` + tokenColumns + ` FROM tokens t WHERE t.id > $1 AND (t.expires_at = 0 OR t.expires_at > $2)
		ORDER BY t.id LIMIT $3`
	sqlAddToken = `INSERT INTO tokens (id, token_hash, user_id, name, scopes, parent, created_at, expires_at, used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)`
	sqlDropExpired  = `DELETE FROM tokens WHERE user_id = $1 AND expires_at > 0 AND expires_at <= $2`
	sqlCountTokens  = `SELECT count(*) FROM tokens WHERE user_id = $1`
	sqlEndToken     = `DELETE FROM tokens WHERE user_id = $1 AND (id = $2 OR parent = $2) RETURNING id`
	sqlEndTokens    = `DELETE FROM tokens WHERE user_id = $1 RETURNING id`
	sqlOldTokens    = `DELETE FROM tokens WHERE expires_at > 0 AND expires_at <= $1`
	sqlUnusedTokens = `DELETE FROM tokens WHERE used_at < $1 AND created_at < $1 RETURNING id`
)

// tokenRow is a scanned row of tokenColumns.
type tokenRow struct {
	Token
	scopes                 string
	created, expires, used int64
}

func (r *tokenRow) dest() []any {
	return []any{&r.ID, &r.UserID, &r.Name, &r.scopes, &r.Parent, &r.created, &r.expires, &r.used}
}

func (r *tokenRow) finish() Token {
	x := r.Token
	x.Scopes = splitScopes(r.scopes)
	x.CreatedAt, x.ExpiresAt, x.UsedAt = at(r.created), at(r.expires), at(r.used)
	return x
}

// clean checks n and returns it in the form in which it's stored.
func (n NewToken) clean() (NewToken, FieldErrors) {
	var wrong FieldErrors
	var err error
	n.Name, err = cleanLine("name", n.Name, maxLabel)
	wrong.add(err)
	if err == nil && n.Name == "" {
		n.Name = "Token"
	}
	n.Scopes, err = cleanScopes(n.Scopes)
	wrong.add(err)
	switch {
	case n.Life == 0:
		n.Life = TokenLife
	case n.Life == Forever:
	case n.Life < 0 || n.Life > MaxTokenLife:
		wrong.add(&FieldError{Field: "expires", Code: OutOfRange, Limit: int(MaxTokenLife / (24 * time.Hour))})
	}
	return n, wrong
}

// CreateToken makes a token and returns its text, which isn't stored anywhere. A token that another token makes can do
// no more than that one and ends no later. Errors: FieldErrors, a *FieldError about tokens if the user has too many or
// has made too many today (Detail is "day"), and ErrNotFound if the user doesn't exist or is disabled.
func (s *Store) CreateToken(ctx context.Context, n NewToken) (text string, _ Token, err error) {
	n, wrong := n.clean()
	if len(wrong) > 0 {
		return "", Token{}, wrong
	}
	text, hash := newAccessToken()
	var made Token
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		made, err = addToken(ctx, t, n, hash)
		return err
	})
	if err != nil {
		return "", Token{}, wrap("create token", err)
	}
	return text, made, nil
}

func addToken(ctx context.Context, t *transaction, n NewToken, hash string) (Token, error) {
	u, err := readUser(ctx, t, sqlUserByID, []any{n.UserID})
	switch {
	case err != nil:
		return Token{}, err
	case u.Disabled:
		return Token{}, ErrNotFound
	case !u.Admin && slices.Contains(n.Scopes, Administer):
		return Token{}, &FieldError{Field: "scopes", Code: NotAllowed, Detail: string(Administer)}
	}
	if _, err := t.exec(ctx, sqlDropExpired, n.UserID, t.now); err != nil {
		return Token{}, err
	}
	have, err := t.count(ctx, sqlCountTokens, n.UserID)
	if err != nil {
		return Token{}, err
	}
	if have >= MaxTokens {
		return Token{}, &FieldError{Field: "tokens", Code: TooMany, Limit: MaxTokens}
	}
	if err := wantFewToday(ctx, t, TokenCreated, "tokens", TokensPerDay); err != nil {
		return Token{}, err
	}
	x := Token{UserID: n.UserID, Name: n.Name, Scopes: n.Scopes, Parent: n.Parent.ID, CreatedAt: at(t.now)}
	if n.Life != Forever {
		x.ExpiresAt = x.CreatedAt.Add(n.Life)
	}
	if err := x.within(n.Parent); err != nil {
		return Token{}, err
	}
	if x.ID, err = newID(); err != nil {
		return Token{}, err
	}
	_, err = t.exec(ctx, sqlAddToken, x.ID, hash, x.UserID, x.Name, joinScopes(x.Scopes), x.Parent, t.now, milli(x.ExpiresAt))
	if err != nil {
		return Token{}, err
	}
	return x, t.audit(ctx, TokenCreated, TargetUser(x.UserID), map[string]string{"scopes": joinScopes(x.Scopes)})
}

// within limits x to what the token that makes it can do. Errors: *FieldError.
func (x *Token) within(parent Token) error {
	if parent.ID == "" {
		return nil
	}
	if parent.Parent != "" {
		return wrongField("tokens", NotAllowed)
	}
	for _, s := range x.Scopes {
		if !parent.Has(s) {
			return &FieldError{Field: "scopes", Code: NotAllowed, Detail: string(s)}
		}
	}
	if end := parent.ExpiresAt; !end.IsZero() && (x.ExpiresAt.IsZero() || x.ExpiresAt.After(end)) {
		x.ExpiresAt = end
	}
	return nil
}

// TokenByText returns the token with this text, and its user. It returns ErrNoToken if there's none, it has expired, or
// the user is disabled. It writes nothing.
func (s *Store) TokenByText(ctx context.Context, text string) (Token, User, error) {
	if !IsToken(text) {
		return Token{}, User{}, ErrNoToken
	}
	var u userRow
	var x tokenRow
	err := s.r.queryRow(ctx, sqlToken, []any{hashToken([]byte(text)), s.nowMilli()}, append(u.dest(), x.dest()...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return Token{}, User{}, ErrNoToken
	}
	if err != nil {
		return Token{}, User{}, fmt.Errorf("read token: %w", err)
	}
	return x.finish(), u.finish(), nil
}

// Tokens returns the tokens of a user, the newest first, without expired ones.
func (s *Store) Tokens(ctx context.Context, userID string) ([]Token, error) {
	all, err := readTokens(ctx, s.r, sqlTokensOf, userID, s.nowMilli(), MaxTokens)
	return all, wrap("list tokens", err)
}

// AllTokens returns up to 1,000 tokens of all users after the one with the ID after, the oldest first, without expired
// ones.
func (s *Store) AllTokens(ctx context.Context, after string) ([]Token, error) {
	all, err := readTokens(ctx, s.r, sqlTokensFrom, after, s.nowMilli(), 1000)
	return all, wrap("list tokens", err)
}

func readTokens(ctx context.Context, from reader, text string, args ...any) ([]Token, error) {
	rows, err := from.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	found, err := collect(rows, (*tokenRow).dest)
	all := make([]Token, len(found))
	for i := range found {
		all[i] = found[i].finish()
	}
	return all, err
}

// RevokeToken ends a token of a user, and those that it made. Error: ErrNoToken.
func (s *Store) RevokeToken(ctx context.Context, userID, tokenID string) error {
	return wrap("revoke token", s.write(ctx, func(ctx context.Context, t *transaction) error {
		n, err := endTokens(ctx, t, sqlEndToken, userID, tokenID)
		if err == nil && n == 0 {
			err = ErrNoToken
		}
		return err
	}))
}

// endTokens runs a statement that deletes tokens of the user in its first argument, and adds tombstones for them and a
// line to the audit log. It returns their number.
func endTokens(ctx context.Context, t *transaction, text, userID string, more ...any) (int, error) {
	n, err := forgetTokens(ctx, t, text, append([]any{userID}, more...)...)
	if err != nil || n == 0 {
		return 0, err
	}
	return n, t.audit(ctx, TokenRevoked, TargetUser(userID), map[string]string{"tokens": strconv.Itoa(n)})
}

// forgetTokens is endTokens without a line in the audit log, for tokens that end with something that has one.
func forgetTokens(ctx context.Context, t *transaction, text string, args ...any) (int, error) {
	ids, err := t.strings(ctx, text, args...)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return len(ids), t.remember(ctx, endedToken, ids...)
}

// endAdminTokens ends the tokens with which somebody could administer, because they aren't an administrator any more.
func endAdminTokens(ctx context.Context, t *transaction, userID string) error {
	all, err := readTokens(ctx, t, sqlTokensOf, userID, t.now, MaxTokens)
	if err != nil {
		return err
	}
	for _, x := range all {
		if !x.Has(Administer) {
			continue
		}
		if _, err := forgetTokens(ctx, t, sqlEndToken, userID, x.ID); err != nil {
			return err
		}
	}
	return nil
}

// endAccess ends all sessions of a user except keep ("": all), and all tokens.
func endAccess(ctx context.Context, t *transaction, userID, keep string) error {
	if err := endSessionsOf(ctx, t, userID, keep); err != nil {
		return err
	}
	_, err := forgetTokens(ctx, t, sqlEndTokens, userID)
	return err
}

// pruneTokens deletes tokens that have expired or that nobody has used for a year.
func pruneTokens(ctx context.Context, t *transaction) error {
	if _, err := t.exec(ctx, sqlOldTokens, t.now); err != nil {
		return err
	}
	_, err := forgetTokens(ctx, t, sqlUnusedTokens, t.now-TokenUnused.Milliseconds())
	return err
}

// TouchTokens stores when tokens, by ID, were last used. It never moves a time back. Other processes don't need to
// notice.
func (s *Store) TouchTokens(ctx context.Context, used map[string]time.Time) error {
	return wrap("touch tokens", s.stampAll(ctx, touchTokensSQL, used))
}
