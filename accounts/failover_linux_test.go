package accounts

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/accounts/pgtest"
)

// pair is a primary and its standby, on which commits wait. The standby gets changes through link.
type pair struct {
	primary, standby *pgtest.Server
	link             *faultyProxy
}

func newPair(t *testing.T) pair {
	t.Helper()
	primary, err := pgtest.StartPrimary()
	do(t, "StartPrimary", err)
	t.Cleanup(primary.Stop)
	do(t, "Exec", primary.Exec("postgres", "CREATE ROLE rollcall LOGIN", "CREATE DATABASE rollcall OWNER rollcall"))
	link, _ := newFaultyProxy(t, primary.URL("postgres"))
	standby, err := primary.Standby("spare", link.Addr().String())
	do(t, "Standby", err)
	t.Cleanup(standby.Stop)
	do(t, "Synchronous", primary.Synchronous("spare"))
	return pair{primary, standby, link}
}

// url leads to both servers.
func (p pair) url() string { return urlOf(p.primary, p.standby) }

func urlOf(first, second *pgtest.Server) string {
	return fmt.Sprintf("postgres://rollcall@%s,%s/rollcall?sslmode=disable", first.Address(), second.Address())
}

// serverOf returns the index of the server that s uses.
func serverOf(t *testing.T, s *Store, all ...*pgtest.Server) int {
	t.Helper()
	var port int
	do(t, "Scan", s.w.db.QueryRow("SELECT inet_server_port()").Scan(&port))
	for i, one := range all {
		if one.Port == port {
			return i
		}
	}
	t.Fatalf("the store uses the port %d, want one of the servers", port)
	return -1
}

// writers create users until stop, and count those that were acknowledged.
type writers struct {
	running      sync.WaitGroup
	over         atomic.Bool
	mu           sync.Mutex
	acknowledged []string // guarded by mu; user names
	refused      atomic.Int64
}

func startWriters(ctx context.Context, s *Store, n int) *writers {
	w := &writers{}
	for k := range n {
		w.running.Go(func() {
			for i := 0; !w.over.Load(); i++ {
				name := fmt.Sprintf("user%d.%d", k, i)
				if _, err := s.Create(ctx, NewUser{Username: name, Password: secret}); err != nil {
					w.refused.Add(1)
					time.Sleep(10 * time.Millisecond)
					continue
				}
				w.mu.Lock()
				w.acknowledged = append(w.acknowledged, name)
				w.mu.Unlock()
			}
		})
	}
	return w
}

func (w *writers) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.acknowledged)
}

// more waits until n more users were acknowledged, and returns how long that took.
func (w *writers) more(t *testing.T, n int) time.Duration {
	t.Helper()
	began, want := time.Now(), w.count()+n
	for ; w.count() < want; time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > 30*time.Second {
			t.Fatalf("%d of %d users were acknowledged within 30 s", w.count()-want+n, n)
		}
	}
	return time.Since(began)
}

// stop ends the writers and fails the test if an acknowledged user is missing.
func (w *writers) stop(t *testing.T, s *Store) {
	t.Helper()
	w.over.Store(true)
	w.running.Wait()
	for _, name := range w.acknowledged {
		if _, err := s.UserByName(t.Context(), name); err != nil {
			t.Errorf("UserByName of the acknowledged %s = %v", name, err)
		}
	}
	t.Logf("%d acknowledged, %d refused", len(w.acknowledged), w.refused.Load())
}

