package accounts

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"
)

// Every change that others must notice takes a rev, appears in Changes and is signaled by Committed. No other change
// does.
func TestChanges(t *testing.T) { onEach(t, testChanges) }

func testChanges(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	rev := mustRev(t, s)
	ada := User{}
	var session Session
	var token string
	idsOf := func(facts []Facts) []string {
		var ids []string
		for _, f := range facts {
			ids = append(ids, f.UserID)
		}
		return ids
	}
	for _, step := range []struct {
		what                  string
		act                   func() error
		users, gone, sessions func() []string // nil: none
	}{
		{"create", func() error { ada = add(t, s, "ada", "", ""); return nil }, func() []string { return []string{ada.ID} },
			nil, nil},
		{"sign in", func() error { token, session = signIn(t, s, ada.ID); return nil }, nil, nil, nil},
		{"rename", func() error { return s.Rename(t.Context(), ada.ID, "Ada L") },
			func() []string { return []string{ada.ID} }, nil, nil},
		{"rename to the same", func() error { return s.Rename(t.Context(), ada.ID, " Ada L ") }, nil, nil, nil},
		{"team", func() error { return s.SetTeam(t.Context(), ada.ID, "Ops") }, func() []string { return []string{ada.ID} },
			nil, nil},
		{"same team", func() error { return s.SetTeam(t.Context(), ada.ID, "OPS") }, nil, nil, nil},
		{"status", func() error { return s.SetStatus(t.Context(), ada.ID, Status{State: "away"}, "") },
			func() []string { return []string{ada.ID} }, nil, nil},
		{"invisible", func() error { return s.SetInvisible(t.Context(), ada.ID, true) },
			func() []string { return []string{ada.ID} }, nil, nil},
		{"invisible again", func() error { return s.SetInvisible(t.Context(), ada.ID, true) }, nil, nil, nil},
		{"time zone guessed", func() error { return s.GuessTimeZone(t.Context(), ada.ID, "Europe/Berlin") }, nil, nil, nil},
		{"preferences", func() error { return setPreferences(t.Context(), s, ada.ID, Preferences{ShowLastSeen: Exact}) },
			func() []string { return []string{ada.ID} }, nil, nil},
		{"same preferences", func() error { return setPreferences(t.Context(), s, ada.ID, Preferences{ShowLastSeen: Exact}) },
			nil, nil, nil},
		{"preset forgotten", func() error { return s.ForgetPreset(t.Context(), ada.ID, "x") }, nil, nil, nil},
		{"profile", func() error { return s.SetProfile(t.Context(), ada.ID, "Ada", "Dev", true) },
			func() []string { return []string{ada.ID} }, nil, nil},
		{"same profile", func() error { return s.SetProfile(t.Context(), ada.ID, "Ada", "dev", true) }, nil, nil, nil},
		{"seen", func() error { return s.StampSeen(t.Context(), map[string]time.Time{ada.ID: c.now()}) }, nil, nil, nil},
		{"touched", func() error {
			return s.TouchSessions(t.Context(), map[string]time.Time{session.ID: c.now().Add(time.Hour)})
		}, nil, nil, nil},
		{"browser", func() error { _, err := s.RememberBrowser(t.Context(), ada.ID, ""); return err }, nil, nil, nil},
		{"login", func() error { _, err := s.Authenticate(t.Context(), "ada", secret); return err }, nil, nil, nil},
		{"session ended", func() error { return s.EndSession(t.Context(), session.ID) }, nil, nil,
			func() []string { return []string{session.ID} }},
		{"sign in again", func() error { token, session = signIn(t, s, ada.ID); return nil }, nil, nil, nil},
		{"password", func() error { return s.SetPassword(t.Context(), ada.ID, "another phrase", session.ID) },
			func() []string { return []string{ada.ID} }, nil, nil},
		{"own password", func() error { return s.ChangePassword(t.Context(), ada.ID, "another phrase", secret, session.ID) },
			func() []string { return []string{ada.ID} }, nil, nil},
		{"other sessions", func() error { _, err := s.EndOtherSessions(t.Context(), ada.ID, session.ID, false); return err }, nil,
			nil, nil},
		{"own session ended", func() error { return s.EndSessionOf(t.Context(), ada.ID, session.ID) }, nil, nil,
			func() []string { return []string{session.ID} }},
		{"sign in once more", func() error { token, session = signIn(t, s, ada.ID); return nil }, nil, nil, nil},
		{"disabled", func() error { return s.SetDisabled(t.Context(), ada.ID, true) },
			func() []string { return []string{ada.ID} }, nil, func() []string { return []string{session.ID} }},
		{"disabled again", func() error { return s.SetDisabled(t.Context(), ada.ID, true) }, nil, nil, nil},
		{"enabled", func() error { return s.SetDisabled(t.Context(), ada.ID, false) },
			func() []string { return []string{ada.ID} }, nil, nil},
		{"last sign in", func() error { token, session = signIn(t, s, ada.ID); return nil }, nil, nil, nil},
		{"deleted", func() error { return s.Delete(t.Context(), ada.ID) }, nil,
			func() []string { return []string{ada.ID} }, func() []string { return []string{session.ID} }},
	} {
		before := rev
		select {
		case <-s.Committed():
		default:
		}
		do(t, step.what, step.act())
		got, err := s.Changes(t.Context(), before)
		do(t, "Changes", err)
		list := func(ids func() []string) []string {
			if ids == nil {
				return nil
			}
			return ids()
		}
		quiet := step.users == nil && step.gone == nil && step.sessions == nil
		want := Changes{Rev: before, Gone: list(step.gone), Sessions: list(step.sessions)}
		if !quiet {
			want.Rev++
		}
		if got.Rev != want.Rev || got.Reset || !slices.Equal(idsOf(got.Users), list(step.users)) ||
			!slices.Equal(got.Gone, want.Gone) || !slices.Equal(got.Sessions, want.Sessions) {
			t.Errorf("%s: Changes = %+v, want %+v and users %v", step.what, got, want, list(step.users))
		}
		select {
		case <-s.Committed():
			if quiet {
				t.Errorf("%s: Committed was signaled, want no signal", step.what)
			}
		default:
			if !quiet {
				t.Errorf("%s: Committed wasn't signaled", step.what)
			}
		}
		rev = got.Rev
	}
	if token == "" {
		t.Error("no token")
	}
}

