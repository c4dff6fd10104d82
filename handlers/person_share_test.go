package handlers

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// share makes a share link of a person and returns its token.
func (f *fixture) share(name string, n accounts.NewShare) string {
	f.t.Helper()
	token, _, err := f.store.MakeShare(acting(f.t.Context()), f.uid(name), n)
	if err != nil {
		f.t.Fatalf("MakeShare(%+v) of %s = %v", n, name, err)
	}
	return token
}

// join makes a person present until the returned function is called.
func (f *fixture) join(name string, how presence.Activity) (leave func()) {
	f.t.Helper()
	conn := f.server.cfg.Presence.Join(f.uid(name), presence.Client{}, how)
	return func() { conn.Leave(presence.SignedOut) }
}

var stateFiles = []string{"state.txt", "state.json", "badge.svg", "shields.json"}

// The link of a person tells their state in four forms, which browsers and proxies keep but always check.
func TestStateOfAPerson(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	l.person("ada")
	token := l.share("ada", accounts.NewShare{Kind: accounts.PersonShare, Texts: true})
	b := l.browser()
	b.header.Set("Sec-Fetch-Site", "cross-site")
	set := func(state, text string) {
		t.Helper()
		l.must(l.store.SetStatus(acting(t.Context()), l.uid("ada"), accounts.Status{State: state, Text: text}, ""))
	}
	for _, step := range []struct {
		do   func()
		want map[string]string
	}{
		{func() {}, map[string]string{"state.txt": "offline\n", "state.json": `{"state":"offline","available":true,"live":true}` + "\n",
			"shields.json": `{"schemaVersion":1,"label":"ada","message":"offline","color":"lightgrey","cacheSeconds":300}` + "\n",
			"badge.svg":    `<title id="t">ada: Offline</title>`}},
		{func() { l.join("ada", presence.Activity{}) }, map[string]string{"state.txt": "online\n", "badge.svg": `ada: Online`,
			"shields.json": `"message":"online","color":"#177245"`}},
		{func() { set("dnd", `<b> & "you"`) }, map[string]string{"state.txt": "dnd\n", "badge.svg": "ada: Do not disturb",
			"state.json": `"state":"dnd","available":true,"live":true,"text":"\u003cb\u003e \u0026 \"you\""`}},
		{func() { set("away", "") }, map[string]string{"state.txt": "away\n", "badge.svg": "ada: Away", "shields.json": `"away"`}},
	} {
		step.do()
		for file, want := range step.want {
			a := b.get("/s/" + token + "/" + file)
			wantStatus(t, "GET "+file, a, http.StatusOK)
			if !strings.Contains(a.body, want) {
				t.Errorf("%s = %q, want %q", file, a.body, want)
			}
		}
	}
	for _, file := range stateFiles {
		a := b.get("/s/" + token + "/" + file)
		h, tag := a.Header, a.Header.Get("ETag")
		if tag == "" || h.Get("Cache-Control") != "no-cache" || h.Get("Cross-Origin-Resource-Policy") != "cross-origin" ||
			h.Get("Referrer-Policy") != "no-referrer" || h.Get("Set-Cookie") != "" || h.Get("X-Frame-Options") != "DENY" {
			t.Errorf("headers of %s = %v", file, h)
		}
		b.header.Set("If-None-Match", tag)
		if a := b.get("/s/" + token + "/" + file); a.StatusCode != http.StatusNotModified || a.body != "" {
			t.Errorf("%s with its ETag = %d %q, want 304", file, a.StatusCode, a.body)
		}
		b.header.Del("If-None-Match")
	}
	if n := len(b.get("/s/" + token + "/state.txt").body); n > 16 {
		t.Errorf("state.txt has %d bytes, want 16 at most", n)
	}
	if lines := l.logs.lines(token); len(lines) > 0 {
		t.Errorf("the log has the token of a share link: %q", lines)
	}
}

