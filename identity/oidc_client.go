package identity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	requestTimeout = 10 * time.Second // for one request to a provider, with its redirects and its body
	maxBody        = 1 << 20          // bytes of a provider's response
	maxHeader      = 64 << 10         // bytes of its header
	maxRedirects   = 3
	keyInterval    = 10 * time.Second // between two fetches of keys that logout tokens caused
)

var (
	errRedirect = errors.New("redirect that isn't followed")
	errTooLarge = errors.New("response larger than 1 MiB")
	errTooSoon  = errors.New("keys were fetched a moment ago")
	errClosed   = errors.New("provider is closed")
)

// statusError is the HTTP status of a response whose body isn't needed.
type statusError struct{ code int }

func (e *statusError) Error() string { return fmt.Sprintf("HTTP status %d", e.code) }

// newClient returns a client that follows a redirect only for GET, and only to the origin of issuer.
func newClient(transport http.RoundTripper, issuer *url.URL) *http.Client {
	return &http.Client{
		Transport: transport,
		Timeout:   requestTimeout,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if via[0].Method != http.MethodGet || len(via) > maxRedirects || origin(req.URL) != origin(issuer) {
				return errRedirect
			}
			return nil
		},
	}
}

func origin(u *url.URL) string {
	port := u.Port()
	if port == "" && u.Scheme == "https" {
		port = "443"
	} else if port == "" {
		port = "80"
	}
	return u.Scheme + "://" + u.Hostname() + ":" + port
}

// transport reads whole responses, up to a limit, and knows the requests that are under way.
type transport struct {
	base http.RoundTripper
	life context.Context // until close
	end  context.CancelFunc

	mu       sync.Mutex // guards requests.Add against requests.Wait
	requests sync.WaitGroup
}

func newTransport(base http.RoundTripper) *transport {
	life, end := context.WithCancel(context.Background())
	return &transport{base: base, life: life, end: end}
}

// RoundTrip fails with errTooLarge, and with a *statusError if a GET fails.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !t.begin() {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, errClosed
	}
	defer t.requests.Done()
	ctx, cancel := context.WithCancel(req.Context())
	defer cancel()
	defer context.AfterFunc(t.life, cancel)()

	resp, err := t.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if req.Method == http.MethodGet && resp.StatusCode >= http.StatusBadRequest {
		return nil, &statusError{resp.StatusCode}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxBody {
		return nil, errTooLarge
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func (t *transport) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.life.Err() != nil {
		return false
	}
	t.requests.Add(1)
	return true
}

// close cancels all requests and waits for them.
func (t *transport) close() {
	t.mu.Lock()
	t.end()
	t.mu.Unlock()
	t.requests.Wait()
	if idle, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		idle.CloseIdleConnections()
	}
}

// gate lets one request pass per interval. It's for requests that strangers can cause. Redirects count as part of
// the request before them.
type gate struct {
	next     http.RoundTripper
	now      func() time.Time
	interval time.Duration

	mu    sync.Mutex
	opens time.Time
}

func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Response == nil && !g.pass() {
		return nil, errTooSoon
	}
	return g.next.RoundTrip(req)
}

func (g *gate) pass() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if now.Before(g.opens) {
		return false
	}
	g.opens = now.Add(g.interval)
	return true
}
