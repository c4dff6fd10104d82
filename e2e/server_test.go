package e2e_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startWait = 20 * time.Second // until a server is ready
	stopWait  = 10 * time.Second // promised: until it has exited after SIGTERM
	password  = "correct horse battery"
)

// server is one Rollcall server: an address, a database file, and the current process.
type server struct {
	t         *testing.T
	addr, url string
	db        string
	flags     []string
	env       []string              // environment variables in addition to the common ones
	wrap      []string              // a command that starts the process, with its arguments
	begin     func(*exec.Cmd) error // starts the process; nil: exec.Cmd.Start
	faulty    bool                  // errors in the log are expected
	cmd       *exec.Cmd
	exited    chan error // receives the exit status of the process
	log       buffer
	tabsHide  bool // visitors use a browser where the tab in front hides the others
}

// startServer serves an empty board with flags until t ends. It replaces ADDR in flags with the host and port.
func startServer(t *testing.T, flags ...string) *server {
	t.Helper()
	s := newServer(t, flags...)
	s.start()
	return s
}

// newServer is like startServer, but doesn't start the server.
func newServer(t *testing.T, flags ...string) *server {
	t.Helper()
	addr := freeAddr(t)
	s := &server{t: t, addr: addr, url: "http://" + addr, db: filepath.Join(t.TempDir(), "rollcall.db")}
	for _, flag := range flags {
		s.flags = append(s.flags, strings.ReplaceAll(flag, "ADDR", addr))
	}
	t.Cleanup(s.cleanup)
	return s
}

// freeAddr returns an address that is free. A server keeps it across restarts, so the port is outside the range that
// the system uses for outgoing connections.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 12000+rand.IntN(18000)))
		if err == nil {
			l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("found no free port")
	return ""
}

// start starts the process and waits until it is ready.
func (s *server) start() {
	s.t.Helper()
	args := append(slices.Clone(s.wrap), binary, "serve", "--addr", s.addr, "--db", s.db)
	args = append(args, s.flags...)
	s.cmd = exec.Command(args[0], args[1:]...)
	s.cmd.Env = append(cleanEnv(), s.env...)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	s.run(s.cmd)
	exited, cmd := make(chan error, 1), s.cmd
	s.exited = exited
	go func() { exited <- cmd.Wait() }()
	deadline := time.Now().Add(startWait)
	for !s.ready() {
		select {
		case err := <-exited:
			s.t.Fatalf("rollcall serve ended: %v\n%s", err, s.log.String())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("rollcall serve was not ready after %v:\n%s", startWait, s.log.String())
		}
	}
}

// run starts cmd as the server's process.
func (s *server) run(cmd *exec.Cmd) {
	s.t.Helper()
	dieWithUs(cmd)
	begin := s.begin
	if begin == nil {
		begin = (*exec.Cmd).Start
	}
	if err := begin(cmd); err != nil {
		if cmd.Process != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		s.cmd = nil
		s.t.Fatalf("start %s: %v", s.url, err)
	}
}

func (s *server) ready() bool {
	answer, err := http.Get(s.url + "/readyz")
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// cleanEnv returns the environment without Rollcall's settings.
func cleanEnv() []string {
	var env []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		switch {
		case strings.HasPrefix(name, "ROLLCALL_"), name == "PORT", name == "REDIS_URL", name == "DATABASE_URL",
			name == "FLY_APP_NAME":
		default:
			env = append(env, pair)
		}
	}
	return env
}

// terminate stops the process with SIGTERM. It must exit in time and with code 0.
func (s *server) terminate() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case err := <-s.exited:
		if err != nil {
			s.t.Errorf("rollcall serve after SIGTERM: %v, want exit code 0\n%s", err, s.log.String())
		}
	case <-time.After(stopWait):
		s.t.Errorf("rollcall serve still runs %v after SIGTERM", stopWait)
		s.kill()
	}
	s.cmd = nil
}

// kill kills the process with SIGKILL.
func (s *server) kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	<-s.exited
	s.cmd = nil
}

// cleanup stops the process and fails the test if it logged errors.
func (s *server) cleanup() {
	if s.cmd != nil {
		s.terminate()
	}
	log := s.log.String()
	for line := range strings.Lines(log) {
		if strings.Contains(line, "level=ERROR") && !s.faulty || strings.Contains(line, "panic") {
			s.t.Errorf("the server logged %s", line)
		}
	}
	if s.t.Failed() {
		s.t.Logf("log of the server at %s:\n%s", s.addr, log[max(0, len(log)-4000):])
	}
}

// cli runs `rollcall user ARGS` on the server's database and waits for it.
func (s *server) cli(args ...string) {
	s.t.Helper()
	s.command(append([]string{"user"}, args...)...)
}

// command runs `rollcall ARGS` on the server's database, and returns what it prints.
func (s *server) command(args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), startWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append(args, "--db", s.db)...)
	cmd.Env = append(cleanEnv(), s.env...)
	cmd.Stdin = strings.NewReader(password + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("rollcall %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// addUser adds a person with password on the command line.
func (s *server) addUser(username string, flags ...string) {
	s.t.Helper()
	s.cli(append([]string{"add", username, "--password-stdin"}, flags...)...)
}

// importPeople adds people at once. Each has a username, a password or its hash, a display name, and a team.
func (s *server) importPeople(people ...[]string) {
	s.t.Helper()
	var text bytes.Buffer
	lines := csv.NewWriter(&text)
	_ = lines.WriteAll(append([][]string{{"username", "password", "display_name", "team"}}, people...)) // to memory
	file := filepath.Join(s.t.TempDir(), "people.csv")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.cli("import", file)
}

// whileBusy repeats a request while the server answers that it's too busy: passwords are slow to hash, and the queue
// for that is short.
func whileBusy(send func() (*http.Response, error)) (*http.Response, error) {
	for deadline := time.Now().Add(patience); ; {
		answer, err := send()
		if err != nil || answer.StatusCode != http.StatusServiceUnavailable {
			return answer, err
		}
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		wait := time.Duration(seconds) * time.Second
		if wait == 0 || time.Now().Add(wait).After(deadline) {
			return answer, nil
		}
		answer.Body.Close()
		time.Sleep(wait) // as the server asks
	}
}

// post sends a form without a browser and returns the cookies of the response, which must be a 303 to the board.
func (s *server) post(path string, form url.Values) []*http.Cookie {
	s.t.Helper()
	client := &http.Client{
		Timeout:       startWait,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := whileBusy(func() (*http.Response, error) { return client.PostForm(s.url+path, form) })
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/" {
		body, _ := io.ReadAll(answer.Body)
		s.t.Fatalf("POST %s = %d to %q, want 303 to /\n%s", path, answer.StatusCode, answer.Header.Get("Location"), body)
	}
	return answer.Cookies()
}

// signUp creates an account and returns the cookies of its session.
func (s *server) signUp(username string) []*http.Cookie {
	s.t.Helper()
	return s.post("/signup", url.Values{"username": {username}, "password": {password}})
}

// signIn starts a session for an existing account and returns its cookies.
func (s *server) signIn(username string) []*http.Cookie {
	s.t.Helper()
	return s.post("/login", url.Values{"username": {username}, "password": {password}})
}

// buffer is a bytes.Buffer that is safe for concurrent use.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
