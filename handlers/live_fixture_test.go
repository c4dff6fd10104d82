package handlers

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rollcall/presence"
)

// patience limits every wait for something that must happen. It's long because machines stall. Tests that pass don't
// use it up.
const patience = 10 * time.Second

// liveBoard is a fixture that listens and whose background loops run.
type liveBoard struct {
	*fixture
	url string
}

// quick makes grace periods short and skips warming, so that tests don't wait. Other changes apply after it.
func quick(cfg *Config) {
	p := presence.DefaultConfig()
	p.GraceClean, p.GraceDropped, p.Warming = 30*time.Millisecond, 60*time.Millisecond, 0
	cfg.Presence.Close()
	cfg.Presence = presence.NewTracker(p)
}

func newLiveBoard(t testing.TB, changes ...func(*Config)) *liveBoard {
	t.Helper()
	f := newFixture(t, append([]func(*Config){quick}, changes...)...)
	srv := httptest.NewServer(f.handler)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.server.Run(ctx) }()
	t.Cleanup(func() {
		f.server.Drain(context.Background())
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		srv.Close()
	})
	return &liveBoard{f, srv.URL}
}

// member signs a new person in.
func (l *liveBoard) member(name string) *browser {
	l.t.Helper()
	l.person(name)
	b := l.browser()
	b.host = strings.TrimPrefix(l.url, "http://")
	b.enter(name)
	return b
}

// tab is one open page: the page as it was served, updated by the frames since.
type tab struct {
	t    testing.TB
	conn *websocket.Conn
	done chan struct{} // closed when the socket has ended

	mu     sync.Mutex
	rows   map[string]string // HTML of each row by username
	states map[string][]string
	text   map[string]string // HTML of other elements by id
	frames []string
	closed *websocket.CloseError
}

var (
	rowPattern     = regexp.MustCompile(`(?s)<li [^>]*id="u-[^"]*".*?</li>`)
	briefPattern   = regexp.MustCompile(`(?s)^<li (id="[^>]*? data-state="[^"]*")([^>]*)>(.*)</li>$`)
	wholePattern   = regexp.MustCompile(`(?s)^<li (class="[^"]*") [^>]*?(data-team="[^"]*")[^>]*>(.*?<div><p class="nm">.*?</p>)`)
	userPattern    = regexp.MustCompile(`data-user="([^"]*)"`)
	statePattern   = regexp.MustCompile(`data-state="([^"]*)"`)
	partialPattern = regexp.MustCompile(`(?s)<hx-partial id="([^"]*)"(?: hx-swap="?(\w+)"?)?>(.*?)</hx-partial>`)
	socketPattern  = regexp.MustCompile(`hx-ws:connect="([^"]*)"`)
)

// load loads a page of the board like a browser.
func (b *browser) load(target string) *tab {
	b.f.t.Helper()
	a := b.get(target)
	wantStatus(b.f.t, "GET "+target, a, http.StatusOK)
	tb := newTab(b.f.t)
	tb.list(a.body)
	for _, id := range []string{"n-here", "n-all", "n-online", "n-away", "n-dnd", "n-offline", "summary"} {
		if m := regexp.MustCompile(`id="` + id + `"[^>]*>([^<]*)<`).FindStringSubmatch(a.body); m != nil {
			tb.text[id] = m[1]
		}
	}
	if m := regexp.MustCompile(`(?s)<h1 id="headline">(.*?)</h1>`).FindStringSubmatch(a.body); m != nil {
		tb.text["headline"] = m[1]
	}
	m := socketPattern.FindStringSubmatch(a.body)
	if m == nil {
		b.f.t.Fatalf("GET %s names no socket:\n%s", target, a.body)
	}
	tb.text["socket"] = strings.ReplaceAll(m[1], "&amp;", "&")
	return tb
}

func newTab(t testing.TB) *tab {
	return &tab{t: t, rows: map[string]string{}, states: map[string][]string{}, text: map[string]string{},
		done: make(chan struct{})}
}

// open loads the page, opens its socket and sends a first message, like our script.
func (l *liveBoard) open(b *browser, target, first string) *tab {
	l.t.Helper()
	tb := b.load(target)
	l.dial(b, tb, tb.text["socket"])
	tb.say(first)
	return tb
}

// dialErr opens a socket and returns the response and error if it was refused.
func (l *liveBoard) dialErr(b *browser, path string, header http.Header) (*websocket.Conn, *http.Response, error) {
	h := http.Header{"Origin": {l.url}, "User-Agent": {"Mozilla/5.0 (X11; Linux x86_64)"}}
	for name, value := range b.cookies {
		h.Add("Cookie", name+"="+value)
	}
	maps.Copy(h, header)
	return websocket.DefaultDialer.Dial(strings.Replace(l.url, "http", "ws", 1)+path, h)
}

func (l *liveBoard) dial(b *browser, tb *tab, path string) {
	l.t.Helper()
	conn, resp, err := l.dialErr(b, path, nil)
	if err != nil {
		l.t.Fatalf("dial %s = %v, %v", path, err, resp)
	}
	tb.conn = conn
	go tb.read()
	l.t.Cleanup(func() { _ = conn.Close(); <-tb.done })
}

