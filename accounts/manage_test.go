package accounts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func usernames(users []ListedUser) string {
	var names []string
	for _, u := range users {
		names = append(names, u.Username)
	}
	return strings.Join(names, " ")
}

// Lists for administrators have everybody, in several orders and selections, page by page.
func TestListUsers(t *testing.T) { onEach(t, testListUsers) }

func testListUsers(t *testing.T, db database) {
	s := db.open(t, Config{})
	ctx := t.Context()
	for _, u := range []struct{ username, name, team string }{
		{"zed", "Ada Byron", "Ops"}, {"yan", "Émile", ""}, {"xi", "bob", "Dev"}, {"wu", "Ada Lovelace", "Dev"}, {"vi", "Carl", ""},
	} {
		add(t, s, u.username, u.name, u.team)
	}
	boss := addAdmin(t, s, "boss")
	off, err := s.UserByName(ctx, "xi")
	do(t, "UserByName", err)
	do(t, "SetDisabled", s.SetDisabled(ctx, off.ID, true))
	_, _, err = s.SignUp(ctx, NewUser{Username: "wait", DisplayName: "Bea", Password: secret}, Joining{Approval: true})
	do(t, "SignUp", err)
	for _, tt := range []struct {
		name string
		q    UserQuery
		want string
	}{
		{"all", UserQuery{}, "zed wu wait xi boss vi yan"},
		{"by username", UserQuery{Order: ByUsername}, "boss vi wait wu xi yan zed"},
		{"newest", UserQuery{Order: Newest}, "wait boss vi wu xi yan zed"},
		{"administrators", UserQuery{Which: AdminUsers}, "boss"},
		{"disabled", UserQuery{Which: DisabledUsers}, "wait xi"},
		{"a team", UserQuery{Team: new("DEV")}, "wu xi"},
		{"no team", UserQuery{Team: new("")}, "wait boss vi yan"},
		{"search", UserQuery{Search: "ada"}, "wu zed"},
		{"search in a team", UserQuery{Search: "ada", Team: new("dev")}, "wu"},
		{"search among disabled", UserQuery{Search: "b", Which: DisabledUsers}, "wait xi"},
		{"search for nobody", UserQuery{Search: "x", Which: AdminUsers}, ""},
	} {
		for _, limit := range []int{0, 1, 2} {
			if limit > 0 && tt.q.Search != "" && tt.q.Which != AllUsers {
				continue // its pages are of no fixed size
			}
			var got []ListedUser
			q := tt.q
			for q.Limit = limit; ; {
				page, err := s.ListUsers(ctx, q)
				do(t, "ListUsers", err)
				got = append(got, page.Users...)
				if q.After = page.Next; q.After == "" || len(got) > 20 {
					break
				}
			}
			if usernames(got) != tt.want {
				t.Errorf("%s, %d at a time = %q, want %q", tt.name, limit, usernames(got), tt.want)
			}
		}
	}
	if n, err := s.CountUsers(ctx); err != nil || n != (UserCounts{7, 1, 2, 4, 1, 0}) {
		t.Errorf("CountUsers = %+v, %v, want 7 with 1 administrator, 2 disabled, 4 without a team, 1 who waits", n, err)
	}
	if u, err := s.ListedUser(ctx, boss.ID); err != nil || !u.Admin || u.Waiting {
		t.Errorf("ListedUser(boss) = %+v, %v, want the administrator", u, err)
	}
}

// Changes to several people are one transaction. They leave out whoever makes them and whoever is gone.
func TestManySelected(t *testing.T) { onEach(t, testManySelected) }

