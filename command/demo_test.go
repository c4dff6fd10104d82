package command

import (
	"bytes"
	"context"
	"io"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"
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
	if got := bytes.Count(page, []byte("data-user=")); got != usualPeople {
		t.Errorf("the board shows %d people, want %d:\n%s", got, usualPeople, page)
	}
	if err := r.end(t); err != nil {
		t.Errorf("run = %v, want nil", err)
	}
	if left, _ := os.ReadDir(temporary); len(left) != 0 {
		t.Errorf("the temporary folder still has %v, want nothing", left)
	}
}

// fakeStore replaces accounts for the cast. It records the last-seen times, showLastSeen, and statuses that are set,
// and counts statuses. If it has a tracker, it passes statuses on to it.
type fakeStore struct {
	tracker      *presence.Tracker
	statuses     int
	seen         map[string]time.Time
	showLastSeen map[string]string
	said         map[string]accounts.Status
}

func newFakeStore(tracker *presence.Tracker) *fakeStore {
	return &fakeStore{
		tracker: tracker, seen: map[string]time.Time{}, showLastSeen: map[string]string{}, said: map[string]accounts.Status{},
	}
}

func (s *fakeStore) SetStatus(_ context.Context, user string, status accounts.Status, _ string) error {
	s.statuses++
	s.said[user] = status
	if s.tracker != nil {
		s.tracker.SetFacts(user, presence.Facts{Status: presence.Status{
			State: presence.State(status.State), Text: status.Text, Emoji: status.Emoji, Until: status.Until, SetAt: time.Now(),
		}})
	}
	return nil
}

func (s *fakeStore) ChangePreferences(_ context.Context, user string, change func(*accounts.Preferences)) error {
	p := accounts.Preferences{ShowLastSeen: accounts.Approximate}
	change(&p)
	s.showLastSeen[user] = p.ShowLastSeen
	return nil
}

func (s *fakeStore) Sessions(context.Context, string) ([]accounts.Session, error) { return nil, nil }

func (s *fakeStore) StampSeen(_ context.Context, seen map[string]time.Time) error {
	maps.Copy(s.seen, seen)
	return nil
}

// openedCast returns a cast of a demo of n people that has set up the initial state. passOn says whether its statuses
// reach the tracker. Call it in a synctest bubble.
func openedCast(t *testing.T, n int, seed uint64, passOn bool) (*cast, *fakeStore) {
	t.Helper()
	cfg := presence.DefaultConfig()
	cfg.Warming, cfg.GraceClean = 0, 0
	tracker, earlier := demoTracker(cfg)
	t.Cleanup(tracker.Close)
	store := newFakeStore(nil)
	if passOn {
		store.tracker = tracker
	}
	var players []*player
	for _, person := range demoStaff(n)[1:] {
		players = append(players, &player{id: person.Username, username: person.Username})
	}
	c := newCast(store, tracker, earlier, players, rand.New(rand.NewPCG(seed, 0)))
	if err := c.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c, store
}

func TestCastKeepsTheBoardBusy(t *testing.T) { synctest.Test(t, testCastKeepsTheBoardBusy) }

