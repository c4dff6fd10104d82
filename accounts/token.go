package accounts

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
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

// Tokens of shares stand in addresses that people copy: 27 digits and letters, which are 160 bits.
const (
	shareDigits     = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	shareTokenChars = 27
)

// newShareToken returns the token of a share, and its hash.
func newShareToken() (token, hash string) {
	b := make([]byte, 0, shareTokenChars)
	for random := make([]byte, 2*shareTokenChars); len(b) < shareTokenChars; {
		rand.Read(random)
		for _, x := range random {
			if x < 248 && len(b) < shareTokenChars { // 248 is a multiple of 62, so every digit is equally likely
				b = append(b, shareDigits[x%62])
			}
		}
	}
	return string(b), hashToken(b)
}

// shareHash returns the stored hash of the token of a share. ok is false if the token is malformed.
func shareHash(token string) (hash string, ok bool) {
	if len(token) != shareTokenChars {
		return "", false
	}
	for _, c := range []byte(token) {
		if strings.IndexByte(shareDigits, c) < 0 {
			return "", false
		}
	}
	return hashToken([]byte(token)), true
}

func hashToken(token []byte) string {
	sum := sha256.Sum256(token)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
