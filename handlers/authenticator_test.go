package handlers

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/identity"
)

// withSecretKey is a change for newFixture: the operator has a key.
func withSecretKey(cfg *Config) {
	keys := newKeys()
	cfg.SecretKeys = func(bool) (*identity.Keyring, error) { return keys, nil }
}

func newKeys() *identity.Keyring {
	key := make([]byte, identity.KeySize)
	rand.Read(key)
	keys, err := identity.NewKeyring(key)
	if err != nil {
		panic(err)
	}
	return keys
}

// app gives an account an authenticator app without its page. Codes of any step count once.
func (f *fixture) app(name string) (secret identity.TOTPSecret, recovery []string) {
	f.t.Helper()
	secret = identity.NewTOTPSecret()
	keys, err := f.server.secretKey(true)
	if err != nil {
		f.t.Fatal(err)
	}
	recovery, hashes := identity.NewRecoveryCodes()
	id := f.uid(name)
	app := accounts.TOTP{Sealed: keys.Seal(totpPurpose, sealedFor(id), secret), KeyID: keys.KeyID()}
	if err := f.store.AddTOTP(acting(f.t.Context()), id, app, 1, hashes); err != nil {
		f.t.Fatal(err)
	}
	return secret, recovery
}

// codeNow returns a code that is valid now: of the current step, or of one before or after it.
func codeNow(secret identity.TOTPSecret, off int64) string {
	return secret.Code(identity.TOTPStep(time.Now()) + off)
}

func (b *browser) code(code string) answer {
	return b.do("POST", b.f.server.site.path("/login/code"), url.Values{codeField: {code}})
}

var (
	secretPattern = regexp.MustCompile(`<code class="key" translate="no">([A-Z2-7 ]+)</code>`)
	codesPattern  = regexp.MustCompile(`<li><code>([a-z2-7-]{19})</code></li>`)
)

