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
	b.until("the panel is there", `document.querySelector('.menu #me-states')?.checkVisibility()`, patience)
}

// lasts chooses when a status is to be cleared.
func (b *window) lasts(value string) {
	b.t.Helper()
	b.click("label:has(#lasts-" + value + ")")
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
	anna.until("why and what is next",
		`document.querySelector('#me-why').innerText === "Online, because you're active. One device is connected. You turn Away after 10 min without input."`, soon)
	set := `document.querySelector('#status-set').checkVisibility()`
	if ask[bool](anna, set+` || document.querySelector('#status-at').checkVisibility()`) {
		t.Error("Set or the time are shown though nothing was typed or chosen")
	}
	anna.pickEmoji("headph", "🎧")
	anna.until("the focus is in the text", `document.activeElement.id === 'status-text' && `+set, soon)
	anna.press("Deep work")
	anna.lasts("1h")
	anna.click("#show-dnd")
	anna.untilSaid("Status updated.")
	ben.untilState("anna", "dnd", soon)
	ben.untilText("anna", "Deep work")
	for _, row := range ask[[]string](ben, `seen`) {
		if strings.Contains(row, "Do not disturb") != strings.Contains(row, "Deep work") {
			t.Errorf("ben was shown %q, want state and text at the same time", row)
		}
	}
	anna.until("the menu says so", `document.querySelector('#me').innerText.trim() === 'Do not disturb'`, soon)
	anna.until("so does the card",
		`/^🎧\s+Deep work\s+Ends (at|on) .* · Change\s+Clear$/.test(document.querySelector('#me-set').innerText)`, soon)
	anna.until("and what others see",
		`document.querySelector('#me-self').innerText.endsWith('Shown to others as Do not disturb')`, soon)
	anna.until("what is next", `/ Ends (at|on) .*, then automatic\.$/.test(document.querySelector('#me-why').innerText)`,
		soon)
	anna.until("the focus stays on the button",
		`document.activeElement.id === 'show-dnd' && document.activeElement.ariaPressed === 'true'`, soon)

	// Change brings back the same words and end, and Enter sets what is written there.
	end := anna.text("#me-set time")
	anna.click("#status-change")
	anna.until("the field is back",
		`document.activeElement.id === 'status-text' && document.activeElement.value === 'Deep work' && document.querySelector('#status-emoji').value === '🎧'`, soon)
	if got := anna.text(".kept time"); got != end {
		t.Errorf("the form says %q, want the same end %q", got, end)
	}
	anna.fill("#status-text", "Deeper work")
	anna.press(kb.Enter)
	ben.untilText("anna", "Deeper work")
	anna.until("the focus is where it goes on", `document.activeElement.id === 'status-change'`, soon)
	if got := anna.text("#me-set time"); got != end {
		t.Errorf("with another text the status ends %s, want %s", got, end)
	}
	ben.untilState("anna", "dnd", soon)
	anna.click("#status-change")
	anna.until("the field is back", `document.activeElement.id === 'status-text'`, soon)

	// Another process changes something while anna is typing.
	anna.fill("#status-text", "Half a sen")
	anna.tell(`window.field = document.activeElement`)
	s.cli("rename", "anna", "Anna Berg")
	anna.until("the panel has the new name", `document.querySelector('#me-self bdi').innerText === 'Anna Berg'`, soon)
	anna.until("the header has the new name",
		`document.querySelector('.account summary').textContent.includes('Your account, Anna Berg: AB')`, soon)
	anna.press("tence")
	if got := ask[string](anna,
		`document.activeElement === field && field.isConnected ? field.value : 'lost'`); got != "Half a sentence" {
		t.Errorf("after typing on, the field holds %q, want Half a sentence in the same field", got)
	}
	anna.press(kb.Escape)
	anna.until("Escape closes the menu",
		`!document.querySelector('.menu').checkVisibility() && document.activeElement.matches('summary')`, patience)
	anna.press(kb.Enter)
	anna.until("what was typed is kept",
		`document.querySelector('#status-text')?.checkVisibility() && document.querySelector('#status-text').value === 'Half a sentence'`, patience)

	anna.press(kb.Escape)
	other := home.board()
	other.openMenu()
	other.click("#status-clear")
	other.untilSaid("Status cleared.")
	ben.untilState("anna", "online", soon)
	ben.untilText("anna", "")
	if got := other.value("#status-text"); got != "" {
		t.Errorf("after Clear the field holds %q, want nothing", got)
	}
	if got := anna.loaded(); got != 1 {
		t.Errorf("anna's page was loaded %d times, want once, because everything happens on the board", got)
	}
}

