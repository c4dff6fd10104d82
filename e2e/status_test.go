package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// openMenu opens the account menu and waits until its panel is loaded.
func (b *window) openMenu() {
	b.t.Helper()
	b.click(".account summary")
	b.until("the panel is loaded", `document.querySelector('.menu #status-set')?.checkVisibility()`, patience)
}

// lasts selects how long a status lasts.
func (b *window) lasts(value string) {
	b.t.Helper()
	b.tell(`document.querySelector('#status-lasts').value = ` + quote(value))
}

// endIn fills in the time when a status ends, at least d from now, and returns it. It has seconds, so that no test must
// wait for the next minute.
func (b *tab) endIn(d time.Duration) time.Time {
	b.t.Helper()
	return time.UnixMilli(ask[int64](b, `(() => {
		const end = new Date(Math.ceil(Date.now() / 1000) * 1000 + `+fmt.Sprint(d.Milliseconds())+`), two = n => String(n).padStart(2, '0'), at = document.querySelector('#status-at');
		at.step = 1;
		at.value = end.getFullYear() + '-' + two(end.getMonth() + 1) + '-' + two(end.getDate()) + 'T' + [end.getHours(), end.getMinutes(), end.getSeconds()].map(two).join(':');
		return +end;
	})()`))
}

// wantEnded fails the test unless the last change of the row of username was within a second after end.
func (b *tab) wantEnded(username string, end time.Time) {
	b.t.Helper()
	shown := b.shown(username)
	late := shown[len(shown)-1].at.Sub(end)
	b.t.Logf("the status of %s ended %v late on the page %s", username, late, b.who)
	if late < 0 || late > time.Second {
		b.t.Errorf("the status of %s ended %v late on the page %s, want within a second", username, late, b.who)
	}
}

// untilSaid waits until the panel shows text as the result of the last action.
func (b *window) untilSaid(text string) {
	b.t.Helper()
	b.until("the panel says "+text, `document.querySelector('#me-said').innerText === `+quote(text), soon)
}

// untilText waits for the text on the row of username.
func (b *window) untilText(username, text string) {
	b.t.Helper()
	b.until(username+" says "+text,
		`(document.querySelector('[data-user=`+username+`] .tx bdi')?.textContent ?? '') === `+quote(text), soon)
}

