package accounts

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestCreate(t *testing.T) { onEach(t, testCreate) }

func testCreate(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	u, err := s.Create(t.Context(), NewUser{Username: "Ada.L", DisplayName: "  Ada\u00A0Lovelace ", Team: " Design ",
		Password: secret, Admin: true})
	do(t, "Create", err)
	want := User{Person: Person{ID: u.ID, Username: "ada.l", DisplayName: "Ada Lovelace", Team: "Design",
		Admin: true, sortKey: "design\x01ada lovelace\x01" + u.ID}, CreatedAt: c.now(), Rev: 1}
	if !reflect.DeepEqual(u, want) {
		t.Errorf("Create = %+v, want %+v", u, want)
	}
	for how, read := range map[string]func() (User, error){
		"UserByID":     func() (User, error) { return s.UserByID(t.Context(), u.ID) },
		"UserByName":   func() (User, error) { return s.UserByName(t.Context(), "ADA.l") },
		"Authenticate": func() (User, error) { a, err := s.Authenticate(t.Context(), "ADA.L", secret); return a.User, err },
	} {
		if got, err := read(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %+v, %v, want %+v", how, got, err, want)
		}
	}
	if u := add(t, s, "bob", " \t", ""); u.DisplayName != "bob" || u.Team != "" || u.TeamKey() != noTeam {
		t.Errorf("Create without names = %+v, want the username and no team", u)
	}
	_, err = s.UserByName(t.Context(), "nobody")
	wantErr(t, "UserByName(nobody)", err, ErrNotFound)
	_, err = s.UserByName(t.Context(), "ada l")
	wantErr(t, "UserByName(ada l)", err, ErrNotFound)
	_, err = s.UserByID(t.Context(), "nobody")
	wantErr(t, "UserByID(nobody)", err, ErrNotFound)
}

func TestCreateRefuses(t *testing.T) { onEach(t, testCreateRefuses) }

func testCreateRefuses(t *testing.T, db database) {
	s := db.open(t, Config{})
	for _, c := range []struct {
		field string
		n     NewUser
	}{
		{"username", NewUser{Username: "a", Password: secret}},
		{"username", NewUser{Username: "Admin", Password: secret}},
		{"username", NewUser{Username: "sup-port.", Password: secret}},
		{"display_name", NewUser{Username: "ada", DisplayName: "a\u202Eb", Password: secret}},
		{"team", NewUser{Username: "ada", Team: strings.Repeat("x", 65), Password: secret}},
		{"team", NewUser{Username: "ada", Team: "\u00B4", Password: secret}}, // its key is empty
		{"team", NewUser{Username: "ada", Team: strings.Repeat("\uFDFA", 64), Password: secret}},
		{"password", NewUser{Username: "ada"}},
		{"password", NewUser{Username: "ada", Password: "seven77"}},
		{"password", NewUser{Username: "ada", Password: strings.Repeat("x", 257)}},
		{"password", NewUser{Username: "ada", Password: "PassWord1"}},
		{"password", NewUser{Username: "ada.lovelace", Password: "Ada.Lovelace"}},
		{"password", NewUser{Username: "ada", PasswordHash: "$2b$12$abcdefghijklmnopqrstuu"}},
		{"password", NewUser{Username: "ada", Password: secret, PasswordHash: newPHC(secret, cheapParams).String()}},
	} {
		_, err := s.Create(t.Context(), c.n)
		wantField(t, fmt.Sprintf("Create(%+v)", c.n), err, c.field)
	}
	if n := s.hash.ops.Load(); n != 0 {
		t.Errorf("refused users cost %d hashes, want 0", n)
	}
	if _, err := s.Create(t.Context(), NewUser{Username: "admin", Password: secret, Admin: true}); err != nil {
		t.Errorf("Create of an administrator named admin = %v, want no error", err)
	}
}

// Lengths at the limit are accepted, and passwords are neither truncated nor case-folded.
func TestCreateAtTheLimits(t *testing.T) { onEach(t, testCreateAtTheLimits) }

