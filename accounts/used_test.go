package accounts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// withTOTP switches on the authenticator app of a user, with two recovery codes.
func withTOTP(tb testing.TB, s *Store, userID string) {
	tb.Helper()
	do(tb, "AddTOTP", s.AddTOTP(tb.Context(), userID, TOTP{Sealed: "sealed", KeyID: "k1"}, 100, []string{"one", "two"}))
}

// newPasskey returns a passkey for the host board.example.
func newPasskey(userID, credential string) Passkey {
	return Passkey{Credential: credential, UserID: userID, RPID: "board.example", PublicKey: "key", SignCount: 7,
		Eligible: true, AAGUID: "model", Transports: "internal", Label: " My  phone "}
}

// dropPassword makes a user one who has no password.
func dropPassword(s *Store, userID string) error {
	return s.write(context.Background(), func(ctx context.Context, t *transaction) error {
		return t.execOnce(ctx, `UPDATE users SET password_hash = '' WHERE id = $1`, []any{userID})
	})
}

func once(secret string) Once { return Once{Secret: secret, ExpiresAt: time.Now().Add(time.Minute)} }

// eightAtOnce runs act eight times at the same moment, on two stores in turn, and fails the test unless one succeeds
// and the others end with want.
func eightAtOnce(t *testing.T, stores []*Store, want error, act func(*Store) error) {
	t.Helper()
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = act(stores[i%len(stores)]) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil && !errors.Is(err, want) {
			t.Fatalf("one of eight = %v, want %v", err, want)
		}
	}
	if n := failures(errs); n != 7 {
		t.Fatalf("%d of 8 were refused, want 7: %v", n, errs)
	}
}

// Whatever proves who somebody is counts once on all replicas: a code, a recovery code, a challenge, and the code that
// switches an app on.
func TestUsedAtOnce(t *testing.T) { onEach(t, testUsedAtOnce) }

func testUsedAtOnce(t *testing.T, db database) {
	place := db.place(t)
	stores := []*Store{openAt(t, place), openAt(t, place)}
	ctx, s := t.Context(), stores[0]
	ada := add(t, s, "ada", "", "")
	eightAtOnce(t, stores, ErrTOTPOn, func(s *Store) error {
		return s.AddTOTP(ctx, ada.ID, TOTP{Sealed: "sealed", KeyID: "k1"}, 100, []string{"one"})
	})
	do(t, "AddPasskey", s.AddPasskey(ctx, newPasskey(ada.ID, "cred"), once("registered")))
	for round := range 10 {
		step, code, challenge := int64(101+round), fmt.Sprint("code", round), once(fmt.Sprint("challenge", db.name, round))
		do(t, "ReplaceRecoveryCodes", s.ReplaceRecoveryCodes(ctx, ada.ID, []string{code, "other"}))
		start := func(used Used, method Method, spends ...Once) func(*Store) error {
			return func(s *Store) error {
				return second3(s.StartSession(ctx, SignIn{UserID: ada.ID, Method: method, Used: used, Spends: spends}))
			}
		}
		eightAtOnce(t, stores, ErrCodeUsed, start(Used{TOTPStep: step}, ByPassword))
		eightAtOnce(t, stores, ErrCodeUsed, start(Used{RecoveryCode: code}, ByPassword))
		eightAtOnce(t, stores, ErrSpent, start(Used{Passkey: &PasskeyUse{Credential: "cred"}}, ByPasskey, challenge))
	}
	_, session, err := s.StartSession(ctx, SignIn{UserID: ada.ID, Used: Used{TOTPStep: 200}})
	do(t, "StartSession", err)
	eightAtOnce(t, stores, ErrCodeUsed, func(s *Store) error {
		return second(s.Prove(ctx, ada.ID, session.ID, Proof{Factors: FactorPasswordAndTOTP, Used: Used{TOTPStep: 201}}))
	})
	eightAtOnce(t, stores, ErrSpent, func(s *Store) error {
		return s.AddPasskey(ctx, newPasskey(ada.ID, "another"), once("same"))
	})
}

