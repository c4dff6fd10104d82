package identity

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

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
		return Person{}, nil, p.failure(ErrToken, "claims", err)
	}
	subject, ok := said.identifier("sub")
	switch {
	case said["events"] != nil:
		return Person{}, nil, p.failure(ErrLogoutToken, "", nil)
	case flow.Nonce == "" || said.exactly("nonce") != flow.Nonce:
		return Person{}, nil, p.failure(ErrNonce, "", nil)
	case subject == "" || !ok:
		return Person{}, nil, p.failure(ErrSubject, "", nil)
	case (len(token.Audience) > 1 || said["azp"] != nil) && said.exactly("azp") != p.config.ClientID:
		return Person{}, nil, p.failure(ErrParty, "", nil)
	case token.IssuedAt.IsZero():
		return Person{}, nil, p.failure(ErrIssuedAt, "the token has no iat", nil)
	case token.IssuedAt.After(now.Add(maxAhead)):
		return Person{}, nil, p.failure(ErrIssuedAt, clocks(token.IssuedAt, now), nil)
	case flow.Intent == IntentStepUp && !isFresh(said.seconds("auth_time"), token.IssuedAt, flow.Created, now):
		return Person{}, nil, p.failure(ErrAuthTime, "", nil)
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
		return p.failure(ErrTokenExpired, "if it's new, the clock of this machine or of the provider is wrong", err)
	case keys == nil:
		return p.failure(ErrToken, "", err)
	case unfetched || isUnavailable(keys):
		return p.failedRequest("keys", keys)
	}
	return p.failure(ErrSignature, "", keys)
}
