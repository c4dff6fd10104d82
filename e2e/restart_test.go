package e2e_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/gorilla/websocket"
)

const warming = 10 * time.Second // the default: how long people have to come back after a start

// The server stops while three people are connected, one of them away, and starts again. A fourth person was never
// online, and a fifth doesn't come back.
func TestServerRestarted(t *testing.T) {
	parallel(t)
	s := startServer(t, "--grace-clean=1s")
	s.addUser("dora")
	anna := s.person(t, "anna").board()
	ben := s.person(t, "ben").board()
	cleo := s.person(t, "cleo").board()
	evan := s.person(t, "evan").board()
	late := s.person(t, "finn").tab() // loads the board after the restart
	look(late, "light")
	goAway(cleo)
	pages := []*tab{anna, ben, cleo}
	for _, b := range pages {
		b.untilState("cleo", "away", patience)
		b.untilState("evan", "online", soon)
		b.untilState("dora", "offline", soon)
		b.tell(`document.addEventListener('htmx:ws:close', e => { window.closedWith ??= e.detail.code })`)
		b.forget()
		b.allowOutage()
	}
	evan.allowOutage()
	loads := loadsOf(pages)
	sockets := opensOf(pages)

	s.terminate()
	evan.close()
	s.cli("rename", "dora", "Theodora")
	restarted := time.Now()
	s.start()
	late.open("/") // while the board is still warming
	late.until("a page loaded now says that people are coming back",
		`document.querySelector('#warming').innerText === 'People are coming back…'`, soon)
	late.forget()
	wantAccessible(late, "a board to which people are coming back")

	for i, b := range pages {
		b.untilReconnected(sockets[i])
		if got := ask[int](b, `closedWith`); got != websocket.CloseServiceRestart {
			t.Errorf("the connection of page %d was closed with %d, want %d", i, got, websocket.CloseServiceRestart)
		}
	}
	for _, b := range append(pages, late) {
		b.untilState("evan", "offline", warming+soon)
		b.untilState("dora", "offline", soon)
		b.untilState("cleo", "away", soon)
		b.untilState("finn", "online", soon)
		b.until("dora has her new name", `document.querySelector('[data-user=dora] bdi').innerText === 'Theodora'`, soon)
		b.until("the page no longer says that people are coming back",
			`document.querySelector('#warming').innerText === ''`, soon)
		b.until("the counts are right",
			`['all', 'online', 'away', 'offline'].map(n => document.querySelector('#n-' + n).innerText).join() === '6,3,1,2'`,
			soon)
	}
	for i, b := range pages {
		b.wantShown("anna", "online")
		b.wantShown("ben", "online")
		b.wantShown("cleo", "away")
		b.wantShown("dora", "offline")
		b.wantShown("evan", "online", "offline")
		if gone := b.shown("evan"); len(gone) > 1 && gone[1].at.Before(restarted.Add(warming*8/10)) {
			t.Errorf("evan was shown offline %v after the restart, want no sooner than after the warming of %v",
				gone[1].at.Sub(restarted), warming)
		}
		if got := b.loaded(); got != loads[i] {
			t.Errorf("page %d was loaded %d times, want %d as before the restart", i, got, loads[i])
		}
	}
	for _, username := range []string{"anna", "ben", "cleo"} {
		for _, m := range late.shown(username) {
			if want := map[string]string{"cleo": "away"}[username]; m.state == "offline" || want != "" && m.state == "online" {
				t.Errorf("the page loaded while warming showed %s as %q", username, late.states(username))
			}
		}
	}

	cleo.wait(time.Minute)
	cleo.press(kb.ArrowDown)
	anna.untilState("cleo", "online", soon)
}

// goAway makes the person of the tab away, by advancing the page's clock past the default idle-after. The page reports
// the idle time when it reconnects.
func goAway(b *tab) {
	b.t.Helper()
	b.wait(11 * time.Minute)
	b.reload()
	b.untilLive()
}

func loadsOf(tabs []*tab) (loads []int) {
	for _, b := range tabs {
		loads = append(loads, b.loaded())
	}
	return loads
}

