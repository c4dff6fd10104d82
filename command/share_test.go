package command

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rollcall/accounts"
)

// The command line lists and revokes share links of people, and its output has no address of one.
func TestShareCommands(t *testing.T) {
	db := filepath.Join(t.TempDir(), "board.db")
	command(t, "user", "add", "ada", "--db", db, "--create")
	if out := command(t, "share", "list", "ada", "--db", db); out != "ada has no share links.\n" {
		t.Errorf("share list = %q, want that there are none", out)
	}
	store := openDatabase(t, db)
	ada, err := store.UserByName(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	token, made, err := store.MakeShare(t.Context(), ada.ID, accounts.NewShare{Kind: accounts.EmbedShare, Label: "Wiki",
		Origins: []string{"https://wiki.example"}, Days: 90})
	if err != nil {
		t.Fatal(err)
	}
	out := command(t, "share", "list", "ada", "--db", db) + command(t, "share", "list", "ada", "--db", db, "--json")
	if !regexp.MustCompile(`(?m)^\w{8} +embed +\d{4}-\d\d-\d\d +- +\d{4}-\d\d-\d\d +- +Wiki$`).MatchString(out) ||
		!strings.Contains(out, `"https://wiki.example"`) || strings.Contains(out, token) {
		t.Errorf("share list = %s, want the embed without its address", out)
	}
	if out := command(t, "share", "revoke", "ada", strings.ToLower(made.ID[:8]), "--db", db); !strings.HasPrefix(out, "Revoked share link "+made.ID[:8]) {
		t.Errorf("share revoke = %q", out)
	}
	if _, _, err := store.ShareByToken(t.Context(), token); err != accounts.ErrNoShare {
		t.Errorf("ShareByToken of a revoked link = %v, want ErrNoShare", err)
	}
	if out := command(t, "log", "--db", db); !strings.Contains(out, "share.revoke") {
		t.Errorf("log = %s, want a line about the link", out)
	}
}

func TestShareCommandsRefuse(t *testing.T) {
	db := filepath.Join(t.TempDir(), "board.db")
	command(t, "user", "add", "ada", "--db", db, "--create")
	for _, tt := range []struct {
		args []string
		says string
	}{
		{[]string{"share", "list", "eve", "--db", db}, `there is nobody called "eve"`},
		{[]string{"share", "revoke", "ada", "X", "--db", db}, `ada has no share link whose ID begins with "X"`},
	} {
		con := &console{env: environment{}, files: uiFiles(), stdin: strings.NewReader(""), stdout: &strings.Builder{}, stderr: &strings.Builder{}}
		if err := run(t.Context(), tt.args, con); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("rollcall %q = %v, want %q", tt.args, err, tt.says)
		}
	}
}
