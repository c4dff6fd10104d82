package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
)

// hookTester is a HookTester that notes whom it was asked about.
type hookTester struct {
	answers accounts.Delivery
	asked   []string
}

func (x *hookTester) Test(_ context.Context, h accounts.Hook) (accounts.Delivery, string) {
	x.asked = append(x.asked, h.URL)
	d := x.answers
	d.At, d.Event, d.Tries, d.Took = time.Now(), accounts.TestEvent, 1, 84*time.Millisecond
	return d, "v1,c2lnbmVk"
}

func hookForm(changes ...string) url.Values {
	form := url.Values{"name": {"Lamp <b>"}, "url": {"https://hooks.example/in?key=its-key"}, "format": {"standard"}, "about": {"all"},
		"states": {"on"}, "settle": {""}, "team": {""}, "person": {""}}
	for i := 0; i+1 < len(changes); i += 2 {
		if form.Del(changes[i]); changes[i+1] != "-" {
			form.Set(changes[i], changes[i+1])
		}
	}
	return form
}

// hooks returns the webhooks of a person.
func (f *fixture) hooks(name string) []accounts.Hook {
	f.t.Helper()
	all, err := f.store.Hooks(f.t.Context(), f.uid(name))
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}

// wantParts fails the test unless a response holds all of the texts.
func wantParts(t *testing.T, what string, a answer, texts ...string) {
	t.Helper()
	wantHolds(t, what, a.body, texts...)
}

// escapedSecret returns a secret as templates escape it.
func escapedSecret(secret string) string { return strings.ReplaceAll(secret, "+", "&#43;") }

// A webhook is made, shown, tested, changed, renewed, paused, started and deleted, without a script.
func TestHookPages(t *testing.T) {
	t.Parallel()
	tester := &hookTester{answers: accounts.Delivery{Status: 204}}
	f := newFixture(t, func(cfg *Config) { cfg.Hooks = tester })
	ada := f.member("ada")
	wantParts(t, "the empty list", ada.get("/settings/hooks"), "You have no webhooks.", `href="/settings/hooks/new"`)
	wantParts(t, "the settings", ada.get("/settings"), `href="/settings/hooks"`)
	made := ada.do("POST", "/settings/hooks/new", hookForm())
	wantStatus(t, "POST a new webhook", made, http.StatusOK)
	h := f.hooks("ada")[0]
	path := "/settings/hooks/" + h.ID
	wantParts(t, "the page of the secret", made, escapedSecret(h.Secret), "Lamp &lt;b&gt;", path)
	if h.Settle != 30*time.Second || h.Texts || !h.States {
		t.Errorf("the webhook is %+v, want the default delay, and states alone", h)
	}
	for _, page := range []string{"/settings/hooks", path} {
		a := ada.get(page)
		wantStatus(t, page, a, http.StatusOK)
		wantParts(t, page, a, "Lamp &lt;b&gt;", "On.")
		if strings.Contains(a.body, escapedSecret(h.Secret)) {
			t.Errorf("%s shows the secret again", page)
		}
	}
	if list := ada.get("/settings/hooks").body; strings.Contains(list, "its-key") || !strings.Contains(list, "hooks.example") {
		t.Error("the list shows the whole address, which may be a secret, or not the host")
	}

	tested := ada.do("POST", path+"/test", url.Values{})
	wantStatus(t, "a test", tested, http.StatusOK)
	wantParts(t, "a test", tested, "The address answered 204 (No Content).", "84 ms", "webhook-signature: v1,c2lnbmVk", `translate="no">test<`)
	tester.answers = accounts.Delivery{Reason: accounts.ReasonAddress}
	wantParts(t, "a refused test", ada.do("POST", path+"/test", url.Values{}), "--webhook-allow", "not a public address")

	wantRedirect(t, "a change", ada.do("POST", path, hookForm("name", "Desk", "format", "slack", "texts", "on")), path+"?saved=changed")
	if h = f.hooks("ada")[0]; h.Label != "Desk" || h.Format != accounts.HookSlack || h.Settle != time.Minute || !h.Texts {
		t.Errorf("after the change, the webhook is %+v", h)
	}
	renewed := ada.do("POST", path+"/rotate", url.Values{})
	if h = f.hooks("ada")[0]; h.Old == "" {
		t.Errorf("after the renewal, the secrets are %+v", h.HookSecrets)
	}
	wantParts(t, "the renewal", renewed, escapedSecret(h.Secret), "The previous secret also signs")
	wantParts(t, "the page after the renewal", ada.get(path), "The previous secret also signs until")
	wantRedirect(t, "a pause", ada.do("POST", path+"/pause", url.Values{}), path+"?saved=paused")
	wantParts(t, "the paused page", ada.get(path+"?saved=paused"), "Paused.", path+"/start")
	wantRedirect(t, "a start", ada.do("POST", path+"/start", url.Values{}), path+"?saved=started")
	wantRedirect(t, "a reload", ada.get(path+"/test"), path)
	wantRedirect(t, "a deletion", ada.do("POST", path+"/delete", url.Values{}), "/settings/hooks?saved=deleted")
	wantStatus(t, "the deleted webhook", ada.get(path), http.StatusNotFound)
	if log := f.logs.String(); strings.Contains(log, "its-key") || strings.Contains(log, "whsec_") {
		t.Error("the log has an address or a secret")
	}
}

