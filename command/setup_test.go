package command

import (
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// said returns what a server printed after its address. It ends the server.
func (r *running) said(t *testing.T) (lines []string) {
	t.Helper()
	if err := r.end(t); err != nil {
		t.Fatal(err)
	}
	for line := range r.lines {
		lines = append(lines, line)
	}
	return lines
}

// An empty board says what to do, and prints a setup code if others can reach it. A board with people says nothing.
func TestServeOnAnEmptyFolder(t *testing.T) {
	db := filepath.Join(t.TempDir(), "rollcall.db")
	const what = "The board is empty: open the address and set it up."
	if got := start(t, "serve", "--addr", "127.0.0.1:0", "--db", db).said(t); !slices.Equal(got, []string{what}) {
		t.Errorf("an empty board on this machine says %q, want %q", got, what)
	}
	public := []string{"serve", "--addr", "127.0.0.1:0", "--db", db, "--public-url", "http://localhost:1"}
	got := start(t, public...).said(t)
	if len(got) != 3 || got[0] != what || !regexp.MustCompile(`^Setup code: \S{19}$`).MatchString(got[1]) ||
		!strings.Contains(got[2], "rollcall user add NAME --admin --db ") {
		t.Errorf("an empty board with a public URL says %q, want %q, a code, and how to create an account", got, what)
	}
	for _, flags := range [][]string{public, {"serve", "--addr", "127.0.0.1:0", "--db", db, "--signup", "off"}} {
		again := start(t, flags...).said(t)
		if len(again) != 3 || again[1] == got[1] || again[1][:len("Setup code:")] != "Setup code:" {
			t.Errorf("started again with %q, it says %q, want a new code", flags, again)
		}
	}
	r := start(t, "serve", "--addr", "127.0.0.1:0", "--db", db, "--log-format", "text")
	answer, err := browser(t).PostForm(r.url+"/setup", url.Values{
		"board_name": {"Harbor Works"}, "username": {"clara"}, "password": {"correct horse battery staple"},
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(page), "<bdi>Harbor Works</bdi></a>") {
		t.Errorf("POST /setup = %s, %v, want the board called Harbor Works:\n%s", answer.Status, err, page)
	}
	r.said(t)
	if got := start(t, public...).said(t); len(got) != 0 {
		t.Errorf("a board with people says %q, want nothing", got)
	}
}

// The stored name is known after a restart, and a flag wins over it.
func TestServeNamesTheBoard(t *testing.T) {
	db := filepath.Join(t.TempDir(), "rollcall.db")
	client := browser(t)
	for _, tt := range []struct {
		flags []string
		want  string
	}{
		{nil, "<bdi>Rollcall</bdi>"},
		{nil, "<bdi>Harbor Works</bdi>"},
		{[]string{"--board-name", "Pier 4"}, "<bdi>Pier 4</bdi>"},
	} {
		r := start(t, append([]string{"serve", "--addr", "127.0.0.1:0", "--db", db}, tt.flags...)...)
		answer, err := client.Get(r.url + "/login")
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if !strings.Contains(string(page), tt.want+"</a>") {
			t.Errorf("GET /login with %q doesn't hold %s:\n%s", tt.flags, tt.want, page)
		}
		_, err = client.PostForm(r.url+"/setup", url.Values{
			"board_name": {"Harbor Works"}, "username": {"clara"}, "password": {"correct horse battery staple"},
		})
		if err != nil {
			t.Fatal(err)
		}
		client = browser(t) // signed out
		r.said(t)
	}
}

func TestServeRefusesABadLogo(t *testing.T) {
	con := &console{env: environment{}, files: uiFiles(), stdin: strings.NewReader(""), stdout: io.Discard,
		stderr: io.Discard}
	err := run(t.Context(), []string{"serve", "--addr", "127.0.0.1:0", "--db", filepath.Join(t.TempDir(), "x.db"),
		"--logo", "setup_test.go"}, con)
	if err == nil || !strings.Contains(err.Error(), "--logo setup_test.go: it's neither") {
		t.Errorf("run with a bad logo = %v, want an error about it", err)
	}
}
