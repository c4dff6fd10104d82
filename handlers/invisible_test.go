package handlers

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// recording holds every page and frame that a watcher received during one history, in order.
type recording struct {
	l       *liveBoard
	watcher *browser
	tab     *tab
	frames  int  // number of the tab's frames that have been recorded
	page    *tab // of bob's page, once it's open
	pages   int  // the same of its frames
	stream  *listener
	events  int // lines of the stream that have been recorded
	said    []string

	program *program          // of the watcher
	devices *program          // of bob
	etags   map[string]string // by path, as of the last call of note
}

func newRecording(t *testing.T, changes ...func(*Config)) *recording {
	l := newLiveBoard(t, changes...)
	ada := l.member("ada")
	l.must(l.store.SetAdmin(acting(t.Context()), l.uid("ada"), true))
	r := &recording{l: l, watcher: ada, tab: l.open(ada, "/", "a"), program: l.program("ada", accounts.Scopes...),
		etags: map[string]string{}}
	r.program.host = ada.host
	r.tab.sees("ada", "online")
	return r
}

// note records the frames that arrived since the last call, and the current pages.
func (r *recording) note(step string) {
	r.tab.mu.Lock()
	frames := slices.Clone(r.tab.frames[r.frames:])
	r.frames = len(r.tab.frames)
	r.tab.mu.Unlock()
	for _, f := range frames {
		r.said = append(r.said, step+" frame "+f)
	}
	if r.page != nil {
		r.tab.mu.Lock()
		row := bobsRow(r.tab.frames)
		r.tab.mu.Unlock()
		r.page.until("the row that the board has", func() bool { return bobsRow(r.page.frames) == row })
		frames := r.page.framesFrom(r.pages)
		r.pages += len(frames)
		for _, f := range frames {
			r.said = append(r.said, step+" frame of the person's page "+f)
		}
		r.said = append(r.said, step+" page of bob "+r.watcher.get("/u/bob").body)
	}
	r.noteStream(step)
	for _, target := range []string{"/", "/?q=bo", "/?show=offline", "/?show=here", "/?show=online", "/?show=dnd",
		"/?team=Design", "/admin/people", "/admin/people?sort=newest", "/admin/people?q=bo", "/admin/people?team=Design",
		"/admin/people/bob", "/admin/teams", "/admin/team?name=Design", "/admin/invitations", "/admin/import",
		"/admin/settings", "/admin/log", "/admin/log?person=bob"} {
		r.said = append(r.said, step+" page "+target+" "+r.watcher.get(target).body)
	}
	for _, path := range []string{"/users", "/users?q=bo", "/users?state=offline", "/users?state=here", "/users?state=dnd", "/users/bob",
		"/presence?user=bob&user=zoe", "/presence/stats", "/admin/users", "/admin/users/bob", "/admin/audit"} {
		a := r.program.want(200, "GET", path, "")
		etag := a.Header.Get("ETag")
		r.said = append(r.said, fmt.Sprint(step, " api ", path, " ", a.body, " changed: ", etag != r.etags[path]))
		r.etags[path] = etag
	}
	r.said = append(r.said, step+" api query "+r.program.want(200, "POST", "/presence/query", `{"users":["bob","zoe"]}`).body)
	r.said = append(r.said, step+" export "+r.watcher.do("POST", "/admin/people.csv", url.Values{}).body)
}

// noteStream records the events that arrived since the last call, and what a stream gets that resumes now.
func (r *recording) noteStream(step string) {
	if r.stream == nil {
		return
	}
	r.stream.until("what the board shows", func(streamEvent) bool {
		latest := r.stream.latestLocked()
		r.tab.mu.Lock()
		defer r.tab.mu.Unlock()
		for user, state := range r.tab.shownLocked() {
			if u := latest[user]; u.State != state || !strings.Contains(r.tab.rows[user], u.Text) {
				return false
			}
		}
		return true
	})
	r.stream.mu.Lock()
	lines, cursor := r.stream.lines[r.events:], ""
	r.events = len(r.stream.lines)
	for _, e := range r.stream.events {
		cursor = cmp.Or(e.Cursor, cursor)
	}
	r.stream.mu.Unlock()
	resumed := r.l.openStream(r.watcher, streamPath+"?since="+cursor)
	resumed.kind("current")
	resumed.close()
	for _, line := range append(slices.Clone(lines), resumed.lines...) {
		if !strings.Contains(line, `"alive"`) {
			r.said = append(r.said, step+" stream "+line)
		}
	}
}

