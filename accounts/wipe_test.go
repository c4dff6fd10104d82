package accounts

import (
	"bytes"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// holds lists which of the texts are in which files of the database at path, ignoring case.
func holds(t *testing.T, path string, texts ...string) (found []string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		content, err := os.ReadFile(path + suffix)
		do(t, "ReadFile", err)
		content = bytes.ToLower(content)
		for _, text := range texts {
			if bytes.Contains(content, []byte(strings.ToLower(text))) {
				found = append(found, fmt.Sprintf("%s in rollcall.db%s", text, suffix))
			}
		}
	}
	return found
}

// marked is a user with a unique mark in all their texts.
type marked struct{ id, mark string }

// addMarked creates a user with everything that can be stored about one, in several steps, so that the rows grow and
// move.
func addMarked(t *testing.T, s *Store, mark string) marked {
	t.Helper()
	u := add(t, s, "n"+mark, "D"+mark+" Lovelace", "Team "+mark[len(mark)-1:])
	do(t, "SetStatus", s.SetStatus(t.Context(), u.ID, Status{Text: "first " + mark}, ""))
	do(t, "SetStatus", s.SetStatus(t.Context(), u.ID, Status{Text: "then " + mark + strings.Repeat(" and on", 15)}, ""))
	do(t, "Rename", s.Rename(t.Context(), u.ID, mark+" Hopper"))
	do(t, "SetPreferences", setPreferences(t.Context(), s, u.ID, Preferences{TimeZone: "America/Argentina/Buenos_Aires"}))
	do(t, "SetDetails", setDetails(t.Context(), s, u.ID,
		Details{Pronouns: mark, Contacts: []string{mark + "@example.org", "https://example.org/" + mark}}))
	token := ""
	for range 3 {
		_, _, err := s.StartSession(t.Context(), SignIn{UserID: u.ID, UserAgent: "Browser " + mark, Address: "2001:db8::" + mark, Replaces: token})
		do(t, "StartSession", err)
	}
	_, err := s.RememberBrowser(t.Context(), u.ID, "")
	do(t, "RememberBrowser", err)
	return marked{u.ID, mark}
}

// After a deletion, no file of the database holds a name, text or address of the person. With many people, whose rows
// SQLite moves, this requires rewriting the file. With few people, it works without.
func TestDeleteLeavesNothing(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for _, c := range []struct {
		what      string
		small     int64
		many, die int
	}{{"small file", 0, 80, 30}, {"large file", 1, 2, 1}} {
		path := filepath.Join(t.TempDir(), "rollcall.db")
		s := open(t, Config{Path: path, small: c.small})
		people := make([]marked, c.many)
		for i := range people {
			people[i] = addMarked(t, s, fmt.Sprintf("zq%08xqz%d", rnd.Uint32(), i%10))
		}
		rnd.Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
		gone, left := people[:c.die], people[c.die:]
		if found := holds(t, path, gone[0].mark); len(found) == 0 {
			t.Fatalf("%s: no file holds %s before the deletion, so the test can't tell", c.what, gone[0].mark)
		}
		for _, p := range gone {
			do(t, "Delete", s.Delete(t.Context(), p.id))
			if found := holds(t, path, p.mark); len(found) > 0 {
				t.Errorf("%s: after Delete there is still %v", c.what, found)
			}
		}
		checkMarked(t, s, left)
		add(t, s, "later", "", "") // statements that were prepared before the rewrite still work
	}
}

// checkMarked fails the test unless the database holds exactly these people with all their data.
func checkMarked(t *testing.T, s *Store, people []marked) {
	t.Helper()
	for _, p := range people {
		x, err := s.Export(t.Context(), p.id)
		if err != nil || x.Status == nil || len(x.Presets) != 2 || len(x.Sessions) != 3 || len(x.Browsers) != 1 {
			t.Errorf("Export of a remaining user = %+v, %v, want everything", x, err)
		}
	}
	for _, query := range []string{"SELECT count(*) FROM users", "SELECT count(DISTINCT user_id) FROM sessions",
		"SELECT count(DISTINCT user_id) FROM known_browsers", "SELECT count(DISTINCT user_id) FROM presets",
		"SELECT count(DISTINCT sort_key) FROM search_words"} {
		var n int
		if err := s.r.db.QueryRow(query).Scan(&n); err != nil || n != len(people) {
			t.Errorf("%s = %d, %v, want %d", query, n, err, len(people))
		}
	}
}

// Deleting a person also removes former names that a version without secure_delete left in the file.
func TestDeleteAfterAnUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := open(t, Config{Path: path})
	if _, err := s.w.db.Exec("PRAGMA secure_delete = 0"); err != nil { // the only connection that writes
		t.Fatal(err)
	}
	u := add(t, s, "ada", "Zqformerqz", "")
	do(t, "Rename", s.Rename(t.Context(), u.ID, "Ada"))
	do(t, "Close", s.Close())
	s = open(t, Config{Path: path})
	if found := holds(t, path, "zqformerqz"); len(found) == 0 {
		t.Fatal("no file holds the former name before the deletion, so the test can't tell")
	}
	do(t, "Delete", s.Delete(t.Context(), u.ID))
	if found := holds(t, path, "zqformerqz"); len(found) > 0 {
		t.Errorf("after Delete there is still %v", found)
	}
}

// If other processes prevent the wipe, the deletion still succeeds without waiting long. The next deletion wipes the
// rest.
func TestDeleteWhileOthersRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	var log bytes.Buffer
	s := open(t, Config{Path: path, Log: slog.New(slog.NewTextHandler(&log, nil))})
	one, two := addMarked(t, s, "zq1111qz1"), addMarked(t, s, "zq2222qz2")
	other, err := sql.Open("sqlite", sqliteDSN(path, false))
	do(t, "sql.Open", err)
	defer other.Close()
	tx, err := other.Begin()
	do(t, "Begin", err)
	defer tx.Rollback()
	var n int
	do(t, "Scan", tx.QueryRow("SELECT count(*) FROM users").Scan(&n)) // from here on the reader sees this state
	start := time.Now()
	do(t, "Delete", s.Delete(t.Context(), one.id))
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("Delete while another process reads took %v, want well under 3 s", took)
	}
	if !strings.Contains(log.String(), "copies of a deleted account may stay") {
		t.Errorf("log = %q, want a warning", log.String())
	}
	do(t, "Scan", tx.QueryRow("SELECT count(*) FROM users").Scan(&n))
	if n != 2 {
		t.Errorf("the reader sees %d users, want the 2 of its snapshot", n)
	}
	do(t, "Rollback", tx.Rollback())
	do(t, "Delete", s.Delete(t.Context(), two.id))
	if found := holds(t, path, one.mark, two.mark); len(found) > 0 {
		t.Errorf("after the next deletion there is still %v", found)
	}
	var timeout int
	if err := s.w.db.QueryRow("PRAGMA busy_timeout").Scan(&timeout); err != nil || timeout != busyTimeout {
		t.Errorf("busy_timeout after deletions = %d, %v, want %d", timeout, err, busyTimeout)
	}
}
