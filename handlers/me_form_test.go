package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
	"rollcall/ui"
)

func TestInvisibleByForm(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	const button = `<i class="dot s-invisible" aria-hidden="true"></i><span class="is">Invisible</span>`
	wantRedirect(t, "on", ada.do("POST", "/me/invisible", url.Values{"invisible": {"on"}}), "/me?done=invisible")
	if u := f.user("ada"); !u.Invisible || u.InvisibleSince.IsZero() {
		t.Errorf("after on: %+v", u)
	}
	for _, path := range []string{"/", "/me"} {
		if body := ada.get(path).body; !strings.Contains(body, button) {
			t.Errorf("GET %s doesn't say that ada is invisible:\n%s", path, body)
		}
	}
	body := ada.get("/me").body
	for _, want := range []string{
		"While invisible, you appear offline to everyone.", "They can still see when you change your text.",
		`id="show-invisible" aria-pressed="true"`,
		"<b>Invisible</b>, because you chose it.", "It stays until you change it.", `data-state="offline"`,
		" to others as <b>Offline</b>",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("GET /me of an invisible person has no %q:\n%s", want, body)
		}
	}
	wantRedirect(t, "off", ada.do("POST", "/me/invisible", url.Values{"invisible": {"off"}}), "/me?done=visible")
	if f.user("ada").Invisible || strings.Contains(ada.get("/me").body, button) {
		t.Error("after off ada is still invisible")
	}
	for _, wrong := range []url.Values{{}, {"invisible": {""}}, {"invisible": {"true"}}} {
		wantStatus(t, wrong.Encode(), ada.do("POST", "/me/invisible", wrong), http.StatusUnprocessableEntity)
	}
}

// Where invisibility is switched off, nobody can go invisible. People who already are stay invisible until they go
// visible.
func TestInvisibleSwitchedOff(t *testing.T) {
	f := newFixture(t, func(cfg *Config) { cfg.Fixed.Invisible = "off" })
	ada := f.member("ada")
	if body := ada.get("/me").body; strings.Contains(body, `id="show-invisible"`) {
		t.Errorf("GET /me offers to go invisible:\n%s", body)
	}
	wantStatus(t, "on", ada.do("POST", "/me/invisible", url.Values{"invisible": {"on"}}), http.StatusForbidden)
	if f.user("ada").Invisible {
		t.Error("ada is invisible")
	}
	if err := f.store.SetInvisible(acting(t.Context()), f.uid("ada"), true); err != nil {
		t.Fatal(err)
	}
	if body := ada.get("/me").body; !strings.Contains(body, `aria-pressed="true" disabled>`) ||
		!strings.Contains(body, "has since been switched off here") {
		t.Errorf("GET /me of somebody who was invisible before:\n%s", body)
	}
	wantRedirect(t, "off", ada.do("POST", "/me/status", url.Values{"show": {"auto"}}), "/me?done=visible")
	if f.user("ada").Invisible {
		t.Error("ada is still invisible")
	}
}

// Choosing a state ends invisibility, and setting a text doesn't. A state that isn't one changes nothing.
func TestStateEndsInvisibility(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	ada.do("POST", "/me/status", url.Values{"text": {"Lunch"}, "lasts": {"1h"}})
	until := f.user("ada").Status.Until
	ada.do("POST", "/me/invisible", url.Values{"invisible": {"on"}})
	wantRedirect(t, "set a text",
		ada.do("POST", "/me/status",
			url.Values{"state": {""}, "text": {"Still lunch"}, "lasts": {"at"}, "at": {until.Format(atLayout)}}), "/me?done=set")
	wantStatus(t, "no state", ada.do("POST", "/me/status", url.Values{"show": {"asleep"}, "keep": {"yes"}}),
		http.StatusUnprocessableEntity)
	if u := f.user("ada"); !u.Invisible || u.Status.Text != "Still lunch" {
		t.Errorf("after setting a text: %+v, want ada invisible", u)
	}
	wantRedirect(t, "away", ada.do("POST", "/me/status", url.Values{"show": {"away"}, "keep": {"yes"}}),
		"/me?done=visible")
	if u := f.user("ada"); u.Invisible || u.Status.State != "away" || u.Status.Text != "Still lunch" ||
		!u.Status.Until.Equal(until) {
		t.Errorf("after choosing Away: %+v, want ada visible and away, with her text and its end %v", u, until)
	}
}

