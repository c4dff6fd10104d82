package handlers

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"rollcall/accounts"
	"rollcall/accounts/filetest"
	"rollcall/presence"
	"rollcall/ui"
)

// fixture is a server with real accounts in a temporary folder and real templates. The scripts and styles are
// stand-ins, so that the tests don't need a build of them.
type fixture struct {
	t       testing.TB
	server  *Server
	store   *accounts.Store
	handler http.Handler
	logs    *logs
	path    string // of the accounts
}

// newFixture returns a fixture. Each change may alter its Config first.
func newFixture(t testing.TB, changes ...func(*Config)) *fixture {
	t.Helper()
	out := &logs{}
	cfg := Config{
		Presence:  presence.NewTracker(presence.DefaultConfig()),
		Log:       slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Fixed:     accounts.Settings{SignUp: accounts.SignUpOpen, Invisible: "on"},
		AccessLog: true,
		Limits:    Limits{Signups: 60, Logins: 100, SocketsUser: 20, SocketsAddress: 1000, Acts: usualActs},
	}
	t.Cleanup(func() { cfg.Presence.Close() }) // changes may replace the tracker
	for _, change := range changes {
		change(&cfg)
	}
	path := ""
	if cfg.Accounts == nil {
		path = filetest.New(t)
		store, err := accounts.Open(t.Context(), accounts.Config{CheapHashes: true, Path: path, Log: cfg.Log})
		if err != nil {
			t.Fatalf("accounts.Open = %v", err)
		}
		t.Cleanup(func() { _ = store.Close() })
		cfg.Accounts = store
	}
	base := ""
	if cfg.PublicURL != nil {
		base = strings.TrimSuffix(cfg.PublicURL.Path, "/")
	}
	cfg.UI = takeUI(t, base)
	server, err := New(cfg)
	if err != nil {
		t.Fatalf("New = %v", err)
	}
	return &fixture{t: t, server: server, store: cfg.Accounts, handler: server.Handler(), logs: out, path: path}
}

// spareUIs holds the UIs that no test is using, by base path. Parsing all templates takes longer than most tests.
var spareUIs = struct {
	sync.Mutex
	byBase map[string][]*ui.UI
}{byBase: map[string][]*ui.UI{}}

// takeUI returns a UI that no other test uses until t has ended.
func takeUI(t testing.TB, base string) (pages *ui.UI) {
	t.Helper()
	spareUIs.Lock()
	if spare := spareUIs.byBase[base]; len(spare) > 0 {
		pages, spareUIs.byBase[base] = spare[0], spare[1:]
	}
	spareUIs.Unlock()
	if pages == nil {
		var err error
		if pages, err = ui.New(pageFiles(t), base); err != nil {
			t.Fatalf("ui.New = %v", err)
		}
	}
	t.Cleanup(func() {
		if pages.LogoURL() != "" || pages.Robots() {
			return // this can't be undone
		}
		pages.SetName("")
		spareUIs.Lock()
		spareUIs.byBase[base] = append(spareUIs.byBase[base], pages)
		spareUIs.Unlock()
	})
	return pages
}

// pageFiles returns the real templates and small stand-ins for the built files.
func pageFiles(t testing.TB) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{
		"static/build/app.js":      {Data: []byte("// script")},
		"static/build/app.css":     {Data: []byte("/* style */")},
		"static/build/admin.js":    {Data: []byte("// more script")},
		"static/build/passkey.js":  {Data: []byte("// passkeys")},
		"static/build/admin.css":   {Data: []byte("/* more style */")},
		"static/build/wall.css":    {Data: []byte("/* style of walls */")},
		"static/build/wall.js":     {Data: []byte("// walls")},
		"static/build/embed.js":    {Data: []byte("// embeds")},
		"static/build/favicon.svg": {Data: []byte("<svg/>")},
		"static/build/sw.js":       {Data: []byte("// worker")},
		"static/build/emoji.json":  {Data: []byte("[]")},
	}
	for _, name := range []string{"favicon.ico", "apple-touch-icon.png", "icon-192.png", "icon-512.png",
		"icon-maskable.png"} {
		files["static/build/"+name] = &fstest.MapFile{Data: []byte(name)}
	}
	root := os.DirFS("../ui")
	for _, pattern := range []string{"templates/*.html", "templates/parts/*.html"} {
		names, err := filepath.Glob(filepath.Join("../ui", pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("templates %s: %v, %v", pattern, names, err)
		}
		for _, name := range names {
			name = filepath.ToSlash(strings.TrimPrefix(name, filepath.Clean("../ui")+string(filepath.Separator)))
			f, err := root.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(f)
			_ = f.Close()
			if err != nil {
				t.Fatal(err)
			}
			files[name] = &fstest.MapFile{Data: data}
		}
	}
	return files
}

const usualActs = 60

