package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/identity"
	"rollcall/ui"
)

// pendingAge is how long a new secret waits in its form for the first code.
const pendingAge = 15 * time.Minute

const pendingPurpose = "pending-totp"

// pendingSecret is a secret that no app has confirmed. It's only in a form, sealed for one session.
type pendingSecret struct {
	Secret []byte `json:"s"`
}

// startApp makes a secret and shows it, as a QR code and as text. Nothing is stored until the person types a code.
func (s *Server) startApp(c echo.Context) error {
	if _, err := posted(c); err != nil {
		return err
	}
	if err := s.limitActs(c); err != nil {
		return err
	}
	keys, err := s.secretKey(true)
	switch {
	case errors.Is(err, errNoSecretKey):
		return &failure{Status: http.StatusConflict, Heading: "Not available", Err: err,
			Message: "Authenticator apps aren't available on this board yet. The person who runs it has to set a secret key first."}
	case err != nil:
		return notSaved(err)
	}
	secret := identity.NewTOTPSecret()
	pending, err := keys.SealUntil(time.Now().Add(pendingAge), pendingPurpose, signedIn(c).session.ID, pendingSecret{secret})
	if err != nil {
		return fmt.Errorf("authenticator app: %w", err)
	}
	p, err := s.appPage(c, secret, pending)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, p)
}

// appPage shows a secret that waits for its first code.
func (s *Server) appPage(c echo.Context, secret identity.TOTPSecret, pending string) (p ui.AddAppPage, err error) {
	qr, err := identity.NewQR(secret.URL(s.cfg.UI.Name(), signedIn(c).user.Username))
	if err != nil {
		return p, fmt.Errorf("authenticator app: %w", err)
	}
	return ui.AddAppPage{Layout: s.layout(c, ""), Pending: pending, Secret: secret.Text(), QRSize: qr.Size,
		QRPath: qr.Path}, nil
}

// confirmApp switches the authenticator app on, if the code is right, and shows the recovery codes once.
func (s *Server) confirmApp(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	if err := s.limitActs(c); err != nil {
		return err
	}
	v := signedIn(c)
	keys, err := s.secretKey(false)
	var pending pendingSecret
	if err == nil {
		err = keys.OpenUntil(time.Now(), pendingPurpose, v.session.ID, fields.Get("pending"), &pending)
	}
	if err != nil {
		return &failure{Status: http.StatusForbidden, Heading: "That took too long", Err: err,
			Message: "Go back to the settings, and set up the app again. Remove the entry that you've just added to it."}
	}
	secret, code := identity.TOTPSecret(pending.Secret), fields.Get(codeField)
	step, ok := secret.Check(code, time.Now())
	if !ok {
		return s.refuseApp(c, secret, fields.Get("pending"), code)
	}
	codes, hashes := identity.NewRecoveryCodes()
	app := accounts.TOTP{Sealed: keys.Seal(totpPurpose, sealedFor(v.user.ID), secret), KeyID: keys.KeyID()}
	err = s.cfg.Accounts.AddTOTP(c.Request().Context(), v.user.ID, app, step, hashes)
	switch {
	case errors.Is(err, accounts.ErrTOTPOn): // sent twice, or set up elsewhere
		return s.toWays(c)
	case err != nil:
		return notSaved(fmt.Errorf("authenticator app: %w", err))
	}
	return s.page(c, http.StatusOK, ui.RecoveryCodesPage{Layout: s.layout(c, ""), Codes: codes, AppAdded: true})
}

// refuseApp shows the same secret again and says what is wrong with the code.
func (s *Server) refuseApp(c echo.Context, secret identity.TOTPSecret, pending, code string) error {
	wrong := &accounts.FieldError{Field: codeField, Code: wrongFirstCode}
	if code == "" {
		wrong.Code = accounts.Missing
	}
	f := accountFailure(wrong, "use a code")
	p, err := s.appPage(c, secret, pending)
	if err != nil {
		return err
	}
	p.Error = f.formErrors()[codeField]
	return s.form(c, f, p)
}

// removeApp switches the authenticator app off. The recovery codes go with it.
func (s *Server) removeApp(c echo.Context) error {
	return s.changeWays(c, "app-removed", func(ctx context.Context, userID string, _ func(string) string) error {
		return s.cfg.Accounts.RemoveTOTP(ctx, userID)
	})
}
