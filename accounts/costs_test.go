package accounts

import (
	"fmt"
	"slices"
	"testing"
)

// A failed sign-in computes the same hashes for every name: an unknown one, one with a standard hash, and one with an
// imported hash that costs more.
func TestFailuresCostTheSame(t *testing.T) { onEach(t, testFailuresCostTheSame) }

func testFailuresCostTheSame(t *testing.T, db database) {
	s := db.open(t, Config{})
	add(t, s, "ada", "", "")
	costly := argonParams{memory: 64, time: 3, threads: 2}
	imported, err := s.Create(t.Context(), NewUser{Username: "eve", PasswordHash: newPHC(secret, costly).String()})
	do(t, "Create", err)
	off, err := s.Create(t.Context(), NewUser{Username: "off", PasswordHash: newPHC(secret, costly).String()})
	do(t, "Create", err)
	do(t, "SetDisabled", s.SetDisabled(t.Context(), off.ID, true))
	var computed []argonParams
	s.hash.count = func(p argonParams) { computed = append(computed, p) }
	work := func(username, password string) string {
		computed = nil
		_, err := s.Authenticate(t.Context(), username, password)
		wantErr(t, "Authenticate("+username+")", err, ErrCredentials)
		slices.SortFunc(computed, func(a, b argonParams) int { return a.work() - b.work() })
		return fmt.Sprint(computed)
	}
	want := fmt.Sprint([]argonParams{cheapParams, costly})
	for _, c := range [][2]string{{"nobody", secret}, {"no body!", secret}, {"ada", "wrong"}, {"eve", "wrong"},
		{"off", "wrong"}} {
		if got := work(c[0], c[1]); got != want {
			t.Errorf("a failed sign-in as %s computed %s, want %s", c[0], got, want)
		}
	}
	do(t, "SetPassword", s.SetPassword(t.Context(), imported.ID, "another phrase", ""))
	do(t, "Delete", s.Delete(t.Context(), off.ID))
	if got, want := work("nobody", secret), fmt.Sprint([]argonParams{cheapParams}); got != want {
		t.Errorf("with only standard hashes, a failed sign-in computed %s, want %s", got, want)
	}
}

// With many different costs, a failure still costs a bounded number of hashes, including the costliest.
func TestFailuresPayForFewCosts(t *testing.T) {
	s := open(t, Config{})
	for i := range 2 * maxCosts {
		hash := newPHC(secret, argonParams{memory: 16, time: uint32(i + 2), threads: 1}).String()
		_, err := s.Create(t.Context(), NewUser{Username: fmt.Sprint("user", i), PasswordHash: hash})
		do(t, "Create", err)
	}
	costs, err := s.hashCosts(t.Context())
	if err != nil || len(costs) != maxCosts || costs[0].time != 2*maxCosts+1 {
		t.Errorf("hashCosts = %v, %v, want the %d highest", costs, err, maxCosts)
	}
	for _, username := range []string{"nobody", "user0", fmt.Sprint("user", 2*maxCosts-1)} {
		before := s.hash.ops.Load()
		_, err := s.Authenticate(t.Context(), username, "wrong")
		wantErr(t, "Authenticate", err, ErrCredentials)
		if n := s.hash.ops.Load() - before; n != maxCosts {
			t.Errorf("a failed sign-in as %s cost %d hashes, want %d", username, n, maxCosts)
		}
	}
}

// The index of costs leaves out exactly the standard ones.
func TestUsualCosts(t *testing.T) {
	p := standardParams
	if want := fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$", p.memory, p.time, p.threads); usual != want {
		t.Errorf("usual = %s, want %s: another standard needs a migration", usual, want)
	}
}
