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

// pauses holds back requests of a tab until they are let through, and counts those that were asked for.
type pauses struct {
	tab *tab

	mu   sync.Mutex
	held []*cdpfetch.EventRequestPaused // guarded by mu
	over map[network.RequestID]bool     // guarded by mu; answered or given up
}

// pause holds back what the tab asks for from now on at paths.
func (b *tab) pause(paths ...string) *pauses {
	b.t.Helper()
	p := &pauses{tab: b, over: map[network.RequestID]bool{}}
	chromedp.ListenTarget(b.ctx, func(event any) {
		p.mu.Lock()
		defer p.mu.Unlock()
		switch e := event.(type) {
		case *cdpfetch.EventRequestPaused:
			p.held = append(p.held, e)
		case *network.EventLoadingFinished:
			p.over[e.RequestID] = true
		case *network.EventLoadingFailed:
			p.over[e.RequestID] = true
		}
	})
	var patterns []*cdpfetch.RequestPattern
	for _, path := range paths {
		patterns = append(patterns, &cdpfetch.RequestPattern{URLPattern: b.profile.server.url + path})
	}
	b.run(cdpfetch.Enable().WithPatterns(patterns))
	return p
}

// to returns the requests for path that were held back so far.
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

// untilHeld waits until a request for path is held back.
func (p *pauses) untilHeld(path string) {
	p.tab.t.Helper()
	if err := within(patience, func() (bool, string) { return len(p.to(path)) > 0, "" }); err != nil {
		p.tab.t.Fatalf("no request for %s: %v", path, err)
	}
}

// let lets the requests for path through. One that the page has given up is gone.
func (p *pauses) let(path string) {
	for _, e := range p.to(path) {
		ctx := cdp.WithExecutor(p.tab.ctx, chromedp.FromContext(p.tab.ctx).Target)
		_ = cdpfetch.ContinueRequest(e.RequestID).Do(ctx)
	}
}

// untilOver waits until the requests for path so far were answered or given up.
func (p *pauses) untilOver(path string) {
	p.tab.t.Helper()
	requests := p.to(path)
	err := within(patience, func() (bool, string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		return !slices.ContainsFunc(requests, func(e *cdpfetch.EventRequestPaused) bool { return !p.over[e.NetworkID] }), ""
	})
	if err != nil {
		p.tab.t.Fatalf("the requests for %s have no end: %v", path, err)
	}
}

// A page that signs out gives up what it is loading and loads nothing more. The answers would be 401, which the browser
// logs as an error.
func TestPageThatLeavesAsksForNothing(t *testing.T) {
	parallel(t)
	s := startServer(t)
	anna := s.person(t, "anna").board()
	anna.openMenu()
	anna.click(".account summary") // closes it
	requests := anna.pause("/me/panel", "/login*")
	anna.click(".account summary")
	requests.untilHeld("/me/panel")
	anna.tell(`addEventListener('submit', () => document.querySelector('.account').dispatchEvent(new Event('open')))`)
	before := anna.loaded()
	anna.click(`.menu form[action$="/logout"] button`)
	requests.untilHeld("/login") // the session has ended, and the page is still up
	requests.let("/me/panel")
	requests.untilOver("/me/panel")
	if got := len(requests.to("/me/panel")); got != 1 {
		t.Errorf("the page asked %d times for its panel, want once, before it left", got)
	}
	requests.let("/login")
	anna.untilLoaded(before)
	anna.untilAt("/login", patience)
}
