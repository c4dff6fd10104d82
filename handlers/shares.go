package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// sharesPage lists the share links of the person and has the forms for new ones.
func (s *Server) sharesPage(c echo.Context) error {
	p, err := s.shares(c)
	if err != nil {
		return err
	}
	if c.QueryParam("saved") == "revoked" {
		p.Said = "The link was revoked. Nothing shows it any more."
	}
	return s.page(c, http.StatusOK, p)
}

// toShares redirects people who load the address of a form.
func (s *Server) toShares(c echo.Context) error {
	return s.redirect(c, s.site.path("/settings/shares"))
}

func (s *Server) shares(c echo.Context) (ui.SharesPage, error) {
	v, ctx := signedIn(c), c.Request().Context()
	p := ui.SharesPage{Layout: s.layout(c, ""), MaxDays: accounts.MaxShareDays}
	all, err := s.cfg.Accounts.Shares(ctx, v.user.ID)
	if err != nil {
		return p, unavailable(fmt.Errorf("share links: %w", err))
	}
	details, err := s.cfg.Accounts.Details(ctx, v.user.ID)
	if err != nil {
		return p, unavailable(fmt.Errorf("share links: %w", err))
	}
	names, err := s.cfg.Accounts.TeamNames(ctx, maxTeams)
	if err != nil {
		return p, unavailable(fmt.Errorf("share links: %w", err))
	}
	p.Public = details.Public
	for _, name := range names {
		if s.live.Sees(v.user.Person, accounts.Person{Team: name}) {
			p.TeamNames = append(p.TeamNames, name)
		}
	}
	for _, x := range all {
		p.All = append(p.All, s.shareView(c, x))
	}
	return p, nil
}

func (s *Server) shareView(c echo.Context, x accounts.Share) ui.Share {
	view := ui.Share{ID: x.ID, Kind: string(x.Kind), Label: x.Label, Team: x.Team, Counts: x.Counts, Texts: x.Texts,
		Origins: x.Origins, Created: x.CreatedAt, Expires: x.ExpiresAt, Used: x.UsedAt}
	if x.Key != "" {
		view.Embed = s.madeShare(c, x, x.Key)
	}
	return view
}

// sharePaths holds where the addresses of shares begin.
var sharePaths = map[accounts.ShareKind]string{
	accounts.WallShare: "/w/", accounts.PersonShare: "/s/", accounts.EmbedShare: "/embed/",
}

// madeShare returns how to use a share with a token.
func (s *Server) madeShare(c echo.Context, x accounts.Share, token string) ui.MadeShare {
	return ui.MadeShare{Kind: string(x.Kind), URL: s.link(c, sharePaths[x.Kind], token), Script: s.link(c, "/embed.js", ""),
		Name: signedIn(c).user.DisplayName}
}

// makeShare makes a share link and shows its address. Nothing else shows it again, unless it's an embed.
func (s *Server) makeShare(c echo.Context) error {
	fields, err := s.readAct(c)
	if fields == nil {
		return err
	}
	v, ctx := signedIn(c), c.Request().Context()
	n := newShare(fields)
	if err == nil {
		err = s.wantVisibleTeam(ctx, v.user.Person, n.Team)
	}
	var token string
	var made accounts.Share
	if err == nil {
		token, made, err = s.cfg.Accounts.MakeShare(ctx, v.user.ID, n)
	}
	if err != nil {
		return s.refuseShare(c, fields, err)
	}
	p, err := s.shares(c)
	if err != nil {
		return err
	}
	p.Made = s.madeShare(c, made, token)
	return s.page(c, http.StatusOK, p)
}

// newShare returns the share that a form describes. Invalid numbers become one that accounts refuses.
func newShare(fields url.Values) accounts.NewShare {
	days, err := strconv.Atoi(text(fields, "days", strconv.Itoa(accounts.ShareDays)))
	if err != nil {
		days = -1
	}
	return accounts.NewShare{
		Kind: accounts.ShareKind(fields.Get("kind")), Label: text(fields, "label", ""), Team: text(fields, "team", ""),
		Counts: fields.Get("what") == "counts", Texts: fields.Get("texts") == "on",
		Origins: strings.Split(fields.Get("origins"), "\n"), Days: days,
	}
}

// wantVisibleTeam returns a *accounts.FieldError unless somebody is in the team whom eyes may see.
func (s *Server) wantVisibleTeam(ctx context.Context, eyes accounts.Person, team string) error {
	if team == "" {
		return nil
	}
	people, _, err := s.cfg.Accounts.People(ctx, accounts.PeopleQuery{Team: &team, Limit: 1})
	switch {
	case err != nil:
		return unavailable(fmt.Errorf("team of a share link: %w", err))
	case len(people) == 0 || !s.live.Sees(eyes, people[0]):
		return &accounts.FieldError{Field: "team", Code: accounts.UnknownTeam}
	}
	return nil
}

// refuseShare shows the form again with what was typed.
func (s *Server) refuseShare(c echo.Context, fields url.Values, err error) error {
	f := accountFailure(err, "make this link")
	if f == nil {
		return notSaved(fmt.Errorf("make a share link: %w", err))
	}
	p, err := s.shares(c)
	if err != nil {
		return err
	}
	p.Failed, p.Errors, p.Message = fields.Get("kind"), f.formErrors(), f.formMessage()
	switch p.Failed {
	case ui.WallShare, ui.PersonShare, ui.EmbedShare:
	default:
		p.Failed = ui.WallShare
	}
	p.Label, p.Team, p.Days = echoed(fields.Get("label")), echoed(fields.Get("team")), echoed(fields.Get("days"))
	p.Origins = echoedUpTo(fields.Get("origins"), 10*maxEcho)
	p.Counts, p.Texts = fields.Get("what") == "counts", fields.Get("texts") == "on"
	return s.form(c, f, p)
}

// revokeShare ends one of the person's share links.
func (s *Server) revokeShare(c echo.Context) error {
	fields, err := s.readAct(c)
	if err != nil {
		return err
	}
	err = s.cfg.Accounts.RevokeShare(c.Request().Context(), signedIn(c).user.ID, fields.Get("share"))
	switch {
	case errors.Is(err, accounts.ErrNoShare): // it's gone, which was the aim
	case err != nil:
		return notSaved(fmt.Errorf("revoke a share link: %w", err))
	}
	return s.redirect(c, s.site.path("/settings/shares")+"?saved=revoked")
}
