package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// maxDoneLines is how many lines of the audit log the page of an account shows.
const maxDoneLines = 20

// adminPerson shows one account and the forms to change it.
func (s *Server) adminPerson(c echo.Context) error {
	u, err := s.listed(c)
	if err != nil {
		return err
	}
	p, err := s.adminAccount(c, u)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, p)
}

// adminAccount returns the page of u.
func (s *Server) adminAccount(c echo.Context, u accounts.ListedUser) (p ui.AdminPersonPage, err error) {
	if p.Admin, err = s.adminPage(c, peopleSection); err != nil {
		return p, err
	}
	ctx, viewer := c.Request().Context(), signedIn(c).user
	p.Account, p.DisplayName, p.Team = account(u, viewer.ID), u.DisplayName, u.Team
	if p.Email, err = s.cfg.Accounts.Email(ctx, u.ID); err != nil {
		return p, unavailable(fmt.Errorf("account: %w", err))
	}
	p.Was = ui.Was{"display_name": u.DisplayName, "team": u.Team, "email": p.Email}
	p.Joined = u.CreatedAt.In(accounts.Zone(viewer.TimeZone)).Format("January 2006")
	if p.TeamNames, err = s.cfg.Accounts.TeamNames(ctx, maxTeams); err != nil {
		return p, unavailable(fmt.Errorf("account: %w", err))
	}
	if u.Waiting {
		waits, err := s.waits(ctx)
		if err != nil {
			return p, unavailable(fmt.Errorf("account: %w", err))
		}
		for _, w := range waits {
			if w.ID == u.ID {
				p.Account.Note = w.Note
			}
		}
	}
	if p.Linked, err = s.linkedOf(c, u.ID); err != nil {
		return p, err
	}
	entries, err := s.cfg.Accounts.Audit(ctx, accounts.AuditQuery{Target: accounts.TargetUser(u.ID), Limit: maxDoneLines + 1})
	if err != nil {
		return p, unavailable(fmt.Errorf("account: %w", err))
	}
	if p.More = len(entries) > maxDoneLines; p.More {
		entries = entries[:maxDoneLines]
	}
	t := s.teller(c)
	for _, e := range entries {
		line, err := t.line(ctx, e)
		if err != nil {
			return p, unavailable(fmt.Errorf("account: %w", err))
		}
		line.Day = t.day(e.At)
		p.Lines = append(p.Lines, line)
	}
	return p, nil
}

// actOn runs change for the account that the path names, and redirects to its page with a confirmation. If the input
// was wrong, it shows the page again; typed puts back what was typed.
func (s *Server) actOn(c echo.Context, done string, change func(accounts.ListedUser) error,
	typed func(*ui.AdminPersonPage)) error {
	if _, err := posted(c); err != nil {
		return err
	}
	u, err := s.listed(c)
	if err != nil {
		return err
	}
	if err = change(u); err == nil {
		return s.adminBack(c, "", "/admin/people/"+u.Username, done, 1)
	}
	f := accountFailure(err, "change this account")
	if f == nil {
		return adminError(err, "change this account")
	}
	if u, err = s.listedByID(c.Request().Context(), u.ID); err != nil { // as it is now
		return err
	}
	p, err := s.adminAccount(c, u)
	if err != nil {
		return err
	}
	p.Errors, p.Message = f.formErrors(), f.formMessage()
	typed(&p)
	return s.form(c, f, p)
}

func untyped(*ui.AdminPersonPage) {}

// adminProfile changes the name and the team of an account.
func (s *Server) adminProfile(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	fields = touched(fields)
	return s.actOn(c, "saved", func(u accounts.ListedUser) error {
		return s.cfg.Accounts.ChangeProfile(c.Request().Context(), u.ID, true, editedProfile(fields, true))
	}, func(p *ui.AdminPersonPage) {
		p.DisplayName, p.Team = echoed(text(fields, "display_name", p.DisplayName)), echoed(text(fields, "team", p.Team))
	})
}

// editedProfile returns a function that changes a profile as a form says.
func editedProfile(fields url.Values, team bool) func(*accounts.Profile) error {
	return func(p *accounts.Profile) error {
		e := edited{fields: fields}
		p.DisplayName = e.text("display_name", p.DisplayName)
		if now := e.text("team", p.Team); team {
			p.Team = now
		} else if now != p.Team {
			return &accounts.FieldError{Field: "team", Code: otherTeam}
		}
		return e.err()
	}
}

