package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"rollcall/accounts"
)

// local is a change for newFixture: only this machine can open the board.
func local(cfg *Config) { cfg.Loopback = true }

// setupForm is a good form for setting up a board that asks for no code.
func setupForm(name string) url.Values {
	return url.Values{
		"board_name": {"Harbor Works"}, "username": {name}, "display_name": {"Clara Nyström"}, "password": {goodPassword},
	}
}

// localBrowser is a browser on this machine.
func (f *fixture) localBrowser() *browser {
	b := f.browser()
	b.host = "localhost"
	return b
}

func TestEmptyBoardLeadsToSetUp(t *testing.T) {
	f := newFixture(t, quick, local)
	b := f.localBrowser()
	wantRedirect(t, "GET / on an empty board", b.get("/"), "/login")
	wantRedirect(t, "GET /login on an empty board", b.get("/login"), "/setup")
	wantStatus(t, "GET /login with something to say", b.get("/login?deleted=yes"), http.StatusOK)
	page := b.get("/setup")
	wantStatus(t, "GET /setup", page, http.StatusOK)
	if strings.Contains(page.body, `name="code"`) || !strings.Contains(page.body, `name="board_name"`) {
		t.Errorf("the form of a board that only this machine can open asks for a code, or not for a name:\n%s", page.body)
	}
	wantRedirect(t, "POST /setup", b.do("POST", "/setup", setupForm("Clara")), "/")
	board := b.get("/")
	wantStatus(t, "GET / after set-up", board, http.StatusOK)
	for _, want := range []string{
		"Only you so far", "<bdi>Harbor Works</bdi></a>", "· Harbor Works</title>", `id="first"`, `value="http://localhost/"`,
		"only this computer can open the board", "<code>--addr :8080</code>", "in a private window",
	} {
		if !strings.Contains(board.body, want) {
			t.Errorf("the board after set-up doesn't hold %q:\n%s", want, board.body)
		}
	}
	user, err := f.store.UserByName(t.Context(), "clara")
	if err != nil || !user.Admin || user.DisplayName != "Clara Nyström" {
		t.Errorf("the first account = %+v, %v, want an administrator", user, err)
	}
	wantRedirect(t, "GET /setup after set-up", b.get("/setup"), "/")
	late := f.localBrowser()
	wantRedirect(t, "GET /setup for a stranger", late.get("/setup"), "/")
	wantStatus(t, "GET /login after set-up", late.get("/login"), http.StatusOK)
	refused := late.do("POST", "/setup", setupForm("mallory"))
	wantStatus(t, "POST /setup after set-up", refused, http.StatusConflict)
	if !strings.Contains(refused.body, "already set up") {
		t.Errorf("the refusal doesn't say that the board is set up:\n%s", refused.body)
	}
	if late.signedIn() {
		t.Error("a late set-up signs in")
	}
}

// A board that is for this machine only can be behind a proxy that its operator didn't mention. Whoever comes through
// it can't set up the board, becomes no administrator by signing up, and can't sign up if nobody said so.
func TestProxyBeforeALoopbackBoard(t *testing.T) {
	for what, through := range map[string]func(*browser){
		"a header with the client's address": func(b *browser) { b.header.Set("X-Forwarded-For", "192.0.2.1") },
		"a header with the host":             func(b *browser) { b.header.Set("X-Forwarded-Host", "board.example.org") },
		"a header of proxies":                func(b *browser) { b.header.Set("Via", "1.1 proxy") },
		"an origin":                          func(b *browser) { b.header.Set("Origin", "https://board.example.org") },
	} {
		t.Run(what, func(t *testing.T) {
			f := newFixture(t, local, func(cfg *Config) { cfg.Fixed.SignUp = "" })
			b := f.localBrowser()
			through(b)
			b.header.Set("Sec-Fetch-Site", "same-origin")
			for _, a := range []answer{b.get("/setup"), b.do("POST", "/setup", setupForm("mallory"))} {
				if a.StatusCode != http.StatusForbidden || !strings.Contains(a.body, "--public-url") {
					t.Errorf("set-up through the proxy = %d, want a refusal that says what to do:\n%s", a.StatusCode, a.body)
				}
			}
			wantStatus(t, "POST /signup through the proxy", b.signup("mallory", goodPassword), http.StatusForbidden)
			f.server.cfg.Fixed.SignUp = accounts.SignUpOpen
			f.server.useSettings(accounts.Settings{})
			wantRedirect(t, "POST /signup through the proxy, by the operator's will", b.signup("mallory", goodPassword), "/")
			if u, err := f.store.UserByName(t.Context(), "mallory"); err != nil || u.Admin {
				t.Errorf("who signs up first through the proxy is %+v, %v, want no administrator", u, err)
			}
		})
	}
	f := newFixture(t, local, func(cfg *Config) { cfg.Fixed.SignUp = "" })
	wantRedirect(t, "POST /setup on this machine", f.localBrowser().do("POST", "/setup", setupForm("clara")), "/")
	wantRedirect(t, "POST /signup on this machine", f.localBrowser().signup("bob", goodPassword), "/")
}

