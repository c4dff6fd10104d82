package command

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestServeSignUpAndStop(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r := start(t, "serve", "--addr", "127.0.0.1:0", "--db", filepath.Join(t.TempDir(), "rollcall.db"))
	client := browser(t)
	defer client.CloseIdleConnections()

	answer, err := client.PostForm(r.url+"/signup", url.Values{
		"username": {"ada"}, "display_name": {"Ada Okafor"}, "password": {"correct horse battery staple"},
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK || !bytes.Contains(page, []byte(`data-user="ada"`)) {
		t.Errorf("POST /signup = %s, want the board with ada on it:\n%s", answer.Status, page)
	}
	if err := r.end(t); err != nil {
		t.Errorf("run = %v, want nil after a signal", err)
	}
}

func TestServeFinishesOpenRequests(t *testing.T) {
	r := start(t, "serve", "--addr", "127.0.0.1:0", "--db", filepath.Join(t.TempDir(), "rollcall.db"))
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	idle, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://")) // browsers open such connections in advance
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()

	form := "username=ada&password=correct+horse+battery+staple"
	head := "POST /signup HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
		"Expect: 100-continue\r\nContent-Length: 50\r\n\r\n"
	if len(form) != 50 {
		t.Fatalf("the form has %d bytes, want 50", len(form))
	}
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("first line of the answer = %q, %v, want 100 Continue", line, err)
	}
	if _, err := answers.ReadString('\n'); err != nil {
		t.Fatal(err)
	}

	r.stop()
	r.untilClosed(t)
	if _, err := io.WriteString(conn, form); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(answers, nil)
	if err != nil || answer.StatusCode != http.StatusSeeOther {
		t.Errorf("the open request got %v, %v, want 303", answer, err)
	}
	if err := r.end(t); err != nil {
		t.Errorf("run = %v, want nil after a signal", err)
	}
	if strings.Contains(r.log.String(), "cut off") {
		t.Errorf("the server waited for the unused connection until it cut off all connections:\n%s", r.log)
	}
}

// The command that a server prints for adding people works as printed, in any folder.
func TestServePrintsWorkingCommand(t *testing.T) {
	db := filepath.Join(t.TempDir(), "our board's", "rollcall.db")
	r := start(t, "serve", "--addr", "127.0.0.1:0", "--db", db, "--signup", "off")
	var command string
	for !strings.HasPrefix(command, "rollcall user add NAME ") {
		line, ok := <-r.lines
		if !ok {
			t.Fatal("the server prints no command that adds a person")
		}
		_, command, _ = strings.Cut(line, ": ")
	}
	shell := exec.Command("sh", "-c", strings.Replace(command, "NAME", "ada", 1))
	home := t.TempDir()
	shell.Dir = home
	shell.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, uiFolder + "=" + os.Getenv(uiFolder)}
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%s = %v\n%s", command, err, out)
	}
	shell = exec.Command("rollcall", "user", "list", "--db", db)
	if out, err := shell.CombinedOutput(); err != nil || !strings.Contains(string(out), "\nada ") {
		t.Errorf("user list after %s = %v\n%s, want ada on it", command, err, out)
	}
	if err := r.end(t); err != nil {
		t.Errorf("run = %v, want nil after a signal", err)
	}
}

func TestServeLogsJSONOnly(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	logs, w := io.Pipe()
	var stdout bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		args := []string{"--log-format=json", "--addr=127.0.0.1:0", "--db=" + filepath.Join(t.TempDir(), "rollcall.db")}
		env := environment{"ROLLCALL_SIGNUPS": "off"}
		con := &console{env: env, files: uiFiles(), stdin: strings.NewReader(""), stdout: &stdout, stderr: w}
		ended <- run(ctx, args, con)
		w.Close()
	}()
	var all strings.Builder
	lines := bufio.NewScanner(logs)
	for lines.Scan() {
		all.WriteString(lines.Text() + "\n")
		if !strings.HasPrefix(lines.Text(), "{") {
			t.Errorf("log line %q, want JSON", lines.Text())
		}
		if strings.Contains(lines.Text(), `"url":"http://127.0.0.1:`) {
			stop()
		}
	}
	if err := <-ended; err != nil || stdout.Len() > 0 {
		t.Errorf("run = %v with %q on standard output, want nil and nothing", err, stdout.String())
	}
	if !strings.Contains(all.String(), `"variable":"ROLLCALL_SIGNUPS"`) {
		t.Errorf("the log doesn't name the misspelled ROLLCALL_SIGNUPS:\n%s", all.String())
	}
}