func testManySelected(t *testing.T, db database) {
	s := db.open(t, Config{})
	boss, ada, eve := addAdmin(t, s, "boss"), add(t, s, "ada", "", ""), add(t, s, "eve", "", "Ops")
	ctx := As(t.Context(), ByUser(boss.ID))
	token, _ := signIn(t, s, ada.ID)
	ids := []string{boss.ID, ada.ID, "gone", eve.ID, ada.ID, eve.ID}
	for _, step := range []struct {
		name string
		act  func() (int, error)
		want string // "username team disabled" of those who are left
	}{
		{"SetTeamOf", func() (int, error) { return s.SetTeamOf(ctx, ids, "Dev") }, "ada Dev false, boss  false, eve Dev false"},
		{"SignOut", func() (int, error) { return s.SignOut(ctx, ids) }, "ada Dev false, boss  false, eve Dev false"},
		{"DisableAll", func() (int, error) { return s.DisableAll(ctx, ids) }, "ada Dev true, boss  false, eve Dev true"},
		{"DeleteAll", func() (int, error) { return s.DeleteAll(ctx, ids) }, "boss  false"},
	} {
		if n, err := step.act(); n != 2 || err != nil {
			t.Errorf("%s = %d, %v, want 2 people", step.name, n, err)
		}
		all, err := s.Users(ctx, "", 10)
		do(t, "Users", err)
		var got []string
		for _, u := range all {
			got = append(got, fmt.Sprint(u.Username, " ", u.Team, " ", u.Disabled))
		}
		if strings.Join(got, ", ") != step.want {
			t.Errorf("after %s: %v, want %s", step.name, got, step.want)
		}
		if _, _, err := s.SessionByToken(ctx, token); (err == nil) != (step.name == "SetTeamOf") {
			t.Errorf("after %s, the session of ada = %v", step.name, err)
		}
	}
	if n, err := s.SetTeamOf(ctx, make([]string, MaxBulk+1), "Dev"); n != 0 || err != nil {
		t.Errorf("SetTeamOf the same person often = %d, %v, want nobody", n, err)
	}
	for len(ids) <= 2*MaxBulk {
		ids = append(ids, fmt.Sprint(len(ids)))
	}
	wantField(t, "too many", second(s.SetTeamOf(ctx, ids, "Dev")), "people")
}

// SignOut leaves the same trace whether or not anybody was signed in.
func TestSignOutTellsNothing(t *testing.T) {
	s := open(t, Config{})
	ada, eve := add(t, s, "ada", "", ""), add(t, s, "eve", "", "")
	signIn(t, s, ada.ID)
	for _, u := range []User{ada, eve} {
		if n, err := s.SignOut(t.Context(), []string{u.ID}); n != 1 || err != nil {
			t.Errorf("SignOut(%s) = %d, %v, want 1", u.Username, n, err)
		}
		if got := acts(t, s, AuditQuery{Target: TargetUser(u.ID)}); !slices.Equal(got, []Action{UserCreated, SessionsEnded}) {
			t.Errorf("the log about %s has %v", u.Username, got)
		}
	}
}

// Teams are renamed, merged and dissolved with everybody in them.
func TestRenameTeam(t *testing.T) { onEach(t, testRenameTeam) }

