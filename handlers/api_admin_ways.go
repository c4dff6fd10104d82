package handlers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"rollcall/accounts"
)

// apiEndAccountSessions ends all sessions and access tokens of somebody. The answer doesn't tell whether there were
// any.
func (s *Server) apiEndAccountSessions(ctx context.Context, x *call) (reply, error) {
	return s.onOtherAccount(ctx, x, "end sessions", func(id string) error {
		_, err := s.cfg.Accounts.SignOut(ctx, []string{id})
		return err
	})
}

// apiResetFactors removes the passkeys and the authenticator app of somebody who has lost them.
func (s *Server) apiResetFactors(ctx context.Context, x *call) (reply, error) {
	return s.onOtherAccount(ctx, x, "reset factors", func(id string) error { return s.cfg.Accounts.ResetFactors(ctx, id) })
}

// onceJSON is a link that is shown once.
type onceJSON struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at"`
}

// apiResetLink makes a link with which somebody can choose a new password.
func (s *Server) apiResetLink(ctx context.Context, x *call) (reply, error) {
	u, err := s.accountNamed(ctx, x)
	switch {
	case err != nil:
		return reply{}, err
	case u.Disabled:
		return reply{}, disabledForLink()
	}
	token, err := s.cfg.Accounts.MakeResetLink(ctx, u.ID)
	if err != nil {
		return reply{}, changeFailure(err, "create a reset link")
	}
	return reply{status: http.StatusCreated, body: onceJSON{s.linkFor(x.Host, "/reset/", token),
		time.Now().Add(accounts.ResetLinkAge).UTC().Truncate(time.Second)}}, nil
}

// apiMailResetLink sends such a link to the person's address.
func (s *Server) apiMailResetLink(ctx context.Context, x *call) (reply, error) {
	if !s.sendsMail() {
		return reply{}, noMail()
	}
	u, err := s.accountNamed(ctx, x)
	switch {
	case err != nil:
		return reply{}, err
	case u.Disabled:
		return reply{}, disabledForLink()
	}
	if err := s.cfg.Accounts.MailResetLink(ctx, u.ID); err != nil {
		return reply{}, changeFailure(err, "send a reset link")
	}
	return none(), nil
}

// noMail is the failure for emails of a board that sends none.
func noMail() error {
	return &failure{Status: http.StatusConflict, Message: "This board sends no emails. Send the link yourself."}
}

// apiUnlink takes an account elsewhere from somebody.
func (s *Server) apiUnlink(ctx context.Context, x *call) (reply, error) {
	u, err := s.accountNamed(ctx, x)
	if err != nil {
		return reply{}, err
	}
	err = s.cfg.Accounts.Unlink(ctx, u.ID, x.params["id"], x.caller.session.ID, s.offeredWays())
	switch {
	case errors.Is(err, accounts.ErrNoIdentity):
		return reply{}, &failure{Status: http.StatusNotFound, Message: "This person has no linked account with this ID.", Err: err}
	case errors.Is(err, accounts.ErrLastWayIn):
		return reply{}, lastWayOfOther(err)
	case err != nil:
		return reply{}, changeFailure(err, "unlink this account")
	}
	return none(), nil
}
