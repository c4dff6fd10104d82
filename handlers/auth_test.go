package handlers

import (
	"database/sql"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestSignInAndOut(t *testing.T) {
	f := newFixture(t)
	f.person("ada")
	b := f.browser()
	wantRedirect(t, "GET / as a stranger", b.get("/"), "/login")
	wantRedirect(t, "POST /login", b.login("ada", goodPassword), "/")
	if c := b.cookie("rollcall"); c == nil || c.Value == "" {
		t.Fatal("POST /login set no session cookie")
	}
	if a := b.get("/"); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "@ada") {
		t.Errorf("GET / = %d, want 200 with @ada\n%s", a.StatusCode, a.body)
	}
	wantRedirect(t, "GET /login when signed in", b.get("/login"), "/")
	wantRedirect(t, "GET /signup when signed in", b.get("/signup"), "/")
	wantRedirect(t, "POST /logout", b.do("POST", "/logout", url.Values{}), "/login")
	if c := b.cookie("rollcall"); c == nil || c.MaxAge >= 0 {
		t.Errorf("POST /logout set cookie %v, want it removed", c)
	}
	wantRedirect(t, "GET / after signing out", b.get("/"), "/login")
	wantRedirect(t, "POST /logout as a stranger", b.do("POST", "/logout", url.Values{}), "/login")
}

// The sign-in page says once that somebody has signed out, in the tab in which they did. A link can't make it say so.
func TestSignedOut(t *testing.T) {
	f := newFixture(t)
	f.person("ada")
	b := f.browser()
	says := func(path string) bool { return strings.Contains(b.get(path).body, `role="status">You're signed out.`) }
	for _, path := range []string{"/login", "/login?out=1", "/login?left=1", "/login?signed_out=1"} {
		if says(path) {
			t.Errorf("GET %s says that a stranger has signed out", path)
		}
	}
	b.login("ada", goodPassword)
	out := b.do("POST", "/logout", url.Values{"next": {"https://evil.example/"}})
	wantRedirect(t, "POST /logout", out, "/login")
	c := b.cookie("rollcall-signed-out")
	if c == nil || c.MaxAge != 60 || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
		t.Fatalf("POST /logout set %v, want a cookie for a minute", c)
	}
	if says("/login?why=login") {
		t.Error("another tab, whose session has ended, says it first")
	}
	first := b.get(out.location())
	if !strings.Contains(first.body, `role="status">You're signed out.`) || first.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page after signing out has Cache-Control %q and says\n%s", first.Header.Get("Cache-Control"), first.body)
	}
	if says("/login") {
		t.Error("the page says it again")
	}
}

// The address of the stylesheet has the team of the person's row, which is where the page's script takes it from.
func TestStylesheetFollowsTheTeam(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	b := l.member("ada")
	l.open(b, "/", "a").sees("ada", "online")
	for _, team := range []string{"", "Lab & Co", ""} {
		l.must(l.store.SetTeam(acting(t.Context()), l.uid("ada"), team))
		page := b.get("/").body
		row := regexp.MustCompile(`id="u-` + l.uid("ada") + `"[^>]* data-team="([^"]+)"`).FindStringSubmatch(page)
		link := regexp.MustCompile(`id="me-css" href="([^"]*)"`).FindStringSubmatch(page)
		if row == nil || link == nil || !strings.Contains(link[1], "&amp;t="+row[1]+"&amp;") {
			t.Fatalf("in the team %q, the row has %q and the stylesheet %q, want the same team", team, row, link)
		}
		css := b.get(html.UnescapeString(link[1])).body
		if !strings.Contains(css, "[data-team="+row[1]+"]{order:-1}") || strings.Contains(css, "your team") != (team != "") {
			t.Errorf("in the team %q, the stylesheet is %s", team, css)
		}
	}
}

// Signing out ends the session on the server, so a copy of the cookie stops working.
func TestLogoutEndsTheSession(t *testing.T) {
	f := newFixture(t)
	f.person("ada")
	b, thief := f.browser(), f.browser()
	b.login("ada", goodPassword)
	thief.cookies["rollcall"] = b.cookies["rollcall"]
	if !thief.signedIn() {
		t.Fatal("the copied cookie doesn't work before POST /logout")
	}
	b.do("POST", "/logout", url.Values{})
	if thief.signedIn() {
		t.Error("the copied cookie still works after POST /logout")
	}
}

