package e2e_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp/kb"
)

const (
	popoverOpen   = `document.querySelector('#who').matches(':popover-open')`
	popoverClosed = `!document.querySelector('#who').matches(':popover-open') && !document.querySelector('#who').childElementCount`
)

// openPerson clicks the name on a card.
func (b *tab) openPerson(username string) {
	b.t.Helper()
	b.click(`[data-user=` + username + `] .nm a`)
	b.until("the popover is open", popoverOpen+` && document.querySelector('#who').contains(document.activeElement)`,
		patience)
}

// A card opens the person's page beside it. It's live, works with the keyboard, and the focus returns to the card.
func TestPersonPopover(t *testing.T) {
	parallel(t)
	s := startServer(t, "--grace-clean=200ms")
	populate(s)
	anna := s.person(t, "anna").board()
	anna.untilState("anna", "online", soon)
	anna.run(emulation.SetDeviceMetricsOverride(1280, 900, 1, false))

	anna.untilFocus(`[data-user=ada] .nm a`)
	anna.press(kb.Enter)
	anna.until("the popover is open", popoverOpen+` && document.activeElement.id === 'who'`, patience)
	anna.until("it tells of ada",
		`['Ada Okafor', '@ada', 'Offline', 'Lab', 'Tell me when Ada Okafor is here'].every(text => document.querySelector('#who').innerText.includes(text))`, patience)
	if got := ask[string](anna, `location.pathname + ' ' + document.querySelectorAll('#who h1').length`); got != "/ 1" {
		t.Errorf("the page is %s, want the board with one popover", got)
	}
	anna.until("it's inside the window",
		`(box => box.left >= 8 && box.top >= 8 && box.right <= innerWidth - 8 && box.bottom <= innerHeight - 8)(document.querySelector('#who').getBoundingClientRect())`, patience)
	anna.tell(`document.querySelector('#who .now').insertAdjacentHTML('beforeend', '<p>more</p>'.repeat(12))`)
	anna.until("it's still inside the window when it has grown",
		`document.querySelector('#who').getBoundingClientRect().bottom <= innerHeight - 8`, patience)
	wantAccessible(anna, "the popover")

	ada := s.member(t, "ada").board()
	anna.until("it's live", `document.querySelector('#who .st b').innerText === 'Online' && !document.querySelector('#who-tell')`, soon)
	if !ask[bool](anna, `document.querySelector('#who').contains(document.activeElement)`) {
		t.Error("the update has taken the focus away")
	}
	anna.press(kb.Escape)
	anna.until("Escape closes it", popoverClosed, patience)
	anna.until("the focus is on the card", `document.activeElement.matches('[data-user=ada] .nm a')`, patience)

	anna.openPerson("bela")
	anna.click("#who-close")
	anna.until("the button closes it", popoverClosed+` && document.activeElement.matches('[data-user=bela] .nm a')`,
		patience)
	anna.openPerson("carl")
	anna.clickAt(20, 850)
	anna.until("a click elsewhere closes it", popoverClosed, patience)

	// When ada leaves a board of those who are here, the popover stays.
	anna.openPerson("ada")
	ada.close()
	anna.until("it says that she left", `document.querySelector('#who .st b').innerText === 'Offline'`, soon)
	anna.allow(`status of 404`)
	s.cli("delete", "ada", "--yes")
	anna.until("it closes when the account is gone", popoverClosed, soon)
}

// marked returns an expression that is true if a card or line has the background of one whose popover is open.
func marked(username string) string {
	return `(style => style.backgroundColor === getComputedStyle(document.querySelector('.bar')).backgroundColor)(getComputedStyle(document.querySelector('[data-user=` + username + `]')))`
}

// The popover doesn't cover the card that it belongs to, wherever the card is and however wide the window is.
func TestPersonPopoverBesideItsCard(t *testing.T) {
	parallel(t)
	s := startServer(t)
	populate(s)
	for i := range 24 {
		s.addUser(fmt.Sprintf("p%02d", i), "--team", "Office")
	}
	anna := s.person(t, "anna").board()
	anna.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}))
	s.member(t, "ada").board()
	s.member(t, "bela").board()
	anna.untilState("ada", "online", soon)
	anna.untilState("bela", "online", soon)
	anna.until("the cards are visible", `!document.querySelector('[data-hold]')`, soon)
	anna.tell(`document.querySelector('.team:has([data-user=p01]) .rest input').click()`)
	for _, size := range []struct{ width, height int }{
		{320, 844}, {390, 844}, {640, 844}, {700, 500}, {700, 720}, {768, 1024}, {860, 720}, {1024, 720}, {1280, 720}, {1920, 1080},
	} {
		anna.resize(size.width, size.height)
		for _, who := range []string{"anna", "dov", "ada", "bela", "p09", "p23"} {
			anna.tell(`scrollTo(0, 0)`)
			anna.openPerson(who)
			boxes := ask[map[string]float64](anna, `(([card, who, name]) => ({
				across: Math.min(card.right, who.right) - Math.max(card.left, who.left),
				along: Math.min(card.bottom, who.bottom) - Math.max(card.top, who.top),
				hidden: -Math.min(who.left, who.top, name.top, innerWidth - who.right, innerHeight - who.bottom, innerHeight - name.bottom),
			}))(['[data-user=`+who+`]', '#who', '[data-user=`+who+`] .nm'].map(at => document.querySelector(at).getBoundingClientRect()))`)
			if boxes["across"] > 0 && boxes["along"] > 0 || boxes["hidden"] > 1 {
				t.Errorf("at %d × %d, the popover of %s covers the card, or it or the name is out of sight: %v",
					size.width, size.height, who, boxes)
			}
			if !ask[bool](anna, marked(who)) {
				t.Errorf("at %d × %d, nothing shows whose popover it is: %s", size.width, size.height, who)
			}
			anna.press(kb.Escape)
			anna.until("it's closed", popoverClosed, patience)
		}
	}
}

