package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// tokensRoutes lists the URLs of the settings about access tokens.
func (s *Server) tokensRoutes(member group) {
	at := s.site.path
	member.get(at("/settings/tokens"), s.tokensPage)
	member.post(at("/settings/tokens/revoke"), s.revokeToken) // no proof: a thief gains nothing from it
	member.get(at("/settings/tokens/revoke"), s.toTokens)     // for reloads of a refused form
	proven := s.group(policy{compress: true, proof: true, asAdmin: asksForAdmin})
	proven.post(at("/settings/tokens"), s.createToken)
}

// asksForAdmin reports whether a form asks for a token with which somebody can administer.
func asksForAdmin(fields url.Values) bool {
	return slices.Contains(fields["scope"], string(accounts.Administer))
}

// tokensPage shows the person's access tokens and the form for a new one.
func (s *Server) tokensPage(c echo.Context) error {
	p, err := s.tokens(c)
	if err != nil {
		return err
	}
	p.Saved = c.QueryParam("saved")
	return s.page(c, http.StatusOK, p)
}

// toTokens redirects people who load the address of a form.
func (s *Server) toTokens(c echo.Context) error {
	return s.redirect(c, s.site.path("/settings/tokens"))
}

func (s *Server) tokens(c echo.Context) (ui.TokensPage, error) {
	v := signedIn(c)
	p := ui.TokensPage{Layout: s.layout(c, ""), Max: accounts.MaxTokens, Admins: v.user.Admin, API: s.link(c, "/api/v1", ""),
		Expires: "90", Chosen: []string{string(accounts.ReadMe)}}
	all, err := s.cfg.Accounts.Tokens(c.Request().Context(), v.user.ID)
	if err != nil {
		return p, unavailable(fmt.Errorf("tokens: %w", err))
	}
	for _, x := range all {
		shown := ui.Token{ID: x.ID, Name: x.Name, Child: x.Parent != "", Made: x.CreatedAt, Expires: x.ExpiresAt, Used: x.UsedAt}
		for _, scope := range x.Scopes {
			shown.Scopes = append(shown.Scopes, string(scope))
		}
		p.All = append(p.All, shown)
	}
	return p, nil
}

// createToken makes a token and shows it. Nothing else shows it again.
func (s *Server) createToken(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	n := accounts.NewToken{UserID: signedIn(c).user.ID, Name: text(fields, "name", ""), Life: tokenLife(fields.Get("expires"))}
	for _, scope := range fields["scope"] {
		n.Scopes = append(n.Scopes, accounts.Scope(scope))
	}
	made := ""
	if err = s.limitActs(c); err == nil {
		made, _, err = s.cfg.Accounts.CreateToken(c.Request().Context(), n)
	}
	f := accountFailure(err, "create a token")
	if err != nil && f == nil {
		return notSaved(fmt.Errorf("create token: %w", err))
	}
	p, pageErr := s.tokens(c)
	if pageErr != nil {
		return pageErr
	}
	if err == nil {
		p.Made = made
		return s.page(c, http.StatusOK, p)
	}
	p.Errors, p.Message = f.formErrors(), f.formMessage()
	if full := p.Errors["tokens"]; full != "" {
		p.Message, p.Errors = full, nil
	}
	p.Name, p.Expires, p.Chosen = echoed(n.Name), fields.Get("expires"), fields["scope"]
	return s.form(c, f, p)
}

// tokenLife returns the life that a form chose, in days. For an invalid one it returns a life that accounts refuses.
func tokenLife(chosen string) time.Duration {
	const invalid = -2
	switch days, err := strconv.ParseUint(chosen, 10, 16); {
	case chosen == "":
		return 0
	case chosen == "never":
		return accounts.Forever
	case err != nil || days == 0:
		return invalid
	default:
		return time.Duration(days) * day
	}
}

// revokeToken ends one of the person's tokens.
func (s *Server) revokeToken(c echo.Context) error {
	fields, err := readForm(c.Request())
	if err != nil {
		return err
	}
	if err = s.limitActs(c); err == nil {
		err = s.cfg.Accounts.RevokeToken(c.Request().Context(), signedIn(c).user.ID, fields.Get("token"))
	}
	if err == nil || errors.Is(err, accounts.ErrNoToken) { // in another tab
		return s.redirect(c, s.site.path("/settings/tokens")+"?saved=revoked")
	}
	if f := accountFailure(err, "revoke a token"); f != nil {
		return f
	}
	return notSaved(fmt.Errorf("revoke token: %w", err))
}
