package handlers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// proofAge is how long a proof of who somebody is lasts.
const proofAge = 10 * time.Minute

// The fields of the page that asks for a proof.
const (
	confirmField     = "confirm_password"
	confirmCodeField = "confirm_code"
	confirmedField   = "confirmed" // before a download
)

// proof requires that whoever posts a form has proved in this session within proofAge who they are. Otherwise it
// answers with a page that asks for it and keeps the form. When the proof is right, the form goes on to its handler.
// Before a download, another page has a button for it, because the page that asked would stay, as if nothing had
// happened.
func (s *Server) proof(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Method != http.MethodPost {
			return next(c)
		}
		fields, err := posted(c)
		if err != nil {
			return err
		}
		if asAdmin := policyOf(c).asAdmin; asAdmin != nil && asAdmin(fields) {
			c.Set(asAdminKey, true)
		}
		password, code, typed := fields.Get(confirmField), fields.Get(confirmCodeField), fields.Has(confirmField)
		confirmed := policyOf(c).download && fields.Has(confirmedField)
		for _, name := range []string{confirmField, confirmCodeField, confirmedField} {
			fields.Del(name)
		}
		then := next
		if confirmed {
			then = s.downloadPage
		}
		switch {
		case s.proved(c):
			return then(c)
		case !typed:
			s.metrics.proofs.WithLabelValues(proofAsked).Inc()
			return s.askProof(c, &failure{Status: http.StatusForbidden, Message: "Type your password to confirm that it's you."},
				fields)
		}
		if err := s.prove(c, password, code); err != nil {
			return s.refuseProof(c, err, fields)
		}
		s.metrics.proofs.WithLabelValues(outcome(http.StatusOK)).Inc()
		if !s.proved(c) { // the password alone isn't enough here
			return s.askProof(c, &failure{Status: http.StatusForbidden}, fields)
		}
		return then(c)
	}
}

// proved reports whether the person has proved recently who they are, with two factors where the operator wants that.
func (s *Server) proved(c echo.Context) bool {
	session := signedIn(c).session
	return time.Since(session.ProvedAt) <= proofAge && (session.TwoFactors() || !s.wantsTwoFactors(c))
}

// asAdminKey is set in the Echo context of a request that needs the proof of an administrator.
const asAdminKey = "as administrator"

// wantsTwoFactors reports whether a route is for people who proved two factors.
func (s *Server) wantsTwoFactors(c echo.Context) bool {
	return s.cfg.SecondFactor && (policyOf(c).callers == administrators || c.Get(asAdminKey) != nil)
}

// prove checks the password of the person who is signed in, and a code if they have an authenticator app. It then gives
// their session a new token.
func (s *Server) prove(c echo.Context, password, code string) error {
	ctx, v := c.Request().Context(), signedIn(c)
	_, err := s.cfg.Accounts.TOTP(ctx, v.user.ID)
	wantsCode := err == nil
	if err != nil && !errors.Is(err, accounts.ErrNoTOTP) {
		return err
	}
	var wrong accounts.FieldErrors
	if password == "" {
		wrong = append(wrong, &accounts.FieldError{Field: confirmField, Code: accounts.Missing})
	}
	if wantsCode && code == "" {
		wrong = append(wrong, &accounts.FieldError{Field: confirmCodeField, Code: accounts.Missing})
	}
	if len(wrong) > 0 {
		return wrong
	}
	err = s.attemptOwn(c, password, func(ctx context.Context) error {
		return s.cfg.Accounts.CheckPassword(ctx, v.user.ID, password)
	})
	switch {
	case errors.Is(err, accounts.ErrCredentials):
		return &accounts.FieldError{Field: confirmField, Code: wrongPassword}
	case err != nil:
		return err
	case !wantsCode:
		return s.provedBy(c, accounts.Proof{})
	}
	err = s.attemptCode(ctx, v.user.ID, func() error {
		used, factors, err := s.usedCode(ctx, v.user.ID, code)
		if err != nil {
			return err
		}
		return s.provedBy(c, accounts.Proof{Factors: factors, Used: used})
	})
	if over := (*limited)(nil); errors.As(err, &over) {
		return tooMany("use a code", over)
	}
	if errors.Is(err, accounts.ErrCodeUsed) {
		return &accounts.FieldError{Field: confirmCodeField, Code: wrongOneTimeCode}
	}
	return err
}

// provedBy records the proof and gives the session a new token. Errors: those of accounts.Store.Prove.
func (s *Server) provedBy(c echo.Context, p accounts.Proof) error {
	v := signedIn(c)
	token, err := s.cfg.Accounts.Prove(c.Request().Context(), v.user.ID, v.session.ID, p)
	if err != nil {
		return err
	}
	v.session.ProvedAt, v.session.Factors = time.Now(), p.Factors
	s.keepToken(c, token)
	return nil
}

// refuseProof asks again and says what was wrong.
func (s *Server) refuseProof(c echo.Context, err error, fields url.Values) error {
	f := accountFailure(err, "confirm your password")
	switch {
	case errors.Is(err, accounts.ErrNoSession), errors.Is(err, accounts.ErrDisabled):
		f = &failure{Status: http.StatusForbidden, Heading: "You've been signed out", Message: "Sign in again.", Err: err}
		s.metrics.proofs.WithLabelValues(outcome(f.Status)).Inc()
		return f
	case f == nil:
		f = notSaved(fmt.Errorf("prove: %w", err))
	case len(f.Fields) > 0:
		f.Status = http.StatusForbidden
	}
	s.metrics.proofs.WithLabelValues(outcome(f.Status)).Inc()
	return s.askProof(c, f, fields)
}

// askProof shows the page that asks for a proof. It holds the fields of the form that was posted.
func (s *Server) askProof(c echo.Context, f *failure, fields url.Values) error {
	v := signedIn(c)
	ways, err := s.cfg.Accounts.OwnWays(c.Request().Context(), v.user.ID)
	if err != nil {
		return unavailable(fmt.Errorf("prove: %w", err))
	}
	wrong := f.formErrors()
	p := ui.ProvePage{
		Layout: s.layout(c, ""), Action: c.Request().URL.RequestURI(), Username: v.user.Username,
		Error: wrong[confirmField], CodeError: wrong[confirmCodeField], Message: f.formMessage(),
		Upload: isUpload(c.Request()), Code: ways.TOTP != nil, Passkey: len(ways.PasskeysFor(s.rpID())) > 0,
	}
	p.Password = ways.Password && (p.Code || !s.wantsTwoFactors(c))
	if !s.wantsTwoFactors(c) { // a provider doesn't say how many it asked for
		if p.Elsewhere, err = s.otherProofs(c); err != nil {
			return err
		}
	}
	p.Missing = s.wantsTwoFactors(c) && !p.Code && !p.Passkey
	if f.Status == http.StatusForbidden && f.Err == nil {
		p.Message = "" // the page says it
	}
	if p.Kept = keptFields(fields); policyOf(c).download {
		p.Kept = append(p.Kept, ui.Kept{Name: confirmedField, Value: "yes"})
	}
	return s.form(c, f, p)
}

// downloadPage has a button for a file that somebody wanted before they proved who they are.
func (s *Server) downloadPage(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, ui.DownloadPage{Layout: s.layout(c, ""), Action: c.Request().URL.RequestURI(),
		Upload: isUpload(c.Request()), Kept: keptFields(fields)})
}

// keptFields returns fields for a form that posts them again.
func keptFields(fields url.Values) (kept []ui.Kept) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, value := range fields[name] {
			kept = append(kept, ui.Kept{Name: name, Value: value})
		}
	}
	return kept
}
