//go:build unix

package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
)

// startPair starts two replicas on one database and one Redis, for people with browsers at either.
func startPair(t *testing.T) (a, b *replica) {
	t.Helper()
	redis := newRedis(t)
	redis.start()
	db := filepath.Join(t.TempDir(), "rollcall.db")
	a, b = newReplica(t, "A", db, redis), newReplica(t, "B", db, redis)
	for _, r := range []*replica{a, b} {
		t.Cleanup(r.cleanup)
		r.start("--warming=50ms") // nobody was connected before
	}
	redis.joined(2)
	return a, b
}

// B shows a status that is set at A, with emoji, text, and end time, which is in the person's local time. Within a
// second after it ends, B hides it and shows the actual state again.
func TestReplicaStatus(t *testing.T) {
	parallel(t)
	a, b := startPair(t)
	anna, ben := a.person(t, "anna").tab(), b.person(t, "ben").board()
	anna.run(emulation.SetTimezoneOverride("Pacific/Auckland"))
	anna.open("/")
	anna.untilLive()
	ben.untilState("anna", "online", soon)
	ben.forget()
	anna.openMenu()
	anna.until("the server knows the zone",
		`document.querySelector('#status-zone').textContent === 'Your time zone: Pacific/Auckland'`, soon)
	anna.pickEmoji("headph", "🎧")
	anna.fill("#status-text", "Deep work")
	anna.lasts("at")
	anna.until("the field for the time is visible", `document.querySelector('#status-at').checkVisibility()`, soon)
	end := anna.endIn(4 * time.Second)
	anna.click("#show-dnd")
	anna.untilSaid("Status updated.")
	ben.until("ben sees all of it",
		`document.querySelector('[data-user=anna] .tx')?.innerText.startsWith('🎧 Deep work until ') && test.state('anna') === 'dnd'`, soon)
	ben.untilState("anna", "online", patience)
	ben.untilText("anna", "")
	ben.wantShown("anna", "online", "dnd", "online")
	ben.wantEnded("anna", end)
	anna.until("the panel shows the current state",
		`document.querySelector('#me-why').innerText.startsWith('Online, because') && document.querySelector('#me').innerText.trim() === 'Online' && !document.querySelector('.set-now')`, soon)

	// "Today" ends at midnight in the person's time zone.
	anna.lasts("today")
	anna.click("#show-away")
	anna.until("until midnight", `document.querySelector('#me-set').innerText.includes('Ends at midnight')`, soon)
}

// People who turn invisible at A see that in all their browsers, and become visible again by choosing another state. B
// shows them as offline to others.
func TestReplicaInvisible(t *testing.T) {
	parallel(t)
	a, b := startPair(t)
	anna, ben := a.person(t, "anna").board(), b.person(t, "ben").board()
	phone := b.phone(t, "anna")
	phone.openMenu()
	ben.untilState("anna", "online", soon)
	ben.forget()
	anna.openMenu()
	anna.fill("#status-text", "Half a sentence")
	anna.click("#show-invisible")
	anna.untilSaid("You are invisible.")
	ben.untilState("anna", "offline", soon)
	if got := anna.value("#status-text"); got != "Half a sentence" {
		t.Errorf("the field holds %q, want what was typed", got)
	}
	for _, own := range []*tab{anna, phone} {
		own.until("the menu says so", `document.querySelector('#me').innerText.trim() === 'Invisible' && document.querySelector('#me .s-invisible') && document.querySelector('#show-invisible').ariaPressed === 'true'
			&& document.querySelector('#me-note').innerText.startsWith('While invisible, you appear offline to everyone.') && document.querySelector('#me-self [data-state=offline]')`, soon)
	}
	phone.untilState("anna", "offline", soon)
	if got := ask[string](anna,
		`document.querySelector('#status-text').getAttribute('aria-describedby').split(' ').map(id => document.getElementById(id)?.innerText).join(' ')`); !strings.Contains(got, "can still see when you change your text") {
		t.Errorf("the text is described by %q, want the warning", got)
	}
	anna.fill("#status-text", "Gone fishing")
	anna.click("#status-set")
	anna.untilSaid("Status updated.")
	ben.untilText("anna", "Gone fishing")
	ben.untilState("anna", "offline", soon)
	anna.click("#show-away")
	anna.untilSaid("You are visible again.")
	ben.untilState("anna", "away", soon)
	ben.untilText("anna", "Gone fishing")
	ben.wantShown("anna", "online", "offline", "away")
	phone.until("her phone has the card and the state", `document.querySelector('#me-set bdi')?.innerText === 'Gone fishing' && document.querySelector('#show-away').ariaPressed === 'true'
		&& !document.querySelector('#status-text').checkVisibility()`, soon)
}

