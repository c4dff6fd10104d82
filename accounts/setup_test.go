package accounts

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSetUp(t *testing.T) { onEach(t, testSetUp) }

func testSetUp(t *testing.T, db database) {
	s := db.open(t, Config{})
	if empty, err := s.Empty(t.Context()); err != nil || !empty {
		t.Errorf("Empty of a new database = %v, %v, want true", empty, err)
	}
	u, err := s.SetUp(t.Context(), NewUser{Username: "Clara", DisplayName: "Clara Nyström", Password: secret},
		new(" Harbor  Works "))
	do(t, "SetUp", err)
	if !u.Admin || u.Username != "clara" || u.DisplayName != "Clara Nyström" {
		t.Errorf("SetUp = %+v, want an administrator called clara", u)
	}
	if x, err := s.Settings(t.Context()); x.BoardName != "Harbor Works" || err != nil {
		t.Errorf("BoardName = %q, %v, want Harbor Works", x.BoardName, err)
	}
	if empty, err := s.Empty(t.Context()); err != nil || empty {
		t.Errorf("Empty after SetUp = %v, %v, want false", empty, err)
	}
	_, err = s.Authenticate(t.Context(), "clara", secret)
	do(t, "Authenticate", err)
	_, err = s.SetUp(t.Context(), NewUser{Username: "mallory", Password: secret}, new("Mine"))
	wantErr(t, "a second SetUp", err, ErrSetUp)
	if x, _ := s.Settings(t.Context()); x.BoardName != "Harbor Works" {
		t.Errorf("BoardName after a second SetUp = %q, want Harbor Works", x.BoardName)
	}
	do(t, "SetDisabled", s.SetDisabled(Forced(t.Context()), u.ID, true))
	_, err = s.SetUp(t.Context(), NewUser{Username: "dora", Password: secret}, nil)
	do(t, "SetUp when the only administrator is disabled", err)
}

// Without a name, none is stored: a flag names the board.
func TestSetUpWithoutAName(t *testing.T) { onEach(t, testSetUpWithoutAName) }

func testSetUpWithoutAName(t *testing.T, db database) {
	s := db.open(t, Config{})
	_, err := s.SetUp(t.Context(), NewUser{Username: "clara", Password: secret}, nil)
	do(t, "SetUp", err)
	if x, err := s.Settings(t.Context()); x.BoardName != "" || err != nil {
		t.Errorf("BoardName = %q, %v, want none", x.BoardName, err)
	}
}

func TestSetUpRefuses(t *testing.T) {
	s := open(t, Config{})
	for _, c := range []struct {
		n     NewUser
		board string
		want  string
	}{
		{NewUser{Username: "clara", Password: secret}, " ", "[board_name: missing]"},
		{NewUser{Username: "clara", Password: secret}, "Harbor\u202eWorks", "[board_name: unprintable]"},
		{NewUser{Username: "clara", Password: secret}, fmt.Sprintf("%065d", 0), "[board_name: too_long (limit 64)]"},
		{NewUser{Username: ".", DisplayName: "\u202e"}, "",
			"[username: too_short (limit 2) display_name: unprintable password: too_short (limit 8) board_name: missing]"},
	} {
		_, err := s.SetUp(t.Context(), c.n, &c.board)
		if got := fmt.Sprint([]*FieldError(WrongFields(err))); got != c.want {
			t.Errorf("SetUp(%+v, %q) is wrong about %s, want %s", c.n, c.board, got, c.want)
		}
	}
	if empty, _ := s.Empty(t.Context()); !empty {
		t.Error("a refused SetUp made an account")
	}
}

// Two people who set up a board at once: one becomes the administrator, the other changes nothing.
func TestSetUpAtOnce(t *testing.T) { onEach(t, testSetUpAtOnce) }

func testSetUpAtOnce(t *testing.T, db database) {
	place := db.place(t)
	stores := [2]*Store{openAt(t, place), openAt(t, place)} // as two replicas have
	hash := newPHC(secret, cheapParams).String()
	for round := range 50 {
		var errs [2]error
		var users [2]User
		var together sync.WaitGroup
		begin := make(chan struct{})
		for i, s := range stores {
			together.Go(func() {
				<-begin
				n := NewUser{Username: fmt.Sprintf("first%d", i), PasswordHash: hash}
				users[i], errs[i] = s.SetUp(t.Context(), n, new(fmt.Sprint("Board ", i)))
			})
		}
		close(begin)
		together.Wait()
		winner := 0
		if errs[0] != nil {
			winner = 1
		}
		if errs[winner] != nil || !errors.Is(errs[1-winner], ErrSetUp) {
			t.Fatalf("round %d: SetUp at once = %v and %v, want one success and one ErrSetUp", round, errs[0], errs[1])
		}
		all, err := stores[0].Users(t.Context(), "", 10)
		do(t, "Users", err)
		if len(all) != 1 || all[0].ID != users[winner].ID || !all[0].Admin {
			t.Fatalf("round %d: the accounts are %+v, want only that of %s", round, all, users[winner].Username)
		}
		if x, err := stores[1-winner].Settings(t.Context()); x.BoardName != fmt.Sprint("Board ", winner) {
			t.Fatalf("round %d: BoardName = %q, %v, want that of the winner", round, x.BoardName, err)
		}
		do(t, "Delete", stores[0].Delete(Forced(t.Context()), users[winner].ID))
	}
}

