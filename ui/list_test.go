package ui

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func list(t testing.TB, u *UI, s []Section, q Query, warming bool) string {
	t.Helper()
	b, err := u.List(s, q, warming)
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
	}, Query{Q: "a&b", State: Away}, false)
	for _, want := range []string{
		`<ul class="cards" role="list"><li>1</li><li>2</li></ul>`,
		`<p id="` + TeamID("platform") + `">6 of 7 here</p>`,
		`<p id="` + TeamID("\U0010ffff") + `">1 of 2 here</p>`,
		`<a href="?q=a%26b&amp;state=away&amp;team=Platform"><bdi>Platform</bdi></a>`,
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
	// The page of a team has its name as its own heading.
	if got := list(t, u, []Section{{Key: "platform", Name: "Platform", Here: 1, People: 2, Rows: rows}}, Query{Team: "Platform"}, false); strings.Contains(got, "Platform") || !strings.Contains(got, ">People</h2>") {
		t.Errorf("List(the page of Platform) = %s, want the heading People and the name nowhere", got)
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
		{Query{}, false, "Nobody is here yet", false},
		{Query{}, true, "People are coming back…", false},
		{Query{State: Away}, true, "People are coming back…", true},
		{Query{State: Online}, false, "Nobody is online right now", true},
		{Query{State: Away}, false, "Nobody is away right now", true},
		{Query{State: DND}, false, "Nobody asks not to be disturbed right now", true},
		{Query{State: Offline}, false, "Nobody is offline right now", true},
		{Query{State: "x"}, false, "There is no such state", true},
		{Query{Q: "zoe", State: Away}, false, "Nobody matches “zoe”", true},
		{Query{Team: "x"}, false, "Nobody is in this team", true},
		{Query{After: "x"}, false, "This page is empty", true},
	}
	for _, tt := range tests {
		got := list(t, u, nil, tt.q, tt.warming)
		if !strings.Contains(got, tt.want) {
			t.Errorf("List(nobody, %+v, warming %v) = %s, want %q in it", tt.q, tt.warming, got, tt.want)
		}
		if link := strings.Contains(got, `href="/base/"`); link != tt.link {
			t.Errorf("List(nobody, %+v, warming %v) links to everybody: %v, want %v", tt.q, tt.warming, link, tt.link)
		}
	}
}

func TestTeamID(t *testing.T) {
	seen := map[string]string{}
	for _, key := range []string{"", "a", "b", "two words", `"><script>`, "\U0010ffff", "فريق"} {
		id := TeamID(key)
		if !regexp.MustCompile(`^t-[0-9a-f]{16}$`).MatchString(id) || seen[id] != "" {
			t.Errorf("TeamID(%q) = %q, want a short plain id of its own", key, id)
		}
		seen[id] = key + " "
	}
}

func TestFilterLinks(t *testing.T) {
	u := newUI(t, "")
	q := Query{Q: "a b", Team: "R&D", State: Away, After: "cursor", Before: "other"}
	page := render(t, u, BoardPage{Query: q, Counts: Counts{People: 900, Away: 3}})
	for _, want := range []string{
		`<a href="?q=a&#43;b&amp;team=R%26D">`, // Everyone
		`<a href="?q=a&#43;b&amp;state=online&amp;team=R%26D">`,
		`<a href="?q=a&#43;b&amp;state=away&amp;team=R%26D" aria-current="true">`,
		`<a href="?state=away&amp;team=R%26D">Clear`,
		`<a href="?q=a&#43;b&amp;state=away">← All teams</a>`,
		`<input type="hidden" name="team" value="R&amp;D">`,
		`<input type="hidden" name="state" value="away">`,
	} {
		// html/template writes a plus as it pleases; both are the same address.
		if !strings.Contains(page, want) && !strings.Contains(page, strings.ReplaceAll(want, "&#43;", "+")) {
			t.Errorf("board has no %s:\n%s", want, page)
		}
	}
	if strings.Contains(page, "cursor") {
		t.Error("a filter keeps the cursor of another list")
	}
	if n := strings.Count(page, "aria-current"); n != 1 {
		t.Errorf("%d choices are marked as current, want 1", n)
	}
	page = render(t, u, BoardPage{Query: q, OnePage: true})
	if !strings.Contains(page, `name="state" value="away" id="f-away" form="search" checked`) || strings.Count(page, " checked") != 1 {
		t.Errorf("board of one page does not start with the state of its query")
	}
	if strings.Contains(page, `type="hidden" name="state"`) {
		t.Errorf("board of one page sends the state twice")
	}
}

func TestSummary(t *testing.T) {
	for want, c := range map[string]Counts{
		"Nobody to show":                          {},
		"Nobody is around right now":              {People: 3},
		"1 person is around right now":            {People: 1, Away: 1},
		"1 of 3 people is around right now":       {People: 3, DND: 1},
		"18 of 23 people are around right now":    {People: 23, Online: 12, Away: 3, DND: 3},
		"2 of 23 people are back so far":          {People: 23, Online: 2, Unsure: true},
		"100 of 5000 people are around right now": {People: 5000, Online: 100},
	} {
		if got := summary(c); got != want {
			t.Errorf("summary(%+v) = %q, want %q", c, got, want)
		}
	}
}

func TestCounts(t *testing.T) {
	c := Counts{People: 10, Online: 4, Away: 2, DND: 1}
	if c.Here() != 7 || c.Offline() != 3 {
		t.Errorf("%+v: Here, Offline = %d, %d, want 7, 3", c, c.Here(), c.Offline())
	}
	// Numbers gathered at slightly different moments must not show a negative.
	if got := (Counts{People: 1, Online: 2}).Offline(); got != 0 {
		t.Errorf("Offline() = %d, want 0", got)
	}
	c.Unsure = true
	if got := c.each()[4].text; got != "–" {
		t.Errorf("number of offline people while unsure = %q, want –", got)
	}
}

func BenchmarkList200(b *testing.B) {
	u := newUI(b, "")
	var sections []Section
	for s := range 4 {
		sec := Section{Key: fmt.Sprint(s), Name: fmt.Sprint("Team ", s), People: 50}
		for i := range 50 {
			sec.Rows = append(sec.Rows, row(b, u, Row{UID: fmt.Sprint(s, "-", i), Name: "Ada Okafor", Username: "ada", State: Online, Since: noon}))
		}
		sections = append(sections, sec)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := u.List(sections, Query{}, false); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBoardPage200(b *testing.B) {
	u := newUI(b, "")
	one := row(b, u, Row{UID: "u", Name: "Ada Okafor", Username: "ada", State: Online, Since: noon})
	page := BoardPage{Layout: Layout{Viewer: &Viewer{UID: "u", Username: "ada", Name: "Ada"}}, List: bytes.Repeat(one, 200), OnePage: true}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := u.Page(page); err != nil {
			b.Fatal(err)
		}
	}
}
