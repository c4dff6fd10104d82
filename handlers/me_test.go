package handlers

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/live"
)

// unlimited is a Limiter that counts nothing.
type unlimited struct{}

func (unlimited) Take(context.Context, string, int, time.Duration) (bool, time.Duration, error) {
	return true, 0, nil
}

func (unlimited) Give(context.Context, string) {}

// actsOfMe holds all forms in which people change their own status.
var actsOfMe = []struct {
	path string
	form url.Values
}{
	{"/me/status", url.Values{"state": {"dnd"}, "text": {"forged"}}},
	{"/me/status", url.Values{"preset": {"lunch"}}},
	{"/me/status", url.Values{"clear": {"yes"}}},
	{"/me/invisible", url.Values{"invisible": {"on"}}},
	{"/me/presets/forget", url.Values{"preset": {"x"}}},
	{"/me/claims/remove", url.Values{"claim": {"x"}}},
	{"/me/zone", url.Values{"zone": {"Europe/Berlin"}}},
}

func TestStrangersHaveNoPanel(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	before := f.user("ada")
	stranger, menu := f.browser(), f.browser().byMenu()
	wantRedirect(t, "GET /me", stranger.get("/me"), "/login?next=%2Fme")
	for _, act := range actsOfMe {
		wantRedirect(t, "POST "+act.path, stranger.do("POST", act.path, act.form), "/login")
		a := menu.do("POST", act.path, act.form)
		if wantStatus(t, act.path+" by the menu", a, http.StatusUnauthorized); a.Header.Get("HX-Redirect") != "/login" ||
			a.body != "" {
			t.Errorf("POST %s from a menu without a session redirects to %q with %q, want /login",
				act.path, a.Header.Get("HX-Redirect"), a.body)
		}
	}
	if a := menu.get("/me/panel"); a.StatusCode != http.StatusUnauthorized || a.Header.Get("HX-Redirect") != "/login" {
		t.Errorf("GET /me/panel without a session = %d to %q, want 401 to /login", a.StatusCode, a.Header.Get("HX-Redirect"))
	}
	for _, site := range []string{"cross-site", "same-site"} {
		ada.header.Set("Sec-Fetch-Site", site)
		for _, act := range actsOfMe {
			wantStatus(t, site+" POST "+act.path, ada.do("POST", act.path, act.form), http.StatusForbidden)
		}
	}
	if after := f.user("ada"); after != before {
		t.Errorf("other sites or strangers changed %+v to %+v", before, after)
	}
}

func TestGetOfMeWritesNothing(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	before := f.user("ada")
	for _, path := range []string{"/me", "/me?done=set&invisible=on&zone=Europe/Berlin",
		"/me/panel?clear=yes&preset=lunch"} {
		wantStatus(t, path, ada.get(path), http.StatusOK)
	}
	for _, act := range actsOfMe {
		wantStatus(t, "GET "+act.path, ada.get(act.path+"?"+act.form.Encode()), http.StatusMethodNotAllowed)
	}
	if after := f.user("ada"); after != before {
		t.Errorf("GET changed %+v to %+v", before, after)
	}
}

