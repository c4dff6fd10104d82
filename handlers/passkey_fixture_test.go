package handlers

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http/httptest"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// softPasskey is an authenticator in software, and the browser around it. identity tests what a hostile one could send.
type softPasskey struct {
	t      testing.TB
	key    *ecdsa.PrivateKey
	id     []byte
	handle string
	origin string
	count  uint32
}

const (
	verifiedFlags = 1 | 1<<2 | 1<<3 | 1<<4 // user present and verified; can be synced, and is
	attestedFlag  = 1 << 6
)

func newSoftPasskey(t testing.TB, origin string) *softPasskey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	rand.Read(id)
	return &softPasskey{t: t, key: key, id: id, origin: origin}
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// credential returns the ID as it's stored.
func (k *softPasskey) credential() string { return base64url(k.id) }

// beginning is what the server sends at the beginning.
type beginning struct {
	PublicKey struct {
		Challenge          string
		RPID               string
		RP                 struct{ ID string }
		User               struct{ ID, Name, DisplayName string }
		ExcludeCredentials []struct{ ID string }
		AllowCredentials   []struct{ ID string }
	}
	State string
}

// respond returns what a browser sends at the end, with more fields of the page.
func (k *softPasskey) respond(o beginning, more map[string]string) map[string]any {
	k.t.Helper()
	kind, flags := "webauthn.get", byte(verifiedFlags)
	if o.PublicKey.User.ID != "" {
		kind, flags, k.handle = "webauthn.create", verifiedFlags|attestedFlag, o.PublicKey.User.ID
	}
	client, err := json.Marshal(map[string]any{"type": kind, "challenge": o.PublicKey.Challenge, "origin": k.origin})
	if err != nil {
		k.t.Fatal(err)
	}
	host := sha256.Sum256([]byte(o.PublicKey.RPID + o.PublicKey.RP.ID))
	k.count++
	data := binary.BigEndian.AppendUint32(append(host[:], flags), k.count)
	response := map[string]any{"clientDataJSON": base64url(client)}
	if kind == "webauthn.create" {
		response["attestationObject"] = base64url(k.attestation(data))
		response["transports"] = []string{"internal"}
	} else {
		sum := sha256.Sum256(client)
		digest := sha256.Sum256(append(bytes.Clone(data), sum[:]...))
		signature, err := ecdsa.SignASN1(rand.Reader, k.key, digest[:])
		if err != nil {
			k.t.Fatal(err)
		}
		response["authenticatorData"], response["signature"] = base64url(data), base64url(signature)
		response["userHandle"] = k.handle
	}
	body := map[string]any{"id": k.credential(), "rawId": k.credential(), "type": "public-key", "response": response,
		"state": o.State}
	for name, value := range more {
		body[name] = value
	}
	return body
}

func (k *softPasskey) attestation(data []byte) []byte {
	k.t.Helper()
	point, err := k.key.PublicKey.Bytes()
	if err != nil {
		k.t.Fatal(err)
	}
	data = append(data, make([]byte, 16)...) // no model
	data = binary.BigEndian.AppendUint16(data, uint16(len(k.id)))
	data = append(append(data, k.id...), k.cbor(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})...)
	return k.cbor(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
}

func (k *softPasskey) cbor(value any) []byte {
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

// json posts a value as the script does.
func (b *browser) json(path string, value any) answer {
	b.f.t.Helper()
	body, err := json.Marshal(value)
	if err != nil {
		b.f.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(b.f.t.Context(), "POST", b.f.server.site.path(path), bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	before := b.header.Get("Accept")
	b.header.Set("Accept", "application/json")
	defer b.header.Set("Accept", before)
	return b.send(r)
}

// begin asks for the options of a passkey.
func (b *browser) begin(path string) (o beginning) {
	b.f.t.Helper()
	a := b.json(path, struct{}{})
	wantStatus(b.f.t, "POST "+path, a, 200)
	if err := json.Unmarshal([]byte(a.body), &o); err != nil || o.State == "" || o.PublicKey.Challenge == "" {
		b.f.t.Fatalf("POST %s = %s, %v, want options and a state", path, a.body, err)
	}
	return o
}

// The addresses of the three ceremonies.
const (
	registerPath = "/settings/sign-in/passkey"
	passkeyPath  = "/login/passkey"
	stepUpPath   = "/prove/passkey"
)

// register adds a passkey to the account of b.
func (b *browser) register(k *softPasskey, label string) answer {
	b.f.t.Helper()
	return b.json(registerPath+"/finish", k.respond(b.begin(registerPath+"/begin"), map[string]string{"label": label}))
}

// loginWith signs in with a passkey.
func (b *browser) loginWith(k *softPasskey) answer {
	b.f.t.Helper()
	return b.json(passkeyPath, k.respond(b.begin(passkeyPath+"/begin"), map[string]string{"next": "/settings"}))
}
