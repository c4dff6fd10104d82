package handlers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
)

var everyScope = accounts.Scopes[:5]

// Every operation works as the document says. A new one needs a line here.
func TestEveryOperation(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Hooks = &hookTester{} })
	f.person("ben")
	ada := f.program("ada", everyScope...)
	_, share, err := f.store.MakeShare(acting(t.Context()), f.uid("ada"), accounts.NewShare{Kind: accounts.PersonShare})
	f.must(err)
	hook, err := f.store.AddHook(acting(t.Context()), f.uid("ada"), accounts.HookWish{Label: "Lamp", URL: "https://example.org",
		Format: accounts.HookStandard, About: accounts.AboutEveryone, States: true})
	f.must(err)
	other, _, err := f.store.CreateToken(acting(t.Context()), accounts.NewToken{UserID: f.uid("ada"), Scopes: everyScope})
	f.must(err)
	browser := f.browser()
	browser.enter("ada")
	tokens := into[tokensJSON](t, ada.want(200, "GET", "/me/tokens", ""))
	token := tokens.Tokens[slices.IndexFunc(tokens.Tokens, func(k tokenJSON) bool { return !k.Current })]
	session := into[sessionsJSON](t, ada.want(200, "GET", "/me/sessions", "")).Sessions[0]
	tried := map[string]bool{"listMyTokens": true, "listMySessions": true}
	for _, tt := range []struct {
		id, method, path, body string
		status                 int
	}{
		{"getMe", "GET", "/me", "", 200},
		{"getMyPresence", "GET", "/me/presence", "", 200},
		{"putMyStatus", "PUT", "/me/status", `{"state":"dnd","text":"Deep work","emoji":"🎧","for":"45m"}`, 200},
		{"patchMyStatus", "PATCH", "/me/status", `{"text":"Back soon","until":null}`, 200},
		{"getMyPresence", "GET", "/me/presence", "", 200},
		{"deleteMyStatus", "DELETE", "/me/status", "", 204},
		{"putMyPrivacy", "PUT", "/me/privacy", `{"invisible":false,"last_seen":"exact"}`, 200},
		{"putMyClaim", "PUT", "/me/claims/build", `{"state":"dnd","text":"Releasing","lease":"5m"}`, 201},
		{"putMyClaim", "PUT", "/me/claims/build", `{"state":"dnd","text":"Releasing","lease":"5m"}`, 200},
		{"listMyClaims", "GET", "/me/claims", "", 200},
		{"deleteMyClaim", "DELETE", "/me/claims/build", "", 204},
		{"putMyDevice", "PUT", "/me/devices/desk", `{"ttl":"2m","idle":"0s"}`, 200},
		{"listMyDevices", "GET", "/me/devices", "", 200},
		{"deleteMyDevice", "DELETE", "/me/devices/desk", "", 204},
		{"createShare", "POST", "/shares", `{"kind":"wall","name":"Kitchen","days":30}`, 201},
		{"listShares", "GET", "/shares", "", 200},
		{"revokeShare", "DELETE", "/shares/" + share.ID, "", 204},
		{"createHook", "POST", "/hooks", `{"url":"https://example.org/hook","about":"person","person":"ben"}`, 201},
		{"listHooks", "GET", "/hooks", "", 200},
		{"getHook", "GET", "/hooks/" + hook.ID, "", 200},
		{"patchHook", "PATCH", "/hooks/" + hook.ID, `{"events":["states","texts"],"settle":"60s"}`, 200},
		{"pauseHook", "POST", "/hooks/" + hook.ID + "/pause", "", 200},
		{"startHook", "POST", "/hooks/" + hook.ID + "/start", "", 200},
		{"rotateHook", "POST", "/hooks/" + hook.ID + "/rotate", "", 200},
		{"testHook", "POST", "/hooks/" + hook.ID + "/test", "", 200},
		{"listDeliveries", "GET", "/hooks/" + hook.ID + "/deliveries", "", 200},
		{"deleteHook", "DELETE", "/hooks/" + hook.ID, "", 204},
		{"createMyToken", "POST", "/me/tokens", `{"name":"Lamp","scopes":["me:read"],"expires":"30d"}`, 201},
		{"revokeMyToken", "DELETE", "/me/tokens/" + token.ID, "", 204},
		{"endMySession", "DELETE", "/me/sessions/" + session.ID, "", 204},
		{"endMySessions", "DELETE", "/me/sessions", "", 204},
		{"listUsers", "GET", "/users?state=offline&limit=1&q=a", "", 200},
		{"getUser", "GET", "/users/ben", "", 200},
		{"getPresence", "GET", "/presence?user=ada&user=ben", "", 200},
		{"queryPresence", "POST", "/presence/query", `{"users":["ada","ben","nobody"]}`, 200},
		{"getPresenceStats", "GET", "/presence/stats", "", 200},
	} {
		path, _, _ := strings.Cut(tt.path, "?")
		if _, id := operationOf(tt.method, path); id != tt.id {
			t.Errorf("%s %s is the operation %q, want %q", tt.method, tt.path, id, tt.id)
		}
		ada.want(tt.status, tt.method, tt.path, tt.body)
		tried[tt.id] = true
	}
	for _, o := range operations {
		if !tried[o.id] && o.scope != accounts.Administer {
			t.Errorf("no test calls %s", o.id)
		}
	}
	if _, _, err := f.store.TokenByText(t.Context(), other); err != accounts.ErrNoToken {
		t.Errorf("the revoked token: %v, want %v", err, accounts.ErrNoToken)
	}
	if browser.signedIn() {
		t.Error("the session is still open")
	}
}

