package handlers

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// settingFlags are the flags that fix settings of the board.
var settingFlags = map[string]string{
	"board_name": "--board-name", "signup": "--signup", "signup_domains": "--signup-domains",
	"teams": "--teams", "visibility": "--visibility", "invisible": "--invisible",
}

// adminSettings shows the settings of the board that are in force.
func (s *Server) adminSettings(c echo.Context) error {
	p, err := s.boardSettings(c)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, p)
}

func (s *Server) boardSettings(c echo.Context) (p ui.AdminSettingsPage, err error) {
	if p.Admin, err = s.adminPage(c, settingsSection); err != nil {
		return p, err
	}
	in := s.inForce()
	p.BoardName, p.SignUp, p.TeamRule, p.Invisible = s.cfg.UI.Name(), in.SignUp, in.Teams, in.Invisible
	p.Domains = in.Domains
	p.Visibility = in.Visibility
	p.Fixed = map[string]string{}
	for _, name := range s.cfg.Fixed.Set() {
		p.Fixed[name] = settingFlags[name]
	}
	return p, nil
}

// setBoard changes the settings of the board that no flag fixes.
func (s *Server) setBoard(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	in, fixed := s.inForce(), s.cfg.Fixed.Set()
	// A value that is in force already is stored only if it was before, so that a default stays one.
	choose := func(name, inForce string, stored *string) {
		if typed := text(fields, name, inForce); typed != inForce && !slices.Contains(fixed, name) {
			*stored = typed
		}
	}
	if !slices.Contains(fixed, "board_name") && fields.Has("board_name") && text(fields, "board_name", "") == "" {
		err = &accounts.FieldError{Field: "board_name", Code: accounts.Missing}
	}
	if err == nil && text(fields, "signup", in.SignUp) == accounts.SignUpDomains {
		err = s.wantDomains(text(fields, "signup_domains", in.Domains))
	}
	if err == nil {
		err = s.cfg.Accounts.ChangeSettings(c.Request().Context(), func(x *accounts.Settings) {
			choose("board_name", s.cfg.UI.Name(), &x.BoardName)
			choose("signup", in.SignUp, &x.SignUp)
			choose("signup_domains", in.Domains, &x.Domains)
			choose("teams", in.Teams, &x.Teams)
			choose("visibility", in.Visibility, &x.Visibility)
			choose("invisible", in.Invisible, &x.Invisible)
		})
	}
	if err == nil {
		return s.adminBack(c, "", "/admin/settings", "saved", 0)
	}
	f := formFailure(err, "change the settings")
	if f == nil {
		return adminError(err, "change the settings")
	}
	p, err := s.boardSettings(c)
	if err != nil {
		return err
	}
	p.Errors, p.Message = f.formErrors(), f.formMessage()
	p.BoardName = echoed(text(fields, "board_name", p.BoardName))
	p.SignUp, p.Invisible = text(fields, "signup", p.SignUp), text(fields, "invisible", p.Invisible)
	p.TeamRule, p.Domains = text(fields, "teams", p.TeamRule), echoedUpTo(text(fields, "signup_domains", p.Domains), 2000)
	p.Visibility = text(fields, "visibility", p.Visibility)
	return s.form(c, f, p)
}
