package e2e_test

import (
	"testing"
)

// engines are the browsers for the smoke test. start starts a browser and returns a function that opens a window with
// its own cookies. All other tests run only in Chromium.
var engines = []struct {
	name  string
	slots chan struct{}
	start func(*testing.T, *server) (open func() driver)
}{
	{"Chromium", browserSlots, func(t *testing.T, s *server) func() driver {
		return func() driver {
			tab := s.visitor(t).tab()
			tab.allowOutage()
			tab.allow(`ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET`) // of its stream
			return tab
		}
	}},
	{"Firefox", engineSlots, startFirefox},
	{"WebKit", engineSlots, startWebKit},
}

// Two people use the board, from signing up to signing out. The server is killed in between.
func TestSmoke(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			takeSlot(t, engine.slots)
			s := startServer(t)
			open := engine.start(t, s)
			anna := &window{driver: open(), t: t, who: "of anna"}
			anna.setUp(s, "", "anna")
			anna.wantNoProblems()
			ben := signUpIn(t, open(), "ben")
			anna.untilState("ben", "online", soon)
			ben.untilState("anna", "online", soon)

			seeArrival(s, anna, "cleo")
			setStatus(anna, ben)
			searchFor(anna, "ben")
			listen(anna)
			surviveKill(s, anna, ben)
			anna.untilHeard("snapshot 3 true") // after the restart
			anna.untilHeard("change ben true")

			for _, b := range []*window{anna, ben} {
				b.wantNoProblems()
			}
			ben.openMenu()
			ben.click(`.menu form[action$="/logout"] button`)
			ben.untilAt("/login", patience)
			anna.untilState("ben", "offline", soon)
			ben.wantNoProblems()
			ben.open("/")
			ben.untilAt("/login", patience)
		})
	}
}

// wantNoProblems fails the test if the current document had errors.
func (b *window) wantNoProblems() {
	b.t.Helper()
	if got := ask[[]string](b, `test.problems`); len(got) > 0 {
		b.t.Errorf("the page %s had problems: %q", b.who, got)
	}
}

// signUpIn signs up with the form, starting on the page that visitors see first, and waits for the board.
func signUpIn(t *testing.T, in driver, username string) *window {
	t.Helper()
	b := &window{driver: in, t: t, who: "of " + username}
	b.open("/")
	b.untilAt("/login", patience)
	b.click(`a[href="/signup"]`)
	b.untilAt("/signup", patience)
	b.enter("#username", username)
	b.enter("#password", password)
	b.wantNoProblems()
	b.click("form button.main")
	b.untilAt("/", patience)
	b.untilLive()
	return b
}

// seeArrival waits until a page has marked the card of somebody who arrives.
func seeArrival(s *server, b *window, username string) {
	b.t.Helper()
	s.addUser(username)
	b.untilState(username, "offline", soon)
	b.watchMoves(username)
	s.watchAs(s.signIn(username))
	b.until("the card is held, released and marked", `test.moves.join() === 'arriving,new,'`, soon)
	b.until("the line under the headline says so", // somebody else may have arrived just before
		`[`+quote(username)+`, '2 people'].some(who => document.querySelector('#news').innerText === who + ' just arrived')`, soon)
}

// setStatus sets a status on the board, clears it, and sets it again with one click. The other person sees each step.
func setStatus(b, other *window) {
	b.t.Helper()
	b.openMenu()
	b.pickEmoji("headph", "🎧")
	b.enter("#status-text", "Deep work")
	b.click("#show-dnd")
	b.untilSaid("Status updated.")
	other.untilState("anna", "dnd", soon)
	other.untilText("anna", "Deep work")
	b.click("#status-clear")
	b.untilSaid("Status cleared.")
	other.untilState("anna", "online", soon)
	b.click(".presets .quick") // the most recent one
	other.untilState("anna", "dnd", soon)
	other.untilText("anna", "Deep work")
	b.click(".account summary")
	b.until("the menu is closed", `!document.querySelector('.menu').checkVisibility()`, patience)
}

// searchFor searches for a person by typing, reloads the page, and then clears the search.
func searchFor(b *window, username string) {
	b.t.Helper()
	b.untilVisible("anna", "ben", "cleo")
	b.enter("[name=q]", username)
	b.until("the search is in the URL", `new URL(location).searchParams.get('q') === `+quote(username), patience)
	b.untilVisible(username)
	b.until("the headline counts matches",
		`document.querySelector('h1 .is').innerText === '1 person matches “`+username+`”'`, soon)
	b.wantNoProblems()
	b.tell(`document.documentElement.dataset.old = 'yes'; location.reload()`)
	b.until("the page is new", `!document.documentElement.dataset.old`, patience)
	b.untilVisible(username)
	b.click(".search a")
	b.until("the search is gone", `!new URL(location).searchParams.get('q')`, patience)
	b.untilVisible("anna", "ben", "cleo")
	b.untilLive()
}

// listen reads the board's stream with the browser's EventSource, which continues after the server has restarted.
func listen(b *window) {
	b.t.Helper()
	b.tell(`window.heard = [];
		const source = new EventSource("/api/v1/stream");
		for (const kind of ["snapshot", "change", "gone", "current", "restart"])
			source.addEventListener(kind, (e) => {
				const event = JSON.parse(e.data);
				window.heard.push([kind, event.user?.user ?? event.users?.length ?? "", event.cursor === e.lastEventId].join(" "));
			});`)
	b.untilHeard("snapshot 3 true")
	b.tell(`window.heard = []`)
}

// untilHeard waits until the stream has sent this event.
func (b *window) untilHeard(what string) {
	b.t.Helper()
	b.until("the stream says "+what, `window.heard.includes(`+quote(what)+`)`, 3*patience)
}

// surviveKill kills the server and starts it again. The pages say that they aren't live, reconnect without a reload,
// and never show anyone as offline.
func surviveKill(s *server, windows ...*window) {
	s.t.Helper()
	for _, b := range windows {
		b.forget()
	}
	s.kill()
	for _, b := range windows {
		b.until("the page isn't live", `document.querySelector('#conn').innerText.startsWith('Not live since ')`, patience)
	}
	s.start()
	for _, b := range windows {
		b.untilLive()
	}
	for _, b := range windows { // until then, pages from before the restart keep showing the old state
		b.until("the wait for others is over", `document.querySelector('#warming').innerText === ''`, warming+soon)
	}
	s.cli("rename", "ben", "Benedict")
	for _, b := range windows {
		b.until("the page is live", `document.querySelector('[data-user=ben] bdi').innerText === 'Benedict'`, soon)
		b.wantShown("anna", "dnd")
		b.wantShown("ben", "online")
	}
}
