package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/identity"
)

const passkeyPurpose = "passkey"

// newPasskeys returns nil if browsers don't allow passkeys at the public URL.
func newPasskeys(cfg Config) (*identity.Passkeys, error) {
	p, err := identity.NewPasskeys(cfg.PublicURL, cfg.UI.Name())
	if errors.Is(err, identity.ErrNoPasskeys) {
		return nil, nil
	}
	return p, err
}

// rpID returns the host to which passkeys are bound, or "" if there are no passkeys.
func (s *Server) rpID() string {
	if s.passkeys == nil {
		return ""
	}
	return s.passkeys.RPID()
}

// begun is the answer to a request that begins with a passkey. The browser gives the state back, sealed.
type begun struct {
	PublicKey json.RawMessage `json:"publicKey"`
	State     string          `json:"state"`
}

// answerBegun sends the options for the browser. session is the ID of the session to which the challenge belongs, or
// "".
func (s *Server) answerBegun(c echo.Context, session string, options []byte, challenge identity.Challenge) error {
	var all begun
	if err := json.Unmarshal(options, &all); err != nil {
		return fmt.Errorf("passkey options: %w", err)
	}
	var err error
	all.State, err = s.cfg.Keys.SealUntil(time.Now().Add(identity.PasskeyTimeout), passkeyPurpose, session, challenge)
	if err != nil {
		return fmt.Errorf("passkey challenge: %w", err)
	}
	return c.JSON(http.StatusOK, all)
}

// finishing is what the browser sends at the end.
type finishing struct {
	State string `json:"state"`
	Label string `json:"label"` // of a new passkey
	Next  string `json:"next"`

	raw       []byte // all of it, for identity
	challenge identity.Challenge
}

// spends returns what the transaction that uses the response must spend.
func (f finishing) spends() accounts.Once {
	return accounts.Once{Secret: f.challenge.Hash, ExpiresAt: time.Now().Add(identity.PasskeyTimeout)}
}

// readFinishing reads what the browser sends at the end, and opens its challenge.
func (s *Server) readFinishing(c echo.Context, session string) (f finishing, err error) {
	if f.raw, err = readJSON(c.Request(), &f); err != nil {
		return f, err
	}
	err = s.cfg.Keys.OpenUntil(time.Now(), passkeyPurpose, session, f.State, &f.challenge)
	switch {
	case errors.Is(err, identity.ErrExpired):
		return f, &failure{Status: http.StatusForbidden, Message: "That took too long. Try again.", Err: err}
	case err != nil:
		return f, passkeyRefused(err)
	}
	return f, nil
}

// readJSON reads the body into value, and returns it. It fails with 400, 413 or 415. Other sites can't send JSON
// without asking first, which browsers do on their behalf, in vain.
func readJSON(r *http.Request, value any) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, &failure{Status: http.StatusUnsupportedMediaType, Message: "Send JSON."}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bodyError(err)
	}
	if err := json.Unmarshal(body, value); err != nil {
		return nil, &failure{Status: http.StatusBadRequest, Err: err}
	}
	return body, nil
}

// noPasskeys is the failure for boards without passkeys.
func noPasskeys() error {
	return &failure{Status: http.StatusNotFound, Message: "Passkeys don't work at this address."}
}

// passkeyRefused is the failure for a response that isn't valid. The reason is for the log.
func passkeyRefused(err error) *failure {
	return &failure{Status: http.StatusForbidden, Err: err,
		Message: "That passkey didn't work. Try again, or use another way to sign in."}
}

// passkeyFailure returns what to say about an error of identity or accounts about passkeys, or err.
func passkeyFailure(err error) error {
	switch {
	case errors.Is(err, identity.ErrPasskeyUnknown), errors.Is(err, accounts.ErrNoPasskey):
		return &failure{Status: http.StatusForbidden, Err: err,
			Message: "This passkey isn't known here any more. Use another way to sign in."}
	case errors.Is(err, identity.ErrPasskeyRefused), errors.Is(err, identity.ErrPasskeyMalformed),
		errors.Is(err, accounts.ErrSpent):
		return passkeyRefused(err)
	}
	return err
}

// passkeyUser returns an account as identity wants it.
func passkeyUser(u accounts.User, w accounts.OwnWays) identity.PasskeyUser {
	p := identity.PasskeyUser{ID: u.ID, Handle: w.Handle, Name: u.Username, DisplayName: u.DisplayName}
	for _, k := range w.Passkeys {
		p.Passkeys = append(p.Passkeys, identity.Passkey{
			Credential: k.Credential, UserID: k.UserID, RPID: k.RPID, PublicKey: k.PublicKey, SignCount: k.SignCount,
			Eligible: k.Eligible, BackedUp: k.BackedUp, AAGUID: k.AAGUID, Transports: k.Transports, Label: k.Label,
			CreatedAt: k.CreatedAt, UsedAt: k.UsedAt,
		})
	}
	return p
}

// usedPasskey returns what has to be stored about a use. It logs what is unusual.
func (s *Server) usedPasskey(use identity.PasskeyUse) accounts.Used {
	if use.CloneWarning {
		s.log.Warn("the counter of a passkey didn't increase, so there may be a copy of it", "user", use.UserID,
			"passkey", use.Label)
	}
	if use.EligibleChanged {
		s.log.Info("a passkey changed whether it can be synced", "user", use.UserID, "passkey", use.Label)
	}
	return accounts.Used{Passkey: &accounts.PasskeyUse{Credential: use.Credential, SignCount: use.SignCount,
		Eligible: use.Eligible, BackedUp: use.BackedUp}}
}
