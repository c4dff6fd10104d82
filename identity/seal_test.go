package identity

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// testKey returns a key of equal bytes, and its base64.
func testKey(b byte) (key []byte, text string) {
	key = bytes.Repeat([]byte{b}, KeySize)
	return key, base64.StdEncoding.EncodeToString(key)
}

func newKeyring(t *testing.T, keys ...byte) *Keyring {
	t.Helper()
	var raw [][]byte
	for _, b := range keys {
		key, _ := testKey(b)
		raw = append(raw, key)
	}
	k, err := NewKeyring(raw...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealOpens(t *testing.T) {
	k := newKeyring(t, 1)
	for _, plain := range []string{"", "x", strings.Repeat("y", MaxPlain)} {
		sealed := k.Seal("totp", "totp:ada", []byte(plain))
		got, err := k.Open("totp", "totp:ada", sealed)
		if err != nil || string(got) != plain {
			t.Errorf("Open(Seal(%d bytes)) = %d bytes, %v, want the same", len(plain), len(got), err)
		}
		if !regexp.MustCompile(`^[0-9a-f]{8}\.[A-Za-z0-9_-]+$`).MatchString(sealed) || len(sealed) > maxSealed {
			t.Errorf("Seal(%d bytes) = %d bytes like %.30s, want a key ID and base64url of at most %d", len(plain),
				len(sealed), sealed, maxSealed)
		}
		if plain == "x" && sealed == k.Seal("totp", "totp:ada", []byte(plain)) {
			t.Error("Seal returned the same text twice, want a new nonce each time")
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Seal of too many bytes returned, want a panic")
		}
	}()
	k.Seal("totp", "totp:ada", make([]byte, MaxPlain+1))
}

// A sealed value opens only for its purpose and its owner, only with its key, and only as it was made.
func TestOpenRefuses(t *testing.T) {
	k := newKeyring(t, 1)
	sealed := k.Seal("flow", "ada", []byte("secret"))
	id, text, _ := strings.Cut(sealed, ".")
	flip := func(i int) string {
		b := []byte(sealed)
		if b[i] == 'A' {
			b[i] = 'B'
		} else {
			b[i] = 'A'
		}
		return string(b)
	}
	for name, tt := range map[string]struct {
		purpose, aad, sealed string
		want                 error
	}{
		"other purpose":       {"totp", "ada", sealed, ErrSealed},
		"other owner":         {"flow", "bob", sealed, ErrSealed},
		"boundary moved":      {"flowa", "da", sealed, ErrSealed},
		"changed nonce":       {"flow", "ada", flip(len(id) + 1), ErrSealed},
		"changed text":        {"flow", "ada", flip(len(id) + 1 + 20), ErrSealed},
		"changed tag":         {"flow", "ada", flip(len(sealed) - 3), ErrSealed},
		"cut":                 {"flow", "ada", sealed[:len(sealed)-4], ErrSealed},
		"line break":          {"flow", "ada", sealed + "\n", ErrSealed},
		"padding":             {"flow", "ada", sealed + "=", ErrSealed},
		"empty":               {"flow", "ada", "", ErrSealed},
		"only a key":          {"flow", "ada", id + ".", ErrSealed},
		"no key":              {"flow", "ada", text, ErrSealed},
		"key in capitals":     {"flow", "ada", strings.ToUpper(id) + "." + text, ErrSealed},
		"key of wrong length": {"flow", "ada", id[1:] + "." + text, ErrSealed},
		"unknown key":         {"flow", "ada", "00000000." + text, ErrNoKey},
		"too long":            {"flow", "ada", "00000000." + strings.Repeat("A", maxSealed), ErrSealed},
	} {
		if got, err := k.Open(tt.purpose, tt.aad, tt.sealed); !errors.Is(err, tt.want) || got != nil {
			t.Errorf("Open(%s) = %q, %v, want %v", name, got, err, tt.want)
		}
	}
	// Another key under the same ID can't happen by accident. A forger would have to name an ID that is known.
	forged := id + strings.TrimPrefix(newKeyring(t, 2).Seal("flow", "ada", []byte("secret")), newKeyring(t, 2).KeyID())
	if _, err := k.Open("flow", "ada", forged); !errors.Is(err, ErrSealed) {
		t.Errorf("Open(a value of another key) = %v, want %v", err, ErrSealed)
	}
}

// The unused bits of the last character can't be changed, so a sealed value has only one text.
func TestSealedTextIsUnique(t *testing.T) {
	k := newKeyring(t, 1)
	sealed := k.Seal("flow", "", []byte("1234")) // 32 bytes: the last of 43 characters has two unused bits
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	opened := 0
	for _, last := range alphabet {
		if _, err := k.Open("flow", "", sealed[:len(sealed)-1]+string(last)); err == nil {
			opened++
		}
	}
	if opened != 1 {
		t.Errorf("%d last characters open, want 1", opened)
	}
}

// Keys are rotated by putting a new one in front.
func TestKeyRotation(t *testing.T) {
	old, both, fresh := newKeyring(t, 1), newKeyring(t, 2, 1), newKeyring(t, 2)
	before, after := old.Seal("totp", "ada", []byte("a")), both.Seal("totp", "ada", []byte("b"))
	if got, err := both.Open("totp", "ada", before); err != nil || string(got) != "a" {
		t.Errorf("Open(a value of the second key) = %q, %v, want a", got, err)
	}
	if got, err := fresh.Open("totp", "ada", after); err != nil || string(got) != "b" {
		t.Errorf("Open(a value of the first key) = %q, %v, want b", got, err)
	}
	if _, err := fresh.Open("totp", "ada", before); !errors.Is(err, ErrNoKey) ||
		!strings.Contains(err.Error(), old.KeyID()) {
		t.Errorf("Open(a value of a removed key) = %v, want %v and the ID %s", err, ErrNoKey, old.KeyID())
	}
	if !both.Has(old.KeyID()) || !both.Has(fresh.KeyID()) || fresh.Has(old.KeyID()) || both.KeyID() != fresh.KeyID() {
		t.Errorf("key IDs are %s, %s, %s, want the first key to seal and both to be known", old, both, fresh)
	}
	if want := "72cd6e84"; old.KeyID() != want { // sha256sum of 32 bytes 0x01
		t.Errorf("KeyID = %s, want %s", old.KeyID(), want)
	}
}

func TestParseKeyring(t *testing.T) {
	key, text := testKey(0xfb) // "+/" in standard base64
	_, second := testKey(2)
	urlSafe := base64.RawURLEncoding.EncodeToString(key)
	if urlSafe+"=" == text {
		t.Fatal("the two alphabets agree on this key, so it tests nothing")
	}
	firstID, secondID := newKeyring(t, 0xfb).KeyID(), newKeyring(t, 2).KeyID()
	for _, good := range []string{text, urlSafe, " " + text + "\n", text + "," + second, urlSafe + " , " + second} {
		k, err := ParseKeyring(good)
		if err != nil || k.KeyID() != firstID || k.Has(secondID) != strings.Contains(good, ",") {
			t.Errorf("ParseKeyring(%q) = %v, %v, want its keys", good, k, err)
		}
	}
	for _, bad := range []string{"", ",", text + ",", "," + text, text[:40], text + text, "secret!", text + ";" + second,
		text + "," + urlSafe} {
		k, err := ParseKeyring(bad)
		if err == nil || strings.Contains(err.Error(), text[:20]) || strings.Contains(err.Error(), "secret!") {
			t.Errorf("ParseKeyring(%q) = %v, %v, want an error that doesn't quote the keys", bad, k, err)
		}
	}
	if _, err := NewKeyring(); err == nil {
		t.Error("NewKeyring() without keys succeeded, want an error")
	}
}

// The keyring copies its keys, and prints only their IDs.
func TestKeyringKeepsItsKeys(t *testing.T) {
	key, _ := testKey(1)
	k, err := NewKeyring(key)
	if err != nil {
		t.Fatal(err)
	}
	sealed := k.Seal("flow", "", []byte("x"))
	key[0] = 9
	if _, err := k.Open("flow", "", sealed); err != nil {
		t.Errorf("Open after the caller reused the slice = %v, want the value", err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got, want := fmt.Sprintf(verb, k), "keys "+k.KeyID(); got != want {
			t.Errorf("Sprintf(%s) = %s, want %s", verb, got, want)
		}
	}
}

func TestSealUntil(t *testing.T) {
	type flow struct{ State, Next string }
	k, now := newKeyring(t, 1), time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	sealed, err := k.SealUntil(now.Add(time.Minute), "flow", "ada", flow{"s", "/next"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		at      time.Duration
		purpose string
		aad     string
		want    error
	}{
		{0, "flow", "ada", nil},
		{time.Minute - time.Millisecond, "flow", "ada", nil},
		{time.Minute, "flow", "ada", ErrExpired},
		{time.Hour, "flow", "ada", ErrExpired},
		{0, "passkey", "ada", ErrSealed},
		{0, "flow", "bob", ErrSealed},
		{time.Hour, "flow", "bob", ErrSealed}, // the expiry of a forgery isn't believed
	} {
		var got flow
		if err := k.OpenUntil(now.Add(tt.at), tt.purpose, tt.aad, sealed, &got); !errors.Is(err, tt.want) ||
			err == nil && got != (flow{"s", "/next"}) || err != nil && got != (flow{}) {
			t.Errorf("OpenUntil(+%s, %s, %s) = %v, %v, want %v", tt.at, tt.purpose, tt.aad, got, err, tt.want)
		}
	}
	// Values with and without an expiry can't be taken for each other.
	if _, err := k.Open("flow", "ada", sealed); !errors.Is(err, ErrSealed) {
		t.Errorf("Open(a value with an expiry) = %v, want %v", err, ErrSealed)
	}
	forever := k.Seal("flow", "ada", []byte("\x7f\xff\xff\xff\xff\xff\xff\xff{}"))
	if err := k.OpenUntil(now, "flow", "ada", forever, &flow{}); !errors.Is(err, ErrSealed) {
		t.Errorf("OpenUntil(a value without an expiry) = %v, want %v", err, ErrSealed)
	}
	if err := k.OpenUntil(now, "flow", "", k.seal("until:flow", "", []byte("short")), &flow{}); !errors.Is(err, ErrSealed) {
		t.Errorf("OpenUntil(a value without a time) = %v, want %v", err, ErrSealed)
	}
	var number int
	if err := k.OpenUntil(now, "flow", "ada", sealed, &number); !errors.Is(err, ErrSealed) {
		t.Errorf("OpenUntil(a value of another type) = %v, want %v", err, ErrSealed)
	}
	for size, want := range map[int]error{MaxPlain - stampSize - 2: nil, MaxPlain - stampSize - 1: ErrTooLong} {
		if _, err := k.SealUntil(now, "flow", "", strings.Repeat("x", size)); !errors.Is(err, want) { // two quotation marks
			t.Errorf("SealUntil(%d characters) = %v, want %v", size, err, want)
		}
	}
	if _, err := k.SealUntil(now, "flow", "", func() {}); err == nil {
		t.Error("SealUntil(a function) succeeded, want an error")
	}
}