// People set up an authenticator app and sign in with it, without any script.
func TestAuthenticatorApp(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withSecretKey)
	ada := f.member("ada")
	const ways = "/settings/sign-in"
	if a := ada.get(ways); !strings.Contains(a.body, `action="/settings/sign-in/app"`) {
		t.Fatalf("the page doesn't offer an app:\n%s", a.body)
	}
	page := ada.do("POST", ways+"/app", url.Values{})
	wantStatus(t, "POST /app", page, http.StatusOK)
	m := secretPattern.FindStringSubmatch(page.body)
	if m == nil || !strings.Contains(page.body, `<svg class="qr" viewBox="0 0 `) {
		t.Fatalf("the page has no key or no QR code:\n%s", page.body)
	}
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(m[1], " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	secret := identity.TOTPSecret(raw)
	if w, err := f.store.OwnWays(t.Context(), f.uid("ada")); err != nil || w.TOTP != nil {
		t.Errorf("before a code is typed, ada has %+v, %v, want no app", w, err)
	}
	form := kept(page)
	form.Set(codeField, "000 000")
	refused := ada.do("POST", ways+"/app/confirm", form)
	wantStatus(t, "a wrong code", refused, http.StatusForbidden)
	if !strings.Contains(refused.body, m[1]) || !strings.Contains(refused.body, "Wrong code. Check that the clock") {
		t.Errorf("the page after a wrong code loses the key, or doesn't say so:\n%s", refused.body)
	}
	step := identity.TOTPStep(time.Now())
	form.Set(codeField, secret.Code(step)[:3]+" "+secret.Code(step)[3:])
	stranger := f.member("eve")
	wantStatus(t, "the form in another session", stranger.do("POST", ways+"/app/confirm", form), http.StatusForbidden)
	made := ada.do("POST", ways+"/app/confirm", form)
	wantStatus(t, "the right code", made, http.StatusOK)
	codes := codesPattern.FindAllStringSubmatch(made.body, -1)
	if len(codes) != identity.RecoveryCodes {
		t.Fatalf("%d recovery codes are shown, want %d:\n%s", len(codes), identity.RecoveryCodes, made.body)
	}
	var shown []string
	for _, m := range codes {
		shown = append(shown, m[1])
	}
	file := ada.do("POST", ways+"/codes.txt", url.Values{"codes": {strings.Join(shown, "\r\n") + "\r\n"}})
	if file.StatusCode != http.StatusOK || !strings.Contains(file.body, "Username: ada\r\n") ||
		!strings.Contains(file.body, strings.Join(shown, "\r\n")) || !strings.HasPrefix(file.Header.Get("Content-Type"), "text/plain") ||
		!strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment;") || file.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the codes as a file = %d, %v\n%s", file.StatusCode, file.Header, file.body)
	}
	for _, forged := range []string{"", "<script>", strings.Repeat(shown[0]+"\n", identity.RecoveryCodes+1)} {
		wantStatus(t, "a file of something else", ada.do("POST", ways+"/codes.txt", url.Values{"codes": {forged}}), http.StatusUnprocessableEntity)
	}
	wantRedirect(t, "the same form again", ada.do("POST", ways+"/app/confirm", form), ways)

	b := f.browser()
	in := b.do("POST", "/login", url.Values{"username": {"ada"}, "password": {goodPassword}, "next": {"/settings"}})
	wantRedirect(t, "the right password", in, "/login/code")
	if b.signedIn() || b.cookie(f.server.site.cookie) != nil {
		t.Error("the password alone starts a session")
	}
	wantStatus(t, "GET /login/code", b.get("/login/code"), http.StatusOK)
	for _, code := range []string{secret.Code(step), "000000", "", codes[0][1][:18] + "0"} {
		if a := b.code(code); a.StatusCode < 400 || b.signedIn() {
			t.Fatalf("the code %q = %d, want a refusal\n%s", code, a.StatusCode, a.body)
		}
	}
	wantRedirect(t, "the next code", b.code(secret.Code(step+1)), "/settings")
	if x := f.session(b); x.Factors != accounts.FactorPasswordAndTOTP || !x.TwoFactors() || b.cookies[f.server.site.half] != "" {
		t.Errorf("the session = %+v with the cookies %v, want two factors and nothing left over", x, b.cookies)
	}
	other := f.browser()
	other.login("ada", goodPassword)
	recover := url.Values{codeField: {" " + strings.ToUpper(codes[3][1])}, "recovery": {"yes"}}
	wantRedirect(t, "a recovery code", other.do("POST", "/login/code", recover), ways+"?used=code")
	if a := other.get(ways + "?used=code"); !strings.Contains(a.body, "You have 9 recovery codes left.") ||
		!strings.Contains(a.body, "You signed in with a recovery code") {
		t.Errorf("the page afterwards doesn't say what happened:\n%s", a.body)
	}
	third := f.browser()
	third.login("ada", goodPassword)
	wantStatus(t, "the same recovery code", third.do("POST", "/login/code", recover), http.StatusForbidden)
	wantRedirect(t, "removing the app", ada.do("POST", ways+"/app/remove", url.Values{}), ways+"?saved=app-removed")
	wantRedirect(t, "the password without an app", third.login("ada", goodPassword), "/")
}

// session returns the session of b.
func (f *fixture) session(b *browser) accounts.Session {
	f.t.Helper()
	x, _, err := f.store.SessionByToken(f.t.Context(), b.cookies[f.server.site.cookie])
	if err != nil {
		f.t.Fatal(err)
	}
	return x
}

// takes records what is taken of a limiter.
type takes struct {
	Limiter
	mu  sync.Mutex
	all []string
}

func (l *takes) Take(ctx context.Context, key string, limit int, window time.Duration) (bool, time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if strings.HasPrefix(key, "code:day:") {
		l.all = append(l.all, key)
		if limit != 20 || window != 24*time.Hour {
			l.all = append(l.all, "wrong limit")
		}
	}
	return l.Limiter.Take(ctx, key, limit, window)
}

