package accounts

import (
	"crypto/rand"
	"hash/crc32"
	"strings"
)

// An access token is tokenPrefix, 40 random digits of base 62, and a checksum of everything before it as 6 more digits.
// So programs that look for leaked secrets can recognize tokens, and typing errors cost no query.
const (
	tokenPrefix   = "rollcall_"
	secretDigits  = 40
	sumDigits     = 6
	base62        = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	accessLength  = len(tokenPrefix) + secretDigits + sumDigits
	unbiasedBytes = 256 - 256%len(base62) // random bytes below this give each digit with the same probability
)

// newAccessToken returns a token of 238 random bits and its hash.
func newAccessToken() (text, hash string) {
	digits := make([]byte, 0, secretDigits)
	for len(digits) < secretDigits {
		var b [secretDigits]byte
		rand.Read(b[:]) // never fails
		for _, v := range b {
			if int(v) < unbiasedBytes && len(digits) < secretDigits {
				digits = append(digits, base62[int(v)%len(base62)])
			}
		}
	}
	text = tokenPrefix + string(digits)
	text += checksum(text)
	return text, hashToken([]byte(text))
}

// checksum returns the last digits of the token that begins with text.
func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	var digits [sumDigits]byte
	for i := sumDigits - 1; i >= 0; i-- {
		digits[i] = base62[sum%uint32(len(base62))]
		sum /= uint32(len(base62))
	}
	return string(digits[:])
}

// IsToken reports whether text has the form of an access token, with the right checksum. It doesn't say that the token
// exists.
func IsToken(text string) bool {
	if len(text) != accessLength || !strings.HasPrefix(text, tokenPrefix) {
		return false
	}
	for i := len(tokenPrefix); i < len(text); i++ {
		if strings.IndexByte(base62, text[i]) < 0 {
			return false
		}
	}
	end := len(text) - sumDigits
	return checksum(text[:end]) == text[end:]
}
