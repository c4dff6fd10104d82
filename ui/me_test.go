package ui

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// somePanel has all that a panel can have.
func somePanel() Panel {
	end := time.Date(2026, 11, 24, 14, 30, 0, 0, time.UTC)
	return Panel{
		Me: Me{
			UID: "0190-a", Name: "Ada <b> Lovelace", State: DND, Why: "you chose it", Devices: 2, MayHide: true,
			Set:  SetStatus{State: DND, Text: "Deep <b>work", Emoji: "🎧", Until: end},
			Next: Next{Before: "Ends", At: end, After: ", then automatic.", TextEnds: end.Add(time.Hour)},
			Claims: []Claim{{Key: "build", State: DND, Text: "Building <b>", Emoji: "🔨", Until: end},
				{Key: "call", State: Away}, {Key: "music", Emoji: "🎵"}},
		},
		Status: StatusForm{Zone: "Europe/Berlin", Live: true},
		Presets: []Preset{
			{"0191-a", DND, "Deep work", "🎧", "4h", true}, {"0191-b", Away, "", "", "", true},
			{"leave", "", "On leave", "🌴", "", false}, {"x", "", "", "🎂", "week", true},
		},
		Said: "Status updated.",
	}
}

func mePage(t testing.TB, u *UI, p Panel) string {
	t.Helper()
	return render(t, u, MePage{Layout: Layout{Viewer: &Viewer{UID: "u", Name: p.Me.Name, Me: p.Me, AtMe: true}}, Panel: p})
}

// A frame puts into the account menu and the panel what they have when they are loaded.
func TestFrameMe(t *testing.T) {
	u := newUI(t, "/base")
	p := somePanel()
	for _, me := range []Me{
		p.Me,
		{State: Online, Why: "you're active & well", Devices: 1,
			Next: Next{Before: "You turn", State: Away, After: " after 10 min without input."}},
		{State: Away, Why: "there was no input",
			Next: Next{Before: "You turn", State: Online, After: " with your next input.", TextEnds: p.Me.Next.At}},
		{State: DND, By: SetBy{Key: "build", Until: p.Me.Next.At}, Devices: 1, Claims: p.Me.Claims[:1]},
		{State: Away, By: SetBy{Key: "call"}, Next: Next{Before: "It stays until the app ends it."}},
		{State: Offline, Why: "you chose it", Invisible: true, Set: SetStatus{State: Away, Until: p.Me.Next.At},
			Next: Next{Before: "It stays until you change it."}},
	} {
		p.Me = me
		page := mePage(t, u, p)
		f := u.NewFrame()
		f.Me(Me{}, me)
		ids := regexp.MustCompile(`(?s)<hx-partial id="([^"]+)"[^>]*>(.*?)</hx-partial>`).FindAllStringSubmatch(string(f.Bytes()), -1)
		if len(ids) != 9 {
			t.Errorf("Me(%+v) = %s, want 9 partials", me, f.Bytes())
		}
		for _, m := range ids {
			if !regexp.MustCompile(`<\w+[^>]* id="` + m[1] + `"[^>]*>` + regexp.QuoteMeta(m[2]) + `</`).MatchString(page) {
				t.Errorf("Me(%+v) sends #%s %q, but the page has something else:\n%s", me, m[1], m[2], page)
			}
		}
	}
	f := u.NewFrame()
	f.Me(Me{}, Me{})
	if !f.Empty() {
		t.Errorf("Me(no state) = %s, want nothing", f.Bytes())
	}
}

