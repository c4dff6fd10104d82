package accounts

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"
	"time"
)

// Limits of setup codes.
const (
	SetupCodeAge  = 24 * time.Hour
	maxSetupCodes = 5 // at a time: one for each server that starts
)

const (
	setupLink = "setup"      // the kind of links that setup codes are
	setupCode = "setup_code" // the name under which older versions stored a code
)

const (
	sqlAnyUser = `SELECT 1 FROM users WHERE id > '' LIMIT 1`
	sqlSet     = `INSERT INTO settings (name, value, rev) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value, rev = excluded.rev`
	sqlUnset = `DELETE FROM settings WHERE name = $1`

	sqlAnySetupCode  = `SELECT 1 FROM links WHERE kind = 'setup' AND expires_at > $1 LIMIT 1`
	sqlIsSetupCode   = `SELECT 1 FROM links WHERE token_hash = $1 AND kind = 'setup' AND expires_at > $2`
	sqlOldSetupCodes = `DELETE FROM links WHERE kind = 'setup' AND token_hash NOT IN
		(SELECT token_hash FROM links WHERE kind = 'setup' ORDER BY created_at DESC, token_hash LIMIT $1)`
	sqlDropSetupCodes = `DELETE FROM links WHERE kind = 'setup'`
)

// ErrSetUp says that the board has an administrator, so nobody can set it up any more.
var ErrSetUp = errors.New("this board has already been set up")

// CleanBoardName returns the name of a board in the form in which it's stored. Error: *FieldError about board_name.
func CleanBoardName(name string) (string, error) {
	name, err := cleanLine("board_name", name, maxName)
	if err == nil && name == "" {
		err = wrongField("board_name", Missing)
	}
	return name, err
}

// Empty reports whether there are no accounts, disabled ones included.
func (s *Store) Empty(ctx context.Context) (bool, error) {
	empty, err := nobody(ctx, s.r)
	return empty, wrap("look for accounts", err)
}

func nobody(ctx context.Context, from reader) (bool, error) {
	var one int
	err := from.queryRow(ctx, sqlAnyUser, nil, &one)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	return false, err
}

// SetUp creates the account of the first administrator, and stores the name of the board; with a nil name, it stores
// none. If several callers set up a board at once, one succeeds. It ends all setup codes. Errors: ErrSetUp if there is
// an administrator, FieldErrors for all invalid fields, and ErrBusy if too many passwords wait to be hashed.
func (s *Store) SetUp(ctx context.Context, n NewUser, board *string) (User, error) {
	if has, err := anyAdmin(ctx, s.r); err != nil || has { // saves the hashing; the transaction decides
		return User{}, errors.Join(err, setUpIf(has))
	}
	n.Admin = true
	r, wrong := prepareUser(n)
	var name string
	if board != nil {
		var err error
		name, err = CleanBoardName(*board)
		wrong.add(err)
	}
	if len(wrong) > 0 {
		return User{}, wrong
	}
	if err := s.hashRow(ctx, &r); err != nil {
		return User{}, err
	}
	var user User
	err := s.write(ctx, func(ctx context.Context, t *transaction) (err error) {
		user, err = setUp(ctx, t, r, name)
		return err
	})
	if err != nil {
		return User{}, wrap("set up", err)
	}
	return user, nil
}

func setUpIf(has bool) error {
	if has {
		return ErrSetUp
	}
	return nil
}

func setUp(ctx context.Context, t *transaction, r newRow, board string) (User, error) {
	if has, err := anyAdmin(ctx, t); err != nil || has {
		return User{}, errors.Join(err, setUpIf(has))
	}
	ids, err := insertUsers(ctx, t, []newRow{r})
	if err != nil {
		return User{}, err
	}
	rev, err := t.nextRev(ctx)
	if err != nil {
		return User{}, err
	}
	if board != "" {
		if _, err := t.exec(ctx, sqlSet, "board_name", board, rev); err != nil {
			return User{}, err
		}
	}
	if _, err := t.exec(ctx, sqlDropSetupCodes); err != nil {
		return User{}, err
	}
	if _, err := t.exec(ctx, sqlUnset, setupCode); err != nil {
		return User{}, err
	}
	if err := t.audit(ctx, BoardSetUp, TargetUser(ids[0]), nil); err != nil {
		return User{}, err
	}
	return readUser(ctx, t, sqlUserByID, []any{ids[0]})
}

// HasSetupCode reports whether somebody can set up the board with a code from the log of a server.
func (s *Store) HasSetupCode(ctx context.Context) (bool, error) {
	return s.found(ctx, sqlAnySetupCode, s.nowMilli())
}

// IsSetupCode reports whether typed is a setup code, which proves control of the server to those who set up the board.
// Case, spaces and dashes don't count.
func (s *Store) IsSetupCode(ctx context.Context, typed string) (bool, error) {
	return s.found(ctx, sqlIsSetupCode, setupHash(typed), s.nowMilli())
}

func (s *Store) found(ctx context.Context, text string, args ...any) (bool, error) {
	var one int
	err := s.r.queryRow(ctx, text, args, &one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, wrap("look for a setup code", err)
}

// MakeSetupCode returns a new setup code, valid for SetupCodeAge. Only its hash is stored. The codes of the last
// maxSetupCodes calls are valid, on every server of the database, so it doesn't matter which one a request reaches.
func (s *Store) MakeSetupCode(ctx context.Context) (string, error) {
	code := newSetupCode()
	err := s.write(ctx, func(ctx context.Context, t *transaction) error {
		_, err := t.exec(ctx, sqlAddLink, setupHash(code), setupLink, nil, "", "", 1, string(t.actor), t.now,
			t.now+SetupCodeAge.Milliseconds())
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, sqlUnset, setupCode); err != nil { // an older version stored the code itself
			return err
		}
		_, err = t.exec(ctx, sqlOldSetupCodes, maxSetupCodes)
		return err
	})
	if err != nil {
		return "", wrap("make a setup code", err)
	}
	return code, nil
}

func setupHash(code string) string {
	return hashToken([]byte(strings.NewReplacer("-", "", " ", "", "\t", "").Replace(strings.ToLower(code))))
}

// newSetupCode returns 80 random bits in a form that people can type.
func newSetupCode() string {
	text := strings.ToLower(rand.Text())
	return text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:16]
}
