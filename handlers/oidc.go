package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/identity"
	"rollcall/ui"
)

// startAtProvider redirects to a provider, to sign in there, or, with ?prove, to prove who the person is. It's the
// target of links and not of forms, because browsers apply form-action to redirects, too.
func (s *Server) startAtProvider(c echo.Context) error {
	p, err := s.provider(c)
	if err != nil {
		return err
	}
	intent, session, next := identity.IntentSignIn, "", s.site.next(c.QueryParam("next"))
	if c.QueryParams().Has("prove") {
		v := signedIn(c)
		if v == nil {
			return s.redirect(c, s.site.path("/login"))
		}
		intent, session = identity.IntentStepUp, v.session.ID
	}
	page, err := s.goTo(c, p, intent, session, next)
	if err != nil {
		return s.providerFailure(c, p, err)
	}
	return c.Redirect(http.StatusSeeOther, page)
}

// goTo begins a flow, gives it to the browser, and returns the page of the provider. It may wait for the provider.
func (s *Server) goTo(c echo.Context, p *provider, intent identity.Intent, session, next string) (string, error) {
	flow, page, err := p.Start(c.Request().Context(), intent, session, next)
	if err != nil {
		return "", err
	}
	return page, s.keepFlow(c, flow)
}

// finishAtProvider answers GET /auth/:key/callback, where a provider sends people back. It's the only GET that writes.
// It needs the state and the code of the URL and the sealed cookie of the browser that began, and works once.
func (s *Server) finishAtProvider(c echo.Context) error {
	p, err := s.provider(c)
	if err != nil {
		return err
	}
	q := c.QueryParams()
	back := identity.Callback{Code: q.Get("code"), State: q.Get("state"), Issuer: q.Get("iss"), Error: q.Get("error")}
	flow, ok := s.takeFlow(c, back.State)
	if !ok {
		return s.providerFailure(c, p, &identity.ProviderError{Provider: p.key(), Code: identity.ErrState})
	}
	var failed, done reservation
	ctx := c.Request().Context()
	if err := s.reserveElsewhere(ctx, &failed, &done, c.Request()); err != nil {
		return s.refusedElsewhere(err)
	}
	person, err := p.Finish(ctx, flow, back)
	settleElsewhere(ctx, err, &failed, &done)
	if err != nil {
		return s.providerFailure(c, p, err)
	}
	switch flow.Intent {
	case identity.IntentLink:
		return s.linkAtProvider(c, p, flow, person)
	case identity.IntentStepUp:
		return s.proveAtProvider(c, p, flow, person)
	}
	return s.signInAtProvider(c, p, flow, person)
}

// reserveElsewhere reserves an attempt to sign in elsewhere by address, both as a failure and as a success.
func (s *Server) reserveElsewhere(ctx context.Context, failed, done *reservation, r *http.Request) error {
	networks, limit := s.addresses.networks(r), s.cfg.Limits.Logins
	err := failed.takeNetworks(ctx, s.limiters.Strangers, "elsewhere:address:", networks, limit, loginWindow)
	if err == nil {
		err = done.takeNetworks(ctx, s.limiters.Strangers, "login:successes:", networks, successesShare*limit, loginWindow)
	}
	if err != nil {
		failed.giveBack(ctx)
		done.giveBack(ctx)
	}
	return err
}

// settleElsewhere keeps one of two reservations after an attempt that ended with err, or none if the provider is down.
func settleElsewhere(ctx context.Context, err error, failed, done *reservation) {
	if err == nil || errors.Is(err, identity.ErrUnavailable) {
		failed.giveBack(ctx)
	}
	if err != nil {
		done.giveBack(ctx)
	}
}

func (s *Server) refusedElsewhere(err error) error {
	if f := accountFailure(err, "sign in"); f != nil {
		return f
	}
	return unavailable(fmt.Errorf("sign in elsewhere: %w", err))
}

// spentFlow is what a flow uses up.
func spentFlow(flow identity.Flow) accounts.Once {
	return accounts.Once{Secret: "oidc:" + flow.State, ExpiresAt: flow.Created.Add(flowAge)}
}

// identityAt returns the identity of a person at a provider.
func identityAt(p *provider, person identity.Person) accounts.Identity {
	label := cmp.Or(person.Email, person.Name)
	if len(person.Usernames) > 0 {
		label = cmp.Or(person.Email, person.Usernames[0])
	}
	return accounts.Identity{Issuer: person.Issuer, Subject: person.Subject, Provider: p.key(), Label: label}
}

// linkAtProvider adds the identity to the account of the session that began the flow.
func (s *Server) linkAtProvider(c echo.Context, p *provider, flow identity.Flow, person identity.Person) error {
	v := signedIn(c)
	if v == nil || v.session.ID != flow.Session {
		return otherSession()
	}
	err := s.cfg.Accounts.Link(c.Request().Context(), v.user.ID, identityAt(p, person), spentFlow(flow))
	if errors.Is(err, accounts.ErrSpent) {
		return usedFlow(err)
	}
	return s.answerLinked(c, p.name(), err)
}

