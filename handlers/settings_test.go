package handlers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
)

// settingsForms holds all settings forms with valid fields.
var settingsForms = []struct {
	path  string
	good  url.Values
	empty int // response status to a form without fields
}{
	{"/settings/profile", url.Values{"display_name": {"Ada"}, "team": {"Red"}}, 303},
	{"/settings/details", url.Values{"pronouns": {"they"}}, 303},
	{"/settings/presence", url.Values{"idle": {"default"}, "last_seen": {"exact"}, "time_zone": {""}}, 303},
	{"/settings/look", url.Values{"theme": {"dark"}}, 303},
	{"/settings/password", url.Values{"old_password": {goodPassword}, "password": {"another good password"}}, 422},
	{"/settings/sessions/end", url.Values{"session": {"0"}}, 404},
	{"/settings/sessions/end-others", url.Values{}, 303},
	{"/settings/delete", url.Values{"username": {"ada"}, "password": {goodPassword}}, 422},
}

var settingsPages = []string{"/settings", "/settings/stored", "/settings/my-data.json"}

// member signs a new person in.
func (f *fixture) member(name string) *browser {
	f.t.Helper()
	f.person(name)
	b := f.browser()
	b.enter(name)
	return b
}

// user returns the account called name.
func (f *fixture) user(name string) accounts.User {
	f.t.Helper()
	u, err := f.store.UserByName(f.t.Context(), name)
	if err != nil {
		f.t.Fatalf("UserByName(%q) = %v", name, err)
	}
	return u
}

// Strangers and other sites can neither read nor change settings.
func TestSettingsAreForMembers(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	before := f.user("ada")
	for _, path := range settingsPages {
		wantRedirect(t, "GET "+path+" as a stranger", f.browser().get(path), "/login?next="+url.QueryEscape(path))
		wantStatus(t, "POST "+path, ada.do("POST", path, url.Values{}), http.StatusMethodNotAllowed)
	}
	for _, form := range settingsForms {
		wantRedirect(t, "POST "+form.path+" as a stranger", f.browser().do("POST", form.path, form.good), "/login")
		wantRedirect(t, "GET "+form.path, ada.get(form.path), "/settings")
		for name, header := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
			cross := f.browser()
			cross.cookies = ada.cookies
			cross.header.Set(name, header)
			wantStatus(t, "POST "+form.path+" from another site", cross.do("POST", form.path, form.good), http.StatusForbidden)
		}
	}
	if got := f.user("ada"); got != before {
		t.Errorf("ada is %+v, want %+v as before", got, before)
	}
}

// Bodies that our own pages never send are refused early.
func TestSettingsBodies(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	before := f.user("ada")
	const form = "application/x-www-form-urlencoded"
	for _, tt := range []struct {
		name, contentType, body string
		want                    int
	}{
		{"64 KiB and a byte", form, "x=" + strings.Repeat("x", maxBody), 413},
		{"multipart", "multipart/form-data; boundary=x", "--x--", 415},
		{"JSON", "application/json", `{"theme":"dark"}`, 415},
		{"no type", "", "theme=dark", 415},
		{"51 fields", form, strings.Repeat("a=b&", 50) + "a=b", 400},
		{"bad escape", form, "display_name=%zz", 400},
	} {
		for _, to := range settingsForms {
			r := httptest.NewRequest("POST", to.path, strings.NewReader(tt.body))
			if tt.contentType != "" {
				r.Header.Set("Content-Type", tt.contentType)
			}
			wantStatus(t, tt.name+" to "+to.path, ada.send(r), tt.want)
		}
	}
	for _, to := range settingsForms {
		wantStatus(t, "POST nothing to "+to.path, ada.do("POST", to.path, url.Values{}), to.empty)
	}
	if got := f.user("ada"); got != before {
		t.Errorf("ada is %+v, want %+v as before", got, before)
	}
}

