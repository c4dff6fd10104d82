package handlers

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/ui"
)

// full creates ada and bob with a value in everything that can be stored.
func (f *fixture) full() (ada, bob *browser) {
	f.t.Helper()
	ada, bob = f.member("ada"), f.member("bob")
	for _, name := range []string{"ada", "bob"} {
		id, ctx := f.uid(name), f.t.Context()
		// The browser becomes known.
		wantRedirect(f.t, "sign in "+name, map[string]*browser{"ada": ada, "bob": bob}[name].login(name, goodPassword), "/")
		for _, err := range []error{
			f.store.SetStatus(acting(ctx), id,
				accounts.Status{State: "dnd", Text: "words of " + name, Emoji: "🎧", Until: time.Now().Add(time.Hour)}, "1h"),
			f.store.SetInvisible(acting(ctx), id, true),
			f.store.SetProfile(acting(ctx), id, "Name of "+name, "Team of "+name, true),
			f.store.ChangePreferences(acting(ctx), id, func(p *accounts.Preferences) {
				*p = accounts.Preferences{IdleAfter: 7 * time.Minute, ShowLastSeen: accounts.Exact, TimeZone: "Asia/Tokyo",
					Theme: "dark", Announce: true}
			}),
			setDetails(acting(ctx), f.store, id,
				accounts.Details{Pronouns: "pronouns of " + name, Contacts: []string{name + "@example.org"}, ShareTime: true}),
			f.store.StampSeen(acting(ctx), map[string]time.Time{id: time.Now()}),
			f.claim(name, accounts.Claim{Key: "build", State: "away", Text: "claim about " + name}),
		} {
			if err != nil {
				f.t.Fatal(err)
			}
		}
	}
	return ada, bob
}

// claim sets a claim about a person, with a lease of an hour.
func (f *fixture) claim(name string, c accounts.Claim) error {
	f.t.Helper()
	_, _, err := f.store.PutClaim(acting(f.t.Context()), f.uid(name), c, time.Hour)
	return err
}

func TestMyData(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, _ := f.full()
	a := ada.get("/settings/my-data.json")
	wantStatus(t, "GET /settings/my-data.json", a, http.StatusOK)
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Content-Disposition": `attachment; filename="rollcall-ada.json"`,
		"Cache-Control": "no-store",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	var x accounts.Export
	if err := json.Unmarshal([]byte(a.body), &x); err != nil {
		t.Fatalf("the file is not JSON: %v", err)
	}
	want, err := f.store.Export(t.Context(), f.uid("ada"))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(x, want) {
		t.Errorf("the file holds %+v, want %+v", x, want)
	}
	for _, text := range []string{"words of ada", "claim about ada", "Name of ada", "Team of ada", "Asia/Tokyo"} {
		if !strings.Contains(a.body, text) {
			t.Errorf("the file doesn't hold %q", text)
		}
	}
	for _, text := range []string{"bob", "argon2", goodPassword, ada.cookies["rollcall"], ada.cookies["rollcall-known"]} {
		if strings.Contains(a.body, text) {
			t.Errorf("the file holds %q", text)
		}
	}
	wantStatus(t, "HEAD /settings/my-data.json", ada.do("HEAD", "/settings/my-data.json", nil), http.StatusOK)
}

// Viewing the settings and downloading one's data writes nothing.
func TestViewingSettingsWritesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, _ := f.full()
	before, err := f.store.Export(t.Context(), f.uid("ada"))
	if err != nil {
		t.Fatal(err)
	}
	rev := f.user("ada").Rev
	for _, path := range settingsPages {
		wantStatus(t, "GET "+path, ada.get(path+"?theme=dark&display_name=x&saved=profile"), http.StatusOK)
	}
	after, err := f.store.Export(t.Context(), f.uid("ada"))
	if err != nil {
		t.Fatal(err)
	}
	changes, err := f.store.Changes(t.Context(), rev)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(before, after) ||
		slices.ContainsFunc(changes.Users, func(u accounts.Facts) bool { return u.UserID == f.uid("ada") }) {
		t.Errorf("after viewing, ada is %+v with changes %+v, want %+v", after, changes, before)
	}
}

// leaves returns the names of all values in the JSON of t.
func leaves(t reflect.Type, under string) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
		return []string{under}
	}
	var names []string
	for i := range t.NumField() {
		if t.Field(i).Anonymous {
			names = append(names, leaves(t.Field(i).Type, under)...)
			continue
		}
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, leaves(t.Field(i).Type, strings.TrimPrefix(under+"."+name, "."))...)
	}
	return names
}

