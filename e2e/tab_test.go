package e2e_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

const (
	patience = 15 * time.Second      // for what must happen at all
	soon     = 4 * time.Second       // for what is promised within a second
	pollGap  = 20 * time.Millisecond // between two looks
	deaf     = 10 * time.Second      // a browser that has not answered by then is broken
)

//go:embed watch.js
var watchScript string

// tab is one page in a browser, watched from its first moment. Its methods end the test when the browser fails.
type tab struct {
	window
	profile *profile
	ctx     context.Context
	id      target.ID
	allowed []*regexp.Regexp // of problems that the test is about

	closed bool // by close, or with its browser

	mu       sync.Mutex
	problems []string // guarded by mu
	sockets  int      // guarded by mu; live connections opened so far
	loads    int      // guarded by mu; documents loaded so far
}

// attach begins to watch a target and installs watch.js.
func attach(p *profile, id target.ID) *tab {
	p.t.Helper()
	ctx, cancel := chromedp.NewContext(p.browser.root, chromedp.WithTargetID(id))
	tab := &tab{window: window{t: p.t, who: p.name}, profile: p, ctx: ctx, id: id}
	tab.driver = tab
	chromedp.ListenTarget(ctx, tab.note)
	if err := chromedp.Run(ctx); err != nil {
		p.t.Fatalf("attach to a tab: %v", err)
	}
	tab.do("install watch.js", func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(watchScript).Do(ctx)
		return err
	})
	p.t.Cleanup(func() {
		tab.settle()
		tab.complain()
		cancel()
	})
	return tab
}

// note takes in an event. It must not block and must not ask the browser anything.
func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning || e.Type == runtime.APITypeAssert {
			b.problems = append(b.problems, fmt.Sprintf("console.%s: %s", e.Type, arguments(e.Args)))
		}
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, fmt.Sprintf("exception in document %d of the tab: %v", b.loads, e.ExceptionDetails))
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError || e.Entry.Level == log.LevelWarning {
			b.problems = append(b.problems, fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *network.EventResponseReceived:
		if strings.HasPrefix(e.Response.URL, b.profile.server.url) {
			b.checkPolicyLocked(e.Response)
		}
	case *network.EventWebSocketHandshakeResponseReceived:
		if e.Response.Status == 101 {
			b.sockets++
		}
	case *page.EventFrameNavigated:
		if e.Frame.ParentID == "" && strings.HasPrefix(e.Frame.URL, "http") {
			b.loads++
		}
	}
}

// strictPolicy is what every answer has to allow, and nothing more. With a public URL the live connection's address is
// spelt out as well, for older browsers.
const strictPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (b *tab) checkPolicyLocked(answer *network.Response) {
	got := ""
	for name, value := range answer.Headers {
		if strings.EqualFold(name, "Content-Security-Policy") {
			got, _ = value.(string)
		}
	}
	spelt := "connect-src 'self' ws://" + b.profile.server.addr + ";"
	if strings.Replace(got, spelt, "connect-src 'self';", 1) != strictPolicy {
		b.problems = append(b.problems, fmt.Sprintf("%d %s: Content-Security-Policy %q, want %q", answer.Status, answer.URL, got, strictPolicy))
	}
}

func arguments(args []*runtime.RemoteObject) string {
	var all []string
	for _, a := range args {
		if len(a.Value) > 0 {
			all = append(all, string(a.Value))
		} else {
			all = append(all, a.Description)
		}
	}
	return strings.Join(all, " ")
}

// allow takes problems that match pattern for part of what the test does.
func (b *tab) allow(pattern string) { b.allowed = append(b.allowed, regexp.MustCompile(pattern)) }

// allowOutage allows what the browser and htmx log when a server does not answer.
func (b *tab) allowOutage() {
	b.allow(`WebSocket connection to 'ws://[^']*' failed|ERR_CONNECTION_REFUSED|htmx:ws:error`)
}

// settle waits until the events so far have come in.
func (b *tab) settle() {
	if b.closed {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, deaf)
	defer cancel()
	_ = chromedp.Run(ctx, chromedp.Evaluate("0", nil)) // the page may be a dialog or dead; then nothing more comes
}

// complain fails the test for every problem that was not allowed.
func (b *tab) complain() {
	b.mu.Lock()
	defer b.mu.Unlock()
problems:
	for _, problem := range b.problems {
		for _, pattern := range b.allowed {
			if pattern.MatchString(problem) {
				continue problems
			}
		}
		b.t.Errorf("the page %s had a problem: %s", b.who, problem)
	}
	b.problems = nil
}

// do runs f against the tab.
func (b *tab) do(what string, f func(context.Context) error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, deaf)
	defer cancel()
	if err := chromedp.Run(ctx, chromedp.ActionFunc(f)); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// run runs actions of chromedp.
func (b *tab) run(actions ...chromedp.Action) {
	b.t.Helper()
	b.do("browser", func(ctx context.Context) error { return chromedp.Tasks(actions).Do(ctx) })
}

// open goes to a path of the server, or to a whole address, and waits until the page has loaded.
func (b *tab) open(path string) {
	b.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.profile.server.url + path
	}
	before := b.loaded()
	b.do("go to "+path, func(ctx context.Context) error {
		_, _, failure, _, err := page.Navigate(path).Do(ctx)
		if err == nil && failure != "" {
			err = fmt.Errorf("%s", failure)
		}
		return err
	})
	b.untilLoaded(before)
}

// reload loads the page again, as the person would, and waits for it.
func (b *tab) reload() {
	b.t.Helper()
	before := b.loaded()
	b.do("reload", func(ctx context.Context) error { return page.Reload().Do(ctx) })
	b.untilLoaded(before)
}

// front shows the tab; the others of its profile are hidden if tabsHide.
func (b *tab) front() {
	b.t.Helper()
	b.do("bring to front", func(ctx context.Context) error { return page.BringToFront().Do(ctx) })
	b.until("the tab in front is visible", `document.visibilityState === 'visible'`, patience)
}

// close closes the tab as its person would.
func (b *tab) close() {
	b.t.Helper()
	b.settle()
	ctx := cdp.WithExecutor(b.ctx, chromedp.FromContext(b.ctx).Browser)
	if err := target.CloseTarget(b.id).Do(ctx); err != nil {
		b.t.Fatalf("close a tab: %v", err)
	}
	b.closed = true
}

func (b *tab) opened() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sockets
}

func (b *tab) loaded() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.loads
}

// evaluate asks the page for the value of an expression.
func (b *tab) evaluate(expression string, into any) error {
	ctx, cancel := context.WithTimeout(b.ctx, deaf)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate(expression, into, func(p *runtime.EvaluateParams) *runtime.EvaluateParams {
		return p.WithAwaitPromise(true)
	}))
}

// quote writes text as a JavaScript string.
func quote(text string) string {
	out, _ := json.Marshal(text) // a string always can
	return string(out)
}
