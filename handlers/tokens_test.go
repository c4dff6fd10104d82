package handlers

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
)

var tokenPattern = regexp.MustCompile(`rollcall_[0-9A-Za-z]{46}`)

// In the settings, people make a token, which is shown once, and revoke it.
func TestTokensInSettings(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	ada := f.browser()
	ada.enter("ada")
	if page := ada.get("/settings").body; !strings.Contains(page, `href="/settings/tokens"`) {
		t.Errorf("the settings don't lead to the tokens:\n%s", page)
	}
	if page := ada.get("/settings/tokens").body; !strings.Contains(page, "You have no tokens.") || strings.Contains(page, `value="admin"`) {
		t.Errorf("the page of somebody without tokens:\n%s", page)
	}
	a := ada.do("POST", "/settings/tokens", url.Values{"name": {"Desk lamp"}, "scope": {"me:read", "roster:read"}, "expires": {"30"}})
	wantStatus(t, "POST /settings/tokens", a, http.StatusOK)
	text := tokenPattern.FindString(a.body)
	token, _, err := f.store.TokenByText(t.Context(), text)
	if err != nil || token.Name != "Desk lamp" || len(token.Scopes) != 2 || token.ExpiresAt.Sub(token.CreatedAt) != 30*24*time.Hour {
		t.Fatalf("the page shows the token of %+v, %v, want the one that was made:\n%s", token, err, a.body)
	}
	page := ada.get("/settings/tokens").body
	if strings.Contains(page, text) || !strings.Contains(page, "<bdi>Desk lamp</bdi>") ||
		!strings.Contains(page, "me:read, roster:read") || !strings.Contains(page, "never used") {
		t.Errorf("the list has the token's text, or not the rest of it:\n%s", page)
	}
	if strings.Contains(f.logs.String(), text) {
		t.Error("the log has the token")
	}
	if stored := ada.get("/settings/my-data.json").body; !strings.Contains(stored, `"name": "Desk lamp"`) || strings.Contains(stored, text) {
		t.Errorf("my-data.json = %s, want the token without its text", stored)
	}
	wantRedirect(t, "POST revoke", ada.do("POST", "/settings/tokens/revoke", url.Values{"token": {token.ID}}),
		"/settings/tokens?saved=revoked")
	if page := ada.get("/settings/tokens?saved=revoked").body; !strings.Contains(page, "Revoked.") || !strings.Contains(page, "no tokens") {
		t.Errorf("the page after revoking:\n%s", page)
	}
	wantRedirect(t, "POST revoke again", ada.do("POST", "/settings/tokens/revoke", url.Values{"token": {token.ID}}),
		"/settings/tokens?saved=revoked")
	wantRedirect(t, "GET revoke", ada.get("/settings/tokens/revoke"), "/settings/tokens")
}

// A form that is refused keeps what was typed.
func TestTokensRefusedInSettings(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	ada := f.browser()
	ada.enter("ada")
	for _, tt := range []struct {
		form url.Values
		want []string
	}{
		{url.Values{"name": {"Lamp"}, "expires": {"7"}},
			[]string{"Choose at least one thing that the token can do.", `value="Lamp"`, `<option value="7" selected>`}},
		{url.Values{"name": {strings.Repeat("x", 65)}, "scope": {"roster:read"}},
			[]string{"Use 64 characters or fewer.", `value="roster:read" checked`}},
		{url.Values{"name": {"Lamp"}, "scope": {"nonsense"}}, []string{"Choose scopes from the list."}},
		{url.Values{"name": {"Lamp"}, "scope": {"me:read"}, "expires": {"soon"}}, []string{"Choose 1 to 365 days."}},
		{url.Values{"name": {"Lamp"}, "scope": {"admin"}}, []string{"Only administrators can have tokens with the scope admin."}},
	} {
		a := ada.do("POST", "/settings/tokens", tt.form)
		wantStatus(t, "POST "+tt.form.Encode(), a, http.StatusUnprocessableEntity)
		for _, want := range tt.want {
			if !strings.Contains(a.body, want) {
				t.Errorf("POST %s doesn't say %q:\n%s", tt.form.Encode(), want, a.body)
			}
		}
	}
	for range accounts.MaxTokens {
		_, _, err := f.store.CreateToken(acting(t.Context()), accounts.NewToken{UserID: f.uid("ada"), Scopes: []accounts.Scope{accounts.ReadMe}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if page := ada.get("/settings/tokens").body; !strings.Contains(page, "which is the limit") || strings.Contains(page, "Create token") {
		t.Errorf("the page of somebody with all tokens:\n%s", page)
	}
	a := ada.do("POST", "/settings/tokens", url.Values{"scope": {"me:read"}})
	if wantStatus(t, "POST above the limit", a, 422); !strings.Contains(a.body, "You can have up to 20 access tokens. Revoke one first.") {
		t.Errorf("the page above the limit:\n%s", a.body)
	}
}

// Making a token needs a proof of who does it, with two factors for one that can administer where the operator wants
// that.
func TestTokensNeedProof(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.SecondFactor = true })
	f.person("ada")
	ada := f.browser()
	ada.enter("ada")
	f.must(f.store.SetAdmin(acting(t.Context()), f.uid("ada"), true))
	form := url.Values{"name": {"Lamp"}, "scope": {"me:read"}}
	wantStatus(t, "POST after a proof", ada.do("POST", "/settings/tokens", form), http.StatusOK)
	form.Add("scope", "admin")
	a := ada.do("POST", "/settings/tokens", form)
	if wantStatus(t, "POST with the scope admin after one factor", a, http.StatusForbidden); tokenPattern.MatchString(a.body) {
		t.Error("a token that can administer was made with one factor")
	}
	f.age(ada)
	form = url.Values{"name": {"Lamp"}, "scope": {"me:read"}}
	a = ada.do("POST", "/settings/tokens", form)
	wantStatus(t, "POST without a proof", a, http.StatusForbidden)
	if !strings.Contains(a.body, `name="scope" value="me:read"`) {
		t.Errorf("the page that asks for a proof doesn't keep the form:\n%s", a.body)
	}
	if all, err := f.store.Tokens(t.Context(), f.uid("ada")); err != nil || len(all) != 1 {
		t.Errorf("there are %d tokens, %v, want the one that was made with a proof", len(all), err)
	}
}

// Signing out all other devices revokes tokens only if the form says so.
func TestTokensEndWithDevices(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	ada := f.browser()
	ada.enter("ada")
	text, _, err := f.store.CreateToken(acting(t.Context()), accounts.NewToken{UserID: f.uid("ada"), Scopes: []accounts.Scope{accounts.ReadMe}})
	f.must(err)
	ada.do("POST", "/settings/sessions/end-others", url.Values{})
	if _, _, err := f.store.TokenByText(t.Context(), text); err != nil {
		t.Errorf("after signing out others: %v, want the token", err)
	}
	ada.do("POST", "/settings/sessions/end-others", url.Values{"tokens": {"on"}})
	if _, _, err := f.store.TokenByText(t.Context(), text); err != accounts.ErrNoToken {
		t.Errorf("after signing out others with tokens: %v, want %v", err, accounts.ErrNoToken)
	}
}