// proveAtProvider records that the person of the session that began the flow has proved who they are.
func (s *Server) proveAtProvider(c echo.Context, p *provider, flow identity.Flow, person identity.Person) error {
	v, ctx := signedIn(c), c.Request().Context()
	if v == nil || v.session.ID != flow.Session {
		return otherSession()
	}
	owner, err := s.cfg.Accounts.UserByIdentity(ctx, person.Issuer, person.Subject)
	switch {
	case errors.Is(err, accounts.ErrNoIdentity), err == nil && owner.ID != v.user.ID:
		return &failure{Status: http.StatusForbidden, Heading: "That's another account",
			Message: "The account at " + p.name() + " isn't linked to yours here. Try again, and choose the one that is."}
	case err != nil:
		return unavailable(fmt.Errorf("prove: %w", err))
	}
	token, err := s.cfg.Accounts.Prove(ctx, v.user.ID, v.session.ID, accounts.Proof{
		Factors: string(accounts.ByProvider), Spends: []accounts.Once{spentFlow(flow)},
	})
	switch {
	case errors.Is(err, accounts.ErrSpent):
		return usedFlow(err)
	case err != nil:
		return notSaved(fmt.Errorf("prove: %w", err))
	}
	s.keepToken(c, token)
	return s.redirect(c, s.site.next(flow.Next))
}

// signInAtProvider starts a session for the person with an identity. Somebody unknown gets an account if the provider's
// configuration says so.
func (s *Server) signInAtProvider(c echo.Context, p *provider, flow identity.Flow, person identity.Person) error {
	config, r := p.Config(), c.Request()
	s.warnOfGroups(p, person.Groups)
	x := accounts.IdentitySignIn{
		Identity: identityAt(p, person), Grants: accounts.Grants(config.Grants(person.Groups)),
		SignIn: accounts.SignIn{
			UserAgent: r.UserAgent(), Address: from(s.addresses.of(r)), Method: accounts.ByProvider, Provider: p.key(),
			ProviderSession: person.SessionID, Spends: []accounts.Once{spentFlow(flow)},
		},
	}
	_, err := s.cfg.Accounts.UserByIdentity(r.Context(), person.Issuer, person.Subject)
	switch {
	case errors.Is(err, accounts.ErrNoIdentity) && config.SignUp != identity.SignUpNo:
		if err := config.Admits(person); err != nil {
			return s.providerFailure(c, p, err)
		}
		x.New = &accounts.Newcomer{Usernames: person.Usernames, DisplayName: person.Name,
			Approval: config.SignUp == identity.SignUpApprove}
		if person.EmailVerified == identity.Yes {
			x.New.Email = person.Email
		}
	case err != nil && !errors.Is(err, accounts.ErrNoIdentity):
		return unavailable(fmt.Errorf("sign in at a provider: %w", err))
	}
	return s.signInElsewhere(c, x, s.site.next(flow.Next))
}

// warnOfGroups logs, once per provider, that somebody's groups are unknown although rules need them.
func (s *Server) warnOfGroups(p *provider, groups identity.Groups) {
	config := p.Config()
	unknown := groups.State == identity.GroupsOverage || groups.State == identity.GroupsUnreadable ||
		groups.State == identity.GroupsAbsent && !config.AbsentNone
	if unknown && len(config.Teams)+len(config.Admins) > 0 && !p.unreadWarned.Swap(true) {
		s.log.Warn("a provider doesn't say in which groups somebody is, so their team and role stay as they are; "+
			"see docs/sign-in.md", "provider", p.key(), "groups", groups.State.String())
	}
}

// signInElsewhere starts a session for somebody who has proved an identity.
func (s *Server) signInElsewhere(c echo.Context, x accounts.IdentitySignIn, next string) error {
	if v := signedIn(c); v != nil {
		x.SignIn.Replaces = v.token
	}
	owner, err := s.cfg.Accounts.UserByIdentity(c.Request().Context(), x.Identity.Issuer, x.Identity.Subject)
	if err == nil {
		s.fromBrowser(c.Request(), owner.Username, &x.SignIn)
	}
	key := x.Identity.Provider
	actAs(c, accounts.AtProvider(key))
	r := c.Request()
	c.SetRequest(r.WithContext(accounts.Through(r.Context(), accounts.Origin{
		Via: accounts.ViaProvider, Request: requestID(c),
	})))
	token, session, user, err := s.startElsewhere(c, x)
	switch {
	case err == nil:
		s.enter(c, user, session, token)
		return s.redirect(c, next)
	case errors.Is(err, accounts.ErrNoIdentity):
		return s.unlinked(key)
	case errors.Is(err, accounts.ErrWaiting):
		return s.page(c, http.StatusAccepted, ui.WaitingPage{Layout: s.layout(c, ""), Provider: s.ElsewhereName(key),
			Name: user.DisplayName})
	case errors.Is(err, accounts.ErrNotSet):
		return s.redirect(c, s.site.path("/setup"))
	case errors.Is(err, accounts.ErrFull):
		return tooManyWait(err)
	case errors.Is(err, accounts.ErrSpent):
		return usedFlow(err)
	}
	if f := accountFailure(err, "sign in"); f != nil {
		return f
	}
	return notSaved(fmt.Errorf("sign in elsewhere: %w", err))
}

// startElsewhere starts the session, and counts it by identity. New accounts count like those of the sign-up form.
func (s *Server) startElsewhere(c echo.Context, x accounts.IdentitySignIn) (token string, session accounts.Session,
	user accounts.User, err error) {
	ctx := c.Request().Context()
	var done reservation
	who := hashKey("elsewhere:successes:", x.Identity.Issuer+"\x00"+x.Identity.Subject)
	if err := done.take(ctx, s.limiters.Members, who, successesPerName, loginWindow); err != nil {
		return "", session, user, err
	}
	start := func(ctx context.Context) (accounts.User, error) {
		token, session, user, err = s.cfg.Accounts.SignInByIdentity(ctx, x)
		if errors.Is(err, accounts.ErrWaiting) && user.ID != "" { // a new account, which counts
			return user, nil
		}
		return user, err
	}
	if x.New == nil {
		_, _ = start(ctx)
		return token, session, user, err
	}
	if _, limit := s.limitedSignup(c, start); limit != nil {
		return "", session, user, limit
	}
	return token, session, user, err
}