// Other servers learn of the name as of any other change.
func TestChangesTellTheNameOfTheBoard(t *testing.T) { onEach(t, testChangesTellTheNameOfTheBoard) }

func testChangesTellTheNameOfTheBoard(t *testing.T, db database) {
	s := db.open(t, Config{})
	before := mustRev(t, s)
	u, err := s.SetUp(t.Context(), NewUser{Username: "clara", Password: secret}, new("Harbor Works"))
	do(t, "SetUp", err)
	c, err := s.Changes(t.Context(), before)
	if err != nil || c.Settings == nil || c.Settings.BoardName != "Harbor Works" || len(c.Users) != 1 {
		t.Errorf("Changes after SetUp = %+v, %v, want the person and the name", c, err)
	}
	do(t, "Rename", s.Rename(t.Context(), u.ID, "Clara"))
	if c, err = s.Changes(t.Context(), c.Rev); err != nil || c.Settings != nil {
		t.Errorf("Changes after a later change = %+v, %v, want no name", c, err)
	}
}

func TestSetupCode(t *testing.T) { onEach(t, testSetupCode) }

func testSetupCode(t *testing.T, db database) {
	place, c := db.place(t), newClock()
	one, two := open(t, located(place, Config{Now: c.now})), open(t, located(place, Config{Now: c.now}))
	valid := func(code string) bool {
		t.Helper()
		is, err := one.IsSetupCode(t.Context(), code)
		do(t, "IsSetupCode", err)
		return is
	}
	if has, err := one.HasSetupCode(t.Context()); has || err != nil || valid("") {
		t.Errorf("HasSetupCode before MakeSetupCode = %t, %v, want none", has, err)
	}
	do(t, "store a code as an older version did", one.write(t.Context(), func(ctx context.Context, t *transaction) error {
		_, err := t.exec(ctx, sqlSet, setupCode, "abcd-efgh-ijkl-mnop", 0)
		return err
	}))
	var codes []string
	for i := range maxSetupCodes + 1 { // each is of a server that starts
		code, err := []*Store{one, two}[i%2].MakeSetupCode(t.Context())
		do(t, "MakeSetupCode", err)
		if !regexp.MustCompile(`^[a-z2-7]{4}(-[a-z2-7]{4}){3}$`).MatchString(code) {
			t.Errorf("MakeSetupCode = %q, want four groups of four letters and digits", code)
		}
		codes = append(codes, code)
		c.add(time.Second)
	}
	for i, code := range codes {
		if got := valid(strings.ToUpper(strings.ReplaceAll(code, "-", " "))); got != (i > 0) {
			t.Errorf("code %d of %d is valid: %t", i, len(codes), got)
		}
	}
	if valid(codes[1][:18]) || valid("abcd-efgh-ijkl-mnop") {
		t.Error("a part of a code is valid, or the code of an older version")
	}
	var stored int
	do(t, "read settings", one.r.queryRow(t.Context(), `SELECT count(*) FROM settings`, nil, &stored))
	if stored != 0 {
		t.Errorf("%d settings are stored, want none with a code", stored)
	}
	c.add(SetupCodeAge - time.Second)
	if has, err := one.HasSetupCode(t.Context()); has || err != nil || valid(codes[maxSetupCodes]) {
		t.Errorf("HasSetupCode after a day = %t, %v, want none", has, err)
	}
	code, err := one.MakeSetupCode(t.Context())
	do(t, "MakeSetupCode", err)
	_, err = two.SetUp(t.Context(), NewUser{Username: "clara", Password: secret}, nil)
	do(t, "SetUp", err)
	if has, err := one.HasSetupCode(t.Context()); has || err != nil || valid(code) {
		t.Errorf("HasSetupCode after SetUp = %t, %v, want none", has, err)
	}
}

// A copy in Postgres keeps the name of the board.
func TestCopyKeepsTheName(t *testing.T) {
	path, place := filepath.Join(t.TempDir(), "rollcall.db"), emptyDatabase(t)
	s := open(t, Config{Path: path})
	_, err := s.SetUp(t.Context(), NewUser{Username: "clara", Password: secret}, new("Harbor Works"))
	do(t, "SetUp", err)
	do(t, "Close", s.Close())
	_, err = Copy(t.Context(), path, Config{URL: place})
	do(t, "Copy", err)
	if x, err := openAt(t, place).Settings(t.Context()); x.BoardName != "Harbor Works" || err != nil {
		t.Errorf("BoardName of the copy = %q, %v, want Harbor Works", x.BoardName, err)
	}
}
