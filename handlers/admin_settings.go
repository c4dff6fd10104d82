package handlers

import (
	"cmp"
	"net/http"
	"net/url"
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
	p.Was = ui.Was{"board_name": p.BoardName, "signup": p.SignUp, "signup_domains": p.Domains, "teams": p.TeamRule,
		"visibility": p.Visibility, "invisible": p.Invisible}
	if !p.Mails { // then the page has no such field
		delete(p.Was, "signup_domains")
	}
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
	fields = touched(fields)
	in, ctx := s.inForce(), c.Request().Context()
	if !slices.Contains(s.cfg.Fixed.Set(), "board_name") && fields.Has("board_name") && text(fields, "board_name", "") == "" {
		err = &accounts.FieldError{Field: "board_name", Code: accounts.Missing}
	}
	if err == nil && text(fields, "signup", in.SignUp) == accounts.SignUpDomains {
		err = s.wantDomains(text(fields, "signup_domains", in.Domains))
	}
	if err == nil {
		err = s.cfg.Accounts.ChangeSettings(ctx, func(x *accounts.Settings) error { return s.chooseSettings(fields, x) })
	}
	if err == nil {
		return s.adminBack(c, "", "/admin/settings", "saved", 0)
	}
	f := accountFailure(err, "change the settings")
	if f == nil {
		return adminError(err, "change the settings")
	}
	if err := s.live.CatchUp(ctx); err != nil { // the page shows what is stored a moment later
		s.log.Debug("a change isn't known yet", "err", err)
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

// chooseSettings changes stored settings as a form says. A value that is in force already is stored only if it was
// before, so that a default stays one.
func (s *Server) chooseSettings(fields url.Values, stored *accounts.Settings) error {
	e, fixed := edited{fields: fields}, s.cfg.Fixed.Set()
	now := stored.Or(s.cfg.defaults())
	now.BoardName = cmp.Or(stored.BoardName, ui.DefaultName)
	for _, x := range []struct {
		name, inForce string
		stored        *string
	}{
		{"board_name", now.BoardName, &stored.BoardName}, {"signup", now.SignUp, &stored.SignUp},
		{"signup_domains", now.Domains, &stored.Domains}, {"teams", now.Teams, &stored.Teams},
		{"visibility", now.Visibility, &stored.Visibility}, {"invisible", now.Invisible, &stored.Invisible},
	} {
		if slices.Contains(fixed, x.name) {
			continue
		}
		if typed := e.text(x.name, x.inForce); typed != x.inForce {
			*x.stored = typed
		}
	}
	for _, w := range e.wrong {
		w.Detail = cmp.Or(settingWords[w.Field].values[w.Detail], w.Detail)
	}
	return e.err()
}
