package e2e_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
)

var setupCode = regexp.MustCompile(`(?m)^Setup code: (\S+)$`)

// setUp sets up an empty board, starting on the page that visitors see first. Its base path is base.
func (b *window) setUp(s *server, base, username string) {
	b.t.Helper()
	b.open(base + "/")
	b.untilAt(base+"/setup", patience)
	if code := setupCode.FindStringSubmatch(s.log.String()); code != nil {
		b.enter("#code", code[1])
	}
	b.enter("#board_name", "Harbor Works")
	b.enter("#username", username)
	b.enter("#password", password)
	b.click("form button.main")
	b.untilAt(base+"/", patience)
	b.untilLive()
}

// From an empty folder to a board with two people.
func TestFirstRun(t *testing.T) {
	parallel(t)
	s := startServer(t)
	clara := s.visitor(t).tab()
	clara.allow(`status of 422`)
	look(clara, "light")
	clara.open("/")
	clara.untilAt("/setup", patience)
	if got := ask[bool](clara, `!!document.querySelector('#code')`); got {
		t.Error("a board that only this computer can open asks for a setup code")
	}
	clara.fill("#board_name", "Harbor Works")
	clara.fill("#display_name", "Clara Nyström")
	for id, want := range map[string]string{"board": "Harbor Works", "name": "Clara Nyström", "initials": "CN"} {
		clara.until("the preview shows "+want, `document.querySelector('#peek-`+id+`').textContent === `+quote(want),
			patience)
	}
	clara.fill("#username", "clara")
	clara.fill("#password", "password")
	clara.clickThrough("form button.main")
	if got := clara.text(".wrong"); !strings.Contains(got, "very common") || clara.value("#board_name") != "Harbor Works" {
		t.Errorf("the refused form says %q and holds the name %q", got, clara.value("#board_name"))
	}
	wantAccessible(clara, "/setup with an error")
	clara.fill("#password", password)
	clara.clickThrough("form button.main")
	clara.untilAt("/", patience)
	clara.untilLive()
	clara.untilState("clara", "online", soon)
	clara.until("the headline says it", `document.querySelector('#headline .is').innerText === 'Only you so far'`,
		patience)
	clara.until("the title has the name", `document.title === '1 here · Harbor Works'`, soon)
	if got := clara.text(".brand bdi"); got != "Harbor Works" {
		t.Errorf("the header says %q, want Harbor Works", got)
	}
	if got := clara.value("#address"); got != s.url+"/" {
		t.Errorf("the address to send is %q, want %s/", got, s.url)
	}
	wantEverywhere(clara, "a board of one")
	for width, want := range map[int]int{390: 1, 700: 1, 1000: 2, 1280: 3, 1920: 5} {
		clara.resize(width, 800)
		clara.until(fmt.Sprintf("free places at %d px", width), `[...document.querySelectorAll('.seats span')].filter(seat =>
			seat.offsetHeight > 60).length === `+fmt.Sprint(want), soon)
		if got := ask[int](clara, `document.documentElement.scrollWidth - innerWidth`); got > 0 {
			t.Errorf("at a width of %d px, a board of one scrolls %d px sideways", width, got)
		}
	}
	clara.resize(320, 700)
	copyAddress(clara)
	clara.run(emulation.ClearDeviceMetricsOverride())

	before := clara.loaded()
	s.signUp("ben")
	clara.until("the panel is gone", `!document.querySelector('#first').checkVisibility()
		&& !document.querySelector('.seats')?.checkVisibility()`, soon)
	clara.until("the headline counts", `document.querySelector('#headline .is').innerText === '1 person is here'`, soon)
	if clara.loaded() != before {
		t.Error("the page was loaded again, want it to change live")
	}
	clara.open("/setup")
	clara.untilAt("/", patience)
}

// copyAddress presses the button, in a browser that lets the page write to the clipboard and in one that doesn't.
func copyAddress(b *tab) {
	b.t.Helper()
	b.tell(`navigator.clipboard.writeText = async text => { window.copied = text; }`)
	b.click(".share button")
	b.until("the button says that it copied", `document.querySelector('.share button').innerText.trim() === 'Copied'`,
		patience)
	if got := ask[bool](b, `window.copied === document.querySelector('#address').value`); !got {
		b.t.Error("the button copied something else than the address")
	}
	if got := b.text("#copied"); got != "Copied" {
		b.t.Errorf("screen readers hear %q, want Copied", got)
	}
	b.tell(`navigator.clipboard.writeText = async () => { throw new Error('not allowed'); };
		document.execCommand = what => { window.ran = what + ' ' + getSelection(); return true; }`)
	b.click(".share button")
	b.until("the field is copied as by hand", `(window.ran ?? '').startsWith('copy')`, patience)
	if got := ask[bool](b, `(f => f.selectionStart === 0 && f.selectionEnd === f.value.length)(document.querySelector('#address'))`); !got {
		b.t.Error("the address isn't selected")
	}
}

