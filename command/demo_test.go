package command

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

func TestDemo(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	r := start(t, "demo", "--addr", "127.0.0.1:0")
	if left, _ := filepath.Glob(temporary + "/rollcall-demo-*/rollcall.db"); len(left) != 1 {
		t.Errorf("databases in the temporary folder: %q, want one", left)
	}
	login := regexp.MustCompile(`^Sign in as (\S+) with the password (\S+)$`).FindStringSubmatch(<-r.lines)
	if login == nil {
		t.Fatal("the second line of output has no username and password")
	}
	answer, err := browser(t).PostForm(r.url+"/login", url.Values{"username": {login[1]}, "password": {login[2]}})
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Count(page, []byte("data-user=")); got != len(demoPeople) {
		t.Errorf("the board shows %d people, want %d:\n%s", got, len(demoPeople), page)
	}
	if err := r.end(t); err != nil {
		t.Errorf("run = %v, want nil", err)
	}
	if left, _ := os.ReadDir(temporary); len(left) != 0 {
		t.Errorf("the temporary folder still has %v, want nothing", left)
	}
}

// fakeStore replaces accounts for the cast, and counts writes.
type fakeStore struct{ statuses, seen int }

func (s *fakeStore) SetStatus(context.Context, string, accounts.Status, string) error {
	s.statuses++
	return nil
}

func (s *fakeStore) Sessions(context.Context, string) ([]accounts.Session, error) { return nil, nil }

func (s *fakeStore) StampSeen(_ context.Context, seen map[string]time.Time) error {
	s.seen += len(seen)
	return nil
}

func TestCastKeepsTheBoardBusy(t *testing.T) {
	const seed = 7
	tracker := presence.NewTracker(presence.Config{IdleAfter: 10 * time.Minute})
	defer tracker.Close()
	var players []*player
	for _, person := range demoPeople {
		players = append(players, &player{id: person.Username, username: person.Username})
	}
	store := &fakeStore{}
	c := newCast(store, tracker, players, rand.New(rand.NewPCG(seed, 0)))
	if err := c.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if store.statuses == 0 || store.seen == 0 {
		t.Errorf("open set %d statuses and %d last-seen times, want some of both", store.statuses, store.seen)
	}
	arrived, left, changedState, setStatus := 0, 0, 0, 0
	online, away := 0, 0 // summed over the steps
	for i := range 2000 {
		before, statuses := tracker.Counts(), store.statuses
		if err := c.step(t.Context()); err != nil {
			t.Fatal(err)
		}
		after := tracker.Counts()
		switch {
		case after.Here() > before.Here():
			arrived++
		case after.Here() < before.Here():
			left++
		case after.Away != before.Away:
			changedState++
		case store.statuses > statuses:
			setStatus++
		default:
			t.Fatalf("seed %d, step %d: nothing happened", seed, i)
		}
		if after.Here()*2 <= len(players) {
			t.Fatalf("seed %d, step %d: %d of %d are here, want a majority", seed, i, after.Here(), len(players))
		}
		online += after.Online
		away += after.Away
	}
	if online < 2*away {
		t.Errorf("seed %d: %d online for every 1000 away, want at least 2000", seed, online*1000/away)
	}
	for what, times := range map[string]int{
		"arrived": arrived, "left": left, "changed state": changedState, "set a status": setStatus,
	} {
		if times < 200 {
			t.Errorf("seed %d: people %s %d times in 2000 steps, want at least 200", seed, what, times)
		}
	}
}

// A real person could set the demo's statuses, and its people could sign up.
func TestDemoPeopleAndStatuses(t *testing.T) {
	store, err := accounts.Open(t.Context(), accounts.Config{Path: filepath.Join(t.TempDir(), "rollcall.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	players, err := invite(t.Context(), store, newPassword())
	if err != nil {
		t.Fatal(err)
	}
	if want := len(demoPeople) - 1; len(players) != want {
		t.Errorf("invite = %d players, want %d: everyone except %s", len(players), want, demoLogin)
	}
	for _, status := range demoStatuses {
		if status.State != "" {
			status.Until = time.Now().Add(time.Minute)
		}
		if err := store.SetStatus(accounts.As(t.Context(), accounts.System), players[0].id, status, ""); err != nil {
			t.Errorf("SetStatus(%+v) = %v, want nil", status, err)
		}
	}
	teams, err := store.Tally(t.Context())
	if err != nil || len(teams) != 4 {
		t.Errorf("Tally = %v, %v, want four teams", teams, err)
	}
}
