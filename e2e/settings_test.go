package e2e_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cdp "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
)

// save submits one of the settings forms and waits until the page says that it is saved, and focuses that message.
func save(b *tab, form string) {
	b.t.Helper()
	b.clickThrough(`form[action$="` + form + `"] button.main`)
	b.until("the page says that it is saved",
		`document.querySelector('form[action$="`+form+`"] [role=status]')?.innerText.startsWith('Saved.')`, patience)
	b.until("the message has the focus", `document.activeElement.matches('form[action$="`+form+`"] [role=status]')`,
		patience)
	if got := ask[string](b, `location.pathname + location.search`); got != "/settings" {
		b.t.Errorf("after saving the address is %s, want /settings: or a reload would repeat the message", got)
	}
}

// phone opens the board in another browser of the person.
func (s *server) phone(t *testing.T, username string) *tab {
	t.Helper()
	p := s.visitor(t)
	p.setCookies(s.signIn(username))
	return p.board()
}

func TestProfileIsSeenByOthers(t *testing.T) {
	parallel(t)
	s := startServer(t)
	ben := s.person(t, "ben").board()
	anna := s.person(t, "anna").tab()
	anna.allow(`status of 422`)
	ben.untilState("anna", "offline", soon)
	ben.forget()

	anna.open("/")
	anna.untilLive()
	anna.clickThrough(`.nav a[href="/settings"]`)
	anna.fill("#display_name", "Anna\u200bBerg")
	anna.fill("#team", "Lab")
	anna.clickThrough(`form[action$="profile"] button.main`)
	wantDescribed(anna, "#display_name", "invisible")
	anna.until("the field with the error has the focus", `document.activeElement.id === 'display_name'`, patience)
	if got := anna.value("#team"); got != "Lab" {
		t.Errorf("after the rejected form the team is %q, want Lab as typed", got)
	}
	anna.fill("#display_name", "Anna Berg")
	save(anna, "profile")
	ben.until("anna has her new name", `document.querySelector('[data-user=anna] bdi').innerText === 'Anna Berg'`, soon)
	ben.until("anna is in her new team",
		`document.querySelector('[data-user=anna]').closest('section').querySelector('h2').innerText === 'Lab'`, soon)
	if got := ben.loaded(); got != 1 {
		t.Errorf("ben's page was loaded %d times, want once", got)
	}
	if got := ask[[]string](anna, `[...document.querySelectorAll('#teams option')].map(o => o.value)`); len(got) != 1 ||
		got[0] != "Lab" {
		t.Errorf("the suggested teams are %q, want Lab", got)
	}
}

// Typing a custom time selects that option, and the browser rejects an invalid time.
func TestPresenceSettings(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").tab()
	anna.open("/settings")
	anna.fill("#idle_after", "500")
	if !ask[bool](anna, `document.querySelector('#idle-minutes').checked`) {
		t.Error("typing minutes doesn't select the option")
	}
	before := anna.loaded()
	anna.click(`form[action$="presence"] button.main`)
	anna.until("the minutes have the focus", `document.activeElement.id === 'idle_after'`, patience)
	if anna.loaded() != before {
		t.Error("the form was sent with 500 minutes, want the browser to reject them")
	}
	anna.fill("#idle_after", "25")
	anna.click(`input[name=last_seen][value=nobody]`)
	anna.fill("#time_zone", "Asia/Tokyo")
	save(anna, "presence")
	if got := ask[string](anna,
		`[document.querySelector('[name=idle]:checked').value, document.querySelector('#idle_after').value, document.querySelector('[name=last_seen]:checked').value, document.querySelector('#time_zone').value].join(' ')`); got != "minutes 25 nobody Asia/Tokyo" {
		t.Errorf("the settings are %q, want minutes 25 nobody Asia/Tokyo", got)
	}
}

// background is an expression for the background color of the page.
const background = `getComputedStyle(document.body).backgroundColor`