// GET must never sign out, because an image on another site could trigger it.
func TestLogoutIsPostOnly(t *testing.T) {
	f := newFixture(t)
	f.person("ada")
	b := f.browser()
	b.login("ada", goodPassword)
	if a := b.get("/logout"); a.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET /logout = %d, want 405", a.StatusCode)
	}
	if !b.signedIn() {
		t.Error("GET /logout ended the session")
	}
}

func TestSessionFixation(t *testing.T) {
	f := newFixture(t)
	f.person("ada")
	b := f.browser()
	planted := "planted-by-somebody-else"
	b.cookies["rollcall"] = planted
	b.login("ada", goodPassword)
	if b.cookies["rollcall"] == planted {
		t.Fatal("POST /login kept the client's token")
	}
	attacker := f.browser()
	attacker.cookies["rollcall"] = planted
	if attacker.signedIn() {
		t.Error("the planted token is signed in")
	}
}

func TestSigningInAgainEndsTheSessionBefore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	b, old := f.browser(), f.browser()
	b.login("ada", goodPassword)
	old.cookies["rollcall"] = b.cookies["rollcall"]
	wantRedirect(t, "second POST /login", b.login("ada", goodPassword), "/")
	if b.cookies["rollcall"] == old.cookies["rollcall"] {
		t.Error("the token did not change")
	}
	if !b.signedIn() || old.signedIn() {
		t.Errorf("new token signed in = %t, old = %t, want true, false", b.signedIn(), old.signedIn())
	}
}

var requestIDs = regexp.MustCompile(`[0-9a-f]{16}`)

// The sign-in page doesn't reveal which names exist.
func TestUnknownNameLooksLikeAWrongPassword(t *testing.T) {
	f := newFixture(t)
	f.person("ada")
	// The form holds the typed name again, so it's replaced before the comparison.
	known := f.browser().login("ada", "wrong password")
	unknown := f.browser().login("eve", "wrong password")
	if known.StatusCode != unknown.StatusCode || known.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("status = %d for a known and %d for an unknown name, want 422 for both", known.StatusCode,
			unknown.StatusCode)
	}
	k := requestIDs.ReplaceAllString(strings.ReplaceAll(known.body, `value="ada"`, `value="eve"`), "")
	u := requestIDs.ReplaceAllString(unknown.body, "")
	if k != u {
		t.Errorf("bodies differ:\n%s\n%s", k, u)
	}
	for name := range known.Header {
		if name != "X-Request-Id" && strings.Join(known.Header[name], "|") != strings.Join(unknown.Header[name], "|") {
			t.Errorf("header %s = %q for a known and %q for an unknown name", name, known.Header[name], unknown.Header[name])
		}
	}
}

// A person whose account is disabled learns why they can't sign in, but only with the right password: to a guesser the
// account looks like one that doesn't exist. The right password doesn't count as a failed attempt.
func TestSignInToADisabledAccount(t *testing.T) {
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Logins = 2 })
	user := f.person("ada")
	if err := f.store.SetDisabled(acting(t.Context()), user.ID, true); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		right := f.browser().login("ada", goodPassword)
		wantStatus(t, "POST /login with the right password", right, http.StatusForbidden)
		if !strings.Contains(right.body, "This account is disabled.") ||
			strings.Contains(right.body, "Wrong username or password.") {
			t.Fatalf("the answer to the right password doesn't say that the account is disabled:\n%s", right.body)
		}
	}
	disabled, unknown := f.browser().login("ada", "wrong password"), f.browser().login("eve", "wrong password")
	wantStatus(t, "POST /login with a wrong password", disabled, http.StatusUnprocessableEntity)
	if got := strings.ReplaceAll(disabled.body, `value="ada"`, `value="eve"`); got != unknown.body ||
		!strings.Contains(got, "Wrong username or password.") {
		t.Errorf("the answer to a wrong password is\n%s\nwant the one for an unknown name:\n%s", got, unknown.body)
	}
}

