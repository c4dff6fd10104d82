package e2e_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// wrongSignup lists sign-up forms that the server rejects, and the field that must have the error message.
var wrongSignup = []struct {
	name                        string
	username, display, password string
	field                       string // that has the error
	says                        string // part of the error message
}{
	{"username with a space", "an na", "Anna Berg", password, "username", "letters"},
	{"common password", "anna", "Anna Berg", "password1", "password", "very common"},
	{"name with an invisible character", "anna", "Anna\u200bBerg", password, "display_name", "invisible"},
	{"taken username", "TAKEN", "Anna Berg", password, "username", "taken"},
}

func TestSignUp(t *testing.T) {
	parallel(t)
	s := startServer(t)
	s.addUser("taken")
	anna := s.visitor(t).tab()
	anna.allow(`status of (422|409)`) // the browser logs rejected forms as failed loads

	anna.open("/")
	anna.untilAt("/login", patience)
	anna.clickThrough(`a[href="/signup"]`)
	wantValidated(anna)
	for _, wrong := range wrongSignup {
		anna.fill("#username", wrong.username)
		anna.fill("#display_name", wrong.display)
		anna.fill("#password", wrong.password)
		anna.clickThrough("form button.main")
		message := anna.text(".field:has(#" + wrong.field + ") .wrong")
		if message == "" || !strings.Contains(strings.ToLower(message), wrong.says) {
			t.Errorf("%s: the message for %s is %q, want it to contain %q", wrong.name, wrong.field, message, wrong.says)
		}
		if got := ask[int](anna, `document.querySelectorAll('.wrong').length`); got != 1 {
			t.Errorf("%s: %d error messages, want 1", wrong.name, got)
		}
		wantDescribed(anna, "#"+wrong.field, message)
		if got := anna.value("#username"); got != wrong.username {
			t.Errorf("%s: the username field holds %q, want %q as typed", wrong.name, got, wrong.username)
		}
		if got := anna.value("#display_name"); got != strings.TrimSpace(wrong.display) {
			t.Errorf("%s: the name field holds %q, want %q as typed", wrong.name, got, wrong.display)
		}
		if got := anna.value("#password"); got != wrong.password {
			t.Errorf("%s: the password field holds %q, want it as typed", wrong.name, got)
		}
		anna.until("the field with the error has the focus", `document.activeElement.id === `+quote(wrong.field), patience)
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
		t.Errorf("anna's own row has the name %q, want Anna Berg", got)
	}
}

// wantDescribed fails the test unless a field is marked as invalid and described by message for assistive technology.
func wantDescribed(b *tab, selector, message string) {
	b.t.Helper()
	field := `document.querySelector(` + quote(selector) + `)`
	if !ask[bool](b, field+`.ariaInvalid === 'true'`) {
		b.t.Errorf("%s is not marked as invalid", selector)
	}
	described := ask[string](b,
		`(`+field+`.getAttribute('aria-describedby') ?? '').split(' ').map(id => document.getElementById(id)?.innerText).join(' ')`)
	if !strings.Contains(described, message) {
		b.t.Errorf("%s is described by %q, want %q in it", selector, described, message)
	}
}

// wantValidated fails the test unless the browser validates required fields and lengths before it sends the form.
func wantValidated(anna *tab) {
	anna.t.Helper()
	for _, wrong := range []struct{ username, password, field string }{
		{"", password, "username"},
		{"anna", "short", "password"},
		{"anna", "", "password"},
	} {
		anna.fill("#username", wrong.username)
		anna.fill("#password", wrong.password)
		before := anna.loaded()
		anna.click("form button.main")
		anna.until("the field with the error has the focus", `document.activeElement.id === `+quote(wrong.field), patience)
		if anna.loaded() != before {
			anna.t.Errorf("sign-up as %q with %q was sent, want the browser to stop it", wrong.username, wrong.password)
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
	anna.until("the page says what is wrong",
		`document.querySelector('[role=alert]').innerText.includes('Wrong username or password')`, patience)
	if got := anna.value("#username"); got != "anna" {
		t.Errorf("the username field holds %q, want it as typed", got)
	}
	anna.until("the password field has the focus", `document.activeElement.id === 'password'`, patience)

	anna.press(password) // the field already has the focus
	anna.click(".reveal")
	if got := ask[string](anna,
		`document.querySelector('#password').type + ' ' + document.querySelector('#password').value`); got != "text "+password {
		t.Errorf("after Show the password field is %q, want the password as text", got)
	}
	anna.clickThrough("form button.main")
	anna.untilLive()
	if got := ask[string](anna, `location.pathname + location.search`); got != wanted {
		t.Errorf("after signing in the page is %s, want %s, the page requested first", got, wanted)
	}
	if got := ask[string](anna, `document.cookie`); got != "" {
		t.Errorf("scripts can read the cookies %q, want none", got)
	}

	anna.open("/login") // people who are signed in skip the form
	anna.untilAt("/", patience)
	anna.untilLive()
	signOut(anna)
	if got := anna.text("main [role=status]"); got != "You're signed out." {
		t.Errorf("after signing out, the page says %q, want that anna is signed out", got)
	}
	anna.reload()
	if got := anna.text("main"); strings.Contains(got, "signed out") {
		t.Errorf("after a reload, the page says it again: %s", got)
	}
	anna.open("/")
	anna.untilAt("/login", patience)

	// Going back must not show the board from the browser's memory or cache.
	before := anna.loaded()
	anna.tell(`setTimeout(() => history.go(-2))`) // after the answer
	anna.untilLoaded(before)
	anna.untilAt("/login", patience)
	if ask[bool](anna, `document.body.innerText.includes('Anna Berg')`) {
		t.Errorf("after signing out, Back shows the board: %s", anna.describe())
	}
}

// signOut signs out with the account menu.
func signOut(b *tab) {
	b.t.Helper()
	b.openMenu()
	b.clickThrough(`.menu form[action$="/logout"] button`)
	b.untilAt("/login", patience)
}