// wantRefused posts a form and checks that it's refused. The page must show the message beside the field, mark and
// focus that field, and keep everything that was typed except passwords.
func wantRefused(t *testing.T, b *browser, path string, form url.Values, status int, field, says string) {
	t.Helper()
	a := b.do("POST", path, form)
	wantStatus(t, fmt.Sprintf("POST %s %v", path, form), a, status)
	if !strings.Contains(a.body, `id="`+field+`-error"`) || !strings.Contains(a.body, says) {
		t.Errorf("POST %s %v doesn't say %q beside %s:\n%s", path, form, says, field, a.body)
	}
	if strings.Count(a.body, " autofocus") != 1 || strings.Count(a.body, `class="wrong"`) != 1 {
		t.Errorf("POST %s %v: %d fields have the focus and %d are wrong, want one each",
			path, form, strings.Count(a.body, " autofocus"), strings.Count(a.body, `class="wrong"`))
	}
	if strings.Contains(a.body, `class="saved"`) {
		t.Errorf("POST %s %v says that it was saved:\n%s", path, form, a.body)
	}
	for name, values := range form {
		secret := strings.Contains(name, "password")
		if shown := strings.Contains(a.body, `value="`+values[0]+`"`); values[0] != "" && shown == secret {
			t.Errorf("POST %s %v: the page holds %s: %t, want %t", path, form, name, shown, !secret)
		}
	}
}

func TestProfile(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	a := ada.do("POST", "/settings/profile", url.Values{"display_name": {"  Ada  Okafor "}, "team": {"Red"}})
	wantRedirect(t, "POST /settings/profile", a, "/settings?saved=profile")
	if got := f.user("ada"); got.DisplayName != "Ada Okafor" || got.Team != "Red" {
		t.Errorf("ada is %q in %q, want Ada Okafor in Red", got.DisplayName, got.Team)
	}
	page := ada.get(a.location()).body
	for _, want := range []string{`value="Ada Okafor"`, `value="Red" list="teams"`, `<option value="Red">`,
		`role="status" tabindex="-1" autofocus>Saved.<`, "or name a new one"} {
		if !strings.Contains(page, want) {
			t.Errorf("the settings don't hold %s:\n%s", want, page)
		}
	}
	wantRefused(t, ada, "/settings/profile", url.Values{"display_name": {strings.Repeat("x", 65)}, "team": {"Blue"}}, 422,
		"display_name", "64 characters")
	wantRefused(t, ada, "/settings/profile", url.Values{"display_name": {"Eve"}, "team": {"B\u202elue"}}, 422, "team",
		"invisible")
	huge := ada.do("POST", "/settings/profile", url.Values{"display_name": {strings.Repeat("x", 60_000)}})
	wantStatus(t, "a huge name", huge, 422)
	if !strings.Contains(huge.body, `value="`+strings.Repeat("x", maxEcho)+`"`) {
		t.Error("the page doesn't hold the first 256 characters of a huge name")
	}
	wantRedirect(t, "only a name", ada.do("POST", "/settings/profile", url.Values{"display_name": {""}}),
		"/settings?saved=profile")
	if got := f.user("ada"); got.DisplayName != "ada" || got.Team != "Red" {
		t.Errorf("ada is %q in %q, want ada in Red", got.DisplayName, got.Team)
	}
}

func TestTeams(t *testing.T) {
	for _, tt := range []struct {
		rule             string
		existing, fresh  int // statuses of choosing a team that exists, and naming a new one
		none, unchanged  int
		hint, says, team string
	}{
		{accounts.TeamsOpen, 303, 303, 303, 303, "or name a new one", "", "Fresh"},
		{accounts.TeamsExisting, 303, 422, 303, 303, "Only administrators can create new ones",
			"Choose a team that exists", "Red"},
		{accounts.TeamsFixed, 403, 403, 403, 303, "assigns people to teams", "Ask an administrator", ""},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			f := newFixture(t, func(cfg *Config) { cfg.Fixed.Teams = tt.rule })
			ada, bob := f.member("ada"), f.person("bob")
			if err := f.store.SetTeam(acting(t.Context()), bob.ID, "Red"); err != nil {
				t.Fatal(err)
			}
			if tt.rule == accounts.TeamsFixed {
				if err := f.store.SetTeam(acting(t.Context()), f.uid("ada"), "Blue"); err != nil {
					t.Fatal(err)
				}
				tt.team = "Blue"
			}
			if page := ada.get("/settings").body; !strings.Contains(page, tt.hint) {
				t.Errorf("the settings don't say %q:\n%s", tt.hint, page)
			}
			post := func(what, team string, want int) {
				t.Helper()
				a := ada.do("POST", "/settings/profile", url.Values{"display_name": {"Ada"}, "team": {team}})
				wantStatus(t, what, a, want)
				if want != 303 && (!strings.Contains(a.body, tt.says) || !strings.Contains(a.body, `id="team-error"`)) {
					t.Errorf("%s doesn't say %q beside the team:\n%s", what, tt.says, a.body)
				}
			}
			post("no team", "", tt.none)
			post("a team that exists", "RED", tt.existing)
			post("a new team", "Fresh", tt.fresh)
			post("the current team", f.user("ada").Team, tt.unchanged)
			if got := f.user("ada"); got.Team != tt.team || got.DisplayName != "Ada" {
				t.Errorf("ada is %q in %q, want Ada in %q", got.DisplayName, got.Team, tt.team)
			}
		})
	}
}