// latestLocked returns what the stream last told of everyone.
func (x *listener) latestLocked() map[string]userJSON {
	latest := map[string]userJSON{}
	for _, e := range x.events {
		for _, u := range e.Users {
			latest[u.User] = u
		}
		if e.Event == "change" {
			latest[e.User.User] = *e.User
		}
	}
	return latest
}

// bobsRow returns what bob's row says in the last of frames that has it. A row can be brief, without texts of times.
func bobsRow(frames []string) string {
	for _, frame := range slices.Backward(frames) {
		for _, row := range rowPattern.FindAllString(frame, -1) {
			if strings.Contains(row, `data-user="bob"`) {
				said := strings.TrimSuffix(strings.TrimSuffix(row[strings.Index(row, `<p class="st">`):], "</li>"), "</div>")
				return statePattern.FindString(row) + timeTextPattern.ReplaceAllString(said, "$1")
			}
		}
	}
	return ""
}

var (
	versionPattern  = regexp.MustCompile(`(\?|&amp;)v=[^"&]*`)
	madePattern     = regexp.MustCompile(`data-(now|since)="[^"]*"`)
	avatarPattern   = regexp.MustCompile(`class="(p|av) h[0-7]`)
	cursorPattern   = regexp.MustCompile(`"cursor":"[^"]*"`)
	jsonTimePattern = regexp.MustCompile(`"(\d{4}-\d\d-\d\dT[^"]*Z|[0-9a-f]{16})"`) // or the ID of a request
	timeTextPattern = regexp.MustCompile(`(<time[^>]*>)[^<]*`)
	anyTimePattern  = regexp.MustCompile(`<time[^>]*>[^<]*</time>|id="printed-at">[^<]*`)
)

// stripped returns the recording without the parts that differ between any two runs: ids, the colors derived from them,
// times, and cursors, of which only it matters which of them are equal.
func (r *recording) stripped() []string {
	names := map[string]string{}
	out := make([]string, len(r.said))
	for i, s := range r.said {
		s = uidPattern.ReplaceAllStringFunc(s, func(id string) string {
			if names[id] == "" {
				names[id] = fmt.Sprint("UID", len(names))
			}
			return names[id]
		})
		s = cursorPattern.ReplaceAllStringFunc(s, func(c string) string {
			if names[c] == "" {
				names[c] = fmt.Sprint("CURSOR", len(names))
			}
			return names[c]
		})
		s = avatarPattern.ReplaceAllString(s, `class="$1 HUE`)
		s = jsonTimePattern.ReplaceAllString(s, "TIME")
		s = versionPattern.ReplaceAllString(s, "${1}v=V")
		s = madePattern.ReplaceAllString(s, `data-$1=""`)
		out[i] = anyTimePattern.ReplaceAllString(s, "TIME")
	}
	return out
}

// TestInvisibleIsLikeGone plays one random history twice. In it, bob changes his status and at some point disappears.
// In one run he signs out. In the other he goes invisible and keeps opening and closing pages, typing, going away, and
// using apps and other devices. A watcher must get the same pages and the same frames in both runs, byte for byte.
func TestInvisibleIsLikeGone(t *testing.T) {
	for range 2 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			gone, invisible := invisibleHistory(t, seed, false), invisibleHistory(t, seed, true)
			for i := range max(len(gone), len(invisible)) {
				a, b := "nothing", "nothing"
				if i < len(gone) {
					a = gone[i]
				}
				if i < len(invisible) {
					b = invisible[i]
				}
				if a != b {
					t.Fatalf("a watcher can tell invisible from gone:\n%s", firstDifference(a, b))
				}
			}
		})
	}
}

