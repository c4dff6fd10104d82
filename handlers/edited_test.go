package handlers

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rollcall/accounts"
)

// shown returns what the form of a page sends about what it showed.
func shown(a answer) url.Values {
	fields := kept(a)
	maps.DeleteFunc(fields, func(name string, _ []string) bool { return !strings.HasPrefix(name, wasPrefix) })
	return fields
}

// with returns fields with others in their place.
func with(fields url.Values, others ...string) url.Values {
	all := maps.Clone(fields)
	for i := 0; i < len(others); i += 2 {
		all[others[i]] = others[i+1 : i+2]
	}
	return all
}

// A form that was open while somebody else changed a value doesn't put the old one back. If both changed the same
// value, the second person is told and loses nothing that they typed. Saving again replaces the first person's value.
func TestOldFormsKeepNewValues(t *testing.T) {
	t.Parallel()
	f := newFixture(t, unfixed)
	boss, ada := f.boss("boss"), f.member("ada")
	id, ctx := f.uid("ada"), acting(t.Context())
	profile := func(p accounts.Profile) func() {
		return func() {
			if err := f.store.SetProfile(ctx, id, p.DisplayName, p.Team, true); err != nil {
				t.Fatal(err)
			}
		}
	}
	settings := func(x accounts.Settings) func() {
		return func() { f.choose(func(now *accounts.Settings) { *now = x }) }
	}
	profiled := func() string { u := f.user("ada"); return u.DisplayName + ", " + u.Team }
	chosen := func() string {
		x, err := f.store.Settings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join([]string{x.BoardName, x.SignUp, x.Teams, x.Invisible}, ", ")
	}
	emailed := func() string { e, _ := f.store.Email(t.Context(), id); return e }
	for _, tt := range []struct {
		name           string
		by             *browser
		page, path     string
		first, between func()
		form           []string // without a conflict, and
		result         string
		both           []string // with one
		keeps, says    string
		again          string
		now            func() string
	}{
		{"one's own profile", ada, "/settings", "/settings/profile",
			profile(accounts.Profile{DisplayName: "Ada", Team: "Ops"}), profile(accounts.Profile{DisplayName: "Ada", Team: "Lab"}),
			[]string{"display_name", "Ada L", "team", "Ops"}, "Ada L, Lab",
			[]string{"display_name", "Ada B", "team", "Night"}, `value="Night"`, "changed to “Lab”", "Ada B, Night", profiled},
		{"a profile", boss, "/admin/people/ada", "/admin/people/ada",
			profile(accounts.Profile{DisplayName: "Ada", Team: "Ops"}), profile(accounts.Profile{DisplayName: "Ada", Team: ""}),
			[]string{"display_name", "Ada L", "team", "Ops"}, "Ada L, ",
			[]string{"display_name", "Ada B", "team", "Night"}, `value="Ada B"`, "was removed in", "Ada B, Night", profiled},
		{"an email address", boss, "/admin/people/ada", "/admin/people/ada/email",
			func() { _ = f.store.SetEmail(ctx, id, "one@example.org") }, func() { _ = f.store.SetEmail(ctx, id, "two@example.org") },
			[]string{"email", "one@example.org"}, "two@example.org",
			[]string{"email", "three@example.org"}, `value="three@example.org"`, "changed to “two@example.org”", "three@example.org", emailed},
		{"settings of the board", boss, "/admin/settings", "/admin/settings",
			settings(accounts.Settings{}), settings(accounts.Settings{BoardName: "Pier", SignUp: accounts.SignUpOff}),
			[]string{"board_name", "Rollcall", "signup", "invite", "teams", "fixed", "invisible", "on"}, "Pier, off, fixed, ",
			[]string{"board_name", "Rollcall", "signup", "approve", "teams", "fixed"}, `value="approve" checked`, "changed to “nobody”",
			"Pier, approve, fixed, ", chosen},
	} {
		tt.first()
		was := shown(tt.by.get(tt.page))
		tt.between()
		wantStatus(t, tt.name, tt.by.do("POST", tt.path, with(was, tt.form...)), http.StatusSeeOther)
		if now := tt.now(); now != tt.result {
			t.Errorf("%s: after an old form, stored is %q, want %q", tt.name, now, tt.result)
		}
		tt.first()
		was = shown(tt.by.get(tt.page))
		tt.between()
		a := tt.by.do("POST", tt.path, with(was, tt.both...))
		wantStatus(t, tt.name+" that both changed", a, http.StatusConflict)
		if !strings.Contains(a.body, tt.keeps) || !strings.Contains(a.body, tt.says) {
			t.Errorf("%s that both changed: the page doesn't keep %s or doesn't say %q:\n%s", tt.name, tt.keeps, tt.says, a.body)
		}
		again := with(shown(a), tt.both...)
		if strings.Contains(a.body, `name="board_name" value="Pier"`) { // the field that only the first one changed
			again.Set("board_name", "Pier")
		}
		wantStatus(t, tt.name+" again", tt.by.do("POST", tt.path, again), http.StatusSeeOther)
		if now := tt.now(); now != tt.again {
			t.Errorf("%s: after saving again, stored is %q, want %q", tt.name, now, tt.again)
		}
	}
}
