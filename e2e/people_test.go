package e2e_test

import (
	"net/url"
	"testing"
)

// hostile are names that would have an effect if a page treated them as anything but text.
var hostile = []struct{ username, name, team string }{
	{"script", `<script>document.title='x'</script>`, `<script>alert(1)</script>`},
	{"image", `<img src=x onerror=alert(1)>`, `"><img src=x onerror=alert(1)>`},
	{"partial", `<hx-partial id="list" hx-swap="innerHTML">x</hx-partial>`, `</h2></section></div>`},
	{"title", `<title>(9) x</title>`, `<title>y</title>`},
	{"entity", `&lt;b&gt; &amp;amp; "quoted" 'single'`, `a&team=b`},
	{"template", `{{.Viewer}} ${location} \u003cb\u003e`, `?show=away#top`},
	{"attribute", `" data-state="online" x="`, `' onclick='alert(1)`},
	{"comment", `<!-- --> ]]> </li></ul>`, `--><b>`},
}

func TestHostileNamesAreText(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").board()
	var people [][]string
	for _, h := range hostile {
		people = append(people, []string{h.username, hash, h.name, h.team})
	}
	s.importPeople(people...)
	for _, h := range hostile {
		anna.untilState(h.username, "offline", soon)
	}
	check := func(how string) {
		t.Helper()
		for _, h := range hostile {
			row := `document.querySelector('[data-user=` + h.username + `]')`
			if got := ask[string](anna, row+`.querySelector('.nm bdi').textContent`); got != h.name {
				t.Errorf("%s: the name of %s reads %q, want %q", how, h.username, got, h.name)
			}
			if got := ask[string](anna, row+`.closest('section').querySelector('h2').textContent`); got != h.team {
				t.Errorf("%s: the team of %s reads %q, want %q", how, h.username, got, h.team)
			}
			if got := ask[string](anna, `test.state(`+quote(h.username)+`)`); got != "offline" {
				t.Errorf("%s: %s is shown as %s, want offline", how, h.username, got)
			}
			// The link of the team leads to its people.
			if got := ask[string](anna,
				`new URL(`+row+`.closest('section').querySelector('h2 a').href).searchParams.get('team')`); got != h.team {
				t.Errorf("%s: the link of the team of %s asks for %q, want %q", how, h.username, got, h.team)
			}
		}
		if got := ask[int](anna, `document.querySelectorAll('#list :is(script, img, title, hx-partial), body title, [onclick], [onerror]').length`); got != 0 {
			t.Errorf("%s: names created %d elements, want none", how, got)
		}
		if got := ask[string](anna, `document.title`); got != "1 here · Rollcall" {
			t.Errorf("%s: the title is %q, want 1 here · Rollcall", how, got)
		}
	}
	check("sent live")
	anna.reload()
	anna.untilLive()
	check("in the page")
	for _, h := range hostile[3:6] { // the most similar to markup and to other URLs
		anna.open("/?team=" + url.QueryEscape(h.team))
		anna.untilLive()
		if got := ask[[]string](anna, `test.visible()`); len(got) != 1 || got[0] != h.username {
			t.Errorf("the page of the team %q shows %q, want %s", h.team, got, h.username)
		}
	}
}
