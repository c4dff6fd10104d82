package accounts

import (
	"bufio"
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The cost of a failed login must not reveal whether the name exists: it's one hash, in the same queue, whatever is
// wrong.
func TestAuthenticateCostsTheSame(t *testing.T) {
	s := open(t, Config{})
	add(t, s, "ada", "", "")
	off := add(t, s, "off", "", "")
	do(t, "SetDisabled", s.SetDisabled(t.Context(), off.ID, true))
	for _, c := range []struct {
		name, username, password string
		want                     error
	}{
		{"wrong password", "ada", "not the password", ErrCredentials},
		{"unknown name", "nobody", secret, ErrCredentials},
		{"impossible name", "no body!", secret, ErrCredentials},
		{"endless name", strings.Repeat("x", 1<<20), secret, ErrCredentials},
		{"disabled, right password", "off", secret, ErrDisabled},
		{"disabled, wrong password", "off", "not the password", ErrCredentials},
		{"short password", "ada", "x", ErrCredentials},
	} {
		before := s.hash.ops.Load()
		_, err := s.Authenticate(t.Context(), c.username, c.password)
		wantErr(t, "Authenticate with "+c.name, err, c.want)
		if n := s.hash.ops.Load() - before; n != 1 {
			t.Errorf("Authenticate with %s cost %d hashes, want 1", c.name, n)
		}
	}
	for _, password := range []string{"", strings.Repeat("x", MaxPassword+1)} {
		for _, username := range []string{"ada", "nobody"} {
			before := s.hash.ops.Load()
			_, err := s.Authenticate(t.Context(), username, password)
			wantErr(t, "Authenticate with an impossible password", err, ErrCredentials)
			if n := s.hash.ops.Load() - before; n != 0 {
				t.Errorf("Authenticate(%s, %d bytes) cost %d hashes, want 0", username, len(password), n)
			}
		}
	}
	if h := s.hash.dummy; h.params != s.hash.params || h.outdated(s.hash.params) {
		t.Errorf("the dummy hash has parameters %+v, want those of real ones, %+v", h.params, s.hash.params)
	}
}

// With all workers busy, unknown names wait as long as known ones.
func TestAuthenticateBusy(t *testing.T) {
	s := open(t, Config{HashWorkers: 1})
	add(t, s, "ada", "", "")
	s.hash.slots <- struct{}{} // the only worker is busy
	start := time.Now()
	var wg sync.WaitGroup
	for _, username := range []string{"ada", "nobody"} {
		wg.Go(func() {
			_, err := s.Authenticate(t.Context(), username, secret)
			wantErr(t, "Authenticate("+username+") with all workers busy", err, ErrBusy)
		})
	}
	wg.Wait()
	if waited := time.Since(start); waited < hashWait {
		t.Errorf("ErrBusy came after %v, want %v", waited, hashWait)
	}
	<-s.hash.slots
	if _, err := s.Authenticate(t.Context(), "ada", secret); err != nil {
		t.Errorf("Authenticate after the flood = %v, want no error", err)
	}
}

func TestHasherWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(2, cheapParams)
		for range 2 {
			do(t, "enter", h.enter(t.Context(), hashWait))
		}
		start := time.Now()
		wantErr(t, "enter", h.enter(t.Context(), hashWait), ErrBusy)
		if waited := time.Since(start); waited != hashWait {
			t.Errorf("ErrBusy came after %v, want %v", waited, hashWait)
		}
		go func() {
			time.Sleep(hashWait - time.Millisecond)
			h.leave()
		}()
		do(t, "enter before the wait is over", h.enter(t.Context(), hashWait))
	})
}

// The next login replaces a hash with other parameters by a standard one, without a new rev.
func TestAuthenticateRenews(t *testing.T) { onEach(t, testAuthenticateRenews) }

func testAuthenticateRenews(t *testing.T, db database) {
	for _, stored := range []phc{
		newPHC(secret, argonParams{memory: 64, time: 3, threads: 2}),
		{params: cheapParams, salt: make([]byte, 8)},
	} {
		s := db.open(t, Config{})
		if stored.key == nil {
			stored.key = stored.derive(secret, 16)
		}
		u, err := s.Create(t.Context(), NewUser{Username: "ada", PasswordHash: stored.String()})
		do(t, "Create", err)
		rev := mustRev(t, s)
		for i, want := range []int64{2, 1} { // the login and the new hash, then only the login
			before := s.hash.ops.Load()
			if _, err := s.Authenticate(t.Context(), "ada", secret); err != nil {
				t.Errorf("login %d = %v, want no error", i+1, err)
			}
			if n := s.hash.ops.Load() - before; n != want {
				t.Errorf("login %d cost %d hashes, want %d", i+1, n, want)
			}
		}
		encoded := storedHash(t, s, u.ID)
		if h, err := parsePHC(encoded); err != nil || h.outdated(cheapParams) {
			t.Errorf("stored hash = %s, %v, want the current parameters", encoded, err)
		}
		if got, err := s.UserByID(t.Context(), u.ID); err != nil || got.Rev != u.Rev || mustRev(t, s) != rev {
			t.Errorf("rev after a renewal = %d, %v, want %d", got.Rev, err, rev)
		}
		s.renew(t.Context(), u.ID, stored.String(), "late") // as if a login overlapped a change of the password
		if now := storedHash(t, s, u.ID); now != encoded {
			t.Errorf("a renewal of an older hash overwrote the newer one")
		}
	}
}

