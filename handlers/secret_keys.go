package handlers

import (
	"errors"
	"fmt"

	"rollcall/identity"
)

// SecretKeys returns the operator's key, which seals the secrets of authenticator apps. It returns nil if there is no
// key yet and create is false.
type SecretKeys func(create bool) (*identity.Keyring, error)

// errNoSecretKey says that the operator has to set a key before anybody can set up an authenticator app.
var errNoSecretKey = errors.New("no secret key")

// secretKey returns the operator's key, and makes one if necessary. Error: errNoSecretKey.
func (s *Server) secretKey(create bool) (*identity.Keyring, error) {
	if s.cfg.SecretKeys == nil {
		return nil, errNoSecretKey
	}
	keys, err := s.cfg.SecretKeys(create)
	switch {
	case err != nil:
		return nil, fmt.Errorf("secret key: %w", err)
	case keys == nil:
		return nil, errNoSecretKey
	}
	return keys, nil
}
