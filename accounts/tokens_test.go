package accounts

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// published is the pattern in docs/security.md, for programs that look for leaked secrets.
var published = regexp.MustCompile(`\brollcall(app)?_[0-9A-Za-z]{46}\b`)

func TestTokenText(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		text, hash := newAccessToken()
		if len(text) != 55 || published.FindString("token="+text+" ") != text || !IsToken(text) || hash != hashToken([]byte(text)) {
			t.Fatalf("newAccessToken = %q, %q, want 55 characters of the published pattern that pass", text, hash)
		}
		if seen[text] {
			t.Fatalf("newAccessToken returned %q twice", text)
		}
		seen[text] = true
	}
	text, _ := newAccessToken()
	for i := range len(text) {
		for _, c := range base62 + "_-. " {
			changed := text[:i] + string(c) + text[i+1:]
			if changed != text && IsToken(changed) {
				t.Errorf("IsToken(%q) = true, which differs from %q in one character", changed, text)
			}
		}
	}
	for _, other := range []string{"", "rollcall_", text + "0", text[1:], strings.ToUpper(text), "rollcallapp_" + text[9:]} {
		if IsToken(other) {
			t.Errorf("IsToken(%q) = true, want false", other)
		}
	}
}

func FuzzIsToken(f *testing.F) {
	text, _ := newAccessToken()
	f.Add(text)
	f.Add("rollcall_")
	f.Fuzz(func(t *testing.T, text string) {
		if IsToken(text) && !published.MatchString(text) {
			t.Errorf("IsToken(%q) = true, but it doesn't match the published pattern", text)
		}
	})
}

// lamp makes a token of a user with one scope.
func lamp(t *testing.T, s *Store, userID string, scopes ...Scope) (string, Token) {
	t.Helper()
	if scopes == nil {
		scopes = []Scope{ReadMe}
	}
	text, made, err := s.CreateToken(t.Context(), NewToken{UserID: userID, Name: "Lamp", Scopes: scopes})
	do(t, "CreateToken", err)
	return text, made
}

func TestTokens(t *testing.T) { onEach(t, testTokens) }

func testTokens(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	u := add(t, s, "ada", "", "")
	text, made, err := s.CreateToken(t.Context(), NewToken{UserID: u.ID, Name: "  Desk   lamp ",
		Scopes: []Scope{ReadRoster, ReadMe, ReadRoster}})
	do(t, "CreateToken", err)
	want := Token{ID: made.ID, UserID: u.ID, Name: "Desk lamp", Scopes: []Scope{ReadMe, ReadRoster}, CreatedAt: c.now(),
		ExpiresAt: c.now().Add(TokenLife)}
	for what, get := range map[string]func() (Token, error){
		"CreateToken": func() (Token, error) { return made, nil },
		"TokenByText": func() (Token, error) {
			x, user, err := s.TokenByText(t.Context(), text)
			if user.ID != u.ID {
				t.Errorf("TokenByText = the user %q, want %q", user.ID, u.ID)
			}
			return x, err
		},
		"Tokens":    func() (Token, error) { all, err := s.Tokens(t.Context(), u.ID); return all[0], err },
		"AllTokens": func() (Token, error) { all, err := s.AllTokens(t.Context(), ""); return all[0], err },
	} {
		if got, err := get(); err != nil || !sameToken(got, want) {
			t.Errorf("%s = %+v, %v, want %+v", what, got, err, want)
		}
	}
	if !made.Has(ReadMe) || made.Has(WriteMe) {
		t.Errorf("%v.Has: want only what it was given", made.Scopes)
	}
	c.add(time.Hour)
	do(t, "TouchTokens", s.TouchTokens(t.Context(), map[string]time.Time{made.ID: c.now(), "unknown": c.now()}))
	if got, _, err := s.TokenByText(t.Context(), text); err != nil || !got.UsedAt.Equal(c.now()) {
		t.Errorf("TokenByText after a use = %+v, %v, want the time of use", got, err)
	}
	never, err2 := createFor(s, t.Context(), NewToken{UserID: u.ID, Scopes: []Scope{ReadMe}, Life: Forever})
	if err2 != nil || !never.ExpiresAt.IsZero() || never.Name != "Token" {
		t.Errorf("CreateToken for ever = %+v, %v, want no end and a name", never, err2)
	}
	c.add(TokenLife)
	_, _, err = s.TokenByText(t.Context(), text)
	wantErr(t, "TokenByText of an expired token", err, ErrNoToken)
	other, _ := newAccessToken()
	for _, wrong := range []string{other, "nonsense", ""} {
		_, _, err = s.TokenByText(t.Context(), wrong)
		wantErr(t, "TokenByText("+wrong+")", err, ErrNoToken)
	}
	if all, err := s.Tokens(t.Context(), u.ID); err != nil || len(all) != 1 || all[0].ID != never.ID {
		t.Errorf("Tokens = %+v, %v, want only the one that never expires", all, err)
	}
}

