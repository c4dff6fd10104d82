package handlers

import (
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
)

// A webhook of the API is one of the settings: with the same defaults, limits, and secrets that are shown once.
func TestAPIHooks(t *testing.T) {
	t.Parallel()
	tester := &hookTester{answers: accounts.Delivery{Status: 204}}
	f := newFixture(t, func(cfg *Config) { cfg.Hooks = tester })
	ada := f.program("ada", accounts.WriteHooks)
	f.person("ben")
	made := into[hookJSON](t, ada.want(201, "POST", "/hooks", `{"url":"https://hooks.example/in?key=its-key"}`))
	if made.Name != "hooks.example" || made.Format != "standard" || made.About != "all" || made.Settle != "30s" ||
		strings.Join(made.Events, " ") != "states" || made.Secret != f.hooks("ada")[0].Secret {
		t.Errorf("a webhook with only an address is %+v, want the defaults of the form and its secret", made)
	}
	path := "/hooks/" + made.ID
	patch := func(body string) hookJSON {
		t.Helper()
		return into[hookJSON](t, ada.want(200, "PATCH", path, body))
	}
	h := patch(`{"name":"Desk","format":"slack","events":["states","texts"]}`)
	if h.Name != "Desk" || h.Settle != "60s" || len(h.Events) != 2 || h.URL != made.URL || h.Secret != "" {
		t.Errorf("after a change, the webhook is %+v, want only that and the delay of chats", h)
	}
	if h := patch(`{"about":"person","person":"ben","settle":"0s"}`); h.Person != "ben" || h.Settle != "0s" {
		t.Errorf("after a change, the webhook is %+v, want it about ben, without a delay", h)
	}
	if h := patch(`{"settle":null}`); h.Person != "ben" || h.Settle != "60s" {
		t.Errorf("after a change, the webhook is %+v, want it about ben still, with the usual delay", h)
	}
	d := into[deliveryJSON](t, ada.want(200, "POST", path+"/test", ""))
	if !d.OK || d.Status != 204 || d.TookMS != 84 || d.Signature != "v1,c2lnbmVk" || d.Detail != "The address answered 204 (No Content)." {
		t.Errorf("a test = %+v, want how it went", d)
	}
	tester.answers = accounts.Delivery{Reason: accounts.ReasonAddress}
	if d = into[deliveryJSON](t, ada.want(200, "POST", path+"/test", "")); d.OK || d.Reason != "address" || d.Status != 0 {
		t.Errorf("a refused test = %+v, want the reason", d)
	}
	all := into[deliveriesJSON](t, ada.want(200, "GET", path+"/deliveries", "")).Deliveries
	if len(all) != 2 || all[0].Reason != "address" || all[1].Signature != "" {
		t.Errorf("the deliveries are %+v, want both tests, the newest first", all)
	}
	rotated := into[hookJSON](t, ada.want(200, "POST", path+"/rotate", ""))
	if rotated.Secret == made.Secret || rotated.Secret != f.hooks("ada")[0].Secret || rotated.BothUntil == nil {
		t.Errorf("after the renewal, the webhook is %+v, want the new secret", rotated)
	}
	if h := into[hookJSON](t, ada.want(200, "POST", path+"/pause", "")); h.Stopped != "paused" || h.StoppedAt == nil {
		t.Errorf("the paused webhook is %+v", h)
	}
	if h := into[hookJSON](t, ada.want(200, "POST", path+"/start", "")); h.Stopped != "" || h.StoppedAt != nil {
		t.Errorf("the webhook that was started is %+v", h)
	}
	list := ada.want(200, "GET", "/hooks", "")
	one := ada.want(200, "GET", path, "")
	if len(into[hooksJSON](t, list).Hooks) != 1 || strings.Contains(list.body+one.body, "whsec_") {
		t.Errorf("GET /hooks = %s, want one without its secret", list.body)
	}
	f.must(f.store.Delete(acting(t.Context()), f.uid("ben")))
	if h := into[hookJSON](t, ada.want(200, "GET", path, "")); h.Stopped != "person" || h.StoppedAt != nil || h.Person != "" {
		t.Errorf("after ben has left, the webhook is %+v, want it stopped, without a time", h)
	}
	ada.wantProblem(409, "conflict", "POST", path+"/start", "")
	ada.want(204, "DELETE", path, "")
	ada.wantProblem(404, "not-found", "DELETE", path, "")
	if log := f.logs.String(); strings.Contains(log, "its-key") || strings.Contains(log, "whsec_") {
		t.Error("the log has an address or a secret")
	}
}

