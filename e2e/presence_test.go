package e2e_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
)

// Two people have their own cookies. One arrives, goes away, comes back, and leaves, and the other sees exactly that.
func TestTwoPeople(t *testing.T) {
	parallel(t)
	s := startServer(t, "--idle-after=4s")
	anna := s.person(t, "anna").board()
	s.addUser("ben")
	anna.untilState("ben", "offline", soon)

	ben := s.visitor(t).tab()
	ben.open("/login")
	ben.fill("#username", "ben")
	ben.fill("#password", password)
	ben.clickThrough("form button.main")
	ben.untilLive()
	anna.untilState("ben", "online", soon)
	ben.until("ben's own state is online", `document.querySelector('#me').innerText.trim() === 'Online'`, soon)

	ben.click(".account summary")
	anna.untilState("ben", "away", patience)
	ben.until("ben's own state is away", `document.querySelector('#me').innerText.trim() === 'Away'`, soon)
	if !ask[bool](ben, `document.querySelector('.menu').checkVisibility()`) {
		t.Errorf("the update of ben's own state closed his menu, want it open")
	}
	ben.wait(time.Minute) // a page reports input at most every 30 s
	ben.press(kb.Escape)
	anna.untilState("ben", "online", soon)

	signOut(ben)
	anna.untilState("ben", "offline", soon)
	anna.wantShown("ben", "offline", "online", "away", "online", "offline")
	if got := anna.loaded(); got != 1 {
		t.Errorf("anna's page was loaded %d times, want once", got)
	}
}

// Closing the last tab takes a person offline after the grace period. A second tab keeps them online.
func TestTwoTabs(t *testing.T) {
	parallel(t)
	const grace = time.Second
	s := startServer(t, "--grace-clean=1s")
	anna := s.person(t, "anna").board()
	home := s.person(t, "ben")
	first, second := home.board(), home.board()
	anna.untilState("ben", "online", soon)
	anna.forget()

	first.close()
	// When cleo, who closes her only tab later, is offline, ben's grace period must be over as well.
	cleo := s.person(t, "cleo").board()
	anna.untilState("cleo", "online", soon)
	cleo.close()
	anna.untilState("cleo", "offline", grace+soon)
	anna.wantShown("ben", "online")

	closed := time.Now()
	second.close()
	anna.untilState("ben", "offline", grace+soon)
	anna.wantShown("ben", "online", "offline")
	if took := anna.shown("ben")[1].at.Sub(closed); took < grace/2 {
		t.Errorf("ben was offline %v after he closed his last tab, want no sooner than the grace period of %v", took, grace)
	}
}

// Nobody else sees a change when somebody reloads the page or follows links.
func TestReloadsAndLinksDoNotFlicker(t *testing.T) {
	parallel(t)
	s := startServer(t)
	s.addUser("ben", "--team", "Lab")
	anna := s.person(t, "anna").board()
	home := s.visitor(t)
	home.setCookies(s.signIn("ben"))
	ben := home.board()
	anna.untilState("ben", "online", soon)
	anna.forget()
	for range 4 {
		ben.reload()
	}
	ben.untilLive()
	ben.clickThrough(`#list h2 a`)
	ben.clickThrough(`.only a`)
	ben.clickThrough(`.brand`)
	ben.fill(`[name=q]`, "ben")
	ben.until("the address says so", `location.search.includes('q=ben')`, soon)
	ben.clickThrough(`.search a`)
	ben.untilLive()

	// This update comes after all earlier ones.
	s.cli("rename", "ben", "Benedict")
	anna.until("anna sees the new name", `document.querySelector('[data-user=ben] bdi').innerText === 'Benedict'`, soon)
	anna.wantShown("ben", "online")
	anna.wantShown("anna", "online")
}

// A hidden tab keeps its person online. It gets no rows while it is hidden, and all of them when it is visible again.
func TestHiddenTab(t *testing.T) {
	parallel(t)
	s := startServer(t, "--grace-clean=200ms")
	s.tabsHide = true
	anna := s.person(t, "anna").board()
	home := s.person(t, "ben")
	ben := home.board()
	anna.untilState("ben", "online", soon)
	anna.forget()
	other := home.tab() // hides the board
	ben.until("ben's board is hidden", `document.hidden`, patience)
	ben.forget()

	cleo := s.person(t, "cleo").board()
	anna.untilState("cleo", "online", soon)
	ben.until("ben's title counts cleo", `document.title === '3 here · Rollcall'`, 5*time.Second+soon)
	if got := ask[string](ben, `test.state('cleo')`); got != "none" {
		t.Errorf("ben's hidden board shows cleo as %s, want no row", got)
	}
	other.close()
	ben.until("ben's board is visible", `!document.hidden`, patience)
	ben.untilState("cleo", "online", soon)
	cleo.close()
	ben.untilState("cleo", "offline", soon)
	anna.untilState("cleo", "offline", soon)
	anna.wantShown("ben", "online")
	ben.wantShown("ben", "online")
}

// A killed browser doesn't close its connections cleanly. Its person goes offline after the longer grace period.
func TestBrowserKilled(t *testing.T) {
	parallel(t)
	const grace = 3 * time.Second
	s := startServer(t, "--grace-clean=500ms", "--grace-dropped=3s")
	anna := s.person(t, "anna").board()
	theirs := ownBrowser(t)
	home := theirs.profile(t, s)
	home.setCookies(s.signUp("ben"))
	ben := home.board()
	anna.untilState("ben", "online", soon)
	anna.forget()

	killed := time.Now()
	theirs.kill(t)
	ben.closed = true
	anna.untilState("ben", "offline", grace+patience)
	anna.wantShown("ben", "online", "offline")
	if took := anna.shown("ben")[1].at.Sub(killed); took < grace*9/10 || took > grace+soon {
		t.Errorf("ben was offline %v after his browser was killed, want about the grace period of %v", took, grace)
	}
}
