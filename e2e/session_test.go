package e2e_test

import (
	"testing"
)

// Whoever is signed out while the board is open is sent to sign in, wherever that happened.
func TestSessionEndedElsewhere(t *testing.T) {
	parallel(t)
	s := startServer(t)
	dora := s.person(t, "dora").board()
	for _, c := range []struct {
		name string
		end  func(username string)
		says string // the sign-in page, then
	}{
		{"passwd", func(username string) { s.cli("passwd", username, "--password-stdin") }, "You've been signed out on this device."},
		{"disable", func(username string) { s.cli("disable", username) }, "Your account has been disabled."},
		{"delete", func(username string) { s.cli("delete", username, "--yes") }, "Your account has been deleted."},
	} {
		b := s.person(t, c.name+"-er").board()
		dora.untilState(c.name+"-er", "online", soon)
		c.end(c.name + "-er")
		b.untilAt("/login", soon)
		b.until("the page says "+c.says, `document.querySelector('main').innerText.includes(`+quote(c.says)+`)`, patience)
		left := "none" // who is disabled or deleted is not on the board
		if c.name == "passwd" {
			left = "offline" // without any grace: the session was ended on purpose
		}
		dora.untilState(c.name+"-er", left, soon)
	}
}

// Signing out in one window ends the other windows of the same browser, and nothing of another browser.
func TestSignOutInAnotherWindow(t *testing.T) {
	parallel(t)
	s := startServer(t)
	home := s.person(t, "anna")
	first := home.tab()
	first.open("/?q=an")
	first.untilLive()
	second := home.board()
	phone := s.visitor(t)
	phone.setCookies(s.signIn("anna"))
	third := phone.board()
	sockets := third.opened()

	signOut(second)
	first.untilAt("/login", soon)
	if got := ask[string](first, `new URLSearchParams(location.search).get('next')`); got != "/?q=an" {
		t.Errorf("the page that was signed out will come back to %q, want /?q=an", got)
	}
	third.untilState("anna", "online", soon)
	third.reload()
	third.untilLive()
	third.untilAt("/", soon)
	if got := third.opened(); got != sockets+1 {
		t.Errorf("the other browser opened %d connections, want the one of its reload", got-sockets)
	}
}

// A form whose answer never comes, because it was stopped, does not keep a page up whose session has ended.
func TestSignOutWhileAFormHasNoAnswer(t *testing.T) {
	parallel(t)
	s := startServer(t)
	home := s.person(t, "anna")
	first, second := home.board(), home.board()
	first.tell(`dispatchEvent(new SubmitEvent('submit'))`)
	signOut(second)
	first.untilAt("/login", patience)
}
