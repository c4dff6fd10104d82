package ui

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"
)

// somePanel returns a panel in which every field is set.
func somePanel(t testing.TB, u *UI) Panel {
	t.Helper()
	end := time.Date(2026, 11, 24, 14, 30, 0, 0, time.UTC)
	return Panel{
		Me: Me{
			Name: "Ada <b> Lovelace", State: DND, Why: "you set it", Devices: 2, MayHide: true,
			Next: Next{Before: "ends", At: end, After: ", then automatic", TextEnds: end.Add(time.Hour)},
		},
		Row: row(t, u, Row{
			UID: "0190-a", Username: "ada", Name: "Ada", State: DND, Since: end, Text: "Deep work", Emoji: "🎧", Until: end,
			Preview: true,
		}),
		Status: StatusForm{
			State: DND, Text: "Deep work", Emoji: "🎧", Lasts: "at", At: "2026-11-24T14:30", Zone: "Europe/Berlin", Live: true,
		},
		Presets: []Preset{{"0191-a", DND, "Deep work", "🎧", "4h"}, {"0191-b", Away, "", "", ""}, {"0191-c", "", "", "🌴", "week"}},
		Said:    "Status updated.",
	}
}

// A frame sends the same HTML for the account menu and the panel as the page has when it's loaded.
func TestFrameMe(t *testing.T) {
	u := newUI(t, "/base")
	p := somePanel(t, u)
	for _, me := range []Me{
		p.Me,
		{State: Online, Why: "you are active & well", Devices: 1, Next: Next{Before: "away after 10 min without input"}},
		{State: Away, Why: "no input", Next: Next{Before: "online with your next input", TextEnds: p.Me.Next.At}},
		{State: Offline, Why: "you are invisible", Invisible: true, Next: Next{Before: "until you go visible"}},
	} {
		p.Me = me
		page := render(t, u, MePage{Layout: Layout{Viewer: &Viewer{UID: "u", Name: me.Name, Me: me, AtMe: true}}, Panel: p})
		f := u.NewFrame()
		f.Me(Me{}, me, nil, p.Row)
		partial := regexp.MustCompile(`(?s)<hx-partial id="([^"]+)" hx-swap=\w+>(.*?)</hx-partial>`)
		ids := partial.FindAllStringSubmatch(string(f.Bytes()), -1)
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
	f.Me(Me{}, Me{}, nil, nil)
	if !f.Empty() {
		t.Errorf("Me(no state) = %s, want nothing", f.Bytes())
	}
}

// A frame has only what has changed.
func TestFrameMeSendsChanges(t *testing.T) {
	u := newUI(t, "")
	base := somePanel(t, u).Me
	row := []byte("<li>a</li>")
	change := func(f func(*Me)) Me {
		me := base
		f(&me)
		return me
	}
	for _, tt := range []struct {
		now  Me
		row  string
		want string
	}{
		{base, "<li>a</li>", ""},
		{base, "<li>b</li>", "me-row"},
		{change(func(m *Me) { m.Name = "Bob" }), "<li>a</li>", "me-name me-initials"},
		{change(func(m *Me) { m.State = Away }), "<li>a</li>", "me"},
		{change(func(m *Me) { m.Why = "no input" }), "<li>a</li>", "me-why"},
		{change(func(m *Me) { m.Devices = 1 }), "<li>a</li>", "me-devices"},
		{change(func(m *Me) { m.Next.After = "" }), "<li>a</li>", "me-next"},
		{change(func(m *Me) { m.Invisible = true }), "<li>a</li>", "me me-alone me-unseen"},
	} {
		f := u.NewFrame()
		f.Me(base, tt.now, row, []byte(tt.row))
		var ids []string
		for _, m := range regexp.MustCompile(`<hx-partial id="([^"]+)"`).FindAllStringSubmatch(string(f.Bytes()), -1) {
			ids = append(ids, m[1])
		}
		if got := strings.Join(ids, " "); got != tt.want {
			t.Errorf("Me(%+v to %+v, row %s) sends %q, want %q", base, tt.now, tt.row, got, tt.want)
		}
	}
}

// A frame must not change the form of an open panel, because someone may be typing in it.
func TestFrameMeKeepsTheForm(t *testing.T) {
	u := newUI(t, "")
	f := u.NewFrame()
	f.Me(Me{}, somePanel(t, u).Me, nil, nil)
	for _, part := range []string{`name="text"`, `name="state"`, `name="lasts"`, `id="panel"`, `id="status-`} {
		if strings.Contains(string(f.Bytes()), part) {
			t.Errorf("Me() sends %s: %s", part, f.Bytes())
		}
	}
}

func TestPanelShowsRowAsOthersSeeIt(t *testing.T) {
	u := newUI(t, "")
	p := somePanel(t, u)
	got, err := u.Panel(p)
	if err != nil {
		t.Fatal(err)
	}
	_, inner, _ := bytes.Cut(p.Row, []byte(`data-state=`))
	if !bytes.Contains(got, inner) {
		t.Errorf("Panel() = %s, want exactly this row in it: %s", got, inner)
	}
	if bytes.Contains(got, []byte(`id="u-`)) || bytes.Contains(got, []byte(`data-user`)) {
		t.Errorf("Panel() = %s, want no second element with the ID of the row", got)
	}
}

func TestPanelForm(t *testing.T) {
	u := newUI(t, "")
	p := somePanel(t, u)
	page := render(t, u, MePage{Layout: Layout{Viewer: &Viewer{AtMe: true}}, Panel: p})
	for _, want := range []string{
		`name="state" value="dnd" id="status-dnd" checked>`, `name="text" value="Deep work"`, `name="emoji" value="🎧"`,
		`<option value="at" selected>`, `type="datetime-local" value="2026-11-24T14:30"`, `Your time zone: Europe/Berlin`,
		`name="clear"`, `Go invisible`, `; two devices`,
		`<time class="end" datetime="2026-11-24T14:30:00Z">at 14:30 UTC, 24 Nov</time>, then automatic. ` +
			`Your text ends <time class="end" datetime="2026-11-24T15:30:00Z">`,
		`<bdi>Deep work</bdi> <small>Do not disturb, 4 h</small>`, `<bdi>Away</bdi></button>`,
		`<span class="em">🌴</span> <small>this week</small>`, `aria-label="Remove 🎧 Deep work"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the panel has no %s:\n%s", want, page)
		}
	}
	if strings.Contains(page, `name="zone"`) {
		t.Error("the form asks for the time zone, although it's known")
	}
	p.Status = StatusForm{
		Text: "x", Lasts: "at", At: "nonsense", Errors: map[string]string{"until": "Give a time.", "text": "Too long."},
	}
	page = render(t, u, MePage{Layout: Layout{Viewer: &Viewer{AtMe: true}}, Panel: p})
	for _, want := range []string{
		`<title>Error: You · Rollcall</title>`, `name="zone"`, `id="status-auto" checked>`,
		`value="nonsense" aria-label="Date and time" aria-describedby="status-zone status-until-error" aria-invalid="true">`,
		`aria-describedby="me-alone status-text-error" aria-invalid="true" autofocus>`,
		`<p class="wrong" id="status-until-error">Give a time.</p>`, `<p class="wrong" id="status-text-error">Too long.</p>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the refused form has no %s:\n%s", want, page)
		}
	}
	if strings.Contains(page, `name="clear"`) {
		t.Error("the form has a Clear button, although nothing is set")
	}
}

