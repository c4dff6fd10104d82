package accounts

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// The tests in this file run several processes on one database. Each is this test binary with roleVariable set.
const roleVariable = "ROLLCALL_ACCOUNTS_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		code := m.Run()
		if running != nil {
			running.Stop()
		}
		os.Exit(code)
	}
	if err := childRole(role, os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// childRole runs a child process. It begins when its standard input is closed, so that several can begin at once.
func childRole(role, place string, args []string) error {
	io.Copy(io.Discard, os.Stdin)
	ctx := context.Background()
	s, err := Open(ctx, located(place, Config{params: cheapParams, Actor: System}))
	if err != nil {
		return err
	}
	defer s.Close()
	switch role {
	case "open":
		fmt.Println(s.ID())
		return nil
	case "race": // sign up the same names as the other process, in the same order
		for i := range 30 {
			_, err := s.Create(ctx, NewUser{Username: fmt.Sprintf("user%d", i), Password: secret})
			if err == nil {
				fmt.Println(i)
			} else if !errors.Is(err, ErrTaken) {
				return err
			}
		}
		return nil
	case "signups": // until killed
		return signUpForever(ctx, s, args[0])
	}
	return fmt.Errorf("unknown role %q", role)
}

// signUpForever signs people up in eight goroutines, starts a session for each, and prints the acknowledged ones.
func signUpForever(ctx context.Context, s *Store, prefix string) error {
	var mu sync.Mutex // serializes printing
	failed := make(chan error, 1)
	for worker := range 8 {
		go func() {
			for i := 0; ; i++ {
				n := NewUser{Username: fmt.Sprintf("%s%d.%d", prefix, worker, i), Team: "T", Password: secret}
				u, err := s.Create(ctx, n)
				if err != nil {
					failed <- err
					return
				}
				token, _, err := s.StartSession(ctx, SignIn{UserID: u.ID})
				if err != nil {
					failed <- err
					return
				}
				mu.Lock()
				fmt.Println(u.Username, token)
				mu.Unlock()
			}
		}()
	}
	return <-failed
}

// child is a started process of this binary.
type child struct {
	*exec.Cmd
	begin  io.Closer
	out    *bufio.Scanner
	stderr *strings.Builder
}

func startChild(t *testing.T, role, place string, args ...string) *child {
	t.Helper()
	self, err := os.Executable()
	do(t, "Executable", err)
	c := &child{Cmd: exec.Command(self, append([]string{place}, args...)...), stderr: &strings.Builder{}}
	c.Env = append(os.Environ(), roleVariable+"="+role)
	c.Stderr = c.stderr
	stdin, err := c.StdinPipe()
	do(t, "StdinPipe", err)
	stdout, err := c.StdoutPipe()
	do(t, "StdoutPipe", err)
	do(t, "Start", c.Start())
	t.Cleanup(func() { c.Process.Kill() })
	c.begin, c.out = stdin, bufio.NewScanner(stdout)
	return c
}

// lines reads the child's output until it ends.
func (c *child) lines() []string {
	var lines []string
	for c.out.Scan() {
		lines = append(lines, c.out.Text())
	}
	return lines
}

// Processes that start at once on a new database all start successfully, with the same schema and id.
func TestProcessesStartAtOnce(t *testing.T) { onEach(t, testProcessesStartAtOnce) }

func testProcessesStartAtOnce(t *testing.T, db database) {
	for range 3 {
		place := db.empty(t)
		var children []*child
		for range 4 {
			children = append(children, startChild(t, "open", place))
		}
		for _, c := range children {
			c.begin.Close()
		}
		ids := map[string]bool{}
		for _, c := range children {
			for _, line := range c.lines() {
				ids[line] = true
			}
			if err := c.Wait(); err != nil {
				t.Errorf("one of several starting processes = %v: %s", err, c.stderr)
			}
		}
		if len(ids) != 1 {
			t.Errorf("ids of the same store in 4 processes = %v, want one", ids)
		}
	}
}

// If two processes sign up the same name at once, exactly one succeeds.
func TestProcessesRaceForNames(t *testing.T) { onEach(t, testProcessesRaceForNames) }

func testProcessesRaceForNames(t *testing.T, db database) {
	place := db.place(t)
	children := []*child{startChild(t, "race", place), startChild(t, "race", place)}
	for _, c := range children {
		c.begin.Close()
	}
	won := map[string]int{}
	var reading sync.WaitGroup
	var mu sync.Mutex
	for _, c := range children {
		reading.Go(func() {
			lines := c.lines()
			mu.Lock()
			defer mu.Unlock()
			for _, line := range lines {
				won[line]++
			}
		})
	}
	reading.Wait()
	for _, c := range children {
		if err := c.Wait(); err != nil {
			t.Errorf("racing process = %v: %s", err, c.stderr)
		}
	}
	for i := range 30 {
		if n := won[fmt.Sprint(i)]; n != 1 {
			t.Errorf("user%d was won %d times, want 1", i, n)
		}
	}
	s := openAt(t, place)
	if rev := mustRev(t, s); rev != 30 {
		t.Errorf("rev after 30 sign-ups of two processes = %d, want 30", rev)
	}
}

// When a process is killed during sign-ups, no acknowledged sign-up is lost, and none is half done.
func TestKillDuringSignUps(t *testing.T) { onEach(t, testKillDuringSignUps) }

func testKillDuringSignUps(t *testing.T, db database) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	place := db.place(t)
	acknowledged := map[string]string{} // token by username
	for kill := range 5 {
		c := startChild(t, "signups", place, fmt.Sprintf("kill%d-", kill))
		c.begin.Close()
		if !c.out.Scan() {
			t.Fatalf("no sign-up before kill %d: %s", kill, c.stderr)
		}
		first := c.out.Text()
		killed := time.AfterFunc(time.Duration(20+rnd.IntN(200))*time.Millisecond, func() { c.Process.Kill() })
		for _, line := range append(c.lines(), first) {
			username, token, _ := strings.Cut(line, " ")
			acknowledged[username] = token
		}
		if killed.Stop() {
			t.Fatalf("the process ended too early: %s", c.stderr)
		}
		c.Wait()
		checkAcknowledged(t, place, acknowledged)
	}
	t.Logf("%d sign-ups were acknowledged", len(acknowledged))
}

