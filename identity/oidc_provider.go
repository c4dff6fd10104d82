package identity

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	discoveryAge   = time.Hour        // after which the discovery document is fetched again
	discoveryPause = 10 * time.Second // after a failed fetch
)

// Provider is an OpenID Connect provider. It fetches the provider's discovery document when it's first needed, and
// again in the background when it's an hour old. It's safe for concurrent use.
type Provider struct {
	config    ProviderConfig
	transport *transport
	client    *http.Client
	// logoutClient fetches the keys that check logout tokens, which anybody can send.
	logoutClient *http.Client

	mu        sync.Mutex    // guards all fields below
	found     *discovered   // nil until the first success
	refreshAt time.Time     // when found is old
	fetch     chan struct{} // closed when the fetch that is under way ends; nil if there's none
	retryAt   time.Time     // no fetch before then, after a failure
	err       error         // of the last fetch
	downSince time.Time     // the first failure after a success; zero after a success
}

// NewProvider returns a provider without sending any request. Call Close when you no longer need it. config must come
// from ParseProvider and have a RedirectURL.
func NewProvider(config ProviderConfig) (*Provider, error) {
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.MaxResponseHeaderBytes = maxHeader
	return newProvider(config, base)
}

func newProvider(config ProviderConfig, base http.RoundTripper) (*Provider, error) {
	issuer, err := url.Parse(config.Issuer)
	if err != nil {
		return nil, err
	}
	for _, own := range []string{config.RedirectURL, config.SignedOutURL} {
		if u, err := url.Parse(own); err != nil || own != "" && (u.Host == "" || u.Fragment != "") {
			return nil, errors.New("not the URL of a page: " + own)
		}
	}
	if config.RedirectURL == "" {
		return nil, errors.New("no redirect URL")
	}
	t := newTransport(base)
	return &Provider{
		config:       config,
		transport:    t,
		client:       newClient(t, issuer),
		logoutClient: newClient(&gate{next: t, now: time.Now, interval: keyInterval}, issuer),
	}, nil
}

// Config returns the configuration. Don't change its slices.
func (p *Provider) Config() ProviderConfig { return p.config }

// Close cancels all requests to the provider and waits for them. After Close, every method that needs the provider
// fails.
func (p *Provider) Close() {
	p.transport.close()
	p.mu.Lock()
	fetch := p.fetch
	p.mu.Unlock()
	if fetch != nil {
		<-fetch
	}
}

// Down returns since when the provider doesn't answer, and the last *ProviderError. Both are zero if it answered the
// last time, or if nothing needed it yet. Down doesn't wait. If it's time to try again, it does so in the background,
// so that a page that shows the result is right when it's next loaded.
func (p *Provider) Down() (since time.Time, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil || p.err != nil {
		p.refreshLocked()
	}
	return p.downSince, p.err
}

// discover returns the discovery document. It waits only if there's none yet.
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	fetch := p.refreshLocked()
	found, err := p.found, p.err
	p.mu.Unlock()
	switch {
	case found != nil:
		return found, nil
	case fetch == nil: // a moment after a failure
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, p.config.failure(ErrUnavailable, "discovery", ctx.Err())
	case <-fetch:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil {
		return nil, p.err
	}
	return p.found, nil
}

// refreshLocked starts a fetch if it's time for one. It returns a channel that is closed at the end of the fetch that
// is under way, or nil if there's none.
func (p *Provider) refreshLocked() <-chan struct{} {
	now := time.Now()
	if p.fetch != nil || now.Before(p.retryAt) || p.found != nil && now.Before(p.refreshAt) {
		return p.fetch
	}
	done := make(chan struct{})
	p.fetch = done
	go func() { // Close ends it and waits for it
		found, err := p.fetchDiscovery(p.transport.life)
		p.fetched(found, err)
		close(done)
	}()
	return done
}

// fetched records the result of a fetch.
func (p *Provider) fetched(found *discovered, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.fetch, p.err = nil, err
	if err != nil {
		p.retryAt = now.Add(discoveryPause)
		if p.downSince.IsZero() {
			p.downSince = now
		}
		return
	}
	p.found, p.refreshAt, p.downSince = found, now.Add(discoveryAge), time.Time{}
}

// doubt makes the next use of the provider fetch the discovery document, because another request got no answer.
func (p *Provider) doubt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refreshAt = time.Time{}
}