// Five wrong codes in 15 minutes are the end, for known browsers, too, and whatever passwords are typed. Right codes
// don't count.
func TestCodeLimits(t *testing.T) {
	t.Parallel()
	counted := &takes{}
	f := newFixture(t, withSecretKey, func(cfg *Config) {
		cfg.Limiters = cfg.Limiters.orMemory()
		counted.Limiter = cfg.Limiters.Members
		cfg.Limiters.Members = counted
	})
	f.person("ada")
	b := f.browser()
	wantRedirect(t, "a sign-in without an app", b.login("ada", goodPassword), "/") // the browser is known now
	secret, recovery := f.app("ada")
	wrong := 0
	for i := range 5 {
		b.login("ada", goodPassword)
		if i == 2 {
			wantRedirect(t, "a right code between wrong ones", b.code(codeNow(secret, 0)), "/")
			b.login("ada", goodPassword)
		}
		wantStatus(t, "a wrong code", b.code("123456"), http.StatusForbidden)
		wrong++
	}
	b.login("ada", goodPassword)
	for _, code := range []string{"123456", codeNow(secret, 1), recovery[0]} {
		a := b.code(code)
		if wantStatus(t, "the next code", a, http.StatusTooManyRequests); !strings.Contains(a.body, "Too many attempts to use a code.") {
			t.Errorf("the page doesn't say so:\n%s", a.body)
		}
	}
	counted.mu.Lock()
	defer counted.mu.Unlock()
	if want := slices.Repeat([]string{"code:day:" + f.uid("ada")}, wrong+1); !slices.Equal(counted.all, want) {
		t.Errorf("the daily limit was taken by %q, want %q", counted.all, want)
	}
}

// Between the password and the code, an account can change. What the browser keeps is only good for what it was then.
func TestHalfSignIn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withSecretKey)
	wantRedirect(t, "GET without a cookie", f.browser().get("/login/code"), "/login")
	ctx := acting(t.Context())
	for name, change := range map[string]func(id string) error{ // a new password, no app any more, deleted, disabled
		"pat":  func(id string) error { return f.store.SetPassword(ctx, id, "an entirely new one", "") },
		"rose": func(id string) error { return f.store.RemoveTOTP(ctx, id) },
		"dan":  func(id string) error { return f.store.Delete(ctx, id) },
		"dora": func(id string) error { return f.store.SetDisabled(ctx, id, true) },
	} {
		f.person(name)
		secret, _ := f.app(name)
		b := f.browser()
		wantRedirect(t, name, b.login(name, goodPassword), "/login/code")
		if err := change(f.uid(name)); err != nil {
			t.Fatal(err)
		}
		a := b.code(codeNow(secret, 0))
		says := "Something about your account has changed. Sign in again."
		if name == "dora" {
			says = "This account is disabled."
		}
		wantStatus(t, name, a, http.StatusForbidden)
		if !strings.Contains(html.UnescapeString(a.body), says) || b.signedIn() {
			t.Errorf("%s: the page doesn't say %q, or the browser is signed in:\n%s", name, says, a.body)
		}
	}
	f.person("ada")
	secret, _ := f.app("ada")
	b := f.browser()
	b.login("ada", goodPassword)
	expired, err := f.server.cfg.Keys.SealUntil(time.Now().Add(-time.Second), halfPurpose, "", halfSignIn{UserID: f.uid("ada")})
	if err != nil {
		t.Fatal(err)
	}
	other, err := f.server.cfg.Keys.SealUntil(time.Now().Add(time.Minute), passkeyPurpose, "", halfSignIn{UserID: f.uid("ada")})
	if err != nil {
		t.Fatal(err)
	}
	for what, cookie := range map[string]string{"expired": expired, "of another kind": other, "forged": "x", "none": ""} {
		b.cookies[f.server.site.half] = cookie
		a := b.code(codeNow(secret, 0))
		if wantStatus(t, "a cookie that is "+what, a, http.StatusForbidden); !strings.Contains(a.body, "That took too long. Sign in again.") || b.signedIn() {
			t.Errorf("a cookie that is %s: the page doesn't say so, or the browser is signed in:\n%s", what, a.body)
		}
	}
}

