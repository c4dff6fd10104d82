package identity

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// TestStart: what the provider is asked for. Without response_mode, providers send the code in the query; form_post
// would be a POST from another site, which carries no Lax cookie.
func TestStart(t *testing.T) {
	h := startHostile(t)
	p := h.provider()
	flow, page, err := p.Start(t.Context(), IntentSignIn, "", "/people")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"client_id": {clientID}, "redirect_uri": {redirectURL}, "response_type": {"code"},
		"scope": {"openid profile email"}, "state": {flow.State}, "nonce": {flow.Nonce},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(flow.Verifier)}, "code_challenge_method": {"S256"},
	}
	if got := u.Query().Encode(); got != want.Encode() || strings.TrimSuffix(page, "?"+u.RawQuery) != h.issuer+"/auth" {
		t.Errorf("Start() = %s,\nwant the query %s", page, want.Encode())
	}
	if flow.Provider != "corp" || flow.Next != "/people" || flow.Session != "" || flow.Intent != IntentSignIn ||
		time.Since(flow.Created) > time.Minute || len(flow.State) < 22 || len(flow.Nonce) < 22 || len(flow.Verifier) < 43 {
		t.Errorf("Start() = %+v", flow)
	}
	other, _, err := p.Start(t.Context(), IntentSignIn, "", "")
	if err != nil || other.State == flow.State || other.Nonce == flow.Nonce || other.Verifier == flow.Verifier ||
		flow.State == flow.Nonce {
		t.Errorf("Start() = %+v after %+v, want other secrets (err %v)", other, flow, err)
	}
	for _, secret := range []string{flow.Verifier, clientSecret, url.QueryEscape(clientSecret)} {
		if strings.Contains(page, secret) {
			t.Errorf("Start() = %s, which contains the secret %s", page, secret)
		}
	}
	if text, err := json.Marshal(flow); err != nil || len(text) > 250 {
		t.Errorf("a flow is %d bytes of JSON, want at most 250 (err %v): %s", len(text), err, text)
	}
}

func TestStartStepUp(t *testing.T) {
	h := startHostile(t)
	p := h.provider()
	flow, page, err := p.Start(t.Context(), IntentStepUp, "session", "")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(page)
	if err != nil || u.Query().Get("max_age") != "0" || u.Query().Get("prompt") != "login" || flow.Session != "session" {
		t.Errorf("Start() = %+v, %s (err %v), want max_age=0, prompt=login, and the session", flow, page, err)
	}
	for _, intent := range []Intent{IntentStepUp, IntentLink} {
		if _, _, err := p.Start(t.Context(), intent, "", ""); err == nil {
			t.Errorf("Start(%s) without a session succeeded", intent)
		}
	}
	if _, _, err := p.Start(t.Context(), IntentSignIn, "session", ""); err == nil {
		t.Error("Start() to sign in with a session succeeded")
	}
}

