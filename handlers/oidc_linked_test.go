package handlers

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/identity"
)

// linking begins at a form that needs a proof, and ends in the session that began it.
func TestLinkAtProvider(t *testing.T) {
	t.Parallel()
	f, p := corpFixture(t, identity.ProviderOptions{Name: "Corp Login"})
	ada, bob := f.member("ada"), f.member("bob")
	p.says("ada-1", map[string]any{"email": "ada@example.com"})
	form := url.Values{"provider": {"corp"}}
	page := func(b *browser) string {
		t.Helper()
		a := b.do("POST", "/settings/linked/add", form)
		wantStatus(t, "POST /settings/linked/add", a, http.StatusOK)
		m := regexp.MustCompile(`<a class="button main" href="([^"]+)"`).FindStringSubmatch(a.body)
		if m == nil {
			t.Fatalf("no link to the provider:\n%s", a.body)
		}
		return html.UnescapeString(m[1])
	}
	back := p.authorize(page(ada))
	for name, value := range ada.cookies {
		if strings.HasPrefix(name, "__Host-rollcall-f-") {
			bob.cookies[name] = value
		}
	}
	wantStatus(t, "the callback in another session", bob.get(back), http.StatusForbidden)
	if len(f.identities("ada"))+len(f.identities("bob")) != 0 {
		t.Error("a callback in another session linked something")
	}
	wantRedirect(t, "the callback", ada.get(p.authorize(page(ada))), "/settings?saved=linked")
	all := f.identities("ada")
	if len(all) != 1 || all[0].Label != "ada@example.com" || all[0].Provider != "corp" {
		t.Fatalf("identities = %+v", all)
	}
	a := bob.get(p.authorize(page(bob)))
	wantStatus(t, "linking somebody else's", a, http.StatusConflict)
	if !strings.Contains(a.body, "linked to somebody else") || len(f.identities("bob")) != 0 {
		t.Errorf("linking somebody else's identity:\n%s", a.body)
	}
	settings := ada.get("/settings").body
	if !strings.Contains(settings, "ada@example.com") || !strings.Contains(settings, `action="/settings/linked/remove"`) {
		t.Errorf("the settings don't show the identity:\n%s", settings)
	}

	boss := f.boss("boss")
	shown := boss.get("/admin/people/ada").body
	if !strings.Contains(shown, "<b><bdi>Corp Login</bdi></b>") || strings.Contains(shown, "ada@example.com") ||
		strings.Contains(shown, "ada-1") {
		t.Errorf("the page of the account shows no provider, or too much:\n%s", shown)
	}
	wantRedirect(t, "unlinking", ada.do("POST", "/settings/linked/remove", url.Values{"identity": {all[0].ID()}}),
		"/settings?saved=linked")
	p.says("ada-1", nil)
	wantStatus(t, "signing in after that", f.browser().at(p, "/auth/corp"), http.StatusForbidden)

	wantRedirect(t, "linking again", ada.get(p.authorize(page(ada))), "/settings?saved=linked")
	wantRedirect(t, "unlinking by an administrator",
		boss.do("POST", "/admin/people/ada/unlink", url.Values{"identity": {all[0].ID()}}), "/admin/people/ada?done=saved&n=1")
	if len(f.identities("ada")) != 0 {
		t.Error("the identity is still there")
	}
	for _, field := range []string{"", "nobody", "proxy:Remote-User"} {
		wantStatus(t, "linking "+field, ada.do("POST", "/settings/linked/add", url.Values{"provider": {field}}),
			http.StatusUnprocessableEntity)
	}
}

