package accounts

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestSession(t *testing.T) { onEach(t, testSession) }

func testSession(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	u := add(t, s, "ada", "Ada", "")
	token, started, err := s.StartSession(t.Context(), SignIn{UserID: u.ID, UserAgent: "Firefox " + strings.Repeat("ü", 300), Address: "192.0.2.1"})
	do(t, "StartSession", err)
	if len(token) != 43 || started.UserID != u.ID || !started.ExpiresAt.Equal(c.now().Add(SessionLife)) {
		t.Errorf("StartSession = %d characters, %+v, want 43, expiring in 30 days", len(token), started)
	}
	if len(started.UserAgent) > maxUserAgent || !utf8.ValidString(started.UserAgent) {
		t.Errorf("user agent has %d bytes, want at most %d, valid", len(started.UserAgent), maxUserAgent)
	}
	x, got, err := s.SessionByToken(t.Context(), token)
	if err != nil || !reflect.DeepEqual(x, started) || !reflect.DeepEqual(got, u) {
		t.Errorf("SessionByToken = %+v, %+v, %v, want %+v, %+v", x, got, err, started, u)
	}
	for _, bad := range []string{"", "x", token[:42], token + "A", strings.Repeat("A", 43), token[:42] + "=", "'; --"} {
		_, _, err := s.SessionByToken(t.Context(), bad)
		wantErr(t, "SessionByToken("+bad+")", err, ErrNoSession)
	}
	do(t, "EndSession", s.EndSession(t.Context(), started.ID))
	_, _, err = s.SessionByToken(t.Context(), token)
	wantErr(t, "SessionByToken of an ended session", err, ErrNoSession)
	rev := mustRev(t, s)
	do(t, "EndSession twice", s.EndSession(t.Context(), started.ID))
	if got := mustRev(t, s); got != rev {
		t.Errorf("rev after nothing was ended = %d, want %d", got, rev)
	}
	_, _, err = s.StartSession(t.Context(), SignIn{UserID: "nobody"})
	wantErr(t, "StartSession(nobody)", err, ErrNotFound)
}

func TestSessionExpires(t *testing.T) { onEach(t, testSessionExpires) }

func testSessionExpires(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	u := add(t, s, "ada", "", "")
	token, session := signIn(t, s, u.ID)
	c.add(SessionLife - time.Millisecond)
	if any, err := s.AnySession(t.Context()); err != nil || !any {
		t.Errorf("AnySession = %v, %v, want true", any, err)
	}
	do(t, "TouchSessions", s.TouchSessions(t.Context(), map[string]time.Time{session.ID: c.now()}))
	if x, _, err := s.SessionByToken(t.Context(), token); err != nil || !x.UsedAt.Equal(c.now()) {
		t.Errorf("SessionByToken just before the end = %+v, %v, want UsedAt to be now", x, err)
	}
	do(t, "TouchSessions", s.TouchSessions(t.Context(), map[string]time.Time{session.ID: c.now().Add(-time.Hour)}))
	if x, _, err := s.SessionByToken(t.Context(), token); err != nil || !x.UsedAt.Equal(c.now()) {
		t.Errorf("UsedAt after an older touch = %v, %v, want %v", x.UsedAt, err, c.now())
	}
	c.add(time.Millisecond)
	_, _, err := s.SessionByToken(t.Context(), token)
	wantErr(t, "SessionByToken after 30 days of use", err, ErrNoSession)
	if any, err := s.AnySession(t.Context()); err != nil || any {
		t.Errorf("AnySession with only an expired one = %v, %v, want false", any, err)
	}
	signIn(t, s, u.ID)
	var n int
	if err := s.r.db.QueryRow("SELECT count(*) FROM sessions").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d sessions, %v after a sign-in, want the expired one deleted", n, err)
	}
}

// Signing in again in a browser ends its old session, even of another user, and changes the token.
func TestSessionReplaces(t *testing.T) { onEach(t, testSessionReplaces) }

