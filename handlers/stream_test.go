package handlers

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rollcall/accounts"
	"rollcall/presence"
)

func TestStreamOfLines(t *testing.T) {
	l := newLiveBoard(t)
	ada := l.member("ada")
	l.person("bob")
	x := l.openStream(ada, streamPath)
	if got := x.resp.Header; got.Get("Content-Type") != "application/x-ndjson" || got.Get("X-Accel-Buffering") != "no" ||
		got.Get("Cache-Control") != "no-store" || got.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the header of a stream is %v", got)
	}
	first := x.kind("snapshot")
	if len(first.Users) != 2 || first.Cursor == "" || first.AsOf == "" {
		t.Errorf("the stream begins with %+v, want a snapshot of two people", first)
	}
	there := l.server.cfg.Presence.Join(l.uid("bob"), presence.Client{}, presence.Activity{})
	if e := x.tells("bob", "online"); e.Cursor == "" || e.User.Since == nil {
		t.Errorf("the change is %+v, want a cursor and since when", e)
	}
	other := l.openStream(ada, streamPath)
	other.kind("snapshot")
	x.close()
	there.Leave(presence.SignedOut)
	other.tells("bob", "offline")
	again := l.openStream(ada, streamPath+"?since="+url.QueryEscape(first.Cursor))
	if e := again.tells("bob", "offline"); e.Cursor != "" {
		t.Errorf("a change while the stream resumes has the cursor %q", e.Cursor)
	}
	if again.kind("current").Cursor == "" || again.events[0].Event == "snapshot" {
		t.Errorf("the stream resumed with %+v, want changes and then current", again.events)
	}
	if err := l.store.Delete(acting(t.Context()), l.uid("bob")); err != nil {
		t.Fatal(err)
	}
	if e := again.kind("gone"); e.User.User != "bob" || e.User.ID == "" || e.Cursor == "" {
		t.Errorf("bob is gone: %+v", e)
	}
	if l.server.cfg.Presence.View(l.uid("ada")).State != presence.Offline {
		t.Error("a stream makes its person present")
	}
}

func TestStreamOfServerSentEvents(t *testing.T) {
	l := newLiveBoard(t)
	ada := l.member("ada")
	x := l.openStream(ada, streamPath+"?user=Ada&since=old", "Accept", "text/event-stream")
	first := x.kind("snapshot")
	x.mu.Lock()
	lines := slices.Clone(x.lines)
	x.mu.Unlock()
	var wait int
	if _, err := fmt.Sscanf(lines[0], "retry: %d", &wait); err != nil || wait < 2000 || wait > 6000 {
		t.Errorf("the stream begins with %q, want to wait 2 to 6 s before the next connection", lines[0])
	}
	if want := []string{"", "event: snapshot", "id: " + first.Cursor}; !slices.Equal(lines[1:4], want) {
		t.Errorf("then %q, want %q", lines[1:4], want)
	}
	again := l.openStream(ada, streamPath+"?user=ada&since=old", "Accept", "text/event-stream",
		"Last-Event-ID", first.Cursor)
	again.kind("current")
	if again.events[0].Event != "current" {
		t.Errorf("with Last-Event-ID, the stream begins with %+v, want to resume", again.events[0])
	}
}

func TestStreamOfMessages(t *testing.T) {
	l := newLiveBoard(t)
	ada := l.member("ada")
	for i := range 80 { // their snapshot has more than one part
		l.person(fmt.Sprintf("someone-with-a-long-name-%03d", i))
	}
	x, resp, err := l.dialStream(ada, "rollcall.v1")
	if err != nil || resp.Header.Get("Sec-WebSocket-Protocol") != "rollcall.v1" {
		t.Fatalf("the handshake: %v, %v", err, resp)
	}
	if e := x.kind("snapshot"); len(e.Users) != 81 || len(x.lines) != 1 {
		t.Errorf("%d messages, the first with %d people, want one with everyone", len(x.lines), len(e.Users))
	}
	l.server.cfg.Presence.Join(l.uid("ada"), presence.Client{}, presence.Activity{})
	x.tells("ada", "online")
	if _, err := l.store.EndOtherSessions(acting(t.Context()), l.uid("ada"), "", false); err != nil {
		t.Fatal(err)
	}
	if x.wantEnd("her sign-ins have ended"); !websocket.IsCloseError(x.closed, closeOver) {
		t.Errorf("the stream ended with %v, want %d", x.closed, closeOver)
	}
	if _, resp, err := l.dialStream(ada); err == nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a handshake without a sign-in: %v, want 401", err)
	}
	ada.enter("ada")
	if _, resp, err := l.dialStream(ada, "other"); err == nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a handshake without the subprotocol: %v, want 400", err)
	}
	r, _ := http.NewRequest(http.MethodGet, l.url+streamPath, nil)
	r.Header = http.Header{"Origin": {"https://evil.example"}, "Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
		"Sec-Websocket-Protocol": {"rollcall.v1"}}
	for name, value := range ada.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	resp, err = streamClient.Do(r)
	if err != nil || resp.StatusCode != http.StatusForbidden {
		t.Fatalf("a handshake by another site's page = %v, %v, want 403", resp, err)
	}
	_ = resp.Body.Close()
}

