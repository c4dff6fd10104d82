package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/identity"
)

var create = identity.ProviderOptions{Name: "Corp Login", SignUp: "create"}

// Somebody unknown gets an account, and later the same one, by issuer and subject alone.
func TestSignInAtProvider(t *testing.T) {
	t.Parallel()
	f, p := corpFixture(t, create)
	p.says("ada-1", map[string]any{"preferred_username": "first", "name": "Ada L", "email": "ada@example.com"})
	b := f.browser()
	page := b.get("/login?next=/settings")
	if !strings.Contains(page.body, `href="/auth/corp?next=%2fsettings"`) && !strings.Contains(page.body, `href="/auth/corp?next=%2Fsettings"`) ||
		!strings.Contains(page.body, "Sign in with <bdi>Corp Login</bdi>") || strings.Contains(page.body, p.server.URL) {
		t.Errorf("the sign-in page has no link to the provider, or shows its address:\n%s", page.body)
	}
	wantRedirect(t, "the callback", b.at(p, "/auth/corp?next=/settings"), "/settings")
	if u := f.user("first-2"); u.DisplayName != "Ada L" || u.Admin || u.Team != "" || !b.signedIn() {
		t.Errorf("the new account = %+v, signed in %t", u, b.signedIn())
	}
	if c := b.cookies["__Host-rollcall"]; c == "" {
		t.Error("no session cookie after signing in")
	}
	for name := range b.cookies {
		if strings.HasPrefix(name, "__Host-rollcall-f-") {
			t.Errorf("the cookie %s of the flow is still there", name)
		}
	}
	p.says("ada-1", map[string]any{"preferred_username": "renamed", "name": "Other"})
	other := f.browser()
	wantRedirect(t, "the second sign-in", other.at(p, "/auth/corp"), "/")
	if u := f.user("first-2"); u.DisplayName != "Ada L" {
		t.Errorf("after a change at the provider, the account = %+v", u)
	}
	if email, err := f.store.Email(t.Context(), f.uid("first-2")); email != "" || err != nil {
		t.Errorf("the address = %q, %v, want none: the provider doesn't say that it's verified", email, err)
	}
	if n := len(f.identities("first-2")); n != 1 {
		t.Errorf("%d identities, want 1", n)
	}
	sessions, err := f.store.Sessions(t.Context(), f.uid("first-2"))
	if err != nil || len(sessions) != 2 || sessions[0].Method != accounts.ByProvider ||
		!sessions[0].Unnoticed || sessions[1].Unnoticed || // the second one began in a new browser
		time.Until(sessions[0].ExpiresAt) > accounts.ProviderSessionLife {
		t.Errorf("sessions = %+v, %v, want 2 of at most 7 days", sessions, err)
	}
	wantStatus(t, "an unknown provider", b.get("/auth/nobody"), http.StatusNotFound)
	if lines := f.logs.lines("level=ERROR"); len(lines) > 0 {
		t.Errorf("errors in the log: %q", lines)
	}
	for _, secret := range []string{"access", "ada@example.com", b.cookies["__Host-rollcall"]} {
		if lines := f.logs.lines(secret); len(lines) > 0 {
			t.Errorf("the log holds %q: %q", secret, lines)
		}
	}
}

// A callback counts once, and only in the browser that began.
func TestCallbackIsBound(t *testing.T) {
	t.Parallel()
	f, p := corpFixture(t, create)
	victim, attacker := f.browser(), f.browser()
	back := p.authorize(attacker.get("/auth/corp").location())
	refuse := func(what string, a answer, status int) {
		t.Helper()
		wantStatus(t, what, a, status)
		if !strings.Contains(a.body, "<h1>This sign-in has ended</h1>") {
			t.Errorf("%s says:\n%s", what, a.body)
		}
	}
	refuse("the callback in another browser", victim.get(back), http.StatusBadRequest)
	for name, value := range attacker.cookies { // planted
		if strings.HasPrefix(name, "__Host-rollcall-f-") {
			victim.cookies[name] = "x" + value
		}
	}
	refuse("the callback with a forged cookie", victim.get(back), http.StatusBadRequest)
	for _, state := range []string{"", "short", "ABCDEFGHabcdefgh", strings.Repeat("A", 26), "A%00BCDEFGHI"} {
		refuse("the state "+state, attacker.get("/auth/corp/callback?code=x&state="+state), http.StatusBadRequest)
	}
	wantStatus(t, "HEAD", attacker.do("HEAD", back, nil), http.StatusMethodNotAllowed)
	wantStatus(t, "the callback of another provider", attacker.get(strings.Replace(back, "corp", "other", 1)), http.StatusNotFound)
	wantRedirect(t, "the callback", attacker.get(back), "/")
	refuse("the callback again", attacker.get(back), http.StatusBadRequest)
}