// firstDifference shows where two long texts begin to differ.
func firstDifference(gone, invisible string) string {
	at := 0
	for at < min(len(gone), len(invisible)) && gone[at] == invisible[at] {
		at++
	}
	around := func(s string) string { return s[max(0, min(at, len(s))-200):min(len(s), at+200)] }
	return fmt.Sprintf("%.60s\n%.60s\ngone      …%s…\ninvisible …%s…", gone, invisible, around(gone), around(invisible))
}

// invisibleHistory plays one history and returns what its watcher received.
func invisibleHistory(t *testing.T, seed uint64, invisible bool) []string {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 11))
	rule := []string{accounts.VisibleEveryone, accounts.VisibleTeams}[r.IntN(2)] // ada, an administrator, sees bob's team
	rec := newRecording(t, func(cfg *Config) { cfg.Fixed.Visibility = rule })
	l, a := rec.l, rec.tab
	l.person("zoe")
	bob := l.member("bob")
	id := l.uid("bob")
	rec.devices = l.program("bob", accounts.WriteClaim) // the log has a line about it
	rec.devices.host = bob.host
	set := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	set(l.store.SetTeam(acting(t.Context()), id, "Design"))
	set(l.store.ChangePreferences(acting(t.Context()), id, func(p *accounts.Preferences) {
		*p = accounts.Preferences{ShowLastSeen: []string{accounts.Approximate, accounts.Exact, accounts.Nobody}[r.IntN(3)]}
	}))
	if r.IntN(2) == 0 {
		set(l.store.SetStatus(acting(t.Context()), id, accounts.Status{State: "dnd", Text: "before"}, ""))
	}
	open := l.open(bob, "/", "a")
	a.until("bob is here", func() bool { s := a.shownLocked()["bob"]; return s == "online" || s == "dnd" })
	rec.watcher.get("/") // reads her list again, which bob's page doesn't do if it has another list
	a.until("calm", func() bool { s := l.server.live.Stats(); return !s.Pending && s.Stale == 0 })
	set(l.store.SetStatus(acting(t.Context()), l.uid("zoe"), accounts.Status{Text: "the beginning"}, ""))
	a.until("a frame behind all that were on their way", func() bool { return strings.Contains(a.rows["zoe"], "the beginning") })
	rec.frames = a.frameCount()
	rec.page = l.open(rec.watcher, "/u/bob", "a")
	rec.page.until("ada's own state", func() bool { return rec.page.text["me-name"] != "" }) // the last frame at the start
	rec.pages = rec.page.frameCount()
	rec.stream = l.openStream(rec.watcher, streamPath)
	rec.stream.kind("snapshot")
	var zoe *presence.Connection
	steps, leaves := 14, 3+r.IntN(4)
	for step := range steps {
		name := fmt.Sprintf("step %d", step)
		switch {
		case step == leaves && invisible:
			set(l.store.SetInvisible(acting(t.Context()), id, true))
			a.sees("bob", "offline")
		case step == leaves:
			bob.do("POST", "/logout", url.Values{})
			a.sees("bob", "offline")
		case r.IntN(4) == 0: // a new text is visible to others even while bob is offline
			text := fmt.Sprint("text of ", name)
			set(l.store.SetStatus(acting(t.Context()), id, accounts.Status{State: []string{"", "dnd"}[r.IntN(2)], Text: text},
				""))
			a.until(text, func() bool { return strings.Contains(a.rows["bob"], text) })
		case zoe == nil: // zoe's changes are visible in both runs and keep them in step
			zoe = l.server.cfg.Presence.Join(l.uid("zoe"), presence.Client{}, presence.Activity{})
			a.sees("zoe", "online")
		default:
			zoe.Leave(presence.SignedOut)
			zoe = nil
			a.sees("zoe", "offline")
		}
		if step == leaves { // what she waits for must not come true while he is invisible
			a := rec.watcher.do("POST", "/alerts/add", url.Values{"person": {"bob"}, "kind": {"here"}})
			rec.said = append(rec.said, name+" alert "+a.location()+a.body)
		}
		if step > leaves && invisible {
			open = rec.secretly(bob, open, r.IntN(5))
		} else {
			r.IntN(5)
		}
		a.until("calm", func() bool { return !l.server.live.Stats().Pending })
		rec.note(name)
	}
	return rec.stripped()
}

