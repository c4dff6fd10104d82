package handlers

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// wall is an open wall board.
type wall struct {
	*tab
	page string
}

// openWall loads a wall board and opens its live connection, as somebody without an account.
func (l *liveBoard) openWall(token string) *wall {
	l.t.Helper()
	b := l.browser()
	b.host = strings.TrimPrefix(l.url, "http://")
	a := b.get("/w/" + token)
	wantStatus(l.t, "GET a wall board", a, http.StatusOK)
	if len(b.set) > 0 {
		l.t.Errorf("a wall board sets the cookies %v, want none", b.set)
	}
	m := socketPattern.FindStringSubmatch(a.body)
	if m == nil {
		l.t.Fatalf("the wall board names no socket:\n%s", a.body)
	}
	w := &wall{newTab(l.t), a.body}
	l.dial(b, w.tab, m[1])
	return w
}

// frame waits for a frame that has text.
func (w *wall) frame(text string) {
	w.t.Helper()
	w.until("a frame with "+text, func() bool {
		return slices.ContainsFunc(w.frames, func(f string) bool { return strings.Contains(f, text) })
	})
}

// A wall board shows people of its team to somebody without an account, and follows them. It makes nobody present, and
// its page doesn't tell its address.
func TestWallBoard(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	for name, team := range map[string]string{"ada": "Ops", "bob": "Ops", "cyd": "Dev"} {
		l.person(name)
		l.must(l.store.SetTeam(acting(t.Context()), l.uid(name), team))
	}
	token := l.share("ada", accounts.NewShare{Kind: accounts.WallShare, Team: "Ops", Texts: true})
	w := l.openWall(token)
	for _, want := range []string{"Nobody is here", "of 2 in Ops", ">ada<", ">bob<", `http-equiv="refresh"`} {
		if !strings.Contains(w.page, want) {
			t.Errorf("the wall board doesn't have %q:\n%s", want, w.page)
		}
	}
	for _, secret := range []string{">cyd<", `data-user`, "/u/", "@ada", "/settings"} {
		if strings.Contains(w.page, secret) {
			t.Errorf("the wall board has %q:\n%s", secret, w.page)
		}
	}
	if v := l.server.cfg.Presence.View(l.uid("ada")); v.State != presence.Offline {
		t.Errorf("the owner of an open wall board is %s, want offline", v.State)
	}
	l.join("bob", presence.Activity{})
	w.frame("1 person is here")
	w.frame(`id="u-` + l.uid("bob") + `" data-state="online"`)
	l.join("cyd", presence.Activity{})
	l.must(l.store.SetStatus(acting(t.Context()), l.uid("bob"), accounts.Status{Text: "Tea"}, ""))
	w.frame("Tea")
	for _, f := range w.framesFrom(0) {
		if strings.Contains(f, l.uid("cyd")) || strings.Contains(f, "/u/") || strings.Contains(f, "data-user") {
			t.Errorf("a wall board of Ops got a frame about other people, or with usernames: %s", f)
		}
	}
	a := l.browser().get("/w/" + token)
	if h := a.Header; h.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(h.Get("X-Robots-Tag"), "noindex") ||
		h.Get("Cache-Control") != "no-store" {
		t.Errorf("headers of a wall board = %v", h)
	}
	w.leave()
	l.browser().get("/w/" + token + "/")
	w.until("the line of the socket", func() bool { return len(l.logs.lines(`path=/w/:token/ws`, "status=101")) == 1 })
	if lines := l.logs.lines(token); len(lines) > 0 {
		t.Errorf("the log has the token of a share link: %q", lines)
	}
}

// A wall board of counts alone never gets a name.
func TestWallOfCounts(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	l.person("ada")
	l.person("bob")
	w := l.openWall(l.share("ada", accounts.NewShare{Kind: accounts.WallShare, Counts: true}))
	l.join("bob", presence.Activity{})
	w.frame("1 person is here")
	all := w.page + strings.Join(w.framesFrom(0), "\n")
	for _, secret := range []string{"bob", "ada", l.uid("bob"), l.uid("ada")} {
		if strings.Contains(all, secret) {
			t.Errorf("a wall board of counts alone has %q:\n%s", secret, all)
		}
	}
}

