package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestShadowedCookies: under a base path, another host of the same domain can plant cookies with our names, and
// browsers may send them before ours. These cookies don't sign anybody out, and a known browser stays known.
func TestShadowedCookies(t *testing.T) {
	f := newFixture(t, publicURL(t, "https://example.org/rollcall"))
	f.person("ada")
	b := f.browser()
	wantRedirect(t, "POST /rollcall/login", b.login("ada", goodPassword), "/rollcall/")
	for _, planted := range []string{"x", strings.Repeat("x", 43), `"quoted"`} {
		b.header.Set("Cookie", fmt.Sprintf("__Secure-rollcall=%s; __Secure-rollcall-known=%[1]s", planted))
		wantStatus(t, "GET / with a planted cookie "+planted, b.get("/rollcall/"), http.StatusOK)
	}
	for range failuresPerName { // somebody else guesses until the limit is reached
		f.browser().login("ada", "a wrong password")
	}
	wantStatus(t, "POST login by a stranger", f.browser().login("ada", goodPassword), http.StatusTooManyRequests)
	wantRedirect(t, "POST login by a known browser with a planted cookie", b.login("ada", goodPassword), "/rollcall/")

	sessions, err := f.store.Sessions(t.Context(), f.user("ada").ID)
	if err != nil || len(sessions) != 1 {
		t.Errorf("after a second sign-in there are %d sessions (%v), want 1, because it replaces the first", len(sessions),
			err)
	}
	b.header.Set("Cookie", strings.Repeat("__Secure-rollcall=x; ", maxShadows-1)+"__Secure-rollcall=x")
	wantStatus(t, "GET / with as many planted cookies as are tried", b.get("/rollcall/"), http.StatusSeeOther)
}