func testSessionReplaces(t *testing.T, db database) {
	s := db.open(t, Config{})
	ada, bob := add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
	other, _ := signIn(t, s, ada.ID)
	old, replaced := signIn(t, s, ada.ID)
	rev := mustRev(t, s)
	token, _, err := s.StartSession(t.Context(), SignIn{UserID: bob.ID, Replaces: old})
	do(t, "StartSession", err)
	if token == old {
		t.Error("StartSession returned the token of the browser's last session")
	}
	_, _, err = s.SessionByToken(t.Context(), old)
	wantErr(t, "SessionByToken of the replaced session", err, ErrNoSession)
	if _, _, err := s.SessionByToken(t.Context(), other); err != nil {
		t.Errorf("SessionByToken of another browser = %v, want no error", err)
	}
	if c, err := s.Changes(t.Context(), rev); err != nil || !slices.Equal(c.Sessions, []string{replaced.ID}) {
		t.Errorf("Changes = %+v, %v, want the replaced session", c, err)
	}
	for _, bad := range []string{"x", strings.Repeat("A", 43), old} {
		if token, _, err := s.StartSession(t.Context(), SignIn{UserID: bob.ID, Replaces: bad}); err != nil || token == bad {
			t.Errorf("StartSession(replaces %q) = %q, %v, want a token that the store generated", bad, token, err)
		}
	}
}

func TestWhatEndsSessions(t *testing.T) { onEach(t, testWhatEndsSessions) }

func testWhatEndsSessions(t *testing.T, db database) {
	for _, c := range []struct {
		name string
		end  func(s *Store, userID, keep string) error
		kept bool
	}{
		{"password", func(s *Store, id, _ string) error { return s.SetPassword(t.Context(), id, "another phrase", "") },
			false},
		{"password, kept", func(s *Store, id,
			keep string) error {
			return s.SetPassword(t.Context(), id, "another phrase", keep)
		}, true},
		{"disabled", func(s *Store, id, _ string) error { return s.SetDisabled(t.Context(), id, true) }, false},
		{"deleted", func(s *Store, id, _ string) error { return s.Delete(t.Context(), id) }, false},
	} {
		s := db.open(t, Config{})
		ada, bob := add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
		var tokens, ids []string
		for range 3 {
			token, session := signIn(t, s, ada.ID)
			tokens, ids = append(tokens, token), append(ids, session.ID)
		}
		bobs, _ := signIn(t, s, bob.ID)
		rev := mustRev(t, s)
		do(t, c.name, c.end(s, ada.ID, ids[0]))
		if c.kept {
			if _, _, err := s.SessionByToken(t.Context(), tokens[0]); err != nil {
				t.Errorf("%s: SessionByToken of the kept session = %v, want no error", c.name, err)
			}
			tokens, ids = tokens[1:], ids[1:]
		}
		for _, token := range tokens {
			_, _, err := s.SessionByToken(t.Context(), token)
			wantErr(t, c.name+": SessionByToken", err, ErrNoSession)
		}
		if _, _, err := s.SessionByToken(t.Context(), bobs); err != nil {
			t.Errorf("%s: SessionByToken of another user = %v, want no error", c.name, err)
		}
		changes, err := s.Changes(t.Context(), rev)
		slices.Sort(changes.Sessions)
		if slices.Sort(ids); err != nil || !slices.Equal(changes.Sessions, ids) {
			t.Errorf("%s: Changes = %+v, %v, want sessions %v", c.name, changes, err, ids)
		}
	}
}

// A disabled user has no valid session, even if one was started at the same time, and can't start one.
func TestDisabledUserHasNoSession(t *testing.T) { onEach(t, testDisabledUserHasNoSession) }

