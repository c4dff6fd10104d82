package e2e_test

import (
	"testing"
)

// When a session ends elsewhere, its open board goes to the sign-in page.
func TestSessionEndedElsewhere(t *testing.T) {
	parallel(t)
	s := startServer(t)
	dora := s.person(t, "dora").board()
	for _, c := range []struct {
		name string
		end  func(username string)
		says string // on the sign-in page afterward
	}{
		{"passwd", func(username string) { s.cli("passwd", username, "--password-stdin") },
			"You've been signed out on this device."},
		{"disable", func(username string) { s.cli("disable", username) }, "Your account has been disabled."},
		{"delete", func(username string) { s.cli("delete", username, "--yes") }, "Your account has been deleted."},
	} {
		b := s.person(t, c.name+"-er").board()
		dora.untilState(c.name+"-er", "online", soon)
		c.end(c.name + "-er")
		b.untilAt("/login", soon)
		b.until("the page says "+c.says, `document.querySelector('main').innerText.includes(`+quote(c.says)+`)`, patience)
		left := "none" // people who are disabled or deleted aren't on the board
		if c.name == "passwd" {
			left = "offline" // without a grace period, because the session was ended on purpose
		}
		dora.untilState(c.name+"-er", left, soon)
	}
}

// Signing out in one window signs out the other windows of the same browser, but not another browser.
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
		t.Errorf("after signing in the page goes back to %q, want /?q=an", got)
	}
	third.untilState("anna", "online", soon)
	third.reload()
	third.untilLive()
	third.untilAt("/", soon)
	if got := third.opened(); got != sockets+1 {
		t.Errorf("the other browser opened %d connections, want one after its reload", got-sockets)
	}

	// A form that never gets a response, because it was stopped, doesn't keep a page open.
	third.tell(`dispatchEvent(new SubmitEvent('submit'))`)
	signOut(phone.board())
	third.untilAt("/login", patience)
}
