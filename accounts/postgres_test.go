package accounts

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/accounts/pgtest"
)

// nameOf returns the name of the database in a URL.
func nameOf(t *testing.T, place string) string {
	t.Helper()
	u, err := url.Parse(place)
	do(t, "Parse", err)
	return strings.TrimPrefix(u.Path, "/")
}

// sendTo runs statements in the database at place, without a store.
func sendTo(t *testing.T, place string, statements ...string) {
	t.Helper()
	do(t, "Exec", postgres(t).Exec(nameOf(t, place), statements...))
}

// Errors at startup are one line that tells the operator what to do, without the password.
func TestPostgresOpenErrors(t *testing.T) {
	s := postgres(t)
	_ = s.Exec("postgres", "DROP ROLE IF EXISTS "+pgtest.LockedRole)
	do(t, "Exec", s.Exec("postgres", "CREATE ROLE "+pgtest.LockedRole+" LOGIN PASSWORD 'right'"))
	defer s.Exec("postgres", "DROP ROLE "+pgtest.LockedRole)
	used, bare, others, newer := usedDatabase(t), emptyDatabase(t), emptyDatabase(t), usedDatabase(t)
	ascii := newDatabase(t, "TEMPLATE template0 ENCODING SQL_ASCII LOCALE 'C'")
	sendTo(t, bare, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
	sendTo(t, others, "CREATE TABLE schema_migrations (version TEXT)")
	sendTo(t, newer, "INSERT INTO schema_migrations (version, name, at) VALUES (9999, 'later', 0)")
	defer sendTo(t, newer, "DELETE FROM schema_migrations WHERE version = 9999")
	standby := emptyDatabase(t)
	sendTo(t, standby, "ALTER DATABASE "+nameOf(t, standby)+" SET default_transaction_read_only = on")
	locked := func(password, place string) string { return s.URLAs(pgtest.LockedRole+":"+password, nameOf(t, place)) }
	for _, c := range []struct{ what, url, says string }{
		{"wrong password", locked("hunter2", used), "wrong password, or no such role"},
		{"no such role", strings.Replace(used, "postgres@", "nobody:hunter2@", 1), "doesn't allow this role to connect"},
		{"no such database", s.URLAs("postgres:hunter2", "nowhere"),
			"there is no such database: create it with createdb --owner=postgres nowhere"},
		{"no server", "postgres://ada:hunter2@127.0.0.1:1/x",
			"cannot be reached: connect: connection refused: is the server running"},
		{"no permission to create tables", locked("right", bare), "permission denied for schema public"},
		{"another program's", others, "tables of another program"},
		{"another encoding", ascii, "has the encoding SQL_ASCII: create the database with"},
		{"a newer version's", newer, "made by a newer version of Rollcall (schema 9999"},
		{"a standby", standby, " is read-only: use the address of the primary"},
		{"no TLS", strings.Replace(used, "sslmode=disable", "sslmode=require", 1), "cannot be reached"},
		{"another kind", "mysql://ada:hunter2@h/x", "does not begin with postgres://"},
		{"odd characters", "postgres://ada:hunter2/?#@h/x", "%40 %3A"},
	} {
		store, err := Open(t.Context(), Config{URL: c.url})
		if err == nil {
			store.Close()
			t.Errorf("%s: Open = no error, want one that says %q", c.what, c.says)
			continue
		}
		if text := err.Error(); !strings.Contains(text, c.says) || strings.Contains(text, "\n") ||
			strings.Contains(text, "hunter2") {
			t.Errorf("%s: Open = %q, want one line that says %q and holds no password", c.what, text, c.says)
		}
	}
	do(t, "checkServer", checkServer("x", minPostgres, "UTF8"))
	if err := checkServer("x", 110022, "UTF8"); err == nil ||
		!strings.Contains(err.Error(), "x is PostgreSQL 11: use version 12 or newer") {
		t.Errorf("checkServer of version 11 = %v, want the minimum version", err)
	}
}

// All text is compared byte by byte, even in a database with another collation.
func TestPostgresOrder(t *testing.T) {
	s := openAt(t, usedDatabase(t))
	var english bool
	do(t, "Scan", s.w.db.QueryRow("SELECT 'a' < 'B'").Scan(&english))
	if !english {
		t.Fatal("the database orders text by bytes, so the test can't tell")
	}
	var texts, others int
	do(t, "Scan", s.w.db.QueryRow(`SELECT count(*), count(*) FILTER (WHERE collation_name IS DISTINCT FROM 'C')
		FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'text' AND table_name <> 'schema_migrations'`).Scan(&texts, &others))
	if texts < 20 || others > 0 {
		t.Errorf("%d of %d text columns have another collation, want none", others, texts)
	}
}

// The settings of a transaction end with it. During it, the server cuts off a process that freezes.
func TestPostgresTransactionsAreBounded(t *testing.T) {
	s := open(t, Config{URL: usedDatabase(t), Conns: 2})
	show := func(ctx context.Context, from reader, setting, want string) {
		t.Helper()
		var got string
		if err := from.queryRow(ctx, "SELECT current_setting($1)", []any{setting}, &got); err != nil || got != want {
			t.Errorf("%s = %s, %v, want %s", setting, got, err, want)
		}
	}
	for _, write := range []func(context.Context, func(context.Context, *transaction) error) error{s.write, s.note} {
		do(t, "write", write(t.Context(), func(ctx context.Context, tx *transaction) error {
			show(ctx, tx, "idle_in_transaction_session_timeout", "15s")
			show(ctx, tx, "lock_timeout", "5s")
			return nil
		}))
	}
	show(t.Context(), s.r, "idle_in_transaction_session_timeout", "0")
	show(t.Context(), s.r, "application_name", "rollcall")
	if n := s.w.db.Stats().MaxOpenConnections; n != 2 {
		t.Errorf("the maximum is %d connections, want 2", n)
	}
	var prepared int
	do(t, "Scan", s.w.db.QueryRow("SELECT count(*) FROM pg_prepared_statements").Scan(&prepared))
	if prepared != 0 {
		t.Errorf("%d statements stay prepared, want 0", prepared)
	}
}

// A reader of Changes misses nothing, however many processes write at once.
func TestPostgresChangesMissNothing(t *testing.T) {
	place := usedDatabase(t)
	a, b, reader := openAt(t, place), openAt(t, place), openAt(t, place)
	const each, writers = 30, 4
	var writing sync.WaitGroup
	for w := range writers {
		s := []*Store{a, b}[w%2]
		writing.Go(func() {
			for i := range each {
				if _, err := s.Create(t.Context(),
					NewUser{Username: fmt.Sprintf("user%d.%d", w, i), Password: secret}); err != nil {
					t.Errorf("Create = %v", err)
				}
			}
		})
	}
	seen, rev := map[string]bool{}, int64(0)
	finished := make(chan struct{})
	go func() { writing.Wait(); close(finished) }()
	for last := false; !last; {
		select {
		case <-finished:
			last = true
		default:
		}
		c, err := reader.Changes(t.Context(), rev)
		do(t, "Changes", err)
		rev = c.Rev
		for _, f := range c.Users {
			seen[f.UserID] = true
		}
	}
	if len(seen) != each*writers || rev != each*writers {
		t.Errorf("%d users were seen up to rev %d, want %d of both", len(seen), rev, each*writers)
	}
}

// Data that a write reads isn't changed by others until it commits.
func TestPostgresWritesTakeTurns(t *testing.T) {
	place := usedDatabase(t)
	a, b := openAt(t, place), openAt(t, place)
	both := func(one, two func() error) {
		t.Helper()
		var running sync.WaitGroup
		var first, second error
		running.Go(func() { first = one() })
		running.Go(func() { second = two() })
		running.Wait()
		for _, err := range []error{first, second} {
			if err != nil && !strings.Contains(err.Error(), ErrNotFound.Error()) {
				t.Errorf("one of two writes = %v, want no error", err)
			}
		}
	}
	for i := range 25 {
		u, v := add(t, a, fmt.Sprintf("a%d", i), "", ""), add(t, b, fmt.Sprintf("b%d", i), "", "")
		both(func() error { return a.SetDisabled(t.Context(), u.ID, true) },
			func() error { _, _, err := b.StartSession(t.Context(), SignIn{UserID: u.ID}); return err })
		if left, err := a.Sessions(t.Context(), u.ID); err != nil || len(left) > 0 {
			t.Errorf("a disabled user has %d sessions, %v, want 0", len(left), err)
		}
		team := fmt.Sprintf("Team %d", i)
		both(func() error { return a.SetTeam(t.Context(), v.ID, team) },
			func() error { return b.Rename(t.Context(), v.ID, "Somebody Else") })
		both(func() error {
			_, err := a.Create(t.Context(), NewUser{Username: fmt.Sprintf("c%d", i), Password: secret, Team: team})
			return err
		},
			func() error {
				_, err := b.Create(t.Context(),
					NewUser{Username: fmt.Sprintf("d%d", i), Password: secret, Team: strings.ToUpper(team)})
				return err
			})
		if got, err := a.UserByID(t.Context(), v.ID); err != nil || got.Team != team || got.DisplayName != "Somebody Else" {
			t.Errorf("after two changes at once = %q in %q, %v, want both", got.DisplayName, got.Team, err)
		}
	}
	tally, err := a.Tally(t.Context())
	if err != nil || len(tally) != 25 {
		t.Errorf("Tally = %d teams, %v, want 25", len(tally), err)
	}
	for query, want := range map[string]int{
		"SELECT count(DISTINCT team) FROM users": 26, // 25 teams, and no team
		"SELECT count(*) FROM search_words w WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.sort_key = w.sort_key)": 0,
	} {
		var n int
		if err := a.w.db.QueryRow(query).Scan(&n); err != nil || n != want {
			t.Errorf("%s = %d, %v, want %d", query, n, err, want)
		}
	}
}

// When the server ends connections, new ones are opened. Every acknowledged write is there.
func TestPostgresConnectionsKilled(t *testing.T) {
	place := usedDatabase(t)
	s := openAt(t, place)
	kills := make(chan struct{}, 1)
	var killing sync.WaitGroup
	killed := 0
	killing.Go(func() {
		for range kills {
			sendTo(t, place, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
			killed++
		}
	})
	var acknowledged []string
	failed := 0
	for i := range 200 {
		if i%5 == 0 {
			select {
			case kills <- struct{}{}: // while others sign up
			default:
			}
		}
		u, err := s.Create(t.Context(), NewUser{Username: fmt.Sprintf("user%d", i), Password: secret})
		if err != nil { // its outcome is unknown: it may have been committed
			failed++
			continue
		}
		acknowledged = append(acknowledged, u.ID)
	}
	close(kills)
	killing.Wait()
	for _, id := range acknowledged {
		if _, err := s.UserByID(t.Context(), id); err != nil {
			t.Errorf("UserByID of an acknowledged user = %v", err)
		}
	}
	t.Logf("%d rounds of kills, %d acknowledged, %d not", killed, len(acknowledged), failed)
	if killed == 0 || len(acknowledged) < 150 {
		t.Errorf("%d of 200 sign-ups were acknowledged, with %d rounds of kills, want most with some", len(acknowledged), killed)
	}
	var users, words int
	do(t, "count", s.r.queryRow(t.Context(),
		"SELECT count(*), (SELECT count(DISTINCT sort_key) FROM search_words) FROM users", nil, &users, &words))
	if users < len(acknowledged) || users > len(acknowledged)+failed || words != users {
		t.Errorf("%d users and the words of %d, want %d to %d of both", users, words, len(acknowledged), len(acknowledged)+failed)
	}
}

// However many writes wait for their turn, reads go on. The writes fail after their timeout.
func TestPostgresReadsBesideWaitingWrites(t *testing.T) {
	const conns = 4
	place := usedDatabase(t)
	s, other := open(t, Config{URL: place, Conns: conns, patience: 2 * time.Second}), openAt(t, place)
	u := add(t, s, "ada", "", "")
	holding, err := other.w.db.BeginTx(t.Context(), nil)
	do(t, "BeginTx", err)
	defer holding.Rollback()
	_, err = holding.Exec("SELECT value FROM meta WHERE name = 'rev' FOR UPDATE")
	do(t, "Exec", err)
	var writing sync.WaitGroup
	var ended atomic.Int64
	for i := range 2 * conns {
		writing.Go(func() {
			if err := s.Rename(t.Context(), u.ID, fmt.Sprintf("Ada %d", i)); err == nil {
				t.Error("Rename while another process has the turn = no error, want one")
			}
			ended.Add(1)
		})
	}
	for waiting := 0; waiting < max(1, conns/2); {
		do(t, "Scan", other.w.db.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting))
	}
	for range 20 {
		do(t, "Ping", s.Ping(t.Context()))
		_, err = s.UserByID(t.Context(), u.ID)
		do(t, "UserByID", err)
	}
	if n := ended.Load(); n > 0 {
		t.Errorf("%d writes had ended before the reads, want 0", n)
	}
	do(t, "Rollback", func() error { writing.Wait(); return holding.Rollback() }())
	do(t, "Rename", s.Rename(t.Context(), u.ID, "Ada"))
}

// A snapshot is retried if its connection is lost.
func TestPostgresSnapshotsAreRetried(t *testing.T) {
	place := usedDatabase(t)
	s := open(t, Config{URL: place, Conns: 1})
	u := add(t, s, "ada", "", "")
	for name, read := range map[string]func() error{
		"Facts":  func() error { _, _, err := s.Facts(t.Context()); return err },
		"Export": func() error { _, err := s.Export(t.Context(), u.ID); return err },
	} {
		do(t, name, read())
		sendTo(t, place, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		do(t, name+" on a lost connection", read())
	}
}

// A connection to a server that has become a standby is dropped.
func TestPostgresDemoted(t *testing.T) {
	s := open(t, Config{URL: usedDatabase(t), Conns: 1})
	u := add(t, s, "ada", "", "")
	_, err := s.w.db.Exec("SET default_transaction_read_only = on")
	do(t, "Exec", err)
	do(t, "Rename", s.Rename(t.Context(), u.ID, "Ada"))
}

// Everything works through a pooler that gives each transaction any free connection, including the migration.
func TestPostgresPooler(t *testing.T) {
	place := emptyDatabase(t)
	pooler, err := pgtest.StartPooler(postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer pooler.Stop()
	s, other := openAt(t, pooler.URL(nameOf(t, place))), openAt(t, pooler.URL(nameOf(t, place)))
	everything(t, s)
	var working sync.WaitGroup
	for w := range 8 { // more than the pooler has connections
		working.Go(func() {
			for i := range 10 {
				u, err := []*Store{s, other}[w%2].Create(t.Context(),
					NewUser{Username: fmt.Sprintf("user%d.%d", w, i), Password: secret})
				if err == nil {
					err = s.SetStatus(t.Context(), u.ID, Status{Text: "Tea"}, "")
				}
				if err == nil {
					_, _, err = other.StartSession(t.Context(), SignIn{UserID: u.ID})
				}
				if err == nil {
					_, _, err = s.Facts(t.Context())
				}
				if err != nil {
					t.Errorf("through a pooler: %v", err)
				}
			}
		})
	}
	working.Wait()
	if people, _, err := other.People(t.Context(), PeopleQuery{}); err != nil || len(people) != 80 {
		t.Errorf("People = %d, %v, want 80", len(people), err)
	}
	do(t, "Close", s.Close())
	do(t, "Close", other.Close())
}