// Without JavaScript, the form works, and the address can be selected.
func TestFirstRunWithoutScript(t *testing.T) {
	parallel(t)
	s := startServer(t, "--public-url=http://ADDR")
	clara := s.visitor(t).tab()
	clara.allow(`status of 403`)
	clara.run(emulation.SetScriptExecutionDisabled(true))
	clara.open("/")
	clara.untilAt("/setup", patience)
	clara.typeInto("#code", "abcd-efgh-ijkl-mnop")
	clara.typeInto("#board_name", "Harbor Works")
	clara.typeInto("#username", "clara")
	clara.typeInto("#password", password)
	clara.submit()
	clara.until("the page says that the code is wrong",
		`document.querySelector('#code-error')?.innerText.startsWith('Wrong setup code.')`, patience)
	clara.typeInto("#code", setupCode.FindStringSubmatch(s.log.String())[1])
	clara.submit()
	clara.untilAt("/", patience)
	if got := clara.text("#headline .is"); got != "Only you so far" {
		t.Errorf("the headline is %q, want Only you so far", got)
	}
	if got := clara.value("#address"); got != s.url+"/" {
		t.Errorf("the address is %q, want the public one, %s/", got, s.url)
	}
	if ask[bool](clara, `document.querySelector('.share button').checkVisibility()`) {
		t.Error("the button that copies is visible, want it only where it works")
	}
	clara.focus("#first form button")
	clara.submit()
	clara.until("there's a link to send",
		`document.querySelector('#link')?.value.startsWith(`+quote(s.url+"/join/")+`) && document.querySelector('main').innerText.includes('20 people')`, patience)
}

// Browsers can install the board as an app: the manifest has no errors, and its icons are there.
func TestInstallable(t *testing.T) {
	parallel(t)
	s := startServer(t, "--public-url=http://ADDR/team", "--board-name=Harbor Works")
	s.addUser("ada")
	visitor := s.visitor(t).tab()
	visitor.open("/team/login")
	var address, text string
	var wrong []*page.AppManifestError
	visitor.do("read the manifest", func(ctx context.Context) (err error) {
		address, wrong, text, _, err = page.GetAppManifest().Do(ctx)
		return err
	})
	if address != s.url+"/team/manifest.webmanifest" || len(wrong) > 0 || !strings.Contains(text, `"Harbor Works"`) {
		t.Errorf("manifest at %s with %v: %s", address, wrong, text)
	}
	icons := ask[[]string](visitor, `fetch('/team/manifest.webmanifest').then(answer => answer.json()).then(manifest =>
		Promise.all(manifest.icons.map(icon => new Promise(done => {
			const img = new Image();
			img.onload = () => done(img.naturalWidth + 'x' + img.naturalHeight === icon.sizes ? '' : icon.src + ' is ' + img.naturalWidth);
			img.onerror = () => done(icon.src + ' is missing');
			img.src = icon.src;
		}))))`)
	if got := strings.Join(icons, ""); len(icons) != 3 || got != "" {
		t.Errorf("icons: %q, want three of the sizes that the manifest says", icons)
	}
}

// On paper, the board has a date, and none of what only works on a screen.
func TestPrint(t *testing.T) {
	parallel(t)
	s := startServer(t)
	populate(s)
	anna := s.person(t, "anna").board()
	anna.run(emulation.SetEmulatedMedia().WithMedia("print"))
	for selector, want := range map[string]bool{
		".printed": true, "#headline": true, "[data-user=anna]": true, "[data-user=dov]": true, ".top": false,
		".tools": false, ".rest": false,
	} {
		if got := ask[bool](anna, `document.querySelector(`+quote(selector)+`).checkVisibility()`); got != want {
			t.Errorf("on paper, %s is shown: %t, want %t", selector, got, want)
		}
	}
	if got := anna.text(".printed"); !regexp.MustCompile(`^Rollcall, printed on \d+ \w+ \d{4}, \d\d:\d\d UTC$`).MatchString(got) {
		t.Errorf("the page says %q, want the date", got)
	}
	anna.tell(`document.querySelector('#printed-at').textContent = 'yesterday'; dispatchEvent(new Event('beforeprint'))`)
	if got := anna.text("#printed-at"); !regexp.MustCompile(`^\w+ \d+, \d{4} at \d+:\d\d\s[AP]M$`).MatchString(got) {
		t.Errorf("a page that has long been open is printed with the date %q, want the current one", got)
	}
}