// Favorites come first in their team, at once and after a reload, and for nobody else. A person's own card is marked,
// too, and only for that person.
func TestFavorites(t *testing.T) {
	parallel(t)
	s := startServer(t)
	populate(s)
	home := s.person(t, "anna")
	anna := home.board()
	anna.run(emulation.SetDeviceMetricsOverride(1280, 900, 1, false))
	other := s.person(t, "otto").board()
	s.member(t, "ada").board()
	s.member(t, "bela").board()
	for _, b := range []*tab{anna, other} {
		b.untilState("ada", "online", soon)
		b.untilState("bela", "online", soon)
	}
	const belaFirst = `(at => at('bela').left < at('ada').left)(name => document.querySelector('[data-user=' + name + ']').getBoundingClientRect())`
	const star = `getComputedStyle(document.querySelector('[data-user=bela] .nm'), '::after').content.includes('★')`
	anna.until("ada comes first", `!(`+belaFirst+`) && !(`+star+`)`, soon)
	for username, want := range map[string]string{"anna": `"you"`, "otto": "none"} {
		mark := `getComputedStyle(document.querySelector('[data-user=` + username + `] .nm'), '::after').content`
		if got := ask[string](anna, mark); got != want {
			t.Errorf("anna's board marks the card of %s with %s, want %s", username, got, want)
		}
	}
	anna.openPerson("bela")
	anna.click("#who-favorite")
	anna.until("bela comes first",
		belaFirst+` && `+star+` && document.querySelector('#who-favorite').innerText === 'Remove from favorites'`, patience)
	anna.reload()
	anna.untilLive()
	anna.until("bela comes first after a reload", belaFirst+` && `+star, patience)
	if ask[bool](other, belaFirst) || ask[bool](other, star) {
		t.Error("otto's board has anna's favorites")
	}
	anna.openPerson("bela")
	anna.click("#who-favorite")
	anna.until("bela doesn't come first any more", `!(`+belaFirst+`) && !(`+star+`)`, patience)
}

// A person who shares their local time has it on their card, for readers in other time zones.
func TestLocalTimeOnCards(t *testing.T) {
	parallel(t)
	s := startServer(t)
	home := s.person(t, "ben")
	ben := home.tab()
	ben.setZone("Asia/Kolkata", "en-GB")
	ben.open("/settings")
	ben.click(`[name=share_time]`)
	save(ben, "details")
	ben.open("/")
	ben.untilLive()
	readers := s.person(t, "anna")
	for zone, want := range map[string]bool{"Europe/Berlin": true, "Asia/Colombo": false} {
		anna := readers.tab()
		anna.setZone(zone, "en-GB")
		anna.open("/")
		anna.untilState("ben", "online", soon)
		const there = `document.querySelector('[data-user=ben] .there')`
		anna.until("the clock there, in "+zone,
			there+` && /^\d?\d:\d\d there$/.test(`+there+`.innerText) === `+map[bool]string{true: "true", false: "false"}[want],
			soon)
		anna.open("/u/ben")
		anna.until("the clock on the page",
			`/in (Kolkata|Calcutta), (same as yours|[0-9¼½¾]+ h ahead of you)$/.test(document.querySelector('.know dd').innerText)`, soon)
		anna.untilLive()
		anna.close()
	}
}

// With the permission, pages have the worker show a notification. The headless browser grants none, so the test claims
// it and hears what the worker is asked to show.
func TestTellMeByNotification(t *testing.T) {
	parallel(t)
	s := startServer(t)
	s.addUser("ben", "--display-name", "Ben Carter")
	anna := s.person(t, "anna").tab()
	anna.open("/u/ben")
	anna.untilLive()
	anna.tell(`window.posted = []; ServiceWorker.prototype.postMessage = message => posted.push(message)`)
	anna.tell(`window.asked = 0; window.permission = 'default'; Object.defineProperty(Notification, 'permission', { get: () => permission })`)
	anna.tell(`Notification.requestPermission = async () => { asked++; return permission = 'granted'; }`)
	if ask[int](anna, `asked`) != 0 {
		t.Error("the permission is asked for before anybody wants to be told")
	}
	anna.click("#who-tell")
	anna.until("the page says that there will be a notification",
		`asked === 1 && document.querySelector('#who-notify')?.innerText.includes('your browser shows a notification')`,
		patience)
	s.member(t, "ben").board()
	anna.until("the worker is asked",
		`posted.length === 1 && posted[0].title === 'Ben Carter is here' && posted[0].href === location.origin + '/u/ben'`,
		soon)
	if got := ask[string](anna, `navigator.serviceWorker.controller?.scriptURL ?? 'ready'`); got == "" {
		t.Error("there's no worker")
	}

	// Without the permission, the page says that it isn't there, and shows the message all the same.
	carl := s.person(t, "carl").tab()
	s.addUser("dora")
	carl.open("/u/dora")
	carl.untilLive()
	carl.tell(`Object.defineProperty(Notification, 'permission', { get: () => 'denied' })`)
	carl.click("#who-tell")
	carl.until("the page says that there won't be one",
		`document.querySelector('#who-notify')?.innerText.includes('blocks notifications')`, patience)
	s.member(t, "dora").board()
	carl.until("told in the page", `document.querySelector('.toast')`, soon)
}
