package accounts

import (
	"context"
	"errors"
	"slices"
)

// MaxBulk is the maximum number of people that one change can be about.
const MaxBulk = 100

// ListedUser is a user on a list for administrators. It has nothing that tells when they are or were here.
type ListedUser struct {
	User
	Waiting bool // for approval
}

// Which selects users for a list.
type Which string

// The values of Which.
const (
	AllUsers      Which = ""
	AdminUsers    Which = "admins"
	DisabledUsers Which = "disabled" // those who wait for approval included
)

// UserOrder is the order of a list.
type UserOrder string

// The values of UserOrder.
const (
	ByName     UserOrder = ""
	ByUsername UserOrder = "username"
	Newest     UserOrder = "newest"
)

// UserQuery selects one page of a list of users for administrators. Search only finds enabled users, or disabled ones
// with DisabledUsers. With Search, Team or Which, the order is by name; a search of enabled users is in the order of
// the board.
type UserQuery struct {
	Search string
	Team   *string // any spelling; "": users without a team; nil: all
	Which  Which
	Order  UserOrder
	After  string // UserPage.Next of the page before
	Limit  int    // at most MaxPage; 0: 50
}

// UserPage is one page of a list.
type UserPage struct {
	Users []ListedUser
	Next  string // After of the next page; "": this is the last one
}

const (
	listedColumns = `SELECT ` + userColumns + `, u.waiting_since > 0, u.name_key FROM users u `

	sqlListByName     = listedColumns + `WHERE u.name_key > $1 ORDER BY u.name_key LIMIT $2`
	sqlListByUsername = listedColumns + `WHERE u.username_key > $1 ORDER BY u.username_key LIMIT $2`
	sqlListNewest     = listedColumns + `WHERE u.id < $1 ORDER BY u.id DESC LIMIT $2`
	sqlListTeam       = listedColumns + `WHERE u.team_key = $3 AND u.name_key > $1 ORDER BY u.name_key LIMIT $2`
	sqlListAdmins     = listedColumns + `WHERE u.admin AND u.name_key > $1 ORDER BY u.name_key LIMIT $2`
	sqlListDisabled   = listedColumns + `WHERE u.disabled AND u.name_key > $1 ORDER BY u.name_key LIMIT $2`
	sqlListed         = listedColumns + `WHERE u.id = $1`

	sqlCountFew = `SELECT (SELECT count(*) FROM users WHERE admin AND name_key > ''),
		(SELECT count(*) FROM users WHERE disabled AND name_key > ''),
		(SELECT count(*) FROM users WHERE waiting_since > 0),
		(SELECT count(*) FROM links WHERE kind = 'invite' AND uses_left > 0 AND expires_at > $1)`
	sqlCountMany = `SELECT (SELECT count(*) FROM users WHERE team_key > ''), (SELECT count(*) FROM users WHERE team_key = $1)`
)

// lastUserID sorts after every user ID.
const lastUserID = "g"

type listedRow struct {
	userRow
	listed  ListedUser
	nameKey string
}

func (r *listedRow) dest() []any {
	return append(r.userRow.dest(), &r.listed.Waiting, &r.nameKey)
}

func (r *listedRow) finish() ListedUser {
	r.listed.User = r.userRow.finish()
	return r.listed
}

// ListUsers returns a page of users for administrators, disabled ones included.
func (s *Store) ListUsers(ctx context.Context, q UserQuery) (UserPage, error) {
	if q.Limit <= 0 || q.Limit > MaxPage {
		q.Limit = 50
	}
	var page UserPage
	var err error
	switch {
	case q.Search != "" && q.Which == AllUsers:
		page, err = s.findUsers(ctx, q)
	case q.Search != "":
		page, err = s.scanUsers(ctx, q)
	default:
		page, err = s.listUsers(ctx, q, q.Limit)
	}
	return page, wrap("list users", err)
}