func TestStreamRefusals(t *testing.T) {
	l := newLiveBoard(t)
	ada := l.member("ada")
	for _, tt := range []struct {
		target string
		want   int
	}{
		{streamPath + "?state=online", 400},
		{streamPath + "?team=a&team=b", 400},
		{streamPath + "?team=" + strings.Repeat("x", 65), 400},
		{streamPath + "?" + strings.Repeat("user=a&", 51), 400},
		{streamPath + "?user=", 400},
		{streamPath + "?user=ada&user=%20", 400},
		{streamPath + "?team=nobody&since=" + strings.Repeat("x", 100), 200},
	} {
		x := l.openStream(ada, tt.target)
		if got := x.resp.StatusCode; got != tt.want ||
			got != 200 && x.resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("GET %s = %d %q, want %d as a problem", tt.target, got, x.resp.Header.Get("Content-Type"), tt.want)
		}
		x.close()
	}
	if x := l.openStream(l.browser(), streamPath, "Accept", "text/event-stream"); x.resp.StatusCode != 401 ||
		x.resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("without a sign-in = %d, want 401 as a problem", x.resp.StatusCode)
	}
	a := ada.do("POST", streamPath, url.Values{})
	if a.StatusCode != 405 || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("POST = %d %q, want 405 as a problem", a.StatusCode, a.Header.Get("Content-Type"))
	}
}

// TestStreamLimits: a full server refuses programs with a status, and tells browsers to try again, because they would
// give up.
func TestStreamLimits(t *testing.T) {
	l := newLiveBoard(t, func(cfg *Config) { cfg.Limits.Streams, cfg.Limits.SocketsUser = 3, 2 })
	ada, bob, cleo := l.member("ada"), l.member("bob"), l.member("cleo")
	first := l.openStream(ada, streamPath)
	first.kind("snapshot")
	l.open(ada, "/", "a").sees("ada", "online")
	x := l.openStream(ada, streamPath)
	if x.resp.StatusCode != http.StatusTooManyRequests || x.resp.Header.Get("Retry-After") == "" {
		t.Errorf("a person's third live connection = %d, want 429 with Retry-After", x.resp.StatusCode)
	}
	l.openStream(bob, streamPath).kind("snapshot")
	l.openStream(bob, streamPath).kind("snapshot")
	if x = l.openStream(cleo, streamPath); x.resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one stream too many = %d, want 503", x.resp.StatusCode)
	}
	x = l.openStream(cleo, streamPath, "Accept", "text/event-stream")
	if x.wantEnd("full"); x.resp.StatusCode != http.StatusOK || !strings.HasPrefix(x.lines[0], "retry: ") {
		t.Errorf("one stream of a browser too many = %d %q, want 200 and when to retry", x.resp.StatusCode, x.lines)
	}
	w, _, err := l.dialStream(cleo, "rollcall.v1")
	if err != nil {
		t.Fatal(err)
	}
	if w.wantEnd("full"); !websocket.IsCloseError(w.closed, closeLater) {
		t.Errorf("one websocket too many ended with %v, want %d", w.closed, closeLater)
	}
	<-w.done // the client has answered the close frame
	if _, err := io.ReadAll(w.conn); err != nil {
		t.Errorf("after that, reading from the connection = %v, want its end", err)
	}
	first.close()
	for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		if x = l.openStream(cleo, streamPath); x.resp.StatusCode == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a stream that was closed by its reader still takes a place")
		}
	}
}

// TestStreamsShareTheLimitsOfSockets: streams take from the places per address that pages have.
func TestStreamsShareTheLimitsOfSockets(t *testing.T) {
	l := newLiveBoard(t, func(cfg *Config) { cfg.Limits.SocketsAddress = 2 })
	ada := l.member("ada")
	l.openStream(ada, streamPath).kind("snapshot")
	l.openStream(ada, streamPath).kind("snapshot")
	l.bare(ada, "/ws").wantClose(closeLater)
}

func TestStreamsEnd(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*liveBoard, *browser) error
	}{
		{"signed out", func(_ *liveBoard, ada *browser) error { ada.do("POST", "/logout", url.Values{}); return nil }},
		{"disabled", func(l *liveBoard, _ *browser) error {
			return l.store.SetDisabled(acting(l.t.Context()), l.uid("ada"), true)
		}},
		{"deleted", func(l *liveBoard, _ *browser) error { return l.store.Delete(acting(l.t.Context()), l.uid("ada")) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLiveBoard(t)
			ada := l.member("ada")
			l.person("bob")
			x := l.openStream(ada, streamPath)
			x.kind("snapshot")
			if err := tt.end(l, ada); err != nil {
				t.Fatal(err)
			}
			x.wantEnd(tt.name)
			x.mu.Lock()
			defer x.mu.Unlock()
			if slices.ContainsFunc(x.events, func(e streamEvent) bool { return e.Event == "restart" }) {
				t.Errorf("the end is a restart: %q", x.lines)
			}
		})
	}
}