// Nobody with an authenticator app gets a session, or a proof, for a password alone.
func TestSecondFactor(t *testing.T) { onEach(t, testSecondFactor) }

func testSecondFactor(t *testing.T, db database) {
	s := db.open(t, Config{})
	ctx := t.Context()
	ada := add(t, s, "ada", "", "")
	_, before := signIn(t, s, ada.ID)
	if before.TwoFactors() {
		t.Errorf("a session with the factors %q has two, want one", before.Factors)
	}
	withTOTP(t, s, ada.ID)
	for _, method := range []Method{"", ByPassword, ByLink} {
		wantErr(t, "StartSession by "+string(method), second3(s.StartSession(ctx, SignIn{UserID: ada.ID, Method: method})), ErrSecondFactor)
	}
	do(t, "StartSession by a provider", second3(s.StartSession(ctx, SignIn{UserID: ada.ID, Method: ByProvider, Factors: "provider"})))
	wantErr(t, "Prove with a password", second(s.Prove(ctx, ada.ID, before.ID, Proof{})), ErrSecondFactor)
	for _, step := range []int64{99, 100} { // before and of the code that switched it on
		wantErr(t, "an old code", second3(s.StartSession(ctx, SignIn{UserID: ada.ID, Used: Used{TOTPStep: step}})), ErrCodeUsed)
	}
	wantErr(t, "a made-up recovery code", second3(s.StartSession(ctx, SignIn{UserID: ada.ID, Used: Used{RecoveryCode: "three"}})), ErrCodeUsed)
	token, err := s.Prove(ctx, ada.ID, before.ID, Proof{Factors: FactorPasswordAndCode, Used: Used{RecoveryCode: "one"}})
	do(t, "Prove with a recovery code", err)
	if x, _, err := s.SessionByToken(ctx, token); err != nil || x.Factors != FactorPasswordAndCode || !x.TwoFactors() {
		t.Errorf("the session afterwards = %+v, %v, want two factors", x, err)
	}
	if w, err := s.OwnWays(ctx, ada.ID); err != nil || w.CodesLeft != 1 || w.TOTP == nil || w.TOTP.Sealed != "sealed" || !w.Password {
		t.Errorf("OwnWays = %+v, %v, want a password, an app and one recovery code", w, err)
	}
	_, was, err := s.KnownBrowser(ctx, "ada", "")
	do(t, "KnownBrowser", err)
	do(t, "StartSession with the same password",
		second3(s.StartSession(ctx, SignIn{UserID: ada.ID, PasswordWas: was, Used: Used{TOTPStep: 101}})))
	do(t, "SetPassword", s.SetPassword(ctx, ada.ID, "an entirely new one", ""))
	wantErr(t, "StartSession after a new password",
		second3(s.StartSession(ctx, SignIn{UserID: ada.ID, PasswordWas: was, Used: Used{TOTPStep: 102}})), ErrCredentials)
	do(t, "the code that wasn't used up", second3(s.StartSession(ctx, SignIn{UserID: ada.ID, Used: Used{TOTPStep: 102}})))
	do(t, "RemoveTOTP", s.RemoveTOTP(ctx, ada.ID))
	signIn(t, s, ada.ID)
	wantErr(t, "ReplaceRecoveryCodes without an app", s.ReplaceRecoveryCodes(ctx, ada.ID, []string{"x"}), ErrNoTOTP)
	wantErr(t, "AddTOTP for nobody", s.AddTOTP(ctx, "nobody", TOTP{}, 1, nil), ErrNotFound)
}

// A passkey is stored as it was given, and what its authenticator says is kept.
func TestPasskeys(t *testing.T) { onEach(t, testPasskeys) }

