package accounts

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rollcall/accounts/pgtest"
)

// database is a kind of database that the tests run on.
type database struct {
	name  string
	place func(testing.TB) string // a new one with the schema: a path or a URL
	empty func(testing.TB) string // a new, empty one
}

var (
	onSQLite   = database{"SQLite", copiedFile, newFile}
	onPostgres = database{"Postgres", usedDatabase, emptyDatabase}
)

// onEach runs a test on every kind of database.
func onEach(t *testing.T, test func(*testing.T, database)) {
	t.Parallel() // these tests mostly wait for disks
	for _, db := range []database{onSQLite, onPostgres} {
		t.Run(db.name, func(t *testing.T) { test(t, db) })
	}
}

// open returns a store on a new database.
func (db database) open(tb testing.TB, cfg Config) *Store {
	tb.Helper()
	return open(tb, located(db.place(tb), cfg))
}

// openAt returns a store at a place.
func openAt(tb testing.TB, place string) *Store {
	tb.Helper()
	return open(tb, located(place, Config{}))
}

// located returns cfg with a place.
func located(place string, cfg Config) Config {
	if strings.HasPrefix(place, "postgres://") {
		cfg.URL = place
	} else {
		cfg.Path = place
	}
	return cfg
}

func newFile(tb testing.TB) string { return filepath.Join(tb.TempDir(), "new", "rollcall.db") }

// CopiedFile is filetest.New, which tests of this package itself can't import. See filetest_test.go.
var CopiedFile func(testing.TB) string

func copiedFile(tb testing.TB) string {
	tb.Helper()
	return CopiedFile(tb)
}

// server returns the Postgres of this test run, which starts when the first test needs it. The default collation of its
// databases is English, so that tests notice columns without our own collation.
var server = sync.OnceValues(func() (*pgtest.Server, error) {
	s, err := pgtest.Start()
	if err != nil {
		return nil, err
	}
	running = s
	if err := s.Exec("postgres", "CREATE DATABASE rollcall "+english); err != nil {
		return s, err
	}
	store, err := Open(context.Background(), Config{URL: s.URL("rollcall"), params: cheapParams})
	if err != nil {
		return s, err
	}
	store.Close()
	return s, s.Exec("rollcall", "DELETE FROM meta WHERE name = 'store'") // each copy generates its own
})

// running is the server that TestMain must stop.
var running *pgtest.Server

func postgres(tb testing.TB) *pgtest.Server {
	tb.Helper()
	s, err := server()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// english are the options of databases with a collation other than ours.
const english = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"

// emptyDatabase returns the URL of a database that lives as long as the test.
func emptyDatabase(tb testing.TB) string {
	tb.Helper()
	return newDatabase(tb, english)
}

func newDatabase(tb testing.TB, options string) string {
	tb.Helper()
	s := postgres(tb)
	name, err := s.Create(options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Drop(name); err != nil {
			tb.Error(err)
		}
	})
	return s.URL(name)
}

// clean holds databases of earlier tests, with the schema and no data. Creating one takes longer than most tests.
var clean struct {
	sync.Mutex
	names []string // guarded by Mutex
}

// usedDatabase returns the URL of a database with the schema.
func usedDatabase(tb testing.TB) string {
	tb.Helper()
	s := postgres(tb)
	var name string
	clean.Lock()
	if len(clean.names) > 0 {
		name, clean.names = clean.names[0], clean.names[1:]
	}
	clean.Unlock()
	if name == "" {
		var err error
		if name, err = s.Create("TEMPLATE rollcall"); err != nil {
			tb.Fatal(err)
		}
	}
	tb.Cleanup(func() {
		err := s.Exec(name, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
			`DELETE FROM users; DELETE FROM search_words; DELETE FROM tombstones; DELETE FROM links; DELETE FROM audit;
			DELETE FROM mails; DELETE FROM spent; DELETE FROM leases;
			DELETE FROM settings; DELETE FROM meta WHERE name IN ('store', 'shared_secret'); UPDATE meta SET value = 0`)
		if err != nil {
			tb.Error(err)
			return
		}
		clean.Lock()
		clean.names = append(clean.names, name)
		clean.Unlock()
	})
	return s.URL(name)
}