// TestServeChecksHost: a server that only this machine can reach answers requests for localhost and loopback addresses,
// but not for a domain that points to this machine.
func TestServeChecksHost(t *testing.T) {
	r := start(t, "serve", "--addr", "127.0.0.1:0", "--db", filepath.Join(t.TempDir(), "rollcall.db"))
	client := browser(t)
	for host, want := range map[string]int{
		"": 200, "localhost:1": 200, "[::1]:8080": 200, "rebound.example": 421, "192.0.2.1": 421, "board": 421,
	} {
		for path, want := range map[string]int{"/login": want, "/healthz": 200, "/readyz": 200} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = host // "" sends that of the URL
			answer, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != want {
				t.Errorf("GET %s with Host %q = %s, want %d", path, host, answer.Status, want)
			}
		}
	}
	client.CloseIdleConnections()
	if err := r.end(t); err != nil {
		t.Errorf("run = %v, want nil after a signal", err)
	}
}

// TestServeSpeaksOnlyHTTP1: a proxy terminates TLS and HTTP/2. A client that starts or requests HTTP/2 without TLS gets
// HTTP/1.1.
func TestServeSpeaksOnlyHTTP1(t *testing.T) {
	r := start(t, "serve", "--addr", "127.0.0.1:0", "--db", filepath.Join(t.TempDir(), "rollcall.db"))
	for request, want := range map[string]string{
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n": "HTTP/1.1 4",
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" +
			"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n": "HTTP/1.1 200 ",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, want) {
			t.Errorf("answer to %.30q = %q, %v, want %s", request, line, err, want)
		}
	}
	if err := r.end(t); err != nil {
		t.Errorf("run = %v, want nil after a signal", err)
	}
}

func TestLoopbackAddresses(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:8080": true, "127.1.2.3:0": true, "[::1]:8080": true, "localhost:8080": true,
		":8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "192.0.2.1:8080": false, "board.example:8080": false,
	} {
		if s := (settings{Addr: addr}); s.local() != want {
			t.Errorf("local() with --addr %s = %t, want %t", addr, s.local(), want)
		}
	}
}

// TestNewPasswordEndsLockout: if someone guesses passwords, the owner of the account can sign in right after rollcall
// user passwd.
func TestNewPasswordEndsLockout(t *testing.T) {
	db := filepath.Join(t.TempDir(), "rollcall.db")
	r := start(t, "serve", "--addr", "127.0.0.1:0", "--db", db)
	post := func(path, password string, want int) {
		t.Helper()
		client := browser(t) // a new one each time
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		answer, err := client.PostForm(r.url+path, url.Values{"username": {"ada"}, "password": {password}})
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		client.CloseIdleConnections()
		if answer.StatusCode != want {
			t.Fatalf("POST %s with %q = %s, want %d", path, password, answer.Status, want)
		}
	}
	const old, fresh = "correct horse battery staple", "another horse and its battery"
	post("/signup", old, http.StatusSeeOther)
	for range 10 {
		post("/login", "guess", http.StatusUnprocessableEntity)
	}
	post("/login", old, http.StatusTooManyRequests)
	err := run(t.Context(), []string{"user", "passwd", "ada", "--password-stdin", "--db", db},
		&console{env: environment{}, files: uiFiles(), stdin: strings.NewReader(fresh + "\n"), stdout: io.Discard,
			stderr: io.Discard})
	if err != nil {
		t.Fatalf("rollcall user passwd = %v", err)
	}
	post("/login", fresh, http.StatusSeeOther)
	if err := r.end(t); err != nil {
		t.Errorf("run = %v, want nil after a signal", err)
	}
}

// The last writes have as much time as the other steps of stopping have left over, so that a stop doesn't fail because
// of a slow disk.
func TestStopWaitsForLastWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	var token bytes.Buffer
	for _, args := range [][]string{
		{"user", "add", "ada", "--db", path, "--create", "--password-stdin"},
		{"token", "create", "--user", "ada", "--scope", "me:read", "--db", path},
	} {
		token.Reset()
		con := &console{files: uiFiles(), stdin: strings.NewReader("correct horse battery staple\n"), stdout: &token,
			stderr: io.Discard}
		if err := run(t.Context(), args, con); err != nil {
			t.Fatalf("run(%q) = %v", args, err)
		}
	}
	r := start(t, "serve", "--addr", "127.0.0.1:0", "--db", path)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/api/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+regexp.MustCompile(`(?m)^rollcall_\w+$`).FindString(token.String()))
	client := browser(t)
	answer, err := client.Do(req) // when the token was used is written within a minute, or else when the server stops
	if err != nil {
		t.Fatal(err)
	}
	if answer.Body.Close(); answer.StatusCode != http.StatusOK {
		t.Fatalf("GET /api/v1/me = %s, want 200", answer.Status)
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	client.CloseIdleConnections()
	r.stop()
	r.untilClosed(t)
	time.Sleep(stopLoops + 500*time.Millisecond) // the last write waits for longer than it had by itself
	if _, err := db.Exec("COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := r.end(t); err != nil {
		t.Errorf("run = %v, want nil after a signal", err)
	}
}
