package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/accounts"
)

// After ten wrong guesses for a name, from any number of addresses, even the right password is refused.
func TestFailuresPerName(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	for i := range 10 {
		b := f.browser()
		b.remote = fmt.Sprintf("192.0.2.%d:1", i+1)
		wantStatus(t, "guess", b.login("Ada", "guess "+strconv.Itoa(i)), http.StatusUnprocessableEntity)
	}
	b := f.browser()
	a := b.do("POST", "/login", url.Values{"username": {"ada"}, "password": {goodPassword}, "next": {"/?q=x"}})
	wantStatus(t, "guess 11", a, http.StatusTooManyRequests)
	if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 1 || after > 900 {
		t.Errorf("Retry-After = %q, want 1 to 900 seconds", a.Header.Get("Retry-After"))
	}
	for _, want := range []string{`value="ada"`, `value="/?q=x"`, "Too many attempts", "minutes"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the form doesn't hold %q:\n%s", want, a.body)
		}
	}
	// Guesses for unknown names count as well, so a 429 doesn't reveal which names exist.
	for range 10 {
		f.browser().login("eve", "guess")
	}
	wantStatus(t, "guess 11 at an unknown name", f.browser().login("eve", "guess"), http.StatusTooManyRequests)
	wantStatus(t, "another name", f.browser().login("bob", "guess"), http.StatusUnprocessableEntity)
}

func TestFailuresPerAddress(t *testing.T) {
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Logins = 3 })
	f.person("ada")
	b := f.browser()
	for i := range 3 {
		wantStatus(t, "guess", b.login(fmt.Sprint("name", i), "guess"), http.StatusUnprocessableEntity)
	}
	wantStatus(t, "guess 4", b.login("ada", goodPassword), http.StatusTooManyRequests)
	other := f.browser()
	other.remote = "192.0.2.2:1"
	wantRedirect(t, "POST /login from elsewhere", other.login("ada", goodPassword), "/")
}

func TestNoLimitPerAddress(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Logins, cfg.Limits.Signups = 0, 0 })
	b := f.browser()
	for i := range 5 {
		wantStatus(t, "guess", b.login(fmt.Sprint("name", i), "guess"), http.StatusUnprocessableEntity)
		wantRedirect(t, "POST /signup", f.browser().signup(fmt.Sprint("name", i), goodPassword), "/")
	}
}

// One IPv6 subscriber has 2^64 addresses.
func TestFailuresPerIPv6Network(t *testing.T) {
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Logins = 3 })
	for i := range 4 {
		b := f.browser()
		b.remote = fmt.Sprintf("[2001:db8:1:2::%d]:1", i)
		want := http.StatusUnprocessableEntity
		if i == 3 {
			want = http.StatusTooManyRequests
		}
		wantStatus(t, "guess from "+b.remote, b.login(fmt.Sprint("name", i), "guess"), want)
	}
	b := f.browser()
	b.remote = "[2001:db8:1:3::1]:1"
	wantStatus(t, "guess from another /64", b.login("name", "guess"), http.StatusUnprocessableEntity)
}

// Successful sign-ins don't count as failures, so people can sign in often.
func TestSuccessIsGivenBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Logins = 2 })
	f.person("ada")
	for range 12 {
		wantRedirect(t, "POST /login", f.browser().login("ada", goodPassword), "/")
	}
}

// Repeated guesses lock out other guessers, but not the owner's own browser.
func TestKnownBrowser(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	f.person("bob")
	own := f.browser()
	own.login("ada", goodPassword)
	own.do("POST", "/logout", url.Values{})
	for _, name := range []string{"ada", "bob"} {
		for range 10 {
			f.browser().login(name, "guess")
		}
		wantStatus(t, "a stranger", f.browser().login(name, goodPassword), http.StatusTooManyRequests)
	}
	wantRedirect(t, "the owner's browser", own.login("ada", goodPassword), "/")
	wantStatus(t, "the owner's browser, for another name", own.login("bob", goodPassword), http.StatusTooManyRequests)
	thief := f.browser()
	thief.cookies["rollcall-known"] = own.cookies["rollcall-known"]
	for range 10 {
		wantStatus(t, "a guess by a known browser", thief.login("ada", "guess"), http.StatusUnprocessableEntity)
	}
	wantStatus(t, "guess 11 by a known browser", thief.login("ada", goodPassword), http.StatusTooManyRequests)
}

// Two people share a browser. Signing in again and again renews its token, but doesn't give one of them more guesses at
// the other's password.
func TestKnownBrowserRenewed(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Logins = 0 })
	f.person("ada")
	f.person("bob")
	shared := f.browser()
	shared.login("ada", goodPassword)
	tried := 0
	for range 5 {
		wantRedirect(t, "bob", shared.login("bob", goodPassword), "/")
		for range 9 {
			if shared.login("ada", "guess").StatusCode == http.StatusUnprocessableEntity {
				tried++
			}
		}
	}
	if tried != 30 {
		t.Errorf("%d guesses were tried, want 30", tried)
	}
}

