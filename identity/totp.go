package identity

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// The parameters of RFC 6238 that every authenticator app supports.
const (
	totpPeriod = 30 // seconds
	totpDigits = 6
	totpSkew   = 1 // steps by which a phone's clock may be off

	secretBytes    = 20
	minSecretBytes = 16 // RFC 4226, section 4
	maxTypedCode   = 64 // bytes
	maxLabel       = 64 // runes of an issuer or account
)

// TOTPSecret is the secret that Rollcall shares with a person's authenticator app.
type TOTPSecret []byte

// NewTOTPSecret returns 20 random bytes, the length that RFC 4226 recommends.
func NewTOTPSecret() TOTPSecret {
	s := make([]byte, secretBytes)
	rand.Read(s) // never fails: the runtime ends the process first
	return s
}

// Text returns the secret for typing: base32 in groups of four characters.
func (s TOTPSecret) Text() string { return group(s.base32(), " ") }

func (s TOTPSecret) base32() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(s)
}

// URL returns the otpauth URL from which apps read the secret, as text of a QR code. issuer is the name of the board.
// URL removes colons, which separate the two names in the URL, and truncates long names.
func (s TOTPSecret) URL(issuer, account string) string {
	issuer, account = cleanLabel(issuer), cleanLabel(account)
	label, query := escape(account), "secret="+s.base32()
	if issuer != "" {
		label = escape(issuer) + ":" + label
		query += "&issuer=" + escape(issuer)
	}
	return fmt.Sprintf("otpauth://totp/%s?%s&algorithm=SHA1&digits=%d&period=%d", label, query, totpDigits, totpPeriod)
}

func cleanLabel(name string) string {
	name = strings.ReplaceAll(strings.ToValidUTF8(name, ""), ":", " ")
	runes := []rune(strings.Join(strings.Fields(name), " "))
	return string(runes[:min(len(runes), maxLabel)])
}

// escape escapes text for the path and the query alike. Apps show "+" as it is.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// TOTPStep returns the number of the 30-second step at a time.
func TOTPStep(at time.Time) int64 { return at.Unix() / totpPeriod }

// Code returns the six digits of a step.
func (s TOTPSecret) Code(step int64) string {
	mac := hmac.New(sha1.New, s)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := mac.Sum(nil)
	number := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&15:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", totpDigits, number%1_000_000)
}

// Check reports whether a person typed the code of the current step, the one before, or the one after, and of which
// one. It ignores spaces. A code is valid once: the caller must accept it only if step is greater than the step of the
// last accepted code, and store it in the same statement. Check takes the same time for every text of six characters.
func (s TOTPSecret) Check(typed string, now time.Time) (step int64, ok bool) {
	if len(s) < minSecretBytes {
		return 0, false
	}
	code := withoutSpaces(typed)
	current, matches, offset := TOTPStep(now), 0, 0
	for i := -totpSkew; i <= totpSkew; i++ {
		equal := subtle.ConstantTimeCompare([]byte(s.Code(current+int64(i))), []byte(code))
		matches |= equal
		offset = subtle.ConstantTimeSelect(equal, i, offset)
	}
	if matches == 0 {
		return 0, false
	}
	return current + int64(offset), true
}

// withoutSpaces removes spaces, including the ones that phones insert when a code is copied. It returns "" for text
// that is too long to be a code.
func withoutSpaces(typed string) string {
	if len(typed) > maxTypedCode {
		return ""
	}
	return strings.Join(strings.Fields(typed), "")
}

// group divides text into groups of four.
func group(text, separator string) string {
	var b strings.Builder
	for i := 0; i < len(text); i += 4 {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(text[i:min(i+4, len(text))])
	}
	return b.String()
}

// Recovery codes have 80 random bits, so an unsalted hash is enough to protect them.
const (
	RecoveryCodes      = 10 // in a set
	recoveryCharacters = 16 // of five bits each
)

// NewRecoveryCodes returns a set of recovery codes, such as "abcd-efgh-2345-ijkl", to be shown once, and their hashes,
// to be stored.
func NewRecoveryCodes() (codes, hashes []string) {
	for range RecoveryCodes {
		code := strings.ToLower(rand.Text()[:recoveryCharacters])
		codes, hashes = append(codes, group(code, "-")), append(hashes, hashRecovery(code))
	}
	return codes, hashes
}

// RecoveryHash returns the stored form of a recovery code that a person typed: its SHA-256. Case, spaces, and dashes
// don't matter. ok is false if it can't be a recovery code. A code is valid once: the caller must mark it as used in
// the statement that looks for it.
func RecoveryHash(typed string) (hash string, ok bool) {
	code := strings.ToLower(strings.ReplaceAll(withoutSpaces(typed), "-", ""))
	if len(code) != recoveryCharacters || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		return "", false
	}
	return hashRecovery(code), true
}

func hashRecovery(code string) string {
	sum := sha256.Sum256([]byte(code))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
