package accounts

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
)

// Limits of claims.
const (
	MaxClaims   = 20 // of one person at once
	MaxKey      = 40 // characters of a key
	MaxClaimAge = 30 * 24 * time.Hour
	MinLease    = 15 * time.Second
	MaxLease    = 24 * time.Hour
)

const (
	claimColumns = `c.user_id, c.key, c.state, c.text, c.emoji, c.until, c.ends_at, c.set_at, c.token_id`

	sqlClaims        = `SELECT ` + claimColumns + ` FROM claims c WHERE c.user_id = $1 ORDER BY c.key`
	sqlLiveClaims    = `SELECT ` + claimColumns + ` FROM claims c WHERE c.ends_at > $1`
	sqlChangedClaims = `SELECT ` + claimColumns + ` FROM users u JOIN claims c ON c.user_id = u.id WHERE u.rev > $1`
	sqlPutClaim      = `INSERT INTO claims (user_id, key, state, text, emoji, until, ends_at, set_at, token_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (user_id, key) DO UPDATE SET state = excluded.state, text = excluded.text, emoji = excluded.emoji,
		until = excluded.until, ends_at = excluded.ends_at, set_at = excluded.set_at, token_id = excluded.token_id`
	sqlDropClaim    = `DELETE FROM claims WHERE user_id = $1 AND key = $2 RETURNING ends_at`
	sqlDropEnded    = `DELETE FROM claims WHERE user_id = $1 AND ends_at <= $2`
	sqlOldClaims    = `DELETE FROM claims WHERE ends_at <= $1`
	sqlClaimChanged = `UPDATE users SET rev = $2 WHERE id = $1`
)

// Claim is what a program says about a person under a key. It always ends. The person's own status has precedence.
type Claim struct {
	Key   string
	State string    // away, dnd, or "" for a claim that has only a text
	Text  string    // at most 140 runes
	Emoji string    // one, next to the text
	Until time.Time // what others are told about its end; zero if they aren't told
	Ends  time.Time // Until, or the end of its lease if that comes first; others aren't told
	SetAt time.Time // of the last change that others can see
	Token string    // ID of the token that set it; "" if none
}

// saysSameAs reports whether others see the same of c and o.
func (c Claim) saysSameAs(o Claim) bool {
	return c.State == o.State && c.Text == o.Text && c.Emoji == o.Emoji && c.Until.Equal(o.Until)
}

type claimRow struct {
	userID             string
	claim              Claim
	until, ends, setAt int64
}

func (r *claimRow) dest() []any {
	c := &r.claim
	return []any{&r.userID, &c.Key, &c.State, &c.Text, &c.Emoji, &r.until, &r.ends, &r.setAt, &c.Token}
}

func (r *claimRow) finish() Claim {
	c := r.claim
	c.Until, c.Ends, c.SetAt = at(r.until), at(r.ends), at(r.setAt)
	return c
}

func readClaims(ctx context.Context, from reader, userID string) ([]Claim, error) {
	rows, err := from.query(ctx, sqlClaims, userID)
	if err != nil {
		return nil, err
	}
	found, err := collect(rows, (*claimRow).dest)
	var claims []Claim
	for i := range found {
		claims = append(claims, found[i].finish())
	}
	return claims, err
}

// Claims returns the claims about a person that haven't ended, by key.
func (s *Store) Claims(ctx context.Context, userID string) ([]Claim, error) {
	claims, err := readClaims(ctx, s.r, userID)
	now := s.now()
	claims = slices.DeleteFunc(claims, func(c Claim) bool { return !now.Before(c.Ends) })
	return claims, wrap("list claims", err)
}

// PutClaim sets a claim about a person. Repeating the call renews its lease, and changes nothing that others see. The
// claim ends at c.Until, or after lease unless it's renewed; it needs at least one of the two. The store sets Ends and
// SetAt. created is false if there was a claim with this key. Errors: *FieldError about key, state, text, emoji, until,
// lease, or, if the person has too many, claims; ErrNotFound.
func (s *Store) PutClaim(ctx context.Context, userID string, c Claim, lease time.Duration) (set Claim, created bool,
	err error) {
	if c, err = cleanClaim(c, lease, s.now()); err != nil {
		return Claim{}, false, err
	}
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		set, created, err = putClaim(ctx, t, userID, c, lease)
		return err
	})
	return set, created, wrap("put claim", err)
}

