package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

const logoutAge = 10 * time.Minute // of a logout token

// LoggedOut says what a provider signed out. If there's a SessionID, it's that session only, and otherwise all sessions
// of Subject.
type LoggedOut struct {
	Issuer    string // as configured
	Subject   string // "" if the token names only a session
	SessionID string // Person.SessionID of the session; "" if the token names only a subject
	// TokenID is the token's jti. Logout accepts a token more than once, so the caller must remember TokenID until
	// Expires, together with the provider, and refuse it when it comes again.
	TokenID string
	Expires time.Time
}

// Logout checks a logout token: OpenID Connect Back-Channel Logout 1.0 section 2.6. Anybody can send one, so the
// provider's keys are fetched at most once per 10 seconds because of tokens with unknown keys or bad signatures. A good
// token with a new key is refused with ErrUnavailable during that time. The error is a *ProviderError.
func (p *Provider) Logout(ctx context.Context, raw string) (LoggedOut, error) {
	if len(raw) > maxToken {
		return LoggedOut{}, p.config.failure(ErrToken, "longer than 64 KiB", nil)
	}
	if kind := tokenType(raw); kind != "" && kind != "jwt" && kind != "logout+jwt" {
		return LoggedOut{}, p.config.failure(ErrToken, "typ is "+clip(kind), nil)
	}
	found, err := p.discover(ctx)
	if err != nil {
		return LoggedOut{}, err
	}
	keys := &keySet{remote: found.logoutKeys}
	token, err := oidc.NewVerifier(p.config.Issuer, keys, found.verifier).VerifyLogout(ctx, raw)
	if err != nil {
		return LoggedOut{}, p.failedToken(err, keys.err)
	}
	return p.acceptLogout(token, time.Now())
}

// acceptLogout makes the checks of a logout token that the library leaves to its callers.
func (p *Provider) acceptLogout(token *oidc.LogoutToken, now time.Time) (LoggedOut, error) {
	var said claims
	if err := token.Claims(&said); err != nil {
		return LoggedOut{}, p.config.failure(ErrToken, "claims", err)
	}
	subject, okSubject := said.identifier("sub")
	session, okSession := said.identifier("sid")
	id, okID := said.identifier("jti")
	switch {
	case !okSubject || !okSession || subject == "" && session == "":
		return LoggedOut{}, p.config.failure(ErrSubject, "", nil)
	case !okID || id == "":
		return LoggedOut{}, p.config.failure(ErrToken, "jti", nil)
	case token.IssuedAt.Before(now.Add(-logoutAge)):
		return LoggedOut{}, p.config.failure(ErrIssuedAt, "the token is older than 10 minutes", nil)
	case token.IssuedAt.After(now.Add(maxAhead)):
		return LoggedOut{}, p.config.failure(ErrIssuedAt, clocks(token.IssuedAt, now), nil)
	}
	expires := token.IssuedAt.Add(logoutAge)
	if token.Expiry.Before(expires) {
		expires = token.Expiry
	}
	return LoggedOut{
		Issuer: p.config.Issuer, Subject: subject, SessionID: session, TokenID: id, Expires: expires,
	}, nil
}

// tokenType returns the header typ of a token in lower case and without "application/" (RFC 7515 section 4.1.9). It
// returns "" if there's none, or if the header can't be read, which the verifier refuses.
func tokenType(raw string) string {
	header, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		return ""
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return ""
	}
	kind := strings.ToLower(claims(fields).exactly("typ"))
	return strings.TrimPrefix(kind, "application/")
}
