package handlers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"rollcall/accounts"
)

// hookJSON is a webhook.
type hookJSON struct {
	ID         string              `json:"id"`
	Name       string              `json:"name"`
	URL        string              `json:"url"`
	Format     accounts.HookFormat `json:"format"`
	About      accounts.HookScope  `json:"about"`
	Team       string              `json:"team,omitempty"`
	Person     string              `json:"person,omitempty"` // a username; missing if the caller can't see them any more
	Events     []string            `json:"events"`
	Settle     string              `json:"settle"`                // a duration
	Stopped    accounts.HookStop   `json:"stopped,omitempty"`     // why nothing is delivered
	StoppedAt  *time.Time          `json:"stopped_at,omitempty"`  // missing if that would tell when somebody left
	FailsSince *time.Time          `json:"fails_since,omitempty"` // missing: the last delivery didn't fail
	BothUntil  *time.Time          `json:"both_until,omitempty"`  // the previous secret signs, too
	CreatedAt  time.Time           `json:"created_at"`
	Secret     string              `json:"secret,omitempty"` // only in the reply that made it
}

// What a webhook can be told of.
const (
	hookStates = "states"
	hookTexts  = "texts"
)

func (s *Server) hookOf(ctx context.Context, x *call, h accounts.Hook) hookJSON {
	_, since, _ := hookState(h)
	y := hookJSON{ID: h.ID, Name: h.Label, URL: h.URL, Format: h.Format, About: h.About, Team: h.Team,
		Person: s.hookPerson(ctx, x.caller.user.Person, h), Events: []string{}, Stopped: h.Stopped,
		Settle:    strconv.Itoa(int(h.Settle/time.Second)) + "s",
		BothUntil: timeOf(h.OldUntil), CreatedAt: h.CreatedAt}
	if h.Stopped != "" {
		y.StoppedAt = timeOf(since)
	} else {
		y.FailsSince = timeOf(since)
	}
	if h.States {
		y.Events = append(y.Events, hookStates)
	}
	if h.Texts {
		y.Events = append(y.Events, hookTexts)
	}
	return y
}

type hooksJSON struct {
	Hooks []hookJSON `json:"hooks"`
}

// apiHooks lists the caller's webhooks.
func (s *Server) apiHooks(ctx context.Context, x *call) (reply, error) {
	all, err := s.cfg.Accounts.Hooks(ctx, x.caller.user.ID)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("list webhooks: %w", err))
	}
	list := hooksJSON{Hooks: []hookJSON{}}
	for _, h := range all {
		list.Hooks = append(list.Hooks, s.hookOf(ctx, x, h))
	}
	return ok(list), nil
}

// callersHook returns the webhook that the path names.
func (s *Server) callersHook(ctx context.Context, x *call) (accounts.Hook, error) {
	h, err := s.cfg.Accounts.Hook(ctx, x.caller.user.ID, x.params["id"])
	if err != nil {
		return h, hookFailure(err)
	}
	return h, nil
}

// apiHook answers with one webhook.
func (s *Server) apiHook(ctx context.Context, x *call) (reply, error) {
	h, err := s.callersHook(ctx, x)
	if err != nil {
		return reply{}, err
	}
	return ok(s.hookOf(ctx, x, h)), nil
}

// hookInput is what to choose for a webhook. What's missing is the default, or stays as it is.
type hookInput struct {
	Name   optional[string]              `json:"name"` // missing in a new webhook: the host of its address
	URL    optional[string]              `json:"url"`
	Format optional[accounts.HookFormat] `json:"format"`
	About  optional[accounts.HookScope]  `json:"about"`
	Team   optional[string]              `json:"team"`
	Person optional[string]              `json:"person"` // a username
	Events optional[[]string]            `json:"events"`
	Settle optional[string]              `json:"settle"` // a duration; missing or null with another format: the format's own
}

// wish returns what in makes of was.
func (in hookInput) wish(was accounts.HookWish) (w accounts.HookWish, err error) {
	w = was
	w.Label, w.URL, w.Format = in.Name.or(was.Label), in.URL.or(was.URL), in.Format.or(was.Format)
	w.About, w.Team = in.About.or(was.About), in.Team.or(was.Team)
	if in.Events.Set {
		for _, e := range in.Events.Value {
			if e != hookStates && e != hookTexts {
				return w, &accounts.FieldError{Field: "events", Code: accounts.NotAnOption}
			}
		}
		w.States, w.Texts = slices.Contains(in.Events.Value, hookStates), slices.Contains(in.Events.Value, hookTexts)
	}
	switch {
	case in.Settle.Set && !in.Settle.Null:
		w.Settle, err = elapsed("settle", in.Settle.Value, maxStatus) // accounts has the limit
	case in.Settle.Set || w.Format != was.Format:
		w.Settle = w.Format.Settle()
	}
	return w, err
}