// listUsers reads users in the order of an index.
func (s *Store) listUsers(ctx context.Context, q UserQuery, limit int) (UserPage, error) {
	text, args := sqlListByName, []any{q.After, limit + 1}
	next := func(r *listedRow) string { return r.nameKey }
	switch {
	case q.Which == AdminUsers:
		text = sqlListAdmins
	case q.Which == DisabledUsers:
		text = sqlListDisabled
	case q.Team != nil:
		text, args = sqlListTeam, append(args, teamKey(clip(*q.Team, 64*maxName)))
	case q.Order == ByUsername:
		text, next = sqlListByUsername, func(r *listedRow) string { return r.user.Username }
	case q.Order == Newest:
		text, next = sqlListNewest, func(r *listedRow) string { return r.user.ID }
		if q.After == "" {
			args[0] = lastUserID
		}
	}
	rows, err := s.r.query(ctx, text, args...)
	if err != nil {
		return UserPage{}, err
	}
	found, err := collect(rows, (*listedRow).dest)
	if err != nil {
		return UserPage{}, err
	}
	var page UserPage
	if len(found) > limit {
		found = found[:limit]
		page.Next = next(&found[limit-1])
	}
	for i := range found {
		page.Users = append(page.Users, found[i].finish())
	}
	return page, nil
}

// findUsers searches enabled users.
func (s *Store) findUsers(ctx context.Context, q UserQuery) (UserPage, error) {
	people, more, err := s.People(ctx, PeopleQuery{Search: q.Search, Team: q.Team, After: q.After, Limit: q.Limit})
	if err != nil {
		return UserPage{}, err
	}
	var page UserPage
	if page.Users, err = s.listedUsers(ctx, people); err != nil {
		return UserPage{}, err
	}
	if more {
		page.Next = people[len(people)-1].Cursor()
	}
	return page, nil
}

// listedUsers returns the listed users for people, in the same order. It leaves out those who were deleted meanwhile.
func (s *Store) listedUsers(ctx context.Context, people []Person) ([]ListedUser, error) {
	if len(people) == 0 {
		return nil, nil
	}
	ids := make([]any, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	rows, err := s.r.queryKept(ctx, false, listedSQL(len(ids)), ids)
	if err != nil {
		return nil, err
	}
	found, err := collect(rows, (*listedRow).dest)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*listedRow, len(found))
	for i := range found {
		byID[found[i].user.ID] = &found[i]
	}
	var users []ListedUser
	for _, p := range people {
		if r := byID[p.ID]; r != nil {
			users = append(users, r.finish())
		}
	}
	return users, nil
}

func listedSQL(n int) string { return listedColumns + `WHERE u.id IN (` + parameters(n) + `)` }

// maxScanned is the maximum number of administrators or disabled users that a search looks at for one page.
const maxScanned = 2000

// scanUsers searches administrators or disabled users, of whom there are few.
func (s *Store) scanUsers(ctx context.Context, q UserQuery) (UserPage, error) {
	search := NewSearch(q.Search)
	var page UserPage
	for scanned := 0; scanned < maxScanned; {
		part, err := s.listUsers(ctx, UserQuery{Which: q.Which, After: q.After}, MaxPage)
		if err != nil {
			return UserPage{}, err
		}
		for _, u := range part.Users {
			if search.Finds(u.Words()) {
				page.Users = append(page.Users, u)
			}
		}
		scanned += len(part.Users)
		if page.Next, q.After = part.Next, part.Next; part.Next == "" || len(page.Users) >= q.Limit {
			break
		}
	}
	return page, nil
}

// ListedUser returns one user as on a list, or ErrNotFound.
func (s *Store) ListedUser(ctx context.Context, id string) (ListedUser, error) {
	var r listedRow
	u, err := readUser(ctx, s.r, sqlListed, []any{id}, &r.listed.Waiting, &r.nameKey)
	r.listed.User = u
	return r.listed, err
}

// UserCounts says how many users there are, and how many invitations can still be used.
type UserCounts struct{ All, Admins, Disabled, WithoutTeam, Waiting, Invitations int }