// The same flow counts once, even if the provider answers twice and the browser kept its cookie.
func TestStateIsSpent(t *testing.T) {
	t.Parallel()
	f, p := corpFixture(t, create)
	b := f.browser()
	page := b.get("/auth/corp").location()
	copied := f.browser()
	for name, value := range b.cookies {
		copied.cookies[name] = value
	}
	wantRedirect(t, "the callback", b.get(p.authorize(page)), "/")
	a := copied.get(p.authorize(page))
	wantStatus(t, "the same state with another code", a, http.StatusConflict)
	if !strings.Contains(a.body, "This was used before") || copied.signedIn() {
		t.Errorf("the same state signed in twice:\n%s", a.body)
	}
}

// At most 5 flows are kept, the newest ones, and all of them can be finished.
func TestFlowsOfOneBrowser(t *testing.T) {
	t.Parallel()
	f, p := corpFixture(t, create)
	b := f.browser()
	b.cookies["__Host-rollcall-f-JUNKJUNK"] = "junk"
	var pages []string
	for range 7 {
		pages = append(pages, b.get("/auth/corp").location())
	}
	n := 0
	for name := range b.cookies {
		if strings.HasPrefix(name, "__Host-rollcall-f-") {
			n++
		}
	}
	if n != maxFlows || b.cookies["__Host-rollcall-f-JUNKJUNK"] != "" {
		t.Errorf("%d cookies of flows, want %d: %v", n, maxFlows, b.cookies)
	}
	wantRedirect(t, "the newest flow", b.get(p.authorize(pages[6])), "/")
	c := f.browser()
	c.get("/auth/corp?next=/" + strings.Repeat("&", 2000))
	if c.cookies == nil || len(c.set) != 1 || len(c.set[0].Value) > 4000 || c.set[0].MaxAge != 600 || !c.set[0].HttpOnly ||
		!c.set[0].Secure || c.set[0].SameSite != http.SameSiteLaxMode {
		t.Errorf("the cookie of a flow with a long address = %+v", c.set)
	}
}

// What a hostile provider or callback says is refused, and nothing of it is on the page.
func TestHostileProvider(t *testing.T) {
	t.Parallel()
	f, p := corpFixture(t, create)
	for name, tt := range map[string]struct {
		claim string
		value any
	}{
		"another nonce": {"nonce", "other"}, "no nonce": {"nonce", nil}, "no subject": {"sub", nil}, "an empty subject": {"sub", ""},
		"another audience": {"aud", "other"}, "old": {"exp", 1}, "from the future": {"iat", time.Now().Add(time.Hour).Unix()},
		"a logout token": {"events", map[string]any{}}, "another issuer": {"iss", "https://evil.example"},
		"another party": {"azp", "other"},
	} {
		p.says("ada-1", nil)
		p.claim(tt.claim, tt.value)
		b := f.browser()
		a := b.at(p, "/auth/corp")
		wantStatus(t, name, a, http.StatusBadGateway)
		if b.signedIn() || !strings.Contains(a.body, "Signing in with Corp Login doesn&#39;t work") &&
			!strings.Contains(a.body, "Signing in with Corp Login doesn't work") {
			t.Errorf("%s: signed in %t\n%s", name, b.signedIn(), a.body)
		}
	}
	b := f.browser()
	u, _ := url.Parse(p.authorize(b.get("/auth/corp").location()))
	state := u.Query().Get("state")
	a := b.get("/auth/corp/callback?error=access_denied&error_description=call+555-0100&state=" + state)
	wantStatus(t, "a refusal", a, http.StatusForbidden)
	if strings.Contains(a.body, "555-0100") || !strings.Contains(a.body, "Corp Login didn") {
		t.Errorf("the page of a refusal is:\n%s", a.body)
	}
	if _, err := f.store.UserByIdentity(t.Context(), p.server.URL, "ada-1"); !errors.Is(err, accounts.ErrNoIdentity) {
		t.Errorf("a refused person has an account: %v", err)
	}
	p.mu.Lock()
	p.down = true
	p.mu.Unlock()
	wantStatus(t, "a provider that is down", f.browser().at(p, "/auth/corp"), http.StatusServiceUnavailable)
	if lines := f.logs.lines("level=WARN", "code=nonce", "provider=corp"); len(lines) != 2 {
		t.Errorf("the log has %d warnings about nonces, want 2", len(lines))
	}
}

