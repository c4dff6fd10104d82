package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"rollcall/accounts"
)

// shareJSON is a share link. Times of its making and use are only days, so that they don't tell when somebody was here.
type shareJSON struct {
	ID        string             `json:"id"`
	Kind      accounts.ShareKind `json:"kind"`
	Name      string             `json:"name,omitempty"`
	Team      string             `json:"team,omitempty"` // missing: everyone whom the caller sees
	Counts    bool               `json:"counts"`
	Texts     bool               `json:"texts"`
	Origins   []string           `json:"origins,omitempty"`
	CreatedOn string             `json:"created_on"`
	ExpiresAt *time.Time         `json:"expires_at,omitempty"`   // missing: never
	UsedOn    string             `json:"last_used_on,omitempty"` // missing: never
	URL       string             `json:"url,omitempty"`          // of embeds, and in the reply that made it
}

func (s *Server) shareOf(host string, x accounts.Share, token string) shareJSON {
	y := shareJSON{ID: x.ID, Kind: x.Kind, Name: x.Label, Team: x.Team, Counts: x.Counts, Texts: x.Texts, Origins: x.Origins,
		CreatedOn: x.CreatedAt.Format(time.DateOnly), ExpiresAt: timeOf(x.ExpiresAt)}
	if !x.UsedAt.IsZero() {
		y.UsedOn = x.UsedAt.Format(time.DateOnly)
	}
	if token != "" {
		y.URL = s.linkFor(host, sharePaths[x.Kind], token)
	}
	return y
}

type sharesJSON struct {
	Shares []shareJSON `json:"shares"`
}

// apiShares lists the caller's share links.
func (s *Server) apiShares(ctx context.Context, x *call) (reply, error) {
	all, err := s.cfg.Accounts.Shares(ctx, x.caller.user.ID)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("list share links: %w", err))
	}
	list := sharesJSON{Shares: []shareJSON{}}
	for _, one := range all {
		list.Shares = append(list.Shares, s.shareOf(x.Host, one, one.Key))
	}
	return ok(list), nil
}

// shareInput is a share link to make.
type shareInput struct {
	Kind    accounts.ShareKind `json:"kind"`
	Name    string             `json:"name"`
	Team    string             `json:"team"`
	Counts  bool               `json:"counts"`
	Texts   bool               `json:"texts"`
	Origins []string           `json:"origins"`
	Days    optional[int]      `json:"days"` // missing: accounts.ShareDays; 0: it doesn't expire
}

// apiCreateShare makes a share link. Nothing shows its address again, unless it's an embed.
func (s *Server) apiCreateShare(ctx context.Context, x *call) (reply, error) {
	in, err := decode[shareInput](x.Request)
	if err != nil {
		return reply{}, err
	}
	if err := s.wantVisibleTeam(ctx, x.caller.user.Person, in.Team); err != nil {
		return reply{}, err
	}
	token, made, err := s.cfg.Accounts.MakeShare(ctx, x.caller.user.ID, accounts.NewShare{Kind: in.Kind, Label: in.Name,
		Team: in.Team, Counts: in.Counts, Texts: in.Texts, Origins: in.Origins, Days: in.Days.or(accounts.ShareDays)})
	if err != nil {
		return reply{}, changeFailure(renamedFields(err), "create a share link")
	}
	return s.created("/shares/"+made.ID, s.shareOf(x.Host, made, token)), nil
}

// apiRevokeShare ends one of the caller's share links.
func (s *Server) apiRevokeShare(ctx context.Context, x *call) (reply, error) {
	err := s.cfg.Accounts.RevokeShare(ctx, x.caller.user.ID, x.params["id"])
	switch {
	case errors.Is(err, accounts.ErrNoShare):
		return reply{}, &failure{Status: http.StatusNotFound, Message: "You have no share link with this ID.", Err: err}
	case err != nil:
		return reply{}, changeFailure(err, "revoke a share link")
	}
	return none(), nil
}
