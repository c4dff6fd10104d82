package handlers

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// agree lets embeds show people.
func (f *fixture) agree(names ...string) {
	f.t.Helper()
	for _, name := range names {
		f.must(setDetails(acting(f.t.Context()), f.store, f.uid(name), accounts.Details{Public: true}))
	}
}

const wiki = "https://wiki.example"

// readEmbed returns what a page of origin reads.
func (l *liveBoard) readEmbed(token, origin string) (embedded, answer) {
	l.t.Helper()
	b := l.browser()
	b.header.Set("Sec-Fetch-Site", "cross-site")
	if origin != "" {
		b.header.Set("Origin", origin)
	}
	a := b.get("/embed/" + token + "/people.json")
	wantStatus(l.t, "GET people.json", a, http.StatusOK)
	var e embedded
	if err := json.Unmarshal([]byte(a.body), &e); err != nil {
		l.t.Fatalf("people.json = %q: %v", a.body, err)
	}
	return e, a
}

// An embed shows only people who agreed and whom its owner sees, to the sites that it names.
func TestEmbed(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t, onlyTeams)
	for name, team := range map[string]string{"ada": "Ops", "bob": "Ops", "cyd": "Ops", "dan": "Hidden"} {
		l.person(name)
		l.must(l.store.SetTeam(acting(t.Context()), l.uid(name), team))
		l.join(name, presence.Activity{})
	}
	l.agree("ada", "cyd", "dan")
	l.must(l.store.SetStatus(acting(t.Context()), l.uid("ada"), accounts.Status{State: "dnd", Text: "<b>Tea</b>"}, ""))
	n := accounts.NewShare{Kind: accounts.EmbedShare, Origins: []string{wiki, "http://intranet:8080"}}
	token := l.share("ada", n)
	e, a := l.readEmbed(token, wiki)
	if e.Summary != "2 of 2 here" || len(e.People) != 2 || e.People[0] != (embeddedPerson{"ada", "dnd", ""}) || e.People[1].Name != "cyd" || !e.Live {
		t.Errorf("people.json = %+v, want ada and cyd, without texts", e)
	}
	if h := a.Header; h.Get("Access-Control-Allow-Origin") != wiki || h.Get("Vary") != "Origin" ||
		h.Get("Access-Control-Allow-Credentials") != "" || h.Get("Cross-Origin-Resource-Policy") != "cross-origin" || h.Get("ETag") == "" {
		t.Errorf("headers of people.json = %v", h)
	}
	for _, origin := range []string{"", "https://evil.example", "https://wiki.example:8443", "null", wiki + ".evil.example"} {
		if _, a := l.readEmbed(token, origin); a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("pages of %q can read the embed", origin)
		}
	}
	frame := l.browser().get("/embed/" + token)
	policy := frame.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "; frame-ancestors "+wiki+" http://intranet:8080;") || frame.Header.Get("X-Frame-Options") != "" {
		t.Errorf("headers of the frame = %v", frame.Header)
	}
	if !strings.Contains(frame.body, "<bdi>cyd</bdi>") || strings.Contains(frame.body, "bob") || strings.Contains(frame.body, "dan") {
		t.Errorf("the frame doesn't have cyd, or has people who didn't agree:\n%s", frame.body)
	}
	n.Texts = true
	if e, _ := l.readEmbed(l.share("ada", n), wiki); e.People[0].Text != "<b>Tea</b>" {
		t.Errorf("people.json with texts = %+v", e)
	}
	n.Counts = true
	if _, a := l.readEmbed(l.share("ada", n), wiki); !strings.Contains(a.body, `"here":2,"of":2`) || strings.Contains(a.body, "ada") {
		t.Errorf("people.json with counts alone = %q", a.body)
	}
	l.must(setDetails(acting(t.Context()), l.store, l.uid("cyd"), accounts.Details{}))
	if e, _ := l.readEmbed(token, wiki); e.Summary != "1 of 1 here" {
		t.Errorf("after cyd withdrew, people.json = %+v, want only ada", e)
	}
	if lines := l.logs.lines(token); len(lines) > 0 {
		t.Errorf("the log has the key of an embed: %q", lines)
	}
}

// Embeds that don't exist are the same for everybody, and let nobody frame or read them.
func TestUnknownEmbed(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	b := l.browser()
	b.header.Set("Origin", wiki)
	a := b.get("/embed/" + strings.Repeat("0", 27) + "/people.json")
	wantStatus(t, "an unknown list", a, http.StatusNotFound)
	if a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("other sites can read that an embed doesn't exist")
	}
	a = b.get("/embed/x")
	if wantStatus(t, "an unknown frame", a, http.StatusNotFound); a.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("the page of an unknown embed can be framed: %v", a.Header)
	}
}

// What an embed tells of an invisible person is what it tells of one who left, to the byte.
func TestEmbedOfInvisible(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	l.person("ada")
	l.person("bob")
	l.agree("ada", "bob")
	token := l.share("ada", accounts.NewShare{Kind: accounts.EmbedShare, Origins: []string{wiki}, Texts: true})
	l.must(l.store.SetStatus(acting(t.Context()), l.uid("bob"), accounts.Status{State: "dnd", Text: "Tea"}, ""))
	leave := l.join("bob", presence.Activity{})
	_, here := l.readEmbed(token, wiki)
	leave()
	_, gone := l.readEmbed(token, wiki)
	frame := l.browser().get("/embed/" + token).body
	l.join("bob", presence.Activity{})
	l.must(l.store.SetInvisible(acting(t.Context()), l.uid("bob"), true))
	l.put("bob", accounts.Claim{Key: "build", State: "away", Until: time.Now().Add(time.Hour)}) // what he does now must not show
	l.must(l.server.cfg.Presence.Beat(l.uid("bob"), heartbeat("lamp")))
	_, invisible := l.readEmbed(token, wiki)
	if invisible.body != gone.body || invisible.Header.Get("ETag") != gone.Header.Get("ETag") || here.body == gone.body {
		t.Errorf("people.json with an invisible person = %q, want %q", invisible.body, gone.body)
	}
	if got := l.browser().get("/embed/" + token).body; got != frame {
		t.Errorf("the frame with an invisible person = %s\nwant %s", got, frame)
	}
}

// The script is at an address that stays, for an hour, and at one with a hash, for ever.
func TestEmbedScript(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b := f.browser()
	a := b.get("/embed.js")
	wantStatus(t, "GET /embed.js", a, http.StatusOK)
	if h := a.Header; h.Get("Cache-Control") != "public, max-age=3600" || h.Get("Cross-Origin-Resource-Policy") != "cross-origin" ||
		!strings.HasPrefix(h.Get("Content-Type"), "text/javascript") || h.Get("ETag") == "" {
		t.Errorf("headers of embed.js = %v", h)
	}
	hashed := b.get(a.Header.Get("Content-Location"))
	if hashed.StatusCode != http.StatusOK || hashed.body != a.body || !strings.Contains(hashed.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("GET %s = %d, %v, want the same script", a.Header.Get("Content-Location"), hashed.StatusCode, hashed.Header)
	}
	wantStatus(t, "another hash", b.get("/embed-000000000000.js"), http.StatusNotFound)
}