func testCastKeepsTheBoardBusy(t *testing.T) {
	const seed = 7
	c, store := openedCast(t, usualPeople, seed, false)
	c.handOver()
	synctest.Wait()
	tracker, players := c.tracker, c.players
	if store.statuses == 0 || len(store.seen) == 0 {
		t.Errorf("open set %d statuses and %d last-seen times, want some of both", store.statuses, len(store.seen))
	}
	arrived, left, changedState, setStatus := 0, 0, 0, 0
	online, away := 0, 0 // summed over the steps
	usual, slack := c.usual()
	leftIn := map[string]int{} // the step
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
		switch step, left := leftIn[c.last.id]; {
		case after.Here() < before.Here():
			leftIn[c.last.id] = i
		case after.Here() > before.Here() && c.last.onLeave:
			t.Errorf("seed %d, step %d: %s is back from leave", seed, i, c.last.id)
		case after.Here() > before.Here() && left && i-step < 8:
			t.Errorf("seed %d, step %d: %s is back %d steps after leaving, want at least 8", seed, i, c.last.id, i-step)
		}
		if n := after.Here(); n < usual-slack || n > usual+slack {
			t.Fatalf("seed %d, step %d: %d are here, want %d to %d", seed, i, n, usual-slack, usual+slack)
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
	store, err := accounts.Open(t.Context(), accounts.Config{CheapHashes: true, Path: filepath.Join(t.TempDir(), "rollcall.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	players, err := invite(t.Context(), store, demoStaff(usualPeople), newPassword())
	if err != nil {
		t.Fatal(err)
	}
	if want := usualPeople - 1; len(players) != want {
		t.Errorf("invite = %d players, want %d: everyone except %s", len(players), want, demoLogin)
	}
	for _, said := range slices.Concat(demoStatuses, demoAbsences) {
		status, err := said.starting(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if (status.State != "") && status.Until.IsZero() {
			t.Errorf("the status %+v sets a state and doesn't end", said)
		}
		ctx := accounts.As(t.Context(), accounts.System)
		if err := store.SetStatus(ctx, players[0].id, status, said.lasts); err != nil {
			t.Errorf("SetStatus(%+v) = %v, want nil", status, err)
		}
	}
	expectTeams(t, store, usualTeams, 10)
}

// expectTeams checks how many teams there are, and that each has at least this many people.
func expectTeams(t *testing.T, store *accounts.Store, n, people int) {
	t.Helper()
	teams, err := store.Tally(t.Context())
	if err != nil || len(teams) != n {
		t.Errorf("Tally = %d teams, %v, want %d", len(teams), err, n)
	}
	for _, team := range teams {
		if team.People < people {
			t.Errorf("the team %s has %d people, want at least %d", team.Name, team.People, people)
		}
	}
}

// Everyone on a large board could sign up too, and nearly all have a name of their own. Adding them doesn't hash a
// password for each.
func TestDemoOfThousands(t *testing.T) {
	const n = 5000
	store, err := accounts.Open(t.Context(), accounts.Config{CheapHashes: true, Path: filepath.Join(t.TempDir(), "rollcall.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	password := newPassword()
	players, err := invite(t.Context(), store, demoStaff(n), password)
	if err != nil || len(players) != n-1 {
		t.Fatalf("invite = %d players, %v, want %d", len(players), err, n-1)
	}
	if got := store.Stats().Hash.Done; got != 1 {
		t.Errorf("invite hashed %d passwords, want one for all", got)
	}
	for _, login := range []string{demoLogin, "selam", "asa.ahlgren"} {
		if _, err := store.Authenticate(t.Context(), login, password); err != nil {
			t.Errorf("Authenticate(%s) = %v, want nil", login, err)
		}
	}
	expectTeams(t, store, len(demoTeams), n/len(demoTeams)*9/10)
	names := map[string]bool{}
	for _, person := range demoStaff(n) {
		names[person.DisplayName] = true
	}
	if got, want := len(names), n*999/1000; got < want {
		t.Errorf("%d people have %d different names, want at least %d", n, got, want)
	}
}

func TestDemoStaff(t *testing.T) {
	for _, c := range []struct{ n, teams int }{{1, 1}, {2, 2}, {24, 6}, {60, 6}, {61, 6}, {500, 20}, {maxPeople, 40}} {
		staff := demoStaff(c.n)
		if len(staff) != c.n || staff[0].Username != demoLogin {
			t.Errorf("demoStaff(%d) = %d people, the first %s, want %d, %s",
				c.n, len(staff), staff[0].Username, c.n, demoLogin)
		}
		usernames, teams := map[string]bool{}, map[string]bool{}
		for _, person := range staff {
			if usernames[person.Username] {
				t.Fatalf("demoStaff(%d) has %s twice", c.n, person.Username)
			}
			if name, err := accounts.FoldUsername(person.Username); err != nil || name != person.Username {
				t.Errorf("FoldUsername(%q) = %q, %v, want the same", person.Username, name, err)
			}
			usernames[person.Username], teams[person.Team] = true, true
		}
		if len(teams) != c.teams {
			t.Errorf("demoStaff(%d) is in %d teams, want %d", c.n, len(teams), c.teams)
		}
	}
}

func TestLanguages(t *testing.T) {
	families := map[string]bool{}
	for i, l := range languages {
		given, family := namesIn(l.given), namesIn(l.family)
		if len(given) != namesOfEach || len(family) != namesOfEach {
			t.Errorf("language %d has %d given and %d family names, want %d of each", i, len(given), len(family), namesOfEach)
		}
		for _, n := range family {
			if families[n.plain] {
				t.Errorf("two family names are spelled %s in usernames", n.plain)
			}
			families[n.plain] = true
		}
	}
	for in, want := range map[string]string{
		"Ångström": "angstrom", "O’Sullivan": "osullivan", "Møller": "moller", "Kjær": "kjaer",
		"Işık": "isik", "İpek": "ipek", "Đặng": "dang", "Łukasz": "lukasz",
	} {
		if got := plainLetters(in); got != want {
			t.Errorf("plainLetters(%s) = %s, want %s", in, got, want)
		}
	}
}