// A status is set without leaving the board. Others see all of it at once. Updates about the person's own row don't
// disturb the focus or the text being typed.
func TestStatusByMenu(t *testing.T) {
	parallel(t)
	s := startServer(t)
	home := s.person(t, "anna")
	anna := home.board()
	ben := s.person(t, "ben").board()
	ben.untilState("anna", "online", soon)
	ben.tell(`window.seen = []; new MutationObserver(() => seen.push(document.querySelector('[data-user=anna]').innerText)).observe(document.querySelector('#list'), { subtree: true, childList: true, characterData: true, attributes: true })`)

	anna.openMenu()
	anna.until("the panel explains the state and what is next",
		`document.querySelector('.because').innerText.replace(/\s+/g, ' ') === 'Why You are active; one device Next Away after 10 min without input'`, soon)
	anna.click("label:has(#status-dnd)")
	anna.fill("#status-emoji", "🎧")
	anna.fill("#status-text", "Deep work")
	if ask[bool](anna, `document.querySelector('#status-at').checkVisibility()`) {
		t.Error("the field for the time is visible, want it only with that option")
	}
	anna.lasts("1h")
	anna.click("#status-set")
	anna.untilSaid("Status updated.")
	ben.untilState("anna", "dnd", soon)
	ben.untilText("anna", "Deep work")
	for _, row := range ask[[]string](ben, `seen`) {
		if strings.Contains(row, "Do not disturb") != strings.Contains(row, "Deep work") {
			t.Errorf("ben was shown %q, want state and text at the same time", row)
		}
	}
	anna.until("the menu shows the state", `document.querySelector('#me').innerText === 'Do not disturb'`, soon)
	anna.until("anna's own row is the same as on ben's page", `document.querySelector('#me-row').innerText.replace(/\s+/g, ' ') === `+
		quote(strings.Join(strings.Fields(ben.text(`[data-user=anna]`)), " ")), soon)
	anna.until("the panel says when the status ends",
		`/^Ends at .*, then automatic$/.test(document.querySelector('#me-next').innerText)`, soon)
	anna.until("the button keeps the focus", `document.activeElement.id === 'status-set'`, soon)

	// Another process changes something while anna is typing.
	anna.fill("#status-text", "Half a sen")
	anna.tell(`window.field = document.activeElement`)
	s.cli("rename", "anna", "Anna Berg")
	anna.until("anna's own row has the new name", `document.querySelector('#me-row bdi').innerText === 'Anna Berg'`, soon)
	anna.until("the header has the new name",
		`document.querySelector('.account summary').textContent.includes('Your account, Anna Berg: AB')`, soon)
	anna.press("tence")
	if got := ask[string](anna, `document.activeElement === field && field.isConnected ? field.value : 'lost'`); got != "Half a sentence" {
		t.Errorf("after typing on, the field holds %q, want Half a sentence in the same field", got)
	}
	anna.press(kb.Escape)
	anna.until("Escape closes the menu",
		`!document.querySelector('.menu').checkVisibility() && document.activeElement.matches('summary')`, patience)
	anna.press(kb.Enter)
	anna.until("what was typed is kept",
		`document.querySelector('#status-text')?.checkVisibility() && document.querySelector('#status-text').value === 'Half a sentence'`, patience)

	anna.click("#status-clear")
	anna.untilSaid("Status cleared.")
	ben.untilState("anna", "online", soon)
	ben.untilText("anna", "")
	if got := anna.value("#status-text"); got != "" {
		t.Errorf("after Clear the field holds %q, want nothing", got)
	}
	if got := anna.loaded(); got != 1 {
		t.Errorf("anna's page was loaded %d times, want once, because everything happens on the board", got)
	}
}

// A status that ends at a local time of the person vanishes from others' pages within a second, and they show the
// actual state again.
func TestStatusEnds(t *testing.T) {
	parallel(t)
	s := startServer(t)
	home := s.person(t, "anna")
	anna := home.tab()
	anna.run(emulation.SetTimezoneOverride("Pacific/Auckland"))
	anna.open("/")
	anna.untilLive()
	ben := s.person(t, "ben").board()
	ben.untilState("anna", "online", soon)
	ben.forget()

	anna.openMenu()
	anna.until("the server knows the time zone",
		`document.querySelector('#status-zone').textContent === 'Your time zone: Pacific/Auckland'`, soon)
	anna.click("label:has(#status-away)")
	anna.fill("#status-text", "Back in a moment")
	anna.lasts("at")
	anna.until("the field for the time is visible", `document.querySelector('#status-at').checkVisibility()`, soon)
	end := anna.endIn(4 * time.Second)
	anna.click("#status-set")
	ben.untilState("anna", "away", soon)
	ben.untilText("anna", "Back in a moment")
	ben.untilState("anna", "online", patience)
	ben.untilText("anna", "")
	ben.wantShown("anna", "online", "away", "online")
	ben.wantEnded("anna", end)
	anna.until("the panel shows the actual state",
		`document.querySelector('#me-why').innerText.toLowerCase() === 'you are active' && document.querySelector('#me').innerText === 'Online'`, soon)

	// "Today" ends at midnight in the person's time zone.
	anna.lasts("today")
	anna.click("#status-set")
	anna.until("the status ends at midnight", `document.querySelector('#me-row').innerText.endsWith('until midnight')`, soon)
}