func TestTheme(t *testing.T) {
	parallel(t)
	s := startServer(t)
	home := s.person(t, "anna")
	anna := home.tab()
	look(anna, "light")
	anna.open("/settings")
	light := ask[string](anna, background)
	anna.click(`input[name=theme][value=dark]`)
	save(anna, "look")
	dark := ask[string](anna, background)
	if dark == light {
		t.Fatalf("the page is %s in both themes", dark)
	}
	for _, path := range []string{"/", "/settings/stored"} {
		anna.open(path)
		if got := ask[string](anna,
			background+` + ' ' + getComputedStyle(document.documentElement).colorScheme + ' ' + document.querySelector('meta[name=theme-color]').content`); got != dark+" dark #121512" {
			t.Errorf("%s is %s, want %s dark #121512", path, got, dark)
		}
	}
	// The theme is stored with the account. Visitors get the system's theme.
	phone := s.phone(t, "anna")
	look(phone, "light")
	if got := ask[string](phone, background); got != dark {
		t.Errorf("on another device the page is %s, want %s", got, dark)
	}
	visitor := s.visitor(t).tab()
	look(visitor, "light")
	visitor.open("/login")
	if got := ask[string](visitor, background); got != light {
		t.Errorf("the page of a visitor is %s, want %s", got, light)
	}
	anna.open("/settings")
	anna.click(`input[name=theme][value=light]`)
	save(anna, "look")
	look(anna, "dark")
	if got := ask[string](anna, background); got != light {
		t.Errorf("with the light theme on a dark system the page is %s, want %s", got, light)
	}
}

func TestPasswordChangeEndsOtherDevices(t *testing.T) {
	parallel(t)
	s := startServer(t)
	home := s.person(t, "anna")
	board, anna := home.board(), home.tab()
	anna.allow(`status of 403`)
	phone := s.phone(t, "anna")
	anna.open("/settings")
	anna.fill("#old_password", "wrong password")
	anna.fill("#password", "another good password")
	anna.clickThrough(`form[action$="password"] button.main`)
	wantDescribed(anna, "#old_password", "Wrong password")
	if got := anna.value("#old_password") + anna.value("#password"); got != "" {
		t.Errorf("the page still has the passwords %q", got)
	}
	anna.fill("#old_password", password)
	anna.fill("#password", "another good password")
	save(anna, "password")
	phone.untilAt("/login", soon)
	board.untilState("anna", "online", soon)
	board.reload()
	board.untilLive()
	phone.fill("#username", "anna")
	phone.fill("#password", "another good password")
	phone.clickThrough("form button.main")
	phone.untilLive()
}

func TestEndDevice(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").tab()
	phone, laptop := s.phone(t, "anna"), s.visitor(t).tab()
	laptop.open("/login")
	laptop.fill("#username", "anna")
	laptop.fill("#password", password)
	laptop.clickThrough("form button.main")
	laptop.untilLive()
	anna.open("/settings")
	if got := anna.text(".devices"); strings.Count(got, "Chrome on Linux\n") != 1 || strings.Count(got, "this one") != 1 ||
		strings.Count(got, "open now") != 2 {
		t.Errorf("the devices are\n%s\nwant one Chrome on Linux, one marked as this one, and two with the board open", got)
	}
	anna.clickThrough(`.devices form button`) // of the device used last
	laptop.untilAt("/login", soon)
	phone.untilState("anna", "online", soon)
	anna.until("the page says so", `document.querySelector('.saved').innerText.includes('Signed out 1 other device.')`,
		patience)
	anna.clickThrough(`form[action$="end-others"] button`)
	phone.untilAt("/login", soon)
	if got := ask[int](anna, `document.querySelectorAll('.devices li').length`); got != 1 {
		t.Errorf("%d devices are left, want only this one", got)
	}
}

func TestDeleteAccount(t *testing.T) {
	parallel(t)
	s := startServer(t)
	ben := s.person(t, "ben").board()
	home := s.person(t, "anna")
	board := home.board()
	ben.untilState("anna", "online", soon)
	anna := home.tab()
	anna.allow(`status of (422|403)`)
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
	board.untilAt("/login", soon)
	if got := ben.loaded(); got != 1 {
		t.Errorf("ben's page was loaded %d times, want once", got)
	}
	s.post("/signup", url.Values{"username": {"anna"}, "password": {password}}) // the username is free again
}