// A standby is promoted under load, after the primary crashed, froze, or stopped in order. No acknowledged user is
// lost, and the store uses the new primary soon. An old primary that continues later changes nothing, not even for a
// store that opens then.
func TestPostgresFailover(t *testing.T) {
	for name, fail := range map[string]func(*pgtest.Server) error{
		"killed":  (*pgtest.Server).Kill,
		"frozen":  (*pgtest.Server).Freeze,
		"stopped": func(s *pgtest.Server) error { s.Stop(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			var log lines
			s := open(t, Config{URL: p.url(), Log: slog.New(slog.NewTextHandler(&log, nil))})
			w := startWriters(t.Context(), s, 4)
			w.more(t, 20)
			before := mustHistory(t, s)
			do(t, name, fail(p.primary))
			waiting, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := s.Ping(waiting); err == nil {
				t.Error("Ping without a primary = no error")
			}
			cancel()
			do(t, "Promote", p.standby.Promote())
			took := w.more(t, 20)
			t.Logf("20 users after %v", took.Round(time.Millisecond))
			if took > 10*time.Second {
				t.Errorf("20 users were acknowledged %v after the promotion, want 10 s or less", took)
			}
			if name == "frozen" {
				do(t, "Resume", p.primary.Resume())
				w.more(t, 20)
				late := open(t, Config{URL: p.url()})
				if got := serverOf(t, late, p.primary, p.standby); got != 1 {
					t.Error("a store that opens while both servers take writes uses the old primary, want the new one")
				}
			}
			if got := serverOf(t, s, p.primary, p.standby); got != 1 {
				t.Error("the store uses the old primary, want the new one")
			}
			w.stop(t, s)
			defer func() { do(t, "Close", s.Close()) }()
			if after := mustHistory(t, s); after == before {
				t.Errorf("the history is %s before and after, want another one", after)
			}
			if n := strings.Count(log.String(), "another Postgres server is the primary now"); n != 1 {
				t.Errorf("the log says %d times that another server is the primary, want once:\n%s", n, log.String())
			}
		})
	}
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func mustHistory(t *testing.T, s *Store) string {
	t.Helper()
	_, history, err := s.Rev(t.Context())
	do(t, "Rev", err)
	return history
}

// While the standby gets nothing, commits that wait for it aren't acknowledged. Without synchronous commit, they are,
// and a promotion loses them. Revs are then used again, and the history says so.
func TestPostgresFailoverLoses(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	s := open(t, Config{URL: p.url(), patience: 2 * time.Second})
	kept := add(t, s, "kept", "", "")
	p.link.dead.Store(true)
	_, err := s.Create(t.Context(), NewUser{Username: "waits", Password: secret})
	wantErr(t, "Create that no standby has", err, ErrUnknown)
	do(t, "Synchronous", p.primary.Synchronous(""))
	var lost []User
	for i := range 3 {
		lost = append(lost, add(t, s, fmt.Sprintf("lost%d", i), "", ""))
	}
	before, history, err := s.Rev(t.Context())
	do(t, "Rev", err)
	do(t, "Kill", p.primary.Kill())
	do(t, "Promote", p.standby.Promote())
	_, err = s.UserByID(t.Context(), kept.ID)
	do(t, "UserByID of a user that the standby has", err)
	for _, u := range lost {
		_, err := s.UserByID(t.Context(), u.ID)
		wantErr(t, "UserByID of a user that the standby lacks", err, ErrNotFound)
	}
	for i := 0; mustRev(t, s) < before; i++ {
		add(t, s, fmt.Sprintf("new%d", i), "", "")
	}
	c, err := s.Changes(t.Context(), before)
	do(t, "Changes", err)
	if c.Rev != before || c.Reset || c.History == history {
		t.Errorf("Changes(%d) = rev %d, reset %t, history %s, want the same rev, no reset, and not the history %s",
			before, c.Rev, c.Reset, c.History, history)
	}
}

// A statement that takes long isn't interrupted, because no other server takes writes.
func TestPostgresSlowStatement(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	s := open(t, Config{URL: urlOf(p.standby, p.primary), Conns: 1})
	var before, after int
	do(t, "Scan", s.w.db.QueryRow("SELECT pg_backend_pid()").Scan(&before))
	_, err := s.w.db.Exec("SELECT pg_sleep($1)", (silence + 2*askAgain).Seconds())
	do(t, "pg_sleep", err)
	do(t, "Scan", s.w.db.QueryRow("SELECT pg_backend_pid()").Scan(&after))
	if before != after {
		t.Errorf("the connection has the process %d, then %d, want the same", before, after)
	}
}

// Without a primary, the error names each server and what is wrong with it.
func TestPostgresNoPrimary(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	s := open(t, Config{URL: p.url()})
	do(t, "Kill", p.primary.Kill())
	err := s.Ping(t.Context())
	for _, says := range []string{"no server takes writes: ", p.primary.Address() + "/rollcall cannot be reached",
		p.standby.Address() + "/rollcall is read-only"} {
		wantSays(t, "Ping", err, says)
	}
	if !isUnreachable(err) {
		t.Errorf("Ping = %v, want that the database is unreachable", err)
	}
	_, err = Open(t.Context(), Config{URL: p.url()})
	wantSays(t, "Open", err, "no server takes writes: ")
}

// The report for doctor says what each server is.
func TestReportPostgres(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	report := func() []PostgresServer {
		t.Helper()
		r, err := ReportPostgres(t.Context(), Config{URL: p.url()})
		do(t, "ReportPostgres", err)
		return r.Servers
	}
	got := report()
	if a := got[0]; !a.TakesWrites() || !a.WaitsForStandby() || a.Followers != 1 || a.Timeline != "00000001" {
		t.Errorf("the primary = %+v, want that it takes writes and that commits wait for its one standby", a)
	}
	if b := got[1]; b.TakesWrites() || !b.Standby || b.Err != nil {
		t.Errorf("the standby = %+v, want a standby", b)
	}
	do(t, "Exec", p.primary.Exec("postgres", "ALTER ROLE rollcall SET synchronous_commit = local"))
	if report()[0].WaitsForStandby() {
		t.Error("with synchronous_commit = local for the role, commits wait for a standby, want that they don't")
	}
	do(t, "Kill", p.primary.Kill())
	do(t, "Promote", p.standby.Promote())
	got = report()
	if a, b := got[0], got[1]; a.Err == nil || !b.TakesWrites() || b.WaitsForStandby() || b.Timeline != "00000002" {
		t.Errorf("after a failover = %+v and %+v, want the first unreachable and the second as primary", a, b)
	}
}

// The data of a standby can be far behind, so an old primary with the same data, but another timeline, is refused even
// if it's the only one left.
func TestPostgresOldPrimary(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	s := open(t, Config{URL: p.url()})
	do(t, "Freeze", p.primary.Freeze())
	do(t, "Promote", p.standby.Promote())
	add(t, s, "ada", "", "")
	do(t, "Kill", p.standby.Kill())
	do(t, "Resume", p.primary.Resume())
	err := s.Ping(t.Context())
	wantSays(t, "Ping with only the old primary", err, p.primary.Address()+"/rollcall is an old primary")
}

// Each server of a URL keeps its own port and its ways to connect.
func TestPostgresURLs(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://u:p@a:1,b:2/d":                                   "a:1 b:2",
		"postgres://u:p@a,b/d?target_session_attrs=read-write":       "a:5432 b:5432",
		"postgres://u:p@a:1,b:1/d?target_session_attrs=primary":      "a:1 b:1",
		"postgres://u:p@[::1]:1,b/d?sslmode=disable&user=x":          "[::1]:1 b:5432",
		"postgres:///d?host=a,b&port=1,2":                            "a:1 b:2",
		"postgres://u:p%40%2C@a/d":                                   "a:5432",
		"postgres://u:p@a,b/d?target_session_attrs=standby":          "needs the primary",
		"postgres://u:p@a,b/d?target_session_attrs=prefer-standby":   "needs the primary",
		"postgres://u:p@a:1,b:2,c:3/d?default_query_exec_mode=wrong": "cannot be used",
	} {
		cfg, err := parsePostgres(url)
		if err != nil {
			wantSays(t, url, err, want)
			continue
		}
		var got []string
		for _, one := range splitServers(cfg) {
			got = append(got, net.JoinHostPort(one.Host, fmt.Sprint(one.Port)))
			if tls := one.TLSConfig != nil; tls != !strings.Contains(url, "sslmode=disable") || tls != (len(one.Fallbacks) == 1) {
				t.Errorf("%s: %s has TLS %t and %d fallbacks, want TLS and a fallback unless it's disabled", url,
					got[len(got)-1], tls, len(one.Fallbacks))
			}
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s leads to %s, want %s", url, text, want)
		}
	}
}