// The API knows people by one valid token, and nothing else if there's a header Authorization.
func TestAPICallers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.program("ada", accounts.ReadMe)
	browser := f.browser()
	browser.enter("ada")
	ada.cookies = browser.cookies
	good := ada.token
	unknown := f.program("bob", accounts.ReadMe)
	f.must(f.store.SetDisabled(acting(t.Context()), f.uid("bob"), true))
	for what, given := range map[string][]string{
		"another scheme": {"Basic YWRhOng="}, "two": {"Bearer " + good, "Bearer " + good}, "no scheme": {good}, "empty": {""},
		"a typing error": {"Bearer " + good[:54] + "x"}, "an ended token": {"Bearer " + unknown.token},
		"something long": {"Bearer " + strings.Repeat("x", 4000)},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", apiPath+"/me", http.NoBody)
		r.Header["Authorization"] = given
		a := ada.send(r)
		if a.StatusCode != 401 || !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), `Bearer realm="rollcall", error="invalid_`) ||
			a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s, with a cookie = %d %v, want 401 as a problem with a challenge", what, a.StatusCode, a.Header)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", apiPath+"/me", http.NoBody)
	r.Header.Set("Authorization", "bearer  "+good)
	wantStatus(t, "another spelling of the scheme", ada.send(r), 200)

	ada.token = ""
	me := into[meJSON](t, ada.want(200, "GET", "/me", ""))
	if me.User != "ada" || me.Scopes != nil {
		t.Errorf("GET /me with a cookie = %+v, want ada without scopes", me)
	}
	ada.want(200, "PUT", "/me/status", `{"text":"Tea"}`)
	ada.header.Set("Sec-Fetch-Site", "cross-site")
	ada.wantProblem(403, "forbidden", "PUT", "/me/status", `{"text":"Forged"}`)
	ada.cookies = map[string]string{}
	ada.token = good
	ada.wantProblem(403, insufficientScope, "PUT", "/me/status", `{"text":"Tea"}`)
	ada.token = f.program("ada", accounts.WriteMe).token
	ada.want(200, "PUT", "/me/status", `{"text":"From another site"}`)
	ada.token = ""
	ada.header.Del("Sec-Fetch-Site")
	a := ada.want(401, "GET", "/me", "")
	if got := a.Header.Get("WWW-Authenticate"); got != `Bearer realm="rollcall"` {
		t.Errorf("WWW-Authenticate without a token = %q, want the scheme alone", got)
	}
}

