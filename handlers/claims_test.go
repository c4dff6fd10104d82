package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
)

func (f *fixture) keys(name string) (keys string) {
	f.t.Helper()
	claims, err := f.store.Claims(f.t.Context(), f.uid(name))
	if err != nil {
		f.t.Fatal(err)
	}
	for _, c := range claims {
		keys += c.Key + " "
	}
	return keys
}

func (f *fixture) put(name string, c accounts.Claim) {
	f.t.Helper()
	if err := f.claim(name, c); err != nil {
		f.t.Fatal(err)
	}
}

// People see what apps say about them, and can remove it, also without JavaScript.
func TestClaimsInThePanel(t *testing.T) {
	f := newFixture(t)
	ada, bob := f.member("ada"), f.member("bob")
	if body := ada.get("/me").body; strings.Contains(body, "Set by apps") {
		t.Errorf("without claims, the page has a list of them:\n%s", body)
	}
	until := time.Now().Add(30 * time.Minute).UTC().Truncate(time.Second)
	f.put("ada", accounts.Claim{Key: "build", State: "dnd", Text: "<Building>", Until: until})
	f.put("ada", accounts.Claim{Key: "call", State: "away"})
	for _, path := range []string{"/me", "/me/panel"} {
		body := ada.get(path).body
		for _, want := range []string{"Set by apps", `<bdi>build</bdi>`, "&lt;Building&gt; · Do not disturb",
			`<time class="until" datetime="` + until.Format(time.RFC3339) + `">until `, `name="claim" value="call"`} {
			if !strings.Contains(body, want) {
				t.Errorf("GET %s has no %s:\n%s", path, want, body)
			}
		}
	}
	if body := bob.get("/me").body; strings.Contains(body, "Set by apps") {
		t.Errorf("bob sees ada's claims:\n%s", body)
	}
	wantRedirect(t, "remove ada's as bob", bob.do("POST", "/me/claims/remove", url.Values{"claim": {"build"}}), "/me?done=removed")
	if got := f.keys("ada"); got != "build call " {
		t.Errorf("after bob removed a claim of that name, ada has %q", got)
	}
	wantRedirect(t, "remove", ada.do("POST", "/me/claims/remove", url.Values{"claim": {"build"}}), "/me?done=removed")
	if body := ada.get("/me?done=removed").body; !strings.Contains(body, `role="status">Removed.`) || strings.Contains(body, "Building") {
		t.Errorf("after removing a claim, the page is\n%s", body)
	}
	a := ada.byMenu().do("POST", "/me/claims/remove", url.Values{"claim": {"call"}})
	wantStatus(t, "remove in the menu", a, http.StatusOK)
	if strings.Contains(a.body, "Set by apps") || f.keys("ada") != "" {
		t.Errorf("after removing the last claim, ada has %q and the menu is\n%s", f.keys("ada"), a.body)
	}
	for _, gone := range []url.Values{{"claim": {"call"}}, {"claim": {"no such key"}}, {}} { // it may have ended by itself
		wantStatus(t, "remove again", ada.do("POST", "/me/claims/remove", gone), http.StatusOK)
	}
}

// An open page of the person learns at once which app has set their state, and others only the state and the text.
func TestClaimsOnOpenPages(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	ada := l.member("ada")
	own, other := l.open(ada, "/", "a"), l.open(l.member("bob"), "/", "a")
	other.sees("ada", "online")
	l.put("ada", accounts.Claim{Key: "secret-key", State: "dnd", Text: "Building"})
	other.sees("ada", "dnd")
	own.until("the app's name in the panel", func() bool {
		return strings.Contains(own.text["me-claims"], "secret-key") && strings.Contains(own.text["me-why"], "secret-key")
	})
	wantRedirect(t, "remove", ada.do("POST", "/me/claims/remove", url.Values{"claim": {"secret-key"}}), "/me?done=removed")
	other.sees("ada", "online")
	if frames := strings.Join(other.framesFrom(0), "\n"); strings.Contains(frames, "secret-key") {
		t.Errorf("others learn the name of the app: %s", frames)
	}
}