func testRenameTeam(t *testing.T, db database) {
	s := db.open(t, Config{})
	ctx := t.Context()
	add(t, s, "ada", "", "Night Desk")
	eve := add(t, s, "eve", "", "Night Desk")
	add(t, s, "joe", "", "Ops")
	do(t, "SetDisabled", s.SetDisabled(ctx, eve.ID, true))
	invite(t, s, eve.ID, NewInvitation{Team: "NIGHT DESK", Uses: 1, Age: time.Hour})
	for _, step := range []struct{ from, to, want string }{
		{"night desk", "NIGHT desk", "ada NIGHT desk, eve NIGHT desk, joe Ops"},
		{"Night Desk", "Days", "ada Days, eve Days, joe Ops"},
		{"Days", "OPS", "ada Ops, eve Ops, joe Ops"},
		{"Ops", "", "ada , eve , joe "},
	} {
		before := acts(t, s, AuditQuery{})
		if n, err := s.RenameTeam(ctx, step.from, step.to); err != nil || n < 2 {
			t.Errorf("RenameTeam(%s, %s) = %d, %v", step.from, step.to, n, err)
		}
		all, err := s.Users(ctx, "", 10)
		do(t, "Users", err)
		var got []string
		for _, u := range all {
			got = append(got, u.Username+" "+u.Team)
		}
		if strings.Join(got, ", ") != step.want {
			t.Errorf("RenameTeam(%s, %s): %v, want %s", step.from, step.to, got, step.want)
		}
		if all, err := s.Invitations(ctx); err != nil || len(all) != 1 || all[0].Team != got[0][len("ada "):] {
			t.Errorf("RenameTeam(%s, %s): the invitation is %+v, %v, want one to the same team", step.from, step.to, all, err)
		}
		if n := len(acts(t, s, AuditQuery{})) - len(before); n != 1 {
			t.Errorf("RenameTeam(%s, %s) left %d lines in the log, want 1", step.from, step.to, n)
		}
	}
	do(t, "SetTeam", s.SetTeam(ctx, eve.ID, "Desk"))
	people, err := s.RenameTeam(ctx, "Desk"+strings.Repeat("\u200d", 400), strings.Repeat("W", 60))
	do(t, "RenameTeam with invisible characters", err)
	if lines, err := s.Audit(ctx, AuditQuery{}); err != nil || people != 1 || lines[0].Detail["from"] != "Desk" {
		t.Errorf("renamed %d, %v, and the newest line is %+v, want what the team was called", people, err, lines[0])
	}
	do(t, "SetTeam", s.SetTeam(ctx, eve.ID, ""))
	for _, search := range []string{"ada", "joe"} {
		if people, _, err := s.People(ctx, PeopleQuery{Search: search, Team: new("")}); err != nil || len(people) != 1 {
			t.Errorf("People(%s) = %+v, %v, want one", search, people, err)
		}
	}
	wantErr(t, "RenameTeam of no team", second(s.RenameTeam(ctx, "Ops", "Dev")), ErrNotFound)
	wantErr(t, "RenameTeam of people without a team", second(s.RenameTeam(ctx, "", "Dev")), ErrNotFound)
	wantField(t, "RenameTeam", second(s.RenameTeam(ctx, "Ops", "a\u202eb")), "team")
}

// Settings are stored, checked, and told to other servers.
func TestSettings(t *testing.T) { onEach(t, testSettings) }

func testSettings(t *testing.T, db database) {
	s := db.open(t, Config{})
	ctx := t.Context()
	before := mustRev(t, s)
	want := Settings{BoardName: "Harbor Works", SignUp: SignUpInvite, Teams: TeamsFixed, Invisible: "off"}
	do(t, "ChangeSettings", s.ChangeSettings(ctx, func(x *Settings) error { *x = want; x.BoardName = " Harbor  Works"; return nil }))
	if got, err := s.Settings(ctx); err != nil || got != want {
		t.Errorf("Settings = %+v, %v, want %+v", got, err, want)
	}
	c, err := s.Changes(ctx, before)
	if err != nil || c.Settings == nil || *c.Settings != want {
		t.Errorf("Changes = %+v, %v, want the settings", c, err)
	}
	do(t, "ChangeSettings", s.ChangeSettings(ctx, func(*Settings) error { return nil }))
	if again := mustRev(t, s); again != c.Rev {
		t.Errorf("a change of nothing took a rev")
	}
	do(t, "ChangeSettings", s.ChangeSettings(ctx, func(x *Settings) error { x.SignUp = ""; return nil }))
	if c, err = s.Changes(ctx, c.Rev); err != nil || c.Settings == nil || c.Settings.SignUp != "" || c.Settings.Teams != TeamsFixed {
		t.Errorf("Changes = %+v, %v, want the default for sign-up", c, err)
	}
	for field, change := range map[string]func(*Settings){
		"board_name": func(x *Settings) { x.BoardName = "a\u202eb" }, "signup": func(x *Settings) { x.SignUp = "all" },
		"teams": func(x *Settings) { x.Teams = "x" }, "invisible": func(x *Settings) { x.Invisible = "yes" },
	} {
		wantField(t, "ChangeSettings", s.ChangeSettings(ctx, func(x *Settings) error { change(x); return nil }), field)
	}
	testNewerSettings(t, s)
	fixed := Settings{SignUp: SignUpOff}
	if got := fixed.Or(want); got.SignUp != SignUpOff || got.Teams != TeamsFixed {
		t.Errorf("Or = %+v, want sign-up off and the rest as stored", got)
	}
	if got := fixed.Set(); !slices.Equal(got, []string{"signup"}) {
		t.Errorf("Set = %v, want signup", got)
	}
}

