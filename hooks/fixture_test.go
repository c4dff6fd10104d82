package hooks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/live"
	"rollcall/presence"
)

// patience is how long a test waits for something before it fails.
const patience = 30 * time.Second

// someHash is the hash of an unknown password.
const someHash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$L8vLhz8wGpbyLHbSxRQ0H5cAHqv6C0rYZ8hEGYe0w2M"

// fixture is a database, servers that share it, and a receiver.
type fixture struct {
	t      testing.TB
	cfg    accounts.Config
	store  *accounts.Store
	memory *presence.Memory
	inbox  *inbox
	logs   *lockedBuffer
}

// onEach runs a test with each kind of database.
func onEach(t *testing.T, test func(*testing.T, *fixture)) {
	t.Parallel() // these tests mostly wait for disks
	t.Run("SQLite", func(t *testing.T) {
		test(t, newFixture(t, accounts.Config{Path: filepath.Join(t.TempDir(), "rollcall.db")}))
	})
	t.Run("Postgres", func(t *testing.T) {
		postgres, err := server()
		if err != nil {
			t.Fatal(err)
		}
		name, err := postgres.Create("")
		if err != nil {
			t.Fatal(err)
		}
		test(t, newFixture(t, accounts.Config{URL: postgres.URL(name)}))
	})
}

func newFixture(t testing.TB, cfg accounts.Config) *fixture {
	t.Helper()
	cfg.CheapHashes, cfg.Actor = true, accounts.CommandLine
	f := &fixture{t: t, cfg: cfg, memory: presence.NewMemory(), logs: &lockedBuffer{}}
	f.store = f.open()
	f.inbox = newInbox(t)
	return f
}

func newFile(t testing.TB) *fixture {
	t.Helper()
	return newFixture(t, accounts.Config{Path: filepath.Join(t.TempDir(), "rollcall.db")})
}

func (f *fixture) open() *accounts.Store {
	f.t.Helper()
	store, err := accounts.Open(f.t.Context(), f.cfg)
	f.must(err)
	f.t.Cleanup(func() { _ = store.Close() })
	return store
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) person(name, team string) accounts.Person {
	f.t.Helper()
	u, err := f.store.Create(f.t.Context(), accounts.NewUser{Username: name, DisplayName: strings.ToUpper(name[:1]) + name[1:],
		Team: team, PasswordHash: someHash})
	f.must(err)
	return u.Person
}

// hook adds a hook of a person to the receiver, which settles at once.
func (f *fixture) hook(p accounts.Person, w accounts.HookWish) accounts.Hook {
	f.t.Helper()
	w.Label, w.URL, w.States = "Lamp", f.inbox.url+w.URL, w.States || !w.Texts
	if w.Format == "" {
		w.Format = accounts.HookStandard
	}
	if w.About == "" {
		w.About = accounts.AboutEveryone
	}
	h, err := f.store.AddHook(f.t.Context(), p.ID, w)
	f.must(err)
	return h
}

// replica is one server.
type replica struct {
	f       *fixture
	here    *presence.Tracker
	link    *link
	board   *live.Board
	deliver *Deliverer
	stop    func() // as for a deploy
	crash   func() // as by kill -9, except that the test's goroutines end
}

// start starts a replica with a short lease.
func (f *fixture) start(lease time.Duration) *replica {
	f.t.Helper()
	store := f.open()
	p := presence.DefaultConfig()
	s := &replica{f: f, link: &link{Registry: f.memory.Replica()}}
	p.GraceClean, p.GraceDropped, p.Warming, p.Registry = 0, 0, 0, s.link
	s.here = presence.NewTracker(p)
	log := slog.New(slog.NewTextHandler(f.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.board = live.New(live.Config{Accounts: store, Presence: s.here, Log: log})
	s.deliver = New(Config{Accounts: store, Board: s.board, Log: log, Lease: lease,
		Sender: NewSender(SenderConfig{Allow: loopback, Timeout: lease / 2})})
	ctx, end := context.WithCancel(context.Background())
	delivering, endDelivering := context.WithCancel(ctx)
	var all, deliverer sync.WaitGroup
	all.Go(func() { s.board.Run(ctx) })
	deliverer.Go(func() { s.deliver.Run(delivering) })
	var once sync.Once
	finish := func() {
		once.Do(func() {
			endDelivering()
			deliverer.Wait()
			end()
			all.Wait()
			s.here.Close()
		})
	}
	s.stop = finish
	s.crash = func() {
		s.deliver.mu.Lock()
		s.deliver.until = time.Time{} // so that it doesn't end the lease
		s.deliver.id = "crashed"      // nor store anything any more
		s.deliver.mu.Unlock()
		finish()
	}
	f.t.Cleanup(finish)
	return s
}

func (s *replica) arrive(p accounts.Person) *presence.Connection {
	return s.here.Join(p.ID, presence.Client{}, presence.Activity{})
}

// link is the link to other replicas, which can be lost.
type link struct {
	presence.Registry
	lost atomic.Bool
}

func (l *link) Peers() presence.Peers {
	p := l.Registry.Peers()
	if l.lost.Load() {
		p.Lost = time.Now()
	}
	return p
}

// until waits until ok, which must come true.
func (f *fixture) until(what string, ok func() bool) {
	f.t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			f.t.Fatalf("still not so: %s\n%s", what, f.logs)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// isReady waits until changes are delivered to h.
func (f *fixture) isReady(h accounts.Hook) {
	f.t.Helper()
	f.until("the hook is ready", func() bool {
		h, err := f.store.Hook(f.t.Context(), "", h.ID)
		return err == nil && h.Ready
	})
}

// inbox is a receiver. It remembers what it was told, in order.
type inbox struct {
	url string

	mu       sync.Mutex
	got      []received      // guarded by mu
	arrived  int             // guarded by mu: requests, also those that were refused
	status   map[string]int  // guarded by mu: how to answer at a path; missing: 200
	seen     map[string]bool // guarded by mu
	doubled  int             // guarded by mu: messages with an ID that was there before
	answered chan struct{}   // if set, an answer waits for it
}

// received is a message in the standard format, or what is known about another one.
type received struct {
	path, id string
	Type     string
	Text     string
	Data     struct {
		User struct{ ID, Name string }
		From *string
		To   string
	}
}

func newInbox(t testing.TB) *inbox {
	i := &inbox{status: map[string]int{}, seen: map[string]bool{}}
	server := httptest.NewServer(i)
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

// ServeHTTP takes a message.
func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	m := received{path: r.URL.Path, id: r.Header.Get(headerID)}
	if err != nil || json.Unmarshal(body, &m) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	i.mu.Lock()
	i.arrived++
	status, wait := i.status[r.URL.Path], i.answered
	if status == 0 || status >= 600 {
		if i.seen[m.id] {
			i.doubled++
		}
		i.seen[m.id] = true
		i.got = append(i.got, m)
	}
	i.mu.Unlock()
	if wait != nil {
		<-wait
	}
	switch {
	case status >= 600:
		panic(http.ErrAbortHandler) // it has arrived, but nobody learns of it
	case status != 0:
		w.WriteHeader(status)
	}
}

func (i *inbox) answer(path string, status int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status[path] = status
}

// told returns what arrived at a path, as "Ada:online".
func (i *inbox) told(path string) (all []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, m := range i.got {
		if m.path == path {
			all = append(all, fmt.Sprintf("%s:%s", m.Data.User.Name, m.Data.To))
		}
	}
	return all
}

func (i *inbox) requests() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.arrived
}

// lockedBuffer is a buffer for logs.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