// A new password by a link doesn't replace the code.
func TestResetLinkKeepsTheApp(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withSecretKey)
	f.person("ada")
	f.app("ada")
	token, err := f.store.MakeResetLink(acting(t.Context()), f.uid("ada"))
	if err != nil {
		t.Fatal(err)
	}
	b := f.browser()
	wantRedirect(t, "the link", b.do("POST", "/reset/"+token, url.Values{"password": {"an entirely new one"}}), "/login?reset=1")
	wantRedirect(t, "the new password", b.login("ada", "an entirely new one"), "/login/code")
	if b.signedIn() {
		t.Error("the new password alone starts a session")
	}
}

// If the operator's key is gone, codes can't be checked. The page says so, and recovery codes still work.
func TestLostSecretKey(t *testing.T) {
	t.Parallel()
	keys := newKeys()
	f := newFixture(t, func(cfg *Config) {
		cfg.SecretKeys = func(bool) (*identity.Keyring, error) { return keys, nil }
	})
	f.person("ada")
	secret, recovery := f.app("ada")
	keys = newKeys()
	b := f.browser()
	b.login("ada", goodPassword)
	for range wrongCodes + 1 { // they don't count
		a := b.code(codeNow(secret, 0))
		if wantStatus(t, "a right code", a, http.StatusConflict); !strings.Contains(a.body, "Use a recovery code, or ask an administrator.") {
			t.Fatalf("the page doesn't say what to do:\n%s", a.body)
		}
	}
	if len(f.logs.lines("level=ERROR", "secret key of an authenticator app is missing", f.uid("ada"))) == 0 {
		t.Errorf("the log doesn't say it: %s", f.logs)
	}
	wantRedirect(t, "a recovery code", b.code(recovery[0]), "/")

	none := newFixture(t)
	bob := none.member("bob")
	if a := bob.get("/settings/sign-in"); !strings.Contains(a.body, "has to set a secret key first") || strings.Contains(a.body, `sign-in/app"`) {
		t.Errorf("without a key, the page offers an app:\n%s", a.body)
	}
	wantStatus(t, "setting one up", bob.do("POST", "/settings/sign-in/app", url.Values{}), http.StatusConflict)
}

// Few recovery codes are announced before it's too late. New ones replace the old ones.
func TestFewRecoveryCodes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withSecretKey)
	ada := f.member("ada")
	_, recovery := f.app("ada")
	_, hashes := identity.NewRecoveryCodes()
	for left, want := range map[int]string{4: "", 3: "You have only 3 recovery codes left.", 1: "You have only 1 recovery code left.", 0: "You have no recovery codes left."} {
		if err := f.store.ReplaceRecoveryCodes(acting(t.Context()), f.uid("ada"), hashes[:left]); err != nil {
			t.Fatal(err)
		}
		a := ada.get("/settings")
		if strings.Contains(a.body, "recovery code") != (want != "") && want != "" || !strings.Contains(a.body, want) ||
			want == "" && strings.Contains(a.body, "Create new ones") {
			t.Errorf("with %d codes, the settings don't say %q:\n%s", left, want, a.body)
		}
	}
	made := ada.do("POST", "/settings/sign-in/codes", url.Values{})
	if n := len(codesPattern.FindAllString(made.body, -1)); n != identity.RecoveryCodes {
		t.Errorf("%d new codes are shown, want %d", n, identity.RecoveryCodes)
	}
	b := f.browser()
	b.login("ada", goodPassword)
	wantStatus(t, "an old code", b.code(recovery[1]), http.StatusForbidden)
}
