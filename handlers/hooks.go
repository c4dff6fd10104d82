package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// hooksPage lists the webhooks of the person.
func (s *Server) hooksPage(c echo.Context) error {
	v := signedIn(c)
	hooks, err := s.cfg.Accounts.Hooks(c.Request().Context(), v.user.ID)
	if err != nil {
		return unavailable(fmt.Errorf("webhooks: %w", err))
	}
	p := ui.HooksPage{Layout: s.layout(c, ""), Max: accounts.MaxHooks}
	if c.QueryParam("saved") == "deleted" {
		p.Said = "Webhook deleted."
	}
	for _, h := range hooks {
		state, _, bad := hookState(h)
		p.Hooks = append(p.Hooks, ui.HookLine{ID: h.ID, Label: h.Label, Where: hostOf(h.URL), About: s.hookAbout(c, h), State: state,
			Bad: bad})
	}
	return s.page(c, http.StatusOK, p)
}

// hostOf returns the host of an address.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// hookAbout says whom a webhook is about.
func (s *Server) hookAbout(c echo.Context, h accounts.Hook) string {
	switch h.About {
	case accounts.AboutOneTeam:
		return "the team " + h.Team
	case accounts.AboutOnePerson:
		if name := s.hookPerson(c.Request().Context(), signedIn(c).user.Person, h); name != "" {
			return "@" + name
		}
		return "somebody you can't see"
	}
	return "everyone you can see"
}

// hookPerson returns the username of the person that a webhook is about, or "" if there's none whom eyes may see.
func (s *Server) hookPerson(ctx context.Context, eyes accounts.Person, h accounts.Hook) string {
	if h.About != accounts.AboutOnePerson {
		return ""
	}
	names, err := s.visible(ctx, eyes, []string{h.PersonID})
	if err != nil {
		return ""
	}
	return names[h.PersonID]
}

// newHookPage shows the form for a new webhook.
func (s *Server) newHookPage(c echo.Context) error {
	usual := accounts.HookWish{Format: accounts.HookStandard, About: accounts.AboutEveryone, States: true}
	p := s.hookForm(c, accounts.Hook{HookWish: usual})
	p.Settle = ""
	return s.page(c, http.StatusOK, p)
}

// hookPage shows one webhook.
func (s *Server) hookPage(c echo.Context) error {
	p, err := s.hook(c)
	if err != nil {
		return err
	}
	p.Said = map[string]string{"changed": "Saved.", "paused": "Paused.", "started": "Started."}[c.QueryParam("saved")]
	return s.page(c, http.StatusOK, p)
}

// toHook redirects people who load the address of a form.
func (s *Server) toHook(c echo.Context) error { return s.redirect(c, s.hookPath(c, "")) }

// hookPath returns the path of the page of the webhook in the address, with a confirmation.
func (s *Server) hookPath(c echo.Context, done string) string {
	path := s.site.path("/settings/hooks/" + url.PathEscape(c.Param("id")))
	if done != "" {
		path += "?saved=" + done
	}
	return path
}

// ownHook returns the webhook in the address.
func (s *Server) ownHook(c echo.Context) (accounts.Hook, error) {
	h, err := s.cfg.Accounts.Hook(c.Request().Context(), signedIn(c).user.ID, c.Param("id"))
	if err != nil {
		return h, hookFailure(err)
	}
	return h, nil
}

// hookFailure returns what to say about an error of a webhook.
func hookFailure(err error) error {
	if errors.Is(err, accounts.ErrNoHook) {
		return &failure{Status: http.StatusNotFound, Heading: "No such webhook", Message: "It may have been deleted.", Err: err}
	}
	return notSaved(fmt.Errorf("webhook: %w", err))
}

// hook returns the page of the webhook in the address.
func (s *Server) hook(c echo.Context) (p ui.HookPage, err error) {
	h, err := s.ownHook(c)
	if err != nil {
		return p, err
	}
	all, err := s.cfg.Accounts.Deliveries(c.Request().Context(), h.ID)
	if err != nil {
		return p, unavailable(fmt.Errorf("webhook: %w", err))
	}
	p = s.hookForm(c, h)
	for _, d := range all {
		p.Deliveries = append(p.Deliveries, ui.HookDelivery{
			At: d.At, Day: p.OnePerson && d.Event != accounts.TestEvent, Event: d.Event, OK: d.Reason == "",
			Result: deliveryWords(d), Took: tookWords(d.Took), Tries: d.Tries,
		})
	}
	return p, nil
}

