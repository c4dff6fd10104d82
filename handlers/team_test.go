package handlers

import (
	"regexp"
	"strings"
	"testing"

	"rollcall/live"
)

// mineOf returns the usernames' rows in the section with the viewer's own team.
func (tb *tab) mine() string {
	all := ""
	for _, frame := range tb.frames {
		for _, m := range partialPattern.FindAllStringSubmatch(frame, -1) {
			if strings.HasPrefix(m[1], "m-") || strings.HasPrefix(m[1], "mine") {
				all += m[0] + "\n"
			}
		}
	}
	return all
}

var minePattern = regexp.MustCompile(`(?s)<div id="mine">(.*?)</div>\s*<div class="th" id="others">`)

// On a board with several pages, people's own team is in a section of its own, which is live and follows them to
// another team.
func TestOwnTeamSection(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	l.crowd(live.PageRows, "x")
	ada, bob, cyd := l.member("ada"), l.member("bob"), l.member("cyd")
	for name, team := range map[string]string{"ada": "Lab", "bob": "Lab", "cyd": "Zoo"} {
		l.must(l.store.SetTeam(acting(t.Context()), l.uid(name), team))
	}
	l.open(bob, "/?show=everyone", "a").sees("bob", "online")
	m := minePattern.FindStringSubmatch(ada.get("/").body)
	if m == nil || !strings.Contains(m[1], `id="m-`+l.uid("bob")+`"`) || !strings.Contains(m[1], "1 of 2</span>") {
		t.Fatalf("ada's section is %q, want it to have bob", m)
	}
	if strings.Contains(m[1], "data-user") {
		t.Errorf("the section names usernames, so programs would find people twice: %s", m[1])
	}
	for _, other := range []string{"/?show=everyone", "/?show=online", "/?q=b", "/?team=Lab"} {
		if m := minePattern.FindStringSubmatch(ada.get(other).body); m == nil || m[1] != "" {
			t.Errorf("GET %s has the section %q, want none", other, m)
		}
	}
	tb := l.open(ada, "/", "a")
	tb.until("ada herself", func() bool { return strings.Contains(tb.mine(), `id="m-`+l.uid("ada")+`"`) })
	l.open(cyd, "/", "a").sees("cyd", "online")
	tb.sees("cyd", "online")
	tb.until("the count", func() bool { return tb.text["mine-count"] == "2 of 2" })
	if page := ada.get("/").body; !strings.Contains(page, `<span id="others-count">1</span>`) {
		t.Errorf("ada's page doesn't count cyd among the people of other teams: %s", page)
	}
	bob.do("POST", "/me/status", map[string][]string{"text": {"Soup"}, "state": {"away"}})
	tb.until("bob's text", func() bool {
		return strings.Contains(tb.mine(), `id="m-`+l.uid("bob")+`" data-state="away"`) && strings.Contains(tb.mine(), "Soup")
	})
	if mine := tb.mine(); strings.Contains(mine, "m-"+l.uid("cyd")) {
		t.Errorf("ada was sent cyd, of another team: %s", mine)
	}
	l.must(l.store.SetTeam(acting(t.Context()), l.uid("ada"), "Zoo"))
	tb.until("the new team", func() bool {
		return strings.Contains(tb.text["mine"], "m-"+l.uid("cyd")) && !strings.Contains(tb.text["mine"], "m-"+l.uid("bob"))
	})
	l.must(l.store.SetTeam(acting(t.Context()), l.uid("ada"), ""))
	tb.until("no team", func() bool { return tb.text["mine"] == "" })
}

// A board of one page, which has everyone, has no such section.
func TestOwnTeamSectionOnOnePage(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	ada := l.member("ada")
	l.must(l.store.SetTeam(acting(t.Context()), l.uid("ada"), "Lab"))
	tb := l.open(ada, "/", "a")
	tb.sees("ada", "online")
	if m := minePattern.FindStringSubmatch(ada.get("/").body); m == nil || m[1] != "" || tb.mine() != "" {
		t.Errorf("the section is %q and was sent %q, want neither", m, tb.mine())
	}
}