// Pages of other sites can call the API with a token, and never with our cookies.
func TestAPIFromOtherSites(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.program("ada", accounts.ReadMe)
	ada.header.Set("Origin", "https://elsewhere.example")
	if got := ada.want(200, "GET", "/me", "").Header.Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("Access-Control-Allow-Origin = %q, want *", got)
	}
	for _, path := range []string{"/me", "/me/status", "/users/ada", "/stream"} {
		a := f.browser().do("OPTIONS", apiPath+path, nil)
		if a.StatusCode != 204 || a.Header.Get("Access-Control-Allow-Origin") != "*" ||
			a.Header.Get("Access-Control-Max-Age") == "" || a.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("OPTIONS %s = %d %v, want an open answer without credentials", path, a.StatusCode, a.Header)
		}
		for _, name := range []string{"Authorization", "Content-Type", "If-None-Match", "Last-Event-ID", "Prefer"} {
			if !strings.Contains(a.Header.Get("Access-Control-Allow-Headers"), name) {
				t.Errorf("OPTIONS %s doesn't allow %s", path, name)
			}
		}
	}
	browser := f.browser()
	browser.enter("ada")
	ada.token, ada.cookies = "", browser.cookies
	if got := ada.want(200, "GET", "/me", "").Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("Access-Control-Allow-Origin with a cookie = %q, want none", got)
	}
}

// Every failure is a problem, whatever the request accepts.
func TestAPIFailures(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.program("ada", everyScope...)
	ada.header.Set("Accept", "text/html,*/*")
	for _, tt := range []struct {
		status             int
		kind               problemType
		method, path, body string
	}{
		{404, "not-found", "GET", "/nowhere", ""},
		{405, "method-not-allowed", "PUT", "/me", "{}"},
		{404, "not-found", "GET", "/users/nobody", ""},
		{404, "not-found", "DELETE", "/me/tokens/nothing", ""},
		{404, "not-found", "DELETE", "/me/sessions/nothing", ""},
		{400, "bad-request", "PUT", "/me/status", "{"},
		{400, "bad-request", "PUT", "/me/status", `{}{}`},
		{400, "bad-request", "PUT", "/me/status", `{"text":"a","text":"b"}`},
		{400, "bad-request", "PUT", "/me/status", "{\"text\":\"\xff\"}"},
		{400, "bad-request", "PUT", "/me/status", strings.Repeat("[", 100) + strings.Repeat("]", 100)},
		{413, "too-large", "PUT", "/me/status", `{"text":"` + strings.Repeat("x", maxBody) + `"}`},
		{400, "bad-request", "GET", "/users?state=asleep", ""},
		{400, "bad-request", "GET", "/users?cursor=%2B", ""},
		{400, "bad-request", "GET", "/users?limit=0", ""},
		{400, "bad-request", "GET", "/users?limit=201", ""},
		{400, "bad-request", "GET", "/users?q=" + strings.Repeat("x", 101), ""},
		{400, "bad-request", "GET", "/presence", ""},
		{400, "bad-request", "GET", "/presence?user=a" + strings.Repeat("&user=a", 50), ""},
		{414, "uri-too-long", "GET", "/users?q=" + strings.Repeat("x", maxQuery), ""},
		{422, "validation", "POST", "/presence/query", `{"users":["` + strings.Repeat(`a","`, 500) + `a"]}`},
	} {
		ada.wantProblem(tt.status, tt.kind, tt.method, tt.path, tt.body)
	}
	r := httptest.NewRequestWithContext(t.Context(), "PUT", apiPath+"/me/status", strings.NewReader("text=Tea"))
	r.Header.Set("Authorization", "Bearer "+ada.token)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	wantStatus(t, "a form", ada.send(r), 415)
	ada.host = "evil.example"
	wantStatus(t, "another host", ada.call("GET", "/me", ""), 421)
}