// Earlier statuses can be set again with one click, and forgotten.
func TestPresets(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").board()
	ben := s.person(t, "ben").board()
	anna.openMenu()
	anna.until("the panel has suggestions", `document.querySelector('#me-presets').innerText === 'Suggestions'`, soon)
	anna.click("#me-use-lunch")
	anna.untilSaid("Status updated.")
	ben.untilState("anna", "away", soon)
	ben.untilText("anna", "Lunch")
	anna.click("label:has(#status-dnd)")
	anna.fill("#status-text", "Writing")
	anna.click("#status-set")
	ben.untilText("anna", "Writing")
	presets := `[...document.querySelectorAll('.quick')].map(b => b.querySelector('bdi').innerText).join()`
	anna.until("both presets are listed", presets+` === 'Writing,Lunch'`, soon)
	anna.click(".presets li:nth-child(2) .quick")
	ben.untilState("anna", "away", soon)
	ben.untilText("anna", "Lunch")
	anna.until("the preset used last comes first", presets+` === 'Lunch,Writing'`, soon)
	anna.click(".presets li:nth-child(2) .forget")
	anna.untilSaid("Forgotten.")
	anna.until("one preset is left", presets+` === 'Lunch'`, soon)
	ben.untilText("anna", "Lunch")
}

// When a person goes invisible, every tab of theirs says so clearly, and warns that others can still see their text.
func TestInvisibleByMenu(t *testing.T) {
	parallel(t)
	s := startServer(t)
	s.tabsHide = true
	home := s.person(t, "anna")
	other := home.board()
	other.openMenu()
	anna := home.board()
	ben := s.person(t, "ben").board()
	ben.untilState("anna", "online", soon)
	anna.openMenu()
	anna.click("#me-visible")
	anna.untilSaid("You are invisible.")
	ben.untilState("anna", "offline", soon)
	invisible := `document.querySelector('#me').innerText === 'Invisible' && document.querySelector('#me .s-invisible') && document.querySelector('#me-visible').innerText === 'Go visible'
		&& document.querySelector('#me-alone').innerText.startsWith('You are invisible, but') && document.querySelector('#me-row [data-state=offline]')`
	anna.until("anna's panel shows that she is invisible", invisible, soon)
	if got := ask[string](anna, `document.querySelector('#status-text').getAttribute('aria-describedby').split(' ').map(id => document.getElementById(id)?.innerText).join(' ')`); !strings.Contains(got, "everybody sees") {
		t.Errorf("the text field is described by %q, want the warning", got)
	}
	other.front()
	other.until("the other tab shows it too", invisible, soon)
	anna.front()
	anna.fill("#status-text", "Gone fishing")
	anna.click("#status-set")
	anna.untilSaid("Status updated.")
	ben.untilText("anna", "Gone fishing")
	ben.untilState("anna", "offline", soon)
	anna.fill("#status-text", "Half a sentence")
	anna.click("#me-visible")
	anna.untilSaid("You are visible again.")
	anna.click(".account summary") // close the menu
	anna.click(".account summary")
	anna.until("what was typed is kept",
		`document.querySelector('#status-text')?.checkVisibility() && document.querySelector('#status-text').value === 'Half a sentence'`, patience)
	ben.untilState("anna", "online", soon)
	ben.wantShown("anna", "online", "offline", "online")

	off := startServer(t, "--invisible=off").person(t, "carl").board()
	off.openMenu()
	if got := off.text("#me-unseen"); got != "Invisibility is switched off on this Rollcall." {
		t.Errorf("with --invisible=off, the panel says %q", got)
	}
}