// A form that is refused says what is wrong, and loses nothing.
func TestHookFormErrors(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.member("ada")
	wantStatus(t, "POST a new webhook", ada.do("POST", "/settings/hooks/new", hookForm()), http.StatusOK)
	path := "/settings/hooks/" + f.hooks("ada")[0].ID
	for _, to := range []string{"/settings/hooks/new", path} {
		for _, tt := range []struct{ field, value, says string }{
			{"name", "", "Type a name."}, {"url", "hooks.example", "Enter a whole address"}, {"url", "", "Enter an address"},
			{"url", "https://a:b@hooks.example", "Remove the username"}, {"url", "https://hooks.example:22", "Use port 80"},
			{"format", "xml", "Choose one of the options."}, {"about", "some", "Choose one of the options."}, {"states", "-", "Choose at least one."},
			{"settle", "soon", "Choose 0 to 3600 whole seconds."}, {"settle", "99999", "Choose 0 to 3600 whole seconds."},
		} {
			a := ada.do("POST", to, hookForm(tt.field, tt.value))
			wantStatus(t, tt.field+" "+tt.value, a, http.StatusUnprocessableEntity)
			wantParts(t, tt.field+" "+tt.value, a, tt.says, "<title>Error: ", `aria-invalid="true"`)
			if tt.field != "name" {
				wantParts(t, tt.field, a, `value="Lamp &lt;b&gt;"`)
			}
		}
	}
	wantParts(t, "no team", ada.do("POST", path, hookForm("about", "team")), "Type a name for the team.")
	wantParts(t, "an unknown team", ada.do("POST", path, hookForm("about", "team", "team", "Nobodies")), "a team that you can see")
	wantParts(t, "no person", ada.do("POST", path, hookForm("about", "person")), "Enter a username.")
	wantParts(t, "an unknown person", ada.do("POST", path, hookForm("about", "person", "person", "zoe")), "somebody whom you can see", `value="zoe"`)
	wantParts(t, "several errors", ada.do("POST", path, hookForm("about", "team", "team", "Nobodies", "name", "", "url", "x")),
		"a team that you can see", "Type a name.", "Enter a whole address")
	f.person("bob")
	wantRedirect(t, "a person", ada.do("POST", path, hookForm("about", "person", "person", "@bob")), path+"?saved=changed")
	wantParts(t, "about a person", ada.get(path), `value="bob"`, "the list has no times either")
	for range accounts.MaxHooks - 1 {
		wantStatus(t, "POST a new webhook", ada.do("POST", "/settings/hooks/new", hookForm()), http.StatusOK)
	}
	wantParts(t, "one too many", ada.do("POST", "/settings/hooks/new", hookForm()), "You can have up to 10 webhooks.", `value="Lamp &lt;b&gt;"`)
	if list := ada.get("/settings/hooks").body; strings.Contains(list, `href="/settings/hooks/new"`) {
		t.Error("the full list offers another webhook")
	}
}