// Links that don't exist, were revoked, or are of another kind look the same.
func TestUnknownStates(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	l.person("ada")
	revoked := l.share("ada", accounts.NewShare{Kind: accounts.PersonShare})
	all, err := l.store.Shares(t.Context(), l.uid("ada"))
	l.must(err)
	l.must(l.store.RevokeShare(acting(t.Context()), l.uid("ada"), all[0].ID))
	wall := l.share("ada", accounts.NewShare{Kind: accounts.WallShare})
	b := l.browser()
	request := regexp.MustCompile(`"request_id":"[^"]*"`)
	for _, file := range stateFiles {
		want := b.get("/s/" + strings.Repeat("0", 27) + "/" + file)
		status := http.StatusNotFound
		if file == "badge.svg" || file == "shields.json" {
			status = http.StatusOK
		}
		wantStatus(t, "GET "+file+" of an unknown link", want, status)
		if !strings.Contains(strings.ToLower(want.body), "unknown") {
			t.Errorf("%s of an unknown link = %q, want that it's unknown", file, want.body)
		}
		for what, token := range map[string]string{"a revoked link": revoked, "a link of another kind": wall, "no link": "x"} {
			a := b.get("/s/" + token + "/" + file)
			if a.StatusCode != want.StatusCode || a.Header.Get("ETag") != want.Header.Get("ETag") ||
				request.ReplaceAllString(a.body, "") != request.ReplaceAllString(want.body, "") {
				t.Errorf("%s of %s = %d %q, want what an unknown link has, %d %q", file, what, a.StatusCode, a.body,
					want.StatusCode, want.body)
			}
		}
	}
}

// While people are coming back after a start, nobody is called offline.
func TestStateWhileWarming(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	token := f.share("ada", accounts.NewShare{Kind: accounts.PersonShare})
	b := f.browser()
	a := b.get("/s/" + token + "/state.txt")
	if a.StatusCode != http.StatusServiceUnavailable || a.body != "unknown\n" || a.Header.Get("Retry-After") != "10" {
		t.Errorf("state.txt while people are coming back = %d %q, %v", a.StatusCode, a.body, a.Header)
	}
	if a := b.get("/s/" + token + "/badge.svg"); !strings.Contains(a.body, ": Unknown</title>") {
		t.Errorf("the badge while people are coming back = %q, want Unknown", a.body)
	}
	f.join("ada", presence.Activity{})
	if a := b.get("/s/" + token + "/state.txt"); a.body != "online\n" {
		t.Errorf("state.txt of somebody who is back = %q, want online", a.body)
	}
}

// Requests by a link are limited, and the limit of one link isn't that of another.
func TestSharedReadsAreLimited(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	l.person("ada")
	token := l.share("ada", accounts.NewShare{Kind: accounts.PersonShare})
	b := l.browser()
	for range sharedByAddress {
		b.get("/s/" + token + "/state.txt")
	}
	a := b.get("/s/" + token + "/state.txt")
	if a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
		t.Errorf("one request too many = %d, %v, want 429 with Retry-After", a.StatusCode, a.Header)
	}
	b.remote = "198.51.100.1:1"
	wantStatus(t, "a request from another address", b.get("/s/"+token+"/state.txt"), http.StatusOK)
}

// An invisible person's link tells the same as that of somebody who left, to the byte.
func TestStateOfInvisibleIsThatOfGone(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	l.person("ada")
	token := l.share("ada", accounts.NewShare{Kind: accounts.PersonShare, Texts: true})
	l.must(l.store.SetStatus(acting(t.Context()), l.uid("ada"), accounts.Status{State: "dnd", Text: "Tea"}, ""))
	read := func() (all string) {
		for _, file := range stateFiles {
			a := l.browser().get("/s/" + token + "/" + file)
			all += a.body + a.Header.Get("ETag") + "\n"
		}
		return all
	}
	leave := l.join("ada", presence.Activity{})
	here := read()
	leave()
	gone := read()
	l.join("ada", presence.Activity{})
	l.must(l.store.SetInvisible(acting(t.Context()), l.uid("ada"), true))
	if invisible := read(); invisible != gone || here == gone {
		t.Errorf("an invisible person's link tells\n%s\nthat of somebody who left\n%s", invisible, gone)
	}
	l.join("ada", presence.Activity{})
	l.must(l.server.cfg.Presence.Beat(l.uid("ada"), heartbeat("lamp")))
	l.put("ada", accounts.Claim{Key: "build", State: "away", Until: time.Now().Add(time.Hour)})
	if invisible := read(); invisible != gone {
		t.Errorf("the link of an invisible person who's busy tells\n%s\nthat of somebody who left\n%s", invisible, gone)
	}
}

