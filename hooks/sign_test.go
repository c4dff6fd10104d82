package hooks

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"rollcall/accounts"
)

const (
	secretOne = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	secretTwo = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

// The signature is that of the example in the specification.
func TestSignature(t *testing.T) {
	got := signature(secretOne, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature = %s, want %s", got, want)
	}
}

// Other programs verify what we sign, with either secret during a rotation, and nothing that was changed.
func TestSignaturesVerify(t *testing.T) {
	now, body := time.Now(), []byte(`{"type":"test","text":"Grüße 🎧"}`)
	for _, tt := range []struct {
		name    string
		secrets accounts.HookSecrets
		valid   []string
	}{
		{"one secret", accounts.HookSecrets{Secret: secretOne}, []string{secretOne}},
		{"rotation", accounts.HookSecrets{Secret: secretTwo, Old: secretOne, OldUntil: now.Add(time.Hour)}, []string{secretOne, secretTwo}},
		{"after a rotation", accounts.HookSecrets{Secret: secretTwo, Old: secretOne, OldUntil: now}, []string{secretTwo}},
	} {
		h := http.Header{}
		h.Set(headerID, "msg_1")
		h.Set(headerTimestamp, strconv.FormatInt(now.Unix(), 10))
		h.Set(headerSignature, sign(tt.secrets, "msg_1", now, body))
		for _, secret := range []string{secretOne, secretTwo} {
			verifier, err := standardwebhooks.NewWebhook(secret)
			if err != nil {
				t.Fatal(err)
			}
			valid := strings.Contains(strings.Join(tt.valid, " "), secret)
			if err := verifier.Verify(body, h); (err == nil) != valid {
				t.Errorf("%s: Verify = %v, want it valid: %t", tt.name, err, valid)
			}
			if err := verifier.Verify(append(body, ' '), h); err == nil {
				t.Errorf("%s: Verify accepts another body", tt.name)
			}
		}
	}
}