// Everything in the panel works without JavaScript, on a separate page.
func TestStatusWithoutJavaScript(t *testing.T) {
	parallel(t)
	s := startServer(t)
	ben := s.person(t, "ben").board()
	anna := s.person(t, "anna").tab()
	anna.allow(`status of 422`)
	anna.run(emulation.SetScriptExecutionDisabled(true))
	anna.open("/")
	anna.focus(".account summary")
	anna.press(kb.Enter)
	anna.follow(`.menu #panel a`)
	anna.untilAt("/me", patience)
	act := func(selector string) {
		t.Helper()
		anna.focus(selector)
		anna.submit()
	}
	anna.focus("#status-dnd")
	anna.press(" ")
	anna.typeInto("#status-emoji", "x")
	anna.typeInto("#status-text", "Deep <b>work")
	if ask[bool](anna, `document.querySelector('#status-at').checkVisibility()`) {
		t.Error("the field for the time is visible, want it only with that option")
	}
	anna.focus("#status-lasts")
	anna.press("A time")
	anna.until("the field for the time is visible",
		`document.querySelector('#status-lasts').value === 'at' && document.querySelector('#status-at').checkVisibility()`, patience)
	anna.lasts("4h")
	act("#status-set")
	anna.until("the page says what is wrong",
		`document.querySelector('#status-emoji-error').innerText === 'Use one emoji.'`, patience)
	wantDescribed(anna, "#status-emoji", "Use one emoji.")
	if got := ask[string](anna, `['#status-emoji', '#status-text', '#status-lasts', '[name=state]:checked'].map(s => document.querySelector(s).value).join('|')`); got != "x|Deep <b>work|4h|dnd" {
		t.Errorf("the form holds %q, want what was typed", got)
	}
	anna.tell(`document.querySelector('#status-emoji').value = '🎧'`)
	act("#status-set")
	anna.untilAt("/me", patience)
	anna.until("the page confirms it", `document.querySelector('#me-said').innerText === 'Status updated.'`, patience)
	ben.untilText("anna", "Deep <b>work")
	act("#me-visible")
	anna.until("anna is invisible", `document.querySelector('#me').innerText === 'Invisible'`, patience)
	act("#me-visible")
	anna.until("anna is visible", `document.querySelector('#me-said').innerText === 'You are visible again.'`, patience)
	act("#status-clear")
	anna.until("the status is cleared", `document.querySelector('#me-said').innerText === 'Status cleared.'`, patience)
	ben.untilText("anna", "")
	act(".quick")
	ben.untilText("anna", "Deep <b>work")
	act(".forget")
	anna.until("the preset is forgotten", `document.querySelector('#me-presets').innerText === 'Suggestions'`, patience)
}

// Everything people type into the panel is shown as text on every page.
func TestHostileStatusText(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").board()
	ben := s.person(t, "ben").board()
	ben.untilState("anna", "online", soon)
	for _, b := range []*tab{anna, ben} {
		chromedp.ListenTarget(b.ctx, func(event any) {
			if e, ok := event.(*page.EventJavascriptDialogOpening); ok {
				t.Errorf("a dialog opened %s: %s", b.who, e.Message)
			}
		})
	}
	anna.openMenu()
	shape := `[...document.querySelectorAll('[data-user=anna], [data-user=anna] *')].map(el => el.tagName + [...el.attributes].map(a => a.name)).join()`
	anna.fill("#status-text", "plain")
	anna.click("#status-set")
	ben.untilText("anna", "plain")
	want := ask[string](ben, shape)
	for _, h := range hostile {
		anna.until("the form is ready", `!document.querySelector('.htmx-request')`, soon)
		anna.fill("#status-text", h.name)
		anna.click("#status-set")
		ben.untilText("anna", h.name)
		if got := ask[string](ben, shape); got != want {
			t.Errorf("the text %q makes the row\n%s\nwant\n%s", h.name, got, want)
		}
		anna.until("anna's own row and the preset have the same text", `document.querySelector('#me-row .tx bdi').textContent === `+quote(h.name)+
			` && document.querySelector('.quick bdi').textContent === `+quote(h.name)+` && document.querySelector('#status-text').value === `+quote(h.name), soon)
	}
	for _, b := range []*tab{anna, ben} {
		if got := ask[int](b, `document.querySelectorAll('body :is(script, img, title, hx-partial), [onclick], [onerror]').length`); got != 0 {
			t.Errorf("status texts created %d elements on the page %s, want none", got, b.who)
		}
		if got := ask[string](b, `document.title`); got != "2 here · Rollcall" {
			t.Errorf("the title %s is %q, want 2 here · Rollcall", b.who, got)
		}
	}
	anna.allow(`status of 422`)
	anna.tell(`document.querySelector('#status-text').removeAttribute('maxlength')`)
	anna.fill("#status-text", strings.Repeat("<b>", 100))
	anna.click("#status-set")
	anna.until("the text is too long", `document.querySelector('#status-text-error')?.innerText.includes('140')`, soon)
	wantDescribed(anna, "#status-text", ask[string](anna, `document.querySelector('#status-text-error').innerText`))
	anna.until("the field with the error has the focus", `document.activeElement.id === 'status-text'`, patience)
}