// People who sign up on an open board before its owner has set it up can't prevent that.
func TestSetUpAfterSignUps(t *testing.T) {
	f := newFixture(t)
	wantRedirect(t, "POST /signup", f.browser().signup("early", goodPassword), "/")
	code, err := f.store.MakeSetupCode(acting(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	form := setupForm("clara")
	form.Set("code", code)
	owner := f.browser()
	wantStatus(t, "GET /setup", owner.get("/setup"), http.StatusOK)
	wantRedirect(t, "POST /setup", owner.do("POST", "/setup", form), "/")
	if u, err := f.store.UserByName(t.Context(), "clara"); err != nil || !u.Admin {
		t.Errorf("the owner is %+v, %v, want an administrator", u, err)
	}
	form.Set("username", "again")
	wantStatus(t, "POST /setup again", f.browser().do("POST", "/setup", form), http.StatusConflict)
}

// Programs sign up on an empty board as on any other.
func TestSignUpOnAnEmptyBoard(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	wantStatus(t, "GET /signup", b.get("/signup"), http.StatusOK)
	wantRedirect(t, "POST /signup", b.signup("ada", goodPassword), "/")
	wantStatus(t, "GET /setup", f.browser().get("/setup"), http.StatusOK)
	if user, err := f.store.UserByName(t.Context(), "ada"); err != nil || user.Admin {
		t.Errorf("who signs up first is %+v, %v, want no administrator", user, err)
	}
}

// Whoever sets up a board that others can reach, or on which nobody may sign up, proves that the server is theirs.
func TestWhoAsksForASetupCode(t *testing.T) {
	public := &url.URL{Scheme: "http", Host: "localhost:8080"}
	for _, tt := range []struct {
		cfg  Config
		asks bool
	}{
		{Config{Loopback: true}, false},
		{Config{Loopback: true, Fixed: accounts.Settings{SignUp: accounts.SignUpOff}}, true},
		{Config{}, true},
		{Config{Loopback: true, PublicURL: public}, true},
	} {
		if got := tt.cfg.AsksSetupCode(); got != tt.asks {
			t.Errorf("AsksSetupCode(%+v) = %t, want %t", tt.cfg, got, tt.asks)
		}
	}
	cfg := Config{Loopback: true}
	trust("127.0.0.1/32")(&cfg)
	if !cfg.AsksSetupCode() {
		t.Error("behind a trusted proxy, no code is asked for")
	}
}

func TestSetupCode(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	if page := b.get("/setup"); !strings.Contains(page.body, `name="code"`) ||
		!strings.Contains(page.body, "Restart Rollcall") {
		t.Errorf("without a code, the page doesn't say how to get one:\n%s", page.body)
	}
	form := setupForm("clara")
	form.Set("code", "anything")
	wantStatus(t, "POST /setup before there is a code", b.do("POST", "/setup", form), http.StatusForbidden)
	code, err := f.store.MakeSetupCode(acting(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if page := b.get("/setup"); strings.Contains(page.body, "Restart Rollcall") || strings.Contains(page.body, code) {
		t.Errorf("with a code, the page asks for a restart or shows the code:\n%s", page.body)
	}
	for typed, says := range map[string]string{"": "Type the setup code.", code[:len(code)-1]: "Wrong setup code.",
		code + "x": "Wrong setup code."} {
		form.Set("code", typed)
		a := b.do("POST", "/setup", form)
		if a.StatusCode < 400 || !strings.Contains(a.body, says) || !strings.Contains(a.body, `value="Harbor Works"`) {
			t.Errorf("POST /setup with the code %q = %d, want %q and what was typed:\n%s", typed, a.StatusCode, says, a.body)
		}
	}
	form.Set("code", " "+strings.ToUpper(strings.ReplaceAll(code, "-", " ")))
	wantRedirect(t, "POST /setup with the code as somebody types it", b.do("POST", "/setup", form), "/")
}

// Each address has a few attempts at the code. Others aren't locked out, and the right code counts for nothing.
func TestSetupCodeAttempts(t *testing.T) {
	f := newFixture(t)
	code, err := f.store.MakeSetupCode(acting(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	right, wrong := setupForm("c"), setupForm("clara") // the first has an invalid name
	right.Set("code", code)
	wrong.Set("code", "guess")
	b := f.browser()
	for range 2 * failuresOfSetup {
		wantStatus(t, "POST /setup with an invalid name", b.do("POST", "/setup", right), http.StatusUnprocessableEntity)
	}
	for range failuresOfSetup {
		wantStatus(t, "POST /setup with a wrong code", b.do("POST", "/setup", wrong), http.StatusForbidden)
	}
	right.Set("username", "clara")
	wantStatus(t, "POST /setup after too many attempts", b.do("POST", "/setup", right), http.StatusTooManyRequests)
	other := f.browser()
	other.remote = "198.51.100.7:4000"
	wantRedirect(t, "POST /setup from another address", other.do("POST", "/setup", right), "/")
}

func TestSetUpSaysWhatIsWrong(t *testing.T) {
	f := newFixture(t, local)
	a := f.localBrowser().do("POST", "/setup", url.Values{"board_name": {"  "}, "username": {"."}, "password": {"short"}})
	wantStatus(t, "POST /setup", a, http.StatusUnprocessableEntity)
	for _, want := range []string{"Type a name for the board.", "Use 8 characters or more.", `id="username-error"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the form doesn't say %q:\n%s", want, a.body)
		}
	}
	cross := f.localBrowser()
	cross.header.Set("Sec-Fetch-Site", "cross-site")
	wantStatus(t, "POST /setup from another site", cross.do("POST", "/setup", setupForm("eve")), http.StatusForbidden)
	if empty, err := f.store.Empty(t.Context()); !empty || err != nil {
		t.Errorf("a refused set-up made an account (%v)", err)
	}
}

// The name that an operator gave wins: set-up doesn't ask for one, and stores none.
func TestSetUpWithAFixedName(t *testing.T) {
	f := newFixture(t, local, func(cfg *Config) { cfg.Fixed.BoardName = "Ours" })
	b := f.localBrowser()
	if page := b.get("/setup"); strings.Contains(page.body, `name="board_name"`) {
		t.Errorf("set-up asks for a name although there is one:\n%s", page.body)
	}
	wantRedirect(t, "POST /setup", b.do("POST", "/setup", setupForm("clara")), "/")
	if x, err := f.store.Settings(t.Context()); x.BoardName != "" || err != nil {
		t.Errorf("the stored name = %q, %v, want none", x.BoardName, err)
	}
	if page := b.get("/"); !strings.Contains(page.body, "<bdi>Ours</bdi></a>") {
		t.Errorf("the board isn't called Ours:\n%s", page.body)
	}
}

// A name that another replica stored appears here, too.
func TestNameOfAnotherReplica(t *testing.T) {
	f := newFixture(t)
	other, err := accounts.Open(t.Context(), accounts.Config{CheapHashes: true, Path: f.path})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := f.server.live.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := "Harbor Works"
	if _, err := other.SetUp(acting(t.Context()), accounts.NewUser{Username: "clara", PasswordHash: goodHash},
		&name); err != nil {
		t.Fatal(err)
	}
	if err := f.server.live.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if page := f.browser().get("/login"); !strings.Contains(page.body, "<bdi>Harbor Works</bdi>") ||
		!strings.Contains(page.body, "Sign in · Harbor Works</title>") {
		t.Errorf("the sign-in page isn't called Harbor Works:\n%s", page.body)
	}
}

// Two people who set up a board at once: one gets it, the other learns that it's taken.
func TestSetUpAtOnce(t *testing.T) {
	for range 5 {
		f := newFixture(t, local)
		var answers [2]answer
		var together sync.WaitGroup
		browsers := [2]*browser{f.localBrowser(), f.localBrowser()}
		for i, name := range []string{"first", "second"} {
			together.Go(func() { answers[i] = browsers[i].do("POST", "/setup", setupForm(name)) })
		}
		together.Wait()
		won, lost := answers[0], answers[1]
		if won.StatusCode == http.StatusConflict {
			won, lost = lost, won
		}
		wantRedirect(t, "POST /setup of the faster one", won, "/")
		wantStatus(t, "POST /setup of the slower one", lost, http.StatusConflict)
		if users, err := f.store.Users(t.Context(), "", 10); len(users) != 1 || err != nil {
			t.Fatalf("there are %d accounts (%v), want 1", len(users), err)
		}
	}
}

// What a board of one tells its owner to restart with has the port that it has now.
func TestPortOf(t *testing.T) {
	for host, want := range map[string]string{"localhost:9000": "9000", "[::1]:80": "80", "localhost": "8080", "[::1]": "8080"} {
		if got := portOf(host); got != want {
			t.Errorf("portOf(%q) = %q, want %q", host, got, want)
		}
	}
}

// The sign-in page tells newcomers how to join, unless nobody can.
func TestSignInPageSaysHowToJoin(t *testing.T) {
	account, invitation := "Create an account", "Ask an administrator for an invitation link"
	for mode, want := range map[string]string{
		accounts.SignUpOpen: account, accounts.SignUpApprove: account, accounts.SignUpInvite: invitation, accounts.SignUpOff: "",
	} {
		f := newFixture(t, func(cfg *Config) { cfg.Fixed.SignUp = mode })
		f.person("ada")
		page := f.browser().get("/login").body
		for _, text := range []string{account, invitation} {
			if got := strings.Contains(page, text); got != (text == want) {
				t.Errorf("with sign-up %s, the page has %q: %t", mode, text, got)
			}
		}
	}
}

// The address to send to others is the public one, or the one that this browser uses.
func TestAddressToSend(t *testing.T) {
	for _, tt := range []struct {
		change func(*Config)
		host   string
		want   string
		says   string
	}{
		{publicURL(t, "https://board.example/here"), "board.example", "https://board.example/here/",
			"Send this address to your team"},
		{func(*Config) {}, "192.0.2.7:8080", "http://192.0.2.7:8080/", "Send this address to your team"},
		{func(*Config) {}, "127.0.0.1:8080", "http://127.0.0.1:8080/", "works only on this computer"},
		{func(cfg *Config) { cfg.Fixed.SignUp = accounts.SignUpOff }, "192.0.2.7", "http://192.0.2.7/", "Create an invitation link"},
	} {
		f := newFixture(t, tt.change)
		b := f.member("clara")
		b.host = tt.host
		page := b.get(f.server.site.path("/"))
		if !strings.Contains(page.body, `value="`+tt.want+`"`) || !strings.Contains(page.body, tt.says) {
			t.Errorf("the board at %s doesn't hold %s and %q:\n%s", tt.host, tt.want, tt.says, page.body)
		}
		f.person("bob")
		if page := b.get(f.server.site.path("/")); strings.Contains(page.body, `id="first"`) {
			t.Errorf("a board with two accounts has the first-run panel:\n%s", page.body)
		}
	}
}
