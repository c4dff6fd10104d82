package ui

import (
	"net/http"
	"strings"
	"testing"
)

func TestSignupKeepsWhatWasTyped(t *testing.T) {
	page := render(t, newUI(t, ""), SignupPage{
		Username: "Ada!", Password: `a "quoted" one`, DisplayName: "Ada Okafor", Next: "/?q=x",
		Errors: map[string]string{"username": "Only letters.", "password": "Too short."},
	})
	for _, want := range []string{
		`name="username" value="Ada!"`,
		`name="display_name" value="Ada Okafor"`,
		`type="password" value="a &#34;quoted&#34; one"`,
		`name="next" value="/?q=x"`,
		`role="alert"`,
		`aria-describedby="username-hint username-error" aria-invalid="true" autofocus`,
		`<p class="wrong" id="username-error">Only letters.</p>`,
		`aria-describedby="password-hint password-error" aria-invalid="true"`,
		`<p class="wrong" id="password-error">Too short.</p>`,
		`<title>Error: Create an account · Rollcall</title>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the form has no %s:\n%s", want, page)
		}
	}
	if n := strings.Count(page, "autofocus"); n != 1 {
		t.Errorf("%d fields have autofocus, want 1", n)
	}
	if strings.Contains(page, `id="display_name-error"`) {
		t.Error("a field without an error shows one")
	}
}

func TestLoginPage(t *testing.T) {
	u := newUI(t, "")
	page := render(t, u, LoginPage{Username: "ada", Message: "Wrong password."})
	for _, want := range []string{
		`<p class="alert" role="alert" id="message">Wrong password.</p>`,
		`value="ada"`, `autocomplete="username"`, `autocomplete="current-password"`, `aria-describedby="message"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the form has no %s", want)
		}
	}
	if strings.Contains(page, "/signup") {
		t.Error("the form links to the sign-up page, although sign-up is off")
	}
	page = render(t, u, LoginPage{Layout: Layout{SignupOpen: true}, Next: "/?q=a b"})
	if !strings.Contains(page, `href="/signup?next=%2f%3fq%3da%20b"`) {
		t.Errorf("the form doesn't link to the sign-up page: %s", page)
	}
}

func TestErrorPage(t *testing.T) {
	u := newUI(t, "")
	for _, status := range []int{400, 403, 404, 413, 429, 500, 502, 503} {
		page := render(t, u, ErrorPage{Status: status, RequestID: "r-17"})
		if strings.Contains(page, "<h1></h1>") || !strings.Contains(page, "r-17") {
			t.Errorf("page for %d = %s, want a heading and the request", status, page)
		}
	}
	page := render(t, u, ErrorPage{Status: http.StatusTooManyRequests, Heading: "Slow down", Message: "Wait 3 min."})
	if !strings.Contains(page, "<h1>Slow down</h1>") || !strings.Contains(page, "Wait 3 min.") {
		t.Errorf("page = %s, want the given heading and message", page)
	}
}

func TestMenuIsOnlyForSignedInPeople(t *testing.T) {
	u := newUI(t, "")
	in := render(t, u, ErrorPage{Layout: Layout{Viewer: &Viewer{UID: "u", Username: "ada", Name: "Ada",
		Me: Me{State: Away}}}})
	for _, want := range []string{`<bdi>Ada</bdi>`, "@ada", `href="/me">Your status</a>`, `method="post" action="/logout"`,
		`>Board</a>`} {
		if !strings.Contains(in, want) {
			t.Errorf("the page for a signed-in person has no %s", want)
		}
	}
	out := render(t, u, ErrorPage{})
	for _, not := range []string{"/logout", "account", "me.css"} {
		if strings.Contains(out, not) {
			t.Errorf("the page for a visitor has %s", not)
		}
	}
}

// A page with a live connection has the settings for it. Without them, the script doesn't open one.
func TestLivePagesHaveSettings(t *testing.T) {
	files := sources(t)
	for name, file := range files {
		text := string(file.Data)
		if strings.Contains(text, `{{template "here"}}`) && !strings.Contains(text, `{{template "live-settings"}}`) {
			t.Errorf("%s has a live connection, and no settings for it", name)
		}
	}
}