func TestLinkNeedsProof(t *testing.T) {
	t.Parallel()
	p := newCorp(t)
	f, back := proofFixture(t, publicURL(t, boardURL), p.options("corp", create))
	f.person("first")
	back.Store(int64(proofAge + time.Second))
	ada := f.member("ada")
	back.Store(0)
	a := ada.do("POST", "/settings/linked/add", url.Values{"provider": {"corp"}})
	wantStatus(t, "linking without a proof", a, http.StatusForbidden)
	if !strings.Contains(a.body, "Confirm it") {
		t.Errorf("linking without a proof:\n%s", a.body)
	}
	// Somebody who signs in there can prove it there, and only in their own session.
	if err := f.store.Link(acting(t.Context()), f.uid("ada"), accounts.Identity{Issuer: p.server.URL, Subject: "ada-1",
		Provider: "corp"}); err != nil {
		t.Fatal(err)
	}
	p.says("other", nil)
	wantStatus(t, "a proof by somebody else", ada.at(p, "/auth/corp?prove=1&next=/settings"), http.StatusForbidden)
	p.says("ada-1", nil)
	p.claim("auth_time", time.Now().Add(-time.Hour).Unix())
	wantStatus(t, "a proof without a new sign-in", ada.at(p, "/auth/corp?prove=1&next=/settings"), http.StatusForbidden)
	if a := ada.do("POST", "/settings/linked/add", url.Values{"provider": {"corp"}}); a.StatusCode != http.StatusForbidden {
		t.Errorf("after proofs that failed, linking = %d, want 403", a.StatusCode)
	}
	p.says("ada-1", nil)
	old := ada.cookies["__Host-rollcall"]
	wantRedirect(t, "a proof", ada.at(p, "/auth/corp?prove=1&next=/settings"), "/settings")
	if ada.cookies["__Host-rollcall"] == old {
		t.Error("the session has the same token after a proof")
	}
	wantStatus(t, "linking after the proof", ada.do("POST", "/settings/linked/add", url.Values{"provider": {"corp"}}), http.StatusOK)
	wantRedirect(t, "a proof without a session", f.browser().get("/auth/corp?prove=1"), "/login")
}

func TestBackChannelLogout(t *testing.T) {
	t.Parallel()
	f, p := corpFixture(t, create)
	p.says("ada-1", map[string]any{"preferred_username": "ada"})
	var all []*browser
	for _, sid := range []string{"one", "two", "three"} {
		p.claim("sid", sid)
		b := f.browser()
		wantRedirect(t, "signing in", b.at(p, "/auth/corp"), "/")
		all = append(all, b)
	}
	own := f.browser()
	own.enter("ada")
	server := f.browser()
	server.header = http.Header{}
	post := func(token string, want int) {
		t.Helper()
		a := server.do("POST", "/auth/corp/backchannel", url.Values{"logout_token": {token}})
		if a.StatusCode != want || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("POST = %d, %v, want %d and no-store\n%s", a.StatusCode, a.Header, want, a.body)
		}
	}
	wantIn := func(want ...bool) {
		t.Helper()
		for n, b := range append(all[:3:3], own) {
			if b.signedIn() != want[n] {
				t.Errorf("browser %d is signed in: %t, want %t", n, !want[n], want[n])
			}
		}
	}
	one := p.logoutToken(map[string]any{"sub": "ada-1", "sid": "one"})
	post(one, http.StatusOK)
	wantIn(false, true, true, true)
	post(one, http.StatusBadRequest)
	post(p.logoutToken(map[string]any{"sub": "somebody"}), http.StatusOK)
	post(p.logoutToken(map[string]any{"sub": "ada-1", "nonce": "x"}), http.StatusBadRequest)
	post(p.logoutToken(map[string]any{"sub": "ada-1", "aud": "other"}), http.StatusBadRequest)
	post("", http.StatusBadRequest)
	wantIn(false, true, true, true)
	post(p.logoutToken(map[string]any{"sub": "ada-1"}), http.StatusOK)
	wantIn(false, false, false, true)
	wantStatus(t, "GET", server.get("/auth/corp/backchannel"), http.StatusMethodNotAllowed)
}

// Failures are limited before a token is verified.
func TestBackChannelLimit(t *testing.T) {
	t.Parallel()
	f, _ := corpFixture(t, create, func(cfg *Config) { cfg.Limits.Logins = 2 })
	server := f.browser()
	for n, want := range []int{400, 400, 429} {
		a := server.do("POST", "/auth/corp/backchannel", url.Values{"logout_token": {"x"}})
		if a.StatusCode != want {
			t.Errorf("POST %d = %d, want %d", n+1, a.StatusCode, want)
		}
	}
}

