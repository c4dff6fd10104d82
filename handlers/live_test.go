package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/olahol/melody"

	"rollcall/accounts"
	"rollcall/live"
	"rollcall/presence"
)

func TestPeopleSeeEachOtherComeAndGo(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	ada, bob := l.member("ada"), l.member("bob")
	a := l.open(ada, "/", "a")
	a.sees("ada", "online")
	b := l.open(bob, "/", "i1200")
	a.sees("bob", "away")
	b.say("a")
	a.sees("bob", "online")
	a.until("counts", func() bool { return a.text["n-online"] == "2" && a.text["n-offline"] == "0" })
	b.leave()
	a.sees("bob", "offline")
	if got, want := a.history("bob"), []string{"offline", "away", "online", "offline"}; !slices.Equal(got, want) {
		t.Errorf("ada was shown bob as %v, want %v", got, want)
	}
}

// TestClosingOneOfTwoTabs: closing one of two tabs isn't visible to others.
func TestClosingOneOfTwoTabs(t *testing.T) {
	l := newLiveBoard(t)
	a := l.open(l.member("ada"), "/", "a")
	bob := l.member("bob")
	one, two := l.open(bob, "/", "a"), l.open(bob, "/", "a")
	a.sees("bob", "online")
	one.leave()
	l.person("later") // goes through the same loop after the closed tab
	a.sees("later", "offline")
	if got := a.history("bob"); got[len(got)-1] != "online" || len(got) > 2 {
		t.Errorf("ada was shown bob as %v, want online to the end", got)
	}
	two.leave()
	a.sees("bob", "offline")
}

// TestCurrentPageGetsNoList: a page that is up to date gets no list when its socket opens.
func TestCurrentPageGetsNoList(t *testing.T) {
	l := newLiveBoard(t)
	ada := l.member("ada")
	a := l.open(ada, "/", "a")
	a.sees("ada", "online")
	again := l.open(ada, "/", "a")
	again.until("ada's own state", func() bool { return strings.HasPrefix(again.text["me-why"], "<b>Online</b>") })
	for _, frame := range again.framesFrom(0) {
		if strings.Contains(frame, `id="list"`) || strings.Contains(frame, `id="u-`) {
			t.Errorf("a current page was sent %q", frame)
		}
	}
	old := l.bare(ada, "/ws?v=other-1") // with a version of another process
	old.sees("ada", "online")
	none := l.bare(ada, "/ws") // without a version
	none.sees("ada", "online")
	none.until("counts", func() bool { return none.text["n-all"] == "1" && none.text["n-online"] == "1" })
}

// TestSilentClientIsActive: other programs don't have to send anything. The server waits for the first message of our
// own page.
func TestSilentClientIsActive(t *testing.T) {
	l := newLiveBoard(t)
	a := l.open(l.member("ada"), "/", "a")
	l.bare(l.member("bob"), "/ws")
	a.sees("bob", "online")
	eve := l.member("eve")
	tb := eve.load("/")
	l.dial(eve, tb, tb.text["socket"])
	tb.say("h900")
	a.sees("eve", "away")
	if got := a.history("eve"); slices.Contains(got, "online") {
		t.Errorf("eve reconnected without input and was shown as %v, want never online", got)
	}
}

func TestHiddenTabsGetNoRows(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	a := l.open(l.member("ada"), "/", "a")
	a.sees("ada", "online")
	watcher := l.open(l.member("eve"), "/", "a")
	a.sees("eve", "online")
	watcher.sees("eve", "online")
	a.say("h0")
	a.until("hidden", func() bool {
		return l.server.live.Stats().Paused == 1
	})
	before := a.frameCount()
	bob := l.open(l.member("bob"), "/", "a")
	watcher.sees("bob", "online")
	bob.leave()
	watcher.sees("bob", "offline")
	for _, frame := range a.framesFrom(before) {
		if strings.Contains(frame, "<li") {
			t.Errorf("a hidden tab was sent %q", frame)
		}
	}
	l.open(l.member("zoe"), "/", "a")
	watcher.sees("zoe", "online")
	a.say("a")
	a.sees("zoe", "online")
	a.sees("bob", "offline")
}

func TestEndedSessionIsSentToSignIn(t *testing.T) {
	l := newLiveBoard(t)
	ada, bob := l.member("ada"), l.member("bob")
	a := l.open(ada, "/", "a")
	b1, b2 := l.open(bob, "/", "a"), l.open(bob, "/", "a")
	a.sees("bob", "online")
	wantRedirect(t, "sign out", bob.do("POST", "/logout", url.Values{}), "/login")
	b1.wantClose(melody.ClosePolicyViolation)
	b2.wantClose(melody.ClosePolicyViolation)
	a.sees("bob", "offline")
	late := l.bare(bob, "/ws")
	late.wantClose(melody.ClosePolicyViolation)
}

