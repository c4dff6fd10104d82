package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// halfSignInAge is how long somebody has to type a code after the right password.
const halfSignInAge = 5 * time.Minute

const halfPurpose = "half-sign-in"

const accountChanged = "Something about your account has changed. Sign in again."

// halfSignIn is what the browser of somebody with an authenticator app keeps, sealed, after the right password. There's
// no session yet.
type halfSignIn struct {
	UserID   string `json:"u"`
	Password string `json:"p"` // fingerprint of the password that was right
	Next     string `json:"n"`
}

// askCode continues the sign-in of somebody with an authenticator app.
func (s *Server) askCode(c echo.Context, user accounts.Authenticated, next string) error {
	sealed, err := s.cfg.Keys.SealUntil(time.Now().Add(halfSignInAge), halfPurpose, "",
		halfSignIn{UserID: user.ID, Password: user.PasswordWas, Next: next})
	if err != nil {
		return fmt.Errorf("ask for a code: %w", err)
	}
	s.setCookie(c, s.site.half, sealed, halfSignInAge)
	return s.redirect(c, s.site.path("/login/code"))
}

// halfSignedIn returns what the browser keeps. ok is false if it keeps nothing valid.
func (s *Server) halfSignedIn(r *http.Request) (half halfSignIn, ok bool) {
	for _, sealed := range cookieValues(r, s.site.half) {
		half = halfSignIn{}
		if s.cfg.Keys.OpenUntil(time.Now(), halfPurpose, "", sealed, &half) == nil {
			return half, true
		}
	}
	return halfSignIn{}, false
}

// loginCodePage asks for the code.
func (s *Server) loginCodePage(c echo.Context) error {
	if _, ok := s.halfSignedIn(c.Request()); !ok {
		return s.redirect(c, s.site.path("/login"))
	}
	return s.page(c, http.StatusOK, s.codePage(c, c.QueryParam("recovery") != ""))
}

func (s *Server) codePage(c echo.Context, recovery bool) ui.LoginCodePage {
	l := s.layout(c, "")
	l.Viewer = nil // the page is about whoever signs in
	return ui.LoginCodePage{Layout: l, Recovery: recovery}
}

// loginCode checks the code and starts the session.
func (s *Server) loginCode(c echo.Context) error {
	fields, err := readForm(c.Request())
	if err != nil {
		return err
	}
	half, ok := s.halfSignedIn(c.Request())
	if !ok {
		return s.restartLogin(c, "That took too long. Sign in again.")
	}
	p := s.codePage(c, fields.Get("recovery") != "")
	code := fields.Get(codeField)
	if code == "" {
		err = &accounts.FieldError{Field: codeField, Code: accounts.Missing}
	} else {
		err = s.signInByCode(c, half, code)
	}
	switch {
	case err == nil:
		s.dropCookie(c, s.site.half)
		if p.Recovery {
			return s.redirect(c, s.site.path("/settings/sign-in")+"?used=code")
		}
		return s.redirect(c, half.Next)
	case errors.Is(err, accounts.ErrCredentials), errors.Is(err, accounts.ErrNoTOTP), errors.Is(err, accounts.ErrNotFound):
		s.dropCookie(c, s.site.half)
		return s.restartLogin(c, accountChanged)
	case errors.Is(err, accounts.ErrCodeUsed):
		err = &accounts.FieldError{Field: codeField, Code: wrongOneTimeCode}
	}
	f := accountFailure(err, "use a code")
	if f == nil {
		return err
	}
	p.Error, p.Message = f.formErrors()[codeField], f.formMessage()
	return s.form(c, f, p)
}

// signInByCode starts the session of a half sign-in, if the code is right.
func (s *Server) signInByCode(c echo.Context, half halfSignIn, code string) error {
	ctx := c.Request().Context()
	user, err := s.cfg.Accounts.UserByID(ctx, half.UserID)
	if err != nil {
		return err
	}
	return s.attemptCode(ctx, user.ID, func() error {
		used, factors, err := s.usedCode(ctx, user.ID, code)
		if err != nil {
			return err
		}
		return s.startSession(c, user, accounts.SignIn{Factors: factors, Used: used, PasswordWas: half.Password})
	})
}

// restartLogin shows the sign-in page and says why.
func (s *Server) restartLogin(c echo.Context, why string) error {
	f := &failure{Status: http.StatusForbidden, Message: why}
	return s.form(c, f, ui.LoginPage{Layout: s.layout(c, ""), Message: why, Passkeys: s.passkeys != nil,
		Elsewhere: s.elsewhere(c, s.site.path("/"))})
}
