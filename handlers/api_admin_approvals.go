package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"rollcall/accounts"
)

// apiApprovals lists the people who wait for approval.
func (s *Server) apiApprovals(ctx context.Context, _ *call) (reply, error) {
	waiting, err := s.cfg.Accounts.WaitingPeople(ctx)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("list who waits: %w", err))
	}
	list := accountsJSON{Users: []accountJSON{}}
	for _, w := range waiting {
		a := accountOf(accounts.ListedUser{User: w.User, Waiting: true})
		a.Note = w.Note
		list.Users = append(list.Users, a)
	}
	return ok(list), nil
}

// apiApprove lets somebody in who waits, and apiDecline deletes their account.
func (s *Server) apiApprove(ctx context.Context, x *call) (reply, error) {
	return s.decideOn(ctx, x, s.cfg.Accounts.Approve)
}

func (s *Server) apiDecline(ctx context.Context, x *call) (reply, error) {
	return s.decideOn(ctx, x, s.cfg.Accounts.Decline)
}

func (s *Server) decideOn(ctx context.Context, x *call, decide func(context.Context, string) error) (reply, error) {
	u, err := s.accountNamed(ctx, x)
	if err != nil {
		return reply{}, err
	}
	err = decide(ctx, u.ID)
	switch {
	case errors.Is(err, accounts.ErrNotFound):
		return reply{}, &failure{Status: http.StatusConflict, Message: "This person isn't waiting any more.", Err: err}
	case err != nil:
		return reply{}, changeFailure(err, "decide")
	}
	return none(), nil
}
