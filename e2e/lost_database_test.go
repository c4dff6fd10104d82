//go:build unix

package e2e_test

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// lostDatabase is the start of the log line about a missing database file.
const lostDatabase = `level=ERROR msg="the database file was removed, moved or replaced`

// logs waits until the log contains text this many times.
func (s *server) logs(text string, times int) {
	s.t.Helper()
	deadline := time.Now().Add(startWait)
	for ; strings.Count(s.log.String(), text) < times; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("the log doesn't say %q %d times:\n%s", text, times, s.log.String())
		}
	}
}

// wantLost fails the test unless the server stores nothing, says so, and still shows who is here.
func (s *server) wantLost(session []*http.Cookie) {
	s.t.Helper()
	for path, form := range map[string]url.Values{"/signup": credentials("carol"), "/login": credentials("ada")} {
		if answer, body := s.try(path, form); answer.StatusCode != http.StatusServiceUnavailable ||
			answer.Header.Get("Retry-After") == "" {
			s.t.Errorf("POST %s without the database file = %d, want 503 and Retry-After:\n%s", path, answer.StatusCode, body)
		}
	}
	for path, want := range map[string]int{"/readyz": 503, "/healthz": 200, "/": 200} {
		if got := s.get(path, session); got != want {
			s.t.Errorf("GET %s without the database file = %d, want %d", path, got, want)
		}
	}
	s.logs(lostDatabase, 1)
}

// If the database file is removed, moved, or replaced, nobody can create an account that would be lost. When the file
// is back, the server works again without a restart.
func TestDatabaseLost(t *testing.T) {
	patient(t)
	rename := func(t *testing.T, from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name       string
		lose, find func(t *testing.T, db string)
	}{
		{"removed", func(t *testing.T, db string) {
			if err := os.Remove(db); err != nil {
				t.Fatal(err)
			}
		}, nil},
		{"removed with its WAL and shm files", func(t *testing.T, db string) {
			for _, end := range []string{"", "-wal", "-shm"} {
				if err := os.Remove(db + end); err != nil {
					t.Fatal(err)
				}
			}
		}, nil},
		{"WAL removed", func(t *testing.T, db string) {
			if err := os.Remove(db + "-wal"); err != nil {
				t.Fatal(err)
			}
		}, nil},
		{"moved", func(t *testing.T, db string) { rename(t, db, db+".moved") },
			func(t *testing.T, db string) { rename(t, db+".moved", db) }},
		{"replaced", func(t *testing.T, db string) {
			other := db + ".other"
			if out, err := exec.Command(binary, "user", "add", "eve", "--create", "--db", other).CombinedOutput(); err != nil {
				t.Fatalf("user add = %v\n%s", err, out)
			}
			rename(t, db, db+".moved")
			rename(t, other, db)
		}, func(t *testing.T, db string) { rename(t, db+".moved", db) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startServer(t)
			s.faulty = true
			ada := s.signUp("ada")
			tt.lose(t, s.db)
			s.wantLost(ada)
			if tt.find == nil {
				return
			}
			tt.find(t, s.db)
			s.logs("the database file is back", 1)
			s.signUp("carol")
			if got := s.get("/readyz", nil); got != http.StatusOK {
				t.Errorf("GET /readyz after the file came back = %d, want 200", got)
			}
			s.terminate()
			s.start()
			s.signIn("ada")
			s.signIn("carol")
		})
	}
}

// Two servers on one file show different people unless they share a Redis. Both warn about it, including the first.
func TestTwoServersOnOneFile(t *testing.T) {
	patient(t)
	const shared = "level=WARN msg=\"another server uses this database file"
	first := startServer(t)
	second := newServer(t)
	second.db = first.db
	second.start()
	for _, s := range []*server{first, second} {
		s.logs(shared, 1)
	}
	second.terminate()
	first.addUser("ada") // a command isn't a second server
	if n := strings.Count(first.log.String(), shared); n != 1 {
		t.Errorf("the first server warned %d times, want once", n)
	}
}

// A server whose file was moved away still has the WAL at the old path. A new database at that path would use this WAL
// as its own, so no database may be restored or created there.
func TestNoDatabaseNextToALiveLog(t *testing.T) {
	patient(t)
	s := startServer(t)
	s.faulty = true
	s.signUp("ada")
	backup := s.db + ".backup"
	run := func(args ...string) (string, error) {
		out, err := exec.Command(binary, args...).CombinedOutput()
		return string(out), err
	}
	if out, err := run("backup", backup, "--db", s.db); err != nil {
		t.Fatalf("backup = %v\n%s", err, out)
	}
	moved := s.db + ".moved"
	if err := os.Rename(s.db, moved); err != nil {
		t.Fatal(err)
	}
	if out, err := run("restore", backup, "--db", s.db); err == nil ||
		!strings.Contains(out, "is in use: first stop the server") {
		t.Errorf("restore next to a live WAL = %v\n%s, want that it's in use", err, out)
	}
	if _, err := os.Stat(s.db); !os.IsNotExist(err) {
		t.Fatalf("after a refused restore there is a file at %s (%v)", s.db, err)
	}
	addEve := func(where string) {
		t.Helper()
		if out, err := run("user", "add", "eve", "--create", "--db", s.db); err == nil ||
			!strings.Contains(out, "stop it first") {
			t.Errorf("user add next to a live WAL, %s = %v\n%s, want a refusal", where, err, out)
		}
	}
	addEve("where there is no database")
	content, err := os.ReadFile(backup)
	if err == nil {
		err = os.WriteFile(s.db, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	addEve("where there is another database")
	if out, err := run("restore", backup, "--db", s.db, "--force"); err == nil ||
		!strings.Contains(out, "is in use: first stop the server") {
		t.Errorf("restore --force next to a live WAL = %v\n%s, want that it's in use", err, out)
	}
}
