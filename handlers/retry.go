package handlers

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// limitAdministration limits how many forms an administrator posts in a minute. If a form can't be handled at the
// moment, because of that or another limit, or because nothing can be saved, the answer keeps it.
func (s *Server) limitAdministration(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Method != http.MethodPost {
			return next(c)
		}
		fields, err := posted(c)
		if err != nil {
			return err
		}
		var held reservation
		err = held.take(c.Request().Context(), s.limiters.Members, "admin:"+signedIn(c).user.ID, s.cfg.Limits.Acts, actsWindow)
		over := (*limited)(nil)
		switch {
		case errors.As(err, &over):
			f := tooMany("change something", over)
			f.Heading = "Too many changes at once"
			err = f
		case err != nil:
			err = unavailable(err)
		default:
			err = next(c)
		}
		f := later(err, c.Request())
		if f == nil {
			return err
		}
		p := ui.RetryPage{Layout: s.layout(c, ""), Heading: f.Heading, Message: f.Message, Action: c.Request().URL.RequestURI(),
			Upload: isUpload(c.Request()), Kept: keptFields(fields)}
		return s.form(c, f, p)
	}
}

// later returns the failure that err means if the same form can be handled later, or nil.
func later(err error, r *http.Request) *failure {
	switch {
	case err == nil, errors.Is(err, accounts.ErrUnknown):
		return nil
	case errors.Is(err, accounts.ErrTooManyActs):
		return tooManyActs(err)
	}
	if f := explain(err, r); f.Status == http.StatusTooManyRequests || f.Status == http.StatusServiceUnavailable {
		return f
	}
	return nil
}