func TestCallback(t *testing.T) {
	tests := []struct {
		name   string
		change func(flow *Flow, callback *Callback)
		want   error
		reason string
	}{
		{"good", func(*Flow, *Callback) {}, nil, ""},
		{"another state", func(f *Flow, c *Callback) { c.State = f.State[1:] + "x" }, ErrState, ""},
		{"no state", func(f *Flow, c *Callback) { c.State = "" }, ErrState, ""},
		{"no flow", func(f *Flow, c *Callback) { *f = Flow{} }, ErrState, ""},
		{"no flow and no state", func(f *Flow, c *Callback) { f.State, c.State = "", "" }, ErrState, ""},
		{"flow of another provider", func(f *Flow, c *Callback) { f.Provider = "google" }, ErrState, ""},
		{"another state and an error", func(f *Flow, c *Callback) {
			c.State, c.Error = "x", "server_error"
		}, ErrState, ""},
		{"9 minutes old", func(f *Flow, c *Callback) {
			f.Created = f.Created.Add(-9 * time.Minute)
		}, nil, ""},
		{"older", func(f *Flow, c *Callback) {
			f.Created = f.Created.Add(-10*time.Minute - time.Second)
		}, ErrFlowExpired, ""},
		{"from the future", func(f *Flow, c *Callback) { f.Created = f.Created.Add(2 * time.Minute) }, ErrFlowExpired, ""},
		{"from a fast clock", func(f *Flow, c *Callback) { f.Created = f.Created.Add(30 * time.Second) }, nil, ""},
		{"flow without a nonce", func(f *Flow, c *Callback) { f.Nonce = "" }, ErrNonce, ""},
		{"another verifier", func(f *Flow, c *Callback) { f.Verifier += "x" }, ErrRefused, "invalid_grant"},
		{"another code", func(f *Flow, c *Callback) { c.Code = "x" }, ErrRefused, "invalid_grant"},
		{"no code", func(f *Flow, c *Callback) { c.Code = "" }, ErrProtocol, ""},
		{"another iss", func(f *Flow, c *Callback) { c.Issuer = "https://evil.example" }, ErrIssuer, ""},
		{"iss with a slash", func(f *Flow, c *Callback) { c.Issuer += "/" }, ErrIssuer, ""},
		{"another iss and an error", func(f *Flow, c *Callback) {
			c.Issuer, c.Error = "x", "server_error"
		}, ErrIssuer, ""},
		{"known error", func(f *Flow, c *Callback) { c.Error = "access_denied" }, ErrRefused, "access_denied"},
		{"error and a code", func(f *Flow, c *Callback) { c.Error = "login_required" }, ErrRefused, "login_required"},
		{"unknown error", func(f *Flow, c *Callback) { c.Error = "call 555-0100" }, ErrRefused, "other"},
	}
	h := startHostile(t)
	p := h.provider()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			flow, page, err := p.Start(t.Context(), IntentSignIn, "", "")
			if err != nil {
				t.Fatal(err)
			}
			callback := h.visit(page)
			callback.Issuer = h.issuer
			test.change(&flow, &callback)
			person, err := p.Finish(t.Context(), flow, callback)
			if !errors.Is(err, test.want) {
				t.Fatalf("Finish() = %v, want %v", err, test.want)
			}
			if err == nil {
				return
			}
			var failure *ProviderError
			if !errors.As(err, &failure) || failure.Reason != test.reason || failure.Provider != "corp" {
				t.Errorf("Finish() = %#v, want the reason %q", err, test.reason)
			}
			if person.Subject != "" || strings.Contains(err.Error(), "555-0100") {
				t.Errorf("Finish() = %+v, %v, want nobody, and no text of the provider", person, err)
			}
		})
	}
}

// TestPromisedIssuer: a provider that promises iss must send it (RFC 9207 section 2.4), and others needn't.
func TestPromisedIssuer(t *testing.T) {
	for _, promised := range []bool{false, true} {
		h := startHostile(t)
		h.discovery = fields{"authorization_response_iss_parameter_supported": promised}
		p := h.provider()
		if _, err := h.signIn(p); errors.Is(err, ErrIssuer) != promised {
			t.Errorf("Finish() without iss = %v, with iss promised: %t", err, promised)
		}
	}
}

// TestCodeOnce: the hostile provider takes a code once, so a second Finish shows that nothing was kept from the first.
func TestCodeOnce(t *testing.T) {
	h := startHostile(t)
	p := h.provider()
	flow, page, err := p.Start(t.Context(), IntentSignIn, "", "")
	if err != nil {
		t.Fatal(err)
	}
	callback := h.visit(page)
	if _, err := p.Finish(t.Context(), flow, callback); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Finish(t.Context(), flow, callback); !errors.Is(err, ErrRefused) {
		t.Errorf("Finish() for the second time = %v, want ErrRefused", err)
	}
}
