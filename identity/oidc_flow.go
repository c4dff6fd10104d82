package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	flowAge       = 10 * time.Minute // between Start and Finish
	clockDrift    = time.Minute      // that the clock of another replica may be ahead
	finishTimeout = 20 * time.Second // for all requests of one Finish
)

// Intent is what a flow is for.
type Intent string

const (
	IntentSignIn Intent = "in"
	IntentLink   Intent = "link" // add the identity to the account of a session
	IntentStepUp Intent = "up"   // prove again who the owner of a session is
)

// Flow is an unfinished visit to a provider. The caller gives it to the browser that began it in a sealed cookie, and
// sees to it that its State is used once. Nobody else may read or make one.
type Flow struct {
	Provider string    `json:"p"` // key
	State    string    `json:"s"` // in the provider's callback
	Nonce    string    `json:"n"` // in the ID token
	Verifier string    `json:"v"` // RFC 7636
	Intent   Intent    `json:"i"`
	Session  string    `json:"u,omitempty"` // ID of the session, unless the intent is to sign in
	Next     string    `json:"x,omitempty"` // where to go afterwards; the caller checked it
	Created  time.Time `json:"t"`
}

// Callback is what the provider's redirect to RedirectURL carries in its query. Text that is missing is empty.
type Callback struct {
	Code   string // code
	State  string // state
	Issuer string // iss, see RFC 9207
	Error  string // error
}

// Start begins a flow and returns the URL of the provider's page to which the browser goes. session is the ID of the
// session, unless the intent is to sign in. The error is a *ProviderError with ErrUnavailable, ErrIssuer or
// ErrProtocol. After a failure, Start fails at once for 10 seconds.
func (p *Provider) Start(ctx context.Context, intent Intent, session, next string) (Flow, string, error) {
	if (intent == IntentSignIn) != (session == "") {
		return Flow{}, "", errors.New("a flow needs a session exactly if it doesn't sign in")
	}
	found, err := p.discover(ctx)
	if err != nil {
		return Flow{}, "", err
	}
	flow := Flow{
		Provider: p.config.Key,
		State:    rand.Text(),
		Nonce:    rand.Text(),
		Verifier: oauth2.GenerateVerifier(),
		Intent:   intent,
		Session:  session,
		Next:     next,
		Created:  time.Now().UTC().Truncate(time.Second),
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(flow.Nonce), oauth2.S256ChallengeOption(flow.Verifier)}
	if intent == IntentStepUp {
		options = append(options, oauth2.SetAuthURLParam("max_age", "0"), oauth2.SetAuthURLParam("prompt", "login"))
	}
	return flow, found.oauth.AuthCodeURL(flow.State, options...), nil
}

