package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rollcall/accounts"
)

func TestSignup(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b := f.browser()
	a := b.do("POST", "/signup",
		url.Values{"username": {" Ada "}, "display_name": {"Ada Lovelace"}, "password": {goodPassword}, "next": {"/?q=x"}})
	wantRedirect(t, "POST /signup", a, "/?q=x")
	if !b.signedIn() {
		t.Error("not signed in after POST /signup")
	}
	if b.cookie("rollcall-known") == nil && b.cookies["rollcall-known"] == "" {
		t.Error("the browser isn't a known one after POST /signup")
	}
	if a := b.get("/"); !strings.Contains(a.body, "Ada Lovelace") || !strings.Contains(a.body, "@ada") {
		t.Errorf("GET / doesn't name the person:\n%s", a.body)
	}
	wantRedirect(t, "POST /login", f.browser().login("ADA", goodPassword), "/")
}

func TestRefusedSignups(t *testing.T) {
	f := newFixture(t)
	f.person("taken")
	tests := []struct {
		name   string
		form   url.Values
		status int
		field  string // whose error is shown
	}{
		{"taken", url.Values{"username": {"Taken"}, "password": {goodPassword}}, http.StatusConflict, "username"},
		{"bad name", url.Values{"username": {"no spaces"}, "password": {goodPassword}}, http.StatusUnprocessableEntity,
			"username"},
		{"no name", url.Values{"password": {goodPassword}}, http.StatusUnprocessableEntity, "username"},
		{"short password", url.Values{"username": {"bob"}, "password": {"short"}}, http.StatusUnprocessableEntity,
			"password"},
		{"no password", url.Values{"username": {"bob"}}, http.StatusUnprocessableEntity, "password"},
		{"long display name", url.Values{"username": {"bob"}, "display_name": {strings.Repeat("x", 300)},
			"password": {goodPassword}}, http.StatusUnprocessableEntity, "display_name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := f.browser()
			tt.form.Set("next", "/?team=red")
			a := b.do("POST", "/signup", tt.form)
			wantStatus(t, "POST /signup", a, tt.status)
			if b.cookie("rollcall") != nil {
				t.Error("a refused sign-up set a session cookie")
			}
			if !strings.Contains(a.body, `id="`+tt.field+`-error"`) {
				t.Errorf("no message beside %s:\n%s", tt.field, a.body)
			}
			for _, kept := range []string{tt.form.Get("username"), "/?team=red"} {
				if !strings.Contains(a.body, `value="`+kept+`"`) {
					t.Errorf("%q isn't kept:\n%s", kept, a.body)
				}
			}
			if password := tt.form.Get("password"); password != "" && !strings.Contains(a.body, ` value="`+password+`"`) {
				t.Errorf("the password isn't kept:\n%s", a.body)
			}
		})
	}
}

// A form shows the errors of all its fields at once, including a taken username.
func TestRefusedSignupShowsAllErrors(t *testing.T) {
	f := newFixture(t)
	f.person("taken")
	for _, tt := range []struct {
		username, display, password string
		fields                      []string
	}{
		{"no spaces", "a\u202Eb", "short", []string{"username", "display_name", "password"}},
		{"taken", strings.Repeat("x", 65), "password1", []string{"username", "display_name", "password"}},
		{"admin", "", "short", []string{"username", "password"}},
		{"bob", "\U0001D159", goodPassword, []string{"display_name"}},
	} {
		a := f.browser().do("POST", "/signup",
			url.Values{"username": {tt.username}, "display_name": {tt.display}, "password": {tt.password}})
		wantStatus(t, "POST /signup as "+tt.username, a, http.StatusUnprocessableEntity)
		for _, field := range tt.fields {
			if !strings.Contains(a.body, `id="`+field+`-error"`) {
				t.Errorf("as %q: no message beside %s", tt.username, field)
			}
		}
		if got := strings.Count(a.body, `-error">`); got != len(tt.fields) {
			t.Errorf("as %q: %d messages, want %d", tt.username, got, len(tt.fields))
		}
	}
}

// An invalid password isn't put back, because the field couldn't hold it unchanged.
func TestRefusedSignupDropsInvalidPassword(t *testing.T) {
	f := newFixture(t)
	for _, password := range []string{strings.Repeat("x", 257), "a\xffbcdefgh", "two\nlines of it"} {
		a := f.browser().do("POST", "/signup", url.Values{"username": {"no spaces"}, "password": {password}})
		if strings.Contains(a.body, password[:1]+password[1:8]) || !strings.Contains(a.body, `type="password" value=""`) {
			t.Errorf("the form holds %.20q:\n%s", password, a.body)
		}
	}
}

func TestSignupClosed(t *testing.T) {
	f := newFixture(t, func(cfg *Config) { cfg.Fixed.SignUp = accounts.SignUpOff })
	for _, a := range []answer{f.browser().get("/signup"), f.browser().signup("ada", goodPassword)} {
		wantStatus(t, "/signup", a, http.StatusForbidden)
		if !strings.Contains(a.body, "Sign-up is closed") {
			t.Errorf("the page doesn't say that sign-up is closed:\n%s", a.body)
		}
	}
	if a := f.browser().get("/login"); strings.Contains(a.body, "/signup") {
		t.Errorf("GET /login offers to sign up:\n%s", a.body)
	}
	wantStatus(t, "POST /login", f.browser().login("ada", goodPassword), http.StatusUnprocessableEntity)
}