func sameToken(a, b Token) bool {
	return a.ID == b.ID && a.UserID == b.UserID && a.Name == b.Name && slices.Equal(a.Scopes, b.Scopes) && a.Parent == b.Parent &&
		a.CreatedAt.Equal(b.CreatedAt) && a.ExpiresAt.Equal(b.ExpiresAt) && a.UsedAt.Equal(b.UsedAt)
}

func createFor(s *Store, ctx context.Context, n NewToken) (Token, error) {
	_, made, err := s.CreateToken(ctx, n)
	return made, err
}

// Wrong input is refused, with everything that is wrong.
func TestTokensRefused(t *testing.T) {
	s := open(t, Config{})
	u := add(t, s, "ada", "", "")
	for _, tt := range []struct {
		n    NewToken
		want string
	}{
		{NewToken{UserID: u.ID}, "scopes: missing"},
		{NewToken{UserID: u.ID, Scopes: []Scope{"me:all"}}, "scopes: not_an_option: me:all"},
		{NewToken{UserID: u.ID, Scopes: []Scope{Administer}}, "scopes: not_allowed: admin"},
		{NewToken{UserID: u.ID, Scopes: []Scope{ReadMe}, Life: MaxTokenLife + 1}, "expires: out_of_range (limit 365)"},
		{NewToken{UserID: u.ID, Scopes: []Scope{ReadMe}, Life: -2}, "expires: out_of_range (limit 365)"},
		{NewToken{UserID: u.ID, Name: strings.Repeat("x", 65), Life: -2}, "name: too_long (limit 64); scopes: missing; expires: out_of_range (limit 365)"},
	} {
		_, err := createFor(s, t.Context(), tt.n)
		wrong := WrongFields(err)
		if wrong == nil || wrong.Error() != tt.want {
			t.Errorf("CreateToken(%+v) = %v, want %s", tt.n, err, tt.want)
		}
	}
	_, err := createFor(s, t.Context(), NewToken{UserID: "nobody", Scopes: []Scope{ReadMe}})
	wantErr(t, "CreateToken for nobody", err, ErrNotFound)
}

// A user has at most MaxTokens. Expired ones don't count.
func TestTokensAreBounded(t *testing.T) {
	c := newClock()
	s := open(t, Config{Now: c.now})
	u, v := add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
	for range MaxTokens {
		lamp(t, s, u.ID)
	}
	lamp(t, s, v.ID)
	_, err := createFor(s, t.Context(), NewToken{UserID: u.ID, Scopes: []Scope{ReadMe}})
	if wrong := WrongFields(err); wrong == nil || wrong.Error() != "tokens: too_many (limit 20)" {
		t.Errorf("CreateToken above the limit = %v, want too_many", err)
	}
	c.add(TokenLife)
	lamp(t, s, u.ID)
}

// A token that a token makes can do no more, ends no later, ends with it, and can't make tokens itself.
func TestTokensOfTokens(t *testing.T) { onEach(t, testTokensOfTokens) }

