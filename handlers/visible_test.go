package handlers

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rollcall/accounts"
	"rollcall/presence"
)

// onlyTeams is a change for newFixture: people see only their own team and those paired with it.
func onlyTeams(cfg *Config) { cfg.Fixed.Visibility = accounts.VisibleTeams }

// must fails the test if a change of the accounts fails.
func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// inTeam adds an account in a team and returns its browser.
func (f *fixture) inTeam(name, team string) *browser {
	f.t.Helper()
	u := f.person(name)
	f.must(f.store.SetTeam(acting(f.t.Context()), u.ID, team))
	b := f.browser()
	b.enter(name)
	return b
}

// watchedHistory is what ada gets to see, who has a board and bob's page open.
type watchedHistory struct {
	*liveBoard
	ada   *browser
	tabs  []*tab
	seen  []int // frames of each tab that have been recorded
	said  []string
	about []string // pages and forms that are asked about bob in each step
}

func (h *watchedHistory) note(step string) {
	h.t.Helper()
	h.must(h.server.live.CatchUp(h.t.Context()))
	h.tabs[0].until("calm", func() bool { s := h.server.live.Stats(); return !s.Pending && s.Stale == 0 })
	// Frames of one page keep their order, so those of ada's new status come after all that were on their way.
	text := "note " + step + "."
	h.must(h.store.SetStatus(acting(h.t.Context()), h.uid("ada"), accounts.Status{Text: text}, ""))
	h.tabs[0].until("ada's row", func() bool { return strings.Contains(h.tabs[0].rows["ada"], text) })
	for i, tb := range h.tabs {
		tb.until("ada's own status", func() bool { return strings.Contains(tb.text["me-set"], text) })
		frames := tb.framesFrom(h.seen[i])
		h.seen[i] += len(frames)
		for _, f := range frames {
			h.said = append(h.said, fmt.Sprint(step, " frame of tab ", i, " ", f))
		}
	}
	for _, target := range h.about {
		a := h.ada.get(target)
		h.said = append(h.said, fmt.Sprint(step, " ", target, " ", a.StatusCode, a.Header["Cache-Control"], " ", a.body))
	}
	for path, form := range map[string]url.Values{
		"/favorites/add": {"person": {"bob"}}, "/favorites/remove": {"person": {"bob"}},
		"/alerts/add": {"person": {"bob"}, "kind": {"here"}}, "/alerts/remove": {"person": {"bob"}},
	} {
		a := h.ada.do("POST", path, form)
		h.said = append(h.said, fmt.Sprint("POST ", path, " ", a.StatusCode, a.location(), " ", a.body))
	}
	slices.Sort(h.said[len(h.said)-4:]) // the order of a map is random
}

// TestHiddenIsLikeDeleted plays one random history twice. In it, bob is in ada's team, one of her favorites, and she
// waits for him. Then he is gone. In one run his account is deleted. In the other he moves to a team that ada may not
// see, and goes on: he comes and goes, sets a status, and gets another name, team and role. Ada must get the same
// pages, frames, stylesheets and downloads in both runs, byte for byte.
func TestHiddenIsLikeDeleted(t *testing.T) {
	for range 1 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			deleted, hidden := hiddenHistory(t, seed, false), hiddenHistory(t, seed, true)
			for i := range max(len(deleted), len(hidden)) {
				a, b := "nothing", "nothing"
				if i < len(deleted) {
					a = deleted[i]
				}
				if i < len(hidden) {
					b = hidden[i]
				}
				if a != b {
					t.Fatalf("a watcher can tell hidden from deleted:\n%s", firstDifference(a, b))
				}
			}
		})
	}
}