// Changing anything takes a proof, and other people's webhooks don't exist.
func TestHooksAreProtected(t *testing.T) {
	t.Parallel()
	f, back := proofFixture(t, func(cfg *Config) { cfg.Hooks = &hookTester{} })
	ada := f.member("ada")
	wantStatus(t, "POST a new webhook", ada.do("POST", "/settings/hooks/new", hookForm()), http.StatusOK)
	path := "/settings/hooks/" + f.hooks("ada")[0].ID
	bob := f.member("bob")
	wantStatus(t, "another's page", bob.get(path), http.StatusNotFound)
	for _, act := range []string{"", "/test", "/rotate", "/pause", "/start", "/delete"} {
		wantStatus(t, "another's "+act, bob.do("POST", path+act, hookForm()), http.StatusNotFound)
	}
	wantRedirect(t, "a stranger", f.browser().get(path), "/login?next="+url.QueryEscape(path))
	back.Store(int64(proofAge + time.Second))
	late := f.browser()
	late.enter("ada")
	back.Store(0)
	for _, act := range []string{"", "/test", "/rotate", "/pause", "/start", "/delete"} {
		a := late.do("POST", path+act, hookForm())
		wantStatus(t, "without a proof: "+act, a, http.StatusForbidden)
		wantParts(t, "without a proof: "+act, a, "Confirm it", `value="Lamp &lt;b&gt;"`)
	}
	if len(f.hooks("ada")) != 1 || f.hooks("ada")[0].Stopped != "" {
		t.Errorf("without a proof, something happened: %+v", f.hooks("ada"))
	}
}

// People learn how many webhooks of others are about them. It's none of those who can't see them.
func TestHooksAboutMe(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob := f.member("ada"), f.member("bob")
	for range 2 {
		wantStatus(t, "bob's webhook", bob.do("POST", "/settings/hooks/new", hookForm()), http.StatusOK)
	}
	wantStatus(t, "ada's webhook", ada.do("POST", "/settings/hooks/new", hookForm()), http.StatusOK)
	wantParts(t, "what is stored", ada.get("/settings/stored"), "2 webhooks of 1 person")
	data := ada.get("/settings/my-data.json")
	wantParts(t, "the download", data, `"webhooks_about_me": 2`, `"url": "https://hooks.example/in?key=its-key"`)
	if strings.Contains(data.body, "whsec_") {
		t.Error("the download has a secret")
	}
	ctx := acting(t.Context())
	if err := f.store.ChangeSettings(ctx, func(x *accounts.Settings) error { x.Visibility = accounts.VisibleTeams; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := f.store.SetTeam(ctx, f.uid("bob"), "Dev"); err != nil {
		t.Fatal(err)
	}
	if err := f.server.live.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := ada.get("/settings/stored"); strings.Contains(a.body, "of 1 person") {
		t.Error("ada learns of webhooks of somebody who can't see her")
	}
	path := "/settings/hooks/" + f.hooks("ada")[0].ID
	wantParts(t, "a hidden team", ada.do("POST", path, hookForm("about", "team", "team", "Dev")), "a team that you can see")
	wantParts(t, "a hidden person", ada.do("POST", path, hookForm("about", "person", "person", "bob")), "somebody whom you can see")
	if a := ada.get(path); strings.Contains(a.body, `value="Dev"`) {
		t.Error("a hidden team is offered")
	}
}

// Changes of webhooks, each of which adds a line to the audit log, are limited per day.
func TestHookActsAreLimited(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Acts = 0 })
	ada := f.member("ada")
	wantStatus(t, "POST a new webhook", ada.do("POST", "/settings/hooks/new", hookForm()), http.StatusOK)
	path := "/settings/hooks/" + f.hooks("ada")[0].ID
	for range hookActs - 1 {
		wantRedirect(t, "a pause", ada.do("POST", path+"/pause", url.Values{}), path+"?saved=paused")
	}
	wantStatus(t, "one pause too many", ada.do("POST", path+"/pause", url.Values{}), http.StatusTooManyRequests)
	wantStatus(t, "one change too many", ada.do("POST", path, hookForm()), http.StatusTooManyRequests)
}