func testTokensOfTokens(t *testing.T, db database) {
	s := db.open(t, Config{})
	u := add(t, s, "ada", "", "")
	_, parent := lamp(t, s, u.ID, WriteMe, ReadMe)
	child, err := createFor(s, t.Context(), NewToken{UserID: u.ID, Scopes: []Scope{ReadMe}, Life: Forever, Parent: parent})
	if err != nil || !child.ExpiresAt.Equal(parent.ExpiresAt) || child.Parent != parent.ID {
		t.Errorf("CreateToken by a token = %+v, %v, want the end of its parent", child, err)
	}
	for what, n := range map[string]NewToken{
		"scopes: not_allowed: roster:read": {UserID: u.ID, Scopes: []Scope{ReadRoster}, Parent: parent},
		"tokens: not_allowed":              {UserID: u.ID, Scopes: []Scope{ReadMe}, Parent: child},
	} {
		_, err := createFor(s, t.Context(), n)
		if wrong := WrongFields(err); wrong == nil || wrong.Error() != what {
			t.Errorf("CreateToken = %v, want %s", err, what)
		}
	}
	rev := mustRev(t, s)
	do(t, "RevokeToken", s.RevokeToken(t.Context(), u.ID, parent.ID))
	wantErr(t, "RevokeToken of a token that ended with its parent", s.RevokeToken(t.Context(), u.ID, child.ID), ErrNoToken)
	wantEnded(t, s, rev, "a token with a child", parent.ID, child.ID)
}

// wantEnded fails the test unless exactly these tokens ended since rev.
func wantEnded(t *testing.T, s *Store, rev int64, what string, want ...string) {
	t.Helper()
	c, err := s.Changes(t.Context(), rev)
	slices.Sort(c.Tokens)
	if slices.Sort(want); err != nil || !slices.Equal(c.Tokens, want) {
		t.Errorf("%s: ended tokens = %v, %v, want %v", what, c.Tokens, err, want)
	}
}

// Everything that ends a token tells other processes.
func TestWhatEndsTokens(t *testing.T) { onEach(t, testWhatEndsTokens) }

func testWhatEndsTokens(t *testing.T, db database) {
	s := db.open(t, Config{})
	for what, end := range map[string]func(ctx context.Context, u User, x Token) error{
		"revoke":  func(ctx context.Context, u User, x Token) error { return s.RevokeToken(ctx, u.ID, x.ID) },
		"disable": func(ctx context.Context, u User, _ Token) error { return s.SetDisabled(ctx, u.ID, true) },
		"delete":  func(ctx context.Context, u User, _ Token) error { return s.Delete(ctx, u.ID) },
		"set-password": func(ctx context.Context, u User, _ Token) error {
			return s.SetPassword(ctx, u.ID, "another phrase", "")
		},
		"reset-password": func(ctx context.Context, u User, _ Token) error {
			token, err := s.MakeResetLink(ctx, u.ID)
			return errors.Join(err, s.ResetPassword(ctx, token, "another phrase"))
		},
		"ended": func(ctx context.Context, u User, _ Token) error {
			_, err := s.SignOut(ctx, []string{u.ID})
			return err
		},
		"end-others": func(ctx context.Context, u User, _ Token) error {
			_, err := s.EndOtherSessions(ctx, u.ID, "", true)
			return err
		},
		"demote": func(ctx context.Context, u User, _ Token) error { return s.SetAdmin(Forced(ctx), u.ID, false) },
	} {
		u := add(t, s, what, "", "")
		do(t, "SetAdmin", s.SetAdmin(t.Context(), u.ID, true))
		text, x := lamp(t, s, u.ID, Administer)
		rev := mustRev(t, s)
		do(t, what, end(Forced(t.Context()), u, x))
		wantEnded(t, s, rev, what, x.ID)
		_, _, err := s.TokenByText(t.Context(), text)
		wantErr(t, "TokenByText after "+what, err, ErrNoToken)
	}
	u, v := add(t, s, "kept", "", ""), add(t, s, "vic", "", "")
	do(t, "SetAdmin", s.SetAdmin(t.Context(), u.ID, true))
	text, x := lamp(t, s, u.ID)
	rev := mustRev(t, s)
	do(t, "EndOtherSessions", second(s.EndOtherSessions(t.Context(), u.ID, "", false)))
	do(t, "SetAdmin", s.SetAdmin(Forced(t.Context()), u.ID, false))
	wantErr(t, "RevokeToken of somebody else", s.RevokeToken(t.Context(), v.ID, x.ID), ErrNoToken)
	wantEnded(t, s, rev, "what ends no token")
	if _, _, err := s.TokenByText(t.Context(), text); err != nil {
		t.Errorf("TokenByText = %v, want the token", err)
	}
}

