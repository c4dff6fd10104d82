package ui

import (
	"strings"
	"testing"
)

func TestFrameCounts(t *testing.T) {
	u := newUI(t, "")
	text := func(id, text string) string {
		return `<hx-partial id="` + id + `">` + text + `</hx-partial>`
	}
	headline := func(is, was string) string {
		return `<hx-partial id="headline"><span class="is">` + is + `</span><span class="was">` + was +
			`</span></hx-partial>`
	}
	old := Counts{People: 10, Online: 4, Away: 2, DND: 1}
	tests := []struct {
		name string
		now  Counts
		all  bool
		want string
	}{
		{"nothing changed", old, false, ""},
		{"online to away", Counts{People: 10, Online: 3, Away: 3, DND: 1}, false,
			text("n-online", "3") + text("n-away", "3")},
		{"someone arrived", Counts{People: 10, Online: 5, Away: 2, DND: 1}, false,
			text("n-here", "8") + text("n-online", "5") + text("n-offline", "2") +
				headline("8 people are here", "8 people were here") + "<title>8 here · Rollcall</title>"},
		{"a new account", Counts{People: 11, Online: 4, Away: 2, DND: 1}, false,
			text("n-all", "11") + text("n-offline", "4") + text("summary", "of 11")},
		{"all of them", old, true,
			text("n-here", "7") + text("n-all", "10") + text("n-online", "4") + text("n-away", "2") + text("n-dnd", "1") +
				text("n-offline", "3") + headline("7 people are here", "7 people were here") + text("summary", "of 10") +
				"<title>7 here · Rollcall</title>"},
	}
	for _, tt := range tests {
		f := u.NewFrame()
		f.Counts(old, tt.now, tt.all)
		if got := string(f.Bytes()); got != tt.want {
			t.Errorf("%s: Counts(%+v, %+v, %v) = %s, want %s", tt.name, old, tt.now, tt.all, got, tt.want)
		}
		if f.Empty() != (tt.want == "") {
			t.Errorf("%s: Empty() = %v", tt.name, f.Empty())
		}
	}
}

func TestFrame(t *testing.T) {
	u := newUI(t, "")
	f := u.NewFrame()
	if !f.Empty() || len(f.Bytes()) != 0 {
		t.Errorf("new frame: Empty, Bytes = %v, %q, want true and nothing", f.Empty(), f.Bytes())
	}
	f.Title(Counts{Online: 5})
	if f.Empty() {
		t.Error("Empty() of a frame with a title = true, want false")
	}
	f.Row("0190-a", []byte("<li>a</li>"))
	f.List([]byte("<section></section>"))
	f.Warming(true)
	f.Warming(false)
	want := `<hx-partial id="u-0190-a" hx-swap=outerMorph><li>a</li></hx-partial>` +
		`<hx-partial id="list" hx-swap=innerMorph><section></section></hx-partial>` +
		`<hx-partial id="warming">People are coming back…</hx-partial>` +
		`<hx-partial id="warming"></hx-partial>` +
		`<title>5 here · Rollcall</title>`
	if got := string(f.Bytes()); got != want {
		t.Errorf("Bytes() = %s, want %s", got, want)
	}
	// Bytes that were returned don't change when more is added.
	first := f.Bytes()
	f.Team("p", 1, 2, 1, false)
	if string(first) != want {
		t.Errorf("Bytes() changed afterwards to %s", first)
	}
}

// Rows are added and removed one by one.
func TestFrameAddsAndRemoves(t *testing.T) {
	u := newUI(t, "")
	f := u.NewFrame()
	f.Removed("0190-a")
	f.Added("0190-b", []byte("<li>1</li>"), []byte("<li>2</li>"))
	f.Added("", []byte("<li>3</li>"))
	want := `<hx-partial id="u-0190-a" hx-swap="delete"></hx-partial>` +
		`<hx-partial id="u-0190-b" hx-swap=beforebegin><li>1</li><li>2</li></hx-partial>` +
		`<hx-partial id="people" hx-swap=beforeend><li>3</li></hx-partial>`
	if got := string(f.Bytes()); got != want {
		t.Errorf("Bytes() = %s, want %s", got, want)
	}
}

// Absent people after the third are folded, unless there is only one.
func TestFrameTeam(t *testing.T) {
	u := newUI(t, "")
	for absent, more := range map[int]string{0: "", 4: "", 5: "+ 2 more", 98: "+ 95 more"} {
		f := u.NewFrame()
		f.Team("p", 1, 100, absent, false)
		want := `<hx-partial id="` + TeamID("p") + `-more">` + more + `</hx-partial>`
		if got := string(f.Bytes()); !strings.Contains(got, want) || !strings.Contains(got, `">1 of 100</hx-partial>`) {
			t.Errorf("Team with %d absent = %s, want %s", absent, got, want)
		}
	}
}

func TestMeCSS(t *testing.T) {
	u := newUI(t, "")
	// People without a team see their own card first, too, but the others aren't marked as their team.
	for _, inTeam := range []bool{true, false} {
		got := string(u.MeCSS("u1", TeamID("x"), inTeam, nil))
		if first := ".team[data-team=" + TeamID("x") + "]{order:-1}"; !strings.Contains(got, first) ||
			strings.Contains(got, "your team") != inTeam {
			t.Errorf("MeCSS(in a team: %t) = %q, want %s, and a label for a team", inTeam, got, first)
		}
	}
	if got := string(u.MeCSS("01906f2e-Aa_1", "", false, nil)); !strings.HasPrefix(got, ":is(#u-01906f2e-Aa_1,#m-01906f2e-Aa_1){") {
		t.Errorf("MeCSS = %q, want a rule for the viewer's row", got)
	}
	for _, uid := range []string{"", "a b", "a{}", "a,b", "a/*", "ä"} {
		if got := u.MeCSS(uid, "", false, nil); len(got) != 0 {
			t.Errorf("MeCSS(%q) = %q, want nothing", uid, got)
		}
	}
}
