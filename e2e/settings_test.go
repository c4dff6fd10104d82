package e2e_test

import (
	"encoding/json"
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

// Typing a custom time selects that option, and the browser rejects an invalid time. Submitting a form twice in quick
// succession sends it once.
func TestSettingsForms(t *testing.T) {
	parallel(t)
	anna := startServer(t).person(t, "anna").tab()
	anna.open("/settings")
	anna.untilLive()
	wantSentOnce(anna)
	anna.reload()
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

// wantSentOnce submits forms twice, and fails the test unless each is sent once, and again after going back.
func wantSentOnce(b *tab) {
	b.t.Helper()
	got := ask[string](b, `(() => {
		const [one, two] = document.querySelectorAll('main form');
		const send = form => form.dispatchEvent(new SubmitEvent('submit', { bubbles: true, cancelable: true })) ? 'sent' : 'stopped';
		const first = [one, one, two, two].map(send);
		dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
		return [...first, send(two)].join(' ');
	})()`)
	if want := "sent stopped sent stopped sent"; got != want {
		b.t.Errorf("two forms, submitted twice each, and the second again after going back = %q, want %q", got, want)
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
	for _, path := range []string{"/settings", "/settings/stored", "/settings/hooks"} {
		anna.open(path)
		wantAccessible(anna, path)
	}
	anna.open("/settings")
	anna.click(".danger summary")
	anna.fill("#confirm_username", "anna")
	anna.fill("#confirm_password", "wrong password")
	anna.clickThrough(".danger button.grave")
	wantAccessible(anna, "a rejected deletion")
	anna.fill("#display_name", "a\u200bb")
	anna.clickThrough(`form[action$="profile"] button.main`)
	wantAccessible(anna, "a rejected name")
	anna.open("/settings")
	anna.click(`input[name=theme][value=dark]`)
	save(anna, "look")
	wantAccessible(anna, "the settings with the dark theme, on a light and on a dark system")
	visitor := s.visitor(t).tab()
	look(visitor, "light")
	visitor.open("/login?deleted=1")
	wantAccessible(visitor, "the sign-in page after deleting")
}
