package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// The flags of authenticator data (WebAuthn Level 3, section 6.1).
const (
	userPresent    = 1 << 0
	userVerified   = 1 << 2
	backupEligible = 1 << 3
	backedUp       = 1 << 4
	attestedData   = 1 << 6
)

// softKey is an authenticator in software, with one credential, and the browser around it.
type softKey struct {
	t      *testing.T
	key    crypto.Signer
	cose   map[int]any // its public key
	id     []byte
	handle []byte // of the account, once registered
	origin string
	flags  byte
	count  uint32 // increases with each use, unless it's 0
}

func newSoftKey(t *testing.T, origin string) *softKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	k := &softKey{t: t, key: key, id: make([]byte, 32), origin: origin, flags: userPresent | userVerified, count: 1,
		cose: map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]}} // EC2, ES256, P-256, x, y
	rand.Read(k.id)
	return k
}

// withRSA and withEd25519 replace the key of a softKey.
func (k *softKey) withRSA() *softKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		k.t.Fatal(err)
	}
	k.key, k.cose = key, map[int]any{1: 3, 3: -257, -1: key.N.Bytes(), -2: []byte{1, 0, 1}}
	return k
}

func (k *softKey) withEd25519() *softKey {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		k.t.Fatal(err)
	}
	k.key, k.cose = key, map[int]any{1: 1, 3: -8, -1: 6, -2: []byte(public)}
	return k
}

// reply holds everything that goes into a response, so that tests can forge any of it before it's signed.
type reply struct {
	Type, Challenge, Origin, RPID string
	CrossOrigin                   bool
	TopOrigin                     string
	Flags                         byte
	Count                         uint32
	ID, RawID, Handle             []byte
	COSE                          map[int]any
	Signer                        crypto.Signer
	Transports                    []string
	Extra                         map[string]any // of the credential
}

// browserOptions are the options that both ceremonies have.
type browserOptions struct {
	PublicKey struct {
		Challenge string
		RPID      string
		RP        struct{ ID string }
		User      struct{ ID string }
	}
}

func (k *softKey) begin(ceremony string, options []byte, forge func(*reply)) (reply, browserOptions) {
	k.t.Helper()
	var o browserOptions
	if err := json.Unmarshal(options, &o); err != nil {
		k.t.Fatal(err)
	}
	r := reply{Type: ceremony, Challenge: o.PublicKey.Challenge, Origin: k.origin,
		RPID: o.PublicKey.RPID + o.PublicKey.RP.ID, Flags: k.flags, Count: k.count, ID: k.id, RawID: k.id, COSE: k.cose,
		Signer: k.key, Handle: k.handle}
	if forge != nil {
		forge(&r)
	}
	if k.count > 0 {
		k.count++
	}
	return r, o
}

// register returns the body that a browser sends for options of a registration.
func (k *softKey) register(options []byte, forge func(*reply)) []byte {
	k.t.Helper()
	r, o := k.begin("webauthn.create", options, forge)
	var err error
	if k.handle, err = decode(o.PublicKey.User.ID); err != nil || len(k.handle) == 0 {
		k.t.Fatalf("user.id = %q, %v, want a handle", o.PublicKey.User.ID, err)
	}
	data := r.authenticatorData(attestedData)
	data = append(data, make([]byte, 15)...)
	data = append(data, 7) // AAGUID
	data = binary.BigEndian.AppendUint16(data, uint16(len(r.ID)))
	data = append(append(data, r.ID...), k.cbor(r.COSE)...)
	return k.body(r, map[string]any{
		"clientDataJSON": encode(r.clientData()), "transports": r.Transports,
		"attestationObject": encode(k.cbor(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})),
	})
}

// assert returns the body that a browser sends for options of a sign-in or step-up.
func (k *softKey) assert(options []byte, forge func(*reply)) []byte {
	k.t.Helper()
	r, _ := k.begin("webauthn.get", options, forge)
	data, client := r.authenticatorData(0), r.clientData()
	sum := sha256.Sum256(client)
	signed := append(append([]byte(nil), data...), sum[:]...)
	hash := crypto.SHA256
	if _, ok := r.Signer.(ed25519.PrivateKey); ok {
		hash = 0
	} else {
		digest := sha256.Sum256(signed)
		signed = digest[:]
	}
	signature, err := r.Signer.Sign(rand.Reader, signed, hash)
	if err != nil {
		k.t.Fatal(err)
	}
	response := map[string]any{
		"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(signature),
	}
	if r.Handle != nil {
		response["userHandle"] = encode(r.Handle)
	}
	return k.body(r, response)
}

func (k *softKey) body(r reply, response map[string]any) []byte {
	k.t.Helper()
	id := encode(r.RawID)
	credential := map[string]any{"id": id, "rawId": id, "type": "public-key", "response": response}
	for name, value := range r.Extra {
		credential[name] = value
	}
	body, err := json.Marshal(credential)
	if err != nil {
		k.t.Fatal(err)
	}
	return body
}

func (k *softKey) cbor(value any) []byte {
	k.t.Helper()
	mode, err := cbor.CTAP2EncOptions().EncMode()
	if err != nil {
		k.t.Fatal(err)
	}
	data, err := mode.Marshal(value)
	if err != nil {
		k.t.Fatal(err)
	}
	return data
}

func (r reply) clientData() []byte {
	client := map[string]any{"type": r.Type, "challenge": r.Challenge, "origin": r.Origin, "crossOrigin": r.CrossOrigin}
	if r.TopOrigin != "" {
		client["topOrigin"] = r.TopOrigin
	}
	data, _ := json.Marshal(client) // strings can be encoded
	return data
}

func (r reply) authenticatorData(flags byte) []byte {
	sum := sha256.Sum256([]byte(r.RPID))
	return binary.BigEndian.AppendUint32(append(sum[:], r.Flags|flags), r.Count)
}
