package e2e_test

import (
	"fmt"
	"strings"
	"testing"
)

// Pages other than the board are live, too, and make their viewers present.
func TestLivePages(t *testing.T) {
	parallel(t)
	s := startServer(t, "--grace-clean=200ms")
	populate(s)
	ben := s.person(t, "ben").board()
	home := s.person(t, "anna")
	for i, path := range []string{"/settings", "/settings/stored", "/me", "/u/ADA"} {
		anna := home.tab()
		anna.open(path)
		anna.untilLive()
		ben.untilState("anna", "online", soon)
		title := ask[string](anna, `document.title`)
		newcomer := fmt.Sprint("new", i)
		s.watchAs(s.signUp(newcomer))
		ben.untilState(newcomer, "online", soon) // changes the count in titles of boards
		if path == "/me" {
			followOwnPage(s, anna)
		}
		if got := ask[string](anna, `document.title`); got != title || !strings.Contains(got, "· Rollcall") {
			t.Errorf("the title of %s became %q, want %q", path, got, title)
		}
		if path == "/u/ADA" {
			followPersonPage(s, anna)
		}
		if got := anna.loaded(); got != 1 {
			t.Errorf("%s was loaded %d times, want once", path, got)
		}
		anna.close()
		ben.untilState("anna", "offline", soon)
	}

	// When the session ends, they go to the sign-in page, which leads back to them.
	anna := home.tab()
	anna.open("/settings")
	anna.untilLive()
	s.cli("passwd", "anna", "--password-stdin")
	anna.untilAt("/login", soon)
	if got := ask[string](anna, `new URLSearchParams(location.search).get('next')`); got != "/settings" {
		t.Errorf("after signing in, anna returns to %q, want /settings", got)
	}
}

// followOwnPage waits for anna's state and name on her own page.
func followOwnPage(s *server, anna *tab) {
	anna.until("the page shows that anna is online",
		`document.querySelector('#panel [data-state]').dataset.state === 'online'`, soon)
	anna.until("and why, in words",
		`document.querySelector('#me-why').innerText.startsWith("Online, because you're active.")`, soon)
	s.cli("rename", "anna", "Anna Berg")
	anna.until("and the new name", `document.querySelector('#panel .nm bdi').innerText === 'Anna Berg'`, soon)
}

// followPersonPage waits for changes to ada on her page.
func followPersonPage(s *server, anna *tab) {
	anna.until("ada is offline", `document.querySelector('#person .st b').innerText === 'Offline'`, patience)
	ada := s.member(anna.t, "ada").board()
	anna.until("ada is online", `document.querySelector('#person .st b').innerText === 'Online'`, soon)
	s.cli("rename", "ada", "Ada Lovelace")
	anna.until("ada has another name", `document.querySelector('#who-h').innerText === 'Ada Lovelace'`, soon)
	ada.close()
	anna.until("ada is offline again", `document.querySelector('#person .st b').innerText === 'Offline'`, soon)
}
