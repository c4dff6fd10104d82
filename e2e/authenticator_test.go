package e2e_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	endian "encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
)

// totp returns the code of an authenticator app (RFC 6238), some steps of 30 s from now. key is base32, perhaps in
// groups.
func totp(t *testing.T, key string, ahead int64) string {
	t.Helper()
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(strings.Join(strings.Fields(key), "")))
	if err != nil {
		t.Fatalf("the page shows the key %q: %v", key, err)
	}
	mac := hmac.New(sha1.New, secret)
	_ = endian.Write(mac, endian.BigEndian, time.Now().Unix()/30+ahead)
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", endian.BigEndian.Uint32(sum[at:at+4])&0x7fffffff%1_000_000)
}

// An administrator sets up an authenticator app, confirms a change with a recovery code, signs in with a code, and
// removes the app.
func TestAuthenticatorApp(t *testing.T) {
	parallel(t)
	s := startServer(t, "--require-second-factor")
	s.addUser("clara", "--admin")
	s.addUser("ada")
	visitor := s.member(t, "clara")
	clara := visitor.tab()
	clara.allow(`status of (403|422)`)
	look(clara, "light")

	clara.open("/admin/people/ada")
	clara.clickThrough(`form[action$="/role"] button`)
	clara.until("a second factor is missing", `document.querySelector('h1').innerText === 'Set up a second factor first'`, patience)
	clara.open("/settings/sign-in")
	clara.clickThrough(`form[action$="/sign-in/app"] button`)
	key := clara.text(".key")
	clara.fill("#one_time_code", "000000")
	clara.clickThrough("#main form button.main")
	if clara.text(".key") != key {
		t.Error("after a wrong code, the page shows another key")
	}
	clara.fill("#one_time_code", totp(t, key, -1))
	clara.clickThrough("#main form button.main")
	codes := strings.Fields(clara.text(".codes"))
	if len(codes) != 10 {
		t.Fatalf("the page shows %d recovery codes, want 10: %q", len(codes), codes)
	}
	copyCodes(clara, codes)

	clara.open("/admin/people/ada")
	clara.clickThrough(`form[action$="/role"] button`)
	clara.until("it asks for both", `document.querySelector('#confirm_password') && document.querySelector('#confirm_code')`, patience)
	clara.fill("#confirm_password", password)
	clara.fill("#confirm_code", codes[0])
	clara.clickThrough("#main form button.main")
	clara.until("the change is made", `document.querySelector('.saved')?.innerText.includes('now an administrator')`, patience)

	clara.tell(`document.querySelector('form[action$="/logout"]').requestSubmit()`)
	clara.untilAt("/login", patience)
	clara.signInAs("clara", password)
	clara.until("it asks for a code", `document.querySelector('#one_time_code')`, patience)
	clara.fill("#one_time_code", totp(t, key, 0))
	clara.clickThrough("#main form button.main")
	clara.untilAt("/", patience)
	clara.open("/settings/sign-in")
	clara.until("one code is used", `document.body.innerText.includes('9 recovery codes left')`, patience)
	clara.clickThrough(`form[action$="/app/remove"] button`)
	clara.until("the app is gone", `document.querySelector('form[action$="/sign-in/app"]')`, patience)
}

// copyCodes checks that the page copies its codes and offers them as a file, and hides its buttons in print.
func copyCodes(b *tab, codes []string) {
	b.t.Helper()
	b.tell(`navigator.clipboard.writeText = async text => { window.copied = text }`)
	b.click(`[data-copies=codes]`)
	b.until("the codes are copied", `(window.copied ?? '').trim().split(/\s+/).join(' ') === `+quote(strings.Join(codes, " ")), patience)
	b.until("the page says so", `document.querySelector('#copied').textContent === 'Copied'`, patience)
	file := ask[string](b, `fetch(document.querySelector('form[action$="/codes.txt"]').action, { method: 'POST',
		body: new URLSearchParams(new FormData(document.querySelector('form[action$="/codes.txt"]'))) }).then(answer => answer.text())`)
	for _, code := range codes {
		if !strings.Contains(file, code) {
			b.t.Errorf("the file has no %s:\n%s", code, file)
		}
	}
	b.run(emulation.SetEmulatedMedia().WithMedia("print"))
	if got := ask[string](b, `document.querySelector('#main').innerText`); strings.Contains(got, "Download") ||
		!strings.Contains(got, codes[9]) || !strings.Contains(got, "username clara") {
		b.t.Errorf("the printed page says:\n%s", got)
	}
	look(b, "light")
}