// TestSessionThatEndsWhileItsSocketOpens: a session that ends while its socket is being opened leaves no socket behind.
func TestSessionThatEndsWhileItsSocketOpens(t *testing.T) {
	l := newLiveBoard(t)
	bob := l.member("bob")
	session, user, err := l.store.SessionByToken(t.Context(), bob.cookies["rollcall"])
	if err != nil {
		t.Fatal(err)
	}
	l.server.sockets.applyUpdate(live.Update{Sessions: []string{session.ID}}) // just before the socket opens
	tb := l.bare(bob, "/ws")
	tb.wantClose(melody.ClosePolicyViolation)
	if v := l.server.cfg.Presence.View(user.ID); v.State != presence.Offline {
		t.Errorf("View = %+v, want offline", v)
	}
}

func TestSocketsAreRefused(t *testing.T) {
	l := newLiveBoard(t)
	ada := l.member("ada")
	for origin, want := range map[string]int{"https://evil.example": 403, "": 403, "null": 403,
		l.url + ".evil.example": 403} {
		_, resp, err := l.dialErr(ada, "/ws", http.Header{"Origin": {origin}})
		if err == nil || resp == nil || resp.StatusCode != want {
			t.Errorf("a socket from %q = %v, want %d", origin, resp, want)
		}
	}
	if _, resp, err := l.dialErr(ada, "/ws?show=sleeping", nil); err == nil || resp.StatusCode != 400 {
		t.Errorf("a socket with a bad filter = %v, %v, want 400", resp, err)
	}
	wantStatus(t, "GET /ws without an upgrade", ada.do("GET", "/ws", nil), http.StatusForbidden) // no Origin header
	stranger := l.browser()
	l.bare(stranger, "/ws").wantClose(melody.ClosePolicyViolation)
}

func TestSocketLimits(t *testing.T) {
	l := newLiveBoard(t, func(c *Config) { c.Limits.SocketsUser, c.Limits.SocketsAddress, c.Limits.Sockets = 3, 5, 100 })
	ada, bob := l.member("ada"), l.member("bob")
	first, second := l.open(ada, "/", "h5"), l.open(ada, "/", "a")
	first.until("hidden", func() bool {
		return l.server.live.Stats().Paused == 1
	})
	l.open(ada, "/", "a")
	l.open(ada, "/", "a")
	first.wantClose(closeTooMany) // above the limit, the tab that was hidden longest is closed
	second.sees("ada", "online")
	are := func(n int) func() bool {
		return func() bool {
			l.server.sockets.mu.Lock()
			defer l.server.sockets.mu.Unlock()
			return len(l.server.sockets.open) == n
		}
	}
	second.until("the first has left", are(3)) // until then it counts for its address
	l.open(bob, "/", "a")
	l.open(bob, "/", "a")
	second.until("all are counted", are(5)) // they're counted only after the handshake
	full := l.bare(bob, "/ws")
	full.wantClose(melody.CloseTryAgainLater)
	if full.closed.Text != "full" {
		t.Errorf("reason = %q, want full", full.closed.Text)
	}
	second.sees("bob", "online")
}

