package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/gorilla/websocket"
)

// Leaving the board and coming back by the browser's history gives a live page, wherever the browser kept it.
func TestBackToTheBoard(t *testing.T) {
	parallel(t)
	s := startServer(t)
	s.addUser("dora")
	home := s.person(t, "ben")
	ben := home.board()
	anna := s.person(t, "anna").board()
	anna.untilState("ben", "online", soon)
	anna.forget()
	ben.allow(`status of 404`)

	for round, name := range []string{"Dora One", "Dora Two"} {
		ben.open("/nothing")
		s.cli("rename", "dora", name) // while ben looks elsewhere
		ben.tell(`history.back()`)
		ben.untilAt("/", patience)
		ben.untilLive()
		ben.until("what happened meanwhile is there", `document.querySelector('[data-user=dora] bdi').innerText === `+quote(name), soon)
		s.cli("rename", "dora", "Dora")
		ben.until("the page is live", `document.querySelector('[data-user=dora] bdi').innerText === 'Dora'`, soon)
		if round == 0 {
			anna.wantShown("ben", "online")
		}
	}

	// Who signed out meanwhile does not come back to a board.
	ben.open("/nothing")
	other := home.board()
	signOut(other)
	other.close()
	ben.tell(`history.back()`)
	ben.untilAt("/login", patience)
}

// Chromium does not keep pages like ours in memory. In a browser that does, a page comes back with a dead connection
// and is loaded anew; so its event is sent by hand here, as soon as the connection has closed.
func TestBackFromMemory(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").board()
	anna.tell(`document.addEventListener('htmx:ws:close', () => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))`)
	anna.tell(`setTimeout(() => dispatchEvent(new Event('online')))`) // has the page close its connection
	anna.untilLoaded(1)
	anna.untilLive()
}

// A browser that has lost its network says so, and the page makes sure of its connection when it is back. Nobody else
// sees anything of it.
func TestNetworkLostAndFound(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").board()
	ben := s.person(t, "ben").board()
	anna.untilState("ben", "online", soon)
	anna.forget()
	ben.allowOutage()
	ben.allow(`ERR_INTERNET_DISCONNECTED`)

	ben.run(network.EmulateNetworkConditions(true, 0, -1, -1))
	ben.until("the page says that it is not live", `document.querySelector('#conn').innerText.startsWith('Not live since ')`, soon)
	sockets := ben.opened()
	ben.run(network.EmulateNetworkConditions(false, 0, -1, -1))
	ben.untilReconnected(sockets)
	ben.until("the page is live", `document.querySelector('#conn').innerText === ''`, soon)
	s.addUser("cleo")
	ben.untilState("cleo", "offline", soon)
	anna.untilState("cleo", "offline", soon)
	anna.wantShown("ben", "online")
	if got := ben.loaded(); got != 1 {
		t.Errorf("the page was loaded %d times, want once", got)
	}
}

// Of a person's tabs at most 20 are live. One more puts the one to rest that was hidden for longest; looking at it
// wakes it.
func TestManyTabs(t *testing.T) {
	parallel(t)
	s := startServer(t)
	s.tabsHide = true
	cookies := s.signUp("anna")
	home := s.visitor(t)
	home.setCookies(cookies)
	first := home.board()
	second := home.board() // hides the first
	first.until("the first tab is hidden", `document.hidden`, patience)
	third := home.board() // hides the second
	second.until("the second tab is hidden", `document.hidden`, patience)
	for range 17 {
		connectAs(t, s, cookies)
	}
	third.untilState("anna", "online", soon)
	if got := ask[string](first, `document.documentElement.dataset.conn`); got != "on" {
		t.Fatalf("with 20 tabs the first says %q, want on", got)
	}

	connectAs(t, s, cookies)
	first.until("the longest hidden tab rests", `document.documentElement.dataset.conn === 'rest'`, soon)
	for i, b := range []*tab{second, third} {
		if got := ask[string](b, `document.documentElement.dataset.conn`); got != "on" {
			t.Errorf("tab %d says %q, want on", i+2, got)
		}
	}
	loads := first.loaded()
	first.front()
	first.untilLoaded(loads)
	first.untilLive()
	first.untilState("anna", "online", soon)
	second.until("the tab hidden for longest now gives way", `document.documentElement.dataset.conn === 'rest'`, soon)
}

// connectAs opens one more live connection, which stays until the test ends if it is not closed, as a tab would.
func connectAs(t *testing.T, s *server, cookies []*http.Cookie) *websocket.Conn {
	t.Helper()
	header := http.Header{"Origin": {s.url}}
	for _, c := range cookies {
		header.Add("Cookie", c.Name+"="+c.Value)
	}
	conn, answer, err := websocket.DefaultDialer.Dial("ws://"+s.addr+"/ws", header)
	if err != nil {
		t.Fatalf("GET /ws = %v, %v, want a connection", answer, err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() { // answers pings
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				return
			}
		}
	}()
	return conn
}

// A page that finds no place says so and gets one as soon as there is one.
func TestFull(t *testing.T) {
	parallel(t)
	s := startServer(t, "--limit-sockets=1")
	anna := s.person(t, "anna").board()
	ben := s.person(t, "ben").tab()
	ben.open("/")
	ben.until("the page says that there is no place", `document.querySelector('#conn').innerText.includes('full')`, soon)
	anna.until("the one who was there stays", `document.documentElement.dataset.conn === 'on'`, soon)
	anna.close()
	ben.until("the page is live", `document.documentElement.dataset.conn === 'on' && document.querySelector('#conn').innerText === ''`, 10*time.Second+soon)
	ben.untilState("ben", "online", soon)
}

// Of a phone it is known at once when nobody looks at it; with a second device its person stays online.
func TestHiddenPhone(t *testing.T) {
	parallel(t)
	s := startServer(t, "--grace-clean=200ms")
	s.tabsHide = true
	anna := s.person(t, "anna").board()
	home := s.person(t, "ben")
	phone := home.tab()
	phone.run(emulation.SetUserAgentOverride("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Mobile Safari/537.36"))
	phone.open("/")
	phone.untilLive()
	anna.untilState("ben", "online", soon)
	anna.forget()
	other := home.tab()
	anna.untilState("ben", "away", soon)
	other.close()
	anna.untilState("ben", "online", soon)

	s.member(t, "ben").board() // his desk
	home.tab()
	phone.until("the phone is hidden", `document.hidden`, patience)
	s.addUser("cleo")
	anna.untilState("cleo", "offline", soon)
	anna.wantShown("ben", "online", "away", "online")
}