// A frame has only what has changed.
func TestFrameMeSendsChanges(t *testing.T) {
	u := newUI(t, "")
	base := somePanel().Me
	change := func(f func(*Me)) Me {
		me := base
		f(&me)
		return me
	}
	for _, tt := range []struct {
		now  Me
		want string
	}{
		{base, ""},
		{change(func(m *Me) { m.Name = "Bob" }), "me-name me-initials me-self"},
		{change(func(m *Me) { m.State = Away }), "me me-self me-why"},
		{change(func(m *Me) { m.Why = "there was no input" }), "me-why"},
		{change(func(m *Me) { m.Devices = 1 }), "me-why"},
		{change(func(m *Me) { m.Next.After = "" }), "me-why"},
		{change(func(m *Me) { m.By = SetBy{Key: "build"} }), "me-why"},
		{change(func(m *Me) { m.Claims = slices.Clone(m.Claims) }), ""},
		{change(func(m *Me) { m.Claims = m.Claims[1:] }), "me-claims"},
		{change(func(m *Me) { m.Set.Text = "Lunch" }), "me-set"},
		{change(func(m *Me) { m.Set.State = Away }), "me-set me-states"},
		{change(func(m *Me) { m.Invisible = true }), "me me-states me-note me-why"},
	} {
		f := u.NewFrame()
		f.Me(base, tt.now)
		var ids []string
		for _, m := range regexp.MustCompile(`<hx-partial id="([^"]+)"`).FindAllStringSubmatch(string(f.Bytes()), -1) {
			ids = append(ids, m[1])
		}
		if got := strings.Join(ids, " "); got != tt.want {
			t.Errorf("Me(%+v to %+v) sends %q, want %q", base, tt.now, got, tt.want)
		}
	}
}

// A frame must not change the form of an open panel, because someone may be typing in it.
func TestFrameMeKeepsTheForm(t *testing.T) {
	u := newUI(t, "")
	f := u.NewFrame()
	f.Me(Me{}, somePanel().Me)
	for _, part := range []string{`name="text"`, `name="emoji"`, `name="lasts"`, `name="at"`, `id="panel"`, `id="status"`,
		`id="status-set"`} {
		if strings.Contains(string(f.Bytes()), part) {
			t.Errorf("Me() sends %s: %s", part, f.Bytes())
		}
	}
}

// What is set stands on a card, and the form is for the next status.
func TestPanelWithStatus(t *testing.T) {
	page := mePage(t, newUI(t, ""), somePanel())
	for _, want := range []string{
		`<span class="is">Shown</span><span class="was">Was shown</span> to others as <b>Do not disturb</b>`,
		`<b><bdi>Deep &lt;b&gt;work</bdi></b><span>Ends <time class="end" datetime="2026-11-24T14:30:00Z">at 14:30 UTC, 24 Nov</time> · <a `,
		`href="/me?change=yes" hx-get="/me/panel?change=yes"`, `name="clear" value="yes"`, `name="keep" value="yes"`,
		`name="text" value=""`, `name="emoji" value=""`,
		`name="state" value="dnd"`, `name="show" value="dnd" id="show-dnd" aria-pressed="true"`,
		`value="auto" id="show-auto" aria-pressed="false"`,
		`id="show-invisible" aria-pressed="false"`, `id="lasts-never" checked>No end<`, `Your time zone: Europe/Berlin`,
		`<b>Do not disturb</b>, because you chose it. Two devices are connected. Ends <time class="end" datetime="2026-11-24T14:30:00Z">at 14:30 UTC, 24 Nov</time>, then automatic. Your text ends <time`,
		`<bdi>Deep work</bdi> <small>Do not disturb, 4 hours</small>`, `<bdi>Away</bdi> <small>Until you change it</small>`,
		`<bdi>On leave</bdi> <small>Until you change it</small>`,
		`<span class="em">🎂</span><span><small>This week</small></span></button>`, `aria-label="Remove 🎧 Deep work"`,
		`aria-label="Remove 🎂"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the panel has no %s:\n%s", want, page)
		}
	}
	if strings.Contains(page, `name="zone"`) || strings.Contains(page, "Remove 🌴") ||
		strings.Contains(page, "data-writing") {
		t.Errorf("the form asks for the zone, which is known, offers to forget a suggestion, or is being written in:\n%s",
			page)
	}
	if set, preset := strings.Index(page, `id="status-set"`), strings.Index(page, `class="quick"`); set < 0 ||
		preset < set {
		t.Errorf("Set stands at %d, the first preset at %d: Enter presses the first", set, preset)
	}
}

// The panel names the app that decides the state, and lists what apps say, each with a button.
func TestPanelWithClaims(t *testing.T) {
	p := somePanel()
	p.Me.Why, p.Me.Next, p.Me.By = "", Next{}, SetBy{Key: "build", Until: p.Me.Next.At}
	page := mePage(t, newUI(t, ""), p)
	for _, want := range []string{
		`<b>Do not disturb</b>, set by <b translate="no"><bdi>build</bdi></b> <time class="until" datetime="2026-11-24T14:30:00Z">until 14:30 UTC, 24 Nov</time>. Two devices are connected. </p>`,
		`<h2 id="claims-h">Set by apps</h2>`,
		`<b translate="no"><bdi>build</bdi></b><span><bdi>🔨 Building &lt;b&gt; · Do not disturb</bdi> · <time class="until" datetime="2026-11-24T14:30:00Z">until 14:30 UTC, 24 Nov</time></span>`,
		`<bdi>call</bdi></b><span><bdi>Away</bdi></span>`, `<bdi>music</bdi></b><span><bdi>🎵</bdi></span>`,
		`form="me-unclaim" name="claim" value="build" id="me-unclaim-build">Remove<span class="vh"> build</span></button>`,
		`<form id="me-unclaim" method="post" action="/me/claims/remove" hx-post="/me/claims/remove"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the panel has no %s:\n%s", want, page)
		}
	}
	p.Me.By.Until, p.Me.Devices, p.Me.Next.Before = time.Time{}, 0, "It stays until the app ends it."
	if page := mePage(t, newUI(t, ""), p); !strings.Contains(page, `<bdi>build</bdi></b>. It stays until the app ends it.</p>`) {
		t.Errorf("the panel doesn't explain a claim without an end:\n%s", page)
	}
	p.Me.Claims = nil
	if page := mePage(t, newUI(t, ""), p); !strings.Contains(page, `<div class="claims" id="me-claims"></div>`) {
		t.Errorf("without claims, the panel has a section about them:\n%s", page)
	}
}

