package accounts

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

const (
	saltLength = 16
	keyLength  = 32
)

// Limits of imported hashes. A single login must not exhaust the memory or take seconds: the costliest accepted hash
// takes 128 MiB and about half a second. The next login replaces it by a standard one.
const (
	maxMemory  = 128 * 1024 // KiB
	maxTime    = 16         // passes
	maxWork    = 4 * maxMemory
	maxThreads = 16
	minPart    = 8 // bytes of salt; of key: twice that
	maxPart    = 64
	maxPHC     = 256 // bytes of the whole text
)

// argonParams are the costs of an argon2id hash.
type argonParams struct {
	memory  uint32 // KiB
	time    uint32 // passes over it
	threads uint8
}

// work is proportional to the time that a hash takes.
func (p argonParams) work() int { return int(p.memory) * int(p.time) }

var (
	standardParams = argonParams{memory: 19456, time: 2, threads: 1}
	cheapParams    = argonParams{memory: 8, time: 1, threads: 1}
)

// phc is a password hash, parsed from its text ($argon2id$v=19$m=…,t=…,p=…$salt$key).
type phc struct {
	params    argonParams
	salt, key []byte
}

// newPHC hashes password with a fresh salt.
func newPHC(password string, params argonParams) phc {
	h := phc{params: params, salt: make([]byte, saltLength)}
	rand.Read(h.salt) // never fails: the runtime ends the process first
	h.key = h.derive(password, keyLength)
	return h
}

func (h phc) derive(password string, length int) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.params.time, h.params.memory, h.params.threads, uint32(length))
}

// matches takes the same time for right and wrong passwords.
func (h phc) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.derive(password, len(h.key)), h.key) == 1
}

// outdated reports whether h has other parameters than a new hash.
func (h phc) outdated(params argonParams) bool {
	return h.params != params || len(h.salt) != saltLength || len(h.key) != keyLength
}

func (h phc) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.params.memory, h.params.time, h.params.threads, b64(h.salt), b64(h.key))
}

var (
	errNotArgon = errors.New("not an argon2id hash in PHC form ($argon2id$v=19$m=…,t=…,p=…$…$…)")
	errCostly   = errors.New("argon2id costs out of bounds (at most m=131072, t=16, p=16, m·t=524288; at least m=8·p)")
)

// parsePHC reads the text of a hash, including those of other systems within the limits.
func parsePHC(s string) (phc, error) {
	if len(s) > maxPHC || strings.ContainsAny(s, "\r\n") { // base64 would skip them
		return phc{}, errNotArgon
	}
	f := strings.Split(s, "$")
	if len(f) != 6 || f[0] != "" || f[1] != "argon2id" || f[2] != "v=19" {
		return phc{}, errNotArgon
	}
	params, err := parseParams(f[3])
	if err != nil {
		return phc{}, err
	}
	h := phc{params: params}
	strict := base64.RawStdEncoding.Strict()
	var errSalt, errKey error
	h.salt, errSalt = strict.DecodeString(f[4])
	h.key, errKey = strict.DecodeString(f[5])
	if errSalt != nil || errKey != nil || len(h.salt) < minPart || len(h.salt) > maxPart ||
		len(h.key) < 2*minPart || len(h.key) > maxPart {
		return phc{}, errNotArgon
	}
	return h, nil
}

// parseParams reads "m=…,t=…,p=…", in that order.
func parseParams(s string) (argonParams, error) {
	var n [3]uint64
	parts := strings.Split(s, ",")
	if len(parts) != len(n) {
		return argonParams{}, errNotArgon
	}
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(parts[i], name)
		v, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || strconv.FormatUint(v, 10) != digits {
			return argonParams{}, errNotArgon
		}
		n[i] = v
	}
	m, t, p := n[0], n[1], n[2]
	if t < 1 || t > maxTime || p < 1 || p > maxThreads || m < 8*p || m > maxMemory || m*t > maxWork {
		return argonParams{}, errCostly
	}
	return argonParams{memory: uint32(m), time: uint32(t), threads: uint8(p)}, nil
}