// Wrong fields are named by a pointer, all at once.
func TestAPIPointers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.program("ada", everyScope...)
	for body, want := range map[string]string{
		`{"txet":"a","Text":"b"}`:                                "#/txet unknown_field There is no such field here.|#/Text unknown_field There is no such field here.",
		`{"text":1,"emoji":[]}`:                                  "#/emoji wrong_type This must be a string.|#/text wrong_type This must be a string.",
		`{"emoji":"hi"}`:                                         "#/emoji not_one_emoji Use one emoji.",
		`{"state":"asleep"}`:                                     "#/state not_an_option Choose online, away, do not disturb, or automatic.",
		`{"text":"a","for":"soon"}`:                              "#/for bad_duration Write a duration such as 45m, 2h, or 3d.",
		`{"text":"a","for":"-5m"}`:                               "#/for bad_duration Write a duration such as 45m, 2h, or 3d.",
		`{"text":"a","for":"9999h"}`:                             "#/for too_far_ahead Use at most 365 days.",
		`{"text":"a","for":"400d"}`:                              "#/for too_far_ahead Use at most 365 days.",
		`{"text":"a","for":"5m","until":"2026-01-01T00:00:00Z"}`: "#/for not_both Give either this or until, not both.",
		`{"text":"a","until":"2020-01-01T00:00:00Z"}`:            "#/until in_the_past Choose a time in the future.",
		`{"text":"a","until":"tomorrow"}`:                        "#/until wrong_type This must be a time such as 2026-03-01T14:30:00Z.",
		`[]`:                                                     "#/ wrong_type This must be an object.",
		`null`:                                                   "#/ wrong_type This must be an object.",
	} {
		var got []string
		for _, e := range ada.wantProblem(422, "validation", "PUT", "/me/status", body).Errors {
			got = append(got, e.Pointer+" "+e.Code+" "+e.Detail)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("PUT /me/status %s: %s\nwant %s", body, strings.Join(got, "|"), want)
		}
	}
	if user, err := f.store.UserByID(t.Context(), f.uid("ada")); err != nil || user.Status != (accounts.Status{}) {
		t.Errorf("after refused changes, the status is %+v, %v, want none", user.Status, err)
	}
}

// PUT replaces, PATCH changes what it names, and null clears.
func TestAPIStatus(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.program("ada", everyScope...)
	set := func(method, body string) (w statusJSON) {
		t.Helper()
		return into[statusJSON](t, ada.want(200, method, "/me/status", body))
	}
	w := set("PUT", `{"state":"dnd","text":" Deep work ","emoji":"🎧","for":"45m"}`)
	if left := time.Until(*w.Until); w.State != "dnd" || w.Text != "Deep work" || w.Emoji != "🎧" || left > 45*time.Minute || left < 44*time.Minute {
		t.Errorf("PUT = %+v, want all of it for 45 minutes", w)
	}
	until := *w.Until
	if w = set("PATCH", `{"text":"Reading"}`); w.Text != "Reading" || w.Emoji != "🎧" || w.State != "dnd" || !w.Until.Equal(until) {
		t.Errorf("PATCH of the text = %+v, want only another text", w)
	}
	if w = set("PATCH", `{"emoji":null,"for":"2h"}`); w.Emoji != "" || w.Text != "Reading" || !w.Until.After(until) {
		t.Errorf("PATCH with null and for = %+v, want no emoji and a later end", w)
	}
	if w = set("PATCH", `{"until":null}`); w.Until != nil || w.Text != "Reading" {
		t.Errorf("PATCH with until null = %+v, want no end", w)
	}
	if w = set("PUT", `{"emoji":"🍜"}`); w.Text != "" || w.State != "" || w.Emoji != "🍜" {
		t.Errorf("PUT = %+v, want only the emoji", w)
	}
	presets, err := f.store.Presets(t.Context(), f.uid("ada"))
	if err != nil || len(presets) == 0 || presets[0].Emoji != "🍜" {
		t.Errorf("presets = %+v, %v, want those of a form", presets, err)
	}
	ada.want(204, "DELETE", "/me/status", "")
	own := into[ownJSON](t, ada.want(200, "GET", "/me/presence", ""))
	if own.Status != nil || own.Shown.State != "offline" || own.Why.Rule != "no_connection" {
		t.Errorf("GET /me/presence = %+v, want nothing set", own)
	}
}