func TestFacts(t *testing.T) { onEach(t, testFacts) }

func testFacts(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	add(t, s, "plain", "", "")
	status, off, hidden, idle := add(t, s, "teatime", "", ""), add(t, s, "off", "", ""), add(t, s, "hidden", "", ""),
		add(t, s, "idle", "", "")
	do(t, "SetStatus", s.SetStatus(t.Context(), status.ID, Status{Text: "Tea", Emoji: "🍵", Until: c.now().Add(time.Hour)},
		""))
	do(t, "SetDisabled", s.SetDisabled(t.Context(), off.ID, true))
	do(t, "SetInvisible", s.SetInvisible(t.Context(), hidden.ID, true))
	if _, err := s.w.db.Exec("UPDATE users SET idle_after = -1 WHERE id = $1", idle.ID); err != nil {
		t.Fatal(err)
	}
	back := add(t, s, "back", "", "")
	do(t, "SetStatus", s.SetStatus(t.Context(), back.ID, Status{State: "dnd"}, ""))
	do(t, "SetStatus", s.SetStatus(t.Context(), back.ID, Status{}, ""))
	want := map[string]Facts{
		status.ID: {UserID: status.ID,
			Status: Status{Text: "Tea", Emoji: "🍵", Until: c.now().Add(time.Hour), SetAt: c.now()}},
		off.ID:    {UserID: off.ID, Disabled: true},
		hidden.ID: {UserID: hidden.ID, Invisible: true, InvisibleSince: c.now()},
		idle.ID:   {UserID: idle.ID, IdleAfter: -time.Millisecond},
	}
	facts, rev, err := s.Facts(t.Context())
	got := map[string]Facts{}
	for _, f := range facts {
		got[f.UserID] = f
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Facts = %+v, %v, want %+v", got, err, want)
	}
	changes, err := s.Changes(t.Context(), 0)
	if err != nil || changes.Rev != rev || len(changes.Users) != 6 || changes.Reset {
		t.Errorf("Changes(0) = %+v, %v, want 6 users up to rev %d", changes, err, rev)
	}
	for _, f := range changes.Users {
		if w, ok := want[f.UserID]; ok && !reflect.DeepEqual(f, w) {
			t.Errorf("Changes: %+v, want %+v", f, w)
		}
	}
}

// Tombstones are kept for a day. A reader with an older rev must start over; other readers miss nothing.
func TestChangesAfterADay(t *testing.T) { onEach(t, testChangesAfterADay) }

func testChangesAfterADay(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	u, v := add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
	do(t, "Delete", s.Delete(t.Context(), u.ID))
	deleted := mustRev(t, s)
	_, session := signIn(t, s, v.ID)
	c.add(tombstoneAge + time.Minute)
	if got, err := s.Changes(t.Context(), 0); err != nil || got.Reset || len(got.Gone) != 1 {
		t.Errorf("Changes(0) = %+v, %v, want the one that is still remembered", got, err)
	}
	do(t, "EndSession", s.EndSession(t.Context(), session.ID))
	for _, since := range []int64{-1, 0, deleted - 1, deleted + 2, 1 << 40} {
		if got, err := s.Changes(t.Context(), since); err != nil ||
			!reflect.DeepEqual(got, Changes{Rev: deleted + 1, Reset: true, History: got.History}) {
			t.Errorf("Changes(%d) = %+v, %v, want Reset at rev %d", since, got, err, deleted+1)
		}
	}
	got, err := s.Changes(t.Context(), deleted)
	want := Changes{Rev: deleted + 1, Sessions: []string{session.ID}, History: got.History}
	if len(got.Users) == 0 {
		got.Users = nil
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Changes(%d) = %+v, %v, want %+v", deleted, got, err, want)
	}
}

