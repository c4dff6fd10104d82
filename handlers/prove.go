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

// confirmField is the field for the password on the page that asks for a proof.
const confirmField = "confirm_password"

// proof requires that whoever posts a form has typed their password in this session within proofAge. Otherwise it
// answers with a page that asks for it and keeps the form. When the password is right, the form goes on to its handler.
func (s *Server) proof(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Method != http.MethodPost {
			return next(c)
		}
		fields, err := posted(c)
		if err != nil {
			return err
		}
		password, typed := fields.Get(confirmField), fields.Has(confirmField)
		fields.Del(confirmField)
		switch {
		case time.Since(signedIn(c).session.ProvedAt) <= proofAge:
			return next(c)
		case !typed:
			s.metrics.proofs.WithLabelValues(proofAsked).Inc()
			return s.askProof(c, &failure{Status: http.StatusForbidden, Message: "Type your password to confirm that it's you."},
				fields)
		}
		if err := s.prove(c, password); err != nil {
			return s.refuseProof(c, err, fields)
		}
		s.metrics.proofs.WithLabelValues(outcome(http.StatusOK)).Inc()
		return next(c)
	}
}

// prove checks the password of the person who is signed in. It then gives their session a new token.
func (s *Server) prove(c echo.Context, password string) error {
	if password == "" {
		return &accounts.FieldError{Field: confirmField, Code: accounts.Missing}
	}
	v := signedIn(c)
	err := s.attemptOwn(c, password, func(ctx context.Context) error {
		return s.cfg.Accounts.CheckPassword(ctx, v.user.ID, password)
	})
	if errors.Is(err, accounts.ErrCredentials) {
		return &accounts.FieldError{Field: confirmField, Code: wrongPassword}
	}
	if err != nil {
		return err
	}
	token, err := s.cfg.Accounts.Prove(c.Request().Context(), v.user.ID, v.session.ID)
	if err != nil {
		return err
	}
	v.token, v.session.ProvedAt = token, time.Now()
	s.setCookie(c, s.site.cookie, token, time.Until(v.session.ExpiresAt))
	return nil
}

// refuseProof asks again and says what was wrong.
func (s *Server) refuseProof(c echo.Context, err error, fields url.Values) error {
	f := formFailure(err, "confirm your password")
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

// askProof shows the page that asks for the password. It holds the fields of the form that was posted.
func (s *Server) askProof(c echo.Context, f *failure, fields url.Values) error {
	p := ui.ProvePage{
		Layout: s.layout(c, ""), Action: c.Request().URL.RequestURI(), Username: signedIn(c).user.Username,
		Error: f.formErrors()[confirmField], Message: f.formMessage(),
	}
	var err error
	if p.NoPassword, p.Elsewhere, err = s.otherProofs(c); err != nil {
		return err
	}
	if f.Status == http.StatusForbidden {
		p.Message = "" // the page says it
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, value := range fields[name] {
			p.Kept = append(p.Kept, ui.Kept{Name: name, Value: value})
		}
	}
	return s.form(c, f, p)
}
