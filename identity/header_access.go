package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

const (
	maxAccessToken  = 8 << 10 // bytes
	maxAccessKeys   = 1 << 20 // bytes of the team's keys
	maxAccessReason = 300     // bytes of the reason for refusing a token, which quotes the token
	accessTimeout   = 10 * time.Second
	accessInterval  = accessTimeout // between two fetches of the team's keys
)

// access verifies the tokens of Cloudflare Access ("Validate JWTs" in its documentation).
type access struct{ verifier *oidc.IDTokenVerifier }

func newAccess(cfg HeaderConfig) (*access, error) {
	team, err := url.Parse(cfg.Team)
	switch {
	case err != nil || team.String() != "https://"+team.Host:
		return nil, fmt.Errorf("the team %q isn't like https://NAME.cloudflareaccess.com", cfg.Team)
	case cfg.Audience == "":
		return nil, errors.New("the application's audience tag is missing")
	}
	now := cfg.Now
	if now == nil {
		now = time.Now
	}
	base := cfg.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	// The library asks for the keys with each token that it can't verify.
	keys := &gate{next: bounded{base}, now: now, interval: accessInterval}
	client := &http.Client{Transport: keys, Timeout: accessTimeout, CheckRedirect: noRedirect}
	// The library takes only the client from this context, for as long as the process runs.
	set := oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), client), cfg.Team+"/cdn-cgi/access/certs")
	return &access{oidc.NewVerifier(cfg.Team, set, &oidc.Config{ClientID: cfg.Audience, Now: now})}, nil
}

// verify returns the person whom a token names. It waits for the team's keys if they aren't known yet.
func (a *access) verify(ctx context.Context, text string) (HeaderUser, error) {
	if len(text) > maxAccessToken {
		return HeaderUser{}, fmt.Errorf("%w: %d bytes", ErrHeaderToken, len(text))
	}
	token, err := a.verifier.Verify(ctx, text)
	if err != nil {
		return HeaderUser{}, fmt.Errorf("%w: %.*s", ErrHeaderToken, maxAccessReason, err.Error())
	}
	if !isHeaderValue(token.Subject) { // empty for service tokens, which are programs
		return HeaderUser{}, fmt.Errorf("%w: subject %.80q", ErrHeaderToken, token.Subject)
	}
	var claims struct{ Email string }
	if err := token.Claims(&claims); err != nil {
		return HeaderUser{}, fmt.Errorf("%w: %.*s", ErrHeaderToken, maxAccessReason, err.Error())
	}
	user := HeaderUser{Value: token.Subject}
	if isHeaderValue(claims.Email) {
		user.Email = claims.Email
	}
	return user, nil
}

// bounded limits the bodies of responses to maxAccessKeys.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(r)
	if err == nil {
		response.Body = http.MaxBytesReader(nil, response.Body, maxAccessKeys)
	}
	return response, err
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