// addHook makes a webhook and shows its secret once.
func (s *Server) addHook(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	var h accounts.Hook
	if err = s.limitHookActs(c); err == nil {
		var w accounts.HookWish
		if w, err = s.hookWish(c, fields, accounts.Hook{}); err == nil {
			h, err = s.cfg.Accounts.AddHook(c.Request().Context(), signedIn(c).user.ID, w)
		}
	}
	if err != nil {
		return s.refuseHook(c, err, fields, s.hookForm(c, accounts.Hook{}))
	}
	return s.page(c, http.StatusOK, ui.HookSecretPage{Layout: s.layout(c, ""), ID: h.ID, Name: h.Label, Secret: h.Secret})
}

// changeHook changes a webhook.
func (s *Server) changeHook(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	h, err := s.ownHook(c)
	if err != nil {
		return err
	}
	if err = s.limitHookActs(c); err == nil {
		var w accounts.HookWish
		if w, err = s.hookWish(c, fields, h); err == nil {
			err = s.cfg.Accounts.ChangeHook(c.Request().Context(), h.UserID, h.ID, w)
		}
	}
	if err != nil {
		p, failed := s.hook(c)
		if failed != nil {
			return failed
		}
		return s.refuseHook(c, err, fields, p)
	}
	return s.redirect(c, s.hookPath(c, "changed"))
}

// testHook sends a test to a webhook and shows how that went.
func (s *Server) testHook(c echo.Context) error {
	h, err := s.ownHook(c)
	if err != nil {
		return err
	}
	if err := s.limitActs(c); err != nil {
		return err
	}
	d, signature, err := s.sendTest(c.Request().Context(), h)
	if err != nil {
		return err
	}
	p, err := s.hook(c)
	if err != nil {
		return err
	}
	p.Test = &ui.HookTest{OK: d.Reason == "", Result: DeliveryMessage(d), Took: tookWords(d.Took), Signature: signature}
	return s.page(c, http.StatusOK, p)
}

// sendTest sends a test to a webhook and lists it. It returns how that went, and the signature.
func (s *Server) sendTest(ctx context.Context, h accounts.Hook) (d accounts.Delivery, signature string, err error) {
	if s.cfg.Hooks == nil {
		return d, "", &failure{Status: http.StatusServiceUnavailable, Message: "This server can't send tests."}
	}
	d, signature = s.cfg.Hooks.Test(ctx, h)
	if err := s.cfg.Accounts.AddTest(ctx, h, d); err != nil {
		return d, "", hookFailure(err)
	}
	return d, signature, nil
}

// hookActs is how many changes of webhooks a person can make in a day. Each adds a line to the audit log.
const hookActs = 200

// limitHookActs is limitActs for what adds a line to the audit log.
func (s *Server) limitHookActs(c echo.Context) error {
	if err := s.limitActs(c); err != nil {
		return err
	}
	return s.limitHooksOf(c.Request().Context(), signedIn(c).user.ID)
}

// limitHooksOf counts a change of a person's webhooks.
func (s *Server) limitHooksOf(ctx context.Context, userID string) error {
	var held reservation
	return s.overLimit(held.take(ctx, s.limiters.Members, "hooks:"+userID, hookActs, 24*time.Hour), "change webhooks")
}

// rotateHook gives a webhook a new secret and shows it once.
func (s *Server) rotateHook(c echo.Context) error {
	h, err := s.ownHook(c)
	if err != nil {
		return err
	}
	if err := s.limitHookActs(c); err != nil {
		return err
	}
	secret, err := s.cfg.Accounts.RotateHook(c.Request().Context(), h.UserID, h.ID)
	if err != nil {
		return hookFailure(err)
	}
	return s.page(c, http.StatusOK, ui.HookSecretPage{
		Layout: s.layout(c, ""), ID: h.ID, Name: h.Label, Secret: secret, Renewed: true,
	})
}

func (s *Server) pauseHook(c echo.Context) error {
	return s.actOnHook(c, s.cfg.Accounts.PauseHook, s.hookPath(c, "paused"))
}

func (s *Server) startHook(c echo.Context) error {
	return s.actOnHook(c, s.cfg.Accounts.StartHook, s.hookPath(c, "started"))
}

func (s *Server) deleteHook(c echo.Context) error {
	return s.actOnHook(c, s.cfg.Accounts.DeleteHook, s.site.path("/settings/hooks")+"?saved=deleted")
}

// actOnHook does something with the webhook in the address, and redirects.
func (s *Server) actOnHook(c echo.Context, act func(ctx context.Context, userID, id string) error, to string) error {
	if err := s.limitHookActs(c); err != nil {
		return err
	}
	if err := act(c.Request().Context(), signedIn(c).user.ID, c.Param("id")); err != nil {
		return hookActFailure(err)
	}
	return s.redirect(c, to)
}

// hookActFailure is hookFailure for what needs no form.
func hookActFailure(err error) error {
	if len(accounts.WrongFields(err)) > 0 {
		return &failure{Status: http.StatusConflict, Heading: "Not started", Err: err,
			Message: "The person this webhook was about no longer has an account here. Choose somebody else first."}
	}
	return hookFailure(err)
}