// A wall board without texts never gets one, nor when it ends.
func TestWallWithoutTexts(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	l.person("ada")
	set := func(text string) {
		t.Helper()
		l.must(l.store.SetStatus(acting(t.Context()), l.uid("ada"),
			accounts.Status{State: "dnd", Text: text, Emoji: "🎧", Until: time.Now().Add(time.Hour)}, ""))
	}
	set("first text")
	w := l.openWall(l.share("ada", accounts.NewShare{Kind: accounts.WallShare}))
	set("second text")
	l.join("ada", presence.Activity{})
	w.frame(`data-state="dnd"`)
	all := w.page + strings.Join(w.framesFrom(0), "\n")
	for _, secret := range []string{"first text", "second text", "🎧", "until"} {
		if strings.Contains(all, secret) {
			t.Errorf("a wall board without texts has %q:\n%s", secret, all)
		}
	}
}

// Revoking a link closes its wall boards at once, and nobody else's. A revoked link and one that never existed have the
// same page.
func TestRevokedWall(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	l.person("ada")
	l.person("bob")
	token := l.share("ada", accounts.NewShare{Kind: accounts.WallShare})
	all, err := l.store.Shares(t.Context(), l.uid("ada"))
	l.must(err)
	ends := map[string]func(){
		"revoked":  func() { l.must(l.store.RevokeShare(acting(t.Context()), l.uid("ada"), all[0].ID)) },
		"disabled": func() { l.must(l.store.SetDisabled(acting(t.Context()), l.uid("bob"), true)) },
	}
	other := l.share("bob", accounts.NewShare{Kind: accounts.WallShare})
	walls := map[string]*wall{"revoked": l.openWall(token), "disabled": l.openWall(other)}
	for _, how := range []string{"revoked", "disabled"} {
		ends[how]()
		walls[how].wantClose(closePolicy)
		if walls[how].closed.Text != endedShare {
			t.Errorf("a wall board whose link ended was closed with %q, want %q", walls[how].closed.Text, endedShare)
		}
	}
	request := regexp.MustCompile(`<code>[^<]*</code>`)
	unknown := l.browser().get("/w/" + strings.Repeat("0", 27))
	wantStatus(t, "an unknown wall board", unknown, http.StatusNotFound)
	if a := l.browser().get("/w/" + token); a.StatusCode != unknown.StatusCode ||
		request.ReplaceAllString(a.body, "") != request.ReplaceAllString(unknown.body, "") {
		t.Errorf("a revoked wall board = %d\n%s\nwant that of one that never existed", a.StatusCode, a.body)
	}
	b := l.browser()
	b.host = strings.TrimPrefix(l.url, "http://")
	l.bare(b, "/w/"+token+"/ws").wantClose(closePolicy)
}

// A link that ends on one replica closes its wall boards on the others.
func TestRevokedOnAnotherReplica(t *testing.T) {
	t.Parallel()
	first := newLiveBoard(t)
	first.person("ada")
	token := first.share("ada", accounts.NewShare{Kind: accounts.WallShare})
	second := newLiveBoard(t, func(cfg *Config) {
		store, err := accounts.Open(t.Context(), accounts.Config{CheapHashes: true, Path: first.path, Log: cfg.Log})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		cfg.Accounts = store
	})
	w := second.openWall(token)
	all, err := first.store.Shares(t.Context(), first.uid("ada"))
	first.must(err)
	first.must(first.store.RevokeShare(acting(t.Context()), first.uid("ada"), all[0].ID))
	w.wantClose(closePolicy)
}