func TestDownload(t *testing.T) {
	parallel(t)
	s := startServer(t)
	home := s.person(t, "anna")
	anna := home.tab()
	folder := t.TempDir()
	err := cdp.SetDownloadBehavior(cdp.SetDownloadBehaviorBehaviorAllow).WithBrowserContextID(home.id).WithDownloadPath(folder).Do(home.browser.executor())
	if err != nil {
		t.Fatal(err)
	}
	anna.open("/settings")
	anna.click(`a[href$="my-data.json"]`)
	var file []byte
	err = within(patience, func() (bool, string) {
		file, err = os.ReadFile(filepath.Join(folder, "rollcall-anna.json"))
		return err == nil && json.Valid(file), "there is no complete rollcall-anna.json"
	})
	if err != nil {
		t.Fatal(err)
	}
	var data struct {
		Account struct {
			Username string `json:"username"`
		} `json:"account"`
	}
	if err := json.Unmarshal(file, &data); err != nil || data.Account.Username != "anna" {
		t.Errorf("the file holds %s, %v, want anna's data", file, err)
	}
	anna.untilAt("/settings", patience)
	anna.clickThrough(`a[href$="/stored"]`)
	if got := anna.text("main"); !strings.Contains(got, "anna") ||
		!strings.Contains(got, "no record of when you were here") {
		t.Errorf("the page about stored data says\n%s", got)
	}
}

// All settings work without JavaScript.
func TestSettingsWithoutJavaScript(t *testing.T) {
	parallel(t)
	s := startServer(t)
	ben := s.person(t, "ben").board()
	phone := s.person(t, "anna").board()
	home := s.visitor(t)
	home.setCookies(s.signIn("anna"))
	anna := home.tab()
	anna.allow(`status of (422|403)`)
	anna.run(emulation.SetScriptExecutionDisabled(true))
	saved := func(what string) {
		t.Helper()
		anna.until(what+" is saved",
			`document.querySelector('.saved')?.innerText.includes('Saved.') && document.activeElement.matches('.saved')`,
			patience)
	}
	anna.open("/settings")
	anna.typeInto("#display_name", "Anna Berg")
	anna.submit()
	saved("the name")
	ben.until("anna has her new name", `document.querySelector('[data-user=anna] bdi').innerText === 'Anna Berg'`, soon)
	anna.typeInto("#time_zone", "Nowhere")
	anna.submit()
	anna.until("the page says what is wrong",
		`document.activeElement.id === 'time_zone' && document.querySelector('#time_zone-error') && document.activeElement.value === 'Nowhere'`, patience)
	anna.typeInto("#time_zone", "Asia/Tokyo")
	anna.submit()
	saved("the time zone")
	anna.focus("input[name=theme][value=dark]")
	anna.press(" ")
	anna.submit()
	saved("the theme")
	anna.typeInto("#old_password", password)
	anna.typeInto("#password", "another good password")
	anna.submit()
	saved("the password")
	phone.untilAt("/login", soon)
	anna.focus(".danger summary")
	anna.press(" ")
	anna.typeInto("#confirm_username", "anna")
	anna.typeInto("#confirm_password", "another good password")
	anna.submit()
	anna.untilAt("/login", patience)
	ben.untilState("anna", "none", soon)
}

