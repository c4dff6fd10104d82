package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rollcall/accounts"
	"rollcall/identity"
)

// A key file is made once, by whoever is first, and only its owner can read it. Damaged files are never replaced.
func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "board.db.key")
	if keys, err := (&fileKey{path: path}).get(false); keys != nil || err != nil {
		t.Errorf("get(false) without a file = %v, %v, want none", keys, err)
	}
	ids := make([]string, 4)
	var all sync.WaitGroup
	one := &fileKey{path: path}
	for i := range ids {
		all.Go(func() {
			keys, err := one.get(true)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = keys.KeyID()
		})
	}
	all.Wait()
	again, err := (&fileKey{path: path}).get(true)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if id != again.KeyID() {
			t.Errorf("the keys are %q and later %q, want the same one", ids, again.KeyID())
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v, %v, want 0600", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if keys, err := (&fileKey{path: path}).get(true); keys != nil || err == nil || strings.Contains(err.Error(), "damaged") {
		t.Errorf("get(true) of a damaged file = %v, %v, want an error without its content", keys, err)
	}
	if text, _ := os.ReadFile(path); string(text) != "damaged" {
		t.Errorf("the damaged file now holds %q", text)
	}
}

// Without a key of the operator, replicas on one database seal with the same key, and a server on Postgres has none for
// authenticator apps.
func TestSecretKeys(t *testing.T) {
	place := filepath.Join(t.TempDir(), "board.db")
	var seals []string
	var rings []*identity.Keyring
	for range 2 {
		store, err := accounts.Open(t.Context(), accounts.Config{Path: place})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		keys, err := openKeys(t.Context(), &app{store: store})
		if err != nil {
			t.Fatal(err)
		}
		rings, seals = append(rings, keys), append(seals, keys.Seal("test", "", []byte("x")))
	}
	if plain, err := rings[0].Open("test", "", seals[1]); err != nil || string(plain) != "x" {
		t.Errorf("what one replica sealed opens as %q, %v on another, want x", plain, err)
	}
	if keys := (&storage{DatabaseURL: "postgres://x"}).secretKeys(); keys != nil {
		t.Error("a server on Postgres without a key seals the secrets of apps")
	}
	own := rings[0]
	keys, err := (&storage{DatabaseURL: "postgres://x", SecretKey: own}).secretKeys()(false)
	if err != nil || keys != own {
		t.Errorf("the operator's key = %v, %v, want %v", keys, err, own)
	}
	if keys, err := openKeys(t.Context(), &app{settings: settings{storage: storage{SecretKey: own}}}); err != nil || keys != own {
		t.Errorf("openKeys with the operator's key = %v, %v, want %v", keys, err, own)
	}
}

// The doctor and restore count authenticator apps whose key is missing, by key.
func TestLostApps(t *testing.T) {
	place := filepath.Join(t.TempDir(), "board.db")
	store, err := accounts.Open(t.Context(), accounts.Config{Path: place, Actor: accounts.CommandLine})
	if err != nil {
		t.Fatal(err)
	}
	here, err := (&fileKey{path: keyFile(place)}).get(true)
	if err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]string{"ada": "0000aaaa", "bob": "0000aaaa", "eve": here.KeyID()} {
		u, err := store.Create(t.Context(), accounts.NewUser{Username: name, Password: "correct horse battery"})
		if err == nil {
			err = store.AddTOTP(t.Context(), u.ID, accounts.TOTP{Sealed: "x", KeyID: id}, 1, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	f := &findings{out: &out}
	c := &doctorCmd{settings: settings{storage: storage{DB: place, DbConns: 2}}}
	checkSecretKey(t.Context(), c, f, true)
	if len(f.problems) > 0 || len(f.warnings) != 1 || !strings.Contains(f.warnings[0], "the secret key 0000aaaa of 2 authenticator apps is missing") {
		t.Errorf("the doctor warns of %q and %q, want of two apps with one key", f.warnings, f.problems)
	}
	var said bytes.Buffer
	r := &restoreCmd{storage: storage{DB: place, DbConns: 2}}
	if err := r.warnOfLostApps(t.Context(), &console{stdout: &said}); err != nil || !strings.HasPrefix(said.String(), "The secret key 0000aaaa of 2 authenticator apps is missing") {
		t.Errorf("restore says %q, %v, want the same", said.String(), err)
	}
}
