package identity

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"
)

// This file and webauthn_user.go are the only ones that know the WebAuthn library.

// Passkeys registers passkeys and verifies sign-ins with them (WebAuthn Level 3, section 7), for one public URL. It's
// safe for concurrent use.
//
// A passkey counts as two factors, because its authenticator must verify the person by PIN, fingerprint, or face.
type Passkeys struct {
	library *webauthn.WebAuthn
	rpID    string
	origin  string
}

// NewPasskeys returns Passkeys for the public URL of a board, which may be nil, and the board's name. It returns
// ErrNoPasskeys if browsers don't allow passkeys there: the host must be a domain name reached by https, or localhost.
func NewPasskeys(public *url.URL, board string) (*Passkeys, error) {
	if public == nil {
		return nil, fmt.Errorf("%w: there is none", ErrNoPasskeys)
	}
	host, scheme := strings.ToLower(public.Hostname()), strings.ToLower(public.Scheme)
	if err := protocol.ValidateRPID(host); err != nil {
		return nil, fmt.Errorf("%w: host %q: %w", ErrNoPasskeys, host, err)
	}
	local := host == "localhost" || strings.HasSuffix(host, ".localhost")
	if scheme != "https" && (scheme != "http" || !local) {
		return nil, fmt.Errorf("%w: it doesn't begin with https://", ErrNoPasskeys)
	}
	p := &Passkeys{rpID: host, origin: scheme + "://" + host}
	if port := public.Port(); port != "" && port != map[string]string{"http": "80", "https": "443"}[scheme] {
		p.origin += ":" + port
	}
	library, err := webauthn.New(&webauthn.Config{
		RPID:                  p.rpID,
		RPDisplayName:         board,
		RPOrigins:             []string{p.origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: protocol.ResidentKeyRequired(),
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			UserVerification:   protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{
			Registration: webauthn.TimeoutConfig{Timeout: PasskeyTimeout},
			Login:        webauthn.TimeoutConfig{Timeout: PasskeyTimeout},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoPasskeys, err)
	}
	p.library = library
	return p, nil
}

// RPID returns the host to which passkeys are bound. Stored passkeys of another RPID don't work, and aren't a way in.
func (p *Passkeys) RPID() string { return p.rpID }

// BeginRegistration returns options for the browser, as a JSON object with the member publicKey, and the challenge.
func (p *Passkeys) BeginRegistration(u PasskeyUser) (options []byte, c Challenge, err error) {
	m, err := p.member(u)
	if err != nil {
		return nil, Challenge{}, err
	}
	var algorithms []protocol.CredentialParameter
	for _, alg := range []webauthncose.COSEAlgorithmIdentifier{
		webauthncose.AlgES256, webauthncose.AlgEdDSA, webauthncose.AlgRS256,
	} {
		algorithms = append(algorithms,
			protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: alg})
	}
	// Without the exclusions, an authenticator would replace its passkey for this account.
	creation, session, err := p.library.BeginRegistration(m, webauthn.WithCredentialParameters(algorithms),
		webauthn.WithExclusions(webauthn.Credentials(m.credentials).CredentialDescriptors()))
	if err != nil {
		return nil, Challenge{}, fmt.Errorf("begin a registration: %w", err)
	}
	return begun(Registration, creation, session)
}

// BeginSignIn returns options for the browser, as a JSON object with the member publicKey, and the challenge. The
// browser offers all the passkeys that it has for this host.
func (p *Passkeys) BeginSignIn() (options []byte, c Challenge, err error) {
	assertion, session, err := p.library.BeginDiscoverableLogin()
	if err != nil {
		return nil, Challenge{}, fmt.Errorf("begin a sign-in: %w", err)
	}
	return begun(SignIn, assertion, session)
}

// BeginStepUp is BeginSignIn for a person who is signed in. The browser offers only the passkeys of their account.
// It returns ErrPasskeyUnknown if they have none for this host.
func (p *Passkeys) BeginStepUp(u PasskeyUser) (options []byte, c Challenge, err error) {
	m, err := p.member(u)
	if err != nil {
		return nil, Challenge{}, err
	}
	if len(m.credentials) == 0 {
		return nil, Challenge{}, ErrPasskeyUnknown
	}
	assertion, session, err := p.library.BeginLogin(m)
	if err != nil {
		return nil, Challenge{}, fmt.Errorf("begin a step-up: %w", err)
	}
	// FinishStepUp accepts only passkeys of the account anyway. Without the list, the challenge fits in a cookie.
	session.AllowedCredentialIDs = nil
	return begun(StepUp, assertion, session)
}

func begun(ceremony Ceremony, options any, session *webauthn.SessionData) ([]byte, Challenge, error) {
	data, err := json.Marshal(options)
	if err != nil {
		return nil, Challenge{}, fmt.Errorf("encode passkey options: %w", err)
	}
	kept, err := json.Marshal(session)
	if err != nil {
		return nil, Challenge{}, fmt.Errorf("encode a passkey challenge: %w", err)
	}
	sum := sha256.Sum256([]byte(session.Challenge))
	return data, Challenge{Ceremony: ceremony, Hash: encode(sum[:]), Session: kept}, nil
}

// FinishRegistration verifies the browser's response to BeginRegistration with the same account, and returns the new
// passkey without label and times. Across all accounts, a credential ID can be stored only once.
func (p *Passkeys) FinishRegistration(c Challenge, u PasskeyUser, body []byte) (Passkey, error) {
	session, err := sessionOf(c, Registration, body)
	if err != nil {
		return Passkey{}, err
	}
	m, err := p.member(u)
	if err != nil {
		return Passkey{}, err
	}
	response, err := protocol.ParseCredentialCreationResponseBytes(body)
	if err != nil {
		return Passkey{}, because(ErrPasskeyMalformed, err)
	}
	if err := p.checkOrigin(response.Response.CollectedClientData); err != nil {
		return Passkey{}, err
	}
	made, err := p.library.CreateCredential(m, session, response)
	if err != nil {
		return Passkey{}, because(ErrPasskeyRefused, err)
	}
	// Without attestation, nothing has used the key yet. A passkey that can't sign in must not count as a way in.
	if _, err := webauthncose.ParsePublicKey(made.PublicKey); err != nil {
		return Passkey{}, because(ErrPasskeyRefused, err)
	}
	if len(made.PublicKey) > maxPublicKey {
		return Passkey{}, fmt.Errorf("%w: public key of %d bytes", ErrPasskeyRefused, len(made.PublicKey))
	}
	return p.passkey(u, made)
}

// passkey returns a verified new credential in the form in which it's stored.
func (p *Passkeys) passkey(u PasskeyUser, made *webauthn.Credential) (Passkey, error) {
	model, err := uuid.FromBytes(made.Authenticator.AAGUID)
	if err != nil {
		return Passkey{}, because(ErrPasskeyMalformed, err)
	}
	var transports []string
	for _, t := range []protocol.AuthenticatorTransport{protocol.Internal, protocol.Hybrid, protocol.USB, protocol.NFC,
		protocol.BLE, protocol.SmartCard} {
		if slices.Contains(made.Transport, t) { // which the browser may have made up
			transports = append(transports, string(t))
		}
	}
	return Passkey{
		Credential: encode(made.ID),
		UserID:     u.ID,
		RPID:       p.rpID,
		PublicKey:  encode(made.PublicKey),
		SignCount:  made.Authenticator.SignCount,
		Eligible:   made.Flags.BackupEligible,
		BackedUp:   made.Flags.BackupState,
		AAGUID:     model.String(),
		Transports: strings.Join(transports, ","),
	}, nil
}

// FinishSignIn verifies the browser's response to BeginSignIn. find returns the account that owns a credential, with at
// least that passkey, or ErrPasskeyUnknown. FinishSignIn returns the errors of find unchanged. It doesn't know whether
// the account may sign in.
func (p *Passkeys) FinishSignIn(c Challenge, body []byte, find func(credential string) (PasskeyUser, error)) (
	PasskeyUse, error) {
	session, err := sessionOf(c, SignIn, body)
	if err != nil {
		return PasskeyUse{}, err
	}
	return p.finish(body, find, func(m *member, r *protocol.ParsedCredentialAssertionData) (*webauthn.Credential, error) {
		owner := func(_, _ []byte) (webauthn.User, error) { return m, nil } // the library compares the handle
		return p.library.ValidateDiscoverableLogin(owner, session, r)
	})
}

// FinishStepUp verifies the browser's response to BeginStepUp with the same account.
func (p *Passkeys) FinishStepUp(c Challenge, u PasskeyUser, body []byte) (PasskeyUse, error) {
	session, err := sessionOf(c, StepUp, body)
	if err != nil {
		return PasskeyUse{}, err
	}
	find := func(string) (PasskeyUser, error) { return u, nil }
	return p.finish(body, find, func(m *member, r *protocol.ParsedCredentialAssertionData) (*webauthn.Credential, error) {
		return p.library.ValidateLogin(m, session, r)
	})
}

// finish verifies a response with one of the library's functions.
func (p *Passkeys) finish(body []byte, find func(string) (PasskeyUser, error),
	validate func(*member, *protocol.ParsedCredentialAssertionData) (*webauthn.Credential, error)) (PasskeyUse, error) {
	response, err := protocol.ParseCredentialRequestResponseBytes(body)
	if err != nil {
		return PasskeyUse{}, because(ErrPasskeyMalformed, err)
	}
	if err := p.checkOrigin(response.Response.CollectedClientData); err != nil {
		return PasskeyUse{}, err
	}
	credential := encode(response.RawID)
	u, err := find(credential)
	if err != nil {
		return PasskeyUse{}, err
	}
	m, err := p.member(u)
	if err != nil {
		return PasskeyUse{}, err
	}
	i := slices.IndexFunc(m.passkeys, func(k Passkey) bool { return k.Credential == credential })
	if i < 0 {
		return PasskeyUse{}, ErrPasskeyUnknown
	}
	use := PasskeyUse{Passkey: m.passkeys[i]}
	// The library refuses a response whose flag has changed. With some authenticators, it does change.
	m.credentials[i].Flags.BackupEligible = response.Response.AuthenticatorData.Flags.HasBackupEligible()
	used, err := validate(m, response)
	if err != nil {
		return PasskeyUse{}, because(ErrPasskeyRefused, err)
	}
	use.EligibleChanged = use.Eligible != used.Flags.BackupEligible
	use.CloneWarning = used.Authenticator.CloneWarning
	use.SignCount = used.Authenticator.SignCount
	use.Eligible, use.BackedUp = used.Flags.BackupEligible, used.Flags.BackupState
	return use, nil
}

// sessionOf returns the library's part of a challenge, if the challenge is for this ceremony.
func sessionOf(c Challenge, ceremony Ceremony, body []byte) (session webauthn.SessionData, err error) {
	if len(body) > maxPasskeyBody {
		return session, fmt.Errorf("%w: %d bytes", ErrPasskeyMalformed, len(body))
	}
	if c.Ceremony != ceremony {
		return session, fmt.Errorf("%w: challenge for %q, want %q", ErrPasskeyRefused, c.Ceremony, ceremony)
	}
	if err := json.Unmarshal(c.Session, &session); err != nil {
		return session, fmt.Errorf("decode a passkey challenge: %w", err)
	}
	return session, nil
}

// checkOrigin compares the origin exactly. The library ignores case, and everything after the host.
func (p *Passkeys) checkOrigin(client protocol.CollectedClientData) error {
	if client.Origin != p.origin {
		return because(ErrPasskeyRefused, fmt.Errorf("origin %q, want %q", client.Origin, p.origin))
	}
	return nil
}

// because returns an error of ours with the library's reason.
func because(kind, err error) error {
	reason := err.Error()
	var detailed *protocol.Error
	if errors.As(err, &detailed) {
		reason += ": " + detailed.DevInfo
	}
	return fmt.Errorf("%w: %.*s", kind, maxPasskeyReason, reason)
}
