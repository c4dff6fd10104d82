package accounts

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// People who are imported without a password can't sign in until they choose one by their link.
func TestImportWithoutPasswords(t *testing.T) { onEach(t, testImportWithoutPasswords) }

func testImportWithoutPasswords(t *testing.T, db database) {
	var log bytes.Buffer
	s := db.open(t, Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	all, err := s.Import(t.Context(), []NewUser{{Username: "ada", NoPassword: true}, {Username: "bob", Password: secret}})
	do(t, "Import", err)
	if len(all) != 2 || all[0].ResetLink == "" || all[1].ResetLink != "" {
		t.Fatalf("Import = %+v, want a link for ada alone", all)
	}
	hashes := s.Stats().Hash.Done
	for _, password := range []string{secret, " "} {
		_, err := s.Authenticate(t.Context(), "ada", password)
		wantErr(t, "Authenticate without a password", err, ErrCredentials)
	}
	_, err = s.Authenticate(t.Context(), "nobody", secret)
	wantErr(t, "Authenticate(nobody)", err, ErrCredentials)
	if n := s.Stats().Hash.Done - hashes; n != 3 {
		t.Errorf("three failed sign-ins cost %d hashes, want one each", n)
	}
	if strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("an account without a password is logged as an error:\n%s", log.String())
	}
	do(t, "ResetPassword", s.ResetPassword(t.Context(), all[0].ResetLink, "a new password"))
	u, err := s.Authenticate(t.Context(), "ada", "a new password")
	if err != nil || u.ID != all[0].ID {
		t.Errorf("Authenticate after choosing a password = %+v, %v, want ada", u, err)
	}
	if _, err := s.Create(t.Context(), NewUser{Username: "eve", NoPassword: true}); WrongFields(err) == nil {
		t.Errorf("Create without a password = %v, want an error about it", err)
	}
}

// CheckImport finds everything that is wrong, and adds nobody.
func TestCheckImport(t *testing.T) {
	s := open(t, Config{})
	add(t, s, "ada", "", "")
	users := []NewUser{{Username: "ADA", Password: secret}, {Username: "bob", Password: secret},
		{Username: "Bob", Password: "short"}, {Username: "-", NoPassword: true}}
	wrong, err := s.CheckImport(t.Context(), users)
	do(t, "CheckImport", err)
	var got []int
	for _, w := range wrong {
		got = append(got, w.Index, len(WrongFields(w)))
	}
	if want := []int{0, 1, 2, 2, 3, 1}; len(got) != 6 || [6]int(got) != [6]int(want) {
		t.Errorf("CheckImport = indexes and numbers of errors %v, want %v", got, want)
	}
	if _, err := s.UserByName(t.Context(), "bob"); !errors.Is(err, ErrNotFound) {
		t.Errorf("UserByName(bob) after CheckImport = %v, want ErrNotFound", err)
	}
}

// Lists for administrators change with accounts, and not with what people do while they use the board.
func TestChangesOfLists(t *testing.T) { onEach(t, testChangesOfLists) }

func testChangesOfLists(t *testing.T, db database) {
	s := db.open(t, Config{})
	boss := addAdmin(t, s, "boss")
	ada := add(t, s, "ada", "", "")
	self, admin := As(t.Context(), ByUser(ada.ID)), As(t.Context(), ByUser(boss.ID))
	var token, reset string
	for _, step := range []struct {
		what string
		act  func() error
		want bool
	}{
		{"sign in", func() error { signIn(t, s, ada.ID); return nil }, false},
		{"status", func() error { return s.SetStatus(self, ada.ID, Status{Text: "Tea"}, "") }, false},
		{"invisible", func() error { return s.SetInvisible(self, ada.ID, true) }, false},
		{"preferences", func() error { return setPreferences(self, s, ada.ID, Preferences{ShowLastSeen: Exact}) }, false},
		{"own password", func() error { return s.SetPassword(self, ada.ID, "a new password", "") }, false},
		{"own name", func() error { return s.SetProfile(self, ada.ID, "Ada", "", true) }, true},
		{"the same name", func() error { return s.SetProfile(self, ada.ID, "Ada", "", true) }, false},
		{"team", func() error { return s.SetTeam(admin, ada.ID, "Ops") }, true},
		{"role", func() error { return s.SetAdmin(admin, ada.ID, true) }, true},
		{"reset link", func() (err error) { reset, err = s.MakeResetLink(admin, ada.ID); return err }, true},
		{"reset link used", func() error { return s.ResetPassword(As(t.Context(), Visitor), reset, "a third password") }, false},
		{"invitation", func() (err error) {
			token, _, err = s.Invite(admin, NewInvitation{Uses: 2, Age: MaxInviteAge})
			return err
		}, true},
		{"invitation used", func() error {
			_, _, err := s.SignUp(As(t.Context(), Visitor), NewUser{Username: "bob", Password: secret}, Joining{Invitation: token})
			return err
		}, true},
		{"settings", func() error {
			return s.ChangeSettings(admin, func(x *Settings) error { x.SignUp = SignUpOff; return nil })
		}, true},
		{"export", func() error { return s.RecordExport(admin, PeopleExported) }, true},
		{"disable", func() error { return s.SetDisabled(admin, ada.ID, true) }, true},
		{"delete", func() error { return s.Delete(admin, ada.ID) }, true},
		{"import", func() error { return second(s.Import(admin, []NewUser{{Username: "eve", NoPassword: true}})) }, true},
	} {
		rev := mustRev(t, s)
		do(t, step.what, step.act())
		c, err := s.Changes(t.Context(), rev)
		do(t, "Changes", err)
		if c.Lists != step.want {
			t.Errorf("%s: lists for administrators changed: %t, want %t", step.what, c.Lists, step.want)
		}
	}
}

// A profile that somebody else changes is in the audit log.
func TestAuditOfProfiles(t *testing.T) {
	s := open(t, Config{})
	boss, ada := addAdmin(t, s, "boss"), add(t, s, "ada", "", "Ops")
	for _, who := range []User{boss, ada} {
		ctx := As(t.Context(), ByUser(who.ID))
		do(t, "SetProfile", s.SetProfile(ctx, ada.ID, "Ada of "+who.Username, "Team of "+who.Username, true))
		do(t, "SetProfile", s.SetProfile(ctx, ada.ID, "Ada of "+who.Username, "team OF "+who.Username, true))
	}
	entries, err := s.Audit(t.Context(), AuditQuery{Actor: ByUser(boss.ID)})
	do(t, "Audit", err)
	if len(entries) != 2 || entries[1].Action != UserRenamed || entries[0].Action != UserMoved ||
		entries[0].Detail["from"] != "Ops" || entries[0].Detail["team"] != "Team of boss" {
		t.Errorf("the audit log of the administrator = %+v, want a new name and a new team", entries)
	}
	if entries, err = s.Audit(t.Context(), AuditQuery{Actor: ByUser(ada.ID)}); err != nil || len(entries) > 0 {
		t.Errorf("the audit log of ada = %+v, %v, want nothing", entries, err)
	}
}
