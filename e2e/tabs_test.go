package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/gorilla/websocket"
)

// After the Back button, the board is live and current, whether or not the browser kept the page in memory.
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
		s.cli("rename", "dora", name)                // while ben is on another page
		ben.tell(`setTimeout(() => history.back())`) // after the answer
		ben.untilAt("/", patience)
		ben.untilLive()
		ben.until("the change in the meantime shows",
			`document.querySelector('[data-user=dora] bdi').innerText === `+quote(name), soon)
		s.cli("rename", "dora", "Dora")
		ben.until("the page is live", `document.querySelector('[data-user=dora] bdi').innerText === 'Dora'`, soon)
		if round == 0 {
			anna.wantShown("ben", "online")
		}
	}

	// After signing out in another tab, Back doesn't show the board.
	ben.open("/nothing")
	other := home.board()
	signOut(other)
	other.close()
	ben.tell(`setTimeout(() => history.back())`) // after the answer
	ben.untilAt("/login", patience)
}

// In a browser with a back/forward cache, a page comes back with a dead connection and reloads. Chromium doesn't cache
// pages like this one, so the test dispatches the event itself when the connection has closed.
func TestBackFromMemory(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").board()
	anna.tell(`document.addEventListener('htmx:ws:close', () => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))`)
	anna.tell(`setTimeout(() => dispatchEvent(new Event('online')))`) // makes the page close its connection
	anna.untilLoaded(1)
	anna.untilLive()
}

// When the browser loses its network, the page says so, and reconnects when the network is back. Nobody else sees a
// change.
func TestNetworkOutage(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").board()
	ben := s.person(t, "ben").board()
	anna.untilState("ben", "online", soon)
	anna.forget()
	ben.allowOutage()
	ben.allow(`ERR_INTERNET_DISCONNECTED`)

	ben.run(network.EmulateNetworkConditions(true, 0, -1, -1))
	ben.until("the page says that it is not live",
		`document.querySelector('#conn').innerText.startsWith('Not live since ')`, soon)
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

// At most 20 tabs of a person are live. One more disconnects the tab that has been hidden longest, which reloads when
// it becomes visible.
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
	first.until("the tab hidden longest is disconnected", `document.documentElement.dataset.conn === 'rest'`, soon)
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
	second.until("the tab hidden longest now is disconnected", `document.documentElement.dataset.conn === 'rest'`, soon)
}

// connectAs opens a live connection, as a tab would. It closes it at the end of the test.
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

// When the server has no free socket, the page says so and connects as soon as there is one.
func TestPageWaitsForASocket(t *testing.T) {
	parallel(t)
	s := startServer(t, "--limit-sockets=1")
	anna := s.person(t, "anna").board()
	ben := s.person(t, "ben").tab()
	ben.open("/")
	ben.until("the page says that the server is full", `document.querySelector('#conn').innerText.includes('full')`, soon)
	anna.until("anna's page stays connected", `document.documentElement.dataset.conn === 'on'`, soon)
	anna.close()
	ben.until("the page is live",
		`document.documentElement.dataset.conn === 'on' && document.querySelector('#conn').innerText === ''`,
		10*time.Second+soon)
	ben.untilState("ben", "online", soon)
}

// A phone with a hidden page makes its person away at once, unless they have another device.
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

	s.member(t, "ben").board() // his desktop
	home.tab()
	phone.until("the phone is hidden", `document.hidden`, patience)
	s.addUser("cleo")
	anna.untilState("cleo", "offline", soon)
	anna.wantShown("ben", "online", "away", "online")
}