func testCreateAtTheLimits(t *testing.T, db database) {
	s := db.open(t, Config{})
	for i, password := range []string{"8 signs!", strings.Repeat("Pass phrase ", 21) + "1234", "п-пароль-ю", "🦊🦊 лисицы"} {
		n := NewUser{Username: strings.Repeat("x", 30) + fmt.Sprint(i), DisplayName: strings.Repeat("ü", 64),
			Team: strings.Repeat("한", 64), Password: password}
		if _, err := s.Create(t.Context(), n); err != nil {
			t.Errorf("Create(%+v) = %v, want no error", n, err)
		}
		_, err := s.Authenticate(t.Context(), n.Username, strings.ToUpper(password)+" ")
		wantErr(t, "Authenticate with another spelling", err, ErrCredentials)
		if _, err := s.Authenticate(t.Context(), n.Username, password); err != nil {
			t.Errorf("Authenticate(%q) = %v, want no error", password, err)
		}
	}
}

func TestTakenCostsNoHash(t *testing.T) { onEach(t, testTakenCostsNoHash) }

func testTakenCostsNoHash(t *testing.T, db database) {
	s := db.open(t, Config{})
	add(t, s, "ada", "", "")
	before := s.hash.ops.Load()
	_, err := s.Create(t.Context(), NewUser{Username: "ADA", Password: secret})
	wantErr(t, "Create(ADA)", err, ErrTaken)
	if n := s.hash.ops.Load() - before; n != 0 {
		t.Errorf("Create of a taken name cost %d hashes, want 0", n)
	}
}

func TestRacingCreatesHaveOneWinner(t *testing.T) { onEach(t, testRacingCreatesHaveOneWinner) }

func testRacingCreatesHaveOneWinner(t *testing.T, db database) {
	s := db.open(t, Config{})
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = s.Create(t.Context(), NewUser{Username: "ada", DisplayName: fmt.Sprint(i), Password: secret})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, ErrTaken) {
			t.Errorf("Create = %v, want ErrTaken", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of 20 racing creates won, want 1", won)
	}
	people, _, err := s.People(t.Context(), PeopleQuery{})
	do(t, "People", err)
	wantNames(t, "People", people, "ada")
	found, _, err := s.People(t.Context(), PeopleQuery{Search: "ada"})
	do(t, "People", err)
	wantNames(t, "People(ada)", found, "ada")
}

// A team keeps the spelling of its first member until everybody has left it.
func TestTeamSpelling(t *testing.T) { onEach(t, testTeamSpelling) }

func testTeamSpelling(t *testing.T, db database) {
	s := db.open(t, Config{})
	a := add(t, s, "aa", "", "Ma Équipe")
	b := add(t, s, "bb", "", "ma  EQUIPE ")
	if b.Team != "Ma Équipe" || b.TeamKey() != a.TeamKey() {
		t.Errorf("second member's team = %q, want %q", b.Team, a.Team)
	}
	do(t, "SetDisabled", s.SetDisabled(t.Context(), a.ID, true))
	do(t, "SetDisabled", s.SetDisabled(t.Context(), b.ID, true))
	if c := add(t, s, "cc", "", "MA ÉQUIPE"); c.Team != "Ma Équipe" {
		t.Errorf("team of disabled members = %q, want it to keep its spelling", c.Team)
	} else {
		do(t, "SetTeam", s.SetTeam(t.Context(), c.ID, ""))
	}
	do(t, "SetTeam", s.SetTeam(t.Context(), a.ID, ""))
	do(t, "Delete", s.Delete(t.Context(), b.ID))
	if d := add(t, s, "dd", "", "MA ÉQUIPE"); d.Team != "MA ÉQUIPE" {
		t.Errorf("spelling of a team that everybody had left = %q, want the new one", d.Team)
	}
}

func TestImport(t *testing.T) { onEach(t, testImport) }

func testImport(t *testing.T, db database) {
	s := db.open(t, Config{})
	hash := newPHC("from elsewhere", argonParams{memory: 64, time: 2, threads: 2}).String()
	do(t, "Import", second(s.Import(t.Context(), []NewUser{
		{Username: "ada", Password: secret, Team: "One"},
		{Username: "bob", PasswordHash: hash, Team: "ONE"},
	})))
	for name, password := range map[string]string{"ada": secret, "bob": "from elsewhere"} {
		u, err := s.Authenticate(t.Context(), name, password)
		if err != nil || u.Team != "One" || u.Rev != 1 {
			t.Errorf("Authenticate(%s) = %+v, %v, want team One and rev 1", name, u, err)
		}
	}
	do(t, "Import(nil)", second(s.Import(t.Context(), nil)))
}

func TestImportIsAllOrNothing(t *testing.T) { onEach(t, testImportIsAllOrNothing) }

