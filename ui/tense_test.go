package ui

import (
	"regexp"
	"strings"
	"testing"
)

var (
	present = regexp.MustCompile(`<span class="is">[^<]*</span>`)
	past    = regexp.MustCompile(`<span class="was">([^<]*)</span>`)
	tags    = regexp.MustCompile(`<[^>]*>`)
)

// notLive returns the text of a page that isn't live.
func notLive(html string) string {
	return tags.ReplaceAllString(past.ReplaceAllString(present.ReplaceAllString(html, ""), "$1"), "")
}

// While a page isn't live, it doesn't show who is here as current.
func TestPastTense(t *testing.T) {
	u := newUI(t, "")
	rows := [][]byte{[]byte("<li>1</li>")}
	part := func(html []byte, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return string(html)
	}
	lab := Section{Key: "lab", Name: "Lab", Here: 2, People: 3, Rows: rows}
	team := part(u.Team(lab))
	sections := list(t, u, []Section{lab, {Key: "x", Here: 1, People: 1, Rows: rows}}, Query{}, false)
	wall := part(u.WallList(List{Sections: []Section{lab, {Key: "x", Here: 1, People: 1, Rows: rows}}}))
	index := part(u.Index([]Section{lab, {Key: "x", People: 4}}))
	large := BoardPage{Layout: Layout{Viewer: &Viewer{UID: "u", Me: Me{State: DND}}}, Counts: Counts{People: 900, Online: 9},
		Team: []byte(team), Others: 7}
	found := BoardPage{Counts: Counts{Search: "ma", People: 3, Online: 2}}
	for _, tt := range []struct {
		what, html string
		want       []string
	}{
		{"the teams", sections, []string{"2 of 3 here earlier", "1 of 1 here earlier"}},
		{"the teams of a wall board", wall, []string{"2 of 3 here earlier", "1 of 1 here earlier"}},
		{"the index", index, []string{"2 of 3 here earlier", "0 of 4 here earlier", "Someone was here in 1 of 2"}},
		{"a large board", render(t, u, large), []string{"9 people were here", "2 of 3 here earlier", "7 here earlier",
			"Was busy"}},
		{"a search", render(t, u, found), []string{"2 of them were here"}},
		{"a board of one page", render(t, u, BoardPage{OnePage: true}), []string{"Nobody was here", "Nobody was away",
			"Nobody was on Do not disturb", "Nobody was offline"}},
		{"an empty list", list(t, u, nil, Query{Show: Away}, false), []string{"Nobody was away"}},
		{"an empty wall board", part(u.WallList(List{})), []string{"Nobody was here"}},
	} {
		got := notLive(tt.html)
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("while it isn't live, %s says\n%s\nwant %q", tt.what, got, want)
			}
		}
		rest := strings.ReplaceAll(got, "here earlier", "")
		for _, not := range []string{"is here", "are here", "right now", "of 3 here", "have someone"} {
			if strings.Contains(rest, not) {
				t.Errorf("while it isn't live, %s says %q", tt.what, not)
			}
		}
	}
}

func TestShown(t *testing.T) {
	for _, tt := range []struct {
		me   Me
		want tense
	}{
		{Me{State: Online}, tense{"Online", "Was online"}},
		{Me{State: DND}, tense{"Do not disturb", "Was busy"}},
		{Me{State: Offline, Invisible: true}, tense{"Invisible", "Was invisible"}},
		{Me{}, tense{}},
	} {
		if got := tt.me.Shown(); got != tt.want {
			t.Errorf("Shown() of %+v = %q, want %q", tt.me, got, tt.want)
		}
	}
}

// The list of a board with one account has free places.
func TestFreePlaces(t *testing.T) {
	u := newUI(t, "")
	rows := [][]byte{[]byte("<li>1</li>")}
	for _, tt := range []struct {
		l    List
		want bool
	}{
		{List{Sections: []Section{{Here: 1, People: 1, Rows: rows}}}, true},
		{List{Sections: []Section{{Here: 1, People: 2, Rows: rows}}}, false},
		{List{Sections: []Section{{Here: 1, People: 1, Rows: rows}, {Key: "x", People: 1, Rows: rows}}}, false},
		{List{Sections: []Section{{Here: 1, People: 1, Rows: rows}}, Query: Query{Q: "a"}}, false},
		{List{Sections: []Section{{Here: 1, People: 1, Rows: rows}}, Query: Query{Team: "Lab"}}, false},
	} {
		if got := strings.Contains(listOf(t, u, tt.l), "The next person appears here"); got != tt.want {
			t.Errorf("List(%+v) has free places: %t, want %t", tt.l, got, tt.want)
		}
	}
}
