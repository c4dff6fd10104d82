package accounts

import (
	"strings"
	"testing"
	"time"
)

// corp returns an identity at a provider whose key is corp.
func corp(subject string) Identity {
	return Identity{Issuer: "https://login.example", Subject: subject, Provider: "corp", Label: "ada@example.com"}
}

// atCorp is somebody without an account who may have one.
func atCorp(subject string, names ...string) IdentitySignIn {
	return IdentitySignIn{Identity: corp(subject), New: &Newcomer{Usernames: names, DisplayName: "Ada L"},
		SignIn: SignIn{Method: ByProvider, Provider: "corp", ProviderSession: "sid-" + subject}}
}

func TestSignInByIdentity(t *testing.T) { onEach(t, testSignInByIdentity) }

func testSignInByIdentity(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ctx := As(t.Context(), AtProvider("corp"))
	_, _, _, err := s.SignInByIdentity(ctx, atCorp("ada-1", "ada"))
	wantErr(t, "SignInByIdentity on an empty board", err, ErrNotSet)
	boss := add(t, s, "boss", "", "")
	unknown := atCorp("ada-1", "ada")
	unknown.New = nil
	_, _, _, err = s.SignInByIdentity(ctx, unknown)
	wantErr(t, "SignInByIdentity of somebody unknown", err, ErrNoIdentity)

	token, session, user, err := s.SignInByIdentity(ctx, atCorp("ada-1", "Ada"))
	do(t, "SignInByIdentity", err)
	if user.Username != "ada" || user.DisplayName != "Ada L" || session.Method != ByProvider ||
		session.ExpiresAt.Sub(c.now()) != ProviderSessionLife {
		t.Errorf("SignInByIdentity = %+v, %+v", session, user)
	}
	if read, _, err := s.SessionByToken(ctx, token); err != nil || read.ProviderSession != "sid-ada-1" {
		t.Errorf("SessionByToken = %+v, %v", read, err)
	}
	_, err = s.Authenticate(ctx, "ada", "")
	wantErr(t, "Authenticate without a password", err, ErrCredentials)
	_, _, again, err := s.SignInByIdentity(ctx, atCorp("ada-1", "other"))
	do(t, "SignInByIdentity", err)
	other := atCorp("ada-1", "ada")
	other.Identity.Issuer = "https://other.example"
	_, _, namesake, err := s.SignInByIdentity(ctx, other)
	do(t, "SignInByIdentity", err)
	if again.ID != user.ID || namesake.ID == user.ID || namesake.Username != "ada-2" {
		t.Errorf("the same person is %s, want %s; the one of another issuer is %s", again.ID, user.ID, namesake.Username)
	}

	x := atCorp("ada-1")
	x.SignIn.Spends = []Once{{Secret: "state", ExpiresAt: c.now().Add(time.Minute)}}
	_, _, _, err = s.SignInByIdentity(ctx, x)
	do(t, "SignInByIdentity", err)
	_, _, _, err = s.SignInByIdentity(ctx, x)
	wantErr(t, "SignInByIdentity with a spent state", err, ErrSpent)

	do(t, "SetDisabled", s.SetDisabled(As(ctx, ByUser(boss.ID)), user.ID, true))
	x = atCorp("ada-1")
	x.Grants, x.Identity.Label = Grants{SetAdmin: true, Admin: true, SetTeam: true, Team: "Ops"}, "new label"
	_, _, _, err = s.SignInByIdentity(ctx, x)
	wantErr(t, "SignInByIdentity of somebody disabled", err, ErrDisabled)
	now, err := s.UserByID(ctx, user.ID)
	do(t, "UserByID", err)
	all, err := s.Identities(ctx, user.ID)
	do(t, "Identities", err)
	if !now.Disabled || now.Admin || now.Team != "" || len(all) != 1 || all[0].Label != "ada@example.com" {
		t.Errorf("signing in changed somebody disabled: %+v, %+v", now, all)
	}
}

// A new account gets the address that its provider has verified, unless somebody else has it. It links nothing.
func TestNewcomersEmail(t *testing.T) { onEach(t, testNewcomersEmail) }

