package identity

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"
)

// Errors of passkeys. They wrap the reason, which is for logs.
var (
	ErrNoPasskeys       = errors.New("identity: passkeys don't work at this public URL")
	ErrPasskeyMalformed = errors.New("identity: malformed passkey response")
	ErrPasskeyUnknown   = errors.New("identity: unknown passkey") // also if it was made for another host
	ErrPasskeyRefused   = errors.New("identity: passkey refused")
)

const (
	PasskeyTimeout = 5 * time.Minute // from Begin to Finish

	handleBytes      = 32
	maxPasskeyBody   = 64 << 10 // bytes of a browser's response
	maxPublicKey     = 1 << 10  // bytes; an RSA key of 4,096 bits has about 530
	maxPasskeyReason = 300      // bytes of the library's reason, which quotes the response
)

// Passkey is a WebAuthn credential of one account, as it's stored. Binary values are base64url without padding.
type Passkey struct {
	Credential string // ID of the credential; at most 1,023 bytes before encoding
	UserID     string
	RPID       string // host that it was made for; it works at no other
	PublicKey  string // COSE key; at most 1 KiB before encoding
	SignCount  uint32 // 0 if the authenticator doesn't count
	Eligible   bool   // it can be synced to other devices
	BackedUp   bool   // it's synced now
	AAGUID     string // UUID of the authenticator's model; zero if it doesn't tell
	Transports string // how browsers reach the authenticator, separated by commas
	Label      string
	CreatedAt  time.Time
	UsedAt     time.Time
}

// PasskeyUser is an account with all its passkeys.
type PasskeyUser struct {
	ID          string
	Handle      string // from NewHandle at the first registration, and never changed
	Name        string // username
	DisplayName string
	Passkeys    []Passkey
}

// NewHandle returns a random WebAuthn user handle: 32 bytes in base64url. All passkeys of an account share one.
func NewHandle() string {
	b := make([]byte, handleBytes)
	rand.Read(b) // never fails: the runtime ends the process first
	return encode(b)
}

// Ceremony is what a Challenge is for.
type Ceremony string

// The ceremonies.
const (
	Registration Ceremony = "register"
	SignIn       Ceremony = "sign-in"
	StepUp       Ceremony = "step-up"
)

// Challenge is what the server remembers of a ceremony between Begin and Finish. The caller seals it with an expiry
// (Keyring.SealUntil, PasskeyTimeout). For Registration and StepUp, the seal must bind it to the session.
//
// A browser can send the same response twice, and both pass. So the caller must spend Hash in the transaction that
// stores the passkey, starts the session, or steps it up, and refuse a challenge whose Hash is spent.
type Challenge struct {
	Ceremony Ceremony        `json:"c"`
	Hash     string          `json:"h"` // SHA-256 of the challenge in base64url
	Session  json.RawMessage `json:"s"` // the library's
}

// PasskeyUse is a successful sign-in or step-up.
type PasskeyUse struct {
	Passkey              // as it must be stored now, except for UsedAt
	EligibleChanged bool // Eligible differs from before, which the standard forbids; some authenticators do it anyway
	CloneWarning    bool // the counter didn't increase, so there may be a copy of the key; tell the owner
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(text string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(text) }
