package handlers

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/live"
)

func TestWantedWait(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"wait=10": 10 * time.Second, "WAIT = 10": 10 * time.Second, `respond-async, wait="3"`: 3 * time.Second,
		"wait=10; x=y": 10 * time.Second, "wait=99999": longestWait, "wait=-1": 0, "wait": 0, "wait=x": 0, "": 0, "wait=99999999999999999999": 0,
	} {
		if got := wantedWait([]string{value}); got != want {
			t.Errorf("wantedWait(%q) = %v, want %v", value, got, want)
		}
	}
	if writeTimeout < longestWait+time.Second {
		t.Errorf("a wait of %v ends after the time to send the response, %v", longestWait, writeTimeout)
	}
}

// waiter asks for news of a path in the background. The channel gets the answer.
func (p *program) waiter(path string) <-chan answer {
	p.f.t.Helper()
	p.header.Set("If-None-Match", p.want(200, "GET", path, "").Header.Get("ETag"))
	p.header.Set("Prefer", "wait=25")
	done := make(chan answer, 1)
	go func() { done <- p.call("GET", path, "") }()
	return done
}

// until waits until n requests wait for news.
func (f *fixture) untilWaiting(n int) {
	f.t.Helper()
	for over := time.After(patience); ; {
		f.server.waiting.mu.Lock()
		all := f.server.waiting.all
		f.server.waiting.mu.Unlock()
		if all == n {
			return
		}
		select {
		case <-over:
			f.t.Fatalf("%d requests wait, want %d", all, n)
		case <-time.After(time.Millisecond):
		}
	}
}

func received(t *testing.T, what string, from <-chan answer, status int) answer {
	t.Helper()
	select {
	case a := <-from:
		wantStatus(t, what, a, status)
		return a
	case <-time.After(patience):
		t.Fatalf("%s: no answer", what)
	}
	return answer{}
}

// A request that waits is answered when what it reads changes, and not before.
func TestWaitForNews(t *testing.T) {
	l := newLiveBoard(t)
	ids := map[string]string{}
	for _, name := range []string{"ada", "ben", "zoe"} {
		ids[name] = l.person(name).ID
	}
	set := func(name, text string) {
		t.Helper()
		l.must(l.store.SetStatus(acting(t.Context()), ids[name], accounts.Status{Text: text}, ""))
	}
	for i, path := range []string{"/users/ben", "/presence?user=ben", "/users?q=ben"} {
		a := l.program("ada", everyScope...).waiter(path)
		l.untilWaiting(1)
		set("zoe", fmt.Sprint("not about ben ", i))
		set("ben", fmt.Sprint("news ", i))
		if got := received(t, path, a, 200); got.Header.Get("Preference-Applied") != "wait=25" {
			t.Errorf("GET %s has no Preference-Applied: %v", path, got.Header)
		}
		l.untilWaiting(0)
	}
	own := l.program("ada", everyScope...).waiter("/me/presence")
	l.untilWaiting(1)
	set("ada", "own news")
	received(t, "/me/presence", own, 200)
}

// A request that waits ends when the server drains, and when its token or its person's account ends.
func TestWaitsEnd(t *testing.T) {
	l := newLiveBoard(t)
	l.person("ben")
	ada := l.program("ada", everyScope...)
	a := ada.waiter("/me/presence")
	l.untilWaiting(1)
	l.must(l.store.SetDisabled(acting(t.Context()), l.uid("ada"), true))
	received(t, "a request of somebody who was disabled", a, http.StatusUnauthorized)

	b := l.program("ben", everyScope...).waiter("/me/presence")
	l.untilWaiting(1)
	l.server.Drain(context.Background())
	received(t, "a request while the server drains", b, http.StatusNotModified)
	if l.server.waiting.begin("x") {
		t.Error("a request may wait after that")
	}
}

// What others do doesn't have a waiting request look again and again at something that stays the same.
func TestWaitsRest(t *testing.T) {
	l := newLiveBoard(t)
	ada, ben := l.person("ada"), l.person("ben").ID
	var looks atomic.Int32
	o := operation{method: http.MethodGet, handle: func(*Server, context.Context, *call) (reply, error) {
		looks.Add(1)
		q, err := live.Query{}.Clean()
		return reply{status: http.StatusOK, body: "the same", watch: []live.Want{{List: &q, Eyes: ada.Person}}}, err
	}}
	recorder := httptest.NewRecorder()
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	r.Header.Set("Prefer", "wait=25")
	r.Header.Set("If-None-Match", "*")
	again := func(context.Context) (accounts.User, error) { return ada, nil }
	x := &call{Request: r, caller: caller{user: ada, again: again}}
	began, done := time.Now(), make(chan error, 1)
	go func() { done <- l.server.answerRead(l.server.echo.NewContext(r, recorder), x, o) }()
	l.untilWaiting(1)
	watcher := l.open(l.member("zoe"), "/", "a")
	const changes = 40
	for i := range changes {
		text := fmt.Sprint("text ", i)
		l.must(l.store.SetStatus(acting(t.Context()), ben, accounts.Status{Text: text}, ""))
		watcher.until(text, func() bool { return strings.Contains(watcher.rows["ben"], text) })
	}
	watcher.until("the request looks at the last change", func() bool { return looks.Load() >= 2 })
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if most := 3 + int32(time.Since(began)/waitRest); looks.Load() > most {
		t.Errorf("a request looked %d times during %d changes in %v, want at most %d", looks.Load(), changes,
			time.Since(began), most)
	}
}

func TestWaitsAreBounded(t *testing.T) {
	w := newWaits()
	for i := range waitsInTotal {
		if !w.begin(fmt.Sprint("person ", i/waitsPerPerson)) {
			t.Fatalf("request %d may not wait", i)
		}
	}
	if w.begin("another") {
		t.Error("more requests wait than the limit says")
	}
	w.end("person 0")
	if w.begin("person 1") || !w.begin("person 0") {
		t.Error("the limit per person doesn't hold")
	}
}