func hiddenHistory(t *testing.T, seed uint64, hidden bool) []string {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 17))
	h := &watchedHistory{liveBoard: newLiveBoard(t, onlyTeams, func(cfg *Config) { cfg.Limits.Acts = 10_000 })}
	h.ada = h.inTeam("ada", "Design")
	h.inTeam("zoe", "Design")
	h.inTeam("bob", "Design")
	h.ada.host = strings.TrimPrefix(h.url, "http://")
	ctx, id := acting(t.Context()), h.uid("bob")
	h.must(h.store.SetFavorite(ctx, h.uid("ada"), id, true))
	h.must(h.store.SetFavorite(ctx, h.uid("ada"), h.uid("zoe"), true))
	h.must(h.store.SetAlert(ctx, h.uid("ada"), id, accounts.AlertHere))
	h.about = []string{"/", "/?q=bo", "/?q=bobby", "/?show=here", "/?show=everyone", "/?show=offline", "/?team=Sales", "/u/bob",
		"/u/BOB", "/me", "/settings", "/settings/stored", "/settings/my-data.json", "/?page=2"}
	for _, target := range []string{"/", "/u/bob", "/?q=bo"} {
		h.tabs = append(h.tabs, h.open(h.ada, target, "a"))
		h.seen = append(h.seen, 0)
	}
	h.tabs[0].sees("bob", "offline")
	h.tabs[0].sees("ada", "online")
	for i, tb := range h.tabs {
		tb.until("ada's own state", func() bool { return tb.text["me-name"] != "" })
		h.seen[i] = tb.frameCount()
	}
	if hidden {
		h.must(h.store.SetTeam(ctx, id, "Sales"))
	} else {
		h.must(h.store.Delete(ctx, id))
	}
	h.tabs[0].until("bob is gone", func() bool { return h.tabs[0].rows["bob"] == "" })
	h.note("gone")
	var zoe *presence.Connection
	for step := range 8 {
		what, other := r.IntN(6), r.IntN(2)
		if hidden {
			h.secretly(id, step, what)
		}
		switch {
		case other == 0:
		case zoe == nil:
			zoe = h.server.cfg.Presence.Join(h.uid("zoe"), presence.Client{}, presence.Activity{})
			h.tabs[0].sees("zoe", "online")
		default:
			zoe.Leave(presence.SignedOut)
			zoe = nil
			h.tabs[0].sees("zoe", "offline")
		}
		h.note(fmt.Sprint("step ", step))
	}
	for _, tb := range h.tabs {
		a := h.ada.get(meCSSHref(h.ada.get("/").body))
		h.said = append(h.said, fmt.Sprint("stylesheet ", a.StatusCode, a.Header["Cache-Control"], " ", a.body, tb.text["told"]))
	}
	rec := recording{said: h.said}
	for i, s := range rec.said {
		rec.said[i] = requestPattern.ReplaceAllString(s, "REQUEST")
	}
	return rec.stripped()
}

// requestPattern matches what is different on each page of an error, and in each download.
var requestPattern = regexp.MustCompile(`Request <code>[0-9a-f]+</code>|"(\w+_at|at)": "[^"]*"|datetime="[^"]*"|(\d\d:\d\d UTC)`)

// meCSSHref returns the address of the viewer's own stylesheet on a page.
func meCSSHref(page string) string {
	_, rest, _ := strings.Cut(page, `id="me-css" href="`)
	href, _, _ := strings.Cut(rest, `"`)
	return strings.ReplaceAll(href, "&amp;", "&")
}

// secretly lets somebody in a hidden team do something.
func (h *watchedHistory) secretly(id string, step, what int) {
	h.t.Helper()
	ctx := acting(h.t.Context())
	switch what {
	case 0:
		c := h.server.cfg.Presence.Join(id, presence.Client{}, presence.Activity{})
		h.t.Cleanup(func() { c.Leave(presence.SignedOut) })
	case 1:
		h.must(h.store.SetStatus(ctx, id, accounts.Status{State: "dnd", Text: fmt.Sprint("step ", step)}, ""))
	case 2:
		h.must(h.store.Rename(ctx, id, fmt.Sprint("Bobby ", step)))
	case 3:
		h.must(h.store.SetTeam(ctx, id, []string{"", "Legal", "Sales"}[step%3]))
	case 4:
		h.must(h.store.SetAdmin(accounts.Forced(ctx), id, step%2 == 0))
	case 5:
		h.must(h.store.SetFavorite(ctx, id, h.uid("ada"), step%2 == 0)) // administrators see her
	}
}

