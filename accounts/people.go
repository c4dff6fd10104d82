package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxPage is the maximum number of people on one page of the board.
const MaxPage = 200

const (
	personColumns = `u.id, u.username_key, u.display_name, u.team, u.sort_key, u.last_seen, u.show_last_seen, ` +
		sharedZone + `, u.admin`

	sharedZone = `CASE WHEN u.share_time THEN u.time_zone ELSE '' END`

	sqlPeople = `SELECT ` + personColumns + ` FROM users u
		WHERE NOT u.disabled AND u.sort_key > $1 AND u.sort_key < $2 ORDER BY u.sort_key LIMIT $3`
	sqlPeopleBack = `SELECT ` + personColumns + ` FROM users u
		WHERE NOT u.disabled AND u.sort_key > $1 AND u.sort_key < $2 ORDER BY u.sort_key DESC LIMIT $3`
	sqlCountPeople = `SELECT count(*) FROM users u WHERE NOT u.disabled AND u.sort_key > $1 AND u.sort_key < $2`
	sqlPlaceAt     = `SELECT u.sort_key FROM users u
		WHERE NOT u.disabled AND u.sort_key > $1 AND u.sort_key < $2 ORDER BY u.sort_key LIMIT 1 OFFSET $3`
	sqlTally = `SELECT team_key, min(team), count(*) FROM users WHERE NOT disabled GROUP BY team_key ORDER BY team_key`
	// sqlTeamNames jumps from one team to the next, because a GROUP BY would read all users.
	sqlTeamNames = `WITH RECURSIVE teams (team_key, n) AS (
		SELECT min(team_key), 1 FROM users WHERE NOT disabled
		UNION ALL
		SELECT (SELECT min(u.team_key) FROM users u WHERE u.team_key > t.team_key AND NOT u.disabled), t.n + 1
			FROM teams t WHERE t.team_key IS NOT NULL AND t.n < $2)
		SELECT (SELECT u.team FROM users u WHERE u.team_key = t.team_key AND NOT u.disabled LIMIT 1)
		FROM teams t WHERE t.team_key < $1 AND t.n <= $2 ORDER BY t.n`
)

// PeopleQuery selects one page of the board.
type PeopleQuery struct {
	Team   *string  // only this team, by its key or any spelling of its name; "": people without a team; nil: all
	Teams  []string // with Team nil: only these teams, by key; nil: all. At most MaxPairsOfTeam+1 of them
	Search string   // only people whose names have a word that begins with each of these words (at most 6)
	After  string   // a Cursor: people after it
	Before string   // a Cursor: people before it; if After is "", the last of them
	Limit  int      // at most MaxPage; 0: MaxPage
}

// People returns a page of the enabled people in board order, and whether there are more people after the page or, with
// only Before, before it. It returns ErrCursor for an invalid cursor.
func (s *Store) People(ctx context.Context, q PeopleQuery) (people []Person, more bool, err error) {
	back := q.Before != "" && q.After == ""
	limit := q.Limit
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	if q.Team == nil && q.Teams != nil {
		people, err = s.peopleOf(ctx, q, back, limit+1)
	} else {
		people, err = s.page(ctx, q, back, limit+1)
	}
	if err != nil {
		return nil, false, err
	}
	if more = len(people) > limit; more {
		people = people[:limit]
	}
	if back {
		slices.Reverse(people)
	}
	return people, more, nil
}

// page reads at most limit people, in the direction of the query.
func (s *Store) page(ctx context.Context, q PeopleQuery, back bool, limit int) ([]Person, error) {
	low, high, ok, err := q.bounds()
	if err != nil || !ok {
		return nil, err
	}
	if strings.TrimSpace(q.Search) != "" {
		people, err := s.search(ctx, q.Search, back, low, high, limit)
		return people, wrap("search people", err)
	}
	text := sqlPeople
	if back {
		text = sqlPeopleBack
	}
	people, err := s.people(ctx, text, []any{low, high, limit}, limit)
	return people, wrap("list people", err)
}

// people reads at most limit people.
func (s *Store) people(ctx context.Context, text string, args []any, limit int) ([]Person, error) {
	rows, err := s.r.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	return collectPeople(rows, limit)
}

// CountPeople returns the number of enabled people between the cursors of q, in its team. It ignores the other fields.
// It returns ErrCursor for an invalid cursor.
func (s *Store) CountPeople(ctx context.Context, q PeopleQuery) (n int, err error) {
	low, high, ok, err := q.bounds()
	if err != nil || !ok {
		return 0, err
	}
	err = s.r.queryRow(ctx, sqlCountPeople, []any{low, high}, &n)
	return n, wrap("count people", err)
}