func checkAcknowledged(t *testing.T, place string, acknowledged map[string]string) {
	t.Helper()
	s, err := Open(t.Context(), located(place, Config{params: cheapParams, Actor: System}))
	if err != nil {
		t.Fatalf("Open after a kill = %v", err)
	}
	defer s.Close()
	for username, token := range acknowledged {
		if len(token) != 43 { // the last line may be cut
			continue
		}
		if _, u, err := s.SessionByToken(t.Context(), token); err != nil || u.Username != username {
			t.Errorf("SessionByToken of %s after a kill = %q, %v", username, u.Username, err)
		}
		if _, err := s.Authenticate(t.Context(), username, secret); err != nil {
			t.Errorf("Authenticate(%s) after a kill = %v, want no error", username, err)
		}
	}
	queries := map[string]string{
		"SELECT count(*) FROM users u WHERE NOT EXISTS (SELECT 1 FROM search_words w WHERE w.sort_key = u.sort_key)": "0",
		"SELECT count(*) FROM search_words w WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.sort_key = w.sort_key)": "0",
		"SELECT count(*) FROM users WHERE rev > (SELECT value FROM meta WHERE name = 'rev')":                         "0",
		"SELECT (SELECT value FROM meta WHERE name = 'rev') - (SELECT count(DISTINCT rev) FROM users)":               "0",
	}
	if s.w.wipe { // SQLite
		queries["PRAGMA integrity_check"] = "ok"
		queries["SELECT count(*) FROM pragma_foreign_key_check"] = "0"
	}
	for query, want := range queries {
		var got string
		if err := s.r.db.QueryRow(query).Scan(&got); err != nil || got != want {
			t.Errorf("%s after a kill = %s, %v, want %s", query, got, err, want)
		}
	}
}