// Two processes on the same accounts show the same within moments: a change in one moves pages of the other.
func TestVisibleOnTwoReplicas(t *testing.T) {
	one := newLiveBoard(t)
	two := newLiveBoard(t, func(cfg *Config) { cfg.Accounts = one.store })
	ada, boss := two.inTeam("ada", "Design"), one.inTeam("boss", "Ops")
	two.inTeam("bob", "Sales")
	one.must(one.store.SetAdmin(acting(t.Context()), one.uid("boss"), true))
	ada.host = strings.TrimPrefix(two.url, "http://")
	page, own := two.open(ada, "/", "a"), two.open(ada, "/u/bob", "a")
	page.sees("bob", "offline")
	page.sees("ada", "online")
	gone := func(what string) {
		t.Helper()
		page.until(what, func() bool { _, there := page.rows["bob"]; return !there })
		if _, there := page.shown()["ada"]; !there || ada.get("/u/bob").StatusCode != http.StatusNotFound {
			t.Errorf("%s: ada isn't on her own page, or bob still has one", what)
		}
	}
	boss.post("/admin/settings", url.Values{"visibility": {"teams"}})
	gone("the rule hides bob")
	own.until("bob's own page is empty", func() bool {
		return slices.ContainsFunc(own.frames, func(f string) bool {
			return strings.Contains(f, `hx-swap="delete"`) || strings.Contains(f, "hx-swap=delete")
		})
	})
	page.until("counts say so", func() bool { return page.text["summary"] == "of 1 person you can see" })
	boss.post("/admin/teams/pair", url.Values{"team": {"sales"}, "other": {"Design"}})
	page.sees("bob", "offline")
	page.until("counts say so", func() bool { return page.text["summary"] == "of 2 people you can see, in 2 teams" })
	boss.post("/admin/teams/unpair", url.Values{"team": {"Design"}, "other": {"Sales"}})
	gone("the pair is dissolved")
	boss.post("/admin/people/bob", url.Values{"display_name": {"bob"}, "team": {"Design"}})
	page.sees("bob", "offline")
	boss.post("/admin/people/bob", url.Values{"display_name": {"bob"}, "team": {"Sales"}})
	gone("bob moves")
	boss.post("/admin/people/ada/role", url.Values{"admin": {"on"}})
	page.sees("bob", "offline")
	page.sees("boss", "offline")
	boss.post("/admin/people/ada/role", url.Values{"admin": {"off"}})
	gone("ada is no administrator anymore")
	boss.post("/admin/settings", url.Values{"visibility": {"everyone"}})
	page.sees("bob", "offline")
}

// shown returns the state of every row.
func (tb *tab) shown() map[string]string {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return tb.shownLocked()
}

// Two teams that see each other are listed for administrators, who can stop it, without a script. Refused forms keep
// what was typed and say what's wrong.
func TestTeamPairs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	boss := f.boss("boss")
	f.inTeam("ada", "Design")
	f.inTeam("bob", "Sales & Co")
	if page := boss.get("/admin/teams").body; !strings.Contains(page, "this list has no effect") {
		t.Errorf("while everyone sees everyone, the page doesn't say that pairs have no effect:\n%s", page)
	}
	boss.post("/admin/settings", url.Values{"visibility": {"teams"}})
	for _, tt := range []struct{ team, other, says string }{
		{"Design", "design", "Choose two different teams."}, {"Design", "Nowhere", "Choose a team that exists"},
		{"", "Design", "Type a name for the team."}, {"<b>", "Design", "Choose a team that exists"},
	} {
		a := boss.do("POST", "/admin/teams/pair", url.Values{"team": {tt.team}, "other": {tt.other}})
		if a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.body, tt.says) ||
			tt.team != "<b>" && !strings.Contains(a.body, `name="team" value="`+tt.team+`"`) || strings.Contains(a.body, "<b><bdi><b>") {
			t.Errorf("pairing %q and %q = %d, want %q and what was typed\n%s", tt.team, tt.other, a.StatusCode, tt.says, a.body)
		}
	}
	page := boss.post("/admin/teams/pair", url.Values{"team": {"sales & co"}, "other": {"Design"}})
	for _, says := range []string{"These teams see each other now.", "<b><bdi>Design</bdi></b> and <b><bdi>Sales &amp; Co</bdi></b>",
		"People see only their own team and the teams that you list here."} {
		if !strings.Contains(page.body, says) {
			t.Errorf("the page after pairing doesn't say %q:\n%s", says, page.body)
		}
	}
	f.must(f.store.SetTeam(acting(t.Context()), f.uid("bob"), ""))
	if page := boss.get("/admin/teams").body; !strings.Contains(page, "Nobody is in Sales &amp; Co.") {
		t.Errorf("the page doesn't say that nobody is in a team:\n%s", page)
	}
	form := url.Values{"team": {"Design"}, "other": {"Sales & Co"}}
	if page := boss.post("/admin/teams/unpair", form).body; !strings.Contains(page, "No teams are paired.") {
		t.Errorf("after it was stopped, the page lists the pair:\n%s", page)
	}
	wantStatus(t, "stopping it again", boss.do("POST", "/admin/teams/unpair", form), http.StatusNotFound)
	log := boss.get("/admin/log").body
	for _, says := range []string{"let the teams <bdi>Design</bdi> and <bdi>Sales &amp; Co</bdi> see each other",
		"from seeing each other", "whom people see = only their own team"} {
		if !strings.Contains(log, says) {
			t.Errorf("the log doesn't say %q:\n%s", says, log)
		}
	}
}

