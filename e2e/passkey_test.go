package e2e_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
)

// authenticator gives the tab an authenticator that verifies its owner and answers at once.
func (b *tab) authenticator() (id webauthn.AuthenticatorID) {
	b.t.Helper()
	b.do("add an authenticator", func(ctx context.Context) (err error) {
		if err := webauthn.Enable().Do(ctx); err != nil {
			return err
		}
		id, err = webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}).Do(ctx)
		return err
	})
	return id
}

// verifies decides whether the owner passes the authenticator's check from now on.
func (b *tab) verifies(id webauthn.AuthenticatorID, ok bool) {
	b.t.Helper()
	b.do("change the authenticator", func(ctx context.Context) error { return webauthn.SetUserVerified(id, ok).Do(ctx) })
}

// An administrator adds a passkey, confirms a change with it, signs in with it from the username field, and removes it.
func TestPasskey(t *testing.T) {
	parallel(t)
	s := newServer(t)
	s.addr = strings.Replace(s.addr, "127.0.0.1", "localhost", 1) // browsers allow no passkeys at IP addresses
	s.url = "http://" + s.addr
	s.flags = []string{"--public-url", s.url, "--require-second-factor"}
	s.start()
	s.addUser("clara", "--admin")
	s.addUser("ada")
	visitor := s.visitor(t)
	visitor.setCookies(s.signIn("clara"))
	clara := visitor.tab()
	clara.allow(`status of 403`)
	key := clara.authenticator()

	clara.open("/settings/sign-in")
	clara.clickThrough(`form[action$="/sign-in/passkey"] button`)
	clara.until("the button is there", `document.querySelector('[data-passkey]:not([hidden])')`, patience)
	clara.fill("#label", "Clara's laptop")
	clara.clickThrough(`[data-passkey=register]`)
	clara.untilAt("/settings/sign-in", patience)
	if got := clara.text("#passkeys .nm"); got != "Clara's laptop" {
		t.Errorf("the list has %q, want Clara's laptop", got)
	}

	clara.open("/admin/people/ada")
	clara.clickThrough(`form[action$="/role"] button`)
	clara.until("the page asks for a passkey", `document.querySelector('[data-passkey=step-up]:not([hidden])')`, patience)
	clara.verifies(key, false)
	clara.click(`[data-passkey=step-up]`)
	clara.until("the refusal is told", `document.querySelector('#passkey-said').innerText.includes('canceled')`, patience)
	clara.verifies(key, true)
	clara.clickThrough(`[data-passkey=step-up]`)
	clara.until("the change is made", `document.querySelector('.saved')?.innerText.includes('now an administrator')`, patience)

	clara.tell(`document.querySelector('form[action$="/logout"]').requestSubmit()`)
	clara.untilAt("/", patience) // through /login, whose username field offers the passkey, and the authenticator takes it
	clara.untilLive()
	clara.open("/settings/sign-in")
	clara.clickThrough(`form[action$="/passkey/remove"] button`)
	clara.untilAt("/settings/sign-in", patience)
	clara.until("the removal is told", `document.querySelector(".saved")?.innerText.includes("Passkey removed")`, patience)
	if got := clara.text("#passkeys"); strings.Contains(got, "laptop") {
		t.Errorf("after its removal, the list has %q", got)
	}
}