// storedHash returns the stored hash of a user's password.
func storedHash(t *testing.T, s *Store, userID string) (encoded string) {
	t.Helper()
	_, err := readUser(t.Context(), s.r, sqlLoginByID, []any{userID}, &encoded)
	do(t, "readUser", err)
	return encoded
}

func TestStandardParams(t *testing.T) {
	s := open(t, Config{params: standardParams})
	encoded := storedHash(t, s, add(t, s, "ada", "", "").ID)
	if want := "$argon2id$v=19$m=19456,t=2,p=1$"; !strings.HasPrefix(encoded, want) {
		t.Errorf("stored hash = %s, want %s…", encoded, want)
	}
	if _, err := s.Authenticate(t.Context(), "ada", secret); err != nil {
		t.Errorf("Authenticate = %v, want no error", err)
	}
}

func TestCommonPasswords(t *testing.T) {
	if err := Ready(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("generated/common-passwords.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for sc := bufio.NewScanner(f); sc.Scan(); n++ {
		for _, p := range []string{sc.Text(), strings.ToUpper(sc.Text())} {
			wantField(t, "checkPassword("+p+")", checkPassword("ada", p), "password")
		}
	}
	if n != 3000 {
		t.Errorf("%d common passwords, want 3000", n)
	}
	for _, p := range []string{"password\n12345678", "\npassword\n", "password ", secret} {
		if err := checkPassword("ada", p); err != nil {
			t.Errorf("checkPassword(%q) = %v, want no error", p, err)
		}
	}
}

// TestPasswordLength: the minimum length counts characters (runes) in any script, not bytes.
func TestPasswordLength(t *testing.T) {
	for password, ok := range map[string]bool{
		"зимаsea": false, "зимнееее": true, "zimnee7": false, "👋👋👋👋👋👋👋": false,
		strings.Repeat("я", MaxPassword/2): true, strings.Repeat("я", MaxPassword/2) + "a": false,
	} {
		if err := checkPassword("ada", password); (err == nil) != ok {
			t.Errorf("checkPassword(%q) = %v, want accepted: %t", password, err, ok)
		}
	}
}

func TestParsePHC(t *testing.T) {
	ones := bytes.Repeat([]byte{0xff}, 32) // cutting off its last base64 letter leaves stray bits
	good := phc{params: cheapParams, salt: ones[:16], key: ones}.String()
	for _, s := range []string{
		good, newPHC(secret, cheapParams).String(),
		"$argon2id$v=19$m=102400,t=2,p=8$c29tZXNhbHQ$RdescudvJCsgt3ub+b2dWRWJTmaaJObGRdescudvJCs", // Django's and PHP's costs
		"$argon2id$v=19$m=65536,t=4,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b2dWRWJTmaaJObGRdescudvJCs",
	} {
		if h, err := parsePHC(s); err != nil || h.String() != s {
			t.Errorf("parsePHC(%s) = %v, %v, want it back", s, h, err)
		}
	}
	for _, s := range []string{
		"", "$", "$$$$$", strings.Repeat("$", 1000), good + "x$", " " + good, good[:len(good)-1],
		strings.Replace(good, "argon2id", "argon2i", 1),
		strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=8", "m=7", 1),
		strings.Replace(good, "m=8", "m=08", 1),
		strings.Replace(good, "m=8", "m=+8", 1),
		strings.Replace(good, "m=8", "m=131073", 1),
		strings.Replace(good, "m=8", "m=4294967304", 1), // 8 in 32 bits
		strings.Replace(good, "t=1", "t=0", 1),
		strings.Replace(good, "t=1", "t=17", 1),
		strings.Replace(good, "m=8,t=1", "m=131072,t=5", 1),
		strings.Replace(good, "p=1", "p=0", 1),
		strings.Replace(good, "p=1", "p=257", 1), // 1 in 8 bits
		strings.Replace(good, "m=8,t=1,p=1", "t=1,m=8,p=1", 1),
		strings.Replace(good, "p=1", "p=1,data=x", 1),
		"$argon2id$v=19$m=8,t=1,p=1$c2Fsd\nHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA",
		"$argon2id$v=19$m=8,t=1,p=1$c2FsdA$c2FsdHNhbHRzYWx0c2FsdA", // 4 bytes of salt
		"$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$c2FsdA",
	} {
		if h, err := parsePHC(s); err == nil {
			t.Errorf("parsePHC(%s) = %+v, want an error", s, h)
		}
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add(newPHC(secret, cheapParams).String())
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b2dWRWJTmaaJObGRdescudvJCs")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parsePHC(s)
		if err != nil {
			return
		}
		p := h.params
		if p.memory > maxMemory || p.time < 1 || p.time > maxTime || p.threads < 1 || p.memory < 8*uint32(p.threads) {
			t.Errorf("parsePHC(%q) = %+v, out of bounds", s, p)
		}
		if h.String() != s {
			t.Errorf("parsePHC(%q).String() = %q, want it back", s, h)
		}
	})
}