// The menu and the panel show whether the person is invisible and whether they may change that.
func TestPanelInvisible(t *testing.T) {
	u := newUI(t, "")
	for _, tt := range []struct {
		me        Me
		want, not string
	}{
		{Me{MayHide: true}, "Go invisible", "You are invisible"},
		{Me{}, "Invisibility is switched off on this Rollcall.", `action="/me/invisible"`},
		{Me{MayHide: true, Invisible: true}, "Go visible", "switched off"},
		{Me{Invisible: true}, "so you can't turn it on again", "Go invisible"},
	} {
		page := render(t, u, MePage{Layout: Layout{Viewer: &Viewer{AtMe: true, Me: tt.me}}, Panel: Panel{Me: tt.me}})
		if !strings.Contains(page, tt.want) || strings.Contains(page, tt.not) {
			t.Errorf("panel of %+v = %s, want %q and not %q", tt.me, page, tt.want, tt.not)
		}
		const button = `<span id="me"><i class="dot s-invisible" aria-hidden="true"></i>Invisible</span>`
		if got := strings.Contains(page, button); got != tt.me.Invisible {
			t.Errorf("the menu's button says that %+v is invisible: %v", tt.me, got)
		}
		if got := strings.Contains(page, "everyone can see it when you change your text"); got != tt.me.Invisible {
			t.Errorf("the form of %+v has a warning: %v", tt.me, got)
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
	u := newUI(t, "")
	p := somePanel(t, u)
	p.Presets = []Preset{{ID: "a", Emoji: "🎂", Lasts: "week"}}
	b, err := u.Panel(p)
	if err != nil {
		t.Fatal(err)
	}
	const button = `id="me-use-a"><span class="em">🎂</span> <small>this week</small></button>`
	for _, want := range []string{button, `aria-label="Remove 🎂"`} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("the panel with a preset of only an emoji has no %q:\n%s", want, b)
		}
	}
}

func TestDevicesText(t *testing.T) {
	for n, want := range map[int]string{
		-1: "", 0: "", 1: "; one device", 2: "; two devices", 6: "; six devices", 7: "; 7 devices",
	} {
		if got := (Me{Devices: n}).DevicesText(); got != want {
			t.Errorf("DevicesText() of %d = %q, want %q", n, got, want)
		}
	}
}