// apiCreateHook makes a webhook. Nothing shows its secret again.
func (s *Server) apiCreateHook(ctx context.Context, x *call) (reply, error) {
	in, err := decode[hookInput](x.Request)
	if err != nil {
		return reply{}, err
	}
	usual := accounts.HookWish{Format: accounts.HookStandard, About: accounts.AboutEveryone, States: true,
		Settle: accounts.HookStandard.Settle()}
	w, err := in.wish(usual)
	if err != nil {
		return reply{}, err
	}
	w.Label = cmp.Or(w.Label, usualHookName(w.URL))
	if w, err = s.seenWish(ctx, x.caller.user.Person, w, in.Person.Value, accounts.Hook{}); err != nil {
		return reply{}, err
	}
	if err := s.limitHooksOf(ctx, x.caller.user.ID); err != nil {
		return reply{}, err
	}
	h, err := s.cfg.Accounts.AddHook(ctx, x.caller.user.ID, w)
	if err != nil {
		return reply{}, changeFailure(err, "create a webhook")
	}
	body := s.hookOf(ctx, x, h)
	body.Secret = h.Secret
	return s.created("/hooks/"+h.ID, body), nil
}

// usualHookName returns the name of a webhook that has none.
func usualHookName(address string) string {
	if host := hostOf(address); host != "" && len(host) <= 64 {
		return host
	}
	return "Webhook"
}

// apiPatchHook changes what the body names.
func (s *Server) apiPatchHook(ctx context.Context, x *call) (reply, error) {
	in, err := decode[hookInput](x.Request)
	if err != nil {
		return reply{}, err
	}
	h, err := s.callersHook(ctx, x)
	if err != nil {
		return reply{}, err
	}
	w, err := in.wish(h.HookWish)
	if err != nil {
		return reply{}, err
	}
	if w, err = s.seenWish(ctx, x.caller.user.Person, w, in.Person.Value, h); err != nil {
		return reply{}, err
	}
	return s.changeHookOf(ctx, x, func() error { return hookChange(s.cfg.Accounts.ChangeHook(ctx, h.UserID, h.ID, w)) })
}

// changeHookOf runs change within the limits, and answers with the webhook as it's then.
func (s *Server) changeHookOf(ctx context.Context, x *call, change func() error) (reply, error) {
	if err := s.limitHooksOf(ctx, x.caller.user.ID); err != nil {
		return reply{}, err
	}
	if err := change(); err != nil {
		return reply{}, err
	}
	return s.apiHook(ctx, x)
}

// hookChange returns what to answer about an error of a change, or nil.
func hookChange(err error) error {
	if err == nil || len(accounts.WrongFields(err)) > 0 {
		return err
	}
	return hookFailure(err)
}

// actOnHookOf runs act on the webhook that the path names.
func (s *Server) actOnHookOf(ctx context.Context, x *call,
	act func(ctx context.Context, userID, id string) error) (reply, error) {
	return s.changeHookOf(ctx, x, func() error {
		if err := act(ctx, x.caller.user.ID, x.params["id"]); err != nil {
			return hookActFailure(err)
		}
		return nil
	})
}

func (s *Server) apiPauseHook(ctx context.Context, x *call) (reply, error) {
	return s.actOnHookOf(ctx, x, s.cfg.Accounts.PauseHook)
}

func (s *Server) apiStartHook(ctx context.Context, x *call) (reply, error) {
	return s.actOnHookOf(ctx, x, s.cfg.Accounts.StartHook)
}

// apiDeleteHook deletes a webhook.
func (s *Server) apiDeleteHook(ctx context.Context, x *call) (reply, error) {
	if err := s.limitHooksOf(ctx, x.caller.user.ID); err != nil {
		return reply{}, err
	}
	if err := s.cfg.Accounts.DeleteHook(ctx, x.caller.user.ID, x.params["id"]); err != nil {
		return reply{}, hookFailure(err)
	}
	return none(), nil
}

// apiRotateHook gives a webhook a new secret. Nothing shows it again.
func (s *Server) apiRotateHook(ctx context.Context, x *call) (reply, error) {
	var secret string
	r, err := s.changeHookOf(ctx, x, func() (err error) {
		secret, err = s.cfg.Accounts.RotateHook(ctx, x.caller.user.ID, x.params["id"])
		return hookChange(err)
	})
	if err != nil {
		return reply{}, err
	}
	body := r.body.(hookJSON)
	body.Secret = secret
	return ok(body), nil
}