// bare opens a socket without a page, like other programs.
func (l *liveBoard) bare(b *browser, path string) *tab {
	l.t.Helper()
	tb := newTab(l.t)
	l.dial(b, tb, path)
	return tb
}

func (tb *tab) read() {
	defer close(tb.done)
	for {
		_, frame, err := tb.conn.ReadMessage()
		if err != nil {
			tb.mu.Lock()
			errors.As(err, &tb.closed)
			tb.mu.Unlock()
			return
		}
		tb.mu.Lock()
		tb.frames = append(tb.frames, string(frame))
		tb.apply(string(frame))
		tb.mu.Unlock()
	}
}

// apply updates the page with a frame, like htmx.
func (tb *tab) apply(frame string) {
	for _, m := range partialPattern.FindAllStringSubmatch(frame, -1) {
		switch id, swap, html := m[1], m[2], m[3]; {
		case id == "list":
			tb.list(html)
		case swap == "delete":
			maps.DeleteFunc(tb.rows, func(_, row string) bool { return strings.Contains(row, ` id="`+id+`"`) })
		case id == "told":
			tb.text[id] += html
		case swap == "beforebegin" || swap == "beforeend":
			for _, row := range rowPattern.FindAllString(html, -1) {
				tb.row(row)
			}
		case strings.HasPrefix(id, "u-") && swap == "outerMorph":
			if user := userPattern.FindStringSubmatch(html); user != nil && tb.rows[user[1]] != "" {
				tb.row(html)
			}
		default:
			tb.text[id] = html
		}
	}
}

func (tb *tab) list(html string) {
	clear(tb.rows)
	for _, row := range rowPattern.FindAllString(html, -1) {
		tb.row(row)
	}
}

func (tb *tab) row(html string) {
	if !userPattern.MatchString(html) {
		return // on a wall board
	}
	user, state := userPattern.FindStringSubmatch(html)[1], statePattern.FindStringSubmatch(html)[1]
	tb.rows[user] = completed(html, tb.rows[user])
	if s := tb.states[user]; len(s) == 0 || s[len(s)-1] != state {
		tb.states[user] = append(s, state)
	}
}

// completed returns a row with what a brief one leaves out, as our script completes it from the row on the page.
func completed(row, known string) string {
	brief, was := briefPattern.FindStringSubmatch(row), wholePattern.FindStringSubmatch(known)
	if brief == nil || was == nil {
		return row
	}
	return "<li " + was[1] + " " + brief[1] + " " + was[2] + brief[2] + ">" + was[3] + brief[3] + "</div></li>"
}

func (tb *tab) say(message string) {
	tb.t.Helper()
	if err := tb.conn.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
		tb.t.Fatalf("say %q = %v", message, err)
	}
}

// leave closes the tab like a browser.
func (tb *tab) leave() {
	_ = tb.conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""))
	select {
	case <-tb.done:
	case <-time.After(patience):
		tb.t.Error("the server didn't answer the close frame")
	}
}

// until waits until ok, which runs with the tab locked, returns true.
func (tb *tab) until(what string, ok func() bool) {
	tb.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		tb.mu.Lock()
		good := ok()
		tb.mu.Unlock()
		if good {
			return
		}
		if time.Now().After(deadline) {
			tb.mu.Lock()
			defer tb.mu.Unlock()
			tb.t.Fatalf("not seen within %s: %s\nrows %v\ntext %v\nframes %d",
				patience, what, tb.shownLocked(), tb.text, len(tb.frames))
		}
	}
}

func (tb *tab) shownLocked() map[string]string {
	shown := map[string]string{}
	for user, row := range tb.rows {
		shown[user] = statePattern.FindStringSubmatch(row)[1]
	}
	return shown
}

func (tb *tab) sees(user, state string) {
	tb.t.Helper()
	tb.until(user+" "+state, func() bool { return tb.shownLocked()[user] == state })
}

// history returns every state in which the tab has shown user, in order.
func (tb *tab) history(user string) []string {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return slices.Clone(tb.states[user])
}

func (tb *tab) frameCount() int {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return len(tb.frames)
}

// framesFrom returns the frames that arrived, from the nth on.
func (tb *tab) framesFrom(n int) []string {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return slices.Clone(tb.frames[n:])
}

// wantClose waits for the end of the socket and checks its code.
func (tb *tab) wantClose(code int) {
	tb.t.Helper()
	select {
	case <-tb.done:
	case <-time.After(patience):
		tb.t.Fatalf("the socket is still open, want a close with %d", code)
	}
	if tb.closed == nil || tb.closed.Code != code {
		tb.t.Fatalf("the socket ended with %v, want code %d", tb.closed, code)
	}
}

var (
	nextPattern = regexp.MustCompile(`href="([^"]*after=[^"]*)"`)
	uidPattern  = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)
)

// someHash is a valid hash of an unknown password.
const someHash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$L8vLhz8wGpbyLHbSxRQ0H5cAHqv6C0rYZ8hEGYe0w2M"

// uid returns the id of the person with a username.
func (f *fixture) uid(name string) string {
	f.t.Helper()
	user, err := f.store.UserByName(f.t.Context(), name)
	if err != nil {
		f.t.Fatalf("UserByName(%q) = %v", name, err)
	}
	return user.ID
}

// of returns the open sockets of a person.
func (s *sockets) of(user string) []*socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.byUser[user])
}