func TestPresenceSettings(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	for _, tt := range []struct {
		idle, minutes, seen, zone string
		want                      accounts.Preferences
	}{
		{"minutes", " 25 ", "exact", "Europe/Berlin",
			accounts.Preferences{IdleAfter: 25 * time.Minute, ShowLastSeen: accounts.Exact, TimeZone: "Europe/Berlin"}},
		{"never", "25", "nobody", "", accounts.Preferences{IdleAfter: -time.Millisecond, ShowLastSeen: accounts.Nobody}},
		{"minutes", "1", "nobody", "UTC",
			accounts.Preferences{IdleAfter: time.Minute, ShowLastSeen: accounts.Nobody, TimeZone: "UTC"}},
		{"minutes", "120", "approximate", "America/Argentina/Buenos_Aires",
			accounts.Preferences{IdleAfter: 2 * time.Hour, TimeZone: "America/Argentina/Buenos_Aires"}},
		{"default", "nonsense", "approximate", "", accounts.Preferences{}},
	} {
		form := url.Values{"idle": {tt.idle}, "idle_minutes": {tt.minutes}, "last_seen": {tt.seen}, "time_zone": {tt.zone}}
		wantRedirect(t, fmt.Sprint("POST /settings/presence ", form), ada.do("POST", "/settings/presence", form),
			"/settings?saved=presence")
		if got := f.user("ada").Preferences(); got != tt.want {
			t.Errorf("POST /settings/presence %v stores %+v, want %+v", form, got, tt.want)
		}
		page := ada.get("/settings").body
		for _, want := range []string{`name="idle" value="` + tt.idle + `" checked`,
			`name="last_seen" value="` + tt.seen + `" checked`, `name="time_zone" value="` + tt.zone + `"`} {
			if !strings.Contains(page, want) {
				t.Errorf("after %v the settings don't hold %s", form, want)
			}
		}
	}
	before := f.user("ada").Preferences()
	for _, minutes := range []string{"0", "-1", "121", "1.5", "1e2", "99999999999999999999", "ten", ""} {
		wantRefused(t, ada, "/settings/presence",
			url.Values{"idle": {"minutes"}, "idle_minutes": {minutes}, "last_seen": {"exact"}}, 422, "idle_after",
			"1 to 120 whole minutes")
	}
	wantRefused(t, ada, "/settings/presence",
		url.Values{"idle": {"minutes"}, "idle_minutes": {"7"}, "time_zone": {"Europe/Atlantis"}}, 422, "time_zone",
		"such as Europe/Berlin")
	for _, form := range []url.Values{{"idle": {"sometimes"}}, {"last_seen": {"everybody"}}, {"last_seen": {""}},
		{"time_zone": {"../../etc/passwd"}}, {"time_zone": {"Local"}}} {
		wantStatus(t, fmt.Sprint("POST /settings/presence ", form), ada.do("POST", "/settings/presence", form), 422)
	}
	if got := f.user("ada").Preferences(); got != before {
		t.Errorf("refused forms changed %+v to %+v", before, got)
	}
}