func testPasskeys(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ctx := t.Context()
	ada, bob := add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
	until := func(secret string) Once { return Once{Secret: secret, ExpiresAt: c.now().Add(time.Minute)} }
	handle, err := s.WantHandle(ctx, ada.ID, "first")
	do(t, "WantHandle", err)
	if again, err := s.WantHandle(ctx, ada.ID, "second"); err != nil || handle != "first" || again != "first" {
		t.Errorf("WantHandle = %q, then %q, %v, want the first both times", handle, again, err)
	}
	want := newPasskey(ada.ID, "cred")
	do(t, "AddPasskey", s.AddPasskey(ctx, want, until("a")))
	wantErr(t, "AddPasskey again", s.AddPasskey(ctx, newPasskey(bob.ID, "cred"), until("b")), ErrPasskeyTaken)
	for _, label := range []string{" ", "a\u202eb"} {
		wrong := newPasskey(ada.ID, "other")
		wrong.Label = label
		wantField(t, "AddPasskey", s.AddPasskey(ctx, wrong, until("c")), "label")
		wantField(t, "RenamePasskey", s.RenamePasskey(ctx, ada.ID, "cred", label), "label")
	}
	c.add(time.Hour)
	_, session, err := s.StartSession(ctx, SignIn{UserID: ada.ID, Method: ByPasskey, Factors: FactorPasskey,
		Used: Used{Passkey: &PasskeyUse{Credential: "cred", SignCount: 9, BackedUp: true}}})
	do(t, "StartSession", err)
	do(t, "RenamePasskey", s.RenamePasskey(ctx, ada.ID, "cred", "Tablet"))
	want.SignCount, want.Eligible, want.BackedUp, want.Label = 9, false, true, "Tablet"
	want.CreatedAt, want.UsedAt = c.now().Add(-time.Hour), c.now()
	if w, err := s.OwnWays(ctx, ada.ID); err != nil || !slices.Equal(w.Passkeys, []Passkey{want}) || w.Handle != "first" {
		t.Errorf("OwnWays = %+v, %v, want %+v", w, err, want)
	}
	if owner, err := s.PasskeyOwner(ctx, "cred"); err != nil || owner != ada.ID {
		t.Errorf("PasskeyOwner = %q, %v, want ada", owner, err)
	}
	wantErr(t, "PasskeyOwner of a made-up credential", second(s.PasskeyOwner(ctx, "x")), ErrNoPasskey)
	offered := Ways{RPID: "board.example"}
	wantErr(t, "RenamePasskey of others", s.RenamePasskey(ctx, bob.ID, "cred", "Mine"), ErrNoPasskey)
	wantErr(t, "RemovePasskey of others", s.RemovePasskey(ctx, bob.ID, "cred", offered), ErrNoPasskey)
	wantErr(t, "a sign-in with the passkey of others", second3(s.StartSession(ctx, SignIn{UserID: bob.ID, Method: ByPasskey,
		Used: Used{Passkey: &PasskeyUse{Credential: "cred"}}})), ErrNoPasskey)
	do(t, "RemovePasskey", s.RemovePasskey(ctx, ada.ID, "cred", offered))
	wantErr(t, "Prove with a removed passkey", second(s.Prove(ctx, ada.ID, session.ID,
		Proof{Factors: FactorPasskey, Used: Used{Passkey: &PasskeyUse{Credential: "cred"}}})), ErrNoPasskey)
	for i := range MaxPasskeys {
		do(t, "AddPasskey", s.AddPasskey(ctx, newPasskey(ada.ID, fmt.Sprint("many", i)), until(fmt.Sprint("many", i))))
	}
	wantField(t, "one too many", s.AddPasskey(ctx, newPasskey(ada.ID, "more"), until("more")), "passkeys")
}

// The last way in stays, also if two passkeys are removed at the same moment.
func TestLastPasskey(t *testing.T) { onEach(t, testLastPasskey) }

