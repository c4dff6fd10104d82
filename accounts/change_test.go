package accounts

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestSetProfile(t *testing.T) { onEach(t, testSetProfile) }

func testSetProfile(t *testing.T, db database) {
	s := db.open(t, Config{})
	u := add(t, s, "ada", "Ada", "Ops")
	add(t, s, "bob", "", "Dev Team")
	off := add(t, s, "off", "", "Gone")
	do(t, "SetDisabled", s.SetDisabled(t.Context(), off.ID, true))
	rev := mustRev(t, s)
	for _, c := range []struct {
		name, team string
		newTeam    bool
		field      string // "": accepted
		want       string // name and team afterwards
		takes      int64
	}{
		{"Ada", "Ops", false, "", "Ada/Ops", 0},
		{" Ada ", "OPS", true, "", "Ada/Ops", 0},
		{"Ada L", "dev team", false, "", "Ada L/Dev Team", 1}, // gets the members' spelling
		{"Ada M", "Ops", false, "team", "Ada L/Dev Team", 0},  // the team has no members any more
		{"Ada M", "Ops", true, "", "Ada M/Ops", 1},            // but it can be created again
		{"Ada M", "ops ", false, "", "Ada M/Ops", 0},          // the only member may stay
		{"Ada N", "gone", false, "team", "Ada M/Ops", 0},      // all members are disabled
		{"a\u202Eb", "Dev Team", false, "display_name", "Ada M/Ops", 0},
		{"Ada N", "a\nb", true, "team", "Ada M/Ops", 0},
		{strings.Repeat("x", 65), "Dev Team", true, "display_name", "Ada M/Ops", 0},
		{"", "", false, "", "ada/", 1},
		{"Ada", "", false, "", "Ada/", 1},
	} {
		err := s.SetProfile(t.Context(), u.ID, c.name, c.team, c.newTeam)
		if c.field != "" {
			wantField(t, "SetProfile("+c.name+", "+c.team+")", err, c.field)
		} else if err != nil {
			t.Errorf("SetProfile(%s, %s, %v) = %v, want no error", c.name, c.team, c.newTeam, err)
		}
		rev += c.takes
		got, err := s.UserByID(t.Context(), u.ID)
		if have := got.DisplayName + "/" + got.Team; err != nil || have != c.want || mustRev(t, s) != rev {
			t.Errorf("after SetProfile(%s, %s, %v): %s at rev %d, %v, want %s at %d",
				c.name, c.team, c.newTeam, have, mustRev(t, s), err, c.want, rev)
		}
	}
	people, _, err := s.People(t.Context(), PeopleQuery{Search: "ada"})
	do(t, "People", err)
	wantNames(t, "People(ada)", people, "ada")
	wantErr(t, "SetProfile(nobody)", s.SetProfile(t.Context(), "nobody", "", "", true), ErrNotFound)
}

func TestTeamNames(t *testing.T) { onEach(t, testTeamNames) }

func testTeamNames(t *testing.T, db database) {
	s := db.open(t, Config{})
	check := func(what string, limit int, want ...string) {
		t.Helper()
		if got, err := s.TeamNames(t.Context(), limit); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: TeamNames(%d) = %q, %v, want %q", what, limit, got, err, want)
		}
	}
	check("nobody", 10)
	users := board(t, s)
	check("all", 10, "Design", "Émeutes", "Ops")
	check("as many as there are", 3, "Design", "Émeutes", "Ops")
	check("fewer", 2, "Design", "Émeutes")
	check("one", 1, "Design")
	check("none", 0)
	check("none", -1)
	for _, name := range []string{"ada", "ada2"} {
		do(t, "SetDisabled", s.SetDisabled(t.Context(), users[name].ID, true))
	}
	check("only disabled people in one", 10, "Design", "Émeutes")
	do(t, "SetTeam", s.SetTeam(t.Context(), users["bob"].ID, "OPS"))
	check("somebody came back", 10, "Design", "Émeutes", "Ops")
	for _, u := range users {
		do(t, "SetTeam", s.SetTeam(t.Context(), u.ID, ""))
	}
	check("no teams", 10)
}

func TestChangePassword(t *testing.T) { onEach(t, testChangePassword) }