const (
	goodPassword = "correct horse battery"
	// goodHash is a cheap hash of goodPassword.
	goodHash = "$argon2id$v=19$m=8,t=1,p=1$s9DbbLizYjBMj+jPTI6nvA$ZZnCmbJ4Txb40DdVpQbFF4XbwAiUT95oQhHRNJU+/Ok"
)

// publicURL is a change for newFixture.
func publicURL(t *testing.T, address string) func(*Config) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return func(cfg *Config) { cfg.PublicURL = u }
}

func trust(prefixes ...string) func(*Config) {
	return func(cfg *Config) {
		for _, p := range prefixes {
			cfg.TrustedProxies = append(cfg.TrustedProxies, netip.MustParsePrefix(p))
		}
	}
}

// person adds an account with goodPassword.
func (f *fixture) person(name string) accounts.User {
	f.t.Helper()
	user, err := f.store.Create(acting(f.t.Context()), accounts.NewUser{Username: name, PasswordHash: goodHash})
	if err != nil {
		f.t.Fatalf("Create(%q) = %v", name, err)
	}
	return user
}

// browser keeps cookies between its requests and sends the headers that browsers send.
type browser struct {
	f       *fixture
	cookies map[string]string
	header  http.Header
	remote  string // peer address
	host    string
	set     []*http.Cookie // by the last response
}

func (f *fixture) browser() *browser {
	return &browser{f: f, cookies: map[string]string{}, header: http.Header{"Accept": {"text/html,*/*;q=0.8"}},
		remote: "192.0.2.1:40000", host: cmp.Or(f.server.site.host, "board.local")}
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

func (a answer) location() string { return a.Header.Get("Location") }

// do sends one request; form is the body of a POST, nil for none.
func (b *browser) do(method, target string, form url.Values) answer {
	b.f.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequestWithContext(b.f.t.Context(), method, target, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return b.send(r)
}

func (b *browser) send(r *http.Request) answer {
	b.f.t.Helper()
	r.RemoteAddr = b.remote
	r.Host = b.host
	maps.Copy(r.Header, b.header)
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.f.handler.ServeHTTP(w, r)
	resp := w.Result()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.f.t.Fatal(err)
	}
	b.set = resp.Cookies()
	for _, c := range b.set {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return answer{resp, string(body)}
}

func (b *browser) get(target string) answer { return b.do("GET", target, nil) }

func (b *browser) login(name, password string) answer {
	return b.do("POST", b.f.server.site.path("/login"), url.Values{"username": {name}, "password": {password}})
}

// enter signs in without the form and its hash, which is slow under the race detector.
func (b *browser) enter(name string) {
	b.f.t.Helper()
	user, err := b.f.store.UserByName(b.f.t.Context(), name)
	if err != nil {
		b.f.t.Fatalf("UserByName(%q) = %v", name, err)
	}
	token, _, err := b.f.store.StartSession(acting(b.f.t.Context()), accounts.SignIn{UserID: user.ID, UserAgent: "browser", Address: "192.0.2.1", Replaces: b.cookies[b.f.server.site.cookie]})
	if err != nil {
		b.f.t.Fatalf("StartSession(%q) = %v", name, err)
	}
	b.cookies[b.f.server.site.cookie] = token
}

func (b *browser) signup(name, password string) answer {
	return b.do("POST", b.f.server.site.path("/signup"), url.Values{"username": {name}, "password": {password}})
}

// cookie returns the cookie called name that the last response set.
func (b *browser) cookie(name string) *http.Cookie {
	for _, c := range b.set {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// signedIn reports whether b has a valid session.
func (b *browser) signedIn() bool {
	b.f.t.Helper()
	return b.get(b.f.server.site.path("/me.css")).StatusCode == http.StatusOK
}

// logs collects log lines.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// lines returns the lines that contain every one of parts.
func (l *logs) lines(parts ...string) []string {
	var found []string
	for line := range strings.Lines(l.String()) {
		all := true
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			found = append(found, line)
		}
	}
	return found
}

// wantStatus fails the test if the response has another status.
func wantStatus(t testing.TB, what string, a answer, want int) {
	t.Helper()
	if a.StatusCode != want {
		t.Fatalf("%s = %d, want %d\n%s", what, a.StatusCode, want, a.body)
	}
}

// markPattern matches what differs from session to session in redirects of the administration.
var markPattern = regexp.MustCompile(`(&n=)?\.[A-Za-z0-9_-]{16}`)

func unmarked(location string) string { return markPattern.ReplaceAllString(location, "") }

// wantRedirect fails the test unless the response is a 303 to that address.
func wantRedirect(t testing.TB, what string, a answer, to string) {
	t.Helper()
	if a.StatusCode != http.StatusSeeOther || unmarked(a.location()) != to {
		t.Fatalf("%s = %d to %q, want 303 to %q\n%s", what, a.StatusCode, a.location(), to, a.body)
	}
}

// acting returns ctx with an actor for changes that a test makes itself. Handlers name their own actor.
func acting(ctx context.Context) context.Context { return accounts.As(ctx, accounts.CommandLine) }
