package handlers

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

const day = 24 * time.Hour

// adminInvitations lists invitations and has the form for a new one.
func (s *Server) adminInvitations(c echo.Context) error {
	p, err := s.invitationsPage(c)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, p)
}

func (s *Server) invitationsPage(c echo.Context) (p ui.AdminInvitationsPage, err error) {
	if p.Admin, err = s.adminPage(c, invitationsSection); err != nil {
		return p, err
	}
	p.Uses, p.Days, p.MaxUses, p.MaxDays = "1", "7", accounts.MaxInviteUses, int(accounts.MaxInviteAge/day)
	in := s.inForce().SignUp
	p.Closed = in == accounts.SignUpInvite || in == accounts.SignUpOff
	p.Domains = in == accounts.SignUpDomains
	ctx := c.Request().Context()
	if p.TeamNames, err = s.cfg.Accounts.TeamNames(ctx, maxTeams); err != nil {
		return p, unavailable(fmt.Errorf("invitations: %w", err))
	}
	all, err := s.cfg.Accounts.Invitations(ctx)
	if err != nil {
		return p, unavailable(fmt.Errorf("invitations: %w", err))
	}
	t := s.teller(c)
	for _, i := range all {
		by, err := t.actor(ctx, accounts.Entry{Actor: i.MadeBy})
		if err != nil {
			return p, unavailable(fmt.Errorf("invitations: %w", err))
		}
		p.All = append(p.All, ui.AdminInvitation{ID: i.ID, Label: i.Label, Team: i.Team, By: by, Uses: i.Uses, Left: i.UsesLeft,
			Expires: i.ExpiresAt})
	}
	return p, nil
}

// invite makes an invitation and shows its link. Nothing else shows it again.
func (s *Server) invite(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	uses, _ := strconv.Atoi(text(fields, "uses", "")) // anything else is 0, which is refused
	days, _ := strconv.Atoi(text(fields, "days", ""))
	n := accounts.NewInvitation{Label: text(fields, "label", ""), Team: text(fields, "team", ""), Uses: uses}
	if s.sendsMail() {
		n.Email = text(fields, "email", "")
	}
	if n.Age = accounts.MaxInviteAge + 1; days <= int(accounts.MaxInviteAge/day) {
		n.Age = time.Duration(days) * day
	}
	token, made, err := s.cfg.Accounts.Invite(c.Request().Context(), n)
	f := accountFailure(err, "create an invitation")
	if err != nil && f == nil {
		return adminError(err, "create an invitation")
	}
	p, pageErr := s.invitationsPage(c)
	if pageErr != nil {
		return pageErr
	}
	if err == nil && n.Email != "" {
		return s.adminBack(c, "", "/admin/invitations", "invited", 0)
	}
	if err == nil {
		p.Link = ui.OnceLink{URL: s.link(c, "/join/", token), Title: "Your invitation",
			Text: "Send it to " + howMany(strconv.Itoa(uses)) + ". Whoever has it can create an account."}.Expiring(made.ExpiresAt)
		return s.page(c, http.StatusOK, p)
	}
	p.Errors, p.Message = f.formErrors(), f.formMessage()
	p.Uses, p.Days = echoed(text(fields, "uses", "")), echoed(text(fields, "days", ""))
	p.Team, p.Label, p.Email = echoed(n.Team), echoed(n.Label), echoed(n.Email)
	return s.form(c, f, p)
}

// revoke ends an invitation.
func (s *Server) revoke(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	err = accounts.ErrNoLink
	if id := fields.Get("invitation"); plainID(id) {
		err = s.cfg.Accounts.Revoke(c.Request().Context(), id)
	}
	if err != nil {
		return adminError(err, "revoke this invitation")
	}
	return s.adminBack(c, "", "/admin/invitations", "revoked", 0)
}