// A state alone, without an end, leaves the field for a text.
func TestPanelOfAState(t *testing.T) {
	p := somePanel()
	p.Me.Set = SetStatus{State: Away}
	page := mePage(t, newUI(t, ""), p)
	if strings.Contains(page, `name="keep"`) || !strings.Contains(page, `id="me-set"></div>`) ||
		!strings.Contains(page, `name="state" value="away"`) {
		t.Errorf("the panel of somebody who is away has a card:\n%s", page)
	}
}

// Change brings the field back with the same words and end.
func TestPanelChange(t *testing.T) {
	p := somePanel()
	p.Status = StatusForm{Text: "Deep work", Emoji: "🎧", Lasts: "at", At: "2026-11-24T15:30", End: p.Me.Set.Until,
		Live: true, Changing: true}
	page := mePage(t, newUI(t, ""), p)
	for _, want := range []string{
		`data-writing>`, `name="text" value="Deep work"`, `aria-describedby="me-note" autofocus>`, `name="emoji" value="🎧"`,
		`<span class="em" id="emoji-now">🎧</span><svg`,
		`<p class="kept">Ends <time class="end" datetime="2026-11-24T14:30:00Z">`, `value="at" id="lasts-at" checked>`,
		`value="2026-11-24T15:30"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the panel has no %s:\n%s", want, page)
		}
	}
	if strings.Contains(page, `id="me-set"`) || strings.Contains(page, `name="keep"`) {
		t.Errorf("the card stands beside the form that changes it:\n%s", page)
	}
}

func TestPanelRefused(t *testing.T) {
	p := somePanel()
	p.Status = StatusForm{Text: "x", Emoji: "y", Lasts: "at", At: "nonsense", Unset: true,
		Errors: map[string]string{"until": "Give a time.", "text": "Too long."}}
	page := mePage(t, newUI(t, ""), p)
	for _, want := range []string{
		`<title>Error: Your status · Rollcall</title>`, `name="zone"`, ` data-writing data-unset>`,
		`value="nonsense" aria-label="Date and time" aria-describedby="status-zone status-until-error" aria-invalid="true">`,
		`aria-describedby="me-note status-text-error" aria-invalid="true" autofocus>`,
		`<p class="wrong" id="status-until-error">Give a time.</p>`, `<p class="wrong" id="status-text-error">Too long.</p>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the refused form has no %s:\n%s", want, page)
		}
	}
}

