package identity

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestUserInfo(t *testing.T) {
	reply := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	tests := []struct {
		name   string
		change func(h *hostile)
		want   error
	}{
		{"same subject", func(h *hostile) {}, nil},
		{"another subject", func(h *hostile) { h.info = fields{"sub": "bob-2"} }, ErrUserInfo},
		{"another case", func(h *hostile) { h.info = fields{"sub": "ADA-1"} }, ErrUserInfo},
		{"no subject", func(h *hostile) { h.info = fields{"sub": absent{}} }, ErrUserInfo},
		{"subject under another name", func(h *hostile) { h.info = fields{"sub": absent{}, "Sub": "ada-1"} }, ErrUserInfo},
		{"empty subject", func(h *hostile) { h.info = fields{"sub": ""} }, ErrUserInfo},
		{"number as subject", func(h *hostile) { h.info = fields{"sub": 1} }, ErrUserInfo},
		{"not JSON", func(h *hostile) { h.handle["/userinfo"] = reply(200, "text/html", "<p>hello") }, ErrProtocol},
		{"null", func(h *hostile) { h.handle["/userinfo"] = reply(200, "application/json", "null") }, ErrProtocol},
		{"nothing", func(h *hostile) { h.handle["/userinfo"] = reply(204, "application/json", "") }, ErrProtocol},
		{"forbidden", func(h *hostile) { h.handle["/userinfo"] = reply(403, "text/plain", "no") }, ErrProtocol},
		{"server error", func(h *hostile) { h.handle["/userinfo"] = reply(500, "text/plain", "no") }, ErrUnavailable},
		{"too many requests", func(h *hostile) { h.handle["/userinfo"] = reply(429, "text/plain", "no") }, ErrUnavailable},
		{"no endpoint", func(h *hostile) { h.discovery = fields{"userinfo_endpoint": absent{}} }, nil},
		{"signed", func(h *hostile) {
			h.handle["/userinfo"] = reply(200, "application/jwt", signed(t, h.key, "", fields{"sub": "ada-1"}))
		}, nil},
		{"signed, another subject", func(h *hostile) {
			h.handle["/userinfo"] = reply(200, "application/jwt; charset=utf-8", signed(t, h.key, "", fields{"sub": "bob-2"}))
		}, ErrUserInfo},
		{"signed with another key", func(h *hostile) {
			stranger := newHostile(t, h.issuer).key
			h.handle["/userinfo"] = reply(200, "application/jwt", signed(t, stranger, "", fields{"sub": "ada-1"}))
		}, ErrSignature},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := startHostile(t)
			test.change(h)
			if _, err := h.signIn(h.provider()); !errors.Is(err, test.want) {
				t.Errorf("Finish() = %v, want %v", err, test.want)
			}
		})
	}
}

// TestClientAuthentication: the secret is sent in a way that the provider supports, at the first try.
func TestClientAuthentication(t *testing.T) {
	tests := []struct {
		name    string
		methods any
		form    bool
		want    error
	}{
		{"not said", absent{}, false, nil},
		{"basic", []string{"client_secret_basic"}, false, nil},
		{"both", []string{"client_secret_post", "client_secret_basic"}, false, nil},
		{"form", []string{"client_secret_post", "private_key_jwt"}, true, nil},
		{"neither", []string{"private_key_jwt"}, false, ErrProtocol},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := startHostile(t)
			h.discovery = fields{"token_endpoint_auth_methods_supported": test.methods}
			_, err := h.signIn(h.provider())
			if !errors.Is(err, test.want) {
				t.Fatalf("Finish() = %v, want %v", err, test.want)
			}
			if err != nil {
				return
			}
			if len(h.posted) != 1 {
				t.Fatalf("%d requests to the token endpoint, want 1", len(h.posted))
			}
			_, password, basic := h.posted[0].BasicAuth()
			inForm := h.posted[0].PostForm.Get("client_secret")
			if basic == test.form || test.form && inForm != clientSecret ||
				!test.form && (password != url.QueryEscape(clientSecret) || inForm != "") {
				t.Errorf("secret in the header: %q, in the form: %q", password, inForm)
			}
		})
	}
}

func TestTokenEndpoint(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		want   error
		reason string
	}{
		{"wrong secret", 401, `{"error":"invalid_client","error_description":"call 555-0100"}`, ErrRefused, "invalid_client"},
		{"error with status 200", 200, `{"error":"invalid_grant"}`, ErrRefused, "invalid_grant"},
		{"unknown error", 400, `{"error":"555-0100"}`, ErrRefused, "other"},
		{"HTML", 404, `<p>555-0100`, ErrRefused, "other"},
		{"server error", 503, `{"error":"invalid_grant"}`, ErrUnavailable, ""},
		{"not JSON", 200, `<p>555-0100`, ErrProtocol, ""},
		{"no access token", 200, `{"id_token":"a.b.c"}`, ErrProtocol, ""},
		{"no ID token", 200, `{"access_token":"access"}`, ErrProtocol, ""},
		{"number as ID token", 200, `{"access_token":"access","id_token":7}`, ErrProtocol, ""},
	}
	h := startHostile(t)
	p := h.provider()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h.change(func() {
				h.handle["/token"] = func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(test.status)
					_, _ = w.Write([]byte(test.body))
				}
			})
			_, err := h.signIn(p)
			var failure *ProviderError
			if !errors.Is(err, test.want) || !errors.As(err, &failure) || failure.Reason != test.reason {
				t.Fatalf("Finish() = %v, want %v with the reason %q", err, test.want, test.reason)
			}
			if strings.Contains(err.Error(), "555-0100") {
				t.Errorf("Finish() = %v, which holds text of the provider", err)
			}
		})
	}
}

// TestKnownReasons: the list of error codes is fixed. Anything else could be text for visitors.
func TestKnownReasons(t *testing.T) {
	for _, code := range []string{"access_denied", "temporarily_unavailable", "consent_required", "invalid_client"} {
		if got := knownReason(code); got != code {
			t.Errorf("knownReason(%q) = %q", code, got)
		}
	}
	unknown := []string{"", "other", "ACCESS_DENIED", "access_denied ", "<b>"}
	if slices.ContainsFunc(unknown, func(code string) bool { return knownReason(code) != "other" }) {
		t.Errorf("knownReason of one of %q isn't other", unknown)
	}
}
