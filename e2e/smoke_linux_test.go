package e2e_test

import (
	"testing"
)

// engines are the browsers that the smoke test runs in: each starts one and returns what opens a window in it, with
// cookies of its own. All other tests are for Chromium alone.
var engines = []struct {
	name  string
	start func(*testing.T, *server) (open func() driver)
}{
	{"Chromium", func(t *testing.T, s *server) func() driver {
		return func() driver {
			tab := s.visitor(t).tab()
			tab.allowOutage()
			return tab
		}
	}},
	{"Firefox", startFirefox},
	{"WebKit", startWebKit},
}

// Two people use the board from signing up to signing out, and the server is killed in between.
func TestSmoke(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			parallel(t)
			s := startServer(t)
			open := engine.start(t, s)
			anna := signUpIn(t, open(), "anna")
			ben := signUpIn(t, open(), "ben")
			anna.untilState("ben", "online", soon)
			ben.untilState("anna", "online", soon)

			setStatus(anna, ben)
			searchFor(anna, "ben")
			surviveKill(s, anna, ben)

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

// wantNoProblems fails the test if something went wrong in the present document.
func (b *window) wantNoProblems() {
	b.t.Helper()
	if got := ask[[]string](b, `test.problems`); len(got) > 0 {
		b.t.Errorf("the page %s had problems: %q", b.who, got)
	}
}

// signUpIn makes an account by the form, from the first page that a stranger sees, and waits for the board.
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

// setStatus lets one person set a status on the board, which the other sees.
func setStatus(b, other *window) {
	b.t.Helper()
	b.openMenu()
	b.pickEmoji("headph", "🎧")
	b.enter("#status-text", "Deep work")
	b.click("#show-dnd")
	b.untilSaid("Status updated.")
	other.untilState("anna", "dnd", soon)
	other.untilText("anna", "Deep work")
	b.click(".account summary")
	b.until("the menu is closed", `!document.querySelector('.menu').checkVisibility()`, patience)
}

// searchFor finds one person, and then everybody again.
func searchFor(b *window, username string) {
	b.t.Helper()
	b.untilVisible("anna", "ben")
	b.enter("[name=q]", username)
	b.wantNoProblems()
	b.click(".search button")
	b.until("the search is in the URL", `new URL(location).searchParams.get('q') === `+quote(username), patience)
	b.untilVisible(username)
	b.click(".search a")
	b.until("the search is gone", `!new URL(location).searchParams.get('q')`, patience)
	b.untilVisible("anna", "ben")
	b.untilLive()
}

// surviveKill kills the server and starts it again. The pages say so, reconnect without being reloaded, and never show anybody
// as gone.
func surviveKill(s *server, windows ...*window) {
	s.t.Helper()
	for _, b := range windows {
		b.forget()
	}
	s.kill()
	for _, b := range windows {
		b.until("the page isn't live", `document.querySelector('#conn').innerText === 'Reconnecting…'`, patience)
	}
	s.start()
	for _, b := range windows {
		b.untilLive()
	}
	for _, b := range windows { // until then, a page from before the restart keeps what it showed
		b.until("the wait for others is over", `document.querySelector('#warming').innerText === ''`, warming+soon)
	}
	s.cli("rename", "ben", "Benedict")
	for _, b := range windows {
		b.until("the page is live", `document.querySelector('[data-user=ben] bdi').innerText === 'Benedict'`, soon)
		b.wantShown("anna", "dnd")
		b.wantShown("ben", "online")
	}
}