func opensOf(tabs []*tab) (sockets []int) {
	for _, b := range tabs {
		sockets = append(sockets, b.opened())
	}
	return sockets
}

// Whether anna's page is live, judged by its title, the headline and the line below it, the count of her team, her own
// state, and the colors of states in the list and the header.
const (
	live = `document.title === '1 here · Rollcall' && document.querySelector('#headline').innerText.trim() === '1 person is here'
		&& document.querySelector('#news').innerText === ''
		&& /^1 of \d here$/.test(` + annasCount + `) && document.querySelector('#me').innerText.trim() === 'Online'
		&& !['.p .st b', '#me .dot'].some(at => ` + grayed + `(at))`
	drained = `/^As of .* · Rollcall$/.test(document.title) && document.querySelector('#headline').innerText.trim() === '1 person was here'
		&& document.querySelector('#news').innerText.startsWith('as of ')
		&& /^1 of \d here earlier$/.test(` + annasCount + `)
		&& document.querySelector('#me').innerText.trim() === 'Was online'
		&& ['.p .st b', '#me .dot'].every(at => ` + grayed + `(at))`
	annasCount = `document.querySelector('.team:has([data-user=anna]) .th p').innerText`
	grayed     = `(at => getComputedStyle(document.querySelector(at)).getPropertyValue('--online') === getComputedStyle(document.querySelector('.lead')).getPropertyValue('--muted'))`
)

// Short breaks aren't shown. After a second, the page says that it isn't live, and all of it that could be stale is
// drained.
func TestReconnecting(t *testing.T) {
	parallel(t)
	s := startServer(t, "--warming=1s")
	s.addUser("ben", "--team", "Lab")
	anna := s.person(t, "anna").board()
	anna.allowOutage()
	anna.untilState("anna", "online", soon)
	anna.forget()
	anna.until("the board has its color", live, patience)
	anna.tell(`document.querySelector('[data-user=anna] .st').insertAdjacentHTML('beforeend', ' <time class="away" datetime="' + new Date(Date.now() - 300e3).toISOString() + '"></time>')`)
	since := `document.querySelector('[data-user=anna] .away').textContent`
	anna.until("a duration goes on", since+` === 'for 5 min'`, soon)
	// A minute would be too long.
	anna.tell(`(() => { const later = setTimeout; window.setTimeout = (f, ms) => later(f, ms === 60e3 ? 1500 : ms) })()`)
	anna.tell(`new MutationObserver(() => { window.saidAt ??= performance.now() }).observe(document.querySelector('#conn'), { childList: true })`)
	anna.tell(`document.addEventListener('htmx:ws:close', () => {
		window.closed ??= performance.now();
		// A busy browser delays this as much as the page's own timer.
		setTimeout(() => { window.second ??= performance.now() }, 1000);
	})`)
	s.kill()
	anna.until("the page says that it is not live",
		`document.querySelector('#conn').innerText.startsWith('Not live since ')`, soon)
	anna.until("a second has passed", `window.second`, soon)
	if took := ask[float64](anna, `saidAt - closed`); took < 900 || took > ask[float64](anna, `second - closed`)+200 {
		t.Errorf("the page said so %v ms after the connection closed, want about a second, which took %v ms by a timer",
			took, ask[float64](anna, `second - closed`))
	}
	anna.until("everything is drained, and says so", drained, soon)
	anna.until("a duration doesn't go on", since+`.startsWith('since ')`, soon)
	anna.wantShown("anna", "online")
	anna.until("what the page tries, after a while",
		`document.querySelector('#conn').innerText.includes('tries to connect') && document.querySelector('#conn button').innerText === 'Reload'`, soon)
	wantAccessible(anna, "a page that hasn't been live for long")

	s.start()
	anna.untilReconnected(1)
	anna.until("the page is live again", `document.querySelector('#conn').innerText === ''`, warming)
	anna.until("everything has its color again", live, warming+soon)
	if got := anna.loaded(); got != 1 {
		t.Errorf("the page was loaded %d times, want once", got)
	}
}
