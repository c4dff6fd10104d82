package identity

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// ProviderCode says why a sign-in or sign-out at an OpenID Connect provider failed. Each code is an error that
// errors.Is finds in a *ProviderError.
type ProviderCode string

const (
	// These concern the flow.
	ErrState       ProviderCode = "state"        // the callback doesn't belong to this browser's flow
	ErrFlowExpired ProviderCode = "flow_expired" // the flow began more than 10 minutes ago
	ErrRefused     ProviderCode = "refused"      // the provider answered with an error, see ProviderError.Reason

	// These concern the provider itself.
	ErrUnavailable ProviderCode = "unavailable" // no answer, or a server error
	ErrProtocol    ProviderCode = "protocol"    // an answer that violates OpenID Connect or a limit of this package
	ErrIssuer      ProviderCode = "issuer"      // discovery or the callback names another issuer

	// These concern an ID token or a logout token.
	ErrToken        ProviderCode = "token" // malformed, or meant for another client, or from another issuer
	ErrTokenExpired ProviderCode = "token_expired"
	ErrSignature    ProviderCode = "signature"
	ErrNonce        ProviderCode = "nonce" // the ID token belongs to another flow
	ErrSubject      ProviderCode = "subject"
	ErrParty        ProviderCode = "authorized_party" // the ID token was issued to another client
	ErrIssuedAt     ProviderCode = "issued_at"        // the clocks disagree, or a logout token is old
	ErrLogoutToken  ProviderCode = "logout_token"     // a logout token in place of an ID token
	ErrUserInfo     ProviderCode = "userinfo"         // the userinfo endpoint describes somebody else
	ErrAuthTime     ProviderCode = "auth_time"        // the provider doesn't prove that the person just signed in there

	// Admits returns these.
	ErrUnverified ProviderCode = "email_unverified" // the provider doesn't say that the address is verified
	ErrDomain     ProviderCode = "domain"           // the address isn't in a domain of the provider's configuration
)

func (c ProviderCode) Error() string { return string(c) }

// ProviderError is the error of every method of Provider that fails because of a provider, a token, or a callback.
type ProviderError struct {
	Provider string // its key
	Code     ProviderCode
	// Reason is the provider's error code, with ErrRefused. It's one of the registered codes, or "other".
	Reason string
	Detail string // for logs and operators only; "" with most codes
	Err    error  // nil with most codes
}

// Error is for logs.
func (e *ProviderError) Error() string {
	text := "provider " + e.Provider + ": " + string(e.Code)
	if e.Reason != "" {
		text += " (" + e.Reason + ")"
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Err != nil {
		text += ": " + clip(e.Err.Error())
	}
	return text
}

func (e *ProviderError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Code}
	}
	return []error{e.Code, e.Err}
}

func (c *ProviderConfig) failure(code ProviderCode, detail string, err error) *ProviderError {
	return &ProviderError{Provider: c.Key, Code: code, Detail: detail, Err: err}
}

// failedRequest returns the error of a request to the provider that got no useful answer.
func (c *ProviderConfig) failedRequest(what string, err error) *ProviderError {
	if isUnavailable(err) {
		return c.failure(ErrUnavailable, what, err)
	}
	return c.failure(ErrProtocol, what, err)
}

// isUnavailable reports whether the same request may succeed later, without a change of configuration.
func isUnavailable(err error) bool {
	if status, ok := errors.AsType[*statusError](err); ok {
		return status.code >= http.StatusInternalServerError || status.code == http.StatusTooManyRequests
	}
	if errors.Is(err, errRedirect) || errors.Is(err, errTooLarge) {
		return false
	}
	_, failed := errors.AsType[*url.Error](err) // every other error of http.Client
	return failed || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// failedDiscovery returns the error of oidc.NewProvider.
func (c *ProviderConfig) failedDiscovery(err error) *ProviderError {
	if mismatch, ok := errors.AsType[*oidc.IssuerMismatchError](err); ok {
		return c.failure(ErrIssuer, "the issuer is configured as "+strconv.Quote(mismatch.Provided)+
			", but the provider calls itself "+strconv.Quote(clip(mismatch.Discovered))+
			": if this is your provider, configure the issuer exactly as it's spelled there", nil)
	}
	return c.failedRequest("discovery", err)
}

// failedExchange returns the error of oauth2.Config.Exchange. It drops the body of the response.
func (c *ProviderConfig) failedExchange(err error) *ProviderError {
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case !ok:
		return c.failedRequest("token endpoint", err)
	case refused.Response.StatusCode >= http.StatusInternalServerError:
		return c.failure(ErrUnavailable, "token endpoint", &statusError{refused.Response.StatusCode})
	}
	failure := c.failure(ErrRefused, "token endpoint", &statusError{refused.Response.StatusCode})
	failure.Reason = knownReason(refused.ErrorCode)
	return failure
}

// knownReason returns a registered error code as it is, and "other" for any other text. The codes are those of RFC 6749
// sections 4.1.2.1 and 5.2, OpenID Connect Core section 3.1.2.6, and RFC 9470.
func knownReason(code string) string {
	known := []string{
		"invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope",
		"server_error", "temporarily_unavailable", "invalid_client", "invalid_grant", "unsupported_grant_type",
		"interaction_required", "login_required", "account_selection_required", "consent_required",
		"invalid_request_uri", "invalid_request_object", "request_not_supported", "request_uri_not_supported",
		"registration_not_supported", "unmet_authentication_requirements",
	}
	if slices.Contains(known, code) {
		return code
	}
	return "other"
}

// clip shortens text that a provider may have chosen. It's for logs.
func clip(text string) string {
	const most = 300
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