// The page about stored data covers every value of the download, and no others.
func TestStoredPageIsWhole(t *testing.T) {
	var told []string
	for _, g := range (ui.StoredPage{}).Groups() {
		for _, fact := range g.Facts {
			told = append(told, fact.Keys...)
			if fact.What == "" || fact.Note == "" {
				t.Errorf("%+v lacks a name or a note", fact)
			}
		}
	}
	stored := leaves(reflect.TypeFor[export](), "")
	slices.Sort(told)
	slices.Sort(stored)
	if !slices.Equal(told, stored) {
		t.Errorf("the page covers %q\nwant %q", told, stored)
	}
}

func TestStoredPageHasTheOwnValues(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, _ := f.full()
	page := ada.get("/settings/stored").body
	for _, want := range []string{
		"Name of ada", "<bdi>ada</bdi>", "Team of ada", f.uid("ada"), "🎧 words of ada Do not disturb", "7 minutes",
		"Everyone, exactly", "see it to the minute",
		"Asia/Tokyo", "pronouns of ada", "mailto:ada@example.org", "Dark", "no record of when you were here",
		"What apps say about you", "your address and your ID", "How often you changed something", `class="until"`, `class="since"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page doesn't hold %q:\n%s", want, page)
		}
	}
	for _, not := range []string{"bob", "Redis", "argon2id$"} {
		if strings.Contains(page, not) {
			t.Errorf("the page holds %q", not)
		}
	}
	alone := newFixture(t, func(cfg *Config) { cfg.Bell = silentBell{} })
	if page := alone.member("ada").get("/settings/stored").body; !strings.Contains(page, "Redis") {
		t.Errorf("with other replicas, the page doesn't mention Redis:\n%s", page)
	}
}

func TestDeleteAccount(t *testing.T) {
	t.Parallel()
	f := newFixture(t, quick)
	ada, bob := f.full()
	phone := f.browser()
	phone.login("ada", goodPassword)
	wantRefused(t, ada, "/settings/delete", url.Values{"username": {"bob"}, "password": {goodPassword}}, 422,
		"confirm_username", "Type ada")
	wantRefused(t, ada, "/settings/delete", url.Values{"username": {""}, "password": {goodPassword}}, 422,
		"confirm_username", "Type ada")
	wantRefused(t, ada, "/settings/delete", url.Values{"username": {"ada"}, "password": {""}}, 422, "confirm_password",
		"Type your password")
	wantRefused(t, ada, "/settings/delete", url.Values{"username": {"ada"}, "password": {"wrong password"}}, 403,
		"confirm_password", "Wrong password")
	if page := ada.do("POST", "/settings/delete", url.Values{"username": {"x"}}).body; !strings.Contains(page,
		`<details class="danger" open>`) {
		t.Error("the refused form is collapsed")
	}
	if !ada.signedIn() || !phone.signedIn() {
		t.Fatal("a refused deletion signed somebody out")
	}
	id := f.uid("ada")
	a := ada.do("POST", "/settings/delete", url.Values{"username": {" ADA "}, "password": {goodPassword}})
	wantRedirect(t, "POST /settings/delete", a, "/login?deleted=1")
	if c := ada.cookie("rollcall"); c == nil || c.MaxAge >= 0 {
		t.Errorf("the cookie is set to %v, want it dropped", c)
	}
	if body := ada.get(a.location()).body; !strings.Contains(body, `role="status">Your account has been deleted.`) {
		t.Errorf("the sign-in page doesn't say that the account was deleted:\n%s", body)
	}
	if phone.signedIn() {
		t.Error("another device is still signed in")
	}
	if _, err := f.store.Export(t.Context(), id); err == nil {
		t.Error("something about the account is still stored")
	}
	wantStatus(t, "signing in", f.browser().login("ada", goodPassword), 422)
	if body := bob.get("/").body; strings.Contains(body, `data-user="ada"`) || !strings.Contains(body, `data-user="bob"`) {
		t.Errorf("the board after the deletion:\n%s", body)
	}
}

// Deleted people disappear from every open page at once, and their own pages go to the sign-in page.
func TestDeletedAtOnce(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	watcher := l.open(l.member("bob"), "/", "a")
	ada := l.member("ada")
	own := l.open(ada, "/", "a")
	watcher.sees("ada", "online")
	wantRedirect(t, "POST /settings/delete",
		ada.do("POST", "/settings/delete", url.Values{"username": {"ada"}, "password": {goodPassword}}), "/login?deleted=1")
	own.wantClose(1008)
	watcher.until("ada's row is gone", func() bool { return watcher.rows["ada"] == "" })
	watcher.until("one person is left", func() bool { return watcher.text["n-all"] == "1" })
}

// silentBell is a live.Bell that never signals a change.
type silentBell struct{}

func (silentBell) Nudge(context.Context, int64) error { return nil }
func (silentBell) Nudged() <-chan struct{}            { return nil }