func testNewcomersEmail(t *testing.T, db database) {
	s, _ := mailing(t, db)
	withAddress(t, s, add(t, s, "boss", "", ""), "Boss@example.org")
	for n, tt := range []struct{ email, want string }{
		{"Ada@example.org", "Ada@example.org"}, {"ada@EXAMPLE.org", ""}, {"boss@example.org", ""}, {"", ""}, {"", ""},
		{"no address", ""}, {"ada@localhost.", ""},
	} {
		x := atCorp(strings.Repeat("s", n+1), "new")
		x.New.Email, x.New.Approval = tt.email, n == 0
		_, _, u, err := s.SignInByIdentity(t.Context(), x)
		if n == 0 {
			wantErr(t, "SignInByIdentity of a newcomer", err, ErrWaiting)
		} else {
			do(t, "SignInByIdentity", err)
		}
		if email, err := s.Email(t.Context(), u.ID); err != nil || email != tt.want || u.Username == "boss" {
			t.Errorf("the address of %s, whose provider says %q, = %q, %v, want %q", u.Username, tt.email, email, err, tt.want)
		}
	}
	u, err := s.UserByName(t.Context(), "new")
	do(t, "UserByName", err)
	do(t, "Approve", s.Approve(t.Context(), u.ID))
	if m := take(t, s); m.Kind != MailApproved || m.UserID != u.ID {
		t.Errorf("TakeMail = %+v, want that they're approved", m)
	}
	x := atCorp("s", "new")
	x.New.Email = "later@example.org"
	_, _, _, err = s.SignInByIdentity(t.Context(), x)
	do(t, "SignInByIdentity", err)
	if email, err := s.Email(t.Context(), u.ID); err != nil || email != "Ada@example.org" {
		t.Errorf("the address after another sign-in = %q, %v, want the first one", email, err)
	}
}

// Somebody who needs approval gets no session, also if they come again, until they're approved.
func TestNewcomerWaits(t *testing.T) { onEach(t, testNewcomerWaits) }

func testNewcomerWaits(t *testing.T, db database) {
	s := db.open(t, Config{})
	add(t, s, "boss", "", "")
	x := atCorp("ada-1", "ada")
	x.New.Approval = true
	x.Grants = Grants{SetAdmin: true, Admin: true}
	var user User
	for range 2 {
		token, _, u, err := s.SignInByIdentity(t.Context(), x)
		wantErr(t, "SignInByIdentity of a newcomer", err, ErrWaiting)
		if token != "" {
			t.Fatal("a newcomer who needs approval has a session")
		}
		if u.ID != "" {
			user = u
		}
	}
	if got, err := s.UserByID(t.Context(), user.ID); err != nil || !got.Disabled || got.Admin {
		t.Errorf("UserByID of a newcomer = %+v, %v", got, err)
	}
	do(t, "Link", s.Link(t.Context(), add(t, s, "bob", "", "").ID, corp("bob-1"))) // who has a password
	if got, err := s.OnlyElsewhere(t.Context()); err != nil || len(got) != 1 || got["corp"] != 1 {
		t.Errorf("OnlyElsewhere = %v, %v, want 1 at corp", got, err)
	}
	do(t, "Approve", s.Approve(t.Context(), user.ID))
	_, _, got, err := s.SignInByIdentity(t.Context(), x)
	do(t, "SignInByIdentity", err)
	if got.ID != user.ID || !got.Admin {
		t.Errorf("after approval = %+v, want an administrator", got)
	}
}

// A provider gives and takes back what it gave, and nothing else.
func TestGrants(t *testing.T) { onEach(t, testGrants) }