// An ETag stands for the bytes: 304 while they're the same.
func TestETags(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ben")
	ada := f.program("ada", everyScope...)
	for _, path := range []string{"/me", "/me/presence", "/users", "/users/ben", "/presence?user=ben", "/presence/stats", "/me/tokens"} {
		a := ada.want(200, "GET", path, "")
		etag := a.Header.Get("ETag")
		if etag == "" || a.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("GET %s has the ETag %q and Cache-Control %q, want one and no-cache", path, etag, a.Header.Get("Cache-Control"))
		}
		for _, known := range []string{etag, strings.TrimPrefix(etag, "W/"), `"x", ` + etag, "*"} {
			ada.header.Set("If-None-Match", known)
			if b := ada.want(304, "GET", path, ""); b.body != "" || b.Header.Get("ETag") != etag {
				t.Errorf("GET %s with %s = %q, %s, want nothing but the ETag", path, known, b.body, b.Header.Get("ETag"))
			}
		}
		ada.header.Set("If-None-Match", `"x"`)
		ada.want(200, "GET", path, "")
		ada.header.Del("If-None-Match")
	}
	if a := ada.want(201, "POST", "/me/tokens", `{"scopes":["me:read"]}`); a.Header.Get("ETag") != "" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the response with a new token has the headers %v, want no-store", a.Header)
	}
}

// A list goes on from its cursor, without gaps or repeats, whatever the size of the page.
func TestAPIPaging(t *testing.T) {
	t.Parallel()
	f := newFixture(t, quick)
	ada := f.program("ada", everyScope...)
	want := []string{"ada"}
	for i := range 12 {
		name := fmt.Sprintf("p%02d", i)
		f.person(name)
		want = append(want, name)
		f.must(f.store.SetTeam(acting(t.Context()), f.uid(name), []string{"", "Ops", "Dev"}[i%3]))
	}
	for _, limit := range []string{"1", "5", "200"} {
		var got []string
		for path := "/users?limit=" + limit; path != ""; {
			a := ada.want(200, "GET", path, "")
			list := into[usersJSON](t, a)
			for _, u := range list.Users {
				got = append(got, u.User)
			}
			link := a.Header.Get("Link")
			if (link != "") != (list.Next != "") {
				t.Fatalf("GET %s: Link %q and next %q", path, link, list.Next)
			}
			path, _, _ = strings.Cut(strings.TrimPrefix(link, "<"+apiPath), ">")
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("pages of %s = %v, want %v", limit, got, want)
		}
	}
	list := into[usersJSON](t, ada.want(200, "GET", "/users?team=ops&"+url.Values{"q": {"p"}}.Encode(), ""))
	if len(list.Users) != 4 || list.Users[0].Team != "Ops" {
		t.Errorf("the people of a team = %+v, want four", list.Users)
	}
}

// Reads are limited per token, and changes per person together with those of forms.
func TestAPILimits(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Acts = 2 })
	ada := f.program("ada", everyScope...)
	other := f.program("ada", everyScope...)
	for range readsPerMinute {
		if err := f.server.limitCalls(t.Context(), caller{token: accounts.Token{ID: tokenIDOf(f, ada.token)}}, operation{method: "GET"}); err != nil {
			t.Fatal(err)
		}
	}
	a := ada.want(429, "GET", "/me", "")
	if into[wrongProblem](t, a).Type != problemBase+"rate-limited" || a.Header.Get("Retry-After") == "" {
		t.Errorf("the refused read = %v %s, want a problem with Retry-After", a.Header, a.body)
	}
	other.want(200, "GET", "/me", "")
	other.want(204, "DELETE", "/me/status", "")
	ada.want(204, "DELETE", "/me/status", "")
	other.wantProblem(429, "rate-limited", "DELETE", "/me/status", "")
}