// heartbeat returns a heartbeat of a device, which is also its session.
func heartbeat(key string) presence.Heartbeat {
	return presence.Heartbeat{Key: key, Session: key, TTL: time.Minute}
}

// secretly lets an invisible person do something on their own devices, and waits until the server knows.
func (r *recording) secretly(bob *browser, open *tab, what int) *tab {
	told := func(tb *tab) {
		tb.until("told that they are invisible",
			func() bool { return strings.HasPrefix(tb.text["me-why"], "<b>Invisible</b>") })
	}
	switch what {
	case 0: // a second tab for a moment
		other := r.l.open(bob, "/", "i700")
		told(other)
		other.leave()
	case 1: // idle and back
		open.say("h900")
		open.say("a")
	case 2: // a reload
		open.leave()
		open = r.l.open(bob, "/", "a")
		told(open)
	case 3: // an app says that he's busy
		key := fmt.Sprint("app-", open.frameCount())
		r.l.put("bob", accounts.Claim{Key: key, State: "dnd", Until: time.Now().Add(time.Hour)})
		open.until("the app in the panel", func() bool { return strings.Contains(open.text["me-claims"], key) })
	case 4: // a device without a browser, for a moment
		r.devices.want(200, "PUT", "/me/devices/lamp", `{"idle":"0s"}`)
		open.until("two devices", func() bool { return strings.Contains(open.text["me-why"], "Two devices") })
		r.devices.want(204, "DELETE", "/me/devices/lamp", "")
		open.until("one device", func() bool { return strings.Contains(open.text["me-why"], "One device") })
	}
	return open
}

// TestInvisibleTabsMakeNoFrames: others get no frames when an invisible person opens, uses or closes tabs.
func TestInvisibleTabsMakeNoFrames(t *testing.T) {
	l := newLiveBoard(t)
	a := l.open(l.member("ada"), "/", "a")
	bob := l.member("bob")
	if err := l.store.SetInvisible(acting(t.Context()), l.uid("bob"), true); err != nil {
		t.Fatal(err)
	}
	a.sees("ada", "online") // her own arrival is a frame, too
	a.sees("bob", "offline")
	a.until("calm", func() bool { return !l.server.live.Stats().Pending })
	before := a.frameCount()
	for range 4 {
		tb := l.open(bob, "/", "a")
		tb.until("told that they are invisible",
			func() bool { return strings.HasPrefix(tb.text["me-why"], "<b>Invisible</b>") })
		tb.say("h3")
		tb.say("a")
		tb.leave()
	}
	l.person("zoe")
	a.sees("zoe", "offline")
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.frames) - before; n != 1 {
		t.Errorf("while bob, who is invisible, used his tabs and zoe signed up, ada was sent %d frames, want only zoe's: %q",
			n, a.frames[before:])
	}
}

// TestVersionsTellNothing: a page holds its version, which must not reveal anything about other pages. Invisible people
// may be watching those.
func TestVersionsTellNothing(t *testing.T) {
	l := newLiveBoard(t)
	ada := l.member("ada")
	version := func(target string) uint64 {
		t.Helper()
		_, v, _ := strings.Cut(ada.load(target).text["socket"], "v=")
		_, v, _ = strings.Cut(v, "-")
		n, err := strconv.ParseUint(v, 36, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := version("/?q=a")
	for _, target := range []string{"/?q=b", "/?q=c", "/?q=d"} {
		after := version(target)
		if far := max(before, after) - min(before, after); far < 1_000_000 {
			t.Errorf("the version of a page is %d, and of one loaded next %d, want an unpredictable difference", before, after)
		}
		before = after
	}
}
