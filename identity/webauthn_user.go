package identity

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"
)

// member is an account as the library wants it, with only the passkeys of our host.
type member struct {
	user        PasskeyUser
	handle      []byte
	passkeys    []Passkey
	credentials []webauthn.Credential // of passkeys, in the same order
}

func (m *member) WebAuthnID() []byte                         { return m.handle }
func (m *member) WebAuthnName() string                       { return m.user.Name }
func (m *member) WebAuthnDisplayName() string                { return m.user.DisplayName }
func (m *member) WebAuthnCredentials() []webauthn.Credential { return m.credentials }

// member returns an error if the account has no handle or a passkey can't be decoded, which only a bug can cause.
func (p *Passkeys) member(u PasskeyUser) (*member, error) {
	handle, err := decode(u.Handle)
	if err != nil || len(handle) != handleBytes {
		return nil, fmt.Errorf("account %s has a WebAuthn handle of %d bytes, want %d", u.ID, len(handle), handleBytes)
	}
	m := &member{user: u, handle: handle}
	for _, k := range u.Passkeys {
		if k.RPID != p.rpID {
			continue
		}
		c, err := stored(k)
		if err != nil {
			return nil, fmt.Errorf("decode passkey %s of account %s: %w", k.Credential, u.ID, err)
		}
		m.passkeys, m.credentials = append(m.passkeys, k), append(m.credentials, c)
	}
	return m, nil
}

// stored returns a stored passkey as the library wants it. The flags that the library would compare are left to finish.
func stored(k Passkey) (webauthn.Credential, error) {
	c := webauthn.Credential{Authenticator: webauthn.Authenticator{SignCount: k.SignCount}}
	var err error
	if c.ID, err = decode(k.Credential); err != nil {
		return c, err
	}
	if c.PublicKey, err = decode(k.PublicKey); err != nil {
		return c, err
	}
	model, err := uuid.Parse(k.AAGUID)
	if err != nil {
		return c, err
	}
	c.Authenticator.AAGUID = model[:]
	if k.Transports != "" {
		for t := range strings.SplitSeq(k.Transports, ",") {
			c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
		}
	}
	return c, nil
}

// Accepted returns the argument of PublicKeyCredential.signalAllAcceptedCredentials as JSON. From it, the browser
// learns which passkeys of the account were deleted here, and stops offering them. Accepted returns nil if the account
// has no passkeys for this host, because an empty list would delete all passkeys of the account.
func (p *Passkeys) Accepted(u PasskeyUser) []byte {
	var ids []string
	for _, k := range u.Passkeys {
		if k.RPID == p.rpID {
			ids = append(ids, k.Credential)
		}
	}
	if len(ids) == 0 || u.Handle == "" {
		return nil
	}
	data, err := json.Marshal(map[string]any{"rpId": p.rpID, "userId": u.Handle, "allAcceptedCredentialIds": ids})
	if err != nil {
		return nil // can't happen with strings
	}
	return data
}
