package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"rollcall/accounts"
)

// tokenJSON is an access token.
type tokenJSON struct {
	ID        string           `json:"id"`
	Name      string           `json:"name"`
	Scopes    []accounts.Scope `json:"scopes"`
	Current   bool             `json:"current"`                 // the request was made with it
	ByToken   bool             `json:"made_by_token,omitempty"` // another token made it
	CreatedAt time.Time        `json:"created_at"`
	ExpiresAt *time.Time       `json:"expires_at,omitempty"`   // missing: never
	UsedAt    *time.Time       `json:"last_used_at,omitempty"` // to about 10 minutes; missing: never
	Token     string           `json:"token,omitempty"`        // its text, only in the reply that made it
}

func (x caller) tokenOf(k accounts.Token) tokenJSON {
	return tokenJSON{ID: k.ID, Name: k.Name, Scopes: k.Scopes, Current: k.ID == x.token.ID, ByToken: k.Parent != "",
		CreatedAt: k.CreatedAt, ExpiresAt: timeOf(k.ExpiresAt), UsedAt: timeOf(k.UsedAt)}
}

type tokensJSON struct {
	Tokens []tokenJSON `json:"tokens"`
}

// apiTokens lists the caller's access tokens.
func (s *Server) apiTokens(ctx context.Context, x *call) (reply, error) {
	all, err := s.cfg.Accounts.Tokens(ctx, x.caller.user.ID)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("list tokens: %w", err))
	}
	list := tokensJSON{Tokens: []tokenJSON{}}
	for _, k := range all {
		list.Tokens = append(list.Tokens, x.caller.tokenOf(k))
	}
	return ok(list), nil
}

// tokenInput is an access token to make.
type tokenInput struct {
	Name    string           `json:"name"`
	Scopes  []accounts.Scope `json:"scopes"`
	Expires string           `json:"expires"` // a duration, or never; missing: 90 days
}

// apiCreateToken makes an access token. A token can make only tokens that do no more than itself. In a session, the
// person has to confirm first that it's them, as in the settings.
func (s *Server) apiCreateToken(ctx context.Context, x *call) (reply, error) {
	in, err := decode[tokenInput](x.Request)
	if err != nil {
		return reply{}, err
	}
	byTwo := s.cfg.SecondFactor && slices.Contains(in.Scopes, accounts.Administer)
	if x.caller.token.ID == "" && (!x.caller.proved || byTwo && !x.caller.session.TwoFactors()) {
		return reply{}, unconfirmedFailure()
	}
	n := accounts.NewToken{UserID: x.caller.user.ID, Name: in.Name, Scopes: in.Scopes, Parent: x.caller.token}
	switch in.Expires {
	case "":
	case "never":
		n.Life = accounts.Forever
	default:
		if n.Life, err = lasting("expires", in.Expires, accounts.MaxTokenLife); err != nil {
			return reply{}, err
		}
	}
	text, made, err := s.cfg.Accounts.CreateToken(ctx, n)
	if err != nil {
		return reply{}, changeFailure(err, "create a token")
	}
	body := x.caller.tokenOf(made)
	body.Token = text
	return s.created("/me/tokens/"+made.ID, body), nil
}

// apiRevokeToken ends one of the caller's tokens, which can be the one of the request.
func (s *Server) apiRevokeToken(ctx context.Context, x *call) (reply, error) {
	err := s.cfg.Accounts.RevokeToken(ctx, x.caller.user.ID, x.params["id"])
	switch {
	case errors.Is(err, accounts.ErrNoToken):
		return reply{}, &failure{Status: http.StatusNotFound, Message: "You have no token with this ID.", Err: err}
	case err != nil:
		return reply{}, changeFailure(err, "revoke a token")
	}
	return none(), nil
}

// sessionJSON is a sign-in.
type sessionJSON struct {
	ID        string    `json:"id"`
	Device    string    `json:"device"` // the browser and the operating system that it claims
	Address   string    `json:"address,omitempty"`
	Method    string    `json:"method"`
	Current   bool      `json:"current"` // the request was made in it
	CreatedAt time.Time `json:"created_at"`
	UsedAt    time.Time `json:"last_used_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

type sessionsJSON struct {
	Sessions []sessionJSON `json:"sessions"`
}

// apiSessions lists where the caller is signed in.
func (s *Server) apiSessions(ctx context.Context, x *call) (reply, error) {
	all, err := s.cfg.Accounts.Sessions(ctx, x.caller.user.ID)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("list sessions: %w", err))
	}
	list := sessionsJSON{Sessions: []sessionJSON{}}
	for _, k := range all {
		list.Sessions = append(list.Sessions, sessionJSON{ID: k.ID, Device: deviceName(k.UserAgent), Address: k.Address,
			Method: string(k.Method), Current: k.ID == x.caller.session.ID, CreatedAt: k.CreatedAt, UsedAt: k.UsedAt,
			ExpiresAt: k.ExpiresAt})
	}
	return ok(list), nil
}

// apiEndSessions signs the caller out everywhere, except in the session of the request.
func (s *Server) apiEndSessions(ctx context.Context, x *call) (reply, error) {
	if _, err := s.cfg.Accounts.EndOtherSessions(ctx, x.caller.user.ID, x.caller.session.ID, false); err != nil {
		return reply{}, changeFailure(err, "end sessions")
	}
	return none(), nil
}

// apiEndSession ends one of the caller's sessions.
func (s *Server) apiEndSession(ctx context.Context, x *call) (reply, error) {
	err := s.cfg.Accounts.EndSessionOf(ctx, x.caller.user.ID, x.params["id"])
	switch {
	case errors.Is(err, accounts.ErrNoSession):
		return reply{}, &failure{Status: http.StatusNotFound, Message: "You have no session with this ID.", Err: err}
	case err != nil:
		return reply{}, changeFailure(err, "end a session")
	}
	return none(), nil
}