// Wall boards of one link are limited, so that a link that got around doesn't take the connections of members.
func TestWallsOfOneLinkAreLimited(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	l.person("ada")
	token := l.share("ada", accounts.NewShare{Kind: accounts.WallShare})
	b := l.browser()
	b.host = strings.TrimPrefix(l.url, "http://")
	for range maxSharedSockets {
		l.bare(b, "/w/"+token+"/ws").frame0()
	}
	l.bare(b, "/w/"+token+"/ws").wantClose(closeLater)
}

// frame0 waits for the first frame.
func (tb *tab) frame0() {
	tb.t.Helper()
	tb.until("the first frame", func() bool { return len(tb.frames) > 0 })
}

// A wall board sees what its owner sees: when they may see fewer teams, or hide when they were last seen, so does it.
func TestWallSeesWithItsOwnersEyes(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t, onlyTeams)
	for name, team := range map[string]string{"ada": "Ops", "bob": "Dev"} {
		l.person(name)
		l.must(l.store.SetTeam(acting(t.Context()), l.uid(name), team))
	}
	l.must(l.store.StampSeen(acting(t.Context()), map[string]time.Time{l.uid("bob"): time.Now()}))
	token := l.share("ada", accounts.NewShare{Kind: accounts.WallShare})
	w := l.openWall(token)
	if strings.Contains(w.page, ">bob<") {
		t.Error("the wall board shows somebody whom its owner doesn't see")
	}
	l.must(l.store.PairTeams(acting(t.Context()), "Ops", "Dev"))
	w.frame(">bob<")
	w.frame("seen today")
	l.must(l.store.ChangePreferences(acting(t.Context()), l.uid("ada"), func(p *accounts.Preferences) { p.ShowLastSeen = accounts.Nobody }))
	w.until("bob without when he was seen", func() bool {
		last := w.frames[len(w.frames)-1]
		return strings.Contains(last, ">bob<") && !strings.Contains(last, "seen today")
	})
	l.must(l.store.UnpairTeams(acting(t.Context()), "Ops", "Dev"))
	w.until("nobody of the other team", func() bool { return !strings.Contains(w.frames[len(w.frames)-1], ">bob<") })
}

// An invisible person looks on a wall board like one who left: the same frames, byte for byte.
func TestInvisibleOnAWall(t *testing.T) {
	t.Parallel()
	var said [2][]string
	for i, hide := range []bool{false, true} {
		l := newLiveBoard(t)
		l.person("ada")
		l.person("bob")
		l.person("zoe")
		token := l.share("ada", accounts.NewShare{Kind: accounts.WallShare, Texts: true})
		leave := l.join("bob", presence.Activity{})
		w := l.openWall(token)
		step := func(what string) { // zoe's text is behind all frames that were on their way
			l.must(l.store.SetStatus(acting(t.Context()), l.uid("zoe"), accounts.Status{Text: what}, ""))
			w.until(what, func() bool { return len(w.frames) > 0 && strings.Contains(strings.Join(w.frames, ""), what) })
		}
		step("first text")
		from := w.frameCount()
		if hide {
			l.must(l.store.SetInvisible(acting(t.Context()), l.uid("bob"), true))
		} else {
			leave()
		}
		w.frame("Nobody is here")
		step("second text")
		if hide { // what he does now must not show
			l.join("bob", presence.Activity{})()
			l.join("bob", presence.Activity{Ago: presence.NoInput})
			l.put("bob", accounts.Claim{Key: "build", State: "away", Until: time.Now().Add(time.Hour)})
		}
		step("third text")
		ids := strings.NewReplacer(l.uid("ada"), "ADA", l.uid("bob"), "BOB", l.uid("zoe"), "ZOE")
		page := l.browser().get("/w/" + token).body
		list := page[strings.Index(page, `<div id="list">`):strings.Index(page, "</main>")]
		for _, f := range append(w.framesFrom(from), list) {
			said[i] = append(said[i], anyTimePattern.ReplaceAllString(avatarPattern.ReplaceAllString(ids.Replace(f), "HUE"), "TIME"))
		}
	}
	if !slices.Equal(said[0], said[1]) {
		t.Errorf("a wall board can tell invisible from gone:\n%q\n%q", said[0], said[1])
	}
}