// A new proof gives the session a new token, and keeps the session.
func TestProve(t *testing.T) { onEach(t, testProve) }

func testProve(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ctx := t.Context()
	ada := add(t, s, "ada", "", "")
	old, session := signIn(t, s, ada.ID)
	if got, _, err := s.SessionByToken(ctx, old); err != nil || !got.ProvedAt.Equal(c.now()) {
		t.Errorf("SessionByToken = %+v, %v, want a proof of now", got, err)
	}
	c.add(11 * 60e9)
	token, err := s.Prove(ctx, ada.ID, session.ID, Proof{})
	do(t, "Prove", err)
	_, _, err = s.SessionByToken(ctx, old)
	wantErr(t, "SessionByToken of the old token", err, ErrNoSession)
	got, _, err := s.SessionByToken(ctx, token)
	if err != nil || got.ID != session.ID || !got.ProvedAt.Equal(c.now()) || !got.ExpiresAt.Equal(session.ExpiresAt) {
		t.Errorf("SessionByToken = %+v, %v, want the same session with a new proof", got, err)
	}
	do(t, "EndSession", s.EndSession(ctx, session.ID))
	wantErr(t, "Prove of an ended session", second(s.Prove(ctx, ada.ID, session.ID, Proof{})), ErrNoSession)
}

// A choice that this version doesn't know stays as it is, also when other settings change. Only the default replaces
// it.
func testNewerSettings(t *testing.T, s *Store) {
	ctx := t.Context()
	do(t, "store a newer choice", s.write(ctx, func(ctx context.Context, t *transaction) error {
		_, err := t.exec(ctx, sqlSet, "visibility", "floors", 0)
		return err
	}))
	choose := func(value string) error {
		return s.ChangeSettings(ctx, func(x *Settings) error { x.Visibility, x.Invisible = value, "on"; return nil })
	}
	wrong := WrongFields(choose(VisibleTeams))
	if x, err := s.Settings(ctx); len(wrong) != 1 || *wrong[0] != (FieldError{Field: "visibility", Code: NewerValue, Detail: "floors"}) ||
		err != nil || x.Visibility != "floors" || x.Invisible != "off" {
		t.Errorf("a newer choice is replaced: %v, and stored is %+v, %v", wrong, x, err)
	}
	do(t, "change another setting", choose("floors"))
	if x, err := s.Settings(ctx); err != nil || x.Visibility != "floors" || x.Invisible != "on" {
		t.Errorf("beside a newer choice, stored is %+v, %v, want the change of another setting", x, err)
	}
	do(t, "restore the default", choose(""))
}

// Counts are remembered, but not after a change that they depend on.
func TestCountUsersAgain(t *testing.T) {
	onEach(t, func(t *testing.T, db database) {
		place := db.place(t)
		s, other := openAt(t, place), openAt(t, place)
		count := func(what string, all, withoutTeam int) {
			t.Helper()
			for range 2 {
				n, err := s.CountUsers(t.Context())
				if err != nil || n.All != all || n.WithoutTeam != withoutTeam {
					t.Errorf("%s: CountUsers = %+v, %v, want %d, %d of them without a team", what, n, err, all, withoutTeam)
				}
			}
		}
		count("nobody", 0, 0)
		ada := add(t, s, "ada", "", "")
		count("one person", 1, 1)
		ben := add(t, other, "ben", "", "Ops")
		count("another one, by another process", 2, 1)
		do(t, "SetTeam", other.SetTeam(t.Context(), ada.ID, "Lab"))
		count("everyone has a team", 2, 0)
		_, err := s.RenameTeam(t.Context(), "Ops", "")
		do(t, "RenameTeam", err)
		count("a team is gone", 2, 1)
		do(t, "Delete", s.Delete(t.Context(), ben.ID))
		count("one person is gone", 1, 0)
	})
}
