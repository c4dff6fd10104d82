package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestSignup(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b := f.browser()
	a := b.do("POST", "/signup", url.Values{"username": {" Ada "}, "display_name": {"Ada Lovelace"}, "password": {goodPassword}, "next": {"/?q=x"}})
	wantRedirect(t, "POST /signup", a, "/?q=x")
	if !b.signedIn() {
		t.Error("not signed in after POST /signup")
	}
	if b.cookie("rollcall-known") == nil && b.cookies["rollcall-known"] == "" {
		t.Error("the browser is not known after POST /signup")
	}
	if a := b.get("/"); !strings.Contains(a.body, "Ada Lovelace") || !strings.Contains(a.body, "@ada") {
		t.Errorf("GET / does not name the person:\n%s", a.body)
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
		{"bad name", url.Values{"username": {"no spaces"}, "password": {goodPassword}}, http.StatusUnprocessableEntity, "username"},
		{"no name", url.Values{"password": {goodPassword}}, http.StatusUnprocessableEntity, "username"},
		{"short password", url.Values{"username": {"bob"}, "password": {"short"}}, http.StatusUnprocessableEntity, "password"},
		{"no password", url.Values{"username": {"bob"}}, http.StatusUnprocessableEntity, "password"},
		{"long display name", url.Values{"username": {"bob"}, "display_name": {strings.Repeat("x", 300)}, "password": {goodPassword}}, http.StatusUnprocessableEntity, "display_name"},
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
					t.Errorf("%q is not kept:\n%s", kept, a.body)
				}
			}
			if password := tt.form.Get("password"); password != "" && strings.Contains(a.body, password) {
				t.Error("the page holds the password")
			}
		})
	}
}

func TestSignupClosed(t *testing.T) {
	f := newFixture(t, func(cfg *Config) { cfg.SignupOpen = false })
	for _, a := range []answer{f.browser().get("/signup"), f.browser().signup("ada", goodPassword)} {
		wantStatus(t, "/signup", a, http.StatusForbidden)
		if !strings.Contains(a.body, "Sign-up is closed") {
			t.Errorf("the page does not say so:\n%s", a.body)
		}
	}
	if a := f.browser().get("/login"); strings.Contains(a.body, "/signup") {
		t.Errorf("GET /login offers to sign up:\n%s", a.body)
	}
	wantStatus(t, "POST /login", f.browser().login("ada", goodPassword), http.StatusUnprocessableEntity)
}