func TestLook(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	for _, tt := range []struct{ theme, attribute, scheme string }{
		{"dark", ` data-theme="dark"`, "dark"}, {"light", ` data-theme="light"`, "light"}, {"system", "", "light dark"},
	} {
		wantRedirect(t, "POST /settings/look "+tt.theme,
			ada.do("POST", "/settings/look", url.Values{"theme": {tt.theme}, "announce": {"on"}}), "/settings?saved=look")
		for _, path := range []string{"/", "/settings", "/nowhere"} {
			body := ada.get(path).body
			if tt.theme != "system" && path == "/nowhere" {
				continue // sessions aren't looked up for unknown paths
			}
			if !strings.Contains(body, `<html lang="en"`+tt.attribute+`>`) ||
				!strings.Contains(body, `name="color-scheme" content="`+tt.scheme+`"`) {
				t.Errorf("GET %s doesn't have the theme %s:\n%.600s", path, tt.theme, body)
			}
		}
		if body := f.browser().get("/login").body; strings.Contains(body, "data-theme") {
			t.Errorf("a visitor's page has a theme:\n%.600s", body)
		}
		if got := f.user("ada"); !got.Announce {
			t.Error("Announce = false, want true")
		}
	}
	wantRedirect(t, "without announce", ada.do("POST", "/settings/look", url.Values{"theme": {"dark"}}),
		"/settings?saved=look")
	if got := f.user("ada"); got.Announce || got.Theme != "dark" {
		t.Errorf("Announce, Theme = %t, %q, want false, dark", got.Announce, got.Theme)
	}
	for _, theme := range []string{"pink", "", `"><script>`} {
		a := ada.do("POST", "/settings/look", url.Values{"theme": {theme}})
		wantStatus(t, "POST /settings/look "+theme, a, 422)
		if !strings.Contains(a.body, `id="theme-error"`) || strings.Contains(a.body, "<script>") {
			t.Errorf("POST /settings/look %q: %s", theme, a.body)
		}
	}
}

// A link can make the page say that something was saved, but can't make it show other text.
func TestSavedCannotBeSpoofed(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	for _, said := range []string{"Your password is 1234", "<b>x</b>", "PROFILE", "data", "wrong"} {
		if body := ada.get("/settings?saved=" + url.QueryEscape(said)).body; strings.Contains(body, `class="saved"`) ||
			strings.Contains(body, "1234") || strings.Contains(body, "<b>x") {
			t.Errorf("GET /settings?saved=%s shows it:\n%s", said, body)
		}
	}
}

func TestPasswordSettings(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.member("ada")
	phone := f.browser()
	phone.login("ada", goodPassword)
	const fresh = "another good password"
	form := func(old, password string) url.Values {
		return url.Values{"old_password": {old}, "password": {password}}
	}
	wantRefused(t, ada, "/settings/password", form("", fresh), 422, "old_password", "your current password")
	wantRefused(t, ada, "/settings/password", form(goodPassword, "short"), 422, "password", "8 characters")
	wantRefused(t, ada, "/settings/password", form(goodPassword, strings.Repeat("x", 257)), 422, "password", "")
	wantRefused(t, ada, "/settings/password", form("wrong password", fresh), 403, "old_password", "Wrong password")
	if !phone.signedIn() {
		t.Fatal("a refused change signed another device out")
	}
	wantRedirect(t, "POST /settings/password", ada.do("POST", "/settings/password", form(goodPassword, fresh)),
		"/settings?saved=password")
	if !ada.signedIn() || phone.signedIn() {
		t.Errorf("signed in: this device %t, the other %t, want true, false", ada.signedIn(), phone.signedIn())
	}
	wantStatus(t, "the old password", f.browser().login("ada", goodPassword), 422)
	wantRedirect(t, "the new password", phone.login("ada", fresh), "/")
	// This browser is still a known one, so others can't lock it out.
	for range 11 {
		f.browser().login("ada", "guess")
	}
	ada.do("POST", "/logout", url.Values{})
	wantRedirect(t, "signing in again after guesses by others", ada.login("ada", fresh), "/")
}