// The limit is reserved before the password is hashed, so concurrent guesses get no more tries than sequential ones.
func TestManyGuessesAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	var tried, refused, other atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			switch f.browser().login("ada", "guess").StatusCode {
			case http.StatusUnprocessableEntity, http.StatusServiceUnavailable:
				tried.Add(1)
			case http.StatusTooManyRequests:
				refused.Add(1)
			default:
				other.Add(1)
			}
		})
	}
	all.Wait()
	if tried.Load() != 10 || refused.Load() != 40 || other.Load() != 0 {
		t.Errorf("of 50 guesses at once, %d were tried, %d refused and %d got another status, want 10, 40, 0",
			tried.Load(), refused.Load(), other.Load())
	}
}

func TestSignupsPerAddress(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Signups = 2 })
	b := f.browser()
	for range 5 { // none of these creates an account, so none counts
		wantStatus(t, "a weak password", f.browser().signup("ada", "short"), http.StatusUnprocessableEntity)
	}
	wantRedirect(t, "POST /signup", f.browser().signup("ada", goodPassword), "/")
	for range 3 {
		wantStatus(t, "a taken name", f.browser().signup("ada", goodPassword), http.StatusConflict)
	}
	wantRedirect(t, "POST /signup", f.browser().signup("bob", goodPassword), "/")
	a := b.do("POST", "/signup",
		url.Values{"username": {"eve"}, "display_name": {"Eve"}, "password": {goodPassword}, "next": {"/?q=x"}})
	wantStatus(t, "one more", a, http.StatusTooManyRequests)
	for _, want := range []string{`value="eve"`, `value="Eve"`, `value="/?q=x"`, "Too many"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the form doesn't hold %q:\n%s", want, a.body)
		}
	}
	if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 1 || after > 3600 {
		t.Errorf("Retry-After = %q, want 1 to 3600 seconds", a.Header.Get("Retry-After"))
	}
	if _, err := f.store.Authenticate(t.Context(), "eve", goodPassword); !errors.Is(err, accounts.ErrCredentials) {
		t.Errorf("the refused account: Authenticate = %v, want ErrCredentials", err)
	}
	other := f.browser()
	other.remote = "192.0.2.2:1"
	wantRedirect(t, "POST /signup from elsewhere", other.signup("eve", goodPassword), "/")
}

// If a limiter can't count, it lets nobody through.
func TestLimiterDown(t *testing.T) {
	f := newFixture(t, func(cfg *Config) { cfg.Limiters = Limiters{brokenLimiter{}, brokenLimiter{}, brokenLimiter{}} })
	f.person("ada")
	wantStatus(t, "POST /login", f.browser().login("ada", goodPassword), http.StatusServiceUnavailable)
	wantStatus(t, "POST /signup", f.browser().signup("bob", goodPassword), http.StatusServiceUnavailable)
}

type brokenLimiter struct{}

func (brokenLimiter) Take(context.Context, string, int, time.Duration) (bool, time.Duration, error) {
	return false, 0, errors.New("no connection")
}
func (brokenLimiter) Give(context.Context, string) {}

// When a limit is reached, no password is hashed.
func TestLimitsComeFirst(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Signups = 1 })
	f.person("ada")
	for range 10 {
		f.browser().login("ada", "guess")
	}
	f.browser().signup("bob", goodPassword)
	before := f.store.Stats().Hash.Done
	wantStatus(t, "POST /login", f.browser().login("ada", goodPassword), http.StatusTooManyRequests)
	wantStatus(t, "POST /signup", f.browser().signup("eve", goodPassword), http.StatusTooManyRequests)
	if n := f.store.Stats().Hash.Done - before; n != 0 {
		t.Errorf("refused attempts cost %d hashes, want 0", n)
	}
}

// Attempts don't count while the store is down.
func TestUnavailableIsGivenBack(t *testing.T) {
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Logins, cfg.Limits.Signups = 2, 2 })
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	for range 12 {
		wantStatus(t, "POST /login", f.browser().login("ada", goodPassword), http.StatusServiceUnavailable)
		wantStatus(t, "POST /signup", f.browser().signup("ada", goodPassword), http.StatusServiceUnavailable)
	}
}

// fillLimiter takes from limit keys, which get their own counters, and then from 1,000 more. Hardly any of those may be
// refused, and none may get more than the 2 attempts that take allows.
func fillLimiter(t *testing.T, limit int, take func(key string) bool) {
	t.Helper()
	for i := range limit {
		if !take(fmt.Sprint("name:", i)) {
			t.Fatalf("Take of key %d = false, want true", i)
		}
	}
	refused := 0
	for i := range 1000 {
		if !take(fmt.Sprint("name:new", i)) {
			refused++
		}
	}
	if refused > 50 {
		t.Errorf("a full limiter refused %d of 1,000 new keys, want at most 50", refused)
	}
	if take("name:new0"); take("name:new0") {
		t.Error("a full limiter grants more than the limit to a new key")
	}
}
