//go:build unix

package e2e_test

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/accounts/pgtest"
)

// sharedPostgres is a server for tests that don't disturb it. It starts on first use.
var sharedPostgres struct {
	once   sync.Once
	server *pgtest.Server
	err    error
}

// stopPostgres stops the shared server if it was started.
func stopPostgres() {
	if sharedPostgres.server != nil {
		sharedPostgres.server.Stop()
	}
}

// newDatabase returns the URL of an empty Postgres database.
func newDatabase(t *testing.T) string {
	t.Helper()
	p := &sharedPostgres
	p.once.Do(func() { p.server, p.err = pgtest.Start() })
	if p.err != nil {
		t.Fatal(p.err)
	}
	name, err := p.server.Create("")
	if err != nil {
		t.Fatal(err)
	}
	return p.server.URL(name)
}

// signUpAt signs a person up at a replica and returns the cookies of the session.
func signUpAt(t *testing.T, r *replica, username string) string {
	t.Helper()
	var pairs []string
	for _, c := range r.post("/signup", url.Values{"username": {username}, "password": {password}}) {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; ")
}

// shownAt returns the state in which a replica's board shows a person to the owner of the cookies, or "" if it doesn't.
func shownAt(t *testing.T, r *replica, cookies, username string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Cookie", cookies)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("GET / at %s = %d, %v, want the board", r.name, answer.StatusCode, err)
	}
	v := newView(r.name)
	v.take(page, time.Now())
	return v.state(username)
}

// Two replicas that start at the same time on an empty Postgres database share one board: accounts, presence, and the
// effect of disabling a person on the command line.
func TestReplicaPostgres(t *testing.T) {
	patient(t)
	redis := newRedis(t)
	redis.start()
	database := newDatabase(t)
	var replicas []*replica
	for _, name := range []string{"A", "B"} {
		r := newReplica(t, name, filepath.Join(t.TempDir(), "unused.db"), redis)
		r.env = []string{"DATABASE_URL=" + database}
		t.Cleanup(r.cleanup)
		r.launch("--warming=50ms")
		replicas = append(replicas, r)
	}
	until := func(what string, ok func() bool) {
		t.Helper()
		for began := time.Now(); !ok(); time.Sleep(20 * time.Millisecond) {
			if time.Since(began) > startWait {
				t.Fatalf("not within %v: %s\n%s", startWait, what, replicas[0].log.String()+replicas[1].log.String())
			}
		}
	}
	a, b := replicas[0], replicas[1]
	until("both are ready", func() bool { return a.ready() && b.ready() })

	bob, ada := signUpAt(t, b, "bob"), signUpAt(t, a, "ada") // the first one is an administrator, and stays
	conn, err := dialSocket(a, "/ws", ada)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ended := make(chan error, 1)
	go func() { ended <- drainSocket(conn) }()
	for _, r := range replicas {
		until("ada is online at "+r.name, func() bool { return shownAt(t, r, bob, "ada") == "online" })
		if got := shownAt(t, r, bob, "bob"); got != "offline" {
			t.Errorf("bob, who has no page open, is %q at %s, want offline", got, r.name)
		}
	}
	if _, err := login(b.url, "ada", password); err != nil {
		t.Errorf("ada, who signed up at A, at B: %v", err)
	}

	b.cli("disable", "ada")
	select {
	case err := <-ended:
		if code := closeCode(err); code != 1008 {
			t.Errorf("the connection of a disabled user ended with %d, want 1008", code)
		}
	case <-time.After(startWait):
		t.Fatal("the connection of a disabled user is still open")
	}
	for _, r := range replicas {
		until("ada is off the board of "+r.name, func() bool { return shownAt(t, r, bob, "ada") == "" })
	}
	for _, r := range replicas {
		r.terminate()
	}
	if _, err := os.Stat(a.db); err == nil {
		t.Error("a database file was created despite DATABASE_URL")
	}
}
