package accounts

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"
)

// setupCode is the name of a stored value, until the board is set up.
const setupCode = "setup_code"

const (
	sqlAnyUser = `SELECT 1 FROM users WHERE id > '' LIMIT 1`
	sqlSetting = `SELECT value FROM settings WHERE name = $1`
	sqlSet     = `INSERT INTO settings (name, value, rev) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value, rev = excluded.rev`
	sqlSetOnce = `INSERT INTO settings (name, value, rev) VALUES ($1, $2, 0) ON CONFLICT (name) DO NOTHING`
	sqlUnset   = `DELETE FROM settings WHERE name = $1`
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
// none. If several callers set up a board at once, one succeeds. It ends the setup code. Errors: ErrSetUp if there is an
// administrator, FieldErrors for all invalid fields, and ErrBusy if too many passwords wait to be hashed.
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
	if _, err := t.exec(ctx, sqlUnset, setupCode); err != nil {
		return User{}, err
	}
	if err := t.audit(ctx, BoardSetUp, TargetUser(ids[0]), nil); err != nil {
		return User{}, err
	}
	return readUser(ctx, t, sqlUserByID, []any{ids[0]})
}

// SetupCode returns the code that proves control of the server to those who set up the board. It's "" if MakeSetupCode
// hasn't made one, or if it has been used.
func (s *Store) SetupCode(ctx context.Context) (string, error) {
	code, err := s.setting(ctx, setupCode)
	return code, wrap("read the setup code", err)
}

// MakeSetupCode makes a setup code unless there is one, and returns it. All servers on a database have the same code,
// so it doesn't matter which one a request reaches.
func (s *Store) MakeSetupCode(ctx context.Context) (code string, err error) {
	if code, err = s.SetupCode(ctx); code != "" || err != nil {
		return code, err
	}
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		if _, err := t.exec(ctx, sqlSetOnce, setupCode, newSetupCode()); err != nil {
			return err
		}
		return t.queryRow(ctx, sqlSetting, []any{setupCode}, &code)
	})
	return code, wrap("make a setup code", err)
}

// newSetupCode returns 80 random bits in a form that people can type.
func newSetupCode() string {
	text := strings.ToLower(rand.Text())
	return text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:16]
}

// setting returns a stored setting, or "".
func (s *Store) setting(ctx context.Context, name string) (value string, err error) {
	err = s.r.queryRow(ctx, sqlSetting, []any{name}, &value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}