// TestStreamsDrain: before the server stops, streams are told when to connect again.
func TestStreamsDrain(t *testing.T) {
	l := newLiveBoard(t)
	ada := l.member("ada")
	lines, events := l.openStream(ada, streamPath), l.openStream(ada, streamPath, "Accept", "text/event-stream")
	messages, _, err := l.dialStream(ada, "rollcall.v1")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []*listener{lines, events, messages} {
		x.kind("snapshot")
	}
	l.server.Drain(context.Background())
	for _, x := range []*listener{lines, events, messages} {
		if x.wantEnd("drained"); x.kind("restart").Retry < 2000 {
			t.Errorf("told to come back after %d ms, want 2 s or more", x.kind("restart").Retry)
		}
	}
	if !websocket.IsCloseError(messages.closed, closeRestart) {
		t.Errorf("the websocket ended with %v, want %d", messages.closed, closeRestart)
	}
	if x := l.openStream(ada, streamPath); x.resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("while draining = %d, want 503", x.resp.StatusCode)
	}
	if x := l.openStream(ada, streamPath, "Accept", "text/event-stream"); x.resp.StatusCode != http.StatusOK {
		t.Errorf("a browser's stream while draining = %d, want 200", x.resp.StatusCode)
	}
}

// TestStreamsAreAlive: a stream on which nothing happens has a sign of life every 20 s.
func TestStreamsAreAlive(t *testing.T) {
	l := newLiveBoard(t)
	ada := l.member("ada")
	x := l.openStream(ada, streamPath)
	w, _, err := l.dialStream(ada, "rollcall.v1")
	if err != nil {
		t.Fatal(err)
	}
	x.kind("snapshot")
	w.kind("snapshot")
	for range aliveEvery / time.Second { // without waiting for the clock
		l.server.streams.tick(time.Now())
	}
	x.kind("alive")
	w.kind("alive")
}

// A stream whose sign-in has expired ends.
func TestStreamExpires(t *testing.T) {
	l := newLiveBoard(t)
	x := l.openStream(l.member("ada"), streamPath)
	x.kind("snapshot")
	l.server.streams.tick(time.Now().Add(accounts.SessionLife + time.Hour))
	x.wantEnd("expired")
}

// A stream ends when the proxy names somebody else, and after an hour, to be checked again.
func TestProxiedStream(t *testing.T) {
	l := newLiveBoard(t, byHeader(t, true, "127.0.0.1/32"))
	l.person("first")
	b := l.browser()
	b.remote, b.host = "127.0.0.1:1234", strings.TrimPrefix(l.url, "http://")
	b.named("ada")
	wantRedirect(t, "continuing", b.continueAs("ada"), "/settings")
	x := l.openStream(b, streamPath, "Remote-User", "ada")
	x.kind("snapshot")
	b.named("bob")
	b.get("/settings")
	x.wantEnd("the proxy names bob")
	x = l.openStream(b, streamPath, "Remote-User", "ada")
	x.kind("snapshot")
	l.server.streams.tick(time.Now().Add(recheckEvery))
	x.kind("restart")
}

func TestStreamsInLogAndMetrics(t *testing.T) {
	l := newLiveBoard(t)
	ada := l.member("ada")
	x := l.openStream(ada, streamPath)
	x.kind("snapshot")
	if got := l.server.live.Stats(); got.Streams != 1 || got.Streamed != 1 {
		t.Errorf("one stream of one person: %d streams of %d people", got.Streams, got.Streamed)
	}
	x.close()
	for deadline := time.Now().Add(patience); len(l.logs.lines("path=/api/v1/stream", "status=200", l.uid("ada"))) != 1; {
		if time.Sleep(2 * time.Millisecond); time.Now().After(deadline) {
			t.Fatal("the end of the stream isn't in the log")
		}
	}
	values := l.scrape()
	if values[`rollcall_http_request_duration_seconds_count{route="/api/v1/stream"}`] != "" ||
		values[`rollcall_http_requests_total{class="2xx",method="GET",route="/api/v1/stream"}`] != "1" {
		t.Error("the stream isn't counted, or its length counts as the time to answer")
	}
}

func FuzzStreamQuery(f *testing.F) {
	for _, q := range []string{"", "team=a", "user=ada&user=bob", "since=x", "state=online", "user=%00", "team=%ff"} {
		f.Add(q, "")
	}
	f.Fuzz(func(t *testing.T, query, id string) {
		r := &http.Request{URL: &url.URL{RawQuery: query}, Header: http.Header{"Last-Event-Id": {id}}}
		want, err := streamWant(r)
		if err == nil && (len(want.Users) > maxStreamUsers || len(want.Since) > maxCursorText || len(want.Team) > 4*64) {
			t.Errorf("streamWant(%q, %q) = %+v, want less", query, id, want)
		}
	})
}
