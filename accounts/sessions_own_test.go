package accounts

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// A user can list their sessions, end one of them, or end all others.
func TestSessionsOfUser(t *testing.T) { onEach(t, testSessionsOfUser) }

func testSessionsOfUser(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	u, v := add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
	_, expiring, err := s.StartSession(t.Context(), SignIn{UserID: u.ID, UserAgent: "old", Address: "192.0.2.1"})
	do(t, "StartSession", err)
	c.add(SessionLife - time.Hour)
	var ids []string
	for i := range 3 {
		_, session, err := s.StartSession(t.Context(), SignIn{UserID: u.ID, UserAgent: fmt.Sprint("browser ", i), Address: "192.0.2.1"})
		do(t, "StartSession", err)
		ids = append(ids, session.ID)
		c.add(time.Minute)
	}
	_, others := signIn(t, s, v.ID)
	check := func(what string, want ...string) []Session {
		t.Helper()
		sessions, err := s.Sessions(t.Context(), u.ID)
		do(t, "Sessions", err)
		var got []string
		for _, x := range sessions {
			got = append(got, x.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("sessions after %s = %v, want %v", what, got, want)
		}
		return sessions
	}
	check("sign-ins", ids[2], ids[1], ids[0], expiring.ID)
	c.add(time.Hour) // the first one has expired, but is still stored
	used := c.now().Add(time.Second)
	do(t, "TouchSessions", s.TouchSessions(t.Context(), map[string]time.Time{ids[0]: used}))
	got := check("the first one was used", ids[0], ids[2], ids[1])[0]
	if got.UserAgent != "browser 0" || got.Address != "192.0.2.1" || got.UserID != u.ID || !got.UsedAt.Equal(used) ||
		!got.ExpiresAt.Equal(got.CreatedAt.Add(SessionLife)) || got.CreatedAt.IsZero() {
		t.Errorf("session = %+v, want all of it", got)
	}

	rev := mustRev(t, s)
	for what, id := range map[string]string{"somebody else's": others.ID, "an expired": expiring.ID, "no": "",
		"an unknown": "nonsense"} {
		wantErr(t, "EndSessionOf "+what+" session", s.EndSessionOf(t.Context(), u.ID, id), ErrNoSession)
	}
	if got := mustRev(t, s); got != rev {
		t.Errorf("rev after nothing was ended = %d, want %d", got, rev)
	}
	do(t, "EndSessionOf", s.EndSessionOf(t.Context(), u.ID, ids[2]))
	wantErr(t, "EndSessionOf twice", s.EndSessionOf(t.Context(), u.ID, ids[2]), ErrNoSession)
	check("one was ended", ids[0], ids[1])

	if n, err := s.EndOtherSessions(t.Context(), u.ID, ids[1], false); err != nil || n != 1 {
		t.Errorf("EndOtherSessions = %d, %v, want 1, because an expired one doesn't count", n, err)
	}
	check("all others were ended", ids[1])
	if n, err := s.EndOtherSessions(t.Context(), u.ID, ids[1], false); err != nil || n != 0 {
		t.Errorf("EndOtherSessions again = %d, %v, want 0", n, err)
	}
	changes, err := s.Changes(t.Context(), rev)
	if want := []string{ids[2], ids[0]}; err != nil || changes.Rev != rev+2 || !slices.Equal(changes.Sessions, want) {
		t.Errorf("Changes = %+v, %v, want the sessions %v and nothing else", changes, err, want)
	}
	if sessions, err := s.Sessions(t.Context(), v.ID); err != nil || len(sessions) != 1 {
		t.Errorf("sessions of another user = %+v, %v, want one", sessions, err)
	}
	if n, err := s.EndOtherSessions(t.Context(), u.ID, "", false); err != nil || n != 1 {
		t.Errorf("EndOtherSessions without one to keep = %d, %v, want 1", n, err)
	}
	check("all were ended")
}
