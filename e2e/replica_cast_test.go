//go:build unix

package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// cast is a database of people who are all signed in. It is created once, and each test gets a copy.
type cast struct {
	people   int // u0000 and so on; the first 200 are the board's first page
	watchers int // zz-w00 and so on
	db       []byte
	cookies  map[string]string // by username, as a Cookie header
}

// watcherCount is enough for two watchers on each page of each replica, and one that loads pages.
var watcherCount = sized(8, 40)

// hash is the hash of password. Computing it a thousand times would take too long.
const hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdCBmb3IgdGVzdGluZw$oy2SooeagdRCQlNX6zQRBvvg3FhU5JCNN6V1PmWdv/M"

var (
	theCast  cast
	castOnce sync.Once
)

// crowdSize returns the number of people.
func crowdSize() int { return sized(80, 1000) }

// absentees never sign in. With them, the board has several pages.
const absentees = 130

func castFor(t *testing.T) *cast {
	t.Helper()
	castOnce.Do(func() { theCast = makeCast(t) })
	if theCast.db == nil {
		t.Fatal("the people couldn't be signed in; see the first failed test")
	}
	return &theCast
}

func userName(i int) string    { return fmt.Sprintf("u%04d", i) }
func watcherName(i int) string { return fmt.Sprintf("zz-w%02d", i) }

func makeCast(t *testing.T) cast {
	t.Helper()
	c := cast{people: crowdSize(), watchers: watcherCount, cookies: map[string]string{}}
	var names []string
	for i := range c.people {
		names = append(names, userName(i))
	}
	for i := range c.watchers {
		names = append(names, watcherName(i))
	}
	var people [][]string
	for _, name := range names {
		people = append(people, []string{name, hash, "", ""})
	}
	for i := range absentees {
		people = append(people, []string{fmt.Sprintf("v%04d", i), hash, "", ""})
	}
	s := startServer(t, "--limit-logins=0", "--log-level=warn")
	s.importPeople(people...)
	var mu sync.Mutex
	each(t, 4, len(names), func(i int) error {
		cookie, err := login(s.url, names[i], password)
		mu.Lock()
		defer mu.Unlock()
		c.cookies[names[i]] = cookie
		return err
	})
	s.terminate()
	db, err := os.ReadFile(s.db)
	if err != nil {
		t.Fatal(err)
	}
	if wal, err := os.Stat(s.db + "-wal"); err == nil && wal.Size() > 0 {
		t.Fatal("the database was closed, but still has a WAL file")
	}
	c.db = db
	return c
}

// copyTo writes the database to a new file and returns its path.
func (c *cast) copyTo(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rollcall.db")
	if err := os.WriteFile(file, c.db, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// login signs in and returns the cookies as a Cookie header.
func login(url, username, password string) (string, error) {
	answer, err := whileBusy(func() (*http.Response, error) { return postForm(url+"/login", username, password) })
	if err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusSeeOther {
		return "", fmt.Errorf("POST /login as %s = %d, want 303", username, answer.StatusCode)
	}
	var pairs []string
	for _, k := range answer.Cookies() {
		pairs = append(pairs, k.Name+"="+k.Value)
	}
	return strings.Join(pairs, "; "), nil
}

// each calls f for 0 to n-1, at most atOnce at a time, and fails the test with the first error.
func each(t *testing.T, atOnce, n int, f func(i int) error) {
	t.Helper()
	var all sync.WaitGroup
	turns, failed := make(chan int), make(chan error, n)
	for range atOnce {
		all.Go(func() {
			for i := range turns {
				if err := f(i); err != nil {
					failed <- err
				}
			}
		})
	}
	for i := range n {
		turns <- i
	}
	close(turns)
	all.Wait()
	select {
	case err := <-failed:
		t.Fatalf("%d of %d failed, the first: %v", len(failed)+1, n, err)
	default:
	}
}