func testImportIsAllOrNothing(t *testing.T, db database) {
	s := db.open(t, Config{})
	add(t, s, "taken", "", "")
	rev := mustRev(t, s)
	for _, c := range []struct {
		what string
		bad  NewUser
		is   error // nil: a *FieldError
	}{
		{"taken name", NewUser{Username: "Taken", Password: secret}, ErrTaken},
		{"name twice", NewUser{Username: "ADA", Password: secret}, ErrTaken},
		{"no password", NewUser{Username: "bob"}, nil},
		{"absurd hash", NewUser{Username: "bob",
			PasswordHash: "$argon2id$v=19$m=4194304,t=9,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA"}, nil},
	} {
		_, err := s.Import(t.Context(),
			[]NewUser{{Username: "ada", Password: secret}, {Username: "eve", Password: secret}, c.bad})
		var ie *ImportError
		var fe *FieldError
		if !errors.As(err, &ie) || ie.Index != 2 {
			t.Errorf("Import(%s) = %v, want an *ImportError about index 2", c.what, err)
		} else if c.is != nil && !errors.Is(err, c.is) || c.is == nil && !errors.As(err, &fe) {
			t.Errorf("Import(%s) = %v, want %v", c.what, err, c.is)
		}
	}
	if got := mustRev(t, s); got != rev {
		t.Errorf("rev after refused imports = %d, want %d", got, rev)
	}
	people, _, err := s.People(t.Context(), PeopleQuery{})
	do(t, "People", err)
	wantNames(t, "People after refused imports", people, "taken")
}

// An import hashes many passwords with the usual workers and doesn't give up after 2 s.
func TestImportHashesAll(t *testing.T) { onEach(t, testImportHashesAll) }

func testImportHashesAll(t *testing.T, db database) {
	s := db.open(t, Config{HashWorkers: 2})
	users := make([]NewUser, 300)
	for i := range users {
		users[i] = NewUser{Username: fmt.Sprintf("user%d", i), Password: secret}
	}
	do(t, "Import", second(s.Import(t.Context(), users)))
	if n := s.hash.ops.Load(); n != 300 {
		t.Errorf("Import of 300 did %d hashes, want 300", n)
	}
	listed, err := s.Users(t.Context(), "user97", 10)
	if err != nil || len(listed) != 2 || listed[0].Username != "user98" {
		t.Errorf("Users(after user97) = %d, %v, want 2 from user98", len(listed), err)
	}
	for _, bad := range []int{0, -1} {
		if listed, err := s.Users(t.Context(), "", bad); err != nil || len(listed) != 0 {
			t.Errorf("Users(limit %d) = %d, %v, want none", bad, len(listed), err)
		}
	}
}

func mustRev(tb testing.TB, s *Store) int64 {
	tb.Helper()
	_, rev, err := s.Facts(tb.Context())
	do(tb, "Facts", err)
	return rev
}

func TestStampSeen(t *testing.T) { onEach(t, testStampSeen) }

func testStampSeen(t *testing.T, db database) {
	s := db.open(t, Config{})
	u, v := add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rev := mustRev(t, s)
	do(t, "StampSeen", s.StampSeen(t.Context(), map[string]time.Time{u.ID: noon, "nobody": noon, v.ID: {}}))
	do(t, "StampSeen", s.StampSeen(t.Context(), map[string]time.Time{u.ID: noon.Add(-time.Minute)}))
	people, err := s.PeopleByID(t.Context(), []string{u.ID, v.ID})
	if err != nil || !people[0].LastSeen.Equal(noon) || !people[1].LastSeen.IsZero() {
		t.Errorf("last seen = %+v, %v, want %v and never", people, err, noon)
	}
	if got := mustRev(t, s); got != rev {
		t.Errorf("rev after StampSeen = %d, want %d", got, rev)
	}
	many := map[string]time.Time{u.ID: noon.Add(time.Hour)}
	for i := range 2*StampsAtOnce + 1 {
		many[fmt.Sprint(i)] = noon
	}
	do(t, "StampSeen", s.StampSeen(t.Context(), many))
	if got, err := s.UserByID(t.Context(), u.ID); err != nil || !got.LastSeen.Equal(noon.Add(time.Hour)) {
		t.Errorf("last seen after a long batch = %v, %v, want %v", got.LastSeen, err, noon.Add(time.Hour))
	}
}