// While people see only their own team, nobody chooses their team: whoever could would see anybody. The pages and the
// log say so.
func TestTeamsAreFixedWhileHidden(t *testing.T) {
	t.Parallel()
	f := newFixture(t, onlyTeams, func(cfg *Config) { cfg.Stored.Teams = accounts.TeamsExisting })
	if len(f.logs.lines("people see only their own team, so only administrators choose teams", "teams=existing")) != 1 {
		t.Errorf("the log doesn't say at the start that members can't choose teams:\n%s", f.logs)
	}
	ada, boss := f.inTeam("ada", "Design"), f.boss("boss")
	f.inTeam("bob", "Sales")
	page := ada.get("/settings").body
	if !strings.Contains(page, "An administrator assigns people to teams.") || strings.Contains(page, "Sales") {
		t.Errorf("ada's settings offer teams:\n%s", page)
	}
	a := ada.do("POST", "/settings/profile", url.Values{"display_name": {"Ada"}, "team": {"Sales"}})
	if a.StatusCode < 400 || f.user("ada").Team != "Design" {
		t.Errorf("ada moves to the team Sales = %d, and is in %q", a.StatusCode, f.user("ada").Team)
	}
	settings := boss.get("/admin/settings").body
	for _, says := range []string{"Set by <code>--visibility</code>", "Administrators choose, because people see only their own team."} {
		if !strings.Contains(settings, says) {
			t.Errorf("the settings of the board don't say %q:\n%s", says, settings)
		}
	}
	boss.post("/admin/settings", url.Values{"visibility": {"everyone"}, "invisible": {"off"}})
	if got := f.server.inForce(); got.Visibility != accounts.VisibleTeams || got.Teams != accounts.TeamsFixed {
		t.Errorf("a form overrides the flag: %+v", got)
	}
	for _, path := range []string{"/signup", "/settings/stored"} {
		b := ada
		if path == "/signup" {
			b = f.browser()
		}
		if page := b.get(path).body; strings.Contains(page, "Everyone sees this") || strings.Contains(page, "Everyone on this board") {
			t.Errorf("%s says that everyone sees people:\n%s", path, page)
		}
	}
}

// Sentences count whom somebody may see, and don't say that there's nobody else.
func TestSentencesAboutVisiblePeople(t *testing.T) {
	t.Parallel()
	f := newFixture(t, quick, onlyTeams)
	ada := f.inTeam("ada", "Design")
	f.inTeam("bob", "Sales")
	page := ada.get("/").body
	if got := ada.get(meCSSHref(page)).Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("the stylesheet with favorites has Cache-Control %q, want no-store, because they can be hidden later", got)
	}
	for _, lie := range []string{"Only you so far", "data-alone", `id="first"`, "bob", "Sales", "People appear here the moment they sign in."} {
		if strings.Contains(page, lie) {
			t.Errorf("the board of somebody alone in a team says %q:\n%s", lie, page)
		}
	}
	if !strings.Contains(page, "of 1 person you can see") {
		t.Errorf("the board doesn't say that it has only those whom ada can see:\n%s", page)
	}
	f.must(f.store.SetAdmin(acting(t.Context()), f.uid("ada"), true))
	if page := ada.get("/").body; !strings.Contains(page, "of 2 in 2 teams") {
		t.Errorf("the board of an administrator doesn't count everyone:\n%s", page)
	}
}

// With the default, pages are the same as if there were no such setting.
func TestEveryoneIsTheDefault(t *testing.T) {
	t.Parallel()
	f := newFixture(t, quick)
	ada := f.inTeam("ada", "Design")
	f.inTeam("bob", "Sales")
	page := ada.get("/").body
	href := meCSSHref(page)
	if !strings.Contains(page, `data-user="bob"`) || strings.Contains(href, "&s=") || strings.Contains(page, "you can see") ||
		ada.get(href).Header.Get("Cache-Control") != "private, max-age=86400" {
		t.Errorf("the board or its stylesheet %q differs:\n%s", href, page)
	}
}
