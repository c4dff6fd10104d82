package handlers

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rollcall/accounts"
	"rollcall/identity"
)

// byHeader returns a change that lets a proxy name people in Remote-User.
func byHeader(t *testing.T, signUp bool, proxy string) func(*Config) {
	t.Helper()
	h, err := identity.NewHeader(identity.HeaderConfig{Name: "Remote-User", SignUp: signUp,
		Proxies: []netip.Prefix{netip.MustParsePrefix(proxy)}})
	if err != nil {
		t.Fatal(err)
	}
	return func(cfg *Config) { cfg.Header, cfg.HeaderSignOut = h, "https://auth.example/logout" }
}

// behind is a browser behind the proxy, which says who it is; "" for nobody.
func (f *fixture) behind(name string) *browser {
	b := f.browser()
	b.remote = "10.0.0.1:1234"
	b.named(name)
	return b
}

func (b *browser) named(names ...string) {
	b.header.Del("Remote-User")
	for _, name := range names {
		if name != "" {
			b.header.Add("Remote-User", name)
		}
	}
}

func (b *browser) continueAs(name string) answer {
	return b.do("POST", "/continue", url.Values{"as": {name}, "next": {"/settings"}})
}

// The proxy's name opens no session by itself, because a GET doesn't write. The form does, for the identity that is
// linked, and for as long as the proxy says the same.
func TestProxied(t *testing.T) {
	t.Parallel()
	f := newFixture(t, byHeader(t, false, "10.0.0.1/32"), trust("10.0.0.1/32"))
	own := f.member("ada")
	b := f.behind("ada")
	wantRedirect(t, "GET / without a session", b.get("/"), "/login")
	page := b.get("/login?next=/settings").body
	if !strings.Contains(page, `action="/continue"`) || !strings.Contains(page, `name="as" value="ada"`) ||
		!strings.Contains(page, `name="password"`) {
		t.Errorf("the sign-in page doesn't offer to continue, or no password:\n%s", page)
	}
	a := b.continueAs("ada")
	wantStatus(t, "somebody of that username who hasn't linked it", a, http.StatusForbidden)
	if !strings.Contains(a.body, "Nobody here is linked to this login") || b.signedIn() {
		t.Errorf("a username of the proxy signs in:\n%s", a.body)
	}

	own.remote = "10.0.0.1:1234"
	own.named("ada")
	if page := own.get("/settings").body; !strings.Contains(page, `value="proxy:Remote-User"`) {
		t.Errorf("the settings don't offer to link the proxy:\n%s", page)
	}
	wantRedirect(t, "linking", own.do("POST", "/settings/linked/add", url.Values{"provider": {"proxy:Remote-User"}}),
		"/settings?saved=linked")
	wantRedirect(t, "continuing", b.continueAs("ada"), "/settings")
	if !b.signedIn() {
		t.Fatal("not signed in after continuing")
	}
	sessions, err := f.store.Sessions(t.Context(), f.uid("ada"))
	if err != nil || len(sessions) != 2 || sessions[0].Method != accounts.ByProxy {
		t.Errorf("sessions = %+v, %v", sessions, err)
	}
	wantStatus(t, "a change that needs a proof", b.do("POST", "/settings/linked/remove", url.Values{"identity": {"x"}}),
		http.StatusForbidden)

	for what, change := range map[string]func(){
		"nobody": func() { b.named() }, "somebody else": func() { b.named("bob") }, "two people": func() { b.named("ada", "ada") },
		"another peer": func() { b.remote = "10.0.0.2:1234" }, "an address that the proxy forwards": func() {
			b.remote = "10.0.0.2:1234"
			b.header.Set("X-Forwarded-For", "10.0.0.1")
		}, "another spelling": func() { b.named("Ada") },
	} {
		change()
		if b.signedIn() {
			t.Errorf("with %s, the session still counts", what)
		}
		b.header.Del("X-Forwarded-For")
		b.remote = "10.0.0.1:1234"
		b.named("ada")
	}
	if !b.signedIn() {
		t.Error("the session doesn't count when the proxy says the same again")
	}
	own.named()
	if !own.signedIn() {
		t.Error("a session by password needs the proxy")
	}
	wantRedirect(t, "signing out", b.do("POST", "/logout", url.Values{}), "/login?out=proxy%3ARemote-User")
	if page := b.get("/login?out=proxy:Remote-User").body; !strings.Contains(page, `href="https://auth.example/logout"`) {
		t.Errorf("no link to sign out of the proxy:\n%s", page)
	}
	if n := len(f.logs.lines("level=WARN", "the header of the proxy wasn't used")); n != 2 {
		t.Errorf("%d warnings about headers, want one for each of two kinds", n)
	}
	b.named("bob")
	wantStatus(t, "a form for somebody else", b.continueAs("ada"), http.StatusConflict)
	b.header.Set("Sec-Fetch-Site", "cross-site")
	wantStatus(t, "a form of another site", b.continueAs("bob"), http.StatusForbidden)
}

