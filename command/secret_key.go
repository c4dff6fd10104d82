package command

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"rollcall/accounts"
	"rollcall/handlers"
	"rollcall/identity"
)

// secretKeyVariable is the operator's key, which seals the secrets of authenticator apps. It's never in the database.
const secretKeyVariable = "ROLLCALL_SECRET_KEY"

// secretKey returns the keyring in the variable, or nil if it isn't set.
func (env environment) secretKey() (*identity.Keyring, error) {
	text, err := env.secret(secretKeyVariable)
	if err != nil || text == "" {
		return nil, err
	}
	keys, err := identity.ParseKeyring(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w: make a key with openssl rand -base64 32", secretKeyVariable, err)
	}
	return keys, nil
}

// keyFile returns the path of the file that holds the key of a database file, for servers without the variable.
func keyFile(db string) string { return db + ".key" }

// secretKeys returns where the server gets the operator's key from: the variable, or a file beside the database. It
// returns nil with Postgres and without the variable, because replicas can't share a file.
func (s *storage) secretKeys() handlers.SecretKeys {
	switch {
	case s.SecretKey != nil:
		return func(bool) (*identity.Keyring, error) { return s.SecretKey, nil }
	case s.DatabaseURL != "":
		return nil
	}
	return (&fileKey{path: keyFile(s.DB)}).get
}

// fileKey is a key in a file. It's made when the first authenticator app is set up, so that only boards which need it
// have one.
type fileKey struct {
	path string
	mu   sync.Mutex
	keys *identity.Keyring // protected by mu; nil: not read yet
}

// get returns the key, or nil if there's none and create is false.
func (k *fileKey) get(create bool) (*identity.Keyring, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys != nil {
		return k.keys, nil
	}
	keys, err := readKey(k.path)
	if keys == nil && err == nil && create {
		if err = makeKey(k.path); err == nil || errors.Is(err, fs.ErrExist) { // another process was faster
			keys, err = readKey(k.path)
		}
	}
	k.keys = keys
	return keys, err
}

// readKey reads a key file. It returns nil if there's none.
func readKey(path string) (*identity.Keyring, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	keys, err := identity.ParseKeyring(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("secret key: %s: %w", path, err)
	}
	return keys, nil
}

// makeKey makes a key file that only its owner can read. It never replaces a file.
func makeKey(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("secret key: %w", err)
	}
	key := make([]byte, identity.KeySize)
	rand.Read(key) // never fails
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("secret key: %w", err), os.Remove(path))
	}
	return nil
}

// openKeys returns the keyring that seals what browsers keep during a sign-in. Replicas must share it. It's the
// operator's key, or else a random value in the database: whoever reads that gains nothing by forging such values.
func openKeys(ctx context.Context, a *app) (*identity.Keyring, error) {
	if a.settings.SecretKey != nil {
		return a.settings.SecretKey, nil
	}
	text, err := a.store.SharedSecret(accounts.As(ctx, accounts.System))
	if err != nil {
		return nil, err
	}
	key, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("shared secret: %w", err)
	}
	return identity.NewKeyring(key)
}

// lostApps returns how many authenticator apps were set up with each key that isn't there, by the ID of the key. path
// is that of a database file, as this process reaches it; it's ignored with Postgres.
func (s *storage) lostApps(ctx context.Context, path string) (map[string]int, error) {
	at := *s
	at.DB = path
	counts, err := accounts.PeekTOTPKeys(ctx, at.accounts(nil))
	if err != nil {
		return nil, err
	}
	keys := s.SecretKey
	if keys == nil && s.DatabaseURL == "" {
		if keys, err = readKey(keyFile(path)); err != nil {
			return nil, err
		}
	}
	for id := range counts {
		if keys != nil && keys.Has(id) {
			delete(counts, id)
		}
	}
	return counts, nil
}

// lostApp says what a missing key means.
func lostApp(id string, n int) string {
	return fmt.Sprintf("the secret key %s of %s is missing: set it with %s, or put the file DATABASE.key back. "+
		"Until then, these people can sign in with a recovery code only", id, count(n, "authenticator app"), secretKeyVariable)
}

// checkSecretKey prints where the key comes from, and warns of authenticator apps whose key is missing.
func checkSecretKey(ctx context.Context, c *doctorCmd, f *findings, exists bool) {
	where, lost := "made with the first authenticator app", map[string]int{}
	err := c.asOwner(func(path string) (err error) {
		if _, err := os.Stat(keyFile(path)); err == nil {
			where = keyFile(c.DB)
		}
		if exists {
			lost, err = c.lostApps(ctx, path)
		}
		return err
	})
	switch {
	case c.SecretKey != nil:
		where = fmt.Sprintf("%s, %s", secretKeyVariable, c.SecretKey)
	case c.DatabaseURL != "":
		where = "not set: nobody can set up an authenticator app"
	}
	f.line("secret key", "%s", where)
	if err != nil {
		f.problem(err)
	}
	for _, id := range slices.Sorted(maps.Keys(lost)) {
		f.warn("%s", lostApp(id, lost[id]))
	}
}

// warnOfLostApps prints which keys the restored accounts need.
func (c *restoreCmd) warnOfLostApps(ctx context.Context, con *console) error {
	lost, err := c.lostApps(ctx, c.DB)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(lost)) {
		text := lostApp(id, lost[id])
		fmt.Fprintln(con.stdout, strings.ToUpper(text[:1])+text[1:]+".")
	}
	return nil
}