// Settings that are saved at A take effect at B: the name, the team, and whether the person sees when others were last
// seen.
func TestReplicaSettings(t *testing.T) {
	parallel(t)
	a, b := startPair(t)
	ben := b.person(t, "ben").board()
	carl := b.person(t, "carl").board()
	ben.untilState("carl", "online", soon)
	signOut(carl)
	ben.untilStatus("carl", `Offline seen today`)

	anna := a.person(t, "anna").tab()
	anna.open("/settings")
	anna.fill("#display_name", "Anna Berg")
	anna.fill("#team", "Lab")
	save(anna, "profile")
	ben.until("anna has her new name and team", `document.querySelector('[data-user=anna] bdi').innerText === 'Anna Berg'
		&& document.querySelector('[data-user=anna]').closest('section').querySelector('h2').innerText === 'Lab'`, soon)

	home := a.member(t, "ben").tab()
	for _, c := range []struct{ choice, carl string }{{"nobody", `Offline`}, {"approximate", `Offline seen today`}} {
		home.open("/settings")
		home.click(`input[name=last_seen][value=` + c.choice + `]`)
		save(home, "presence")
		ben.untilStatus("carl", c.carl)
	}
	if got := ben.loaded(); got != 1 {
		t.Errorf("ben's page was loaded %d times, want once", got)
	}
}

// Devices are counted across both replicas. A device with its page at B can be signed out at A: one with its button,
// all others with a new password.
func TestReplicaDevices(t *testing.T) {
	parallel(t)
	a, b := startPair(t)
	home := a.person(t, "anna")
	board := home.board()
	board.openMenu()
	devices := func(want string) {
		t.Helper()
		board.front()
		board.until("the panel says "+want, `document.querySelector('#me-why').textContent.includes(`+quote(want)+`)`, soon)
	}
	devices("One device is connected.")
	phone := b.phone(t, "anna")
	devices("Two devices are connected.")

	settings := home.tab()
	settings.open("/settings")
	if got := settings.text(".devices"); strings.Count(got, "open now") != 1 {
		t.Errorf("the devices at A are\n%s\nwant the phone to have the board open, which it does at B", got)
	}
	settings.clickThrough(`.devices form[action$="/end"] button`)
	phone.untilAt("/login", soon)
	devices("One device is connected.")

	phone = b.phone(t, "anna")
	devices("Two devices are connected.")
	settings.front()
	settings.fill("#old_password", password)
	settings.fill("#password", "another good password")
	save(settings, "password")
	phone.untilAt("/login", soon)
	devices("One device is connected.")
	if got := board.loaded(); got != 1 {
		t.Errorf("the board of the person who changed the password was loaded %d times, want once", got)
	}
}

// When a person deletes their account at A, they vanish from pages at B, and their own page there goes to the sign-in
// page.
func TestReplicaDelete(t *testing.T) {
	parallel(t)
	a, b := startPair(t)
	ben := b.person(t, "ben").board()
	anna := a.person(t, "anna").tab()
	phone := b.phone(t, "anna")
	ben.untilState("anna", "online", soon)
	anna.allow(`status of 422`)
	anna.open("/settings")
	anna.click(".danger summary")
	anna.fill("#confirm_username", "ben")
	anna.fill("#confirm_password", password)
	anna.clickThrough(".danger button.grave")
	wantDescribed(anna, "#confirm_username", "Type anna")
	anna.until("the field with the error has the focus", `document.activeElement.id === 'confirm_username'`, patience)
	anna.fill("#confirm_username", "anna")
	anna.fill("#confirm_password", password)
	anna.clickThrough(".danger button.grave")
	anna.untilAt("/login", patience)
	if got := anna.text(".saved"); !strings.Contains(got, "Your account has been deleted.") {
		t.Errorf("the sign-in page says %q, want it to say that the account is deleted", got)
	}
	ben.untilState("anna", "none", soon)
	ben.until("the count is one", `document.querySelector('#n-all').innerText === '1'`, soon)
	phone.untilAt("/login", soon)
	if got := ben.loaded(); got != 1 {
		t.Errorf("ben's page was loaded %d times, want once", got)
	}
}

// Within a second of `rollcall user disable`, the person is off the boards of both replicas and their sockets are
// closed. They are back after they are enabled.
func TestReplicaDisable(t *testing.T) {
	parallel(t)
	a, b := startPair(t)
	watchers := []*tab{a.person(t, "ada").board(), b.person(t, "bea").board()}
	anna, phone := a.person(t, "anna").board(), b.phone(t, "anna")
	all := func(state string) {
		t.Helper()
		for _, w := range watchers {
			w.untilState("anna", state, soon)
		}
	}
	all("online")
	for _, w := range watchers {
		w.forget()
	}
	a.cli("disable", "anna")
	done := time.Now()
	all("none")
	for _, w := range watchers {
		w.wantShown("anna", "online", "gone")
		wantWithinASecond(t, "off the board "+w.who, w.shown("anna")[1].at.Sub(done))
	}
	for _, own := range []*tab{anna, phone} {
		own.untilAt("/login", soon)
		left := time.UnixMilli(ask[int64](own, `Math.round(performance.timeOrigin)`))
		wantWithinASecond(t, "sent to the sign-in page from "+own.profile.server.addr, left.Sub(done))
	}

	a.cli("enable", "anna")
	done = time.Now()
	all("offline")
	for _, w := range watchers {
		wantWithinASecond(t, "back on the board "+w.who, w.shown("anna")[2].at.Sub(done))
	}
	phone.fill("#username", "anna")
	phone.fill("#password", password)
	phone.clickThrough("form button.main")
	phone.untilLive()
	all("online")
}

func wantWithinASecond(t *testing.T, what string, late time.Duration) {
	t.Helper()
	t.Logf("anna was %s %v after the command", what, late.Round(time.Millisecond))
	if late > time.Second {
		t.Errorf("anna was %s %v after the command, want within a second", what, late)
	}
}
