package handlers

import (
	"bytes"
	"context"
	"html"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/accounts/filetest"
)

// boss is an administrator who has just signed in.
func (f *fixture) boss(name string) *browser {
	f.t.Helper()
	b := f.member(name)
	if err := f.store.SetAdmin(acting(f.t.Context()), f.uid(name), true); err != nil {
		f.t.Fatal(err)
	}
	return b
}

// proofFixture is a fixture in which time can be put back. Whoever signs in then has an old proof.
func proofFixture(t *testing.T, changes ...func(*Config)) (f *fixture, back *atomic.Int64) {
	t.Helper()
	back = new(atomic.Int64)
	store, err := accounts.Open(t.Context(), accounts.Config{CheapHashes: true, Path: filetest.New(t),
		Now: func() time.Time { return time.Now().Add(-time.Duration(back.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return newFixture(t, append(changes, func(cfg *Config) { cfg.Accounts = store })...), back
}

// oldBoss is an administrator whose proof is older than allowed.
func (f *fixture) oldBoss(back *atomic.Int64, name string) *browser {
	f.t.Helper()
	back.Store(int64(proofAge + time.Second))
	b := f.boss(name)
	back.Store(0)
	return b
}

// Pages of the administration are for administrators alone, as of this moment.
func TestOnlyAdministrators(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.server.group(policy{callers: administrators, proof: true}).get("/room", func(c echo.Context) error {
		return c.String(http.StatusOK, "in")
	})
	boss, member, other := f.boss("boss"), f.member("ada"), f.boss("other")
	wantRedirect(t, "a stranger", f.browser().get("/room"), "/login?next=%2Froom")
	wantStatus(t, "an administrator", boss.get("/room"), http.StatusOK)
	refused := member.get("/room")
	wantStatus(t, "a member", refused, http.StatusForbidden)
	if !strings.Contains(refused.body, "<h1>Only administrators can open this page</h1>") {
		t.Errorf("the page for a member doesn't say whom it's for:\n%s", refused.body)
	}
	if a := boss.get("/settings"); !strings.Contains(a.body, `href="/admin/people"`) {
		t.Error("an administrator has no link to the administration")
	}
	if a := member.get("/settings"); strings.Contains(a.body, "/admin") {
		t.Error("a member has a link to the administration")
	}
	if err := f.store.SetAdmin(acting(t.Context()), f.uid("boss"), false); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, "somebody who was an administrator", boss.get("/room"), http.StatusForbidden)
	wantStatus(t, "another administrator", other.get("/room"), http.StatusOK)
	if err := f.store.SetDisabled(accounts.Forced(acting(t.Context())), f.uid("other"), true); err != nil {
		t.Fatal(err)
	}
	wantRedirect(t, "a disabled administrator", other.get("/room"), "/login?next=%2Froom")
}

var keptPattern = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// kept returns the form of a page that asks for a proof.
func kept(a answer) url.Values {
	fields := url.Values{}
	for _, m := range keptPattern.FindAllStringSubmatch(a.body, -1) {
		fields.Add(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return fields
}

// gate adds a route that needs a proof, and returns the form that reached its handler, with nil for none.
func (f *fixture) gate(more policy) func() url.Values {
	var got url.Values
	more.callers, more.proof = administrators, true
	f.server.group(more).post("/room", func(c echo.Context) (err error) {
		if got, err = posted(c); err != nil {
			return err
		}
		return c.String(http.StatusOK, "done")
	})
	return func() url.Values { defer func() { got = nil }(); return got }
}

// A form that is posted with an old proof is kept until the password has been typed, and then goes on unchanged. The
// session then has a new token.
func TestProof(t *testing.T) {
	t.Parallel()
	f, back := proofFixture(t)
	got := f.gate(policy{})
	form := url.Values{"person": {"b", "a", "b"}, "team": {"R&D \"1\"\r\n<2>"}, "empty": {""}}
	fresh := f.boss("fresh")
	wantStatus(t, "POST with a fresh proof", fresh.do("POST", "/room", form), http.StatusOK)
	if fields := got(); fields.Encode() != form.Encode() {
		t.Errorf("the form with a fresh proof = %v, want %v", fields, form)
	}
	boss := f.oldBoss(back, "boss")
	stolen := f.browser()
	stolen.cookies[f.server.site.cookie] = boss.cookies[f.server.site.cookie]
	ask := boss.do("POST", "/room?x=%22y", form)
	wantStatus(t, "POST with an old proof", ask, http.StatusForbidden)
	if !strings.Contains(ask.body, "<h1>Confirm it&#39;s you</h1>") && !strings.Contains(ask.body, "<h1>Confirm it's you</h1>") ||
		!strings.Contains(ask.body, `action="/room?x=%22y"`) {
		t.Errorf("the answer to an old proof doesn't ask for one, for the same address:\n%s", ask.body)
	}
	for _, try := range []struct {
		password, says string
		status         int
	}{{"", "Type your password.", 403}, {"wrong password", "Wrong password.", 403}} {
		again := kept(ask)
		again.Set(confirmField, try.password)
		ask = boss.do("POST", "/room", again)
		wantStatus(t, "POST with the password "+try.password, ask, try.status)
		if !strings.Contains(ask.body, try.says) || strings.Contains(ask.body, "wrong password") {
			t.Errorf("the refusal of %q doesn't say %q, or repeats the password:\n%s", try.password, try.says, ask.body)
		}
	}
	if fields := got(); fields != nil {
		t.Fatalf("a form without a proof reached its handler: %v", fields)
	}
	again := kept(ask)
	again.Set(confirmField, goodPassword)
	wantStatus(t, "POST with the password", boss.do("POST", "/room", again), http.StatusOK)
	if fields := got(); fields.Encode() != form.Encode() {
		t.Errorf("the form after the proof = %v, want %v", fields, form)
	}
	if cookie := boss.cookie(f.server.site.cookie); cookie == nil || cookie.Value == stolen.cookies[f.server.site.cookie] ||
		cookie.MaxAge > int(accounts.SessionLife.Seconds()) || !cookie.HttpOnly {
		t.Errorf("the cookie after the proof = %+v, want a new token", cookie)
	}
	if stolen.signedIn() || !boss.signedIn() {
		t.Errorf("after the proof, the old token is signed in: %t, and the new one: %t", stolen.signedIn(), boss.signedIn())
	}
	wantStatus(t, "the next POST", boss.do("POST", "/room", form), http.StatusOK)
	if lines := f.logs.lines("level=ERROR"); len(lines) > 0 {
		t.Errorf("refused proofs are logged as errors: %q", lines)
	}
	scraped := f.scrape()
	for name, want := range map[string]string{"asked": "1", "refused": "2", "ok": "1", "limited": "0"} {
		if got := scraped[`rollcall_proofs_total{outcome="`+name+`"}`]; got != want {
			t.Errorf("proofs with the outcome %s = %s, want %s", name, got, want)
		}
	}
}

// Guesses are limited like those in the settings, and the form is kept even then.
func TestProofLimits(t *testing.T) {
	t.Parallel()
	f, back := proofFixture(t)
	got := f.gate(policy{})
	boss := f.oldBoss(back, "boss")
	guess := url.Values{"team": {"Ops"}, confirmField: {"guess"}}
	f.server.limiters.Members = countTo{0}
	refused := boss.do("POST", "/room", guess)
	wantStatus(t, "a guess over the limit", refused, http.StatusTooManyRequests)
	if !strings.Contains(refused.body, "Too many attempts to confirm your password.") || kept(refused).Get("team") != "Ops" {
		t.Errorf("the answer over the limit doesn't say so, or loses the form:\n%s", refused.body)
	}
	guess.Set(confirmField, goodPassword)
	wantStatus(t, "the password over the limit", boss.do("POST", "/room", guess), http.StatusTooManyRequests)
	if got() != nil {
		t.Error("a form over the limit reached its handler")
	}
	boss.header.Set("Accept", "application/json")
	a := boss.do("POST", "/room", url.Values{})
	if kind := a.Header.Get("Content-Type"); a.StatusCode != http.StatusForbidden || kind != "application/problem+json" {
		t.Errorf("a program without a proof gets %d %s, want a problem", a.StatusCode, kind)
	}
}

// countTo is a limiter that lets n attempts through.
type countTo struct{ n int }

func (l countTo) Take(context.Context, string, int, time.Duration) (bool, time.Duration, error) {
	return l.n > 0, time.Minute, nil
}
func (countTo) Give(context.Context, string) {}

// A file is kept as text, and bulk forms may have more fields than others.
func TestProofOfUploads(t *testing.T) {
	t.Parallel()
	f, back := proofFixture(t)
	got := f.gate(policy{uploads: true, fields: 60})
	boss := f.oldBoss(back, "boss")
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	_ = w.WriteField("csv", "typed")
	part, _ := w.CreateFormFile("csv", "people.csv")
	_, _ = part.Write([]byte("username\nada\n"))
	_ = w.Close()
	r := httptest.NewRequest("POST", "/room", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	ask := boss.send(r)
	wantStatus(t, "an upload with an old proof", ask, http.StatusForbidden)
	again := kept(ask)
	again.Set(confirmField, goodPassword)
	wantStatus(t, "the kept upload", boss.do("POST", "/room", again), http.StatusOK)
	if fields := got(); len(fields["csv"]) != 1 || fields.Get("csv") != "username\nada\n" {
		t.Errorf("the kept upload = %q, want the file alone", fields)
	}
	many := url.Values{}
	for range 60 {
		many.Add("person", "x")
	}
	wantStatus(t, "60 fields", boss.do("POST", "/room", many), http.StatusOK)
	if fields := got(); len(fields["person"]) != 60 {
		t.Errorf("%d of 60 fields arrived", len(fields["person"]))
	}
	many.Add("person", "x")
	wantStatus(t, "61 fields", boss.do("POST", "/room", many), http.StatusBadRequest)
}