// Suggestions and statuses set before are set with one click, and the own ones can be forgotten.
func TestPresets(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").board()
	ben := s.person(t, "ben").board()
	anna.openMenu()
	presets := `[...document.querySelectorAll('.quick')].map(b => b.querySelector('bdi').innerText).join()`
	anna.until("suggestions are there", presets+` === 'Lunch,In a meeting,Focusing,Working from home,Out sick,On leave'`,
		soon)
	anna.click("#me-use-lunch")
	anna.untilSaid("Status updated.")
	anna.until("the focus stays", `document.activeElement.id === 'me-use-lunch'`, soon)
	ben.untilState("anna", "away", soon)
	ben.untilText("anna", "Lunch")
	anna.click("#status-change")
	anna.until("the field is back", `document.activeElement.id === 'status-text'`, soon)
	anna.fill("#status-text", "Writing")
	anna.click("#status-set")
	ben.untilText("anna", "Writing")
	anna.until("both come first, and suggestions stay",
		presets+` === 'Writing,Lunch,In a meeting,Focusing,Working from home,Out sick'`, soon)
	if got := ask[int](anna, `document.querySelectorAll('.forget').length`); got != 1 {
		t.Errorf("%d statuses can be forgotten, want the own one", got)
	}
	anna.click(".presets li:nth-child(2) .quick")
	ben.untilText("anna", "Lunch")
	anna.until("the one used last comes first", presets+`.startsWith('Lunch,Writing,')`, soon)
	anna.click(".forget")
	anna.untilSaid("Forgotten.")
	anna.until("it is gone", presets+`.startsWith('Lunch,In a meeting,')`, soon)
	ben.untilText("anna", "Lunch")
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
	anna.typeInto("#status-emoji", "x")
	anna.typeInto("#status-text", "Deep <b>work")
	if ask[bool](anna, `document.querySelector('#status-at').checkVisibility() || document.querySelector('#emoji-open').checkVisibility()`) {
		t.Error("the time is asked for though none was chosen, or there's a button that needs JavaScript")
	}
	anna.focus("#lasts-never")
	anna.press(kb.ArrowLeft)
	anna.until("the time is asked for",
		`document.querySelector('#lasts-at:checked') && document.querySelector('#status-at').checkVisibility()`, patience)
	anna.press(kb.ArrowLeft)
	act("#show-dnd")
	anna.until("the page says what is wrong",
		`document.querySelector('#status-emoji-error').innerText === 'Use one emoji.'`, patience)
	wantDescribed(anna, "#status-emoji", "Use one emoji.")
	if got := ask[string](anna,
		`['#status-emoji', '#status-text', '[name=lasts]:checked'].map(s => document.querySelector(s).value).join('|')`); got != "x|Deep <b>work|today" {
		t.Errorf("the form holds %q, want what was typed", got)
	}
	anna.tell(`document.querySelector('#status-emoji').value = '🎧'`)
	act("#show-dnd")
	anna.untilAt("/me", patience)
	anna.until("the page confirms it", `document.querySelector('#me-said').innerText === 'Status updated.'`, patience)
	ben.untilText("anna", "Deep <b>work")
	anna.follow("#status-change")
	anna.until("the form is back",
		`document.querySelector('#status-text').value === 'Deep <b>work' && document.querySelector('.kept').checkVisibility()`, patience)
	anna.typeInto("#status-text", "Deeper work")
	act("#status-text")
	anna.until("it is done", `document.querySelector('#me-said').innerText === 'Status updated.'`, patience)
	ben.untilText("anna", "Deeper work")
	act("#show-invisible")
	anna.until("invisible", `document.querySelector('#me').innerText.trim() === 'Invisible'`, patience)
	act("#show-dnd")
	anna.until("visible", `document.querySelector('#me-said').innerText === 'You are visible again.'`, patience)
	act("#status-clear")
	anna.until("the status is cleared", `document.querySelector('#me-said').innerText === 'Status cleared.'`, patience)
	ben.untilText("anna", "")
	act(".quick")
	ben.untilText("anna", "Deeper work")
	act(".forget")
	anna.until("forgotten", `document.querySelector('#me-said').innerText === 'Forgotten.' && document.querySelector('.quick bdi').innerText !== 'Deeper work'`, patience)
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
	for _, h := range hostile[:4] { // the page escapes all in the same way
		anna.until("the form is ready", `!document.querySelector('.htmx-request')`, soon)
		anna.click("#status-change")
		anna.until("the field is back", `document.activeElement.id === 'status-text'`, soon)
		anna.fill("#status-text", h.name)
		anna.click("#status-set")
		ben.untilText("anna", h.name)
		if got := ask[string](ben, shape); got != want {
			t.Errorf("the text %q makes the row\n%s\nwant\n%s", h.name, got, want)
		}
		anna.until("the card and the preset read the same",
			`document.querySelector('#me-set bdi')?.textContent === `+quote(h.name)+
				` && document.querySelector('.quick bdi').textContent === `+quote(h.name), soon)
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
	anna.click("#status-change")
	anna.until("the field is back", `document.activeElement.id === 'status-text'`, soon)
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