func TestChangesAreBounded(t *testing.T) {
	s := open(t, Config{})
	hash := newPHC(secret, cheapParams).String()
	users := make([]NewUser, maxChanges+1)
	for i := range users {
		users[i] = NewUser{Username: fmt.Sprintf("user%d", i), PasswordHash: hash}
	}
	do(t, "Import", second(s.Import(t.Context(), users[1:])))
	if c, err := s.Changes(t.Context(), 0); err != nil || c.Reset || len(c.Users) != maxChanges {
		t.Errorf("Changes(0) = %d users, reset %v, %v, want %d", len(c.Users), c.Reset, err, maxChanges)
	}
	do(t, "Import", second(s.Import(t.Context(), users[:1])))
	if c, err := s.Changes(t.Context(), 0); err != nil || !c.Reset || len(c.Users) != 0 {
		t.Errorf("Changes(0) = %d users, reset %v, %v, want Reset", len(c.Users), c.Reset, err)
	}
}

// TestTombstonesAreBounded: tombstones are kept for maxChanges revs. A reader that is further behind must start over.
func TestTombstonesAreBounded(t *testing.T) { onEach(t, testTombstonesAreBounded) }

func testTombstonesAreBounded(t *testing.T, db database) {
	s := db.open(t, Config{})
	end := func(id string) int64 {
		t.Helper()
		do(t, "remember", s.write(t.Context(),
			func(ctx context.Context, tx *transaction) error { return tx.remember(ctx, endedSession, id) }))
		return mustRev(t, s)
	}
	first := end("one")
	do(t, "let revs pass", s.write(t.Context(), func(ctx context.Context, tx *transaction) error {
		_, err := tx.exec(ctx, "UPDATE meta SET value = value + $1 WHERE name = 'rev'", maxChanges-2)
		return err
	}))
	end("two")
	if c, err := s.Changes(t.Context(), first-1); err != nil || !slices.Equal(c.Sessions, []string{"one", "two"}) {
		t.Errorf("Changes(%d) = %+v, %v, want both sessions", first-1, c, err)
	}
	end("three")
	if c, err := s.Changes(t.Context(), first); err != nil || !slices.Equal(c.Sessions, []string{"two", "three"}) {
		t.Errorf("Changes(%d) = %+v, %v, want the last two sessions", first, c, err)
	}
	if c, err := s.Changes(t.Context(), first-1); err != nil || !c.Reset {
		t.Errorf("Changes(%d) = %+v, %v, want Reset", first-1, c, err)
	}
	var n int
	if do(t, "count", s.r.queryRow(t.Context(), "SELECT count(*) FROM tombstones", nil, &n)); n != 2 {
		t.Errorf("%d tombstones are kept, want 2", n)
	}
}

// A store notices the changes of another process on the same database, such as the command line.
func TestChangesOfAnotherStore(t *testing.T) { onEach(t, testChangesOfAnotherStore) }

func testChangesOfAnotherStore(t *testing.T, db database) {
	place := db.place(t)
	a, b := openAt(t, place), openAt(t, place)
	if a.ID() != b.ID() || len(a.ID()) < 20 {
		t.Errorf("ids of the same store = %q and %q, want the same", a.ID(), b.ID())
	}
	if other := db.open(t, Config{}); other.ID() == a.ID() {
		t.Error("two stores have the same id")
	}
	rev := mustRev(t, a)
	u := add(t, b, "ada", "", "")
	if c, err := a.Changes(t.Context(), rev); err != nil || len(c.Users) != 1 || c.Users[0].UserID != u.ID {
		t.Errorf("Changes = %+v, %v, want the other store's user", c, err)
	}
	token, _ := signIn(t, b, u.ID)
	do(t, "SetDisabled", a.SetDisabled(t.Context(), u.ID, true))
	_, _, err := b.SessionByToken(t.Context(), token)
	wantErr(t, "SessionByToken at the other store", err, ErrNoSession)
	do(t, "Ping", a.Ping(t.Context()))
	do(t, "Close", a.Close())
	if err := a.Ping(t.Context()); err == nil {
		t.Error("Ping of a closed store = no error, want one")
	}
}
