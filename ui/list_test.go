package ui

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func list(t testing.TB, u *UI, s []Section, q Query, warming bool) string {
	t.Helper()
	return listOf(t, u, List{Sections: s, Query: q, Warming: warming})
}

func indexOf(t testing.TB, u *UI, teams ...Section) []byte {
	t.Helper()
	b, err := u.Index(teams)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func listOf(t testing.TB, u *UI, l List) string {
	t.Helper()
	b, err := u.List(l)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestList(t *testing.T) {
	u := newUI(t, "/base")
	rows := [][]byte{[]byte("<li>1</li>"), []byte("<li>2</li>")}
	got := list(t, u, []Section{
		{Key: "platform", Name: "Platform", Here: 6, People: 7, Rows: rows},
		{Key: "gone", Name: "Gone", People: 3},
		{Key: "\U0010ffff", Here: 1, People: 2, Rows: rows[:1]},
	}, Query{Show: Away}, false)
	for _, want := range []string{
		`<ul class="people" role="list"><li>1</li><li>2</li><li class="rest">`,
		`<p><span id="` + TeamID("platform") + `">6 of 7</span> here<span class="was"> earlier</span></p>`,
		`<p><span id="` + TeamID("\U0010ffff") + `">1 of 2</span> here<span class="was"> earlier</span></p>`,
		`<a href="?team=Platform"><bdi>Platform</bdi></a>`,
		`>No team</h2>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("List = %s, want %s in it", got, want)
		}
	}
	if strings.Contains(got, "Gone") {
		t.Errorf("List = %s, want no section without rows", got)
	}
	if got != strings.TrimSpace(got) {
		t.Errorf("List = %q, want no space around it", got)
	}
	// The page of a team doesn't repeat its name.
	platform := []Section{{Key: "platform", Name: "Platform", Here: 1, People: 2, Rows: rows}}
	got = list(t, u, platform, Query{Team: "Platform"}, false)
	if strings.Contains(got, "Platform") || !strings.Contains(got, ">People</h2>") {
		t.Errorf("List(the page of Platform) = %s, want the heading People and no Platform", got)
	}
	if got := list(t, u, []Section{{Rows: rows}}, Query{}, false); !strings.Contains(got, ">People</h2>") {
		t.Errorf("List(nobody has a team) = %s, want the heading People", got)
	}
}

func TestListEmpty(t *testing.T) {
	u := newUI(t, "/base")
	tests := []struct {
		q       Query
		warming bool
		want    string
		link    bool
	}{
		{Query{}, false, "Nobody has an account yet", false},
		{Query{Show: Everyone}, true, "People are coming back…", false},
		{Query{Show: Away}, true, "People are coming back…", true},
		{Query{Show: Here}, false, "Nobody is here right now", true},
		{Query{Show: Online}, false, "Nobody is online right now", true},
		{Query{Show: Away}, false, "Nobody is away right now", true},
		{Query{Show: DND}, false, "Nobody is on Do not disturb", true},
		{Query{Show: Offline}, false, "Nobody is offline right now", true},
		{Query{Show: "x"}, false, "There is no such filter", true},
		{Query{Q: "zoe", Show: Away}, false, "Nobody matches “zoe”", true},
		{Query{Team: "x"}, false, "Nobody is in this team", true},
		{Query{After: "x"}, false, "This page is empty", true},
	}
	for _, tt := range tests {
		got := list(t, u, nil, tt.q, tt.warming)
		if !strings.Contains(got, tt.want) {
			t.Errorf("List(nobody, %+v, warming %v) = %s, want %q in it", tt.q, tt.warming, got, tt.want)
		}
		if link := strings.Contains(got, `href="/base/?show=everyone"`); link != tt.link {
			t.Errorf("List(nobody, %+v, warming %v) links to everyone: %v, want %v", tt.q, tt.warming, link, tt.link)
		}
	}
}

func TestTeamID(t *testing.T) {
	seen := map[string]string{}
	for _, key := range []string{"", "a", "b", "two words", `"><script>`, "\U0010ffff", "فريق"} {
		id := TeamID(key)
		if !regexp.MustCompile(`^t-[0-9a-f]{16}$`).MatchString(id) || seen[id] != "" {
			t.Errorf("TeamID(%q) = %q, want a short, unique ID", key, id)
		}
		seen[id] = key + " "
	}
}

func TestFilterLinks(t *testing.T) {
	u := newUI(t, "")
	q := Query{Q: "a b", Team: "R&D", Show: Away, After: "cursor", Before: "other"}
	page := render(t, u, BoardPage{Query: q, Chosen: Away, Counts: Counts{People: 900, Away: 3}})
	for _, want := range []string{
		`<a href="?q=a&#43;b&amp;show=here&amp;team=R%26D">`,
		`<a href="?q=a&#43;b&amp;show=everyone&amp;team=R%26D">`,
		`<a href="?q=a&#43;b&amp;show=online&amp;team=R%26D" class="cut">`,
		`<a href="?q=a&#43;b&amp;show=away&amp;team=R%26D" aria-current="true">`,
		`href="?show=away&amp;team=R%26D">Clear`,
		`<a href="?q=a&#43;b&amp;show=away">← All teams</a>`,
		`<input type="hidden" name="team" value="R&amp;D">`,
	} {
		// html/template may or may not escape a plus.
		if !strings.Contains(page, want) && !strings.Contains(page, strings.ReplaceAll(want, "&#43;", "+")) {
			t.Errorf("board has no %s:\n%s", want, page)
		}
	}
	if strings.Contains(page, "cursor") {
		t.Error("a filter's link keeps the cursor")
	}
	if n := strings.Count(page, "aria-current"); n != 1 {
		t.Errorf("%d choices are marked as current, want 1", n)
	}
	page = render(t, u, BoardPage{Query: q, Chosen: Away, OnePage: true})
	const away = `name="show" value="away" id="f-away" form="search" checked`
	if !strings.Contains(page, away) || strings.Count(page, " checked") != 1 {
		t.Errorf("a board of one page doesn't start with the filter of its query")
	}
	if strings.Contains(page, `type="hidden" name="show"`) {
		t.Errorf("a board of one page sends the filter twice")
	}
}

func TestHeadline(t *testing.T) {
	for _, tt := range []struct {
		c                Counts
		is, was, summary string
	}{
		{Counts{}, "Nobody is here", "Nobody was here", "Nobody has an account yet."},
		{Counts{People: 3}, "Nobody is here", "Nobody was here", "of 3"},
		{Counts{People: 1, Away: 1}, "Only you so far", "Only you so far", "People appear here the moment they sign in."},
		{Counts{People: 3, DND: 1}, "1 person is here", "1 person was here", "of 3"},
		{Counts{People: 23, Teams: 4, Online: 12, Away: 3, DND: 3}, "18 people are here", "18 people were here",
			"of 23 in 4 teams"},
		{Counts{People: 6, Team: "Design", Teams: 1, Online: 5}, "5 people are here", "5 people were here", "of 6 in Design"},
		{Counts{People: 1, Team: "Design", Online: 1}, "1 person is here", "1 person was here", "of 1 in Design"},
		{Counts{People: 23, Online: 2, Unsure: true}, "2 people are here so far", "2 people were here",
			"People are coming back…"},
		{Counts{People: 23, Unsure: true}, "Nobody is back yet", "Nobody was back yet", "People are coming back…"},
		{Counts{Search: "ma", People: 3, Online: 2}, "3 people match “ma”", "3 people match “ma”", "2 of them are here"},
		{Counts{Search: "ma", People: 2, Online: 2}, "2 people match “ma”", "2 people match “ma”", "All of them are here"},
		{Counts{Search: "ma", People: 2}, "2 people match “ma”", "2 people match “ma”", "None of them is here"},
		{Counts{Search: "ma", People: 1, Online: 1}, "1 person matches “ma”", "1 person matches “ma”",
			"All of them are here"},
		{Counts{Search: "ma"}, "Nobody matches “ma”", "Nobody matches “ma”", ""},
		{Counts{Search: "a", People: 200, More: true}, "More than 200 people match “a”", "More than 200 people match “a”",
			""},
	} {
		if h := tt.c.headline(); h.Is != tt.is || h.Was != tt.was {
			t.Errorf("headline(%+v) = %q, %q, want %q, %q", tt.c, h.Is, h.Was, tt.is, tt.was)
		}
		if got := summary(tt.c).Is; got != tt.summary {
			t.Errorf("summary(%+v) = %q, want %q", tt.c, got, tt.summary)
		}
	}
}

// A page of people who are here has one list and an index of teams.
func TestFlatList(t *testing.T) {
	u := newUI(t, "")
	rows := [][]byte{[]byte("<li>1</li>"), []byte("<li>2</li>")}
	got := listOf(t, u, List{
		Flat: true, Query: Query{Show: Here}, Sections: []Section{{Rows: rows}},
		Index: indexOf(t, u, Section{Key: "p", Name: "Platform", Here: 2, People: 7, Faces: []Face{{"0190-a", "Ada Byron"}}},
			Section{Key: "\U0010ffff", People: 3}),
	})
	for _, want := range []string{
		`<ul class="people" id="people" role="list"><li>1</li><li>2</li></ul>`,
		`<a href="?team=Platform"><bdi>Platform</bdi> <span class="faces" id="` + TeamID("p") +
			`-faces" aria-hidden="true"><i class="av h` + strconv.Itoa(Hue("0190-a")) + `">AB</i></span> <span><span id="` +
			TeamID("p") + `">2 of 7</span> here<span class="was"> earlier</span></span></a>`,
		`No team <span class="faces" id="` + TeamID("\U0010ffff") + `-faces" aria-hidden="true"></span> <span><span id="` +
			TeamID("\U0010ffff") + `">0 of 3</span>`, `<span id="busy">1</span> of 2</p>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("List = %s, want %s in it", got, want)
		}
	}
	got = listOf(t, u, List{Flat: true, Query: Query{Show: Here}, Sections: []Section{{}}})
	if want := "Nobody is here right now"; !strings.Contains(got, want) {
		t.Errorf("List(nobody is here) = %s, want %q in it", got, want)
	}
}

func TestCounts(t *testing.T) {
	c := Counts{People: 10, Online: 4, Away: 2, DND: 1}
	if c.Here() != 7 || c.Offline() != 3 {
		t.Errorf("%+v: Here, Offline = %d, %d, want 7, 3", c, c.Here(), c.Offline())
	}
	// The numbers may be from slightly different moments, so their difference may be negative.
	if got := (Counts{People: 1, Online: 2}).Offline(); got != 0 {
		t.Errorf("Offline() = %d, want 0", got)
	}
	c.Unsure = true
	if got := c.each()[5].text; got != "…" {
		t.Errorf("number of offline people while unsure = %q, want …", got)
	}
}

func BenchmarkList200(b *testing.B) {
	u := newUI(b, "")
	var sections []Section
	for s := range 4 {
		sec := Section{Key: fmt.Sprint(s), Name: fmt.Sprint("Team ", s), People: 50}
		for i := range 50 {
			r := Row{UID: fmt.Sprint(s, "-", i), Name: "Ada Okafor", Username: "ada", State: Online, Since: noon}
			sec.Rows = append(sec.Rows, row(b, u, r))
		}
		sections = append(sections, sec)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := u.List(List{Sections: sections}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBoardPage200(b *testing.B) {
	u := newUI(b, "")
	one := row(b, u, Row{UID: "u", Name: "Ada Okafor", Username: "ada", State: Online, Since: noon})
	viewer := &Viewer{UID: "u", Username: "ada", Name: "Ada"}
	page := BoardPage{Layout: Layout{Viewer: viewer}, List: bytes.Repeat(one, 200), OnePage: true}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := u.Page(page); err != nil {
			b.Fatal(err)
		}
	}
}

// The section with the viewer's own team has a link to all of it only if the style sheet doesn't show all of it.
func TestTeam(t *testing.T) {
	u := newUI(t, "")
	css, err := os.ReadFile("static/style/board.css")
	if err != nil {
		t.Fatal(err)
	}
	if rule := fmt.Sprintf("#mine-people > :nth-child(n + %d of", TeamCards+1); !strings.Contains(string(css), rule) {
		t.Errorf("board.css has no rule %q", rule)
	}
	row, err := u.Row(Row{UID: "0190-a", Username: "ada", Name: "Ada", State: Online, OwnTeam: true})
	if err != nil {
		t.Fatal(err)
	}
	for here, all := range map[int]string{1: "", TeamCards: "", TeamCards + 1: "Show all 13"} {
		got, err := u.Team(Section{Key: "lab & co", Name: "Lab & Co", Here: here, People: 20, Rows: [][]byte{row}})
		for _, want := range []string{`id="m-0190-a" data-state="online"`, `>` + all + `</a>`, `href="?team=Lab&#43;%26&#43;Co"`,
			`<span id="mine-count">` + strconv.Itoa(here) + ` of 20</span> here<span class="was"> earlier</span>`} {
			if err != nil || !strings.Contains(string(got), want) {
				t.Errorf("Team with %d people here = %s, %v, want %s in it", here, got, err, want)
			}
		}
	}
	if got, err := u.Team(Section{Key: "p", Name: "P"}); err != nil || len(got) != 0 {
		t.Errorf("Team of nobody = %q, %v, want nothing", got, err)
	}
}

// Brief rows have what a change of state or status can change, and nothing else.
func TestBriefRow(t *testing.T) {
	u := newUI(t, "")
	r := Row{UID: "0190-a", Username: "ada", Name: "Ada Byron", Team: "Lab", TeamKey: "lab", State: Away, Text: "Soup",
		Since: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), Zone: "Asia/Tokyo", Stale: true, Brief: true}
	got, err := u.Row(r)
	want := `<li id="u-0190-a" data-user="ada" data-state="away" data-stale><p class="st"><b>Away</b> ` +
		`<time class="away" datetime="2026-11-29T12:00:00Z"></time> <span class="there" data-zone="Asia/Tokyo"></span></p>` +
		`<p class="tx"><bdi>Soup</bdi></p></li>`
	if err != nil || string(got) != want {
		t.Errorf("Row = %s, %v, want %s", got, err, want)
	}
}