func testChangePassword(t *testing.T, db database) {
	s := db.open(t, Config{})
	u := add(t, s, "ada.lovelace", "", "")
	_, kept := signIn(t, s, u.ID)
	signIn(t, s, u.ID)
	known, err := s.RememberBrowser(t.Context(), u.ID, "")
	do(t, "RememberBrowser", err)
	rev := mustRev(t, s)
	hashes := func(n int64, what string, change func() error) error {
		t.Helper()
		before := s.hash.ops.Load()
		err := change()
		if did := s.hash.ops.Load() - before; did != n {
			t.Errorf("%s cost %d hashes, want %d", what, did, n)
		}
		return err
	}
	change := func(old, password string) func() error {
		return func() error { return s.ChangePassword(t.Context(), u.ID, old, password, kept.ID) }
	}
	wantField(t, "no old password", hashes(0, "no old password", change("", "another phrase")), "old_password")
	wantField(t, "a bad new one", hashes(0, "a bad new one", change(secret, "12345678")), "password")
	wantField(t, "the username", hashes(0, "the username", change(secret, "Ada.Lovelace")), "password")
	wantErr(t, "a wrong old one", hashes(1, "a wrong old one", change("wrong phrase", "another phrase")), ErrCredentials)
	wantErr(t, "a long old one", change(strings.Repeat("x", 1<<20), "another phrase")(), ErrCredentials)
	wantErr(t, "ChangePassword(nobody)", s.ChangePassword(t.Context(), "nobody", secret, "another phrase", ""),
		ErrNotFound)
	if ok, _, err := s.KnownBrowser(t.Context(), u.Username, known); err != nil || !ok || mustRev(t, s) != rev {
		t.Errorf("after refusals the browser is known = %v, %v, at rev %d, want true at %d", ok, err, mustRev(t, s), rev)
	}
	do(t, "ChangePassword", hashes(2, "a change", change(secret, "another phrase")))
	do(t, "CheckPassword", s.CheckPassword(t.Context(), u.ID, "another phrase"))
	sessions, err := s.Sessions(t.Context(), u.ID)
	if err != nil || len(sessions) != 1 || sessions[0].ID != kept.ID {
		t.Errorf("Sessions after ChangePassword = %+v, %v, want only the one that was kept", sessions, err)
	}
	if ok, _, err := s.KnownBrowser(t.Context(), u.Username, known); err != nil || ok {
		t.Errorf("KnownBrowser after ChangePassword = %v, %v, want false", ok, err)
	}
}

// Of several changes at once that give the old password, only the first one succeeds.
func TestChangesOfPasswordAtOnce(t *testing.T) { onEach(t, testChangesOfPasswordAtOnce) }

func testChangesOfPasswordAtOnce(t *testing.T, db database) {
	s := db.open(t, Config{HashWorkers: 4})
	u := add(t, s, "ada", "", "")
	passwords := []string{"phrase number one", "phrase number two", "phrase number three", "phrase number four"}
	errs := make([]error, len(passwords))
	var wg sync.WaitGroup
	for i, password := range passwords {
		wg.Go(func() { errs[i] = s.ChangePassword(t.Context(), u.ID, secret, password, "") })
	}
	wg.Wait()
	won := 0
	for i, err := range errs {
		if err == nil {
			won++
			do(t, "CheckPassword of the winner", s.CheckPassword(t.Context(), u.ID, passwords[i]))
		} else {
			wantErr(t, "ChangePassword", err, ErrCredentials)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d changes at once succeeded, want 1", won, len(errs))
	}
	_, was, err := s.verify(t.Context(), sqlLoginByID, u.ID, passwords[slices.Index(errs, nil)])
	do(t, "verify", err)
	do(t, "SetPassword", s.SetPassword(t.Context(), u.ID, "the operator's choice", ""))
	wantErr(t, "putPassword after another change", s.putPassword(t.Context(), u.ID, "too late a phrase", "", &was),
		ErrCredentials)
	do(t, "CheckPassword", s.CheckPassword(t.Context(), u.ID, "the operator's choice"))
}

func TestCheckPassword(t *testing.T) { onEach(t, testCheckPassword) }

func testCheckPassword(t *testing.T, db database) {
	s := db.open(t, Config{})
	u, off := add(t, s, "ada", "", ""), add(t, s, "off", "", "")
	do(t, "SetDisabled", s.SetDisabled(t.Context(), off.ID, true))
	do(t, "CheckPassword", s.CheckPassword(t.Context(), u.ID, secret))
	wantErr(t, "CheckPassword(disabled)", s.CheckPassword(t.Context(), off.ID, secret), ErrDisabled)
	for _, c := range []struct {
		what, id, password string
		hashes             int64
	}{
		{"wrong", u.ID, "wrong phrase", 1}, {"in another case", u.ID, strings.ToUpper(secret), 1},
		{"nobody", "nobody", secret, 1}, {"the username instead of the id", "ada", secret, 1},
		{"empty", u.ID, "", 0}, {"long", u.ID, strings.Repeat("x", 257), 0},
	} {
		before := s.hash.ops.Load()
		wantErr(t, "CheckPassword("+c.what+")", s.CheckPassword(t.Context(), c.id, c.password), ErrCredentials)
		if n := s.hash.ops.Load() - before; n != c.hashes {
			t.Errorf("CheckPassword(%s) cost %d hashes, want %d", c.what, n, c.hashes)
		}
	}
}
