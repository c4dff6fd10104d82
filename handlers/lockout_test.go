package handlers

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
)

// fewKeys limits each limiter to n keys.
func fewKeys(n int) func(*Config) {
	return func(cfg *Config) {
		cfg.Limiters = Limiters{newMemoryLimiter(n), newMemoryLimiter(n), newMemoryLimiter(n)}
	}
}

// Passwords that nobody can have are refused without being counted or hashed, so a flood of them doesn't fill a
// limiter.
func TestImpossiblePasswordsAreNotCounted(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fewKeys(100))
	ada := f.member("ada")
	before := f.store.Stats().Hash.Done
	long := strings.Repeat("x", accounts.MaxPassword+1)
	for i := range 500 {
		b := f.browser()
		b.remote = fmt.Sprintf("[2001:db8:1:%x::1]:1", i)
		wantStatus(t, "a password that is too long", b.login(fmt.Sprint("name", i), long), http.StatusUnprocessableEntity)
	}
	for range 20 {
		wantStatus(t, "one for a real name", f.browser().login("ada", long), http.StatusUnprocessableEntity)
		wantStatus(t, "one in the settings",
			ada.do("POST", "/settings/password", url.Values{"old_password": {long}, "password": {"another good password"}}),
			http.StatusForbidden)
	}
	if n := f.store.Stats().Hash.Done - before; n != 0 {
		t.Errorf("they cost %d hashes, want 0", n)
	}
	for i, l := range []Limiter{f.server.limiters.Strangers, f.server.limiters.Members} {
		if n := len(l.(*memoryLimiter).windows); n > 2 { // the sign-in of ada
			t.Errorf("limiter %d holds %d keys, want none of the flood", i, n)
		}
	}
}

// Strangers who fill their limiters don't lock anybody out: new keys share counters, and members and known browsers
// have their own limiters.
func TestFullLimitersLockNobodyOut(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fewKeys(100))
	ada := f.member("ada")
	own := f.browser()
	own.login("ada", goodPassword)
	for i := range 200 {
		for _, kind := range []string{"login:address:", "login:name:"} {
			_, _, _ = f.server.limiters.Strangers.Take(t.Context(), hashKey(kind, fmt.Sprint(i)), 10, time.Hour)
		}
	}
	wantRedirect(t, "sign-in", f.browser().login("ada", goodPassword), "/")
	wantRedirect(t, "sign-in of a known browser", own.login("ada", goodPassword), "/")
	wantRedirect(t, "sign-up", f.browser().signup("bob", goodPassword), "/")
	wantRedirect(t, "a change", ada.do("POST", "/me/status", url.Values{"state": {"away"}}), "/me?done=set")
	for i := range 11 {
		want := http.StatusUnprocessableEntity
		if i == 10 {
			want = http.StatusTooManyRequests
		}
		wantStatus(t, "a guess while the limiter is full", f.browser().login("eve", "guess"), want)
	}
}

// One site has 65,536 networks with a 64-bit prefix. They share one larger limit.
func TestFailuresPerIPv6Site(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Logins, cfg.Limits.Signups = 3, 1 })
	from := func(site, i int) *browser {
		b := f.browser()
		b.remote = fmt.Sprintf("[2001:db8:%x:%x::1]:1", site, i)
		return b
	}
	for i := range 3 * largerShare {
		wantStatus(t, "a guess", from(1, i).login(fmt.Sprint("name", i), "guess"), http.StatusUnprocessableEntity)
	}
	wantStatus(t, "a guess above the site's limit", from(1, 99).login("name", "guess"), http.StatusTooManyRequests)
	wantStatus(t, "a guess from another site", from(2, 1).login("name", "guess"), http.StatusUnprocessableEntity)
	for i := range largerShare {
		wantRedirect(t, "a sign-up", from(1, i).signup(fmt.Sprint("user", i), goodPassword), "/")
	}
	wantStatus(t, "a sign-up above the site's limit", from(1, 99).signup("bob", goodPassword), http.StatusTooManyRequests)
	wantRedirect(t, "a sign-up from another site", from(2, 1).signup("bob", goodPassword), "/")
}

// Each sign-in writes to the database, so sign-ins with the right password have a limit, too, by account and by
// address.
func TestSuccessesPerAccount(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Logins = 0 })
	f.person("ada")
	f.person("bob")
	b := f.browser()
	for range successesPerName {
		wantRedirect(t, "sign-in", b.login("ada", goodPassword), "/")
	}
	before := f.store.Stats().Hash.Done
	wantStatus(t, "one more", b.login("ada", goodPassword), http.StatusTooManyRequests)
	if n := f.store.Stats().Hash.Done - before; n != 0 {
		t.Errorf("a refused sign-in cost %d hashes, want 0", n)
	}
	wantRedirect(t, "another account", b.login("bob", goodPassword), "/")
	for range 10 {
		wantStatus(t, "a guess", f.browser().login("bob", "guess"), http.StatusUnprocessableEntity)
	}
	if n := f.server.limiters.Members.(*memoryLimiter).windows; len(n) != 2 {
		t.Errorf("%d counters of successes, want 2: guesses don't count as successes", len(n))
	}
}