func testLastPasskey(t *testing.T, db database) {
	place := db.place(t)
	stores := []*Store{openAt(t, place), openAt(t, place)}
	ctx, s := t.Context(), stores[0]
	offered := Ways{RPID: "board.example"}
	ada, err := s.Create(ctx, NewUser{Username: "ada", Password: secret})
	do(t, "Create", err)
	do(t, "drop the password", dropPassword(s, ada.ID))
	for round := range 5 {
		ids := []string{fmt.Sprint("a", round), fmt.Sprint("b", round)}
		for _, id := range ids {
			do(t, "AddPasskey", s.AddPasskey(ctx, newPasskey(ada.ID, id), once(id)))
		}
		if round > 0 {
			do(t, "RemovePasskey", s.RemovePasskey(ctx, ada.ID, "kept", offered))
		}
		errs := make([]error, 2)
		var all sync.WaitGroup
		for i, id := range ids {
			all.Go(func() { errs[i] = stores[i].RemovePasskey(ctx, ada.ID, id, offered) })
		}
		all.Wait()
		if n := failures(errs); n != 1 || !errors.Is(errors.Join(errs...), ErrLastWayIn) {
			t.Fatalf("round %d: removing both = %v, want ErrLastWayIn once", round, errs)
		}
		kept := ids[slices.IndexFunc(errs, func(err error) bool { return err != nil })]
		wantErr(t, "RemovePasskey where none is offered", s.RemovePasskey(ctx, ada.ID, kept, Ways{}), ErrLastWayIn)
		do(t, "rename", s.write(ctx, func(ctx context.Context, t *transaction) error {
			_, err := t.exec(ctx, `UPDATE passkeys SET credential = 'kept' WHERE credential = $1`, kept)
			return err
		}))
	}
}

// An administrator's reset removes everything, and its line in the log is the same whether there was something or not.
func TestResetFactors(t *testing.T) { onEach(t, testResetFactors) }

func testResetFactors(t *testing.T, db database) {
	s := db.open(t, Config{})
	boss, ada, bob := addAdmin(t, s, "boss"), add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
	withTOTP(t, s, ada.ID)
	do(t, "AddPasskey", s.AddPasskey(t.Context(), newPasskey(ada.ID, "cred"), once("x")))
	ctx := As(t.Context(), ByUser(boss.ID))
	for _, u := range []User{ada, bob} {
		do(t, "ResetFactors", s.ResetFactors(ctx, u.ID))
		if w, err := s.OwnWays(ctx, u.ID); err != nil || w.TOTP != nil || len(w.Passkeys) > 0 || w.CodesLeft > 0 {
			t.Errorf("OwnWays of %s afterwards = %+v, %v, want a password only", u.Username, w, err)
		}
		lines, err := s.Audit(ctx, AuditQuery{Target: TargetUser(u.ID), Limit: 1})
		if err != nil || len(lines) != 1 || lines[0].Action != FactorsReset || lines[0].Actor != ByUser(boss.ID) || lines[0].Detail != nil {
			t.Errorf("Audit of %s = %+v, %v, want the reset by boss alone", u.Username, lines, err)
		}
	}
	wantErr(t, "ResetFactors(nobody)", s.ResetFactors(ctx, "nobody"), ErrNotFound)
}

// All processes on a database have the same shared secret, and another database has another one.
func TestSharedSecret(t *testing.T) { onEach(t, testSharedSecret) }

func testSharedSecret(t *testing.T, db database) {
	place := db.place(t)
	stores := []*Store{openAt(t, place), openAt(t, place)}
	found := make([]string, 8)
	var all sync.WaitGroup
	for i := range found {
		all.Go(func() {
			var err error
			if found[i], err = stores[i%2].SharedSecret(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	other, err := db.open(t, Config{}).SharedSecret(t.Context())
	do(t, "SharedSecret", err)
	if len(slices.Compact(found)) != 1 || len(found[0]) != 43 || other == found[0] {
		t.Errorf("SharedSecret = %q, of another database %q, want one of 43 characters for each", found, other)
	}
}