// The sign-up policy of a provider decides about people without an account, and only about them.
func TestProviderSignUp(t *testing.T) {
	t.Parallel()
	f, p := corpFixture(t, identity.ProviderOptions{}) // no
	p.says("ada-1", map[string]any{"preferred_username": "first", "email": "first@example.com", "email_verified": true})
	b := f.browser()
	a := b.at(p, "/auth/corp")
	wantStatus(t, "somebody unknown", a, http.StatusForbidden)
	if !strings.Contains(a.body, "<h1>Nobody here is linked to this login</h1>") || b.signedIn() {
		t.Errorf("somebody unknown gets:\n%s", a.body)
	}

	f, p = corpFixture(t, identity.ProviderOptions{SignUp: "approve"})
	p.says("ada-1", map[string]any{"preferred_username": "ada"})
	for range 2 {
		b = f.browser()
		a = b.at(p, "/auth/corp")
		wantStatus(t, "somebody who needs approval", a, http.StatusAccepted)
		if b.signedIn() || strings.Contains(a.body, "password") {
			t.Errorf("somebody who needs approval is signed in: %t\n%s", b.signedIn(), a.body)
		}
	}
	if err := f.store.Approve(acting(t.Context()), f.uid("ada")); err != nil {
		t.Fatal(err)
	}
	wantRedirect(t, "after approval", b.at(p, "/auth/corp"), "/")
	if err := f.store.SetDisabled(acting(t.Context()), f.uid("ada"), true); err != nil {
		t.Fatal(err)
	}
	a = f.browser().at(p, "/auth/corp")
	wantStatus(t, "somebody disabled", a, http.StatusForbidden)
	if !strings.Contains(a.body, "This account is disabled.") || !f.user("ada").Disabled {
		t.Errorf("somebody disabled gets:\n%s", a.body)
	}

	f, p = corpFixture(t, identity.ProviderOptions{Domains: "example.com"})
	for email, verified := range map[string]any{"ada@example.com": false, "ada@sub.example.com": true, "ada@evil.example": "true"} {
		p.says(email, map[string]any{"email": email, "email_verified": verified})
		wantStatus(t, email, f.browser().at(p, "/auth/corp"), http.StatusForbidden)
	}
	p.says("ada-1", map[string]any{"email": "ada@Example.COM", "email_verified": true})
	wantRedirect(t, "an allowed domain", f.browser().at(p, "/auth/corp"), "/")
	if email, err := f.store.Email(t.Context(), f.uid("ada")); email != "ada@Example.COM" || err != nil {
		t.Errorf("the address of the new account = %q, %v, want the verified one", email, err)
	}
	p.says("ada-1", map[string]any{"email": "ada@moved.example", "email_verified": false})
	wantRedirect(t, "somebody known with another address", f.browser().at(p, "/auth/corp"), "/")
}

// Nobody becomes the owner of an empty board by coming first.
func TestProviderOfEmptyBoard(t *testing.T) {
	t.Parallel()
	p := newCorp(t)
	f := newFixture(t, publicURL(t, boardURL), p.options("corp", identity.ProviderOptions{Admins: "ops"}))
	wantRedirect(t, "the first person", f.browser().at(p, "/auth/corp"), "/setup")
	p.says("boss", map[string]any{"preferred_username": "boss", "groups": []string{"ops"}})
	wantRedirect(t, "an administrator by group", f.browser().at(p, "/auth/corp"), "/")
	if !f.user("boss").Admin {
		t.Error("the member of the group isn't an administrator")
	}
}

func TestProviderGroups(t *testing.T) {
	t.Parallel()
	began := time.Now().UTC()
	f, p := corpFixture(t, identity.ProviderOptions{Teams: "/eng=Engineering,/art=Art", Admins: "/ops"})
	boss := f.boss("boss")
	sign := func(groups any, admin bool, team string) {
		t.Helper()
		p.says("ada-1", map[string]any{"preferred_username": "ada", "groups": groups})
		wantRedirect(t, "signing in", f.browser().at(p, "/auth/corp"), "/")
		if u := f.user("ada"); u.Admin != admin || u.Team != team {
			t.Errorf("with the groups %v: administrator %t, team %q, want %t and %q", groups, u.Admin, u.Team, admin, team)
		}
	}
	sign([]string{"/ops", "/art", "/eng"}, true, "Engineering")
	sign("/art", false, "Art")
	sign(map[string]any{}, false, "Art")
	sign(nil, false, "Art")
	sign([]string{}, false, "")
	if n := len(f.logs.lines("level=WARN", "in which groups")); n != 1 {
		t.Errorf("%d warnings about unknown groups, want 1", n)
	}
	log := boss.get("/admin/log").body
	lines := regexp.MustCompile(`(?s)<li.*?</li>`).FindAllString(log, -1)
	for _, line := range lines {
		if strings.Contains(line, "<b>corp</b>") && !strings.Contains(line, "created the account") && began.Day() == time.Now().UTC().Day() {
			t.Errorf("the log tells today that somebody signed in today:\n%s", line)
		}
	}
	if len(lines) == 0 {
		t.Error("the log is empty")
	}
}

