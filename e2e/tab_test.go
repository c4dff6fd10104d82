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
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

const (
	patience    = 15 * time.Second      // until something must have happened
	soon        = 4 * time.Second       // until something that is promised within a second must have happened
	pollGap     = 20 * time.Millisecond // between the first polls
	browserWait = 10 * time.Second      // a browser that doesn't respond within this time is broken
)

//go:embed watch.js
var watchScript string

// tab is one tab of a browser, watched from the start. Its methods fail the test when the browser fails.
type tab struct {
	window
	profile *profile
	ctx     context.Context
	id      target.ID
	allowed []*regexp.Regexp // problems that the test expects

	closed bool // by close or with its browser

	mu       sync.Mutex
	problems []string // guarded by mu
	sockets  int      // guarded by mu; live connections opened so far
	loads    int      // guarded by mu; documents loaded so far
}

// attach starts watching a target and installs watch.js.
func attach(p *profile, id target.ID) *tab {
	p.t.Helper()
	ctx, cancel := chromedp.NewContext(p.browser.root, chromedp.WithTargetID(id))
	tab := &tab{window: window{t: p.t, who: p.name}, profile: p, ctx: ctx, id: id}
	tab.driver = tab
	chromedp.ListenTarget(ctx, tab.recordEvent)
	if err := chromedp.Run(ctx); err != nil {
		p.t.Fatalf("attach to a tab: %v", err)
	}
	tab.do("install watch.js", func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(watchScript).Do(ctx)
		return err
	})
	p.t.Cleanup(func() {
		tab.settle()
		tab.reportProblems()
		cancel()
	})
	return tab
}

// recordEvent records an event. It must not block or send a command to the browser.
func (b *tab) recordEvent(event any) {
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

// strictPolicy is the policy that every response must have. With a public URL it also has the address of the live
// connection, for older browsers.
const strictPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; manifest-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; worker-src 'self'"

func (b *tab) checkPolicyLocked(answer *network.Response) {
	got := ""
	for name, value := range answer.Headers {
		if strings.EqualFold(name, "Content-Security-Policy") {
			got, _ = value.(string)
		}
	}
	withSocket := "connect-src 'self' ws://" + b.profile.server.addr + ";"
	if strings.Replace(got, withSocket, "connect-src 'self';", 1) != strictPolicy {
		b.problems = append(b.problems,
			fmt.Sprintf("%d %s: Content-Security-Policy %q, want %q", answer.Status, answer.URL, got, strictPolicy))
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

// allow ignores problems that match pattern.
func (b *tab) allow(pattern string) { b.allowed = append(b.allowed, regexp.MustCompile(pattern)) }

// allowOutage ignores what the browser and htmx log when the server is down.
func (b *tab) allowOutage() {
	b.allow(`WebSocket connection to 'ws://[^']*' failed|ERR_CONNECTION_REFUSED|htmx:ws:error`)
}

// settle waits until all events so far have arrived.
func (b *tab) settle() {
	if b.closed {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, browserWait)
	defer cancel()
	_ = chromedp.Run(ctx, chromedp.Evaluate("0", nil)) // if a dialog blocks the page or it crashed, no more events arrive
}

// reportProblems fails the test for every problem that isn't allowed.
func (b *tab) reportProblems() {
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

// do runs f on the tab. If f fails, the message starts with what.
func (b *tab) do(what string, f func(context.Context) error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserWait)
	defer cancel()
	if err := chromedp.Run(ctx, chromedp.ActionFunc(f)); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// run runs chromedp actions.
func (b *tab) run(actions ...chromedp.Action) {
	b.t.Helper()
	b.do("browser", func(ctx context.Context) error { return chromedp.Tasks(actions).Do(ctx) })
}

// open goes to a path of the server, or to a full URL, and waits until the page has loaded.
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

// reload reloads the page, as the person would, and waits until it has loaded.
func (b *tab) reload() {
	b.t.Helper()
	before := b.loaded()
	b.do("reload", func(ctx context.Context) error { return page.Reload().Do(ctx) })
	b.untilLoaded(before)
}

// front brings the tab to the front. The other tabs of its profile become hidden if tabsHide is set.
func (b *tab) front() {
	b.t.Helper()
	b.do("bring to front", func(ctx context.Context) error { return page.BringToFront().Do(ctx) })
	b.until("the tab in front is visible", `document.visibilityState === 'visible'`, patience)
}

// close closes the tab, as the person would.
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

func (b *tab) resize(width, height int) {
	b.t.Helper()
	b.run(emulation.SetDeviceMetricsOverride(int64(width), int64(height), 1, false))
}

// evaluate decodes the value of an expression in the page.
func (b *tab) evaluate(expression string, into any) error {
	ctx, cancel := context.WithTimeout(b.ctx, browserWait)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate(expression, into, func(p *runtime.EvaluateParams) *runtime.EvaluateParams {
		return p.WithAwaitPromise(true)
	}))
}

// quote returns text as a JavaScript string literal.
func quote(text string) string {
	out, _ := json.Marshal(text) // can't fail for a string
	return string(out)
}