// When the server is down, the panel says so and keeps the typed text.
func TestStatusWhileTheServerIsDown(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").board()
	anna.allowOutage()
	anna.allow(`Failed to fetch|htmx`)
	anna.openMenu()
	anna.fill("#status-text", "Deep work")
	s.kill()
	anna.click("#status-set")
	anna.untilSaid("Rollcall can’t be reached. Try again in a moment.")
	if got := anna.value("#status-text"); got != "Deep work" {
		t.Errorf("the field holds %q, want what was typed", got)
	}
	s.start()
	anna.untilLive()
	anna.click("#status-set")
	anna.untilSaid("Status updated.")
}

func TestAccessiblePanel(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").tab()
	anna.allow(`status of 422`)
	look(anna, "light")
	anna.open("/")
	anna.untilLive()
	anna.openMenu()
	wantAccessible(anna, "the panel with suggestions")
	anna.lasts("at")
	anna.fill("#status-emoji", "no")
	anna.click("#status-set")
	anna.until("the form is rejected", `document.querySelector('#status-emoji-error')`, soon)
	wantAccessible(anna, "the rejected form")
	anna.fill("#status-emoji", "🎧")
	anna.click("#status-set")
	anna.untilSaid("Status updated.")
	anna.click("#me-visible")
	anna.untilSaid("You are invisible.")
	wantAccessible(anna, "the panel of an invisible person")
	anna.open("/me")
	wantAccessible(anna, "/me")
	anna.fill("#status-emoji", "no")
	before := anna.loaded()
	anna.tell(`document.querySelector('form.status').submit()`) // as without JavaScript: the response is a full page
	anna.untilLoaded(before)
	anna.until("the form is rejected",
		`document.title.startsWith('Error: ') && document.querySelector('#status-emoji-error')`, patience)
	wantAccessible(anna, "/me with an error")
}

// On a phone the panel is a sheet that fits the screen, and every control can be tapped.
func TestPanelOnAPhone(t *testing.T) {
	parallel(t)
	s := startServer(t)
	home := s.person(t, "anna")
	for _, size := range []struct{ width, height int64 }{{390, 844}, {320, 568}} {
		anna := home.tab()
		anna.run(emulation.SetDeviceMetricsOverride(size.width, size.height, 2, true), emulation.SetTouchEmulationEnabled(true))
		anna.open("/")
		anna.untilLive()
		anna.openMenu()
		anna.fill("#status-text", strings.Repeat("Unbreakable", 12))
		anna.lasts("at")
		anna.click("#status-set")
		anna.untilSaid("Status updated.")
		wantNoOverflow(anna, "the panel", size.width)
		if got := ask[int64](anna, `document.querySelector('.menu').scrollWidth`); got > size.width {
			t.Errorf("the panel scrolls sideways: %d pixels on a screen of %d", got, size.width)
		}
		for _, selector := range []string{"#me-visible", ".forget", "#status-clear", `.menu a[href="/settings"]`} {
			anna.until(fmt.Sprintf("%s can be tapped at %d pixels", selector, size.width),
				`test.point(`+quote(selector)+`).length`, soon)
		}
		anna.open("/me")
		wantNoOverflow(anna, "/me", size.width)
	}
}

// People on their own page are online, and the page updates live.
func TestMePageIsLive(t *testing.T) {
	parallel(t)
	s := startServer(t, "--grace-clean=300ms")
	watcher := s.person(t, "anna").board()
	ben := s.person(t, "ben").tab()
	ben.open("/me")
	watcher.untilState("ben", "online", soon)
	ben.until("the page shows the state", `document.querySelector('#panel [data-state]').dataset.state === 'online'`, soon)
	ben.until("the page shows since when", `document.querySelector('#panel time')?.innerText === 'just now'`, soon)
	s.cli("rename", "ben", "Benedict")
	ben.until("the page shows the new name", `document.querySelector('#panel .nm bdi').innerText === 'Benedict'`, soon)
	if got := ask[string](ben, `document.title`); got != "You · Rollcall" {
		t.Errorf("the page is titled %q, want You · Rollcall", got)
	}
	ben.close()
	watcher.untilState("ben", "offline", soon)
}
