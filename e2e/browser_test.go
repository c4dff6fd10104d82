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

// browser is one Chromium process with its own user data folder.
type browser struct {
	root context.Context // from chromedp; its own tab stays empty
	stop func()
}

// kind lists the programs to look for, in order.
type kind []string

// The headless shell needs less than half of the CPU time, but its tabs never hide each other. If neither is installed
// under these names, chromedp looks for a browser itself.
var (
	fullChromium  = kind{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}
	headlessShell = append(kind{"chromium-headless-shell", "chrome-headless-shell", "headless_shell"}, fullChromium...)
)

// program is an option with the first of the programs that is installed.
func (k kind) program() chromedp.ExecAllocatorOption {
	for _, name := range k {
		if path, err := exec.LookPath(name); err == nil {
			return chromedp.ExecPath(path)
		}
	}
	return func(*chromedp.ExecAllocator) {}
}

// launch starts Chromium.
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
	quiet := func(string, ...any) {} // chromedp logs events of newer Chromium versions that it doesn't know
	root, _ := chromedp.NewContext(allocator, chromedp.WithLogf(quiet), chromedp.WithErrorf(quiet))
	b := &browser{root: root, stop: func() {
		ctx, cancel := context.WithTimeout(root, 5*time.Second)
		defer cancel()
		_ = chromedp.Cancel(ctx) // it may have ended already
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
	b, err := launch(headlessShell)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.stop)
	return b
}

// shared is a Chromium that tests share. It starts on first use.
type shared struct {
	kind kind
	once sync.Once
	b    *browser
	err  error
}

var (
	sharedShell = shared{kind: headlessShell}
	sharedFull  = shared{kind: fullChromium}
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

// kill ends all processes of the browser at once with SIGKILL, like a power failure. If only the main process were
// killed, the network process would notice and close its connections cleanly.
func (b *browser) kill(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(-chromedp.FromContext(b.root).Browser.Process().Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// profile is a browser context with its own cookies, like one person's browser.
type profile struct {
	t       *testing.T
	name    string // for messages
	server  *server
	browser *browser
	id      cdp.BrowserContextID
	window  bool // a window is open
}

// visitor is a profile in a shared browser where nobody is signed in.
func (s *server) visitor(t *testing.T) *profile {
	t.Helper()
	from := &sharedShell
	if s.tabsHide {
		from = &sharedFull
	}
	return from.browser(t).profile(t, s)
}

// person signs up username and returns a profile where they are signed in. It has no page open yet.
func (s *server) person(t *testing.T, username string) *profile {
	t.Helper()
	p := s.visitor(t)
	p.name = "of " + username
	p.setCookies(s.signUp(username))
	return p
}

// profile creates a profile for pages of s.
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

// executor returns the context for commands to the browser itself, not to a tab.
func (b *browser) executor() context.Context {
	return cdp.WithExecutor(b.root, chromedp.FromContext(b.root).Browser)
}

// setCookies adds cookies of the server to the profile.
func (p *profile) setCookies(cookies []*http.Cookie) {
	p.t.Helper()
	var all []*network.CookieParam
	for _, c := range cookies {
		all = append(all, &network.CookieParam{
			Name: c.Name, Value: c.Value, URL: p.server.url, Path: c.Path, HTTPOnly: c.HttpOnly, Secure: c.Secure,
			SameSite: network.CookieSameSiteLax,
		})
	}
	if err := storage.SetCookies(all).WithBrowserContextID(p.id).Do(p.browser.executor()); err != nil {
		p.t.Fatalf("set cookies: %v", err)
	}
}

// tab opens an empty tab in front of the profile's other tabs. They become hidden if tabsHide is set.
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
