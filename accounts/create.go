package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

const sqlCreate = `INSERT INTO users (id, username_key, display_name, team, sort_key, last_seen, team_key, admin,
	disabled, idle_after, status_state, status_text, status_emoji, status_until, status_set_at, invisible, invisible_since,
	created_at, rev, password_hash, name_key, email, email_key)
	VALUES ($1, $2, $3, $4, $5, 0, $6, $7, FALSE, 0, '', '', '', 0, 0, FALSE, 0, $8, $9, $10, $11, $12, $13)`

// newRow is a NewUser that has passed all checks except for uniqueness.
type newRow struct {
	username, displayName, team, teamKey string
	password                             string // still to be hashed, or ""
	hash                                 string
	linked                               bool // has no password, but a link to choose one
	admin                                bool
	email, emailKey                      string
}

// prepareUser checks everything about n that doesn't need the database, and returns all errors. An invalid username
// becomes "".
func prepareUser(n NewUser) (r newRow, wrong FieldErrors) {
	r = newRow{admin: n.Admin, password: n.Password, linked: n.NoPassword}
	var err error
	if r.username, err = FoldUsername(n.Username); err == nil && isReserved(r.username) && !n.Admin {
		r.username, err = "", wrongField("username", Reserved)
	}
	wrong.add(err)
	r.displayName, err = cleanDisplayName(n.DisplayName)
	wrong.add(err)
	if r.displayName == "" {
		r.displayName = r.username
	}
	r.team, r.teamKey, err = cleanTeam(n.Team)
	wrong.add(err)
	r.email, r.emailKey, err = CleanEmail(n.Email)
	wrong.add(err)
	r.hash, err = prepareHash(r.username, n)
	wrong.add(err)
	return r, wrong
}

// prepareHash returns the hash of n, or "" if n has a password that must still be hashed.
func prepareHash(username string, n NewUser) (string, error) {
	if n.NoPassword && n.Password+n.PasswordHash == "" {
		return noPassword, nil
	}
	if n.PasswordHash == "" {
		return "", checkPassword(username, n.Password)
	}
	if n.Password != "" {
		return "", wrongField("password", HashToo)
	}
	stored, err := parsePHC(n.PasswordHash)
	if err != nil {
		return "", &FieldError{Field: "password", Code: BadHash, Detail: err.Error()}
	}
	return stored.String(), nil
}

// HashPassword returns a hash of password for NewUser.PasswordHash, for many users who share one password, as in a
// demo. It doesn't check the password, and returns ErrBusy if too many passwords wait to be hashed.
func (s *Store) HashPassword(ctx context.Context, password string) (string, error) {
	return s.hash.hash(ctx, password, hashWait)
}

// hashRow hashes the password of r, unless r has a hash already.
func (s *Store) hashRow(ctx context.Context, r *newRow) (err error) {
	if r.hash == "" {
		r.hash, err = s.hash.hash(ctx, r.password, hashWait)
	}
	return err
}

// Create adds a user. Errors: FieldErrors for all invalid fields, including a taken username (ErrTaken), and ErrBusy if
// too many passwords wait to be hashed. If several callers create the same name at once, one succeeds. The team is
// spelled as its first member spelled it.
func (s *Store) Create(ctx context.Context, n NewUser) (User, error) {
	r, err := s.prepare(ctx, n)
	if err != nil {
		return User{}, err
	}
	var user User
	err = s.write(ctx, func(ctx context.Context, t *transaction) (err error) {
		user, err = createUser(ctx, t, r)
		return err
	})
	if err != nil {
		return User{}, fmt.Errorf("create user: %w", err)
	}
	return user, nil
}

// prepare checks n, including whether its name is free, and hashes its password. Errors: those of Create.
func (s *Store) prepare(ctx context.Context, n NewUser) (newRow, error) {
	n.NoPassword = false
	r, wrong := prepareUser(n)
	if r.username != "" {
		err := s.checkFree(ctx, r.username)
		if wrong.add(err); err != nil && !errors.Is(err, ErrTaken) {
			return r, err
		}
	}
	if len(wrong) > 0 {
		return r, wrong
	}
	return r, s.hashRow(ctx, &r)
}

// createUser adds one user.
func createUser(ctx context.Context, t *transaction, r newRow) (User, error) {
	ids, err := insertUsers(ctx, t, []newRow{r})
	if err != nil {
		return User{}, err
	}
	if err := t.audit(ctx, UserCreated, TargetUser(ids[0]), nil); err != nil {
		return User{}, err
	}
	return readUser(ctx, t, sqlUserByID, []any{ids[0]})
}

