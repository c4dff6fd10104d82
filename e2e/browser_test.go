package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// browser is one Chromium process with a user-data folder of its own.
type browser struct {
	root context.Context // of chromedp; its own tab stays empty
	stop func()
}

// kind is what a browser is made for, and the programs to look for, in this order.
type kind []string

// The headless shell does the work of pages alone, and for that takes less than half of the processor; but none of its
// tabs is ever hidden by another. With neither installed under these names, whatever chromedp finds does both.
var (
	whole = kind{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}
	shell = append(kind{"chromium-headless-shell", "chrome-headless-shell", "headless_shell"}, whole...)
)

// program is an option that names the first program of the kind that there is.
func (k kind) program() chromedp.ExecAllocatorOption {
	for _, name := range k {
		if path, err := exec.LookPath(name); err == nil {
			return chromedp.ExecPath(path)
		}
	}
	return func(*chromedp.ExecAllocator) {}
}

// launch starts a Chromium.
func launch(k kind) (*browser, error) {
	folder, err := os.MkdirTemp(scratch, "chromium-")
	if err != nil {
		return nil, err
	}
	allocator, release := chromedp.NewExecAllocator(context.Background(), k.program(),
		chromedp.ModifyCmdFunc(ownGroup), chromedp.UserDataDir(folder), chromedp.Env("TMPDIR="+folder),
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.WindowSize(1280, 960),
		chromedp.Flag("headless", true),
		chromedp.Flag("no-sandbox", true),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("force-color-profile", "srgb"),
	)
	quiet := func(string, ...any) {} // chromedp does not know every event of a newer Chromium, and says so
	root, _ := chromedp.NewContext(allocator, chromedp.WithLogf(quiet), chromedp.WithErrorf(quiet))
	b := &browser{root: root, stop: func() {
		ctx, cancel := context.WithTimeout(root, 5*time.Second)
		defer cancel()
		_ = chromedp.Cancel(ctx) // it may be dead already
		release()
	}}
	if err := chromedp.Run(root); err != nil {
		b.stop()
		return nil, fmt.Errorf("start Chromium: %w", err)
	}
	return b, nil
}

// ownBrowser starts a Chromium for one person of one test.
func ownBrowser(t *testing.T) *browser {
	t.Helper()
	b, err := launch(shell)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.stop)
	return b
}

// shared is a Chromium of all tests that need none of their own.
type shared struct {
	kind kind
	once sync.Once
	b    *browser
	err  error
}

var (
	sharedShell = shared{kind: shell}
	sharedWhole = shared{kind: whole}
)

func (s *shared) browser(t *testing.T) *browser {
	t.Helper()
	s.once.Do(func() { s.b, s.err = launch(s.kind) })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.b
}

func (s *shared) close() {
	if s.b != nil {
		s.b.stop()
	}
}

// kill ends all processes of the browser at once with SIGKILL, as a pulled plug would. If only the first one died, the
// one that holds its connections would notice and say goodbye.
func (b *browser) kill(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(-chromedp.FromContext(b.root).Browser.Process().Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// profile is one person's browser as far as cookies go.
type profile struct {
	t       *testing.T
	name    string // for messages
	server  *server
	browser *browser
	id      cdp.BrowserContextID
	window  bool // a window is open
}

// visitor is a profile in a shared browser that nobody has signed in with.
func (s *server) visitor(t *testing.T) *profile {
	t.Helper()
	from := &sharedShell
	if s.tabsHide {
		from = &sharedWhole
	}
	return from.browser(t).profile(t, s)
}

// person is a profile in which a new person called username is signed in. They have no page open yet.
func (s *server) person(t *testing.T, username string) *profile {
	t.Helper()
	p := s.visitor(t)
	p.name = "of " + username
	p.setCookies(s.signUp(username))
	return p
}

// profile makes one for pages of s.
func (b *browser) profile(t *testing.T, s *server) *profile {
	t.Helper()
	id, err := target.CreateBrowserContext().Do(b.executor())
	if err != nil {
		t.Fatalf("new profile: %v", err)
	}
	p := &profile{t: t, name: "of a visitor", server: s, browser: b, id: id}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(b.executor(), 5*time.Second)
		defer cancel()
		_ = target.DisposeBrowserContext(id).Do(ctx) // the browser may have been killed
	})
	return p
}

// executor is the context for commands to the browser itself.
func (b *browser) executor() context.Context {
	return cdp.WithExecutor(b.root, chromedp.FromContext(b.root).Browser)
}

// setCookies puts cookies of the server into the profile.
func (p *profile) setCookies(cookies []*http.Cookie) {
	p.t.Helper()
	var all []*network.CookieParam
	for _, c := range cookies {
		all = append(all, &network.CookieParam{
			Name: c.Name, Value: c.Value, URL: p.server.url, Path: c.Path, HTTPOnly: c.HttpOnly, Secure: c.Secure, SameSite: network.CookieSameSiteLax,
		})
	}
	if err := storage.SetCookies(all).WithBrowserContextID(p.id).Do(p.browser.executor()); err != nil {
		p.t.Fatalf("set cookies: %v", err)
	}
}

// tab opens an empty tab in front of the profile's others, which are hidden by it if tabsHide.
func (p *profile) tab() *tab {
	p.t.Helper()
	id, err := target.CreateTarget("about:blank").WithBrowserContextID(p.id).WithNewWindow(!p.window).Do(p.browser.executor())
	if err != nil {
		p.t.Fatalf("new tab: %v", err)
	}
	p.window = true
	return attach(p, id)
}

// board opens the board in a new tab and waits until it is live.
func (p *profile) board() *tab {
	p.t.Helper()
	tab := p.tab()
	tab.open("/")
	tab.untilLive()
	return tab
}
