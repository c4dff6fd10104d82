package accounts

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"
	"time"
)

// Limits of shares.
const (
	MaxShares     = 20  // of one person
	SharesPerDay  = 50  // that one person makes, so that the audit log has room for what others do
	MaxOrigins    = 10  // of one embed
	MaxShareDays  = 365 // until it expires, if it does
	ShareDays     = 90  // by default
	maxOriginSize = 255 // bytes
	sharesAtOnce  = 100 // that one Prune deletes
)

// ShareKind says what a share shows.
type ShareKind string

// The kinds of shares.
const (
	WallShare   ShareKind = "wall"   // a board for a screen on a wall
	PersonShare ShareKind = "person" // the state of its owner, as text, JSON, and badges
	EmbedShare  ShareKind = "embed"  // a list for other web pages, with only people who agreed to be on such pages
)

const endedShare = "share" // a kind of tombstones

// ErrNoShare says that a share doesn't exist, was revoked, or has expired, or that its owner has no enabled account.
var ErrNoShare = errors.New("no such share")

// Share lets others see people without an account, by a token in the address. It sees with the eyes of its owner. Its
// times have the precision of a day, so that they don't tell when somebody was here.
type Share struct {
	ID        string
	UserID    string // the owner
	Kind      ShareKind
	Label     string // for the owner
	Team      string // whose people it shows; "": everyone whom the owner sees
	Counts    bool   // shows only counts
	Texts     bool   // shows texts of statuses
	Origins   []string
	Key       string // the token of an embed, which isn't secret; "": of others, whose token isn't stored
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
	UsedAt    time.Time // zero: never
}

// NewShare is a share to make.
type NewShare struct {
	Kind    ShareKind
	Label   string // at most 64 runes
	Team    string // "": everyone whom the owner sees; ignored for PersonShare
	Counts  bool   // ignored for PersonShare
	Texts   bool
	Origins []string // only for EmbedShare, which needs at least one
	Days    int      // until it expires, at most MaxShareDays; 0: never
}

const (
	shareColumns = `id, user_id, kind, label, team, counts, texts, origins, public_key, created_at, expires_at, used_at`

	sqlAddShare = `INSERT INTO shares (id, token_hash, user_id, kind, label, team, counts, texts, origins, public_key,
		created_at, expires_at, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0)`
	sqlShare  = `SELECT ` + shareColumns + ` FROM shares WHERE token_hash = $1 AND (expires_at = 0 OR expires_at > $2)`
	sqlShares = `SELECT ` + shareColumns + ` FROM shares
		WHERE user_id = $1 AND (expires_at = 0 OR expires_at > $2) ORDER BY created_at DESC, id LIMIT $3`
	sqlCountShares  = `SELECT count(*) FROM shares WHERE user_id = $1 AND (expires_at = 0 OR expires_at > $2)`
	sqlRevokeShare  = `DELETE FROM shares WHERE user_id = $1 AND id = $2 RETURNING kind`
	sqlDropSharesOf = `DELETE FROM shares WHERE user_id = $1 RETURNING id`
	sqlSharesOfTeam = `SELECT id FROM shares WHERE team = $1 AND team <> ''`
	sqlShareTeams   = `SELECT DISTINCT team FROM shares WHERE team > '' AND team <> ''`
	sqlMoveShares   = `UPDATE shares SET team = $2 WHERE team = $1 AND team <> ''`
	sqlOldShares    = `DELETE FROM shares WHERE id IN
		(SELECT id FROM shares WHERE expires_at <= $1 AND expires_at <> 0 LIMIT $2) RETURNING id`
)

type shareRow struct {
	Share
	origins                string
	created, expires, used int64
}

func (r *shareRow) dest() []any {
	return []any{&r.ID, &r.UserID, &r.Kind, &r.Label, &r.Team, &r.Counts, &r.Texts, &r.origins, &r.Key, &r.created,
		&r.expires, &r.used}
}

func (r *shareRow) finish() Share {
	x := r.Share
	x.Origins = strings.Fields(r.origins)
	x.CreatedAt, x.ExpiresAt, x.UsedAt = at(r.created), at(r.expires), at(r.used)
	return x
}

// clean checks n and returns it in the form in which it's stored.
func (n NewShare) clean() (NewShare, FieldErrors) {
	var wrong FieldErrors
	var err error
	n.Label, err = cleanLine("label", n.Label, maxLabel)
	wrong.add(err)
	n.Team, _, err = cleanTeam(n.Team)
	wrong.add(err)
	switch n.Kind {
	case WallShare:
		n.Origins = nil
	case PersonShare:
		n.Team, n.Counts, n.Origins = "", false, nil
	case EmbedShare:
		n.Origins, err = cleanOrigins(n.Origins)
		wrong.add(err)
	default:
		wrong.add(wrongField("kind", NotAnOption))
	}
	if n.Days < 0 || n.Days > MaxShareDays {
		wrong.add(&FieldError{Field: "days", Code: OutOfRange, Limit: MaxShareDays})
	}
	return n, wrong
}