// The short ways to end are offered; another one only if it is chosen.
func TestEnds(t *testing.T) {
	for lasts, want := range map[string]string{
		"": "*No end,30 min,1 hour,Today,At…", "1h": "No end,30 min,*1 hour,Today,At…",
		"4h": "No end,30 min,1 hour,*4 hours,Today,At…", "x": "No end,30 min,1 hour,Today,At…",
	} {
		var got []string
		for _, end := range (StatusForm{Lasts: lasts}).Ends() {
			got = append(got, map[bool]string{true: "*"}[end.Chosen]+end.Says())
		}
		if got := strings.Join(got, ","); got != want {
			t.Errorf("Ends of %q = %s, want %s", lasts, got, want)
		}
	}
}

// The menu and the panel show whether the person is invisible and whether they may change that.
func TestPanelInvisible(t *testing.T) {
	u := newUI(t, "")
	for _, tt := range []struct {
		me        Me
		want, not string
	}{
		{Me{MayHide: true}, `id="show-invisible" aria-pressed="false">`, "you appear offline"},
		{Me{}, `id="show-auto" aria-pressed="true"`, `id="show-invisible"`},
		{Me{MayHide: true, Invisible: true}, `id="show-invisible" aria-pressed="true">`, "switched off"},
		{Me{Invisible: true}, `id="show-invisible" aria-pressed="true" disabled>`, `id="show-auto" aria-pressed="true"`},
		{Me{Invisible: true}, "so you can't turn it on again", `id="show-auto" aria-pressed="true"`},
	} {
		page := mePage(t, u, Panel{Me: tt.me})
		if !strings.Contains(page, tt.want) || strings.Contains(page, tt.not) {
			t.Errorf("panel of %+v = %s, want %q and not %q", tt.me, page, tt.want, tt.not)
		}
		const button = `<span id="me"><i class="dot s-invisible" aria-hidden="true"></i><span class="is">Invisible</span>` +
			`<span class="was">Was invisible</span></span>`
		if got := strings.Contains(page, button); got != tt.me.Invisible {
			t.Errorf("the menu's button says that %+v is invisible: %v", tt.me, got)
		}
		if got := strings.Contains(page,
			"While invisible, you appear offline to everyone.</b> They can still see when you change your text."); got != tt.me.Invisible {
			t.Errorf("the form of %+v warns: %v", tt.me, got)
		}
	}
}

// The button of a preset shows what it sets. It has only the emoji if there is no text and no state.
func TestPresetLabel(t *testing.T) {
	for _, tt := range []struct {
		preset Preset
		want   string
	}{
		{Preset{Text: "Lunch", State: Away}, "Lunch"}, {Preset{State: Away}, "Away"},
		{Preset{State: DND, Emoji: "🎧"}, "Do not disturb"}, {Preset{Emoji: "🎂"}, ""}, {Preset{}, "Automatic"},
	} {
		if got := tt.preset.Label(); got != tt.want {
			t.Errorf("Label of %+v = %q, want %q", tt.preset, got, tt.want)
		}
	}
}

func TestDevicesText(t *testing.T) {
	for n, want := range map[int]string{
		-1: "", 0: "", 1: "One device is connected.", 2: "Two devices are connected.", 6: "Six devices are connected.",
		7: "7 devices are connected.",
	} {
		if got := (Me{Devices: n}).DevicesText(); got != want {
			t.Errorf("DevicesText() of %d = %q, want %q", n, got, want)
		}
	}
}

// The kept buttons equal those that the template renders, for everything that they depend on.
func TestStatesAreKept(t *testing.T) {
	u := newUI(t, "")
	for range 2 { // the second time, they're kept
		for _, set := range []string{"", Online, Away, DND, "unknown"} {
			for i := range 4 {
				m := Me{State: Online, Name: "Ada", Invisible: i%2 == 1, MayHide: i/2 == 1, Set: SetStatus{State: set}}
				var want bytes.Buffer
				if err := u.part(&want, "states", m); err != nil {
					t.Fatal(err)
				}
				if got := states(u, m); !bytes.Equal(got, want.Bytes()) {
					t.Errorf("states of %+v = %s, want %s", m, got, want.Bytes())
				}
			}
		}
	}
	kept := 0
	u.choices.Range(func(any, any) bool { kept++; return true })
	if kept != 16 {
		t.Errorf("%d different buttons are kept, want 16", kept)
	}
}