// checkFree returns an error for a taken name, to save its hashing. The unique key makes the final decision.
func (s *Store) checkFree(ctx context.Context, username string) error {
	var one int
	err := s.r.queryRow(ctx, sqlNameTaken, []any{username}, &one)
	switch {
	case err == nil:
		return wrongField("username", Taken)
	case errors.Is(err, sql.ErrNoRows):
		return nil
	}
	return fmt.Errorf("look for username: %w", err)
}

// hashAll hashes the passwords of rows without a hash. It waits for free workers until ctx ends.
func (s *Store) hashAll(ctx context.Context, rows []newRow) error {
	const forever = time.Duration(1<<63 - 1)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan *newRow)
	var workers sync.WaitGroup
	for range cap(s.hash.slots) {
		workers.Go(func() {
			for r := range next {
				hash, err := s.hash.hash(ctx, r.password, forever)
				if err != nil {
					cancel(err)
				}
				r.hash = hash
			}
		})
	}
	for i := range rows {
		if rows[i].hash == "" && !rows[i].linked && ctx.Err() == nil {
			next <- &rows[i]
		}
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}

// insertUsers adds rows of users and their search words, and returns the new ids.
func insertUsers(ctx context.Context, t *transaction, rows []newRow) (ids []string, err error) {
	rev, err := t.nextRev(ctx)
	if err == nil {
		err = t.changesLists(ctx)
	}
	if err != nil {
		return nil, err
	}
	var users, words []any
	spelled := map[string]string{} // teams by key
	for _, r := range rows {
		id, err := newID()
		if err != nil {
			return nil, err
		}
		team, known := spelled[r.teamKey]
		if !known {
			if team, err = teamSpelling(ctx, t, r.teamKey, r.team); err != nil {
				return nil, err
			}
			spelled[r.teamKey] = team
		}
		p := sortKey(r.teamKey, r.displayName, id)
		users = append(users, id, r.username, r.displayName, team, p, r.teamKey, r.admin, t.now, rev, r.hash,
			nameKey(p), r.email, r.emailKey)
		for _, word := range nameWords(r.displayName, r.username) {
			words = append(words, word, p)
		}
		ids = append(ids, id)
	}
	err = insert(ctx, t, sqlCreate, users)
	if isDuplicate(err) {
		return nil, FieldErrors{duplicate(err)}
	}
	if err != nil {
		return nil, err
	}
	return ids, insert(ctx, t, sqlAddWord, words)
}

// duplicate says what two users can't both have.
func duplicate(err error) *FieldError {
	if isDuplicateEmail(err) {
		return wrongField("email", EmailTaken)
	}
	return wrongField("username", Taken)
}

// rowsAtOnce is the number of rows that one statement adds. It saves round trips to a remote server, during which other
// writers wait.
const rowsAtOnce = 50

var (
	rowParameter = regexp.MustCompile(`\$(\d+)`)
	manyRows     = map[string]string{sqlCreate: rowsSQL(sqlCreate, rowsAtOnce),
		sqlAddWord: rowsSQL(sqlAddWord, rowsAtOnce)}
)

// insert adds rows. text is the statement for one row, and args are the arguments of all rows.
func insert(ctx context.Context, t *transaction, text string, args []any) error {
	each := parametersOf(text)
	for len(args) > 0 {
		n, statement := each, text
		if len(args) >= rowsAtOnce*each {
			n, statement = rowsAtOnce*each, manyRows[text]
		}
		if _, err := t.exec(ctx, statement, args[:n]...); err != nil {
			return err
		}
		args = args[n:]
	}
	return nil
}

// rowsSQL turns a statement that adds one row, with its parameters in order, into one that adds n rows.
func rowsSQL(text string, n int) string {
	into, row, _ := strings.Cut(text, "VALUES ")
	var b strings.Builder
	b.WriteString(into + "VALUES " + row)
	for i := 1; i < n; i++ {
		b.WriteString(", " + rowParameter.ReplaceAllStringFunc(row, func(p string) string {
			number, _ := strconv.Atoi(p[1:])
			return fmt.Sprintf("$%d", number+i*parametersOf(text))
		}))
	}
	return b.String()
}

// parametersOf returns the number of parameters of a statement that uses each of them once.
func parametersOf(text string) int { return strings.Count(text, "$") }
