package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Errors of sealed values.
var (
	ErrSealed  = errors.New("identity: sealed value isn't authentic") // forged, changed, or for another purpose or owner
	ErrNoKey   = errors.New("identity: no key for sealed value")      // sealed by a key that isn't in the keyring
	ErrExpired = errors.New("identity: sealed value has expired")     // authentic, but too late
	ErrTooLong = errors.New("identity: value is too long to be sealed")
)

const (
	KeySize  = 32   // bytes of a secret key
	MaxPlain = 2800 // bytes that can be sealed; the sealed text, at most 3,780 bytes, fits in a cookie

	keyIDLength = 8  // hexadecimal digits
	overhead    = 28 // bytes of the nonce and the tag of AES-GCM
	stampSize   = 8  // bytes of the expiry in front of a value with one
	maxSealed   = keyIDLength + 1 + ((MaxPlain+overhead)*8+5)/6
)

// Keyring seals values that Rollcall hands out or stores, so that only Rollcall can read or make them. It uses
// AES-256-GCM (NIST SP 800-38D) with a subkey for each purpose, derived by HKDF-SHA256 (RFC 5869). Nonces are random,
// so a key is good for 2^32 values per purpose. A Keyring never changes, so it's safe for concurrent use.
//
// A sealed value is the ID of its key, a dot, and base64url without padding.
type Keyring struct {
	keys []secretKey // the first one seals
}

type secretKey struct {
	id     string
	secret []byte
}

// ParseKeyring reads keys in the format of ROLLCALL_SECRET_KEY: 32 bytes in base64, or several such keys with commas
// between them. The first key seals, and all keys open. Errors don't reveal the keys.
func ParseKeyring(text string) (*Keyring, error) {
	var keys [][]byte
	for item := range strings.SplitSeq(text, ",") {
		item = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimSpace(item))
		key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(item, "="))
		if err != nil {
			return nil, fmt.Errorf("secret key %d isn't base64", len(keys)+1)
		}
		keys = append(keys, key)
	}
	return NewKeyring(keys...)
}

// NewKeyring returns a keyring of keys with 32 random bytes each. The first key seals, and all keys open.
func NewKeyring(keys ...[]byte) (*Keyring, error) {
	k := &Keyring{}
	for i, key := range keys {
		if len(key) != KeySize {
			return nil, fmt.Errorf("secret key %d has %d bytes, want %d", i+1, len(key), KeySize)
		}
		sum := sha256.Sum256(key)
		id := hex.EncodeToString(sum[:])[:keyIDLength]
		if k.Has(id) {
			return nil, fmt.Errorf("secret key %d is given twice", i+1)
		}
		k.keys = append(k.keys, secretKey{id: id, secret: append([]byte(nil), key...)})
	}
	if len(k.keys) == 0 {
		return nil, errors.New("no secret key is given")
	}
	return k, nil
}

// KeyID returns the ID of the key that seals: the first 8 hexadecimal digits of its SHA-256.
func (k *Keyring) KeyID() string { return k.keys[0].id }

// Has reports whether the keyring opens what the key with this ID has sealed.
func (k *Keyring) Has(id string) bool { return k.find(id) != nil }

// String returns the IDs of the keys, so that logs don't show the keys themselves.
func (k *Keyring) String() string {
	ids := make([]string, len(k.keys))
	for i, key := range k.keys {
		ids[i] = key.id
	}
	return "keys " + strings.Join(ids, ",")
}

// GoString is String for the verb %#v.
func (k *Keyring) GoString() string { return k.String() }

func (k *Keyring) find(id string) []byte {
	for _, key := range k.keys {
		if key.id == id {
			return key.secret
		}
	}
	return nil
}

// Seal encrypts plain. Only Open with the same purpose and the same aad returns it. aad names what the value belongs
// to, such as "totp:" and a user ID, so that a value doesn't open elsewhere. Seal panics if plain is longer than
// MaxPlain.
func (k *Keyring) Seal(purpose, aad string, plain []byte) string {
	return k.seal("seal:"+purpose, aad, plain)
}

// Open returns what Seal encrypted. Its errors are ErrNoKey and ErrSealed.
func (k *Keyring) Open(purpose, aad, sealed string) ([]byte, error) {
	return k.open("seal:"+purpose, aad, sealed)
}

// SealUntil seals a value as JSON, with the time at which it expires, to the millisecond. It returns ErrTooLong if the
// JSON is longer than MaxPlain minus 8 bytes.
func (k *Keyring) SealUntil(expires time.Time, purpose, aad string, value any) (string, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("seal a value: %w", err)
	}
	if len(data) > MaxPlain-stampSize {
		return "", ErrTooLong
	}
	plain := binary.BigEndian.AppendUint64(nil, uint64(expires.UnixMilli()))
	return k.seal("until:"+purpose, aad, append(plain, data...)), nil
}

// OpenUntil reads what SealUntil sealed into value, a pointer. Its errors are ErrNoKey, ErrSealed, and, at or after the
// time at which the value expires, ErrExpired. After an error, value is unchanged or partly written.
func (k *Keyring) OpenUntil(now time.Time, purpose, aad, sealed string, value any) error {
	plain, err := k.open("until:"+purpose, aad, sealed)
	if err != nil {
		return err
	}
	if len(plain) < stampSize {
		return ErrSealed
	}
	if now.UnixMilli() >= int64(binary.BigEndian.Uint64(plain)) {
		return ErrExpired
	}
	if err := json.Unmarshal(plain[stampSize:], value); err != nil {
		return fmt.Errorf("%w: %w", ErrSealed, err) // sealed by a version with other fields
	}
	return nil
}

func (k *Keyring) seal(info, aad string, plain []byte) string {
	if len(plain) > MaxPlain {
		panic("identity: value is too long to be sealed")
	}
	key := k.keys[0]
	return key.id + "." + base64.RawURLEncoding.EncodeToString(gcm(key.secret, info).Seal(nil, nil, plain, []byte(aad)))
}

func (k *Keyring) open(info, aad, sealed string) ([]byte, error) {
	if len(sealed) > maxSealed {
		return nil, ErrSealed
	}
	id, text, found := strings.Cut(sealed, ".")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	// The decoder ignores line breaks and unused bits. Each value must have only one sealed text.
	if err != nil || !found || base64.RawURLEncoding.EncodeToString(raw) != text || !isKeyID(id) {
		return nil, ErrSealed
	}
	secret := k.find(id)
	if secret == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoKey, id)
	}
	plain, err := gcm(secret, info).Open(nil, nil, raw, []byte(aad))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func isKeyID(text string) bool {
	return len(text) == keyIDLength && strings.Trim(text, "0123456789abcdef") == ""
}

// gcm returns AES-256-GCM with random nonces under the subkey for info.
func gcm(secret []byte, info string) cipher.AEAD {
	key, err := hkdf.Key(sha256.New, secret, nil, "rollcall:"+info, KeySize)
	if err != nil {
		panic(err) // only for subkeys longer than 8,160 bytes
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // only for other key sizes
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // only for ciphers other than AES
	}
	return aead
}
