package handlers

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"rollcall/accounts"
)

// wantHolds fails the test unless a page holds all of the texts and none of the others, each of which begins with "!".
func wantHolds(t *testing.T, what, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		not, bad := strings.CutPrefix(text, "!")
		if strings.Contains(page, not) == bad {
			t.Errorf("%s: holds %q = %v, want %v:\n%s", what, not, bad, !bad, page)
		}
	}
}

func TestPersonPage(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	ada, bob := l.member("ada"), l.member("bob")
	ctx, id := acting(t.Context()), l.uid("bob")
	for _, err := range []error{
		l.store.SetProfile(ctx, id, "Bob <b>", "R&D", true),
		l.store.ChangePreferences(ctx, id, func(p *accounts.Preferences) { p.TimeZone = "Asia/Kolkata" }),
		setDetails(ctx, l.store, id, accounts.Details{
			Pronouns: "he<i>", ShareTime: true,
			Contacts: []string{"bob@example.org", "+49 431 1", "@bob:example.org", "https://chat.example.org/x"},
		}),
		l.store.SetStatus(ctx, id, accounts.Status{Text: "</p>Lunch", Emoji: "🍜"}, ""),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	page := ada.get("/u/BOB")
	wantStatus(t, "GET /u/BOB", page, http.StatusOK)
	wantHolds(t, "the page", page.body,
		"Bob &lt;b&gt;", "@bob", "he&lt;i&gt;", "&lt;/p&gt;Lunch", "R&amp;D", `href="/?team=R%26D"`, "<b>Offline</b>",
		`data-zone="Asia/Kolkata"`, "in Kolkata",
		`href="mailto:bob@example.org" rel="noopener noreferrer nofollow"`, `href="tel:&#43;494311"`,
		`href="matrix:u/bob:example.org"`, `href="https://chat.example.org/x"`,
		"Tell me when <bdi>Bob &lt;b&gt;</bdi> is here", "Add to favorites", "chose to show", `id="u-`+id+`"`, "<!doctype html>", "!ZgotmplZ",
		"!seen", `hx-ws:connect="/ws?person=`+id)
	wantHolds(t, "the page of oneself", bob.get("/u/bob").body, "!Add to favorites", "!Tell me when",
		"Choose what your page shows")
	wantHolds(t, "the page of somebody without links", bob.get("/u/ada").body, "!chose to show")

	// A script gets the same without the page around it.
	ada.header.Set("Hx-Request", "true")
	wantHolds(t, "the fragment", ada.get("/u/bob").body, "Bob &lt;b&gt;", `<article class="card"`, "!<!doctype html>",
		"!hx-ws:connect")
	ada.header.Del("Hx-Request")

	bobTab := l.open(bob, "/", "a")
	tab := l.open(ada, "/u/bob", "a")
	tab.sees("bob", "online")
	wantHolds(t, "the page of somebody online", ada.get("/u/bob").body, "<b>Online</b>", `<time class="online"`,
		"!Tell me when")
	if err := l.store.SetStatus(ctx, id, accounts.Status{State: "dnd"}, ""); err != nil {
		t.Fatal(err)
	}
	tab.sees("bob", "dnd")
	wantHolds(t, "the page of somebody on do not disturb", ada.get("/u/bob").body,
		"Tell me when <bdi>Bob &lt;b&gt;</bdi> can be disturbed", `name="kind" value="free"`)
	bobTab.leave()
	tab.sees("bob", "offline")
	wantHolds(t, "the page of somebody who left", ada.get("/u/bob").body, "seen today", "is here")
	if err := l.store.ChangePreferences(ctx, l.uid("ada"),
		func(p *accounts.Preferences) { p.ShowLastSeen = accounts.Nobody }); err != nil {
		t.Fatal(err)
	}
	wantHolds(t, "the page for somebody who hides when they were here", ada.get("/u/bob").body, "!seen")

	for _, path := range []string{"/u/nobody", "/u/", "/u/bob%00", "/u/..", "/u/" + strings.Repeat("x", 300), "/u/bob/"} {
		wantStatus(t, "GET "+path, ada.get(path), http.StatusNotFound)
	}
	if err := l.store.SetDisabled(ctx, id, true); err != nil {
		t.Fatal(err)
	}
	gone, never := ada.get("/u/bob"), ada.get("/u/nobody")
	wantStatus(t, "GET /u/bob of somebody disabled", gone, http.StatusNotFound)
	request := regexp.MustCompile(`<code>.*?</code>`)
	if request.ReplaceAllString(gone.body, "") != request.ReplaceAllString(never.body, "") {
		t.Errorf("the answers for a disabled and an unknown person differ:\n%s\n%s", gone.body, never.body)
	}
	wantRedirect(t, "GET /u/ada as a stranger", l.browser().get("/u/ada"), "/login?next=%2Fu%2Fada")
}

// The viewer of a person's page is as present as on other pages.
func TestPersonPageMakesItsViewerPresent(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	ada, bob := l.member("ada"), l.member("bob")
	board := l.open(ada, "/", "a")
	board.sees("bob", "offline")
	l.open(bob, "/u/ada", "a")
	board.sees("bob", "online")
}

func TestFavoritePages(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob := f.member("ada"), f.member("bob")
	css := regexp.MustCompile(`href="(/me\.css[^"]*)"`)
	sheet := func() (address, body string) {
		t.Helper()
		m := css.FindStringSubmatch(ada.get("/").body)
		if m == nil {
			t.Fatal("the board has no own stylesheet")
		}
		address = strings.ReplaceAll(m[1], "&amp;", "&")
		a := ada.get(address)
		if got := a.Header.Get("Cache-Control"); got != "private, max-age=86400" {
			t.Errorf("GET %s: Cache-Control = %q", address, got)
		}
		return address, a.body
	}
	before, _ := sheet()
	form := url.Values{"person": {"Bob"}}
	for range 2 {
		wantRedirect(t, "add", ada.do("POST", "/favorites/add", form), "/u/bob")
	}
	wantHolds(t, "the page", ada.get("/u/bob").body, "Remove from favorites")
	wantHolds(t, "his own page", bob.get("/u/ada").body, "Add to favorites")
	after, body := sheet()
	pinned := "#u-" + f.uid("bob") + ",#m-" + f.uid("bob") + "){--you:"
	wantHolds(t, "the stylesheet", body, pinned)
	if after == before {
		t.Errorf("the address of the stylesheet stays %s", after)
	}
	wantHolds(t, "bob's stylesheet", bob.get("/me.css").body, "!"+f.uid("ada"))
	ada.header.Set("Hx-Request", "true")
	fragment := ada.do("POST", "/favorites/remove", form)
	wantStatus(t, "remove", fragment, http.StatusOK)
	wantHolds(t, "the answer for a script", fragment.body, "Add to favorites", "f=2", "!<!doctype")
	ada.header.Del("Hx-Request")
	again, body := sheet()
	if wantHolds(t, "the stylesheet", body, "!"+pinned); again == after {
		t.Errorf("the address of the stylesheet stays %s", after)
	}
	for _, who := range []string{"", "nobody", "ada"} {
		wantStatus(t, "add "+who, ada.do("POST", "/favorites/add", url.Values{"person": {who}}), http.StatusNotFound)
	}
	foreign := ada
	foreign.header.Set("Sec-Fetch-Site", "cross-site")
	wantStatus(t, "add from another site", foreign.do("POST", "/favorites/add", form), http.StatusForbidden)
}

func TestTooManyFavorites(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.member("ada")
	people := make([]accounts.NewUser, accounts.MaxFavorites+1)
	for i := range people {
		people[i] = accounts.NewUser{Username: fmt.Sprintf("p%03d", i), PasswordHash: goodHash}
	}
	if _, err := f.store.Import(acting(t.Context()), people); err != nil {
		t.Fatal(err)
	}
	for _, p := range people[:accounts.MaxFavorites] {
		if err := f.store.SetFavorite(acting(t.Context()), f.uid("ada"), f.uid(p.Username), true); err != nil {
			t.Fatal(err)
		}
	}
	a := ada.do("POST", "/favorites/add", url.Values{"person": {people[accounts.MaxFavorites].Username}})
	wantStatus(t, "one favorite too many", a, http.StatusUnprocessableEntity)
	wantHolds(t, "the page", a.body, `role="alert">You can have up to 200 favorites. Remove one first.`,
		"Add to favorites")
}

func TestAlertPages(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	ada, bob := l.member("ada"), l.member("bob")
	one, two, other := l.open(ada, "/", "a"), l.open(ada, "/u/bob", "a"), l.open(l.member("cleo"), "/", "a")
	form := url.Values{"person": {"bob"}, "kind": {"here"}}
	wantRedirect(t, "ask", ada.do("POST", "/alerts/add", form), "/u/bob")
	wantHolds(t, "the page", ada.get("/u/bob").body, "You'll be told once when <bdi>bob</bdi> is here.", "Don't tell me",
		"!Tell me when")
	wantHolds(t, "the page for others", bob.get("/u/ada").body, "!You'll be told")
	two.say("h1") // hidden pages are told, too
	bobTab := l.open(bob, "/", "a")
	told := func(tb *tab) bool {
		return strings.Contains(tb.text["told"], `<a href="/u/bob"><bdi>bob</bdi></a> is here`)
	}
	one.until("told", func() bool { return told(one) })
	two.until("told", func() bool { return told(two) })
	other.sees("bob", "online")
	other.mu.Lock()
	if other.text["told"] != "" {
		t.Errorf("cleo was told %s", other.text["told"])
	}
	other.mu.Unlock()
	bobTab.mu.Lock()
	if frames := strings.Join(bobTab.frames, ""); strings.Contains(frames, "told") {
		t.Errorf("bob was sent %s", frames)
	}
	bobTab.mu.Unlock()
	wantHolds(t, "the page after that", ada.get("/u/bob").body, "!You'll be told")

	wantRedirect(t, "ask", ada.do("POST", "/alerts/add", form), "/u/bob")
	wantRedirect(t, "withdraw", ada.do("POST", "/alerts/remove", form), "/u/bob")
	wantStatus(t, "ask for nonsense", ada.do("POST", "/alerts/add", url.Values{"person": {"bob"}, "kind": {"soon"}}),
		http.StatusUnprocessableEntity)
	wantRedirect(t, "forbid", bob.do("POST", "/settings/details", url.Values{"pronouns": {""}}), "/settings?saved=details")
	refused := ada.do("POST", "/alerts/add", form)
	wantStatus(t, "ask although he forbids it", refused, http.StatusUnprocessableEntity)
	wantHolds(t, "the page", refused.body, "This person doesn&#39;t let others ask.")
}

func TestDetailsForm(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.member("ada")
	form := url.Values{
		"pronouns": {" she/her "}, "contacts": {"ada@example.org\r\n\r\n+49 431 12\r\n"}, "share_time": {"on"},
		"allow_alerts": {"on"}, "zone": {"Asia/Tokyo"},
	}
	wantRedirect(t, "POST /settings/details", ada.do("POST", "/settings/details", form), "/settings?saved=details")
	wantHolds(t, "the settings", ada.get("/settings").body, `value="she/her"`,
		">mailto:ada@example.org\ntel:&#43;4943112</textarea>",
		`name="share_time" value="on" checked`, `name="allow_alerts" value="on" checked`)
	if user := f.user("ada"); user.Zone != "Asia/Tokyo" {
		t.Errorf("the shared zone is %q, want the browser's", user.Zone)
	}
	form.Set("contacts", "javascript:alert(1)")
	form.Set("pronouns", strings.Repeat("x", 41))
	form.Del("share_time")
	a := ada.do("POST", "/settings/details", form)
	wantStatus(t, "wrong details", a, http.StatusUnprocessableEntity)
	wantHolds(t, "the refused form", a.body, "“javascript:alert(1)” isn&#39;t an email address",
		"Use 40 characters or fewer.",
		">javascript:alert(1)</textarea>", `name="share_time" value="on" aria`)
	details, err := f.store.Details(t.Context(), f.uid("ada"))
	if err != nil || details.Pronouns != "she/her" || !details.ShareTime {
		t.Errorf("after a refusal the details are %+v, %v", details, err)
	}
}

func TestWorker(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	a := f.browser().get("/sw.js")
	wantStatus(t, "GET /sw.js", a, http.StatusOK)
	if kind, cache := a.Header.Get("Content-Type"),
		a.Header.Get("Cache-Control"); kind != "text/javascript; charset=utf-8" || cache != "no-cache" {
		t.Errorf("GET /sw.js: %s, %s", kind, cache)
	}
}

// setDetails sets all details of a person.
func setDetails(ctx context.Context, s *accounts.Store, userID string, d accounts.Details) error {
	return s.ChangeDetails(ctx, userID, func(was *accounts.Details) error {
		*was = d
		return nil
	})
}
