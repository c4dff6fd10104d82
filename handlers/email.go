package handlers

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// emailSettings returns what the settings say about the person's address.
func (s *Server) emailSettings(c echo.Context) (ui.EmailSettings, error) {
	address, err := s.cfg.Accounts.Email(c.Request().Context(), signedIn(c).user.ID)
	return ui.EmailSettings{Sends: s.sendsMail(), Address: address}, err
}

// setEmail sends a link to a new address of the person. Nothing changes until they open it.
func (s *Server) setEmail(c echo.Context) error {
	if err := s.wantMail(); err != nil {
		return err
	}
	fields, err := posted(c)
	if err != nil {
		return err
	}
	ctx, v, typed := c.Request().Context(), signedIn(c), text(fields, "email", "")
	var held reservation
	err = held.take(ctx, s.limiters.Members, "mail:person:"+v.user.ID, asksPerPerson, asksWindow)
	if err == nil {
		err = s.cfg.Accounts.AskEmail(ctx, v.user.ID, typed)
	}
	if len(accounts.WrongFields(err)) > 0 {
		held.giveBack(ctx)
	}
	return s.answerSettings(c, ui.EmailSection, err, func(p *ui.SettingsPage) { p.Email.Typed = echoed(typed) })
}

// removeEmail takes the person's address away.
func (s *Server) removeEmail(c echo.Context) error {
	if _, err := posted(c); err != nil {
		return err
	}
	if err := s.cfg.Accounts.RemoveEmail(c.Request().Context(), signedIn(c).user.ID); err != nil {
		return s.answerSettings(c, ui.EmailSection, err, func(*ui.SettingsPage) {})
	}
	return s.redirect(c, s.site.path("/settings")+"?saved="+ui.EmailSection+"-removed")
}

// verifyForm returns the page behind a link that confirms an address. Only the person who wants the address can use it:
// if they mistyped it, its owner gets the link and must not get the account.
func (s *Server) verifyForm(c echo.Context) (ui.AddressPage, error) {
	l, err := s.cfg.Accounts.VerifyLink(c.Request().Context(), c.Param("token"))
	p, err := s.addressOf(c, "/verify/", l, err)
	if v := signedIn(c); err == nil {
		p.SignIn = v == nil || v.user.ID != l.UserID
	}
	return p, err
}

// addressOf returns a page about an address and the person of a link.
func (s *Server) addressOf(c echo.Context, path string, l accounts.EmailLink, err error) (ui.AddressPage, error) {
	p := ui.AddressPage{Layout: s.layout(c, ""), Action: s.site.path(path) + c.Param("token"), Email: l.Email}
	var u accounts.User
	if err == nil {
		u, err = s.cfg.Accounts.UserByID(c.Request().Context(), l.UserID)
	}
	switch {
	case errors.Is(err, accounts.ErrNoLink), errors.Is(err, accounts.ErrNotFound):
		return p, noAddressLink(err)
	case err != nil:
		return p, unavailable(fmt.Errorf("link to an address: %w", err))
	}
	p.Username = u.Username
	return p, nil
}

// verifyPage shows what a link confirms. It doesn't use the link.
func (s *Server) verifyPage(c echo.Context) error {
	p, err := s.verifyForm(c)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, p)
}

// verify makes the address of a link the person's.
func (s *Server) verify(c echo.Context) error {
	p, err := s.verifyForm(c)
	if err != nil {
		return err
	}
	if _, err := readForm(c.Request()); err != nil {
		return err
	}
	if p.SignIn {
		return s.form(c, &failure{Status: http.StatusForbidden, Message: "Sign in first."}, p)
	}
	err = s.cfg.Accounts.ConfirmEmail(c.Request().Context(), signedIn(c).user.ID, c.Param("token"))
	if err != nil {
		return s.refuseAddress(c, err, p)
	}
	return s.redirect(c, s.site.path("/settings")+"?saved="+ui.EmailSection+"-changed")
}

// refuseAddress answers a form about an address that couldn't be stored.
func (s *Server) refuseAddress(c echo.Context, err error, p ui.AddressPage) error {
	if errors.Is(err, accounts.ErrNoLink) {
		return noAddressLink(err)
	}
	f := accountFailure(err, "change the address")
	if f == nil {
		return notSaved(fmt.Errorf("change an email address: %w", err))
	}
	p.Message = f.Message
	return s.form(c, f, p)
}

// undoForm returns the page behind a link that restores an address. Whoever has the old mailbox can use it: the session
// may be in the hands of whoever changed the address.
func (s *Server) undoForm(c echo.Context) (ui.AddressPage, error) {
	l, err := s.cfg.Accounts.UndoLink(c.Request().Context(), c.Param("token"))
	p, err := s.addressOf(c, "/undo/", l, err)
	p.Undo, p.Viewer = true, nil // the page is about the person of the link
	return p, err
}

// undoPage shows what a link restores. It doesn't use the link.
func (s *Server) undoPage(c echo.Context) error {
	p, err := s.undoForm(c)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, p)
}

// undo restores the address of a link, which signs the account out everywhere.
func (s *Server) undo(c echo.Context) error {
	p, err := s.undoForm(c)
	if err != nil {
		return err
	}
	if _, err := readForm(c.Request()); err != nil {
		return err
	}
	if err := s.cfg.Accounts.UndoEmail(c.Request().Context(), c.Param("token")); err != nil {
		return s.refuseAddress(c, err, p)
	}
	s.dropCookie(c, s.site.cookie) // its session has ended if it was the same person's
	return s.redirect(c, s.site.path("/login")+"?restored=1")
}

func noAddressLink(err error) *failure {
	return &failure{Status: http.StatusNotFound, Heading: "This link isn't valid", Err: err,
		Message: "It has expired, was used, or was replaced by a newer one."}
}

// adminEmail sets the address of an account. Nobody has to confirm it.
func (s *Server) adminEmail(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	fields = touched(fields)
	return s.actOn(c, "saved", func(u accounts.ListedUser) error {
		return s.cfg.Accounts.ChangeEmail(c.Request().Context(), u.ID, func(stored string) (string, error) {
			e := edited{fields: fields}
			return e.text("email", stored), e.err()
		})
	}, func(p *ui.AdminPersonPage) { p.Email = echoed(text(fields, "email", p.Email)) })
}

// mailResetLink sends somebody a link with which they can choose a new password.
func (s *Server) mailResetLink(c echo.Context) error {
	if err := s.wantMail(); err != nil {
		return err
	}
	return s.actOn(c, "mailed", func(u accounts.ListedUser) error {
		if u.Disabled {
			return disabledForLink()
		}
		return s.cfg.Accounts.MailResetLink(c.Request().Context(), u.ID)
	}, untyped)
}

// disabledForLink is the failure for a reset link of an account that can't use it.
func disabledForLink() *failure {
	return &failure{Status: http.StatusConflict, Heading: "This account is disabled",
		Message: "Enable the account first. A link for it wouldn't work."}
}

// wantDomains returns an error unless people can join by email address: this server sends emails, and there are
// domains.
func (s *Server) wantDomains(domains string) error {
	switch {
	case !s.sendsMail():
		return &accounts.FieldError{Field: "signup", Code: accounts.NotAnOption}
	case domains == "":
		return &accounts.FieldError{Field: "signup_domains", Code: accounts.Missing}
	}
	return nil
}