func testDisabledUserHasNoSession(t *testing.T, db database) {
	s := db.open(t, Config{})
	u := add(t, s, "ada", "", "")
	token, _ := signIn(t, s, u.ID)
	if _, err := s.w.db.Exec("UPDATE users SET disabled = TRUE"); err != nil {
		t.Fatal(err)
	}
	_, _, err := s.SessionByToken(t.Context(), token)
	wantErr(t, "SessionByToken", err, ErrNoSession)
	_, _, err = s.StartSession(t.Context(), SignIn{UserID: u.ID})
	wantErr(t, "StartSession", err, ErrNotFound)
}

func TestSetPassword(t *testing.T) { onEach(t, testSetPassword) }

func testSetPassword(t *testing.T, db database) {
	s := db.open(t, Config{})
	u := add(t, s, "ada", "", "")
	known, err := s.RememberBrowser(t.Context(), u.ID, "")
	do(t, "RememberBrowser", err)
	wantField(t, "SetPassword", s.SetPassword(t.Context(), u.ID, "12345678", ""), "password")
	wantErr(t, "SetPassword(nobody)", s.SetPassword(t.Context(), "nobody", "another phrase", ""), ErrNotFound)
	_, before, err := s.KnownBrowser(t.Context(), "ada", known)
	do(t, "KnownBrowser", err)
	do(t, "SetPassword", s.SetPassword(t.Context(), u.ID, "another phrase", ""))
	_, err = s.Authenticate(t.Context(), "ada", secret)
	wantErr(t, "Authenticate with the old password", err, ErrCredentials)
	got, err := s.Authenticate(t.Context(), "ada", "another phrase")
	if err != nil || got.Rev != u.Rev+1 {
		t.Errorf("Authenticate with the new password = %+v, %v, want rev %d", got, err, u.Rev+1)
	}
	if ok, after, err := s.KnownBrowser(t.Context(), "ada", known); err != nil || !ok || after == before || after == "" {
		t.Errorf("KnownBrowser after SetPassword = %v, %q, %v, want true and a fingerprint other than %q", ok, after, err,
			before)
	}
	if ok, text, err := s.KnownBrowser(t.Context(), "nobody", known); err != nil || ok || text != "" {
		t.Errorf("KnownBrowser(nobody) = %v, %q, %v, want false and no fingerprint", ok, text, err)
	}
}

// The number of sessions per user is limited. A new one ends the least recently used one.
func TestSessionsAreBounded(t *testing.T) { onEach(t, testSessionsAreBounded) }

func testSessionsAreBounded(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	u := add(t, s, "ada", "", "")
	first, firstSession := signIn(t, s, u.ID)
	c.add(time.Second)
	second, _ := signIn(t, s, u.ID)
	c.add(time.Second)
	do(t, "TouchSessions", s.TouchSessions(t.Context(), map[string]time.Time{firstSession.ID: c.now()}))
	for range maxSessions - 1 {
		c.add(time.Second)
		signIn(t, s, u.ID)
	}
	if _, _, err := s.SessionByToken(t.Context(), first); err != nil {
		t.Errorf("SessionByToken of the touched session = %v, want no error", err)
	}
	_, _, err := s.SessionByToken(t.Context(), second)
	wantErr(t, "SessionByToken of the least recently used session", err, ErrNoSession)
}

// The read handle can't write.
func TestReadersCannotWrite(t *testing.T) {
	s := open(t, Config{})
	add(t, s, "ada", "", "")
	if _, err := s.r.db.Exec("DELETE FROM users"); err == nil {
		t.Error("DELETE on the read handle = no error, want one")
	}
}

// The files hold no tokens, and passwords only as hashes, so a thief can't use them.
func TestNoTokenOnDisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rollcall.db")
	s := open(t, Config{Path: file})
	u := add(t, s, "ada", "", "")
	var secrets []string
	for range 20 {
		token, _ := signIn(t, s, u.ID)
		known, err := s.RememberBrowser(t.Context(), u.ID, "")
		do(t, "RememberBrowser", err)
		secrets = append(secrets, token, known)
	}
	secrets = append(secrets, secret)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		content, err := os.ReadFile(file + suffix)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range secrets {
			if bytes.Contains(content, []byte(s)) {
				t.Errorf("%s holds a token or password", file+suffix)
			}
		}
	}
}

func TestTokensDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 10_000 {
		token, hash := newToken()
		if got, ok := tokenHash(token); !ok || got != hash || seen[token] || seen[hash] || token == hash {
			t.Fatalf("newToken = %s, %s: a duplicate, or not the token's hash", token, hash)
		}
		seen[token], seen[hash] = true, true
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""}, {"abcdefgh", "abcdefgh"}, {"abcdefghi", "abcdefgh"}, {"abcdefgü", "abcdefg"}, {"abcdeü€", "abcdeü"},
		{"abcdef€€", "abcdef"}, {"a\x00b", "ab"}, {"a\xffb", "a\uFFFDb"},
	} {
		if got := clip(c.in, 8); got != c.want {
			t.Errorf("clip(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestBrowsers(t *testing.T) { onEach(t, testBrowsers) }

func testBrowsers(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ada, bob := add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
	known := func(username, token string, want bool) {
		t.Helper()
		if got, _, err := s.KnownBrowser(t.Context(), username, token); err != nil || got != want {
			t.Errorf("KnownBrowser(%s) = %v, %v, want %v", username, got, err, want)
		}
	}
	remember := func(userID, token string) string {
		t.Helper()
		fresh, err := s.RememberBrowser(t.Context(), userID, token)
		if err != nil || fresh == token || len(fresh) != 43 {
			t.Fatalf("RememberBrowser(%q) = %q, %v, want a fresh token", token, fresh, err)
		}
		return fresh
	}
	one := remember(ada.ID, "")
	known("ada", one, true)
	known("ADA", one, true)
	known("bob", one, false)
	known("nobody", one, false)
	known("no body", one, false)
	known("ada", "", false)
	known("ada", strings.Repeat("A", 43), false)

	two := remember(bob.ID, one) // Bob uses Ada's browser
	known("ada", two, true)
	known("bob", two, true)
	known("ada", one, false) // a token that was planted in Bob's browser no longer works
	known("bob", one, false)

	c.add(browserLife - time.Hour)
	three := remember(bob.ID, two)
	known("bob", two, false)
	c.add(time.Hour)
	known("bob", three, true)
	known("ada", three, false) // half a year without a sign-in
	made := strings.Repeat("A", 43)
	remember(ada.ID, made)
	known("ada", made, false) // a token from the client is never accepted

	_, err := s.RememberBrowser(t.Context(), "nobody", "")
	wantErr(t, "RememberBrowser(nobody)", err, ErrNotFound)
	for range maxBrowsers + 5 {
		c.add(time.Second)
		remember(ada.ID, "")
	}
	var n int
	if err := s.r.db.QueryRow("SELECT count(*) FROM known_browsers WHERE user_id = $1", ada.ID).Scan(&n); err != nil ||
		n != maxBrowsers {
		t.Errorf("%d browsers of one user, %v, want %d", n, err, maxBrowsers)
	}
	do(t, "Delete", s.Delete(t.Context(), bob.ID))
	known("bob", three, false)
}

func TestManyUsersOfOneBrowser(t *testing.T) { onEach(t, testManyUsersOfOneBrowser) }

func testManyUsersOfOneBrowser(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	token := ""
	for i := range maxOfBrowser + 5 {
		c.add(time.Second)
		var err error
		u := add(t, s, fmt.Sprintf("user%d", i), "", "")
		token, err = s.RememberBrowser(t.Context(), u.ID, token)
		do(t, "RememberBrowser", err)
	}
	n := 0
	for i := range maxOfBrowser + 5 {
		if ok, _, err := s.KnownBrowser(t.Context(), fmt.Sprintf("user%d", i), token); err == nil && ok {
			n++
		}
	}
	if n != maxOfBrowser {
		t.Errorf("%d users are known in one browser, want the last %d", n, maxOfBrowser)
	}
}