func TestAPIHooksRefuse(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Fixed.Visibility = accounts.VisibleTeams })
	ada := f.program("ada", accounts.WriteHooks)
	f.person("ben")
	f.must(f.store.SetTeam(acting(t.Context()), f.uid("ben"), "Hidden"))
	made := into[hookJSON](t, ada.want(201, "POST", "/hooks", `{"url":"https://hooks.example/in"}`))
	for body, want := range map[string]string{
		`{"url":"hooks.example"}`:                                              "#/url",
		`{"url":"https://a:b@hooks.example"}`:                                  "#/url",
		`{"url":"https://hooks.example:22"}`:                                   "#/url",
		`{"url":"https://x.example","name":"` + strings.Repeat("x", 65) + `"}`: "#/name",
		`{"url":"https://x.example","format":"xml"}`:                           "#/format",
		`{"url":"https://x.example","about":"some"}`:                           "#/about",
		`{"url":"https://x.example","events":[]}`:                              "#/events",
		`{"url":"https://x.example","events":["names"]}`:                       "#/events",
		`{"url":"https://x.example","settle":"2h"}`:                            "#/settle",
		`{"url":"https://x.example","settle":"soon"}`:                          "#/settle",
		`{"url":"https://x.example","about":"team"}`:                           "#/team",
		`{"url":"https://x.example","about":"person"}`:                         "#/person",
		`{"url":"https://x.example","about":"team","team":"Hidden"}`:           "#/team",
		`{"url":"https://x.example","about":"person","person":"ben"}`:          "#/person",
		`{"url":"https://x.example","about":"person","person":"zoe"}`:          "#/person",
		`{"url":"https://x.example","secret":"whsec_mine"}`:                    "#/secret",
	} {
		for method, path := range map[string]string{"POST": "/hooks", "PATCH": "/hooks/" + made.ID} {
			p := ada.wantProblem(422, "validation", method, path, body)
			if len(p.Errors) != 1 || p.Errors[0].Pointer != want {
				t.Errorf("%s %s = %+v, want an error about %s", method, body, p.Errors, want)
			}
		}
	}
	if p := ada.wantProblem(422, "validation", "POST", "/hooks", `{}`); len(p.Errors) != 1 || p.Errors[0].Pointer != "#/url" {
		t.Errorf("POST without an address = %+v, want an error about it", p.Errors)
	}
	other := f.program("ben", accounts.WriteHooks)
	for _, tt := range [][2]string{{"GET", ""}, {"PATCH", ""}, {"DELETE", ""}, {"POST", "/pause"}, {"POST", "/start"}, {"POST", "/rotate"},
		{"POST", "/test"}, {"GET", "/deliveries"}} {
		body := ""
		if tt[0] == "PATCH" {
			body = `{"name":"Mine"}`
		}
		other.wantProblem(404, "not-found", tt[0], "/hooks/"+made.ID+tt[1], body)
	}
	ada.wantProblem(503, "unavailable", "POST", "/hooks/"+made.ID+"/test", "") // it has no sender
	f.program("ada", accounts.Scopes[:4]...).wantProblem(403, insufficientScope, "GET", "/hooks", "")
}

// In a session, webhooks need the proof that the settings ask for.
func TestAPIHooksNeedProof(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	browser := f.browser()
	browser.enter("ada")
	page := &program{browser: browser}
	made := into[hookJSON](t, page.want(201, "POST", "/hooks", `{"url":"https://hooks.example/in"}`))
	f.age(browser)
	page.want(200, "GET", "/hooks", "")
	for _, o := range operations {
		if !o.is(needsProof) {
			continue
		}
		path := strings.ReplaceAll(o.path, "{id}", made.ID)
		page.wantProblem(403, confirmationRequired, o.method, path, `{}`)
	}
	if len(f.hooks("ada")) != 1 || f.hooks("ada")[0].Stopped != "" {
		t.Errorf("without a proof, something happened: %+v", f.hooks("ada"))
	}
}

// Changes of webhooks count together with those in the settings.
func TestAPIHooksAreLimited(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Acts = 0 })
	ada := f.program("ada", accounts.WriteHooks)
	made := into[hookJSON](t, ada.want(201, "POST", "/hooks", `{"url":"https://hooks.example/in"}`))
	for range hookActs {
		var held reservation
		if held.take(t.Context(), f.server.limiters.Members, "hooks:"+f.uid("ada"), hookActs, 24*time.Hour) != nil {
			break
		}
	}
	ada.wantProblem(429, "rate-limited", "POST", "/hooks/"+made.ID+"/pause", "")
	ada.want(200, "GET", "/hooks/"+made.ID, "")
}
