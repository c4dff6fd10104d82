package handlers

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
)

// shownForm returns what the form of a page would send if nothing were changed in it.
func shownForm(t *testing.T, page, action string) url.Values {
	t.Helper()
	_, form, found := strings.Cut(page, `action="`+action+`"`)
	if form, _, _ = strings.Cut(form, "</form>"); !found {
		t.Fatalf("the page has no form %s", action)
	}
	fields := url.Values{}
	for _, m := range regexp.MustCompile(`<input ([^>]*)>`).FindAllStringSubmatch(form, -1) {
		name, value := attributeOf(m[1], "name"), attributeOf(m[1], "value")
		if picked := attributeOf(m[1], "type"); name != "" && (picked != "radio" && picked != "checkbox" ||
			strings.Contains(m[1], " checked")) {
			fields.Set(name, value)
		}
	}
	for _, m := range regexp.MustCompile(`(?s)<textarea [^>]*name="([^"]*)"[^>]*>(.*?)</textarea>`).
		FindAllStringSubmatch(form, -1) {
		fields.Set(m[1], html.UnescapeString(m[2]))
	}
	for name := range fields { // as browsers do
		fields.Set(name, strings.ReplaceAll(fields.Get(name), "\n", "\r\n"))
	}
	return fields
}

func attributeOf(tag, name string) string {
	m := regexp.MustCompile(`(?:^| )` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// A settings form that was open while another tab saved other values leaves them as they are, unless it changes the
// same ones.
func TestSettingsOfAnotherTab(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.member("ada")
	save := func(action string, change ...string) openForm {
		t.Helper()
		form := shownForm(t, ada.get("/settings").body, action)
		for i := 0; i < len(change); i += 2 {
			form.Set(change[i], change[i+1])
		}
		return openForm{ada, action, form}
	}
	for _, action := range []string{"/settings/details", "/settings/presence", "/settings/look"} {
		save(action).sends(t, 303)
	}
	old := []openForm{
		save("/settings/details", "pronouns", "she"), save("/settings/presence", "time_zone", "Asia/Tokyo"),
		save("/settings/look", "theme", "dark"),
	}
	save("/settings/details", "contacts", "ada@example.org\r\nhttps://chat.example/ada", "share_time", "on",
		"public_pages", "on").without("allow_alerts").sends(t, 303)
	save("/settings/presence", "idle", "minutes", "idle_minutes", "25", "last_seen", "exact").sends(t, 303)
	save("/settings/look", "announce", "on").sends(t, 303)
	for _, p := range old {
		p.sends(t, 303)
	}
	user, err := f.store.UserByName(t.Context(), "ada")
	f.must(err)
	if got, want := user.Preferences(), (accounts.Preferences{IdleAfter: 25 * time.Minute, ShowLastSeen: accounts.Exact,
		TimeZone: "Asia/Tokyo", Theme: "dark", Announce: true}); got != want {
		t.Errorf("the preferences are %+v, want %+v", got, want)
	}
	d, err := f.store.Details(t.Context(), user.ID)
	f.must(err)
	if d.Pronouns != "she" || len(d.Contacts) != 2 || !d.ShareTime || !d.NoAlerts || !d.Public {
		t.Errorf("the details are %+v, want those of both tabs", d)
	}

	// Boxes can be turned off, too.
	save("/settings/details").without("share_time", "public_pages").sends(t, 303)
	save("/settings/look").without("announce").sends(t, 303)
	d, err = f.store.Details(t.Context(), user.ID)
	f.must(err)
	if user, err = f.store.UserByName(t.Context(), "ada"); err != nil || d.ShareTime || d.Public || !d.NoAlerts || user.Announce {
		t.Errorf("the details are %+v, announcements %t (%v), want everything off", d, user.Announce, err)
	}
}

// The time zone that a page's script has sent since isn't a choice, so it doesn't stand in the way of one.
func TestTimeZoneOfTheScript(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.member("ada")
	wantStatus(t, "POST /me/zone", ada.do("POST", "/me/zone", url.Values{"zone": {"UTC"}}), http.StatusNoContent)
	a := ada.do("POST", "/settings/presence", url.Values{"time_zone": {"Asia/Tokyo"}, wasPrefix + "time_zone": {""}})
	if u := f.user("ada"); a.StatusCode != http.StatusSeeOther || u.TimeZone != "Asia/Tokyo" {
		t.Errorf("POST /settings/presence = %d, and the time zone is %q, want 303 and Asia/Tokyo\n%s", a.StatusCode, u.TimeZone, a.body)
	}
}

// If both tabs changed the same value, nothing is stored until the person has seen the other one.
func TestSettingsConflict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		action, says  string
		first, second []string
	}{
		{"/settings/details", "changed to “they”", []string{"pronouns", "they"}, []string{"pronouns", "she", "share_time", "on"}},
		{"/settings/details", "changed to “https://chat.example/a”", []string{"contacts", "https://chat.example/a"},
			[]string{"contacts", "https://chat.example/b"}},
		{"/settings/presence", "changed to “25 minutes”", []string{"idle", "minutes", "idle_minutes", "25"},
			[]string{"idle", "never", "time_zone", "Asia/Tokyo"}},
		{"/settings/presence", "changed to “Exactly”", []string{"last_seen", "exact"}, []string{"last_seen", "nobody"}},
		{"/settings/look", "changed to “Dark”", []string{"theme", "dark"}, []string{"theme", "light", "announce", "on"}},
	} {
		f := newFixture(t)
		ada := f.member("ada")
		with := func(change []string) openForm {
			form := shownForm(t, ada.get("/settings").body, c.action)
			for i := 0; i < len(change); i += 2 {
				form.Set(change[i], change[i+1])
			}
			return openForm{ada, c.action, form}
		}
		second := with(c.second)
		with(c.first).sends(t, 303)
		stored := func() (accounts.Preferences, accounts.Details) {
			user, err := f.store.UserByName(t.Context(), "ada")
			f.must(err)
			d, err := f.store.Details(t.Context(), user.ID)
			f.must(err)
			return user.Preferences(), d
		}
		before, details := stored()
		body := second.sends(t, 409)
		after, now := stored()
		if !strings.Contains(body, c.says) || after != before || !slices.Equal(now.Contacts, details.Contacts) ||
			now.Pronouns != details.Pronouns || now.ShareTime != details.ShareTime {
			t.Errorf("POST %s %v after %v stores %+v, %+v, want %+v, %+v, and the answer to have %q", c.action, c.second, c.first,
				after, now, before, details, c.says)
		}
		again := openForm{ada, c.action, shownForm(t, body, c.action)} // has what was typed
		again.sends(t, 303)
		for i := 0; i < len(c.second); i += 2 {
			if got := shownForm(t, ada.get("/settings").body, c.action).Get(c.second[i]); got != c.second[i+1] {
				t.Errorf("saving again stores %s %q, want %q", c.second[i], got, c.second[i+1])
			}
		}
	}
}

// openForm is a form that is open.
type openForm struct {
	by     *browser
	action string
	fields url.Values
}

func (p openForm) without(boxes ...string) openForm {
	for _, box := range boxes {
		p.fields.Del(box)
	}
	return p
}

func (p openForm) sends(t *testing.T, status int) string {
	t.Helper()
	a := p.by.do("POST", p.action, p.fields)
	wantStatus(t, "POST "+p.action+" "+p.fields.Encode(), a, status)
	return a.body
}