func testGrants(t *testing.T, db database) {
	s := db.open(t, Config{})
	boss := add(t, s, "boss", "", "")
	do(t, "SetAdmin", s.SetAdmin(t.Context(), boss.ID, true))
	var user User
	sign := func(provider string, g Grants, wantAdmin bool, wantTeam string) {
		t.Helper()
		x := atCorp("ada-1", "ada")
		x.Identity.Provider, x.SignIn.Provider, x.Grants = provider, provider, g
		_, _, u, err := s.SignInByIdentity(As(t.Context(), AtProvider(provider)), x)
		do(t, "SignInByIdentity", err)
		if user = u; u.Admin != wantAdmin || u.Team != wantTeam {
			t.Errorf("after %+v by %s: admin %t, team %q, want %t and %q", g, provider, u.Admin, u.Team, wantAdmin, wantTeam)
		}
	}
	nothing, gone := Grants{}, Grants{SetAdmin: true, SetTeam: true}
	both := Grants{SetAdmin: true, Admin: true, SetTeam: true, Team: "Ops"}
	sign("corp", both, true, "Ops")
	sign("corp", nothing, true, "Ops")
	sign("other", gone, true, "Ops")
	sign("corp", gone, false, "")

	do(t, "SetTeam", s.SetTeam(t.Context(), user.ID, "Ops"))
	do(t, "SetAdmin", s.SetAdmin(t.Context(), user.ID, true))
	sign("corp", both, true, "Ops")
	sign("corp", gone, true, "Ops")

	do(t, "SetTeam", s.SetTeam(t.Context(), user.ID, ""))
	do(t, "SetAdmin", s.SetAdmin(t.Context(), user.ID, false))
	sign("corp", both, true, "Ops")
	do(t, "SetTeam", s.SetTeam(t.Context(), user.ID, "Art"))
	do(t, "SetAdmin", s.SetAdmin(t.Context(), user.ID, true))
	sign("corp", gone, true, "Art")

	do(t, "SetAdmin", s.SetAdmin(t.Context(), user.ID, false))
	sign("corp", both, true, "Ops")
	do(t, "SetAdmin", s.SetAdmin(t.Context(), boss.ID, false))
	sign("corp", gone, true, "") // the last administrator
	do(t, "SetAdmin", s.SetAdmin(t.Context(), boss.ID, true))
	sign("corp", gone, false, "")
	sign("corp", both, true, "Ops")

	entries, err := readAudit(t.Context(), s.r, sqlAuditByActor, "g", 100, string(AtProvider("corp"))) // those of today, too
	do(t, "readAudit", err)
	for _, e := range entries {
		if e.TellsPresence() != (e.Action != UserCreated) {
			t.Errorf("TellsPresence of %s = %t", e.Action, e.TellsPresence())
		}
	}
	if len(entries) < 10 {
		t.Errorf("the audit log has %d lines of the provider, want at least 10", len(entries))
	}

	all, err := s.Identities(t.Context(), user.ID)
	do(t, "Identities", err)
	wantErr(t, "Unlink of the last way in", s.Unlink(t.Context(), user.ID, all[0].ID(), "", Ways{Providers: []string{"corp"}}),
		ErrLastWayIn)
	do(t, "SetPassword", s.SetPassword(t.Context(), user.ID, secret, ""))
	do(t, "Unlink", s.Unlink(t.Context(), user.ID, all[0].ID(), "", Ways{Providers: []string{"corp"}}))
	if u, err := s.UserByID(t.Context(), user.ID); err != nil || u.Admin || u.Team != "" {
		t.Errorf("after Unlink: %+v, %v, want a member without a team", u, err)
	}
}

func TestLink(t *testing.T) { onEach(t, testLink) }

func testLink(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ada, bob := add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
	once := Once{Secret: "state", ExpiresAt: c.now().Add(time.Minute)}
	do(t, "Link", s.Link(t.Context(), ada.ID, corp("x"), once))
	wantErr(t, "Link with a spent state", s.Link(t.Context(), ada.ID, corp("y"), once), ErrSpent)
	wantErr(t, "Link of somebody else's", s.Link(t.Context(), bob.ID, corp("x")), ErrLinked)
	do(t, "Link again", s.Link(t.Context(), ada.ID, corp("x")))
	for _, wrong := range []string{"", strings.Repeat("x", 256)} {
		if err := s.Link(t.Context(), bob.ID, corp(wrong)); err == nil {
			t.Errorf("Link(%q) = nil, want an error", wrong)
		}
	}
	if u, err := s.UserByIdentity(t.Context(), "https://login.example", "X"); err != ErrNoIdentity {
		t.Errorf("UserByIdentity in another case = %s, %v, want ErrNoIdentity", u.Username, err)
	}
	do(t, "SetDisabled", s.SetDisabled(t.Context(), bob.ID, true))
	wantErr(t, "Link of somebody disabled", s.Link(t.Context(), bob.ID, corp("z")), ErrNotFound)

	_, _, _, err := s.SignInByIdentity(t.Context(), atCorp("x"))
	do(t, "SignInByIdentity", err)
	_, keep, _, err := s.SignInByIdentity(t.Context(), atCorp("x"))
	do(t, "SignInByIdentity", err)
	_, own := signIn(t, s, ada.ID)
	wantErr(t, "Unlink of an identity that somebody else has", s.Unlink(t.Context(), bob.ID, corp("x").ID(), "", Ways{}),
		ErrNoIdentity)
	do(t, "Unlink", s.Unlink(t.Context(), ada.ID, corp("x").ID(), keep.ID, Ways{}))
	wantSessions(t, s, ada.ID, keep.ID, own.ID)
	_, err = s.UserByIdentity(t.Context(), "https://login.example", "x")
	wantErr(t, "UserByIdentity after Unlink", err, ErrNoIdentity)
	for n := range maxIdentities {
		do(t, "Link", s.Link(t.Context(), ada.ID, corp(strings.Repeat("i", n+1))))
	}
	if wrong := WrongFields(s.Link(t.Context(), ada.ID, corp("more"))); len(wrong) != 1 || wrong[0].Code != TooMany {
		t.Errorf("Link of one more = %v, want too many", wrong)
	}
}