// Somebody at an unattended page can't try more passwords there than on the sign-in page. Guesses on the sign-in page
// don't lock people out of their own settings.
func TestPasswordsTriedInSettingsAreLimited(t *testing.T) {
	t.Parallel()
	for path, form := range map[string]url.Values{
		"/settings/password": {"old_password": {"guess"}, "password": {"another good password"}},
		"/settings/delete":   {"username": {"ada"}, "password": {"guess"}},
	} {
		f := newFixture(t)
		ada := f.member("ada")
		delete(ada.cookies, "rollcall-known")
		for range 10 {
			wantStatus(t, "a guess on the sign-in page", f.browser().login("ada", "guess"), 422)
		}
		for range 10 {
			wantStatus(t, "a guess", ada.do("POST", path, form), http.StatusForbidden)
		}
		right := url.Values{"username": {"ada"}, "old_password": {goodPassword}, "password": {goodPassword}}
		a := ada.do("POST", path, right)
		wantStatus(t, "POST "+path+" after ten guesses", a, http.StatusTooManyRequests)
		if a.Header.Get("Retry-After") == "" ||
			!strings.Contains(a.body, "Too many attempts to give your password. Try again in") ||
			strings.Count(a.body, " autofocus") != 1 {
			t.Errorf("POST %s after ten guesses: Retry-After %q\n%s", path, a.Header.Get("Retry-After"), a.body)
		}
		if !ada.signedIn() {
			t.Error("guesses signed the person out")
		}
	}
}

// Right passwords, and attempts that fail for other reasons, don't count.
func TestRightPasswordsInSettingsDoNotCount(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Logins = 2 })
	ada := f.member("ada")
	old := goodPassword
	for i := range 4 {
		fresh := fmt.Sprintf("a good password %d", i)
		wantStatus(t, "too short", ada.do("POST", "/settings/password", url.Values{"old_password": {old}, "password": {"x"}}),
			422)
		wantRedirect(t, "change",
			ada.do("POST", "/settings/password", url.Values{"old_password": {old}, "password": {fresh}}),
			"/settings?saved=password")
		old = fresh
	}
}

func TestSettingsStoreDown(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range settingsPages {
		wantStatus(t, "GET "+path, ada.get(path), http.StatusServiceUnavailable)
	}
	for _, form := range settingsForms {
		wantStatus(t, "POST "+form.path, ada.do("POST", form.path, form.good), http.StatusServiceUnavailable)
	}
}

// Programs get errors as problem+json.
func TestSettingsProblems(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	ada.header.Set("Accept", "application/json")
	a := ada.do("POST", "/settings/look", url.Values{"theme": {"pink"}})
	if a.StatusCode != 422 || a.Header.Get("Content-Type") != "application/problem+json" ||
		!strings.Contains(a.body, "Choose light, dark") {
		t.Errorf("POST /settings/look as a program = %d %s %s", a.StatusCode, a.Header.Get("Content-Type"), a.body)
	}
}

// The settings work under a base path, too.
func TestSettingsUnderABasePath(t *testing.T) {
	f := newFixture(t, publicURL(t, "https://example.org/rollcall"))
	f.person("ada")
	ada := f.browser()
	ada.login("ada", goodPassword)
	wantRedirect(t, "POST", ada.do("POST", "/rollcall/settings/look", url.Values{"theme": {"dark"}}),
		"/rollcall/settings?saved=look")
	wantRedirect(t, "POST", ada.do("POST", "/rollcall/settings/delete",
		url.Values{"username": {"ada"}, "password": {goodPassword}}), "/rollcall/login?deleted=1")
}

func TestCommonZonesExist(t *testing.T) {
	for _, zone := range commonZones {
		if _, err := time.LoadLocation(zone); err != nil {
			t.Errorf("LoadLocation(%q) = %v", zone, err)
		}
	}
	if !slices.IsSorted(commonZones) {
		t.Error("the zones aren't sorted")
	}
}

// A new name appears on open pages at once.
func TestProfileIsSeenLive(t *testing.T) {
	l := newLiveBoard(t)
	watcher := l.open(l.member("bob"), "/", "a")
	ada := l.member("ada")
	watcher.sees("ada", "offline")
	wantRedirect(t, "POST /settings/profile",
		ada.do("POST", "/settings/profile", url.Values{"display_name": {"Ada Okafor"}, "team": {"Red"}}),
		"/settings?saved=profile")
	watcher.until("the new name", func() bool { return strings.Contains(watcher.rows["ada"], "Ada Okafor") })
}
