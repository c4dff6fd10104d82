//go:build unix

package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// hookInbox is the receiver of a webhook.
type hookInbox struct {
	mu      sync.Mutex
	knows   map[string]string // guarded by mu: states by username
	ids     map[string]bool   // guarded by mu
	got     int               // guarded by mu: messages
	again   int               // guarded by mu: those with an ID that was there before
	strange []string          // guarded by mu: messages that said what was known, although their ID was new
}

func (i *hookInbox) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var m struct {
		Data struct {
			User struct{ Username string }
			To   string
		}
	}
	_ = json.NewDecoder(r.Body).Decode(&m)
	id, who := r.Header.Get("webhook-id"), m.Data.User.Username
	i.mu.Lock()
	i.got++
	switch {
	case i.ids[id]:
		i.again++
	case i.knows[who] == m.Data.To:
		i.strange = append(i.strange, who+" "+m.Data.To)
	}
	i.ids[id], i.knows[who] = true, m.Data.To
	i.mu.Unlock()
	time.Sleep(50 * time.Millisecond) // so that a crash finds messages without an answer
}

func (i *hookInbox) messages() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.got
}

// present returns how many people are online, as far as the receiver knows.
func (i *hookInbox) present() (n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, state := range i.knows {
		if state == "online" {
			n++
		}
	}
	return n
}

// state returns what the receiver knows of a person.
func (i *hookInbox) state(username string) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.knows[username]
}

// Two replicas on one Postgres. The one that delivers webhooks is killed while messages are on their way. The other one
// takes over: no notice is lost, and only messages that were on their way come twice, with the same ID.
func TestReplicaHooks(t *testing.T) {
	patient(t)
	const members = 12
	redis := newRedis(t)
	redis.start()
	database := newDatabase(t)
	inbox := &hookInbox{knows: map[string]string{}, ids: map[string]bool{}}
	receiver := httptest.NewServer(inbox)
	defer receiver.Close()
	metrics := freeAddr(t) // of B
	start := func(name string, flags ...string) *replica {
		r := newReplica(t, name, filepath.Join(t.TempDir(), "unused.db"), redis)
		r.env = []string{"DATABASE_URL=" + database, "ROLLCALL_WEBHOOK_LEASE=3s"}
		t.Cleanup(r.cleanup)
		r.start(append(flags, "--warming=50ms", "--webhook-allow=127.0.0.1", "--signup=open")...)
		return r
	}
	a := start("A")
	owner := signUpAt(t, a, "ada")
	postAs(t, a, owner, "/settings/hooks/new", url.Values{"name": {"Lamp"}, "url": {receiver.URL}, "format": {"standard"},
		"about": {"all"}, "states": {"on"}, "settle": {"0"}}, http.StatusOK)
	waitFor(t, "A delivers webhooks", func() bool { return strings.Contains(a.log.String(), "this server delivers webhooks") })
	b := start("B", "--metrics-addr="+metrics)
	cookies := make([]string, members)
	for n := range cookies {
		cookies[n] = signUpAt(t, b, fmt.Sprintf("member%d", n))
	}
	ownerHere, err := dialSocket(b, "/ws", owner)
	if err != nil {
		t.Fatal(err)
	}
	defer ownerHere.Close()
	for n := 0; inbox.messages() == 0; n++ { // until the webhook is ready
		postAs(t, b, owner, "/me/status", url.Values{"state": {[]string{"dnd", "away"}[n%2]}}, http.StatusSeeOther)
		waitUpTo(time.Second, func() bool { return inbox.messages() > 0 })
	}
	for _, cookie := range cookies {
		conn, err := dialSocket(b, "/ws", cookie)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	waitFor(t, "some messages have arrived", func() bool { return inbox.messages() >= 4 })
	a.crash()
	waitFor(t, "the receiver knows that all members are here", func() bool { return inbox.present() >= members })
	waitFor(t, "B has told everything", func() bool {
		response, err := http.Get("http://" + metrics + "/metrics")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		return err == nil && strings.Contains(string(text), "\nrollcall_hooks_waiting 0\n")
	})
	inbox.mu.Lock()
	defer inbox.mu.Unlock()
	t.Logf("%d messages, %d of them again", inbox.got, inbox.again)
	if inbox.again > 2 || len(inbox.strange) > 0 {
		t.Errorf("%d messages came twice, want at most the 2 that were on their way; %q were told without need", inbox.again, inbox.strange)
	}
	if !strings.Contains(b.log.String(), "this server delivers webhooks") {
		t.Errorf("B doesn't deliver webhooks:\n%s", b.log.String())
	}
}

// waitFor waits until ok, which must come true.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if !waitUpTo(startWait, ok) {
		t.Fatalf("still not so: %s", what)
	}
}

func waitUpTo(limit time.Duration, ok func() bool) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return true
		}
	}
	return false
}

// postAs sends a form with the cookies of a session, and returns the answer.
func postAs(t *testing.T, r *replica, cookies, path string, form url.Values, want int) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Cookie", cookies)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != want {
		t.Fatalf("POST %s = %s, want %d", path, response.Status, want)
	}
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}
