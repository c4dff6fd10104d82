package e2e_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	cdpfetch "github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// pauses holds requests of a tab until they are released.
type pauses struct {
	tab *tab

	mu       sync.Mutex
	held     []*cdpfetch.EventRequestPaused // guarded by mu
	finished map[network.RequestID]bool     // guarded by mu; completed or canceled
}

// pause holds all future requests of the tab for paths.
func (b *tab) pause(paths ...string) *pauses {
	b.t.Helper()
	p := &pauses{tab: b, finished: map[network.RequestID]bool{}}
	chromedp.ListenTarget(b.ctx, func(event any) {
		p.mu.Lock()
		defer p.mu.Unlock()
		switch e := event.(type) {
		case *cdpfetch.EventRequestPaused:
			p.held = append(p.held, e)
		case *network.EventLoadingFinished:
			p.finished[e.RequestID] = true
		case *network.EventLoadingFailed:
			p.finished[e.RequestID] = true
		}
	})
	var patterns []*cdpfetch.RequestPattern
	for _, path := range paths {
		patterns = append(patterns, &cdpfetch.RequestPattern{URLPattern: b.profile.server.url + path})
	}
	b.run(cdpfetch.Enable().WithPatterns(patterns))
	return p
}

// to returns the requests for path that were held so far.
func (p *pauses) to(path string) (requests []*cdpfetch.EventRequestPaused) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.held {
		if strings.HasPrefix(e.Request.URL, p.tab.profile.server.url+path) {
			requests = append(requests, e)
		}
	}
	return requests
}

// untilHeld waits until a request for path is held.
func (p *pauses) untilHeld(path string) {
	p.tab.t.Helper()
	if err := within(patience, func() (bool, string) { return len(p.to(path)) > 0, "" }); err != nil {
		p.tab.t.Fatalf("no request for %s: %v", path, err)
	}
}

// release lets the requests for path continue. It ignores requests that the page has canceled.
func (p *pauses) release(path string) {
	for _, e := range p.to(path) {
		ctx := cdp.WithExecutor(p.tab.ctx, chromedp.FromContext(p.tab.ctx).Target)
		_ = cdpfetch.ContinueRequest(e.RequestID).Do(ctx)
	}
}

// untilFinished waits until all requests for path so far are completed or canceled.
func (p *pauses) untilFinished(path string) {
	p.tab.t.Helper()
	requests := p.to(path)
	err := within(patience, func() (bool, string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		return !slices.ContainsFunc(requests, func(e *cdpfetch.EventRequestPaused) bool { return !p.finished[e.NetworkID] }),
			""
	})
	if err != nil {
		p.tab.t.Fatalf("the requests for %s don't finish: %v", path, err)
	}
}

// When a page signs out, it cancels its requests and starts no more. They would get 401, which the browser logs as an
// error.
func TestSigningOutCancelsRequests(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").board()
	anna.openMenu()
	anna.click(".account summary") // close it again
	requests := anna.pause("/me/panel", "/login*")
	anna.click(".account summary")
	requests.untilHeld("/me/panel")
	anna.tell(`addEventListener('submit', () => document.querySelector('.account').dispatchEvent(new Event('open')))`)
	before := anna.loaded()
	anna.click(`.menu form[action$="/logout"] button`)
	requests.untilHeld("/login") // the session has ended, and the old page still shows
	requests.release("/me/panel")
	requests.untilFinished("/me/panel")
	if got := len(requests.to("/me/panel")); got != 1 {
		t.Errorf("the page requested its panel %d times, want once, before it signed out", got)
	}
	requests.release("/login")
	anna.untilLoaded(before)
	anna.untilAt("/login", patience)
}
