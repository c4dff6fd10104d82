package identity

import (
	"encoding/base32"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The test vectors of RFC 6238, appendix B, for SHA-1. They have eight digits, of which apps show the last six.
func TestTOTPVectors(t *testing.T) {
	secret := TOTPSecret("12345678901234567890")
	for at, want := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924", 2000000000: "69279037",
		20000000000: "65353130",
	} {
		now := time.Unix(at, 0)
		if got := secret.Code(TOTPStep(now)); got != want[2:] {
			t.Errorf("Code at %d = %s, want %s", at, got, want[2:])
		}
		if step, ok := secret.Check(want[2:], now); !ok || step != at/30 {
			t.Errorf("Check(%s) at %d = %d, %t, want step %d", want[2:], at, step, ok, at/30)
		}
	}
}

// A code is accepted for one step before and after its own, and Check names its own step.
func TestTOTPSteps(t *testing.T) {
	secret, now := TOTPSecret("12345678901234567890"), time.Unix(1111111111, 0)
	current := TOTPStep(now)
	for offset := int64(-3); offset <= 3; offset++ {
		code := secret.Code(current + offset)
		step, ok := secret.Check(code, now)
		if want := offset >= -1 && offset <= 1; ok != want || ok && step != current+offset || !ok && step != 0 {
			t.Errorf("Check(code of step %+d) = %d, %t, want %t and that step", offset, step-current, ok, want)
		}
	}
}

func TestTOTPTyped(t *testing.T) {
	secret, now := TOTPSecret("12345678901234567890"), time.Unix(1111111111, 0)
	code := secret.Code(TOTPStep(now)) // 050471
	for typed, want := range map[string]bool{
		code: true, code[:3] + " " + code[3:]: true, " " + code + "\n": true, code[:3] + "\u00a0" + code[3:]: true,
		"": false, " ": false, code[:5]: false, code[1:]: false, code + "0": false, "0" + code: false, "-" + code[1:]: false,
		"+" + code[1:]: false, code[:5] + "x": false, code[:3] + "-" + code[3:]: false, "٠٥٠٤٧١": false,
		code + strings.Repeat(" ", 64): false, strings.Repeat(code, 20): false, "000000": false,
	} {
		if _, ok := secret.Check(typed, now); ok != want {
			t.Errorf("Check(%q) = %t, want %t", typed, ok, want)
		}
	}
	// HMAC takes any key. A secret that is missing must not have guessable codes.
	for _, weak := range []TOTPSecret{nil, {}, make(TOTPSecret, minSecretBytes-1)} {
		if _, ok := weak.Check(weak.Code(TOTPStep(now)), now); ok {
			t.Errorf("Check with a secret of %d bytes succeeded, want it refused", len(weak))
		}
	}
}

func TestTOTPSecret(t *testing.T) {
	a, b := NewTOTPSecret(), NewTOTPSecret()
	if len(a) != 20 || string(a) == string(b) {
		t.Errorf("NewTOTPSecret = %d bytes, equal %t, want 20 different ones", len(a), string(a) == string(b))
	}
	text := a.Text()
	if !regexp.MustCompile(`^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$`).MatchString(text) {
		t.Errorf("Text = %q, want base32 in 8 groups of 4", text)
	}
	got, err := base32.StdEncoding.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil || string(got) != string(a) {
		t.Errorf("decoded Text = %x, %v, want %x", got, err, []byte(a))
	}
}

func TestTOTPURL(t *testing.T) {
	secret := TOTPSecret("12345678901234567890")
	const rest = "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for _, tt := range []struct{ issuer, account, label, issuerAsRead string }{
		{"Rollcall", "ada", "Rollcall:ada", "Rollcall"},
		{"Ops: night & day", "ada", "Ops night & day:ada", "Ops night & day"},
		{"a+b", "ada@x.example", "a+b:ada@x.example", "a+b"},
		{"École\n 1/2", "a:b?c#d", "École 1/2:a b?c#d", "École 1/2"},
		{"", "ada", "ada", ""},
		{":", "ada", "ada", ""},
		{"bad\xff", "ada", "bad:ada", "bad"},
		{strings.Repeat("é", 100), strings.Repeat("b", 100), strings.Repeat("é", 64) + ":" + strings.Repeat("b", 64),
			strings.Repeat("é", 64)},
	} {
		raw := secret.URL(tt.issuer, tt.account)
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatalf("URL(%q, %q) = %s, %v", tt.issuer, tt.account, raw, err)
		}
		q := u.Query()
		if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/"+tt.label || u.Fragment != "" ||
			q.Get("issuer") != tt.issuerAsRead || q.Has("issuer") != (tt.issuerAsRead != "") {
			t.Errorf("URL(%q, %q) = %s, want the label %q and the issuer %q", tt.issuer, tt.account, raw, tt.label,
				tt.issuerAsRead)
		}
		if !strings.Contains(raw, "?"+rest) || q.Get("algorithm") != "SHA1" || q.Get("digits") != "6" ||
			q.Get("period") != "30" {
			t.Errorf("URL(%q, %q) = %s, want the secret and its parameters", tt.issuer, tt.account, raw)
		}
		// Apps read the label up to the first colon, and show plus signs.
		if path, _, _ := strings.Cut(raw, "?"); strings.Contains(raw, "+") || strings.Count(path, ":") > 2 {
			t.Errorf("URL(%q, %q) = %s, want no plus sign and at most one colon in the label", tt.issuer, tt.account, raw)
		}
	}
}

func TestRecoveryCodes(t *testing.T) {
	codes, hashes := NewRecoveryCodes()
	if len(codes) != 10 || len(hashes) != 10 {
		t.Fatalf("NewRecoveryCodes = %d codes and %d hashes, want 10", len(codes), len(hashes))
	}
	seen := map[string]bool{}
	for i, code := range codes {
		if !regexp.MustCompile(`^([a-z2-7]{4}-){3}[a-z2-7]{4}$`).MatchString(code) { // 16 characters of 5 bits
			t.Errorf("code %q, want 4 groups of 4", code)
		}
		seen[code], seen[hashes[i]] = true, true
		for _, typed := range []string{code, strings.ToUpper(code), strings.ReplaceAll(code, "-", ""),
			" " + strings.ReplaceAll(code, "-", " ") + "\n"} {
			if hash, ok := RecoveryHash(typed); !ok || hash != hashes[i] {
				t.Errorf("RecoveryHash(%q) = %s, %t, want %s", typed, hash, ok, hashes[i])
			}
		}
		for _, typed := range []string{"", code[1:], code + "a", code[:18] + "1", strings.Repeat(" ", 64) + code} {
			if hash, ok := RecoveryHash(typed); ok || hash != "" {
				t.Errorf("RecoveryHash(%q) = %s, %t, want it refused", typed, hash, ok)
			}
		}
	}
	if len(seen) != 20 {
		t.Errorf("%d different codes and hashes, want 20", len(seen))
	}
	// printf abcdefgh234567ij | sha256sum
	if hash, _ := RecoveryHash("abcd-efgh-2345-67ij"); hash != "54nODN-dVv0SK6hErQ41bXbDW-qy_c6yf946OmXrKsI" {
		t.Errorf("RecoveryHash = %s, want the SHA-256", hash)
	}
}
