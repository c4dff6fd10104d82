package accounts

import (
	"testing"
)

// A change of a user is made as a whole, or not at all.
func TestChangeUser(t *testing.T) { onEach(t, testChangeUser) }

func testChangeUser(t *testing.T, db database) {
	s := db.open(t, Config{})
	boss, u := add(t, s, "boss", "", ""), add(t, s, "ada", "", "")
	do(t, "SetAdmin", s.SetAdmin(t.Context(), boss.ID, true))
	do(t, "ChangeUser", s.ChangeUser(t.Context(), u.ID, UserChange{DisplayName: new(" Ada  L "), Team: new("Ops"),
		Email: new("ada@example.org"), Admin: new(true), Disabled: new(true)}))
	got, err := s.UserByID(t.Context(), u.ID)
	do(t, "UserByID", err)
	email, err := s.Email(t.Context(), u.ID)
	if err != nil || got.DisplayName != "Ada L" || got.Team != "Ops" || !got.Admin || !got.Disabled || email != "ada@example.org" {
		t.Errorf("after ChangeUser: %+v, %q, %v, want all of it", got, email, err)
	}
	rev := mustRev(t, s)
	do(t, "ChangeUser with nothing", s.ChangeUser(t.Context(), u.ID, UserChange{}))
	if mustRev(t, s) != rev {
		t.Error("ChangeUser with nothing took a rev")
	}
	err = s.ChangeUser(t.Context(), u.ID, UserChange{DisplayName: new("\u202e"), Email: new("x")})
	if wrong := WrongFields(err); len(wrong) != 2 {
		t.Errorf("ChangeUser with two wrong fields = %v, want both", err)
	}
	wantErr(t, "ChangeUser of the last administrator",
		s.ChangeUser(t.Context(), boss.ID, UserChange{DisplayName: new("Lost"), Admin: new(false)}), ErrLastAdmin)
	if got, err := s.UserByID(t.Context(), boss.ID); err != nil || got.DisplayName != "boss" || !got.Admin {
		t.Errorf("after a refused ChangeUser: %+v, %v, want nothing changed", got, err)
	}
	wantErr(t, "ChangeUser of nobody", s.ChangeUser(t.Context(), "nobody", UserChange{Admin: new(true)}), ErrNotFound)
}