// Finish checks a callback and returns who signed in at the provider. After a flow that links or steps up, the caller
// still has to check that flow.Session is the session of the request, and after a step-up, that the person belongs to
// its account. The error is a *ProviderError. Finish takes 20 seconds at most.
func (p *Provider) Finish(ctx context.Context, flow Flow, callback Callback) (Person, error) {
	if err := p.checkCallback(flow, callback, time.Now()); err != nil {
		return Person{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	found, err := p.discover(ctx)
	if err != nil {
		return Person{}, err
	}
	if callback.Issuer == "" && found.SendsIssuer {
		return Person{}, p.config.failure(ErrIssuer, "the callback has no iss, though the provider promises it", nil)
	}
	if callback.Error != "" {
		return Person{}, &ProviderError{Provider: p.config.Key, Code: ErrRefused, Reason: knownReason(callback.Error)}
	}
	if callback.Code == "" {
		return Person{}, p.config.failure(ErrProtocol, "the callback has no code", nil)
	}
	person, err := p.exchange(ctx, found, flow, callback.Code)
	if errors.Is(err, ErrUnavailable) && ctx.Err() == nil {
		p.doubt()
	}
	return person, err
}

// checkCallback makes the checks that don't need the provider.
func (p *Provider) checkCallback(flow Flow, callback Callback, now time.Time) error {
	same := subtle.ConstantTimeCompare([]byte(flow.State), []byte(callback.State)) == 1
	age := now.Sub(flow.Created)
	switch {
	case flow.State == "" || !same || flow.Provider != p.config.Key:
		return p.config.failure(ErrState, "", nil)
	case age > flowAge || age < -clockDrift:
		return p.config.failure(ErrFlowExpired, "", nil)
	case callback.Issuer != "" && callback.Issuer != p.config.Issuer:
		return p.config.failure(ErrIssuer, "the callback names another issuer", nil)
	}
	return nil
}

// exchange gives the code back to the provider and returns whom it stands for.
func (p *Provider) exchange(ctx context.Context, found *discovered, flow Flow, code string) (Person, error) {
	token, err := found.oauth.Exchange(oidc.ClientContext(ctx, p.client), code, oauth2.VerifierOption(flow.Verifier))
	if err != nil {
		return Person{}, p.config.failedExchange(err)
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" || len(raw) > maxToken {
		return Person{}, p.config.failure(ErrProtocol, "token endpoint: no usable ID token", nil)
	}
	keys := &keySet{remote: found.keys}
	idToken, err := oidc.NewVerifier(p.config.Issuer, keys, found.verifier).Verify(ctx, raw)
	if err != nil {
		return Person{}, p.failedToken(err, keys.err)
	}
	person, said, err := p.accept(idToken, flow, time.Now())
	if err != nil {
		return Person{}, err
	}
	more, err := p.userInfo(ctx, found, token, person.Subject)
	if err != nil {
		return Person{}, err
	}
	person.describe(said, more)
	return person, nil
}

// userInfo asks the userinfo endpoint, if there is one, because many providers keep the profile and the groups out of
// ID tokens. It refuses an answer about anybody but subject: OpenID Connect Core section 5.3.2.
func (p *Provider) userInfo(ctx context.Context, found *discovered, token *oauth2.Token,
	subject string) (claims, error) {
	if found.UserInfoURL == "" {
		return nil, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, found.UserInfoURL, nil)
	if err != nil {
		return nil, p.config.failure(ErrProtocol, "userinfo", err)
	}
	token.SetAuthHeader(req)
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, p.config.failedRequest("userinfo", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, p.config.failure(ErrProtocol, "userinfo", err)
	}
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind == "application/jwt" {
		keys := &keySet{remote: found.keys}
		if body, err = keys.VerifySignature(ctx, string(body)); err != nil {
			return nil, p.failedToken(err, keys.err)
		}
	}
	said, err := readClaims(body)
	if err != nil {
		return nil, p.config.failure(ErrProtocol, "userinfo", err)
	}
	if said.exactly("sub") != subject {
		return nil, p.config.failure(ErrUserInfo, "", nil)
	}
	return said, nil
}

const (
	maxAhead   = 5 * time.Minute // that a provider's clock may be ahead of ours
	maxToken   = 64 << 10        // bytes of a token
	authLeeway = 5 * time.Second // for rounding, and for the way to the provider
)

// accept makes the checks of an ID token that the library leaves to its callers: OpenID Connect Core section 3.1.3.7,
// from number 4 on. token has passed oidc.IDTokenVerifier.Verify, which checked its signature, issuer, audience and
// expiry. accept returns the person, of whom only the identity is filled in, and all claims.
func (p *Provider) accept(token *oidc.IDToken, flow Flow, now time.Time) (Person, claims, error) {
	var said claims
	if err := token.Claims(&said); err != nil {
		return Person{}, nil, p.config.failure(ErrToken, "claims", err)
	}
	subject, ok := said.identifier("sub")
	switch {
	case said["events"] != nil:
		return Person{}, nil, p.config.failure(ErrLogoutToken, "", nil)
	case flow.Nonce == "" || said.exactly("nonce") != flow.Nonce:
		return Person{}, nil, p.config.failure(ErrNonce, "", nil)
	case subject == "" || !ok:
		return Person{}, nil, p.config.failure(ErrSubject, "", nil)
	case (len(token.Audience) > 1 || said["azp"] != nil) && said.exactly("azp") != p.config.ClientID:
		return Person{}, nil, p.config.failure(ErrParty, "", nil)
	case token.IssuedAt.IsZero():
		return Person{}, nil, p.config.failure(ErrIssuedAt, "the token has no iat", nil)
	case token.IssuedAt.After(now.Add(maxAhead)):
		return Person{}, nil, p.config.failure(ErrIssuedAt, clocks(token.IssuedAt, now), nil)
	case flow.Intent == IntentStepUp && !isFresh(said.seconds("auth_time"), token.IssuedAt, flow.Created, now):
		return Person{}, nil, p.config.failure(ErrAuthTime, "", nil)
	}
	return Person{Issuer: p.config.Issuer, Subject: subject}, said, nil
}

// isFresh reports whether the person proved their identity to the provider after the flow began. It compares times of
// the provider with each other, and times of this machine with each other, because the clocks may differ.
func isFresh(authenticated, issued, began, now time.Time) bool {
	before := issued.Sub(authenticated) // huge if the provider didn't say when
	return before <= now.Sub(began)+authLeeway && before >= -authLeeway && !issued.Before(began.Add(-maxAhead))
}

// clocks describes a token from the future. The operator can't guess which clock is wrong.
func clocks(issued, now time.Time) string {
	return fmt.Sprintf("the token is from %s, but the clock of this machine is at %s: set both clocks",
		issued.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
}

// keySet keeps the error of the keys, which the library's verifier turns into text.
type keySet struct {
	remote *oidc.RemoteKeySet
	err    error
}

func (k *keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.remote.VerifySignature(ctx, jwt)
	k.err = err
	return payload, err
}

// failedToken returns the error of a verifier. keys is the error of its keySet.
func (p *Provider) failedToken(err, keys error) *ProviderError {
	_, expired := errors.AsType[*oidc.TokenExpiredError](err)
	_, unfetched := errors.AsType[*url.Error](keys)
	switch {
	case expired:
		return p.config.failure(ErrTokenExpired, "if it's new, the clock of this machine or of the provider is wrong", err)
	case keys == nil:
		return p.config.failure(ErrToken, "", err)
	case unfetched || isUnavailable(keys):
		return p.config.failedRequest("keys", keys)
	}
	return p.config.failure(ErrSignature, "", keys)
}