// userCounter remembers counts that take long on a large board, until the lists for administrators change. Only one
// caller counts at a time. Callers that wait for it use its counts.
type userCounter struct {
	turn             chan struct{} // capacity 1; holds a value while the fields below are in use
	asOf             int64         // the rev of the lists; 0 if nothing was counted yet
	all, withoutTeam int
}

// CountUsers counts users for administrators.
func (s *Store) CountUsers(ctx context.Context) (n UserCounts, err error) {
	err = s.r.queryRow(ctx, sqlCountFew, []any{s.nowMilli()}, &n.Admins, &n.Disabled, &n.Waiting, &n.Invitations)
	if err == nil {
		n.All, n.WithoutTeam, err = s.countMany(ctx)
	}
	return n, wrap("count users", err)
}

// countMany counts all users, and those without a team.
func (s *Store) countMany(ctx context.Context) (all, withoutTeam int, err error) {
	c := &s.counted
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	var lists, pairs, hooks int64 // read before counting, so that a change in between causes another count
	if err := s.r.queryRow(ctx, sqlListsRev, nil, &lists, &pairs, &hooks); err != nil {
		return 0, 0, err
	}
	if c.asOf == lists && lists > 0 {
		return c.all, c.withoutTeam, nil
	}
	if err := s.r.queryRow(ctx, sqlCountMany, []any{noTeam}, &all, &withoutTeam); err != nil {
		return 0, 0, err
	}
	c.asOf, c.all, c.withoutTeam = lists, all, withoutTeam
	return all, withoutTeam, nil
}

// forEach runs change for up to MaxBulk users in one transaction and returns how many there were. It leaves out those
// who don't exist any more, those who are in ids already, and the actor, so that nobody locks themself out by accident.
func (s *Store) forEach(ctx context.Context, ids []string,
	change func(context.Context, *transaction, string) error) (n int, err error) {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) > MaxBulk {
		return 0, &FieldError{Field: "people", Code: TooMany, Limit: MaxBulk}
	}
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		n = 0
		for _, id := range ids {
			if t.actor == ByUser(id) {
				continue
			}
			err := change(ctx, t, id)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

// SetTeamOf moves several users to a team, and returns how many; see forEach. Errors: *FieldError.
func (s *Store) SetTeamOf(ctx context.Context, userIDs []string, team string) (int, error) {
	name, key, err := cleanTeam(team)
	if err != nil {
		return 0, err
	}
	n, err := s.forEach(ctx, userIDs, func(ctx context.Context, t *transaction, id string) error {
		return setTeam(ctx, t, id, name, key)
	})
	return n, wrap("set teams", err)
}

// DisableAll disables several users, and returns how many; see forEach. Errors: *FieldError, ErrLastAdmin.
func (s *Store) DisableAll(ctx context.Context, userIDs []string) (int, error) {
	n, err := s.forEach(ctx, userIDs, func(ctx context.Context, t *transaction, id string) error {
		return setDisabled(ctx, t, id, true)
	})
	return n, wrap("disable", err)
}

// DeleteAll deletes several users, and returns how many; see forEach. Errors: *FieldError, ErrLastAdmin.
func (s *Store) DeleteAll(ctx context.Context, userIDs []string) (int, error) {
	n, err := s.forEach(ctx, userIDs, func(ctx context.Context, t *transaction, id string) error {
		return deleteUser(ctx, t, id)
	})
	if err != nil {
		return 0, wrap("delete", err)
	}
	s.wipeDeleted(ctx)
	return n, nil
}

// SignOut ends all sessions and tokens of several users, and returns how many users there were, including those who had
// none; see forEach. Errors: *FieldError.
func (s *Store) SignOut(ctx context.Context, userIDs []string) (int, error) {
	n, err := s.forEach(ctx, userIDs, func(ctx context.Context, t *transaction, id string) error {
		if _, err := readUser(ctx, t, sqlUserByID, []any{id}); err != nil {
			return err
		}
		if err := endAccess(ctx, t, id, ""); err != nil {
			return err
		}
		return t.audit(ctx, SessionsEnded, TargetUser(id), nil)
	})
	return n, wrap("sign out", err)
}
