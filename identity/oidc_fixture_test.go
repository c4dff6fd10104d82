package identity

import (
	"net/http"
	"net/http/httptest"
	"net/url"
)

// direct is a transport that calls a handler, for tests with a simulated clock.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	recorder, done := httptest.NewRecorder(), make(chan struct{})
	go func() {
		defer close(done)
		d.handler.ServeHTTP(recorder, req)
	}()
	select {
	case <-done:
		resp := recorder.Result()
		resp.Request = req
		return resp, nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

// config returns a configuration for h.
func (h *hostile) config() ProviderConfig {
	h.t.Helper()
	config, err := ParseProvider("corp", ProviderOptions{Issuer: h.issuer, ClientID: clientID, ClientSecret: clientSecret})
	if err != nil {
		h.t.Fatal(err)
	}
	config.RedirectURL, config.SignedOutURL = redirectURL, signedOutURL
	return config
}

// provider returns a Provider that talks to h over the network.
func (h *hostile) provider() *Provider {
	h.t.Helper()
	p, err := NewProvider(h.config())
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(p.Close)
	return p
}

// simulated returns a Provider that talks to h without a network, for tests in a bubble of synctest. Close it.
func (h *hostile) simulated() *Provider {
	h.t.Helper()
	p, err := newProvider(h.config(), direct{h})
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// visit goes where Start sends the browser, and returns what comes back.
func (h *hostile) visit(page string) Callback {
	h.t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, page, nil))
	back, err := url.Parse(w.Header().Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		h.t.Fatalf("GET %s: status %d, Location %q", page, w.Code, back)
	}
	query := back.Query()
	return Callback{Code: query.Get("code"), State: query.Get("state")}
}

// signIn makes a whole visit.
func (h *hostile) signIn(p *Provider) (Person, error) {
	h.t.Helper()
	flow, page, err := p.Start(h.t.Context(), IntentSignIn, "", "/next")
	if err != nil {
		return Person{}, err
	}
	return p.Finish(h.t.Context(), flow, h.visit(page))
}
