package e2e_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// wrongSignup is a form that the server refuses: what was typed, and the field beside which it must say why.
var wrongSignup = []struct {
	name                        string
	username, display, password string
	field                       string // that is complained about
	says                        string // part of the complaint
}{
	{"username with a space", "an na", "Anna Berg", password, "username", "letters"},
	{"reserved username", "admin", "Anna Berg", password, "username", ""},
	{"common password", "anna", "Anna Berg", "password1", "password", "very common"},
	{"name with an invisible character", "anna", "Anna\u200bBerg", password, "display_name", "invisible"},
	{"taken username", "TAKEN", "Anna Berg", password, "username", "taken"},
}

func TestSignUp(t *testing.T) {
	parallel(t)
	s := startServer(t)
	s.addUser("taken")
	anna := s.visitor(t).tab()
	anna.allow(`status of (422|409)`) // the browser logs refusals as failed loads

	anna.open("/")
	anna.untilAt("/login", patience)
	anna.clickThrough(`a[href="/signup"]`)
	for _, wrong := range wrongSignup {
		anna.fill("#username", wrong.username)
		anna.fill("#display_name", wrong.display)
		anna.fill("#password", wrong.password)
		anna.clickThrough("form button.main")
		complaint := anna.text(".field:has(#" + wrong.field + ") .wrong")
		if complaint == "" || !strings.Contains(strings.ToLower(complaint), wrong.says) {
			t.Errorf("%s: beside %s the page says %q, want something with %q", wrong.name, wrong.field, complaint, wrong.says)
		}
		if got := ask[int](anna, `document.querySelectorAll('.wrong').length`); got != 1 {
			t.Errorf("%s: %d complaints, want 1", wrong.name, got)
		}
		wantDescribed(anna, "#"+wrong.field, complaint)
		if got := anna.value("#username"); got != wrong.username {
			t.Errorf("%s: the username field holds %q, want %q as typed", wrong.name, got, wrong.username)
		}
		if got := anna.value("#display_name"); got != strings.TrimSpace(wrong.display) {
			t.Errorf("%s: the name field holds %q, want %q as typed", wrong.name, got, wrong.display)
		}
		if got := anna.value("#password"); got != wrong.password {
			t.Errorf("%s: the password field holds %q, want it as typed", wrong.name, got)
		}
		anna.until("the focus is on the wrong field", `document.activeElement.id === `+quote(wrong.field), patience)
	}

	anna.fill("#username", "Anna")
	anna.fill("#display_name", "Anna Berg")
	anna.fill("#password", password)
	before := anna.loaded()
	anna.press(kb.Enter)
	anna.untilLoaded(before)
	anna.untilAt("/", patience)
	anna.untilLive()
	anna.untilState("anna", "online", patience)
	if got := anna.text(`[data-user=anna] bdi`); got != "Anna Berg" {
		t.Errorf("the own row names %q, want Anna Berg", got)
	}
}

// wantDescribed fails the test unless assistive technology is told that a field is wrong, and why.
func wantDescribed(b *tab, selector, complaint string) {
	b.t.Helper()
	field := `document.querySelector(` + quote(selector) + `)`
	if !ask[bool](b, field+`.ariaInvalid === 'true'`) {
		b.t.Errorf("%s is not marked as invalid", selector)
	}
	described := ask[string](b, `(`+field+`.getAttribute('aria-describedby') ?? '').split(' ').map(id => document.getElementById(id)?.innerText).join(' ')`)
	if !strings.Contains(described, complaint) {
		b.t.Errorf("%s is described by %q, want %q in it", selector, described, complaint)
	}
}

// The browser itself stops what cannot be right, before anything is sent.
func TestSignUpStoppedByTheBrowser(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.visitor(t).tab()
	anna.open("/signup")
	for _, wrong := range []struct{ username, password, field string }{
		{"", password, "username"},
		{"anna", "short", "password"},
		{"anna", "", "password"},
	} {
		anna.fill("#username", wrong.username)
		anna.fill("#password", wrong.password)
		before := anna.loaded()
		anna.click("form button.main")
		anna.until("the focus is on the wrong field", `document.activeElement.id === `+quote(wrong.field), patience)
		if anna.loaded() != before {
			t.Errorf("sign-up as %q with %q was sent, want the browser to stop it", wrong.username, wrong.password)
		}
	}
}

func TestSignInAndOut(t *testing.T) {
	parallel(t)
	s := startServer(t)
	s.addUser("anna", "--display-name", "Anna Berg", "--team", "Lab")
	anna := s.visitor(t).tab()
	anna.allow(`status of 422`)

	const wanted = "/?team=Lab"
	anna.open(wanted)
	anna.untilAt("/login", patience)
	anna.fill("#username", "anna")
	anna.fill("#password", "wrong password")
	anna.clickThrough("form button.main")
	anna.until("the page says what is wrong", `document.querySelector('[role=alert]').innerText.includes('Wrong username or password')`, patience)
	if got := anna.value("#username"); got != "anna" {
		t.Errorf("the username field holds %q, want what was typed", got)
	}
	anna.until("the focus is on the password", `document.activeElement.id === 'password'`, patience)

	anna.press(password) // the focus is there already
	anna.click(".reveal")
	if got := ask[string](anna, `document.querySelector('#password').type + ' ' + document.querySelector('#password').value`); got != "text "+password {
		t.Errorf("after Show the password field is %q, want the password in sight", got)
	}
	anna.clickThrough("form button.main")
	anna.untilLive()
	if got := ask[string](anna, `location.pathname + location.search`); got != wanted {
		t.Errorf("after signing in the page is %s, want %s, which was asked for", got, wanted)
	}
	if got := ask[string](anna, `document.cookie`); got != "" {
		t.Errorf("scripts can read the cookies %q, want none", got)
	}

	anna.open("/login") // who is signed in needs no form
	anna.untilAt("/", patience)
	anna.untilLive()
	signOut(anna)
	anna.open("/")
	anna.untilAt("/login", patience)

	// Neither the browser's memory nor its cache shows the board again.
	before := anna.loaded()
	anna.tell(`history.go(-2)`)
	anna.untilLoaded(before)
	anna.untilAt("/login", patience)
	if ask[bool](anna, `document.body.innerText.includes('Anna Berg')`) {
		t.Errorf("after signing out, Back shows the board: %s", anna.describe())
	}
}

// signOut signs out by the account menu, once nothing in it moves any more.
func signOut(b *tab) {
	b.t.Helper()
	b.openMenu()
	b.clickThrough(`.menu form[action$="/logout"] button`)
	b.untilAt("/login", patience)
}