// CursorBehind returns a cursor after the first n people of a team, by its key or any spelling of its name. It returns
// "" if there are fewer people or n is 0.
func (s *Store) CursorBehind(ctx context.Context, team string, n int) (string, error) {
	low, high, ok, err := PeopleQuery{Team: &team}.bounds()
	if err != nil || !ok || n <= 0 {
		return "", err
	}
	var last string
	err = s.r.queryRow(ctx, sqlPlaceAt, []any{low, high, n - 1}, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return encodeCursor(last), wrap("person by position", err)
}

// bounds returns the sort keys between which the selected people are. ok is false if there can be none.
func (q PeopleQuery) bounds() (low, high string, ok bool, err error) {
	high = noTeam + sortKeyEnd
	if q.Team != nil {
		key := teamKey(clip(*q.Team, 64*maxName))
		if hasControl(key) {
			return "", "", false, nil
		}
		low, high = key+sortKeySep, key+sortKeyEnd
	}
	for _, cursor := range []struct {
		text  string
		bound *string
		pick  func(...string) string
	}{{q.After, &low, later}, {q.Before, &high, earlier}} {
		if cursor.text == "" {
			continue
		}
		p, err := decodeCursor(cursor.text)
		if err != nil {
			return "", "", false, err
		}
		*cursor.bound = cursor.pick(*cursor.bound, p)
	}
	return low, high, low < high, nil
}

func later(places ...string) string   { return slices.Max(places) }
func earlier(places ...string) string { return slices.Min(places) }

// collectPeople reads rows of personColumns.
func collectPeople(rows *rows, expected int) ([]Person, error) {
	defer rows.Close()
	people := make([]Person, 0, min(expected, MaxPage+1))
	for rows.Next() {
		var p Person
		var seen int64
		if err := rows.Scan(&p.ID, &p.Username, &p.DisplayName, &p.Team, &p.sortKey, &seen, &p.ShowLastSeen,
			&p.Zone, &p.Admin); err != nil {
			return nil, err
		}
		p.LastSeen = at(seen)
		people = append(people, p)
	}
	return people, rows.Err()
}

// idsAtOnce is the number of people in one query of PeopleByID.
const idsAtOnce = 500

// PeopleByID returns the enabled people with these ids, each once, in board order.
func (s *Store) PeopleByID(ctx context.Context, ids []string) ([]Person, error) {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	people := make([]Person, 0, len(ids))
	for batch := range slices.Chunk(ids, idsAtOnce) {
		args := make([]any, len(batch))
		for i, id := range batch {
			args[i] = id
		}
		rows, err := s.queryIDs(ctx, len(batch), args)
		if err != nil {
			return nil, fmt.Errorf("people by id: %w", err)
		}
		found, err := collectPeople(rows, len(batch))
		if err != nil {
			return nil, fmt.Errorf("people by id: %w", err)
		}
		people = append(people, found...)
	}
	slices.SortFunc(people, ComparePeople)
	return people, nil
}

// queryIDs keeps only the statements for a full batch and for one person prepared. Others are rarely used.
func (s *Store) queryIDs(ctx context.Context, n int, ids []any) (*rows, error) {
	return s.r.queryKept(ctx, n == 1 || n == idsAtOnce, byIDsSQL(n), ids)
}

func byIDsSQL(n int) string {
	return `SELECT ` + personColumns + ` FROM users u WHERE NOT u.disabled AND u.id IN (` + parameters(n) + `)`
}

// parameters returns "$1, $2" and so on, for n parameters.
func parameters(n int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		if i > 1 {
			b.WriteString(`, `)
		}
		fmt.Fprintf(&b, `$%d`, i)
	}
	return b.String()
}

// Team is a team with its number of enabled people.
type Team struct {
	Key    string // as Person.TeamKey
	Name   string // "": people without a team
	People int
}

// Tally returns all teams that have enabled people, in board order.
func (s *Store) Tally(ctx context.Context) ([]Team, error) {
	rows, err := s.r.query(ctx, sqlTally)
	if err != nil {
		return nil, fmt.Errorf("tally: %w", err)
	}
	teams, err := collect(rows, func(t *Team) []any { return []any{&t.Key, &t.Name, &t.People} })
	return teams, wrap("tally", err)
}

// TeamNames returns the names of teams with enabled people in board order, at most limit and at most 1000.
func (s *Store) TeamNames(ctx context.Context, limit int) ([]string, error) {
	rows, err := s.r.query(ctx, sqlTeamNames, noTeam, min(limit, 1000))
	if err != nil {
		return nil, fmt.Errorf("list teams: %w", err)
	}
	names, err := collect(rows, func(name *string) []any { return []any{name} })
	return names, wrap("list teams", err)
}
