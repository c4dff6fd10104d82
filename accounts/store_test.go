package accounts

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// open returns a store with cheap hashes, on a new file unless cfg names a database.
func open(tb testing.TB, cfg Config) *Store {
	tb.Helper()
	if cfg.Path == "" && cfg.URL == "" {
		cfg.Path = copiedFile(tb)
	}
	cfg.CheapHashes = true
	cfg.Actor = cmp.Or(cfg.Actor, System)
	s, err := Open(context.Background(), cfg)
	if err != nil {
		tb.Fatalf("Open(%q) = %v", cfg.Where(), err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

const secret = "correct horse battery"

// add creates a user with the password secret.
func add(tb testing.TB, s *Store, username, displayName, team string) User {
	tb.Helper()
	u, err := s.Create(tb.Context(), NewUser{Username: username, DisplayName: displayName, Team: team, Password: secret})
	if err != nil {
		tb.Fatalf("Create(%q) = %v", username, err)
	}
	return u
}

// signIn starts a session.
func signIn(tb testing.TB, s *Store, userID string) (token string, session Session) {
	tb.Helper()
	token, session, err := s.StartSession(tb.Context(), SignIn{UserID: userID, UserAgent: "browser", Address: "192.0.2.1"})
	if err != nil {
		tb.Fatalf("StartSession = %v", err)
	}
	return token, session
}

func do(tb testing.TB, what string, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatalf("%s = %v, want no error", what, err)
	}
}

func wantErr(tb testing.TB, what string, err, want error) {
	tb.Helper()
	if !errors.Is(err, want) {
		tb.Errorf("%s = %v, want %v", what, err, want)
	}
}

func wantField(tb testing.TB, what string, err error, field string) {
	tb.Helper()
	var fe *FieldError
	if !errors.As(err, &fe) || fe.Field != field || fe.Code == "" {
		tb.Errorf("%s = %v, want a *FieldError about %s", what, err, field)
	}
}

func names(people []Person) []string {
	var names []string
	for _, p := range people {
		names = append(names, p.Username)
	}
	return names
}

func wantNames(tb testing.TB, what string, got []Person, want ...string) {
	tb.Helper()
	if !slices.Equal(names(got), want) {
		tb.Errorf("%s = %v, want %v", what, names(got), want)
	}
}

// clock is a Config.Now that tests can move.
type clock struct {
	mu sync.Mutex
	t  time.Time // guarded by mu
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}