func TestAccessibleSettings(t *testing.T) {
	parallel(t)
	s := startServer(t)
	home := s.person(t, "anna")
	s.phone(t, "anna")
	anna := home.tab()
	anna.allow(`status of (422|403)`)
	look(anna, "light")
	for _, path := range []string{"/settings", "/settings/stored", "/settings/hooks", "/settings/hooks/new", "/settings?saved=profile", "/login?deleted=1"} {
		anna.open(path)
		wantAccessible(anna, path)
	}
	anna.open("/settings")
	anna.click(".danger summary")
	wantAccessible(anna, "the settings with the form to delete the account")
	anna.fill("#confirm_username", "anna")
	anna.fill("#confirm_password", "wrong password")
	anna.clickThrough(".danger button.grave")
	wantAccessible(anna, "a rejected deletion")
	anna.fill("#display_name", "a\u200bb")
	anna.clickThrough(`form[action$="profile"] button.main`)
	wantAccessible(anna, "a rejected name")
	for _, theme := range []string{"dark", "light"} { // each once different from the system's
		anna.open("/settings")
		anna.click(`input[name=theme][value=` + theme + `]`)
		save(anna, "look")
		wantAccessible(anna, "the settings with the theme "+theme)
	}
	visitor := s.visitor(t).tab()
	look(visitor, "light")
	visitor.open("/login?deleted=1")
	wantAccessible(visitor, "the sign-in page after deleting")
}

// People on the settings pages are online, and go to the sign-in page when their session ends.
func TestSettingsAreLive(t *testing.T) {
	parallel(t)
	s := startServer(t, "--grace-clean=200ms", "--grace-dropped=200ms")
	ben := s.person(t, "ben").board()
	anna := s.person(t, "anna").board()
	ben.untilState("anna", "online", soon)
	ben.forget()
	for _, path := range []string{"/settings", "/settings/stored"} {
		anna.open(path)
		anna.untilLive()
		ben.untilState("anna", "online", soon)
		title := ask[string](anna, `document.title`)
		newcomer := "new" + path[len(path)-1:]
		s.person(t, newcomer).board()
		ben.untilState(newcomer, "online", soon) // changes the count in titles of boards
		anna.until("the page is connected", `document.documentElement.dataset.conn === 'on'`, soon)
		if got := ask[string](anna, `document.title`); got != title || !strings.Contains(got, "· Rollcall") {
			t.Errorf("the title of %s became %q, want %q", path, got, title)
		}
	}
	anna.open("/settings")
	anna.untilLive()
	s.cli("passwd", "anna", "--password-stdin")
	anna.untilAt("/login", soon)
	if got := ask[string](anna, `new URLSearchParams(location.search).get('next')`); got != "/settings" {
		t.Errorf("after signing in anna returns to %q, want /settings", got)
	}
}

// On a phone nothing is wider than the screen.
func TestSettingsOnAPhone(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").tab()
	anna.run(emulation.SetDeviceMetricsOverride(390, 844, 1, true))
	for _, path := range []string{"/settings", "/settings/stored", "/settings/hooks", "/settings/hooks/new"} {
		anna.open(path)
		if got := ask[int](anna, `document.documentElement.scrollWidth`); got > 390 {
			t.Errorf("%s is %d px wide on a phone of 390", path, got)
		}
		if got := ask[[]string](anna,
			`[...document.querySelectorAll('main :is(button, input, .choice, summary)')].filter(e => e.checkVisibility() && !e.closest('.choice input') && e.getBoundingClientRect().height < 40 && !e.matches('.choice input')).map(e => e.outerHTML)`); len(got) > 0 {
			t.Errorf("%s has controls that are too small to tap: %q", path, got)
		}
	}
}

// TestDoubleClick: a form isn't sent twice in quick succession. Another form is, and so is any form after going back.
func TestDoubleClick(t *testing.T) {
	parallel(t)
	anna := startServer(t).person(t, "anna").tab()
	anna.open("/settings")
	got := ask[string](anna, `(() => {
		const [one, two] = document.querySelectorAll('main form');
		const send = form => form.dispatchEvent(new SubmitEvent('submit', { bubbles: true, cancelable: true })) ? 'sent' : 'stopped';
		const first = [one, one, two, two].map(send);
		dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
		return [...first, send(two)].join(' ');
	})()`)
	if want := "sent stopped sent stopped sent"; got != want {
		t.Errorf("two forms, submitted twice each, and the second again after going back = %q, want %q", got, want)
	}
}