// With sign-up, the proxy's people get accounts, but never the account of somebody with their username.
func TestProxiedSignUp(t *testing.T) {
	t.Parallel()
	f := newFixture(t, byHeader(t, true, "10.0.0.1/32"))
	wantRedirect(t, "on an empty board", f.behind("ada").continueAs("ada"), "/setup")
	f.person("ada")
	wantRedirect(t, "a new person", f.behind("ada").continueAs("ada"), "/settings")
	wantRedirect(t, "the same person", f.behind("ada").continueAs("ada"), "/settings")
	wantRedirect(t, "another person", f.behind("Ada@example.com").continueAs("Ada@example.com"), "/settings")
	if f.user("ada-2").ID == f.uid("ada") || f.user("ada-3").Admin {
		t.Error("the accounts are wrong")
	}
	if err := f.store.SetDisabled(acting(t.Context()), f.uid("ada-2"), true); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, "somebody disabled", f.behind("ada").continueAs("ada"), http.StatusForbidden)
}

// The first request for which the proxy names somebody else, or nobody, closes the live connections of the session.
// Pages that make no requests reconnect after an hour, and then the header counts again.
func TestProxiedSocketIsChecked(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t, byHeader(t, true, "127.0.0.1/32"))
	l.person("first")
	b := l.browser()
	b.remote, b.host = "127.0.0.1:1234", strings.TrimPrefix(l.url, "http://")
	open := func() *websocket.Conn {
		t.Helper()
		b.named("ada")
		conn, _, err := l.dialErr(b, "/ws?only=me&v=", http.Header{"Remote-User": {"ada"}})
		if err == nil {
			err = conn.SetReadDeadline(time.Now().Add(patience))
		}
		if err == nil {
			_, _, err = conn.ReadMessage()
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	wantClosed := func(what string, conn *websocket.Conn, code int) {
		t.Helper()
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				if !websocket.IsCloseError(err, code) {
					t.Errorf("%s: the socket ends with %v, want the code %d", what, err, code)
				}
				return
			}
		}
	}
	b.named("ada")
	wantRedirect(t, "continuing", b.continueAs("ada"), "/settings")
	for _, name := range []string{"bob", ""} {
		conn := open()
		b.named(name)
		b.get("/settings")
		wantClosed("the proxy names "+name, conn, websocket.ClosePolicyViolation)
	}
	conn := open()
	l.server.sockets.sweep(time.Now().Add(recheckEvery - time.Minute))
	l.server.sockets.sweep(time.Now().Add(recheckEvery))
	wantClosed("after an hour", conn, websocket.CloseServiceRestart)
	open()
}

// Sockets count like any other request: without the proxy's word for the person, they're closed as a stranger's.
func TestProxiedSocket(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t, byHeader(t, true, "127.0.0.1/32"))
	l.person("first")
	b := l.browser()
	b.remote, b.host = "127.0.0.1:1234", strings.TrimPrefix(l.url, "http://")
	b.named("ada")
	wantRedirect(t, "continuing", b.continueAs("ada"), "/settings")
	for name, want := range map[string]bool{"ada": true, "bob": false, "": false} {
		header := http.Header{}
		if name != "" {
			header.Set("Remote-User", name)
		}
		conn, _, err := l.dialErr(b, "/ws?only=me&v=", header)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		_, _, err = conn.ReadMessage()
		if open := !websocket.IsCloseError(err, websocket.ClosePolicyViolation); open != want {
			t.Errorf("a socket for %q is open: %t, want %t (%v)", name, open, want, err)
		}
		conn.Close()
	}
}
