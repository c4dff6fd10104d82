package accounts

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// A copy in Postgres holds everything in the file, except the id of the store. The file doesn't change.
func TestCopy(t *testing.T) {
	path, place := newFile(t), emptyDatabase(t)
	s := open(t, Config{Path: path})
	one, two, gone := addMarked(t, s, "zq1111qz1"), addMarked(t, s, "zq2222qz2"), add(t, s, "gone", "", "")
	do(t, "SetInvisible", s.SetInvisible(t.Context(), one.id, true))
	do(t, "SetDisabled", s.SetDisabled(t.Context(), two.id, true))
	do(t, "StampSeen", s.StampSeen(t.Context(), map[string]time.Time{one.id: time.Now()}))
	token, _ := signIn(t, s, one.id)
	do(t, "Delete", s.Delete(t.Context(), gone.ID))
	var want []any
	state := func(s *Store) (all []any) {
		for _, id := range []string{one.id, two.id} {
			u, err := s.UserByID(t.Context(), id)
			do(t, "UserByID", err)
			x, err := s.Export(t.Context(), id)
			do(t, "Export", err)
			all = append(all, u, x)
		}
		people, _, err := s.People(t.Context(), PeopleQuery{Search: "hopper"})
		do(t, "People", err)
		changes, err := s.Changes(t.Context(), 0)
		do(t, "Changes", err)
		changes.History = "" // SQLite has none
		return append(all, people, changes)
	}
	want = state(s)
	_, err := Copy(t.Context(), path, Config{URL: place})
	wantSays(t, "Copy of a file in use", err,
		"is in use: first stop the server and any other program that has it open; or copy a backup of it")
	do(t, "Close", s.Close())
	before, err := os.ReadFile(path)
	do(t, "ReadFile", err)

	copied, err := Copy(t.Context(), path, Config{URL: place})
	do(t, "Copy", err)
	if copied[0] != (Copied{"users", 2}) || len(copied) != len(tables) {
		t.Errorf("Copy = %v, want 2 users and all tables", copied)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("Copy changed the file (%v)", err)
	}
	folderHolds(t, filepath.Dir(path), "rollcall.db")
	target := openAt(t, place)
	if got := state(target); !reflect.DeepEqual(got, want) {
		t.Errorf("after Copy = %+v, want %+v", got, want)
	}
	if id, err := Peek(t.Context(), Config{Path: path}); err != nil || id == target.ID() {
		t.Errorf("the copy has the id %s, %v, want a different one than the file's", id, err)
	}
	if _, u, err := target.SessionByToken(t.Context(), token); err != nil || u.ID != one.id {
		t.Errorf("SessionByToken after Copy = %s, %v, want %s", u.ID, err, one.id)
	}
	add(t, target, "later", "", "")

	_, err = Copy(t.Context(), path, Config{URL: place})
	wantSays(t, "Copy into a database with people", err,
		"already belongs to a Rollcall: use an empty one; nothing was copied")
}

// A copy that fails halfway leaves nothing behind and can be repeated.
func TestCopyIsAllOrNothing(t *testing.T) {
	path, place := newFile(t), emptyDatabase(t)
	s := open(t, Config{Path: path})
	add(t, s, "ada", "", "")
	// Postgres doesn't accept NUL.
	if _, err := s.w.db.Exec("INSERT INTO tombstones VALUES (1, 'user', 'x' || char(0), 1)"); err != nil {
		t.Fatal(err)
	}
	do(t, "Close", s.Close())
	_, err := Copy(t.Context(), path, Config{URL: place})
	wantSays(t, "Copy of a NUL", err, "tombstones: ")
	if users, err := openAt(t, place).Users(t.Context(), "", 10); err != nil || len(users) != 0 {
		t.Errorf("after a failed Copy there are %d users, %v, want 0", len(users), err)
	}
	s = open(t, Config{Path: path})
	if _, err := s.w.db.Exec("DELETE FROM tombstones"); err != nil {
		t.Fatal(err)
	}
	do(t, "Close", s.Close())
	_, err = Copy(t.Context(), path, Config{URL: place})
	do(t, "Copy", err)
}

// Copy knows every table of the schema, and refuses an old schema.
func TestCopyKnowsTheSchema(t *testing.T) {
	path := newFile(t)
	s := open(t, Config{Path: path})
	names, err := s.r.query(t.Context(), "SELECT name FROM sqlite_schema WHERE type = 'table'")
	do(t, "query", err)
	found, err := collect(names, func(name *string) []any { return []any{name} })
	if err != nil || len(found) != len(tables)+2 {
		t.Errorf("the schema has the tables %v, %v, want %v and two more", found, err, tables)
	}
	if _, err := s.w.db.Exec("DELETE FROM schema_migrations"); err != nil {
		t.Fatal(err)
	}
	do(t, "Close", s.Close())
	_, err = Copy(t.Context(), path, Config{URL: "postgres://127.0.0.1:1/x"})
	wantSays(t, "Copy of an old schema", err, "an older version of Rollcall made "+path)
}
