package ui

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2031, 5, 4, 14, 3, 27, 0, time.FixedZone("", 2*3600))

func TestRow(t *testing.T) {
	u := newUI(t, "")
	tests := []struct {
		name      string
		row       Row
		want, not []string
	}{
		{
			"attributes that other programs rely on",
			Row{UID: "0190-a", Username: "ada", Name: "Ada Okafor", State: Online},
			[]string{
				`<li `, ` id="u-0190-a" data-user="ada" data-state="online"`, `<bdi>Ada Okafor</bdi>`, `@ada`,
				`<b>Online</b>`, `>AO<`,
			},
			[]string{"<time", `class="tx"`},
		},
		{
			"times are UTC",
			Row{UID: "a", State: Away, Since: noon},
			[]string{`<b>Away</b> <time class="away" datetime="2031-05-04T12:03:27Z">since 12:03 UTC, 4 May</time>`},
			nil,
		},
		{
			"status",
			Row{UID: "a", State: DND, Text: "Lunch", Emoji: "🍜"},
			[]string{`<b>Do not disturb</b>`, `<p class="tx"><span class="em">🍜</span> <bdi>Lunch</bdi></p>`},
			nil,
		},
		{
			"only an emoji",
			Row{UID: "a", State: Online, Emoji: "🍜"},
			[]string{`<p class="tx"><span class="em">🍜</span> <bdi></bdi></p>`},
			nil,
		},
		{
			"rough last seen, and no exact time",
			Row{UID: "a", State: Offline, Since: noon, Seen: "this week", Text: "Back on Monday"},
			[]string{`<b>Offline</b> <span>seen this week</span>`, "Back on Monday"},
			[]string{"<time", "2031", "14:03", "12:03"},
		},
		{
			"a team, where the list isn't divided by team",
			Row{UID: "a", State: Online, Name: "Ada", Team: "Lab & Co", TeamKey: "lab"},
			[]string{` data-team="` + TeamID("lab") + `"`, `<span class="of"><bdi>Lab &amp; Co</bdi></span>`},
			nil,
		},
		{
			"at most one time beside the state",
			Row{UID: "a", State: DND, Since: noon, Until: noon},
			[]string{`<b>Do not disturb</b> <span class="un"><time class="until"`},
			[]string{"since"},
		},
		{
			"a status with an end",
			Row{UID: "a", State: DND, Until: noon},
			[]string{`<b>Do not disturb</b> <span class="un"><time class="until" datetime="2031-05-04T12:03:27Z">` +
				`until 12:03 UTC, 4 May</time></span></p>`},
			[]string{`class="tx"`},
		},
		{
			"the end is beside the text",
			Row{UID: "a", State: Offline, Text: "Lisbon", Until: noon},
			[]string{`<b>Offline</b></p><p class="tx"><bdi>Lisbon</bdi> <span class="un"><time class="until"`},
			nil,
		},
		{
			"exact last seen, to the minute",
			Row{UID: "a", State: Offline, SeenAt: noon},
			[]string{`<b>Offline</b> <span>seen <time class="seen" datetime="2031-05-04T12:03:00Z">` +
				`12:03 UTC, 4 May</time></span></p>`},
			[]string{":27"},
		},
		{
			"no last seen for people who are online",
			Row{UID: "a", State: Online, Seen: "today", SeenAt: noon},
			nil,
			[]string{"seen", "<time"},
		},
		{
			"offline without last seen",
			Row{UID: "a", State: Offline},
			[]string{`<b>Offline</b></p>`},
			[]string{"seen"},
		},
	}
	for _, tt := range tests {
		got := string(row(t, u, tt.row))
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: Row(%+v) = %s, want %s in it", tt.name, tt.row, got, want)
			}
		}
		for _, not := range tt.not {
			if strings.Contains(got, not) {
				t.Errorf("%s: Row(%+v) = %s, want no %s in it", tt.name, tt.row, got, not)
			}
		}
		if got != strings.TrimSpace(got) || strings.Contains(got, "\n") {
			t.Errorf("%s: Row(%+v) = %q, want no space around it", tt.name, tt.row, got)
		}
		if again := row(t, u, tt.row); !bytes.Equal(again, []byte(got)) {
			t.Errorf("%s: Row returned %s, then %s, want the same", tt.name, got, again)
		}
	}
}

func TestRowUnknownState(t *testing.T) {
	u := newUI(t, "")
	for _, state := range []string{"", "busy", "Online"} {
		if b, err := u.Row(Row{State: state}); err == nil {
			t.Errorf("Row(state %q) = %s, want an error", state, b)
		}
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"Ada Okafor":           "AO",
		"ada":                  "A",
		"jean-luc picard":      "JP",
		"  José  da  Silva  ":  "JS",
		"élodie":               "É",
		"e\u0301lodie durand":  "E\u0301D",
		"beatriz.carvalho":     "BC",
		"田中 芽衣":                "田芽",
		"محمد بن سلمان":        "مس",
		"नमिता कुमार":          "नकु",
		"ßeta":                 "ß",
		"3com 7":               "37",
		"(Ops) Team":           "OT",
		"🎉 party":              "P",
		"🎉🎉":                   "🎉",
		"***":                  "*",
		"":                     "?",
		" \u200b\u202e":        "?",
		"<script>x</script> y": "SY",
		"ǆ":                    "Ǆ",
	} {
		if got := Initials(name); got != want {
			t.Errorf("Initials(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestHue(t *testing.T) {
	var seen [8]int
	for i := range 800 {
		uid := fmt.Sprintf("0190%04x-7000-8000-%012x", i, i*i)
		hue := Hue(uid)
		if hue < 0 || hue > 7 || hue != Hue(uid) {
			t.Fatalf("Hue(%q) = %d, want the same number from 0 to 7 each time", uid, hue)
		}
		seen[hue]++
	}
	for hue, n := range seen {
		if n < 50 {
			t.Errorf("%d of 800 people have hue %d, want about 100", n, hue)
		}
	}
}

// Row accepts any bytes, so that no name can break a board.
func FuzzRow(f *testing.F) {
	u := newUI(f, "")
	f.Add("Ada", "text", "🎉")
	f.Add("\xff\xfe", "</li>", "\x00")
	f.Fuzz(func(t *testing.T, name, text, emoji string) {
		got, err := u.Row(Row{UID: "u", Username: "u", Name: name, Text: text, Emoji: emoji, State: Online})
		if err != nil {
			t.Fatalf("Row(%q, %q, %q) = %v", name, text, emoji, err)
		}
		want := 20
		if text != "" || emoji != "" {
			want += 4
		}
		if emoji != "" {
			want += 2
		}
		if n := bytes.Count(got, []byte("<")); n != want {
			t.Errorf("Row(%q, %q, %q) = %s: %d tags, want %d", name, text, emoji, got, n, want)
		}
	})
}

func BenchmarkRow(b *testing.B) {
	u := newUI(b, "")
	r := Row{
		UID: "01906f2e-1111-7222-8333-444455556666", Username: "ada.okafor", Name: "Ada Okafor", State: DND, Since: noon,
		Text: "Incident 4121, reachable by phone", Emoji: "🚨",
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := u.Row(r); err != nil {
			b.Fatal(err)
		}
	}
}
