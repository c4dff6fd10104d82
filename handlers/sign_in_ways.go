package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// fewCodes is how many recovery codes are so few that pages warn of it.
const fewCodes = 3

// signInPath returns the path of the page about the person's ways to sign in, with a confirmation.
func (s *Server) signInPath(done string) string {
	return s.site.path("/settings/sign-in") + "?saved=" + done
}

// waysPage shows how the person can sign in, and the forms to change that.
func (s *Server) waysPage(c echo.Context) error {
	p, err := s.ways(c)
	if err != nil {
		return err
	}
	p.Saved, p.UsedCode = c.QueryParam("saved"), c.QueryParam("used") == "code"
	return s.page(c, http.StatusOK, p)
}

// toWays redirects people who load the address of a form.
func (s *Server) toWays(c echo.Context) error { return s.redirect(c, s.site.path("/settings/sign-in")) }

func (s *Server) ways(c echo.Context) (p ui.WaysPage, err error) {
	v := signedIn(c)
	own, err := s.cfg.Accounts.OwnWays(c.Request().Context(), v.user.ID)
	if err != nil {
		return p, unavailable(fmt.Errorf("ways to sign in: %w", err))
	}
	p = ui.WaysPage{
		Layout: s.layout(c, ""), Password: own.Password, PasskeysWork: s.passkeys != nil, App: own.TOTP != nil,
		AppsWork: s.cfg.SecretKeys != nil, CodesLeft: own.CodesLeft, FewCodes: own.TOTP != nil && own.CodesLeft <= fewCodes,
		CodesMade: own.CodesMade,
		Required:  s.cfg.SecondFactor && v.user.Admin,
	}
	for _, k := range own.Passkeys {
		shown := ui.Passkey{ID: k.Credential, Label: k.Label, Made: k.CreatedAt, Used: k.UsedAt, Synced: k.BackedUp}
		if k.RPID != s.rpID() {
			shown.OtherHost = k.RPID
		}
		p.Passkeys = append(p.Passkeys, shown)
	}
	if s.passkeys != nil {
		p.Accepted = string(s.passkeys.Accepted(passkeyUser(v.user, own)))
	}
	return p, nil
}

// choosePassword sets the password of somebody who has none.
func (s *Server) choosePassword(c echo.Context) error {
	v := signedIn(c)
	return s.changeWays(c, "password", func(ctx context.Context, userID string, get func(string) string) error {
		err := s.attemptOwn(c, "", func(ctx context.Context) error {
			return s.cfg.Accounts.ChooseFirstPassword(ctx, userID, get("password"), v.session.ID)
		})
		if errors.Is(err, accounts.ErrCredentials) {
			return &failure{Status: http.StatusConflict, Message: "You already have a password. Change it in the settings.", Err: err}
		}
		if err == nil {
			err = s.renewToken(c)
		}
		return err
	})
}

// changeWays runs a change of how the person can sign in, and shows the page again. change gets the fields of the form.
func (s *Server) changeWays(c echo.Context, done string,
	change func(ctx context.Context, userID string, get func(string) string) error) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	if err = s.limitActs(c); err == nil {
		err = change(c.Request().Context(), signedIn(c).user.ID, fields.Get)
	}
	switch {
	case err == nil:
		return s.redirect(c, s.signInPath(done))
	case errors.Is(err, accounts.ErrNoPasskey):
		return s.toWays(c) // it's gone
	}
	f := accountFailure(err, "change this")
	if f == nil {
		return notSaved(fmt.Errorf("ways to sign in: %w", err))
	}
	p, err := s.ways(c)
	if err != nil {
		return err
	}
	p.Message, p.Wrong, p.PasswordError = f.formMessage(), f.formErrors()["label"], f.formErrors()["password"]
	if p.PasswordError != "" {
		p.Typed = echoedPassword(fields.Get("password"))
	}
	if p.Wrong != "" {
		p.Renaming, p.Typed = fields.Get("passkey"), echoed(fields.Get("label"))
	}
	return s.form(c, f, p)
}

// limitActs limits how often the person can change things; see readAct.
func (s *Server) limitActs(c echo.Context) error {
	return s.limitActsOf(c.Request().Context(), signedIn(c).user.ID)
}

// limitActsOf is limitActs for a person's ID.
func (s *Server) limitActsOf(ctx context.Context, userID string) error {
	var held reservation
	return s.overLimit(held.take(ctx, s.limiters.Members, "me:"+userID, s.cfg.Limits.Acts, actsWindow), "change this")
}

// overLimit returns the failure for an error of reservation.take. to is what the person tried to do.
func (s *Server) overLimit(err error, to string) error {
	var over *limited
	switch {
	case errors.As(err, &over):
		return tooMany(to, over)
	case err != nil:
		return unavailable(err)
	}
	return nil
}
