package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
)

// status is an expression for the line of a row with the state and its duration, or with the last-seen time.
func status(username string) string {
	return `(document.querySelector('[data-user=` + username + `] .st')?.innerText ?? '').replace(/\s+/g, ' ').trim()`
}

// untilStatus waits until the status line of username is text.
func (b *tab) untilStatus(username, text string) {
	b.t.Helper()
	b.until(username+" is "+text, status(username)+` === `+quote(text), soon)
}

// untilStatusLike is like untilStatus, with a JavaScript regular expression.
func (b *tab) untilStatusLike(username, pattern string, limit time.Duration) {
	b.t.Helper()
	b.until(username+" matches "+pattern, `/^`+pattern+`$/.test(`+status(username)+`)`, limit)
}

// withoutScript opens a tab where a person can change settings without being online: without JavaScript, it opens no
// live connection.
func (p *profile) withoutScript() *tab {
	p.t.Helper()
	tab := p.tab()
	tab.run(emulation.SetScriptExecutionDisabled(true))
	return tab
}

// setLastSeen chooses in the settings who can see when the person was last online. It needs no JavaScript.
func (b *tab) setLastSeen(choice string) {
	b.t.Helper()
	b.open("/settings")
	b.focus(`input[name=last_seen][value=` + choice + `]`)
	b.press(" ")
	b.submit()
	b.until("it is saved", `document.querySelector('form[action$="presence"] .saved')?.innerText.startsWith('Saved.')`,
		patience)
}

// People see when somebody was last seen as precisely as that person chose, as soon as they chose it.
func TestLastSeen(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").board()
	ben := s.person(t, "ben").board()
	settings := s.member(t, "ben").withoutScript()
	anna.untilState("ben", "online", soon)
	anna.forget()
	signOut(ben)
	anna.untilStatus("ben", "Offline seen today")
	if row := ask[string](anna, `document.querySelector('[data-user=ben]').outerHTML`); strings.Contains(row, "<time") {
		t.Errorf("with an approximate last-seen time the row has an exact one: %s", row)
	}
	settings.setLastSeen("exact")
	anna.untilStatusLike("ben", "Offline seen (just now|1 min ago)", soon)
	settings.setLastSeen("nobody")
	anna.untilStatus("ben", "Offline")
	settings.setLastSeen("exact")
	anna.untilStatusLike("ben", "Offline seen (just now|[1-2] min ago)", soon)
	settings.setLastSeen("approximate")
	anna.untilStatus("ben", "Offline seen today")
	if got := anna.loaded(); got != 1 {
		t.Errorf("anna's page was loaded %d times, want once", got)
	}
	anna.wantShown("ben", "online", "offline") // and wasn't online in between
}

// While the page is open, its relative times stay current, and the end of a status shows until it is reached.
func TestTimesStayCurrent(t *testing.T) {
	parallel(t)
	s := startServer(t)
	s.tabsHide = true
	home := s.person(t, "anna")
	anna := home.board()
	s.person(t, "ben").board()
	carl := s.person(t, "carl").board()
	carl.setLastSeen("exact")
	signOut(carl)
	dora := s.person(t, "dora").board()
	anna.untilStatusLike("ben", "Online( just arrived)?", soon)
	anna.untilStatusLike("carl", "Offline seen (just now|1 min ago)", soon)

	dora.openMenu()
	dora.lasts("at")
	end := dora.endIn(3 * time.Second)
	dora.click("#show-away")
	anna.untilStatusLike("dora", `Away until \S.*`, soon)
	anna.untilStatusLike("dora", "Online( just arrived)?", patience)
	anna.wantEnded("dora", end)

	anna.wait(12 * time.Minute)
	anna.untilStatusLike("ben", `Online since (yesterday|\d.*)`, 2*patience) // the page looks at the clock every 15 s
	anna.untilStatusLike("carl", "Offline seen 1[23] min ago", soon)
	anna.wait(23*time.Hour - 12*time.Minute)
	other := home.tab()
	anna.until("the board is hidden", `document.hidden`, patience)
	other.close() // it also updates them when it becomes visible
	anna.untilStatusLike("ben", `Online since (yesterday|\d.*)`, soon)
	anna.untilStatusLike("carl", `Offline seen (yesterday at )?\d.*`, soon)
	if got := anna.loaded(); got != 1 {
		t.Errorf("anna's page was loaded %d times, want once", got)
	}
}