// The right password of a disabled account costs a hash, too, so it counts.
func TestSuccessesOfDisabledAccounts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.person("ada")
	if err := f.store.SetDisabled(acting(t.Context()), ada.ID, true); err != nil {
		t.Fatal(err)
	}
	before := f.store.Stats().Hash.Done
	for range successesPerName {
		wantStatus(t, "sign-in", f.browser().login("ada", goodPassword), http.StatusForbidden)
	}
	wantStatus(t, "one more", f.browser().login("ada", goodPassword), http.StatusTooManyRequests)
	if n := f.store.Stats().Hash.Done - before; n != successesPerName {
		t.Errorf("%d sign-ins cost %d hashes", successesPerName+1, n)
	}
}

// Changing a password back and forth costs two hashes each time, so it has a limit, too.
func TestPasswordChangesPerAccount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.member("ada")
	change := func(old, password string) answer {
		return ada.do("POST", "/settings/password", url.Values{"old_password": {old}, "password": {password}})
	}
	old, other := goodPassword, "another good password"
	for range successesPerName {
		wantRedirect(t, "a change", change(old, other), "/settings?saved=password")
		old, other = other, old
	}
	before := f.store.Stats().Hash.Done
	wantStatus(t, "one more", change(old, other), http.StatusTooManyRequests)
	if n := f.store.Stats().Hash.Done - before; n != 0 {
		t.Errorf("a refused change cost %d hashes, want 0", n)
	}
}

func TestSuccessesPerAddress(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Logins = 1 })
	for i := range successesShare + 1 {
		f.person(fmt.Sprint("user", i))
	}
	for i := range successesShare {
		wantRedirect(t, "sign-in", f.browser().login(fmt.Sprint("user", i), goodPassword), "/")
	}
	last := fmt.Sprint("user", successesShare)
	wantStatus(t, "one more", f.browser().login(last, goodPassword), http.StatusTooManyRequests)
	b := f.browser()
	b.remote = "192.0.2.2:1"
	wantRedirect(t, "one more from elsewhere", b.login(last, goodPassword), "/")
}

// An operator gives somebody a new password while others guess the old one. The person can sign in at once, from any
// browser. While the guessing goes on, they can sign in from a browser they have used before.
func TestNewPasswordResetsItsLimit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.person("ada")
	own := f.browser()
	wantRedirect(t, "sign-in", own.login("ada", goodPassword), "/")
	for range 11 {
		f.browser().login("ada", "guess")
		own.login("ada", "forgotten")
	}
	wantStatus(t, "a stranger", f.browser().login("ada", goodPassword), http.StatusTooManyRequests)
	wantStatus(t, "the owner's browser", own.login("ada", goodPassword), http.StatusTooManyRequests)
	// As in another process.
	command, err := accounts.Open(context.Background(), accounts.Config{CheapHashes: true, Path: f.path, Actor: accounts.CommandLine})
	if err != nil {
		t.Fatal(err)
	}
	defer command.Close()
	const fresh = "another good password"
	if err := command.SetPassword(t.Context(), ada.ID, fresh, ""); err != nil {
		t.Fatal(err)
	}
	wantRedirect(t, "the new password in a new browser", f.browser().login("ada", fresh), "/")
	wantRedirect(t, "the new password in the owner's browser", own.login("ada", fresh), "/")
	for range 11 {
		f.browser().login("ada", "guess")
	}
	wantStatus(t, "a stranger after more guesses", f.browser().login("ada", fresh), http.StatusTooManyRequests)
	wantRedirect(t, "the owner's browser after more guesses", own.login("ada", fresh), "/")
}

// A limit on a shared address doesn't lock out browsers whose owners have signed in before.
func TestKnownBrowserAtALimitedAddress(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Logins = 2 })
	f.person("ada")
	own := f.browser()
	own.login("ada", goodPassword)
	for i := range 2 {
		f.browser().login(fmt.Sprint("name", i), "guess")
	}
	wantStatus(t, "a stranger at the address", f.browser().login("ada", goodPassword), http.StatusTooManyRequests)
	wantRedirect(t, "the owner's browser", own.login("ada", goodPassword), "/")
}
