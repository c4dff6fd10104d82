package accounts

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

const tokenBytes = 32

// newToken returns 256 random bits for somebody to keep, and the hash that is stored: nobody who reads the database
// can use what they find there.
func newToken() (token, hash string) {
	b := make([]byte, tokenBytes)
	rand.Read(b) // never fails: the runtime ends the process first
	return base64.RawURLEncoding.EncodeToString(b), hashToken(b)
}

// tokenHash returns what is stored for a token, and whether it can be one at all.
func tokenHash(token string) (hash string, ok bool) {
	if len(token) != base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return "", false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != tokenBytes {
		return "", false
	}
	return hashToken(b), true
}

func hashToken(token []byte) string {
	sum := sha256.Sum256(token)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
