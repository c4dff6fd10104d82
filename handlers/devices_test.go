package handlers

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var sessionField = regexp.MustCompile(`name="session" value="([^"]*)"`)

func TestDevices(t *testing.T) {
	f := newFixture(t)
	ada, eve := f.member("ada"), f.member("eve")
	phone, laptop := f.browser(), f.browser()
	phone.header.Set("User-Agent",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1")
	phone.remote = "203.0.113.7:1234"
	phone.login("ada", goodPassword)
	laptop.login("ada", goodPassword)

	page := phone.get("/settings").body
	for _, want := range []string{`<b>Safari on iPhone</b> <span class="tag">this one</span>`, "203.0.113.7",
		"192.0.2.1"} {
		if !strings.Contains(page, want) {
			t.Errorf("the devices don't hold %q:\n%s", want, page)
		}
	}
	if first := strings.Index(page, "this one"); first > strings.Index(page, "192.0.2.1") {
		t.Error("this device isn't the first")
	}
	if n := strings.Count(page, `class="tag"`); n != 1 {
		t.Errorf("%d devices are marked as this one, want 1", n)
	}
	others := sessionField.FindAllStringSubmatch(page, -1)
	if len(others) != 2 {
		t.Fatalf("%d devices can be signed out, want 2:\n%s", len(others), page)
	}

	// Ids of other people's sessions and invalid ids are refused.
	theirs := f.sessionOf(eve, "eve")
	for _, id := range []string{theirs, "", "0", strings.Repeat("x", 10_000), "' OR 1=1 --", "<script>"} {
		a := phone.do("POST", "/settings/sessions/end", url.Values{"session": {id}})
		wantStatus(t, "sign out the session "+clip(id), a, http.StatusNotFound)
		if !strings.Contains(a.body, "That device is no longer signed in.") || strings.Contains(a.body, "<script>") {
			t.Errorf("the answer about the session %.20q:\n%s", id, a.body)
		}
	}
	if !eve.signedIn() || !ada.signedIn() || !laptop.signedIn() {
		t.Fatal("somebody was signed out by the wrong id")
	}
	for i, o := range others[:1] {
		wantRedirect(t, "sign out a device", phone.do("POST", "/settings/sessions/end", url.Values{"session": {o[1]}}),
			"/settings?saved=devices&ended=1")
		if got := len(sessionField.FindAllString(phone.get("/settings").body, -1)); got != 1-i {
			t.Errorf("%d other devices are left, want %d", got, 1-i)
		}
	}
	if ada.signedIn() == laptop.signedIn() {
		t.Error("not exactly one of the two devices was signed out")
	}
	wantStatus(t, "again", phone.do("POST", "/settings/sessions/end", url.Values{"session": {others[0][1]}}),
		http.StatusNotFound)
}

// sessionOf returns the id of b's session, which must be name's.
func (f *fixture) sessionOf(b *browser, name string) string {
	f.t.Helper()
	session, user, err := f.store.SessionByToken(f.t.Context(), b.cookies["rollcall"])
	if err != nil || user.Username != name {
		f.t.Fatalf("SessionByToken = %v, %s, want %s's", err, user.Username, name)
	}
	return session.ID
}

func TestEndOtherSessions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, eve := f.member("ada"), f.member("eve")
	others := []*browser{f.browser(), f.browser(), f.browser()}
	for _, o := range others {
		o.login("ada", goodPassword)
	}
	wantRedirect(t, "sign out all others", ada.do("POST", "/settings/sessions/end-others", url.Values{}),
		"/settings?saved=devices&ended=3")
	if !ada.signedIn() || !eve.signedIn() {
		t.Errorf("signed in: this device %t, somebody else %t, want true, true", ada.signedIn(), eve.signedIn())
	}
	for i, o := range others {
		if o.signedIn() {
			t.Errorf("device %d is still signed in", i)
		}
	}
	if page := ada.get("/settings?saved=devices&ended=3").body; strings.Contains(page, "Sign out all others") {
		t.Errorf("the page offers to sign out other devices when there are none:\n%s", page)
	}
	for query, want := range map[string]string{
		"ended=3": "Signed out 3 other devices.", "ended=1": "Signed out 1 other device.",
		"ended=0":  "No other device was signed in.",
		"ended=-1": "No other device was signed in.", "ended=999999": "No other device was signed in.",
		"ended=x": "No other device was signed in.",
	} {
		if page := ada.get("/settings?saved=devices&" + query).body; !strings.Contains(page, ">"+want+"<") {
			t.Errorf("with %s the page doesn't say %q:\n%s", query, want, page)
		}
	}
}

// Signing out the current device is the same as signing out.
func TestEndOwnSession(t *testing.T) {
	f := newFixture(t)
	ada := f.member("ada")
	wantRedirect(t, "sign out this device",
		ada.do("POST", "/settings/sessions/end", url.Values{"session": {f.sessionOf(ada, "ada")}}), "/login")
	if ada.cookies["rollcall"] != "" || ada.signedIn() {
		t.Error("the cookie is still there, or works")
	}
}

// The live connections of a device that is signed out are closed at once, with the code that sends its pages to the
// sign-in page. Those of the current device stay open.
func TestEndedDevicesCloseAtOnce(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	ada := l.member("ada")
	other := l.browser()
	other.host = ada.host
	other.login("ada", goodPassword)
	here, there := l.open(ada, "/", "a"), l.open(other, "/", "a")
	here.sees("ada", "online")
	there.sees("ada", "online")
	if page := ada.get("/settings").body; !strings.Contains(page, "· open now") {
		t.Errorf("the other device isn't shown as open:\n%s", page)
	}
	wantRedirect(t, "sign out a device",
		ada.do("POST", "/settings/sessions/end", url.Values{"session": {l.sessionOf(other, "ada")}}),
		"/settings?saved=devices&ended=1")
	there.wantClose(1008)
	wantRedirect(t, "POST /login", other.login("ada", goodPassword), "/")
	again := l.open(other, "/", "a")
	wantRedirect(t, "change the password",
		ada.do("POST", "/settings/password",
			url.Values{"old_password": {goodPassword}, "password": {"another good password"}}), "/settings?saved=password")
	again.wantClose(1008)
	here.sees("ada", "online")
}

func TestDeviceName(t *testing.T) {
	for agent, want := range map[string]string{
		"": "Unknown program",
		"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0":                                                                     "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":                            "Chrome on Windows",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0":              "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15":                      "Safari on Mac",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 OPR/127.0.0.0":        "Opera on Mac",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.0.0 Mobile/15E148 Safari/604.1": "Chrome on iPhone",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/145.0 Mobile/15E148 Safari/604.1":     "Firefox on iPhone",
		"Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1":             "Safari on iPad",
		"Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36": "Samsung Internet on Android",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":                             "Chrome on ChromeOS",
		"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko":                                                                      "Unknown browser on Windows",
		"curl/8.9.1":                             "curl",
		"Go-http-client/1.1":                     "A Go program",
		"<script>alert(1)":                       "Unknown program",
		"Firefox/" + strings.Repeat("x", 10_000): "Firefox",
	} {
		if got := deviceName(agent); got != want {
			t.Errorf("deviceName(%q) = %q, want %q", clip(agent), got, want)
		}
	}
}