// wantSessions compares the sessions of a person, in any order.
func wantSessions(t *testing.T, s *Store, userID string, want ...string) {
	t.Helper()
	sessions, err := s.Sessions(t.Context(), userID)
	do(t, "Sessions", err)
	left := map[string]bool{}
	for _, x := range sessions {
		left[x.ID] = true
	}
	for _, id := range want {
		if !left[id] {
			t.Errorf("session %s has ended", id)
		}
	}
	if len(sessions) != len(want) {
		t.Errorf("%d sessions, want %d", len(sessions), len(want))
	}
}

func TestEndProviderSessions(t *testing.T) { onEach(t, testEndProviderSessions) }

func testEndProviderSessions(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ada := add(t, s, "ada", "", "")
	do(t, "Link", s.Link(t.Context(), ada.ID, corp("ada-1")))
	_, own := signIn(t, s, ada.ID)
	var ids []string
	for _, sid := range []string{"one", "two", ""} {
		x := atCorp("ada-1")
		x.SignIn.ProviderSession = sid
		_, session, _, err := s.SignInByIdentity(t.Context(), x)
		do(t, "SignInByIdentity", err)
		ids = append(ids, session.ID)
	}
	end := func(out ProviderLogout, once string, want int) {
		t.Helper()
		n, err := s.EndProviderSessions(t.Context(), out, Once{once, c.now().Add(time.Minute)})
		if n != want || err != nil {
			t.Errorf("EndProviderSessions(%+v) = %d, %v, want %d", out, n, err, want)
		}
	}
	end(ProviderLogout{Provider: "other", Session: "one"}, "a", 0)
	end(ProviderLogout{Provider: "corp", Issuer: "https://login.example", Subject: "other"}, "b", 0)
	end(ProviderLogout{Provider: "other", Issuer: "https://login.example", Subject: "ada-1"}, "c", 0)
	end(ProviderLogout{Provider: "", Session: ""}, "d", 0)
	wantSessions(t, s, ada.ID, append(ids, own.ID)...)
	end(ProviderLogout{Provider: "corp", Session: "one", Issuer: "https://login.example", Subject: "ada-1"}, "e", 1)
	wantSessions(t, s, ada.ID, ids[1], ids[2], own.ID)
	_, err := s.EndProviderSessions(t.Context(), ProviderLogout{Provider: "corp", Session: "two"}, Once{"e", c.now()})
	wantErr(t, "EndProviderSessions with a spent token", err, ErrSpent)
	end(ProviderLogout{Provider: "corp", Issuer: "https://login.example", Subject: "ada-1"}, "f", 2)
	wantSessions(t, s, ada.ID, own.ID)
}

func TestUsernameFrom(t *testing.T) {
	for text, want := range map[string]string{
		"ada": "ada", "Zoë Ray": "zoe.ray", "ADA_L": "ada_l", "_ada": "ada", "李": "", "": "", "x": "", "a/b": "ab",
		strings.Repeat("a", 40): strings.Repeat("a", 31), strings.Repeat("a", 300): "", "K\u212Aa": "kka",
	} {
		if got := usernameFrom(text); got != want {
			t.Errorf("usernameFrom(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestPickUsername(t *testing.T) {
	s := open(t, Config{})
	long := strings.Repeat("a", 31)
	for n, tt := range []struct{ suggestion, want string }{
		{"boss", "boss"}, {"boss", "boss-2"}, {"Boss", "boss-3"}, {"admin", "admin-2"}, {"李", "person"}, {"李", "person-2"},
		{long, long}, {long, long[:29] + "-2"},
	} {
		if n == 0 {
			add(t, s, "first", "", "")
		}
		x := atCorp(strings.Repeat("s", n+1), "", tt.suggestion)
		_, _, u, err := s.SignInByIdentity(t.Context(), x)
		if err != nil || u.Username != tt.want {
			t.Errorf("the username for %q = %q, %v, want %q", tt.suggestion, u.Username, err, tt.want)
		}
	}
}