func putClaim(ctx context.Context, t *transaction, userID string, c Claim, lease time.Duration) (Claim, bool, error) {
	if _, err := t.exec(ctx, sqlDropEnded, userID, t.now); err != nil {
		return c, false, err
	}
	claims, err := readClaims(ctx, t, userID)
	if err != nil {
		return c, false, err
	}
	c.SetAt, c.Ends = at(t.now), c.Until
	if end := at(t.now).Add(lease); lease > 0 && (c.Until.IsZero() || end.Before(c.Until)) {
		c.Ends = end
	}
	i := slices.IndexFunc(claims, func(o Claim) bool { return o.Key == c.Key })
	switch {
	case i < 0 && len(claims) >= MaxClaims:
		return c, false, &FieldError{Field: "claims", Code: TooMany, Limit: MaxClaims}
	case i >= 0 && c.saysSameAs(claims[i]):
		c.SetAt = claims[i].SetAt
	}
	if i >= 0 && c == claims[i] {
		return c, false, nil
	}
	if err := claimChanged(ctx, t, userID); err != nil {
		return c, false, err
	}
	_, err = t.exec(ctx, sqlPutClaim, userID, c.Key, c.State, c.Text, c.Emoji, milli(c.Until), milli(c.Ends),
		milli(c.SetAt), c.Token)
	return c, i < 0, err
}

// DeleteClaim ends a claim now, and reports whether it hadn't ended yet.
func (s *Store) DeleteClaim(ctx context.Context, userID, key string) (ended bool, err error) {
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		var ends int64
		err := t.queryRow(ctx, sqlDropClaim, []any{userID, key}, &ends)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if ended = err == nil && ends > t.now; !ended {
			return err
		}
		return claimChanged(ctx, t, userID)
	})
	return ended, wrap("delete claim", err)
}

// claimChanged has all processes read a person's claims again. It returns ErrNotFound if there's no such person.
func claimChanged(ctx context.Context, t *transaction, userID string) error {
	rev, err := t.nextRev(ctx)
	if err != nil {
		return err
	}
	n, err := t.exec(ctx, sqlClaimChanged, userID, rev)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// addClaims adds the claims that text selects to facts, without those that have ended. If a person isn't among facts,
// claims are all that is special about them.
func addClaims(ctx context.Context, t *transaction, facts []Facts, text string, arg int64) ([]Facts, error) {
	rows, err := t.query(ctx, text, arg)
	if err != nil {
		return nil, err
	}
	found, err := collect(rows, (*claimRow).dest)
	if err != nil || len(found) == 0 {
		return facts, err
	}
	index := make(map[string]int, len(facts))
	for i := range facts {
		index[facts[i].UserID] = i
	}
	for i := range found {
		r := &found[i]
		if r.ends <= t.now {
			continue
		}
		at, known := index[r.userID]
		if !known {
			at, facts = len(facts), append(facts, Facts{UserID: r.userID})
			index[r.userID] = at
		}
		facts[at].Claims = append(facts[at].Claims, r.finish())
	}
	for i := range facts {
		slices.SortFunc(facts[i].Claims, func(a, b Claim) int { return strings.Compare(a.Key, b.Key) })
	}
	return facts, nil
}

// cleanClaim returns c in its stored form, or a *FieldError.
func cleanClaim(c Claim, lease time.Duration, now time.Time) (Claim, error) {
	if err := CheckKey(c.Key); err != nil {
		return c, err
	}
	if c.State == "online" { // only a person or a connected device says so
		return c, &FieldError{Field: "state", Code: NotAnOption, Detail: "claim"}
	}
	w, err := cleanStatus(Status{State: c.State, Text: c.Text, Emoji: c.Emoji, Until: c.Until}, now)
	if e, ok := errors.AsType[*FieldError](err); ok && e.Field == "state" {
		e.Detail = "claim"
	}
	switch {
	case err != nil:
		return c, err
	case !w.says():
		return c, &FieldError{Field: "state", Code: Missing, Detail: "claim"}
	case c.Until.IsZero() && lease == 0:
		return c, &FieldError{Field: "until", Code: Missing}
	case c.Until.After(now.Add(MaxClaimAge)):
		return c, &FieldError{Field: "until", Code: TooFarAhead, Limit: int(MaxClaimAge / (24 * time.Hour))}
	case lease != 0 && (lease < MinLease || lease > MaxLease):
		return c, wrongField("lease", OutOfRange)
	}
	c.State, c.Text, c.Emoji, c.Until = w.State, w.Text, w.Emoji, at(milli(w.Until))
	return c, nil
}

// CheckKey returns a *FieldError about key unless key can name a claim or a device of a person: 1 to 40 of a-z, 0-9,
// dots, dashes and underscores, beginning with a letter or digit, so that it can be part of any URL.
func CheckKey(key string) error {
	switch {
	case key == "":
		return wrongField("key", Missing)
	case len(key) > MaxKey:
		return tooLong("key", MaxKey)
	case strings.ContainsFunc(key, func(r rune) bool { return !isKeyRune(r) }):
		return wrongField("key", BadCharacter)
	case strings.ContainsAny(key[:1], ".-_"):
		return wrongField("key", BadStart)
	}
	return nil
}

func isKeyRune(r rune) bool {
	return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '.' || r == '-' || r == '_'
}
