package handlers

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"rollcall/accounts"
)

// claimJSON is what a program says about the caller under a key.
type claimJSON struct {
	Key    string     `json:"key"`
	State  string     `json:"state,omitempty"` // away or dnd; missing: only a text
	Text   string     `json:"text,omitempty"`
	Emoji  string     `json:"emoji,omitempty"`
	Until  *time.Time `json:"until,omitempty"` // what others are told about its end
	EndsAt time.Time  `json:"ends_at"`         // when it ends unless it's renewed
	SetAt  time.Time  `json:"set_at"`
}

func claimOf(c accounts.Claim) claimJSON {
	return claimJSON{c.Key, c.State, c.Text, c.Emoji, timeOf(c.Until), c.Ends, c.SetAt}
}

type claimsJSON struct {
	Claims []claimJSON `json:"claims"`
}

// apiClaims lists the claims about the caller.
func (s *Server) apiClaims(ctx context.Context, x *call) (reply, error) {
	all, err := s.cfg.Accounts.Claims(ctx, x.caller.user.ID)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("list claims: %w", err))
	}
	list := claimsJSON{Claims: []claimJSON{}}
	for _, c := range all {
		list.Claims = append(list.Claims, claimOf(c))
	}
	return ok(list), nil
}

// claimInput is a claim to set. It needs an end: until, for, or a lease.
type claimInput struct {
	State string    `json:"state"`
	Text  string    `json:"text"`
	Emoji string    `json:"emoji"`
	Until time.Time `json:"until"`
	For   string    `json:"for"`   // a duration, instead of until
	Lease string    `json:"lease"` // a duration, after which it ends unless it's renewed
}

// end returns the told end of the claim, and its lease.
func (in claimInput) end(now time.Time) (until time.Time, lease time.Duration, err error) {
	until = in.Until
	if in.For != "" {
		if !until.IsZero() {
			return until, 0, &accounts.FieldError{Field: "for", Code: notBoth, Detail: "until"}
		}
		d, err := lasting("for", in.For, accounts.MaxClaimAge)
		if err != nil {
			return until, 0, err
		}
		until = now.Add(d)
	}
	if in.Lease != "" {
		lease, err = lasting("lease", in.Lease, accounts.MaxLease)
	}
	return until, lease, err
}

// apiPutClaim sets a claim about the caller. A program that repeats the call renews the lease.
func (s *Server) apiPutClaim(ctx context.Context, x *call) (reply, error) {
	in, err := decode[claimInput](x.Request)
	if err != nil {
		return reply{}, err
	}
	until, lease, err := in.end(time.Now())
	if err != nil {
		return reply{}, err
	}
	set, created, err := s.cfg.Accounts.PutClaim(ctx, x.caller.user.ID, accounts.Claim{
		Key: x.params["key"], State: in.State, Text: strings.TrimSpace(in.Text), Emoji: strings.TrimSpace(in.Emoji),
		Until: until, Token: x.caller.token.ID,
	}, lease)
	switch {
	case err != nil:
		return reply{}, changeFailure(err, "set a claim")
	case created:
		return s.created("/me/claims/"+set.Key, claimOf(set)), nil
	}
	return ok(claimOf(set)), nil
}

// apiDeleteClaim ends a claim about the caller. One that has ended already is no error, so a program can repeat the
// call.
func (s *Server) apiDeleteClaim(ctx context.Context, x *call) (reply, error) {
	key := x.params["key"]
	if err := accounts.CheckKey(key); err != nil {
		return reply{}, &failure{Status: http.StatusNotFound, Message: "There can't be a claim with this key.", Err: err}
	}
	if _, err := s.cfg.Accounts.DeleteClaim(ctx, x.caller.user.ID, key); err != nil {
		return reply{}, changeFailure(err, "end a claim")
	}
	return none(), nil
}