// The sign-in page tells a device that it was signed out from elsewhere. A device that signed itself out or never
// signed in sees no such message, whatever a link says.
func TestSignInPageSaysWhyTheSessionEnded(t *testing.T) {
	f := newFixture(t)
	const signedOut, disabled, deleted = "signed out on this device", "account has been disabled",
		"account has been deleted"
	all := []string{signedOut, disabled, deleted}
	ada := f.member("ada")
	stale := f.browser()
	stale.login("ada", goodPassword)
	ada.do("POST", "/settings/sessions/end-others", url.Values{})
	for _, c := range []struct {
		who    string
		b      *browser
		target string
		want   string
	}{
		{"signed out from elsewhere", stale, "/login", signedOut},
		{"signed out from elsewhere", stale, "/login?why=disabled", disabled},
		{"signed out from elsewhere", stale, "/login?why=deleted", deleted},
		{"signed out from elsewhere", stale, "/login?why=%3Cb%3E", signedOut},
		{"never signed in", f.browser(), "/login?why=disabled", ""},
	} {
		body := c.b.get(c.target).body
		for _, text := range all {
			if got := strings.Contains(body, text); got != (text == c.want) {
				t.Errorf("%s, %s: the page says %q: %v, want %v", c.who, c.target, text, got, !got)
			}
		}
	}
	ada.do("POST", "/logout", url.Values{})
	if body := ada.get("/login?why=deleted").body; strings.Contains(body, deleted) || strings.Contains(body, signedOut) {
		t.Errorf("the page tells a browser that signed itself out why:\n%s", body)
	}
}

func TestRefusedLoginKeepsWhatWasTyped(t *testing.T) {
	f := newFixture(t)
	a := f.browser().do("POST", "/login",
		url.Values{"username": {"ada"}, "password": {"not-to-be-shown"}, "next": {"/?team=red"}})
	wantStatus(t, "POST /login", a, http.StatusUnprocessableEntity)
	for _, want := range []string{`value="ada"`, `value="/?team=red"`, "Wrong username or password."} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the form doesn't hold %q:\n%s", want, a.body)
		}
	}
	if strings.Contains(a.body, "not-to-be-shown") {
		t.Error("the form holds the password")
	}
	a = f.browser().login("", "")
	wantStatus(t, "POST /login with nothing", a, http.StatusUnprocessableEntity)
}

func TestNextSurvivesSigningIn(t *testing.T) {
	f := newFixture(t)
	f.person("ada")
	b := f.browser()
	wantRedirect(t, "GET /?q=ada", b.get("/?q=ada"), "/login?next=%2F%3Fq%3Dada")
	if a := b.get("/login?next=%2F%3Fq%3Dada"); !strings.Contains(a.body, `name="next" value="/?q=ada"`) {
		t.Errorf("the form of GET /login?next= doesn't hold it:\n%s", a.body)
	}
	a := b.do("POST", "/login", url.Values{"username": {"ada"}, "password": {goodPassword}, "next": {"/?q=ada"}})
	wantRedirect(t, "POST /login", a, "/?q=ada")
}

func TestCookies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		public, name, path string
		secure             bool
	}{
		{"", "rollcall", "/", false},
		{"http://localhost:8080", "rollcall", "/", false},
		{"http://localhost:8080/board/", "rollcall", "/board", false},
		{"https://board.example", "__Host-rollcall", "/", true},
		{"https://board.example/", "__Host-rollcall", "/", true},
		{"https://example.org/rollcall", "__Secure-rollcall", "/rollcall", true},
	}
	for _, tt := range tests {
		t.Run(tt.public, func(t *testing.T) {
			var changes []func(*Config)
			if tt.public != "" {
				changes = append(changes, publicURL(t, tt.public))
			}
			f := newFixture(t, changes...)
			f.person("ada")
			b := f.browser()
			wantRedirect(t, "POST /login", b.login("ada", goodPassword), f.server.site.base+"/")
			for name, age := range map[string]time.Duration{tt.name: 30 * 24 * time.Hour,
				tt.name + "-known": 365 * 24 * time.Hour} {
				c := b.cookie(name)
				if c == nil {
					t.Fatalf("no cookie %s; got %v", name, b.set)
				}
				if c.Path != tt.path || c.Secure != tt.secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode ||
					c.Domain != "" || c.MaxAge != int(age.Seconds()) {
					t.Errorf("cookie %s = %v, want Path=%s Secure=%t HttpOnly SameSite=Lax Max-Age=%v and no Domain",
						name, c, tt.path, tt.secure, age)
				}
			}
			if !b.signedIn() {
				t.Error("not signed in afterwards")
			}
			wantRedirect(t, "POST /logout", b.do("POST", f.server.site.path("/logout"), url.Values{}),
				f.server.site.base+"/login")
			if c := b.cookie(tt.name); c == nil || c.MaxAge >= 0 || c.Path != tt.path || c.Secure != tt.secure {
				t.Errorf("POST /logout set %v, want the same cookie removed", c)
			}
		})
	}
}