// An open menu gets an error as a message beside its form, and never as a page inside the menu.
func TestErrorsInTheMenu(t *testing.T) {
	f := newFixture(t, func(cfg *Config) { cfg.Fixed.Invisible = "off" })
	ada := f.member("ada").byMenu()
	post := func(path string, form url.Values) func() answer {
		return func() answer { return ada.do("POST", path, form) }
	}
	for _, tt := range []struct {
		name   string
		status int
		says   string
		ask    func() answer
	}{
		{"forgotten preset", 404, "No such status. This status is no longer on your list.",
			post("/me/status", url.Values{"preset": {"gone"}})},
		{"invisible where it is off", 403, "Invisibility is switched off",
			post("/me/invisible", url.Values{"invisible": {"on"}})},
		{"neither on nor off", 422, "on or off", post("/me/invisible", url.Values{"invisible": {"maybe"}})},
		{"too large", 413, "more than this form accepts",
			post("/me/status", url.Values{"text": {strings.Repeat("x", maxBody)}})},
		{"too many fields", 400, "too many fields", post("/me/status", url.Values{"text": make([]string, maxFields+1)})},
	} {
		a := tt.ask()
		wantStatus(t, tt.name, a, tt.status)
		if !strings.HasPrefix(a.body, `<hx-partial id="me-said">`) || strings.Count(a.body, "<") != 2 ||
			!strings.Contains(a.body, tt.says) {
			t.Errorf("%s: the menu gets\n%s\nwant %q for #me-said alone", tt.name, a.body, tt.says)
		}
	}
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	a := ada.get("/me/panel")
	wantStatus(t, "GET /me/panel without the store", a, http.StatusServiceUnavailable)
	if !strings.HasPrefix(a.body, `<hx-partial id="me-said">Back in a moment. `) ||
		a.Header.Get("Retry-After") == "" {
		t.Errorf("without the store, the menu gets\n%s", a.body)
	}
}

// The number of visible changes per person is limited, so that nobody can make other people's pages flicker.
func TestActsAreLimited(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob := f.member("ada"), f.member("bob")
	for i := range usualActs {
		wantRedirect(t, "a change", ada.do("POST", "/me/invisible", url.Values{"invisible": {[]string{"on", "off"}[i%2]}}),
			"/me?done="+[]string{"invisible", "visible"}[i%2])
	}
	a := ada.do("POST", "/me/status", url.Values{"state": {"dnd"}})
	wantStatus(t, "one more", a, http.StatusTooManyRequests)
	if a.Header.Get("Retry-After") == "" || !strings.Contains(a.body, "Try again in a minute") ||
		f.user("ada").Status.State != "" {
		t.Errorf("one more change = %v, %s\nwant Retry-After, and why", a.Header, a.body)
	}
	if err := f.store.SetStatus(acting(t.Context()), f.uid("ada"), accounts.Status{State: "away", Text: "Lunch"},
		""); err != nil {
		t.Fatal(err)
	}
	a = ada.do("POST", "/me/status", url.Values{"preset": {"focus"}})
	wantStatus(t, "a preset once more", a, http.StatusTooManyRequests)
	if !strings.Contains(a.body, `id="show-away" aria-pressed="true"`) ||
		!strings.Contains(a.body, `<b><bdi>Lunch</bdi></b>`) {
		t.Errorf("a preset over the limit hides what is set:\n%s", a.body)
	}
	a = ada.do("POST", "/me/status", url.Values{"preset": {"focus"}, "text": {"Typed"}, "lasts": {"30m"}})
	if !strings.Contains(a.body, `value="Typed"`) {
		t.Errorf("a preset over the limit loses the typed text:\n%s", a.body)
	}
	for _, form := range settingsForms[:3] { // names, teams and last-seen times are visible to everybody, too
		a := ada.do("POST", form.path, form.good)
		wantStatus(t, form.path, a, http.StatusTooManyRequests)
		if a.Header.Get("Retry-After") == "" || !strings.Contains(a.body, "Too many attempts to change this.") {
			t.Errorf("POST %s once more = %v, %s", form.path, a.Header, a.body)
		}
	}
	if a = ada.do("POST", "/settings/profile", url.Values{"display_name": {"Ada King"}}); !strings.Contains(a.body,
		`value="Ada King"`) {
		t.Errorf("a name over the limit = %s, want it kept", a.body)
	}
	if u := f.user("ada"); u.DisplayName == "Ada" || u.ShowLastSeen == accounts.Exact || u.Theme == "dark" {
		t.Errorf("after too many changes the settings are %+v, want the old ones", u)
	}
	wantRedirect(t, "bob's", bob.do("POST", "/me/status", url.Values{"state": {"dnd"}}), "/me?done=set")
	wantRedirect(t, "bob's settings", bob.do("POST", settingsForms[0].path, settingsForms[0].good),
		"/settings?saved=profile")
}

