package command

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
)

// command runs a command line and returns what it prints on standard output.
func command(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	con := &console{env: environment{}, files: uiFiles(), stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
	if err := run(t.Context(), args, con); err != nil {
		t.Fatalf("rollcall %q = %v\n%s", args, err, errs.String())
	}
	return out.String()
}

// openDatabase opens a database file, as a server does.
func openDatabase(t *testing.T, path string) *accounts.Store {
	t.Helper()
	store, err := accounts.Open(t.Context(), accounts.Config{CheapHashes: true, Path: path, Actor: accounts.System})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// tokenIn returns the token of a printed link.
func tokenIn(t *testing.T, printed, kind string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^Link: \S*/` + kind + `/(\S+)$`).FindStringSubmatch(printed)
	if m == nil {
		t.Fatalf("no link to /%s/ in %q", kind, printed)
	}
	return m[1]
}

// A printed link works until the next one is printed.
func TestUserLink(t *testing.T) {
	db := filepath.Join(t.TempDir(), "rollcall.db")
	command(t, "user", "add", "ada", "--create", "--db", db)
	old := tokenIn(t, command(t, "user", "link", "ada", "--db", db), "reset")
	token := tokenIn(t, command(t, "user", "link", "ada", "--db", db), "reset")
	store := openDatabase(t, db)
	if u, err := store.ResetLinkUser(t.Context(), token); err != nil || u.Username != "ada" {
		t.Errorf("ResetLinkUser(printed token) = %q, %v, want ada", u.Username, err)
	}
	if _, err := store.ResetLinkUser(t.Context(), old); err == nil {
		t.Error("the first link still works after the second was printed")
	}
}

// Everything that a command changes is in the audit log as done on the command line.
func TestCommandsAreAudited(t *testing.T) {
	db := filepath.Join(t.TempDir(), "rollcall.db")
	command(t, "user", "add", "ada", "--create", "--db", db)
	for _, tt := range []struct {
		args []string
		want accounts.Action
	}{
		{[]string{"user", "admin", "ada"}, accounts.AdminGranted},
		{[]string{"user", "admin", "ada", "off", "--force"}, accounts.AdminRevoked},
		{[]string{"user", "link", "ada"}, accounts.ResetLinkMade},
		{[]string{"user", "sign-out", "ada"}, accounts.SessionsEnded},
		{[]string{"invite", "create"}, accounts.InvitationMade},
		{[]string{"user", "team", "ada", "Harbor"}, accounts.UserMoved},
		{[]string{"team", "rename", "Harbor", "Pier"}, accounts.TeamRenamed},
		{[]string{"team", "delete", "Pier", "--yes"}, accounts.TeamDeleted},
		{[]string{"board", "set", "teams=fixed"}, accounts.SettingsChanged},
		{[]string{"user", "disable", "ada"}, accounts.UserDisabled},
		{[]string{"user", "delete", "ada", "--yes"}, accounts.UserDeleted},
	} {
		command(t, append(tt.args, "--db", db)...)
		store := openDatabase(t, db)
		entries, err := store.Audit(t.Context(), accounts.AuditQuery{Limit: 1})
		if err != nil || len(entries) != 1 || entries[0].Action != tt.want ||
			entries[0].Actor != accounts.CommandLine || entries[0].Via != accounts.ViaCLI {
			t.Errorf("after rollcall %q, the last line of the audit log is %+v, %v, want %s by the command line",
				tt.args, entries, err, tt.want)
		}
		store.Close()
	}
}

// A printed invitation can be used as often as it says.
func TestInviteLink(t *testing.T) {
	db := filepath.Join(t.TempDir(), "rollcall.db")
	command(t, "user", "add", "ada", "--create", "--db", db)
	token := tokenIn(t, command(t, "invite", "create", "--uses", "3", "--team", "Harbor", "--db", db), "join")
	store := openDatabase(t, db)
	i, err := store.Invitation(t.Context(), token)
	if err != nil || i.UsesLeft != 3 || i.Team != "Harbor" || i.MadeBy != accounts.CommandLine {
		t.Errorf("Invitation(printed token) = %+v, %v, want 3 uses and the team Harbor", i, err)
	}
	if got := i.ExpiresAt.Sub(i.CreatedAt); got != 7*24*time.Hour {
		t.Errorf("the invitation is good for %v, want 7 days", got)
	}
}