// A token that nobody has used for a year ends, also one that never expires.
func TestUnusedTokensEnd(t *testing.T) {
	c := newClock()
	s := open(t, Config{Now: c.now})
	u := add(t, s, "ada", "", "")
	unused, err := createFor(s, t.Context(), NewToken{UserID: u.ID, Scopes: []Scope{ReadMe}, Life: Forever})
	do(t, "CreateToken", err)
	used, err := createFor(s, t.Context(), NewToken{UserID: u.ID, Scopes: []Scope{ReadMe}, Life: Forever})
	do(t, "CreateToken", err)
	lamp(t, s, u.ID) // expires
	c.add(TokenUnused)
	do(t, "TouchTokens", s.TouchTokens(t.Context(), map[string]time.Time{used.ID: c.now()}))
	rev := mustRev(t, s)
	do(t, "Prune", s.Prune(t.Context()))
	wantEnded(t, s, rev, "a prune within the year")
	c.add(time.Second)
	do(t, "Prune", s.Prune(t.Context()))
	wantEnded(t, s, rev, "a prune after a year", unused.ID)
	if n := countRows(t, s, "tokens"); n != 1 {
		t.Errorf("%d tokens are stored, want only the used one", n)
	}
}

func countRows(t *testing.T, s *Store, table string) (n int) {
	t.Helper()
	do(t, "count", s.r.queryRow(t.Context(), "SELECT count(*) FROM "+table, nil, &n))
	return n
}

// The audit log has who made and revoked tokens, but not when people did it themselves: that would tell when they were
// here.
func TestTokensAreAudited(t *testing.T) {
	c := newClock()
	s := open(t, Config{Now: c.now})
	u := add(t, s, "ada", "", "")
	own := As(t.Context(), ByUser(u.ID))
	text, made, err := s.CreateToken(own, NewToken{UserID: u.ID, Scopes: []Scope{ReadMe, WriteMe}})
	do(t, "CreateToken", err)
	do(t, "RevokeToken", s.RevokeToken(t.Context(), u.ID, made.ID))
	lines, err := s.Audit(t.Context(), AuditQuery{Target: TargetUser(u.ID)})
	do(t, "Audit", err)
	byAction := map[Action]Entry{}
	for _, e := range lines {
		byAction[e.Action] = e
		for _, value := range e.Detail {
			if strings.Contains(value, text) {
				t.Errorf("the line %+v has the token", e)
			}
		}
	}
	created, revoked := byAction[TokenCreated], byAction[TokenRevoked]
	if created.Detail["scopes"] != "me:read me:write" || created.At.Equal(c.now()) || created.Actor != ByUser(u.ID) {
		t.Errorf("the line about the person's own token = %+v, want the scopes and only the day", created)
	}
	if revoked.Detail["tokens"] != "1" || !revoked.At.Equal(c.now()) {
		t.Errorf("the line about a revocation by somebody else = %+v, want its time", revoked)
	}
}

// Nobody fills the audit log by making and revoking tokens, not even with a token.
func TestTokensPerDay(t *testing.T) { onEach(t, testTokensPerDay) }

func testTokensPerDay(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	u := add(t, s, "ada", "", "")
	ctx := As(t.Context(), ByUser(u.ID))
	_, parent, err := s.CreateToken(ctx, NewToken{UserID: u.ID, Scopes: []Scope{WriteMe}})
	do(t, "CreateToken", err)
	make := func() error {
		_, made, err := s.CreateToken(ctx, NewToken{UserID: u.ID, Scopes: []Scope{WriteMe}, Parent: parent})
		if err == nil {
			err = s.RevokeToken(ctx, u.ID, made.ID)
		}
		return err
	}
	for range TokensPerDay - 1 {
		do(t, "CreateToken", make())
	}
	if wrong := WrongFields(make()); len(wrong) != 1 || wrong[0].Field != "tokens" || wrong[0].Detail != "day" {
		t.Errorf("one token more on that day = %v, want too many", wrong)
	}
	lamp(t, s, u.ID) // by an operator
	c.add(wholeDay)
	do(t, "CreateToken on the next day", make())
}