func TestNextOf(t *testing.T) {
	end := time.Date(2026, 11, 24, 14, 30, 0, 0, time.UTC)
	view := presence.View{Text: "Lunch", Until: end}
	for _, tt := range []struct {
		self presence.Self
		want ui.Next
	}{
		{presence.Self{Why: presence.Why{Rule: presence.ByInvisible}}, ui.Next{Before: "It stays until you change it."}},
		{presence.Self{View: view, Why: presence.Why{Rule: presence.ByInvisible}},
			ui.Next{Before: "It stays until you change it.", TextEnds: end}},
		{presence.Self{Why: presence.Why{Rule: presence.ByNoConnection}},
			ui.Next{Before: "You're back as soon as you open the board."}},
		{presence.Self{Why: presence.Why{Rule: presence.ByStatus}}, ui.Next{Before: "It stays until you change it."}},
		{presence.Self{View: view, Why: presence.Why{Rule: presence.ByStatus, Until: end}},
			ui.Next{Before: "Ends", At: end, After: ", then automatic."}},
		{presence.Self{View: presence.View{Until: end}, Why: presence.Why{Rule: presence.ByStatus, Until: end}},
			ui.Next{Before: "Ends", At: end, After: ", then automatic."}},
		{presence.Self{View: view, Why: presence.Why{Rule: presence.ByClaim, Until: end.Add(time.Hour)}},
			ui.Next{TextEnds: end}},
		{presence.Self{View: view, Why: presence.Why{Rule: presence.ByClaim, Until: end}}, ui.Next{}},
		{presence.Self{Why: presence.Why{Rule: presence.ByClaim}}, ui.Next{Before: "It stays until the app ends it."}},
		{presence.Self{View: view, Why: presence.Why{Rule: presence.ByInput, Idle: 10 * time.Minute}},
			ui.Next{Before: "You turn", State: "away", After: " after 10 min without input.", TextEnds: end}},
		{presence.Self{Why: presence.Why{Rule: presence.ByInput, Idle: 45 * time.Second}},
			ui.Next{Before: "You turn", State: "away", After: " after 45 s without input."}},
		{presence.Self{Why: presence.Why{Rule: presence.ByInput, Idle: -1}},
			ui.Next{Before: "You turn", State: "offline", After: " when your last device leaves."}},
		{presence.Self{Why: presence.Why{Rule: presence.ByIdleness}},
			ui.Next{Before: "You turn", State: "online", After: " with your next input."}},
	} {
		if got := nextOf(tt.self); got != tt.want {
			t.Errorf("nextOf(%+v) = %+v, want %+v", tt.self, got, tt.want)
		}
	}
}

// TestTypedIsKept: text in the status form that isn't set yet survives other actions in the same menu.
func TestTypedIsKept(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada").byMenu()
	for _, act := range []struct {
		path   string
		fields url.Values
	}{
		{"/me/invisible", url.Values{"invisible": {"on"}}},
		{"/me/presets/forget", url.Values{"preset": {"none"}}},
		{"/me/claims/remove", url.Values{"claim": {"none"}}},
	} {
		fields := url.Values{"state": {"dnd"}, "text": {"Half a <sentence>"}, "emoji": {"x"}, "lasts": {"at"},
			"at": {"2031-01-02T03:04"}}
		for name, values := range act.fields {
			fields[name] = values
		}
		a := ada.do("POST", act.path, fields)
		wantStatus(t, act.path, a, http.StatusOK)
		for _, want := range []string{`value="Half a &lt;sentence&gt;"`, `value="x"`, `value="at" id="lasts-at" checked`,
			`value="2031-01-02T03:04"`, " data-unset"} {
			if !strings.Contains(a.body, want) {
				t.Errorf("the response to POST %s has no %s:\n%s", act.path, want, a.body)
			}
		}
		fields = url.Values{"state": {""}, "text": {""}, "emoji": {""}, "lasts": {""}, "at": {"2031-01-02T03:04"}}
		for name, values := range act.fields {
			fields[name] = values
		}
		if a := ada.do("POST", act.path, fields); strings.Contains(a.body, "data-unset") {
			t.Errorf("POST %s marks an untouched form as changed:\n%s", act.path, a.body)
		}
	}
	if w := f.user("ada").Status; w.State != "" || w.Text != "" {
		t.Errorf("the other actions set the status to %+v", w)
	}
}

