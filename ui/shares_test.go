package ui

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"
)

// shareLooks returns the pages of share links in different states, with text in every field.
func shareLooks(t testing.TB, u *UI, layout Layout, text string) map[string]Page {
	t.Helper()
	row, err := u.WallRow(Row{UID: "0190-a", Name: text, Team: text, State: DND, Since: time.Now(), Text: text, Emoji: text, Zone: text})
	if err != nil {
		t.Fatal(err)
	}
	wall := func(l List) []byte {
		b, err := u.WallList(l)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	teams := []Section{{Key: text, Name: text, Here: 1, People: 2, Rows: [][]byte{row}}, {Key: "q", Rows: [][]byte{nil}}}
	made := MadeShare{Kind: EmbedShare, URL: "https://board.example/embed/x", Script: "https://board.example/embed.js", Name: text}
	list := []Share{{ID: text, Kind: EmbedShare, Label: text, Team: text, Origins: []string{text}, Embed: made}, {Kind: PersonShare, Texts: true},
		{Kind: WallShare, Counts: true, Created: time.Now(), Used: time.Now(), Expires: time.Now()}}
	wrong := map[string]string{"team": text, "days": text, "label": text, "origins": text, "shares": text}
	looks := map[string]Page{
		"shares": SharesPage{Layout: layout, Said: text, All: list, TeamNames: []string{text}, Public: true},
		"wall": WallPage{Counts: Counts{Team: text, People: 2, DND: 1, Wall: true}, List: wall(List{Sections: teams}),
			Socket: "/w/x/ws?v=1", Lost: time.Now()},
		"wall of counts": WallPage{Counts: Counts{People: 2, DND: 1, Wall: true}, OnlyCounts: true, Warming: true},
		"wall flat":      WallPage{List: wall(List{Flat: true, Sections: teams[:1]})},
		"wall empty":     WallPage{List: wall(List{})},
		"embed": EmbedPage{Title: text, Summary: text, Board: "https://board.example/", Source: "/embed/x",
			People: []EmbedPerson{{text, DND, text}, {text, Away, ""}}},
	}
	for _, kind := range []string{WallShare, PersonShare, EmbedShare} {
		made.Kind = kind
		looks["shares, made "+kind] = SharesPage{Layout: layout, Made: made}
		looks["shares, refused "+kind] = SharesPage{Layout: layout, Failed: kind, Errors: wrong, Label: text, Team: text,
			Days: text, Origins: text, Counts: true}
	}
	return looks
}

// A wall board and an embed escape what people typed.
func TestSharesEscape(t *testing.T) {
	u := newUI(t, "")
	for _, evil := range []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</li></ul><hx-partial id="list">`,
		`</title><script>alert(1)</script>`} {
		for name, page := range shareLooks(t, u, Layout{}, evil) {
			if out := render(t, u, page); strings.Contains(out, evil) {
				t.Errorf("the page %s holds %q", name, evil)
			}
		}
		if out := badge(t, u, Badge{Name: evil, State: Online}); strings.Contains(out, evil) {
			t.Errorf("a badge holds %q", evil)
		}
	}
}

func badge(t testing.TB, u *UI, b Badge) string {
	t.Helper()
	out, err := u.Badge(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// A badge is XML with a shape, a word and a color for each state, and a title for screen readers.
func TestBadge(t *testing.T) {
	u := newUI(t, "")
	shapes := map[string]string{}
	for state, word := range map[string]string{Online: "Online", Away: "Away", DND: "Do not disturb", Offline: "Offline", "": "Unknown",
		"nonsense": "Unknown"} {
		out := badge(t, u, Badge{Name: "Ada & <Bob>", State: state})
		for d := xml.NewDecoder(strings.NewReader(out)); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("the badge for %q isn't XML: %v\n%s", state, err, out)
			}
		}
		if !strings.Contains(out, `<title id="t">Ada &amp; &lt;Bob&gt;: `+word+`</title>`) || !strings.Contains(out, "prefers-color-scheme:dark") {
			t.Errorf("the badge for %q has no title with the word, or no dark colors:\n%s", state, out)
		}
		if state != "nonsense" {
			if shapes[out] != "" {
				t.Errorf("the badges for %q and %q are the same", state, shapes[out])
			}
			shapes[out] = state
		}
	}
	long := badge(t, u, Badge{Name: strings.Repeat("W", 64), State: Online})
	if strings.Contains(long, strings.Repeat("W", maxBadge)) || !strings.Contains(long, "…") {
		t.Errorf("a badge has the whole of a long name:\n%s", long)
	}
}