// The local login remains while the provider is down, and the page says since when.
func TestProviderIsDown(t *testing.T) {
	t.Parallel()
	p := newCorp(t)
	f := newFixture(t, publicURL(t, boardURL), p.options("corp", create))
	f.person("ada")
	p.server.Close()
	b := f.browser()
	wantStatus(t, "GET /login", b.get("/login"), http.StatusOK)
	wantStatus(t, "GET /auth/corp", b.get("/auth/corp"), http.StatusServiceUnavailable)
	page := b.get("/login").body
	if !strings.Contains(page, "Hasn't answered <time") ||
		!strings.Contains(page, `name="password"`) {
		t.Errorf("the sign-in page doesn't say that the provider is down:\n%s", page)
	}
	wantRedirect(t, "signing in with a password", b.login("ada", goodPassword), "/")
}

// Under a path, everything stays below it, and the cookie of the flow belongs to it.
func TestProviderUnderPath(t *testing.T) {
	t.Parallel()
	p := newCorp(t)
	p.public = "https://www.example/rollcall/"
	f := newFixture(t, publicURL(t, p.public), p.options("corp", create))
	f.person("first")
	b := f.browser()
	if page := b.get("/rollcall/login").body; !strings.Contains(page, `href="/rollcall/auth/corp"`) {
		t.Errorf("the sign-in page has no link to the provider:\n%s", page)
	}
	a := b.get("/rollcall/auth/corp")
	wantStatus(t, "GET /rollcall/auth/corp", a, http.StatusSeeOther)
	if len(b.set) != 1 || !strings.HasPrefix(b.set[0].Name, "__Secure-rollcall-f-") || b.set[0].Path != "/rollcall" {
		t.Errorf("the cookie of the flow = %v", b.set)
	}
	back := p.authorize(a.location())
	if !strings.HasPrefix(back, "/rollcall/auth/corp/callback?") {
		t.Errorf("the provider sends people back to %s", back)
	}
	wantRedirect(t, "the callback", b.get(back), "/rollcall/")
	wantRedirect(t, "signing out", b.do("POST", "/rollcall/logout", url.Values{}), "/rollcall/login?out=corp")
	if page := b.get("/rollcall/login?out=corp").body; !strings.Contains(page, "post_logout_redirect_uri=https%3A%2F%2Fwww.example%2Frollcall%2Flogin") {
		t.Errorf("no way back from signing out at the provider:\n%s", page)
	}
}

// Failures are limited by address, before the provider is asked.
func TestCallbackLimit(t *testing.T) {
	t.Parallel()
	f, p := corpFixture(t, create, func(cfg *Config) { cfg.Limits.Logins = 2 })
	p.claim("nonce", "other")
	for n, want := range []int{http.StatusBadGateway, http.StatusBadGateway, http.StatusTooManyRequests} {
		a := f.browser().at(p, "/auth/corp")
		wantStatus(t, "the callback", a, want)
		if n == 2 && a.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	p.says("ada-1", nil)
	other := f.browser()
	other.remote = "192.0.2.9:1"
	wantRedirect(t, "from another address", other.at(p, "/auth/corp"), "/")
}

// Each sign-in writes to the database, so they're limited for each person.
func TestProviderSuccessLimit(t *testing.T) {
	t.Parallel()
	f, p := corpFixture(t, create)
	p.says("ada-1", nil)
	for range successesPerName {
		wantRedirect(t, "signing in", f.browser().at(p, "/auth/corp"), "/")
	}
	wantStatus(t, "one more", f.browser().at(p, "/auth/corp"), http.StatusTooManyRequests)
	p.says("bob-1", nil)
	wantRedirect(t, "somebody else", f.browser().at(p, "/auth/corp"), "/")
}