// MakeShare makes a share of a person and returns its token. Only its hash is stored, except for embeds. Errors:
// FieldErrors about kind, label, team, origins or days; a *FieldError about shares if the person has too many, or
// has made too many today (Detail is "day"); ErrNotFound.
func (s *Store) MakeShare(ctx context.Context, userID string, n NewShare) (token string, _ Share, err error) {
	n, wrong := n.clean()
	if len(wrong) > 0 {
		return "", Share{}, wrong
	}
	token, hash := newShareToken()
	made := Share{ID: rand.Text(), UserID: userID, Kind: n.Kind, Label: n.Label, Team: n.Team, Counts: n.Counts,
		Texts: n.Texts, Origins: n.Origins}
	if n.Kind == EmbedShare {
		made.Key = token
	}
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		made.CreatedAt = at(t.now).Truncate(wholeDay)
		if n.Days > 0 {
			made.ExpiresAt = made.CreatedAt.Add(time.Duration(n.Days+1) * wholeDay)
		}
		return addShare(ctx, t, made, hash)
	})
	if err != nil {
		return "", Share{}, wrap("make share", err)
	}
	return token, made, nil
}

const wholeDay = 24 * time.Hour

func addShare(ctx context.Context, t *transaction, x Share, hash string) error {
	if u, err := readUser(ctx, t, sqlUserByID, []any{x.UserID}); err != nil || u.Disabled {
		return errors.Join(err, ErrNotFound)
	}
	has, err := t.count(ctx, sqlCountShares, x.UserID, t.now)
	if err != nil {
		return err
	}
	if has >= MaxShares {
		return &FieldError{Field: "shares", Code: TooMany, Limit: MaxShares}
	}
	if err := wantFewToday(ctx, t, ShareMade, "shares", SharesPerDay); err != nil {
		return err
	}
	_, err = t.exec(ctx, sqlAddShare, x.ID, hash, x.UserID, string(x.Kind), x.Label, x.Team, x.Counts, x.Texts,
		strings.Join(x.Origins, "\n"), x.Key, milli(x.CreatedAt), milli(x.ExpiresAt))
	if err != nil {
		return err
	}
	return t.audit(ctx, ShareMade, TargetUser(x.UserID), map[string]string{"kind": string(x.Kind)})
}

// ShareByToken returns the share of a token, and its owner. Error: ErrNoShare.
func (s *Store) ShareByToken(ctx context.Context, token string) (Share, User, error) {
	hash, ok := shareHash(token)
	if !ok {
		return Share{}, User{}, ErrNoShare
	}
	var r shareRow
	err := s.r.queryRow(ctx, sqlShare, []any{hash, s.nowMilli()}, r.dest()...)
	if errors.Is(err, sql.ErrNoRows) {
		return Share{}, User{}, ErrNoShare
	}
	if err != nil {
		return Share{}, User{}, wrap("read share", err)
	}
	owner, err := readUser(ctx, s.r, sqlUserByID, []any{r.UserID})
	if errors.Is(err, ErrNotFound) || err == nil && owner.Disabled {
		return Share{}, User{}, ErrNoShare
	}
	return r.finish(), owner, wrap("read the owner of a share", err)
}

// Shares returns the shares of a person that haven't expired, the newest first.
func (s *Store) Shares(ctx context.Context, userID string) ([]Share, error) {
	all, err := readShares(ctx, s.r, userID, s.nowMilli())
	return all, wrap("list shares", err)
}

func readShares(ctx context.Context, from reader, userID string, now int64) ([]Share, error) {
	rows, err := from.query(ctx, sqlShares, userID, now, MaxShares)
	if err != nil {
		return nil, err
	}
	found, err := collect(rows, (*shareRow).dest)
	all := make([]Share, len(found))
	for i := range found {
		all[i] = found[i].finish()
	}
	return all, err
}

// TouchShares stores the days on which shares, by ID, were used.
func (s *Store) TouchShares(ctx context.Context, used map[string]time.Time) error {
	days := make(map[string]time.Time, len(used))
	for id, at := range used {
		days[id] = at.UTC().Truncate(wholeDay)
	}
	return wrap("stamp the use of shares", s.stampAll(ctx, shareUseSQL, days))
}

func shareUseSQL(n int) string { return stampSQL("shares", "used_at", n) }
