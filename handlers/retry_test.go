package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rollcall/accounts"
)

// An administrator can post so many forms in a minute. A form beyond that isn't lost: it can be posted again.
func TestAdministrationIsLimited(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Acts = 2 })
	boss, other := f.boss("boss"), f.boss("other")
	f.person("ada")
	form := func(team string) url.Values { return url.Values{"display_name": {"Ada"}, "team": {team}} }
	for _, team := range []string{"A", "B"} {
		wantStatus(t, "a change", boss.do("POST", "/admin/people/ada", form(team)), http.StatusSeeOther)
	}
	a := boss.do("POST", "/admin/people/ada", form("R&D"))
	wantStatus(t, "one change too many", a, http.StatusTooManyRequests)
	if a.Header.Get("Retry-After") == "" || !strings.Contains(a.body, "Try again in a minute.") ||
		!strings.Contains(a.body, `action="/admin/people/ada"`) || kept(a).Encode() != form("R&D").Encode() {
		t.Errorf("one change too many loses the form, or doesn't say when to try again:\n%s", a.body)
	}
	if now := f.user("ada").Team; now != "B" {
		t.Errorf("after a refused change, the team is %q, want B", now)
	}
	wantStatus(t, "a page", boss.get("/admin/people/ada"), http.StatusOK)
	wantStatus(t, "another administrator", other.do("POST", "/admin/people/ada", kept(a)), http.StatusSeeOther)
}

// Who has changed very much in a day is told so, and the form isn't lost.
func TestManyChangesInADay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	boss := f.boss("boss")
	f.person("ada")
	ctx := accounts.As(t.Context(), accounts.ByUser(f.uid("boss")))
	for err := error(nil); err == nil; err = f.store.RecordExport(ctx, accounts.PeopleExported) {
	}
	for path, form := range map[string]url.Values{
		"/admin/bulk": {"person": {f.uid("ada")}, "act": {"sessions"}}, "/admin/people.csv": {"x": {"y"}},
	} {
		a := boss.do("POST", path, form)
		wantStatus(t, "POST "+path, a, http.StatusTooManyRequests)
		kept := kept(a).Encode() == form.Encode() || strings.Contains(a.body, `value="`+form.Get("person")+`" aria-label="Select ada" checked`)
		if !strings.Contains(a.body, "you can make up to 2000 changes") || !kept {
			t.Errorf("POST %s doesn't say what the limit is, or loses the form:\n%s", path, a.body)
		}
	}
}
