//go:build unix

package e2e_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// promised is the time within which readers elsewhere learn of a change. Only chaos tests the documented second.
var promised = sized(patience, time.Second)

// wallReader reads the frames of a wall board.
type wallReader struct {
	done chan struct{} // closed at the end of the connection

	mu     sync.Mutex
	frames []string // guarded by mu
	code   int      // guarded by mu: with which the server closed it
}

// openWallAt opens the wall board of a link at a replica, without an account.
func openWallAt(t *testing.T, r *replica, token string) *wallReader {
	t.Helper()
	_, page := pageAt(t, r, "/w/"+token)
	m := regexp.MustCompile(`/w/` + token + `/ws\?v=[^"]+`).FindString(page)
	conn, _, err := dialer.Dial("ws://"+r.addr+strings.ReplaceAll(m, "&amp;", "&"), http.Header{"Origin": {r.url}})
	if err != nil {
		t.Fatalf("open the wall board at %s: %v", r.name, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	w := &wallReader{done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for {
			_, frame, err := conn.ReadMessage()
			w.mu.Lock()
			w.frames = append(w.frames, string(frame))
			if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
				w.code = closed.Code
			}
			w.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return w
}

// has reports whether a frame contains all of parts.
func (w *wallReader) has(parts ...string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.frames, func(frame string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(frame, part) })
	})
}

func (w *wallReader) over() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// pageAt returns what a stranger gets at a path.
func pageAt(t *testing.T, r *replica, path string) (int, string) {
	t.Helper()
	answer, err := http.Get(r.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// shareAt makes a share link of a kind, and returns its token and ID.
func shareAt(t *testing.T, r *replica, cookies, kind string) (token, id string) {
	t.Helper()
	page := postAs(t, r, cookies, "/settings/shares", url.Values{"kind": {kind}, "label": {kind}}, http.StatusOK)
	token = regexp.MustCompile(`/[ws]/([0-9A-Za-z]{27})`).FindStringSubmatch(page)[1]
	return token, regexp.MustCompile(`(?s)<bdi>` + kind + `</bdi>.*?name="share" value="([^"]+)"`).FindStringSubmatch(page)[1]
}

// A change at A reaches a stream, a wall board, a state for lamps, and a webhook at B. Access that is revoked at A ends
// at B, and so does the stream of a session that ends at A.
func TestReplicaReaders(t *testing.T) {
	patient(t)
	inbox := &hookInbox{knows: map[string]string{}, ids: map[string]bool{}}
	receiver := httptest.NewServer(inbox)
	defer receiver.Close()
	redis := newRedis(t)
	redis.start()
	db := filepath.Join(t.TempDir(), "rollcall.db")
	start := func(name string) *replica {
		r := newReplica(t, name, db, redis)
		t.Cleanup(r.cleanup)
		r.start("--warming=50ms", "--webhook-allow=127.0.0.1", "--signup=open")
		return r
	}
	b := start("B")
	owner, other := signUpAt(t, b, "ada"), signUpAt(t, b, "ben")
	postAs(t, b, owner, "/settings/hooks/new", url.Values{"name": {"Lamp"}, "url": {receiver.URL}, "format": {"standard"},
		"about": {"all"}, "states": {"on"}, "settle": {"0"}}, http.StatusOK)
	waitFor(t, "B delivers webhooks", func() bool { return strings.Contains(b.log.String(), "this server delivers webhooks") })
	a := start("A")
	redis.joined(2)
	arrive(t, b, owner)
	for n := 0; inbox.messages() == 0; n++ { // until the webhook is ready
		postAs(t, b, owner, "/me/status", url.Values{"state": {[]string{"dnd", "away"}[n%2]}}, http.StatusSeeOther)
		waitUpTo(time.Second, func() bool { return inbox.messages() > 0 })
	}
	wallToken, wallID := shareAt(t, a, owner, "wall")
	lampToken, lampID := shareAt(t, a, other, "person")
	wall, stream := openWallAt(t, b, wallToken), streamAt(t, b, "Cookie", owner)

	lamp := "/s/" + lampToken + "/state.txt"
	told := map[string]func() bool{
		"wall board":      func() bool { return wall.has(">ben<", `data-state="online"`) },
		"stream":          func() bool { return stream.has(`"change"`, `"state":"online"`) },
		"webhook":         func() bool { return inbox.state("ben") == "online" },
		"state for lamps": func() bool { _, text := pageAt(t, b, lamp); return text == "online\n" },
	}
	began := time.Now()
	arrive(t, a, other)
	for len(told) > 0 {
		for what, ok := range told {
			if took := time.Since(began).Round(time.Millisecond); ok() {
				t.Logf("online at A, told by the %s at B after %v", what, took)
				delete(told, what)
			} else if took > promised {
				t.Fatalf("the %s at B doesn't tell within %v what happened at A", what, promised)
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	if lines := a.logged("this server delivers webhooks"); len(lines) > 0 {
		t.Errorf("A has delivered, too: %q", lines)
	}

	revoke := func(cookies, id string) {
		t.Helper()
		postAs(t, a, cookies, "/settings/shares/revoke", url.Values{"share": {id}}, http.StatusSeeOther)
	}
	revoke(owner, wallID)
	t.Logf("a wall board revoked at A is closed at B after %v", soonOver(t, "the wall board", wall.over))
	if wall.code != websocket.ClosePolicyViolation {
		t.Errorf("the wall board was closed with %d, want %d", wall.code, websocket.ClosePolicyViolation)
	}
	revoke(other, lampID)
	for path, want := range map[string]string{"/w/" + wallToken: "This link doesn", lamp: "unknown\n"} {
		if code, page := pageAt(t, b, path); code != http.StatusNotFound || !strings.Contains(page, want) {
			t.Errorf("GET %s at B = %d, want 404 with %q", path, code, want)
		}
	}
	made := a.command("token", "create", "--user", "ada", "--scope", "roster:read")
	byToken := streamAt(t, b, "Authorization", "Bearer "+made[strings.LastIndex(made, "\n")+1:])
	a.command("token", "revoke", regexp.MustCompile(`Token ([0-9a-f]+)`).FindStringSubmatch(made)[1])
	t.Logf("a token revoked by a command: its stream at B has ended after %v", soonOver(t, "the stream", byToken.over))

	a.cli("passwd", "ben", "--password-stdin")
	t.Logf("signed out at A, told by the stream at B after %v", stream.until(patience, `"change"`, `"state":"offline"`))
	a.cli("passwd", "ada", "--password-stdin")
	t.Logf("the stream of a session that ended at A ended at B after %v", soonOver(t, "the stream", stream.over))
}

// arrive connects a person to a replica until the test ends.
func arrive(t *testing.T, r *replica, cookies string) {
	t.Helper()
	conn, err := dialSocket(r, "/ws", cookies)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = drainSocket(conn) }()
	t.Cleanup(func() { _ = conn.Close() })
}

// soonOver waits until something at B has ended, and returns how long that took.
func soonOver(t *testing.T, what string, over func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	if !waitUpTo(promised, over) {
		t.Fatalf("%s at B hasn't ended within %v", what, promised)
	}
	return time.Since(began).Round(time.Millisecond)
}

// streamAt opens a stream at a replica, with one header.
func streamAt(t *testing.T, r *replica, header, value string) *streamReader {
	t.Helper()
	q, err := http.NewRequest(http.MethodGet, r.url+"/api/v1/stream?user=ben", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set(header, value)
	x := readStream(t, http.DefaultClient, q)
	x.until(patience, `"snapshot"`)
	return x
}