// The buttons for a state keep text and end of the status whose card is shown, unless something else was typed.
func TestShowKeepsTheText(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada").byMenu()
	ada.do("POST", "/me/status",
		url.Values{"state": {"dnd"}, "text": {"Deep work"}, "emoji": {"🎧"}, "lasts": {"30m"}, "zone": {"Europe/Berlin"}})
	was := f.user("ada").Status
	empty := url.Values{"keep": {"yes"}, "text": {""}, "emoji": {""}, "lasts": {""}, "state": {"dnd"}}
	post := func(more ...string) accounts.Status {
		t.Helper()
		fields := maps.Clone(empty)
		for i := 0; i < len(more); i += 2 {
			fields[more[i]] = []string{more[i+1]}
		}
		wantStatus(t, fields.Encode(), ada.do("POST", "/me/status", fields), http.StatusOK)
		return f.user("ada").Status
	}
	for show, state := range map[string]string{"away": "away", "auto": "", "online": "online"} {
		if got := post("show", show); got.State != state || got.Text != was.Text || got.Emoji != was.Emoji ||
			!got.Until.Equal(was.Until) {
			t.Errorf("show=%s sets %+v, want %q and the rest of %+v", show, got, state, was)
		}
	}
	if got := len(f.presets("ada")); got != 4 {
		t.Errorf("ada has %d presets, want one for each state", got)
	}
	if body := ada.get("/me/panel").body; strings.Count(body, "<bdi>Deep work</bdi> <small>") != 1 {
		t.Errorf("the panel offers the same text more than once:\n%s", body)
	}
	if got := post("show", "away", "text", "Lunch", "lasts", "1h"); got.State != "away" || got.Text != "Lunch" ||
		got.Emoji != "" || !got.Until.After(was.Until) {
		t.Errorf("with another text, show=away sets %+v", got)
	}
	if got := post("clear", "yes"); got != (accounts.Status{}) {
		t.Errorf("clear leaves %+v", got)
	}
	if got := post("show", "dnd", "lasts", "30m"); got.State != "dnd" || got.Text != "" || got.Until.IsZero() {
		t.Errorf("with no status, show=dnd for 30 min sets %+v", got)
	}
	ada.do("POST", "/me/presets/forget", url.Values{"preset": {f.presets("ada")[1].ID}})
	if got := f.presets("ada"); len(got) != 1 || got[0].Text != "Lunch" {
		t.Errorf("after Forget, ada has %v, want only Lunch", got)
	}
}

// Change shows the form with the current status, for pages and menus, and writes nothing.
func TestChangeStatus(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	if body := ada.get("/me?change=yes").body; strings.Contains(body, "data-writing") {
		t.Errorf("there's nothing to change:\n%s", body)
	}
	ada.do("POST", "/me/status", url.Values{"state": {"dnd"}, "text": {"Deep <b>work"}, "emoji": {"🎧"}, "lasts": {"30m"}})
	was := f.user("ada")
	for _, path := range []string{"/me?change=yes", "/me/panel?change=yes"} {
		body := ada.get(path).body
		for _, want := range []string{
			"data-writing", `name="text" value="Deep &lt;b&gt;work"`, `name="emoji" value="🎧"`, `id="lasts-at" checked`,
			`value="` + was.Status.Until.Format(atLayout) + `"`, `<p class="kept">Ends <time`,
		} {
			if !strings.Contains(body, want) {
				t.Errorf("GET %s has no %s:\n%s", path, want, body)
			}
		}
	}
	if f.user("ada") != was {
		t.Error("GET changed the status")
	}
}