// notOwn is the failure for what administrators can't do to their own account here, so that nobody locks themself out.
func notOwn() error {
	return &failure{Status: http.StatusForbidden, Heading: "Not your own account",
		Message: "You can't do this to your own account here. Ask another administrator."}
}

// onOther runs change unless the account is the viewer's own.
func (s *Server) onOther(c echo.Context, change func(accounts.ListedUser) error) func(accounts.ListedUser) error {
	return func(u accounts.ListedUser) error {
		if u.ID == signedIn(c).user.ID {
			return notOwn()
		}
		return change(u)
	}
}

// adminRole makes somebody an administrator or a member.
func (s *Server) adminRole(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	done := map[string]string{"on": "admin", "off": "member"}[fields.Get("admin")]
	if done == "" {
		return &failure{Status: http.StatusUnprocessableEntity, Message: "Choose administrator or member."}
	}
	return s.actOn(c, done, s.onOther(c, func(u accounts.ListedUser) error {
		return s.cfg.Accounts.SetAdmin(c.Request().Context(), u.ID, done == "admin")
	}), untyped)
}

// adminEndSessions signs somebody out everywhere. The answer is the same whether they were signed in or not.
func (s *Server) adminEndSessions(c echo.Context) error {
	return s.actOn(c, "sessions", s.onOther(c, func(u accounts.ListedUser) error {
		_, err := s.cfg.Accounts.SignOut(c.Request().Context(), []string{u.ID})
		return err
	}), untyped)
}

// adminResetFactors removes the passkeys and the authenticator app of somebody who has lost them. The answer is the
// same whether they had any or not.
func (s *Server) adminResetFactors(c echo.Context) error {
	return s.actOn(c, "factors", s.onOther(c, func(u accounts.ListedUser) error {
		return s.cfg.Accounts.ResetFactors(c.Request().Context(), u.ID)
	}), untyped)
}

// adminDisable disables an account, and adminEnable enables it.
func (s *Server) adminDisable(c echo.Context) error { return s.setDisabled(c, true, "disabled") }
func (s *Server) adminEnable(c echo.Context) error  { return s.setDisabled(c, false, "enabled") }

func (s *Server) setDisabled(c echo.Context, disabled bool, done string) error {
	return s.actOn(c, done, s.onOther(c, func(u accounts.ListedUser) error {
		return s.cfg.Accounts.SetDisabled(c.Request().Context(), u.ID, disabled)
	}), untyped)
}

// adminDelete deletes an account, if its username was typed.
func (s *Server) adminDelete(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	u, err := s.listed(c)
	if err != nil {
		return err
	}
	if u.ID == signedIn(c).user.ID {
		return notOwn()
	}
	typed := text(fields, "confirm_username", "")
	if folded, err := accounts.FoldUsername(typed); err == nil && folded == u.Username {
		if err := s.cfg.Accounts.Delete(c.Request().Context(), u.ID); err != nil {
			return adminError(err, "delete this account")
		}
		return s.adminBack(c, "", "/admin/people", "deleted", 1)
	}
	return s.actOn(c, "", func(accounts.ListedUser) error {
		return &accounts.FieldError{Field: "confirm_username", Code: unconfirmed, Detail: u.Username}
	}, func(p *ui.AdminPersonPage) { p.ConfirmUsername = echoed(typed) })
}

// adminResetLink shows a link with which somebody can choose a new password. Nothing else shows it again.
func (s *Server) adminResetLink(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	if fields.Get("send") == "mail" {
		return s.mailResetLink(c)
	}
	u, err := s.listed(c)
	if err != nil {
		return err
	}
	if u.Disabled {
		return disabledForLink()
	}
	token, err := s.cfg.Accounts.MakeResetLink(c.Request().Context(), u.ID)
	if err != nil {
		return adminError(err, "create a reset link")
	}
	p, err := s.adminAccount(c, u)
	if err != nil {
		return err
	}
	p.Link = ui.OnceLink{URL: s.link(c, "/reset/", token), Title: "Reset link for " + u.DisplayName,
		Text: "Send it to this person yourself. Whoever has it can choose a new password, which signs the account out everywhere."}.
		Expiring(time.Now().Add(accounts.ResetLinkAge))
	return s.page(c, http.StatusOK, p)
}
