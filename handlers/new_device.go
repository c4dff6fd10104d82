package handlers

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// newDevices returns the person's sessions in new browsers that they haven't confirmed, for their other pages. Without
// them, a page still works.
func (s *Server) newDevices(c echo.Context, v *principal) []ui.NewDevice {
	if !v.session.News {
		return nil
	}
	sessions, err := s.cfg.Accounts.Unnoticed(c.Request().Context(), v.user.ID)
	if err != nil {
		s.log.Warn("new sessions not shown", "user", v.user.ID, "err", err, "request", requestID(c))
		return nil
	}
	var all []ui.NewDevice
	for _, x := range sessions {
		all = append(all, ui.NewDevice{Device: ui.Device{
			ID: x.ID, Name: deviceName(x.UserAgent), Address: x.Address, SignedIn: x.CreatedAt,
		}})
	}
	return all
}

// confirmSession records that the person knows a session in a new browser.
func (s *Server) confirmSession(c echo.Context) error {
	fields, err := readForm(c.Request())
	if err != nil {
		return err
	}
	v := signedIn(c)
	err = s.cfg.Accounts.Notice(c.Request().Context(), v.user.ID, fields.Get("session"), v.session.ID)
	if errors.Is(err, accounts.ErrNoSession) { // ended, or confirmed on another page
		err = nil
	}
	if err != nil {
		return notSaved(fmt.Errorf("confirm a session: %w", err))
	}
	return s.redirect(c, s.site.path("/settings")+"#devices-h")
}

// fromBrowser fills in what a sign-in says about a browser that's new to the person with this username. If that can't
// be read, it isn't new: a page says too little rather than something wrong.
func (s *Server) fromBrowser(r *http.Request, username string, x *accounts.SignIn) {
	isNew, err := s.cfg.Accounts.IsNewBrowser(r.Context(), username, cookieValues(r, s.site.known))
	if err != nil || !isNew {
		return
	}
	_, known, _, err := s.browserOf(r, username)
	x.NewBrowser, x.Browser, x.Told = true, deviceName(r.UserAgent()), err == nil && known
}
