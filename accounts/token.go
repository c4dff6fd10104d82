package accounts

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

const tokenBytes = 32

// newToken returns a token of 256 random bits and its hash. Only the hash is stored, so that nobody who reads the
// database gets a token.
func newToken() (token, hash string) {
	b := make([]byte, tokenBytes)
	rand.Read(b) // never fails: the runtime ends the process first
	return base64.RawURLEncoding.EncodeToString(b), hashToken(b)
}

// tokenHash returns the stored hash of a token. ok is false if the token is malformed.
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