// The panel shows people their own row exactly as others see it, and updates it in all their tabs. Nobody else gets
// these frames.
func TestOwnTabsAreUpdated(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	ada, bob := l.member("ada"), l.member("bob")
	one, two, other := l.open(ada, "/", "a"), l.open(ada, "/?state=away", "a"), l.open(bob, "/", "a")
	asOthers := func(what, state, label string) {
		t.Helper()
		other.sees("ada", state)
		want := `data-state="` + state + `"`
		for _, tb := range []*tab{one, two} {
			tb.until("what others see, "+what, func() bool {
				return strings.Contains(tb.text["me-self"], want) &&
					strings.Contains(tb.text["me-self"], " to others as <b>"+label+"</b>")
			})
		}
		panel := ada.get("/me/panel").body
		one.until("what GET /me/panel has, "+what,
			func() bool { return strings.Contains(panel, `id="me-self">`+one.text["me-self"]+`</div>`) })
	}
	asOthers("online", "online", "Online")
	one.until("what is next", func() bool {
		return one.text["me-why"] == "<b>Online</b>, because you&#39;re active. One device is connected. You turn <b>Away</b> after 10 min without input."
	})

	wantRedirect(t, "set", ada.do("POST", "/me/status",
		url.Values{"state": {"dnd"}, "text": {"<b>Deep work"}, "lasts": {"1h"}}), "/me?done=set")
	asOthers("dnd", "dnd", "Do not disturb")
	for _, tb := range []*tab{one, two} {
		tb.until("why and next", func() bool {
			return strings.HasPrefix(tb.text["me-why"],
				`<b>Do not disturb</b>, because you chose it. One device is connected. Ends <time class="end"`) &&
				strings.HasSuffix(tb.text["me-why"], ", then automatic.") && strings.Contains(tb.text["me"], `"is">Do not disturb<`) &&
				tb.text["me-note"] == "" &&
				strings.Contains(tb.text["me-set"], "<bdi>&lt;b&gt;Deep work</bdi></b><span>Ends <time") &&
				strings.Contains(tb.text["me-states"], `id="show-dnd" aria-pressed="true"`)
		})
	}
	ada.do("POST", "/me/invisible", url.Values{"invisible": {"on"}})
	asOthers("invisible", "offline", "Offline")
	one.until("that they are invisible", func() bool {
		return strings.Contains(one.text["me"], `"is">Invisible<`) && strings.Contains(one.text["me-note"], "While invisible") &&
			strings.Contains(one.text["me-states"], `id="show-invisible" aria-pressed="true"`)
	})
	ada.do("POST", "/me/status", url.Values{"state": {"away"}, "text": {"<b>Deep work"}, "lasts": {"1h"}})
	one.until("the state to come back to",
		func() bool { return strings.Contains(one.text["me-states"], `name="state" value="away"`) })
	if err := l.store.Rename(acting(t.Context()), l.uid("ada"), "Ada O."); err != nil {
		t.Fatal(err)
	}
	other.until("the new name", func() bool { return strings.Contains(other.rows["ada"], "Ada O.") })
	one.until("the new name", func() bool { return strings.Contains(one.text["me-self"], "Ada O.") })
	other.mu.Lock()
	defer other.mu.Unlock()
	for _, frame := range other.frames {
		for _, private := range []string{"you chose it",
			"Ada O.</bdi> <span class=\"at\">@ada</span></p><p class=\"st\"><b>Online"} {
			if strings.Contains(frame, private) {
				t.Errorf("bob was sent %q in %s", private, frame)
			}
		}
		if strings.Contains(frame, `aria-pressed="true"><i class="dot s-invisible"`) ||
			strings.Contains(frame, "While invisible") {
			t.Errorf("bob was told of somebody invisible in %s", frame)
		}
	}
}

// People see their own row even if it isn't on any open page of the board.
func TestOwnRowOnNoPage(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	l.crowd(live.PageRows, "a")
	zed := l.member("zed")
	tb := l.open(zed, "/", "a")
	tb.until("online", func() bool { return strings.Contains(tb.text["me-self"], `data-state="online"`) })
	zed.do("POST", "/me/invisible", url.Values{"invisible": {"on"}})
	tb.until("offline", func() bool { return strings.Contains(tb.text["me-self"], `data-state="offline"`) })
	again := l.open(zed, "/", "a")
	again.until("offline in a new tab",
		func() bool { return strings.Contains(again.text["me-self"], `data-state="offline"`) })
	if body := zed.get("/me/panel").body; !strings.Contains(body, `data-state="offline"`) {
		t.Errorf("GET /me/panel = %s, want what others see", body)
	}
}
