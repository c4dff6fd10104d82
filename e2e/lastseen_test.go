package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
)

// status is the line of a row that tells the state and since when, or when somebody was last seen.
func status(username string) string {
	return `(document.querySelector('[data-user=` + username + `] .st')?.innerText ?? '').replace(/\s+/g, ' ').trim()`
}

// untilStatus waits until the line of username's row that tells their state is text.
func (b *tab) untilStatus(username, text string) {
	b.t.Helper()
	b.until(username+" is "+text, status(username)+` === `+quote(text), soon)
}

// untilStatusLike is untilStatus for a pattern of JavaScript.
func (b *tab) untilStatusLike(username, pattern string, limit time.Duration) {
	b.t.Helper()
	b.until(username+" is like "+pattern, `/^`+pattern+`$/.test(`+status(username)+`)`, limit)
}

// absent is a tab in which somebody can change settings and is not here all the same: without scripts no connection is
// opened.
func (p *profile) absent() *tab {
	p.t.Helper()
	tab := p.tab()
	tab.run(emulation.SetScriptExecutionDisabled(true))
	return tab
}

// lastSeen chooses in the settings who may know when one was last seen. It needs no script.
func (b *tab) lastSeen(choice string) {
	b.t.Helper()
	b.open("/settings")
	b.focus(`input[name=last_seen][value=` + choice + `]`)
	b.press(" ")
	b.submit()
	b.until("it is saved", `document.querySelector('form[action$="presence"] .saved')?.innerText.startsWith('Saved.')`, patience)
}

// Others are told when somebody was last seen as exactly as that person chose, from the moment they chose it.
func TestLastSeen(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").board()
	ben := s.person(t, "ben").board()
	settings := s.member(t, "ben").absent()
	anna.untilState("ben", "online", soon)
	anna.forget()
	signOut(ben)
	anna.untilStatus("ben", "Offline · seen today")
	if row := ask[string](anna, `document.querySelector('[data-user=ben]').outerHTML`); strings.Contains(row, "<time") {
		t.Errorf("with an approximate last seen the row holds a time: %s", row)
	}
	settings.lastSeen("exact")
	anna.untilStatusLike("ben", "Offline · seen (just now|1 min ago)", soon)
	settings.lastSeen("nobody")
	anna.untilStatus("ben", "Offline")
	settings.lastSeen("exact")
	anna.untilStatusLike("ben", "Offline · seen (just now|[1-2] min ago)", soon)
	settings.lastSeen("approximate")
	anna.untilStatus("ben", "Offline · seen today")
	if got := anna.loaded(); got != 1 {
		t.Errorf("anna's page was loaded %d times, want once", got)
	}
	anna.wantShown("ben", "online", "offline") // and was not here meanwhile
}

// Who hides when they were last seen is not told it of others, on none of their pages, and is again as soon as they
// let others know.
func TestLastSeenIsReciprocal(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").board()
	ben := s.person(t, "ben").board()
	for _, choice := range []string{"approximate", "exact"} {
		gone := s.person(t, choice).board()
		gone.lastSeen(choice)
		signOut(gone)
	}
	settings := s.member(t, "ben").absent()
	told := func(b *tab) {
		t.Helper()
		b.untilStatus("approximate", "Offline · seen today")
		b.untilStatusLike("exact", `Offline · seen (just now|\d min ago)`, soon)
	}
	told(ben)
	settings.lastSeen("nobody")
	ben.untilStatus("approximate", "Offline")
	ben.untilStatus("exact", "Offline")
	told(anna)
	if got := ben.loaded(); got != 1 {
		t.Errorf("ben's page was loaded %d times, want once", got)
	}
	ben.reload()
	if page := ask[string](ben, `document.querySelector('#list').innerHTML`); strings.Contains(page, "seen") {
		t.Errorf("the page of somebody who hides it tells of others' last seen: %s", page)
	}
	ben.untilLive()
	settings.lastSeen("approximate")
	told(ben)
	if got := ben.loaded(); got != 2 {
		t.Errorf("ben's page was loaded %d times, want twice: to be told again needs none", got)
	}
}

// While the page is open its words go on with the clock, and an end is shown until it is there.
func TestWordsStayRight(t *testing.T) {
	parallel(t)
	s := startServer(t)
	s.tabsHide = true
	home := s.person(t, "anna")
	anna := home.board()
	s.person(t, "ben").board()
	carl := s.person(t, "carl").board()
	carl.lastSeen("exact")
	signOut(carl)
	dora := s.person(t, "dora").board()
	anna.untilStatusLike("ben", "Online just now", soon)
	anna.untilStatusLike("carl", "Offline · seen (just now|1 min ago)", soon)

	dora.openMenu()
	dora.lasts("at")
	end := dora.endIn(3 * time.Second)
	dora.click("#show-away")
	anna.untilStatusLike("dora", `Away just now · until \S.*`, soon)
	anna.untilStatusLike("dora", "Online just now", patience)
	anna.wantEnded("dora", end)

	anna.wait(12 * time.Minute)
	anna.untilStatusLike("ben", "Online for 1[23] min", 2*patience) // the page looks at the clock every 15 s
	anna.untilStatusLike("carl", "Offline · seen 1[23] min ago", soon)
	anna.wait(23*time.Hour - 12*time.Minute)
	other := home.tab()
	anna.until("the board is hidden", `document.hidden`, patience)
	other.close() // it looks also when one comes back to it
	anna.untilStatus("ben", "Online for 23 h")
	anna.untilStatusLike("carl", `Offline · seen (today|yesterday) at \d.*`, soon)
	if got := anna.loaded(); got != 1 {
		t.Errorf("anna's page was loaded %d times, want once", got)
	}
}