func tokenIDOf(f *fixture, text string) string {
	token, _, err := f.store.TokenByText(f.t.Context(), text)
	f.must(err)
	return token.ID
}

// Tokens make tokens only within their own limits, and sessions only after a proof.
func TestAPITokens(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.program("ada", accounts.WriteMe, accounts.ReadMe)
	made := into[tokenJSON](t, ada.want(201, "POST", "/me/tokens", `{"name":"Child","scopes":["me:write"],"expires":"never"}`))
	if made.ExpiresAt == nil || !made.ByToken || !accounts.IsToken(made.Token) {
		t.Errorf("the new token = %+v, want its text and the end of its parent", made)
	}
	for body, want := range map[string]string{
		`{"scopes":["roster:read"]}`:              "#/scopes not_allowed",
		`{"scopes":[]}`:                           "#/scopes missing",
		`{"scopes":["me:read"],"expires":"400d"}`: "#/expires too_far_ahead",
		`{"scopes":["me:read"],"expires":"90"}`:   "#/expires bad_duration",
		`{"scopes":[1]}`:                          "#/scopes wrong_type",
	} {
		errs := ada.wantProblem(422, "validation", "POST", "/me/tokens", body).Errors
		if len(errs) != 1 || errs[0].Pointer+" "+errs[0].Code != want {
			t.Errorf("POST /me/tokens %s = %+v, want %s", body, errs, want)
		}
	}
	ada.token = made.Token
	ada.wantProblem(422, "validation", "POST", "/me/tokens", `{"scopes":["me:write"]}`)
	browser := f.browser()
	browser.enter("ada")
	ada.token, ada.cookies = "", browser.cookies
	ada.want(201, "POST", "/me/tokens", `{"scopes":["me:write"]}`)
	f.age(browser)
	ada.wantProblem(403, confirmationRequired, "POST", "/me/tokens", `{"scopes":["me:write"]}`)
}

// A person sees with their own audience and teams.
func TestAPISeesWithItsOwnersEyes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, quick, func(cfg *Config) { cfg.Fixed.Visibility = accounts.VisibleTeams })
	ada, bob := f.program("ada", everyScope...), f.program("bob", everyScope...)
	for name, team := range map[string]string{"ada": "Ops", "bob": "Dev", "cleo": "Ops"} {
		if name == "cleo" {
			f.person(name)
		}
		f.must(f.store.SetTeam(acting(t.Context()), f.uid(name), team))
	}
	names := func(p *program, path string) (all []string) {
		t.Helper()
		for _, u := range into[usersJSON](t, p.want(200, "GET", path, "")).Users {
			all = append(all, u.User)
		}
		return all
	}
	for _, path := range []string{"/users", "/presence?user=ada&user=bob&user=cleo"} {
		if got := names(ada, path); !slices.Equal(got, []string{"ada", "cleo"}) {
			t.Errorf("GET %s for ada = %v, want her team", path, got)
		}
		if got := names(bob, path); !slices.Equal(got, []string{"bob"}) {
			t.Errorf("GET %s for bob = %v, want his team", path, got)
		}
	}
	hidden := ada.wantProblem(404, "not-found", "GET", "/users/bob", "")
	unknown := ada.wantProblem(404, "not-found", "GET", "/users/nobody", "")
	if hidden.Title != unknown.Title || hidden.Detail != unknown.Detail {
		t.Errorf("a hidden person = %+v, want the answer for an unknown one, %+v", hidden, unknown)
	}
	if n := into[statsJSON](t, ada.want(200, "GET", "/presence/stats", "")); n.People != 2 || n.Offline != 2 {
		t.Errorf("stats = %+v, want those of her team", n)
	}
}