// Signing out here offers to sign out there.
func TestSignOutAtProvider(t *testing.T) {
	t.Parallel()
	f, p := corpFixture(t, create)
	b := f.browser()
	wantRedirect(t, "signing in", b.at(p, "/auth/corp"), "/")
	wantRedirect(t, "signing out", b.do("POST", "/logout", url.Values{}), "/login?out=corp")
	page := b.get("/login?out=corp").body
	if !strings.Contains(page, p.server.URL+"/logout?client_id=rollcall&amp;post_logout_redirect_uri=https%3A%2F%2Fboard.example%2Flogin") {
		t.Errorf("no link to sign out at the provider:\n%s", page)
	}
	if page := b.get("/login?out=evil").body; strings.Contains(page, "Sign out there") {
		t.Error("a link to an unknown provider")
	}
	own := f.member("ada")
	wantRedirect(t, "signing out of a session with a password", own.do("POST", "/logout", url.Values{}), "/login")
}

// A session by a provider ends with its configuration.
func TestProviderIsRemoved(t *testing.T) {
	t.Parallel()
	f, p := corpFixture(t, create)
	b := f.browser()
	wantRedirect(t, "signing in", b.at(p, "/auth/corp"), "/")
	f.server.providers = nil
	if b.signedIn() {
		t.Error("a session by a provider that was removed still counts")
	}
}

// People without a password can choose one, and can delete their account, if they've just proved who they are
// elsewhere.
func TestWithoutPasswordAtProvider(t *testing.T) {
	t.Parallel()
	p := newCorp(t)
	f, back := proofFixture(t, publicURL(t, boardURL), p.options("corp", create))
	f.person("first")
	p.says("ada-1", map[string]any{"preferred_username": "ada"})
	b := f.browser()
	back.Store(int64(proofAge + time.Second))
	wantRedirect(t, "signing in", b.at(p, "/auth/corp"), "/")
	back.Store(0)
	wantStatus(t, "unlinking the only way in", b.do("POST", "/settings/linked/remove",
		url.Values{"identity": {f.identities("ada")[0].ID()}}), http.StatusForbidden)
	choose, leave := url.Values{"password": {goodPassword}}, url.Values{"username": {"ada"}}
	b.header.Set("Referer", boardURL+"/settings?x=1")
	for path, form := range map[string]url.Values{"/settings/sign-in/password": choose, "/settings/delete": leave} {
		a := b.do("POST", path, form)
		wantStatus(t, path+" without a proof", a, http.StatusForbidden)
		if !strings.Contains(a.body, `href="/auth/corp?next=%2Fsettings%3Fx%3D1&amp;prove=1"`) ||
			strings.Contains(a.body, "confirm_password") || strings.Contains(a.body, "nothing that you typed is lost") {
			t.Errorf("%s without a proof:\n%s", path, a.body)
		}
	}
	wantRedirect(t, "the proof", b.at(p, "/auth/corp?prove=1"), "/")
	a := b.do("POST", "/settings/linked/remove", url.Values{"identity": {f.identities("ada")[0].ID()}})
	wantStatus(t, "unlinking the only way in", a, http.StatusConflict)
	if !strings.Contains(a.body, "This is your only way to sign in.") {
		t.Errorf("unlinking the only way in:\n%s", a.body)
	}
	wantRedirect(t, "choosing a password", b.do("POST", "/settings/sign-in/password", choose), "/settings/sign-in?saved=password")
	wantRedirect(t, "signing in with it", f.browser().login("ada", goodPassword), "/")
	wantStatus(t, "deleting without the password", b.do("POST", "/settings/delete", leave), http.StatusUnprocessableEntity)

	p.says("bob-1", map[string]any{"preferred_username": "bob"})
	bob := f.browser()
	wantRedirect(t, "signing in", bob.at(p, "/auth/corp"), "/")
	wantRedirect(t, "deleting", bob.do("POST", "/settings/delete", url.Values{"username": {"bob"}}), "/login?deleted=1")
}