// TestEndIsKept: forms hold the end of a status to the minute. Saving a form again must not round the stored end.
func TestEndIsKept(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada").byMenu()
	wantStatus(t, "set", ada.do("POST", "/me/status",
		url.Values{"state": {"dnd"}, "lasts": {"30m"}, "zone": {"Europe/Berlin"}}), http.StatusOK)
	was := f.user("ada")
	form := statusForm(was, accounts.Zone(was.TimeZone), time.Now())
	wantStatus(t, "the text",
		ada.do("POST", "/me/status",
			url.Values{"state": {"dnd"}, "text": {"Deep work"}, "lasts": {form.Lasts}, "at": {form.At}}), http.StatusOK)
	if got := f.user("ada").Status; got.Text != "Deep work" || !got.Until.Equal(was.Status.Until) {
		t.Errorf("with a new text the status is %+v, want the same end %v", got, was.Status.Until)
	}
	at := time.Now().Add(3 * time.Hour).In(accounts.Zone(was.TimeZone)).Format(atLayout)
	wantStatus(t, "another end", ada.do("POST", "/me/status", url.Values{"state": {"dnd"}, "lasts": {"at"}, "at": {at}}),
		http.StatusOK)
	if got := f.user("ada").Status; !got.Until.After(was.Status.Until) {
		t.Errorf("with a later end the status is %+v, want it to end after %v", got, was.Status.Until)
	}
}

func TestStatusForm(t *testing.T) {
	now := time.Date(2026, 11, 24, 14, 3, 30, 0, time.UTC)
	user := accounts.User{TimeZone: "Europe/Berlin",
		Status: accounts.Status{State: "dnd", Text: "x", Until: now.Add(30 * time.Minute)}}
	zone := accounts.Zone(user.TimeZone)
	if got := statusForm(user, zone, now); got.Text != "x" || got.Lasts != "at" || got.At != "2026-11-24T15:33" ||
		!got.Live {
		t.Errorf("statusForm(a live status) = %+v", got)
	}
	if got := statusForm(user, zone, user.Status.Until); got.Text != "" || got.Lasts != "" ||
		got.At != "2026-11-24T16:45" || got.Live {
		t.Errorf("statusForm(an ended status) = %+v", got)
	}
	user.TimeZone, user.Status.Until = "", time.Time{}
	if got := statusForm(user, time.UTC, now); got.Lasts != "" || got.At != "" || !got.Live {
		t.Errorf("statusForm(without end and zone) = %+v", got)
	}
}

// A page may offer the time zone of the device. Accepting it stores that zone and redirects back to the page.
func TestAcceptAnotherTimeZone(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	ada.do("POST", "/me/zone", url.Values{"zone": {"Asia/Tokyo"}})
	if body := ada.get("/?q=a").body; !strings.Contains(body,
		`id="zone-offer" method="post" action="/me/zone" aria-label="Time zone" data-zone="Asia/Tokyo" hidden`) {
		t.Errorf("the page doesn't hold the hidden offer:\n%s", body)
	}
	for _, next := range []string{"/?q=a", "https://evil.example/", "//evil.example"} {
		want := "/"
		if next == "/?q=a" {
			want = next
		}
		a := ada.do("POST", "/me/zone", url.Values{"zone": {"Europe/Berlin"}, "next": {next}})
		wantRedirect(t, "accept the time zone on "+next, a, want)
	}
	wantStatus(t, "accept no time zone", ada.do("POST", "/me/zone", url.Values{"zone": {"<b>"}, "next": {"/"}}),
		http.StatusUnprocessableEntity)
	if user, err := f.store.UserByName(t.Context(), "ada"); err != nil || user.TimeZone != "Europe/Berlin" {
		t.Errorf("the time zone is %q, %v, want Europe/Berlin", user.TimeZone, err)
	}
}
