package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// afterCheck is a limiter that runs do when a sign-in with the right password gives back its failure: after the
// password was checked, and before the session starts.
type afterCheck struct {
	Limiter
	do func() // nil: nothing, or done
}

func (l *afterCheck) Give(ctx context.Context, key string) {
	l.Limiter.Give(ctx, key)
	if do := l.do; do != nil {
		l.do = nil
		do()
	}
}

// A sign-in with the old password fails if it's under way while the person gets a new one, with and without an
// authenticator app.
func TestPasswordChangedDuringSignIn(t *testing.T) {
	t.Parallel()
	for name, app := range map[string]bool{"password": false, "password and app": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := &afterCheck{}
			f := newFixture(t, withSecretKey, func(cfg *Config) {
				cfg.Limiters = cfg.Limiters.orMemory()
				change.Limiter, cfg.Limiters.Strangers = cfg.Limiters.Strangers, change
			})
			f.person("ada")
			if app {
				f.app("ada")
			}
			id := f.uid("ada")
			change.do = func() {
				if err := f.store.SetPassword(acting(context.Background()), id, "an entirely new one", ""); err != nil {
					t.Errorf("SetPassword = %v", err)
				}
			}
			thief := f.browser()
			a := thief.login("ada", goodPassword)
			wantStatus(t, "a sign-in with the old password", a, http.StatusForbidden)
			if !strings.Contains(a.body, "Something about your account has changed.") || thief.signedIn() {
				t.Errorf("signed in = %t, with the page\n%s", thief.signedIn(), a.body)
			}
		})
	}
}

// A copy of a session's cookie is worth nothing after its person has a new password, or has signed out all others.
func TestStolenCookie(t *testing.T) {
	t.Parallel()
	for path, form := range map[string]url.Values{
		"/settings/password":            {"old_password": {goodPassword}, "password": {"another good password"}},
		"/settings/sessions/end-others": {},
	} {
		f := newFixture(t)
		owner, thief := f.member("ada"), f.browser()
		thief.cookies[f.server.site.cookie] = owner.cookies[f.server.site.cookie]
		if !thief.signedIn() {
			t.Fatal("the copy doesn't work")
		}
		wantStatus(t, "POST "+path, owner.do("POST", path, form), http.StatusSeeOther)
		if thief.signedIn() || !owner.signedIn() {
			t.Errorf("after POST %s, the copy is signed in = %t and the owner = %t, want false and true", path,
				thief.signedIn(), owner.signedIn())
		}
	}
}