// If the store is down, members aren't treated as signed out, and nobody can sign in.
func TestStoreDown(t *testing.T) {
	f := newFixture(t)
	f.person("ada")
	b := f.browser()
	b.login("ada", goodPassword)
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	ada := url.Values{"username": {"ada"}, "password": {goodPassword}}
	for _, tt := range []struct {
		who    *browser
		method string
		path   string
		form   url.Values
	}{
		{b, "GET", "/", nil}, {b, "GET", "/login", nil}, {b, "GET", "/signup", nil}, {b, "GET", "/me.css", nil},
		{b, "GET", "/ws", nil}, {b, "POST", "/logout", url.Values{}},
		{b, "GET", "/me", nil}, {b, "GET", "/me/panel", nil}, {b, "POST", "/me/status", url.Values{}},
		{b, "POST", "/me/zone", url.Values{}},
		{b, "POST", "/me/invisible", url.Values{"invisible": {"on"}}}, {b, "POST", "/me/presets/forget", url.Values{}},
		{f.browser(), "POST", "/login", ada}, {f.browser(), "POST", "/signup", ada}, {f.browser(), "GET", "/readyz", nil},
	} {
		a := tt.who.do(tt.method, tt.path, tt.form)
		wantStatus(t, tt.method+" "+tt.path, a, http.StatusServiceUnavailable)
		if a.Header.Get("Retry-After") == "" {
			t.Errorf("%s %s: no Retry-After", tt.method, tt.path)
		}
		if c := tt.who.cookie("rollcall"); c != nil {
			t.Errorf("%s %s set %v", tt.method, tt.path, c)
		}
		for _, internal := range []string{"sql", "closed", ".go:", "accounts"} {
			if strings.Contains(strings.ToLower(a.body), internal) {
				t.Errorf("%s %s shows %q:\n%s", tt.method, tt.path, internal, a.body)
			}
		}
	}
	wantStatus(t, "GET /healthz", f.browser().get("/healthz"), http.StatusOK)
}

// If the session can be read and the board can't, the response is 503, so that browsers try again later.
func TestBoardUnreadable(t *testing.T) {
	f := newFixture(t)
	f.person("ada")
	b := f.browser()
	b.login("ada", goodPassword)
	db, err := sql.Open("sqlite", f.path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("ALTER TABLE search_words RENAME TO hidden"); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, "GET / of an unreadable board", b.get("/?q=ada"), http.StatusServiceUnavailable)
	wantStatus(t, "GET / with a bad cursor", b.get("/?after=x"), http.StatusBadRequest)
}

func TestNoTokenIsEverLogged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	b := f.browser()
	b.login("ada", "a wrong password")
	b.login("ada", goodPassword)
	tokens := []string{b.cookies["rollcall"], b.cookies["rollcall-known"], goodPassword, "a wrong password"}
	b.get("/?q=something")
	b.do("POST", "/logout", url.Values{})
	link := strings.Repeat("a1-_", 11)[:43]
	tokens = append(tokens, link)
	for _, path := range []string{"/join/", "/reset/", "//join/", "/Join/", "/board/join/", "/join%2F", "/join/x/"} {
		b.get(path + link)
		b.get(path + link + "?q=" + strings.Repeat("x", 5000))
	}
	for _, token := range tokens {
		if strings.Contains(f.logs.String(), token) {
			t.Errorf("the log holds %q", token)
		}
	}
}