// TestAnotherProcessChangesAccounts uses a second store on the same file, like the command line.
func TestAnotherProcessChangesAccounts(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	a := l.open(l.member("ada"), "/", "a")
	bob := l.person("bob")
	a.sees("bob", "offline")
	other, err := accounts.Open(t.Context(), accounts.Config{CheapHashes: true, Path: l.path, Log: l.server.log, Actor: accounts.CommandLine})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	shows := func(user, text string) func() bool {
		return func() bool { return strings.Contains(a.rows[user], text) }
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(other.Rename(t.Context(), bob.ID, "Robert"))
	a.until("the new name", shows("bob", "Robert"))
	must(other.SetStatus(t.Context(), bob.ID, accounts.Status{Text: "on holiday", Until: time.Now().Add(time.Hour)}, ""))
	a.until("the status", shows("bob", "on holiday"))
	must(other.SetTeam(t.Context(), bob.ID, "Design"))
	a.until("the team's count", func() bool { return strings.Contains(a.frames[len(a.frames)-1], ">0 of 1<") })
	must(other.SetDisabled(t.Context(), bob.ID, true))
	a.until("bob gone", func() bool { return a.rows["bob"] == "" && a.text["n-all"] == "1" })
	must(other.SetDisabled(t.Context(), bob.ID, false))
	a.sees("bob", "offline")
	must(other.Delete(t.Context(), bob.ID))
	a.until("bob gone for good", func() bool { return a.rows["bob"] == "" && a.text["n-all"] == "1" })
	if _, err := other.Create(t.Context(), accounts.NewUser{Username: "zoe", Password: goodPassword}); err != nil {
		t.Fatal(err)
	}
	a.sees("zoe", "offline")
}

// TestOwnSignUpIsOnTheNextPage: people see themselves on the first page after they sign up, even if the background
// loops haven't seen the change yet.
func TestOwnSignUpIsOnTheNextPage(t *testing.T) {
	l := newLiveBoard(t)
	for i := range 20 {
		name := fmt.Sprintf("person%d", i)
		b := l.member(name)
		tb := b.load("/")
		if tb.rows[name] == "" || tb.text["n-all"] != fmt.Sprint(i+1) {
			t.Fatalf("after sign-up %d the page lists %d people and counts %s", i+1, len(tb.rows), tb.text["n-all"])
		}
	}
}

func TestDeletedPersonIsDisconnected(t *testing.T) {
	l := newLiveBoard(t)
	a := l.open(l.member("ada"), "/", "a")
	bob := l.member("bob")
	b := l.open(bob, "/", "a")
	a.sees("bob", "online")
	user, err := l.store.UserByName(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.store.Delete(acting(t.Context()), user.ID); err != nil {
		t.Fatal(err)
	}
	b.wantClose(melody.ClosePolicyViolation)
	a.until("bob gone", func() bool { return a.rows["bob"] == "" && a.text["n-all"] == "1" && a.text["n-online"] == "1" })
}

// TestPanicDisconnects: after a panic in a callback, the person must not stay online forever.
func TestPanicDisconnects(t *testing.T) {
	l := newLiveBoard(t)
	a := l.open(l.member("ada"), "/", "a")
	b := l.open(l.member("bob"), "/", "a")
	a.sees("bob", "online")
	bobs := l.server.sockets.of(l.uid("bob"))
	l.server.sockets.transport.guard(bobs[0].ws.session, "message", func() { panic("a bug") })
	<-b.done
	a.sees("bob", "offline")
	if got := l.logs.lines("panic in a socket", "level=ERROR"); len(got) != 1 {
		t.Errorf("logged %d panics, want 1", len(got))
	}
}

// TestSlowReaderIsClosed: a client that doesn't read is disconnected, and doesn't delay others.
func TestSlowReaderIsClosed(t *testing.T) {
	l := newLiveBoard(t)
	a := l.open(l.member("ada"), "/", "a")
	bob := l.member("bob")
	conn, _, err := l.dialErr(bob, "/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	a.sees("bob", "online")
	frame := textFrame([]byte("<p>" + strings.Repeat("x", 100_000) + "</p>"))
	for range 500 { // far more than the kernel buffers; bob reads none of it
		bobs := l.server.sockets.of(l.uid("bob"))
		if len(bobs) == 0 {
			break
		}
		l.server.sockets.write(bobs[0], frame)
		time.Sleep(time.Millisecond)
	}
	a.sees("bob", "offline")
	zoe := l.open(l.member("zoe"), "/", "a")
	a.sees("zoe", "online")
	zoe.sees("ada", "online")
}

func TestFloodOfMessagesClosesItsSocket(t *testing.T) {
	l := newLiveBoard(t)
	a := l.open(l.member("ada"), "/", "a")
	b := l.open(l.member("bob"), "/", "a")
	for range 2 * messageBurst {
		if b.conn.WriteMessage(1, []byte("a")) != nil {
			break
		}
	}
	<-b.done
	a.sees("bob", "offline")
	a.sees("ada", "online")
}

func TestPagesAndFiltersOnTheServer(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	people := make([]accounts.NewUser, 450)
	for i := range people {
		people[i] = accounts.NewUser{Username: fmt.Sprintf("p%03d", i), Team: []string{"", "Design", "Platform"}[i%3],
			PasswordHash: someHash}
	}
	if _, err := l.store.Import(acting(t.Context()), people); err != nil {
		t.Fatal(err)
	}
	ada := l.member("ada")
	seen := map[string]int{}
	next := "/?show=everyone"
	for range 4 {
		a := ada.get(next)
		for _, m := range userPattern.FindAllStringSubmatch(a.body, -1) {
			seen[m[1]]++
		}
		m := nextPattern.FindStringSubmatch(a.body)
		if m == nil {
			break
		}
		next = strings.ReplaceAll(m[1], "&amp;", "&")
	}
	if len(seen) != 451 || seen["ada"] != 1 {
		t.Errorf("the pages list %d people, want 451, each once", len(seen))
	}
	online := l.open(ada, "/?show=online", "a")
	online.sees("ada", "online")
	bob := l.open(l.member("bob"), "/?q=bo", "a")
	online.sees("bob", "online")
	bob.sees("bob", "online")
	bob.leave()
	online.until("bob off the filtered page", func() bool { return online.rows["bob"] == "" && len(online.rows) == 1 })
	offline := ada.load("/?show=offline")
	if len(offline.rows) != live.PageRows || offline.rows["ada"] != "" {
		t.Errorf("the offline page lists %d people (ada: %q), want %d and not ada",
			len(offline.rows), offline.rows["ada"], live.PageRows)
	}
	team := ada.load("/?team=Design")
	if len(team.rows) != 150 {
		t.Errorf("the team's page lists %d people, want 150", len(team.rows))
	}
	wantStatus(t, "a bad cursor", ada.get("/?after=nonsense"), http.StatusBadRequest)
	wantStatus(t, "a bad state", ada.get("/?show=asleep"), http.StatusBadRequest)
}