// The settings make, list and revoke share links.
func TestSharesPage(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t, onlyTeams)
	ada, bob := l.member("ada"), l.member("bob")
	l.must(l.store.SetTeam(acting(t.Context()), l.uid("ada"), "Ops"))
	l.must(l.store.SetTeam(acting(t.Context()), l.uid("bob"), "Hidden"))
	form := url.Values{"kind": {"wall"}, "label": {"<Kitchen>"}, "team": {"ops"}, "what": {"names"}, "texts": {"on"}, "days": {"30"}}
	page := ada.do("POST", "/settings/shares", form)
	wantStatus(t, "making a link", page, http.StatusOK)
	url1 := regexp.MustCompile(`value="(http://[^"]*/w/[0-9A-Za-z]{27})"`).FindStringSubmatch(page.body)
	if url1 == nil || !strings.Contains(page.body, "&lt;Kitchen&gt;") {
		t.Fatalf("the page doesn't show the new link:\n%s", page.body)
	}
	list := ada.get("/settings/shares").body
	if strings.Contains(list, url1[1]) || !strings.Contains(list, "Wall board of ops, with texts") {
		t.Errorf("the list shows the address again, or not what the link shows:\n%s", list)
	}
	for _, wrong := range []struct{ field, value, says string }{
		{"team", "Hidden", "Choose a team that exists"}, {"team", "Nobody", "Choose a team that exists"},
		{"days", "x", "Choose 1 to 365 days"}, {"kind", "x", "Choose one of the options"},
	} {
		bad := url.Values{"kind": {"embed"}, "label": {"kept"}, "origins": {"https://a.example"}, "days": {"1"}}
		bad.Set(wrong.field, wrong.value)
		a := ada.do("POST", "/settings/shares", bad)
		if a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.body, wrong.says) || !strings.Contains(a.body, `value="kept"`) {
			t.Errorf("a link with the %s %q = %d, want %q and what was typed\n%s", wrong.field, wrong.value, a.StatusCode, wrong.says, a.body)
		}
	}
	made := ada.do("POST", "/settings/shares", url.Values{"kind": {"embed"}, "origins": {"https://a.example\r\nhttp://b.example:81/"}, "days": {"0"}})
	if !strings.Contains(made.body, "&lt;iframe src=") || !strings.Contains(made.body, "https://a.example</span>, <span translate=\"no\">http://b.example:81") {
		t.Errorf("the page doesn't show the HTML of an embed and its sites:\n%s", made.body)
	}
	id := regexp.MustCompile(`name="share" value="([^"]+)"`).FindStringSubmatch(list)[1]
	bob.do("POST", "/settings/shares/revoke", url.Values{"share": {id}})
	if !strings.Contains(ada.get("/settings/shares").body, id) {
		t.Error("somebody else revoked a link")
	}
	wantRedirect(t, "revoking", ada.do("POST", "/settings/shares/revoke", url.Values{"share": {id}}), "/settings/shares?saved=revoked")
	if page := ada.get("/settings/shares?saved=revoked").body; strings.Contains(page, id) || !strings.Contains(page, "The link was revoked") {
		t.Errorf("the page still lists the link:\n%s", page)
	}
	wantRedirect(t, "a stranger", l.browser().get("/settings/shares"), "/login?next=%2Fsettings%2Fshares")
}

// People learn how many share links of others can show them, but not of links that can't, nor whose they are.
func TestShownBy(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t, onlyTeams)
	ada := l.member("ada")
	for name, team := range map[string]string{"ada": "Ops", "bob": "Ops", "cyd": "Dev"} {
		if name != "ada" {
			l.person(name)
		}
		l.must(l.store.SetTeam(acting(t.Context()), l.uid(name), team))
		l.share(name, accounts.NewShare{Kind: accounts.WallShare})
		l.share(name, accounts.NewShare{Kind: accounts.EmbedShare, Origins: []string{wiki}})
	}
	l.share("bob", accounts.NewShare{Kind: accounts.WallShare, Team: "ops"})
	l.share("bob", accounts.NewShare{Kind: accounts.WallShare, Team: "Dev"})
	shown := func() string {
		return regexp.MustCompile(`(?s)"shown_by": \{.*?"access`).FindString(ada.get("/settings/my-data.json").body)
	}
	if got := strings.Join(strings.Fields(shown()), ""); got != `"shown_by":{"wall_boards":2,"lists_for_other_sites":0,"access` {
		t.Errorf("my-data.json says %s, want bob's two wall boards", got)
	}
	l.agree("ada")
	if got := strings.Join(strings.Fields(shown()), ""); got != `"shown_by":{"wall_boards":2,"lists_for_other_sites":1,"access` {
		t.Errorf("my-data.json of somebody on public pages says %s, want bob's list, too", got)
	}
	if page := ada.get("/settings/stored").body; !strings.Contains(page, "2 wall boards, 1 list for other sites") {
		t.Errorf("the page about stored data doesn't count the links:\n%s", page)
	}
}
