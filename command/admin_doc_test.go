package command

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"rollcall/accounts"
)

// TestAdminDocument runs the commands in docs/admin.md, from the first to the last.
func TestAdminDocument(t *testing.T) {
	text := readText(t, "docs/admin.md")
	t.Chdir(t.TempDir())
	const db = "rollcall.db"
	command(t, "user", "add", "clara", "--admin", "--create", "--db", db)
	for _, name := range []string{"ada", "ben", "kim", "dora", "pia"} {
		team := map[string]string{"ben": "Platform", "kim": "Infra", "dora": "Design", "pia": "Sales"}[name]
		command(t, "user", "add", name, "--team", team, "--db", db)
	}
	store := openDatabase(t, db)
	for _, name := range []string{"noor", "jonas"} {
		n := accounts.NewUser{Username: name, Password: "correct horse battery"}
		if _, waits, err := store.SignUp(t.Context(), n, accounts.Joining{Approval: true}); err != nil || !waits {
			t.Fatalf("SignUp(%s) = %v, %v, want somebody who waits", name, waits, err)
		}
	}
	store.Close()
	people := []byte("username,password\nlinus,correct horse battery\n")
	if err := os.WriteFile("people.csv", people, 0o600); err != nil {
		t.Fatal(err)
	}

	ran, id := 0, ""
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			args := words(strings.Replace(line, "3f2a91c0", id, 1))
			if len(args) < 2 || args[0] != "rollcall" {
				t.Fatalf("%q isn't a command of ours", line)
			}
			command(t, append(args[1:], "--db", db)...)
			ran++
			if args[1] == "invite" && args[2] == "create" {
				id = onlyInvitation(t, db)
			}
		}
	}
	if ran < 25 {
		t.Errorf("ran %d commands, want all that are in the document", ran)
	}
}

// onlyInvitation returns the beginning of the ID of the only invitation.
func onlyInvitation(t *testing.T, db string) string {
	t.Helper()
	var all []listedInvitation
	err := json.Unmarshal([]byte(command(t, "invite", "list", "--json", "--db", db)), &all)
	if err != nil || len(all) != 1 {
		t.Fatalf("invite list --json has %d invitations, %v, want 1", len(all), err)
	}
	return short(all[0].ID)
}

// words splits a line as a shell does, as far as the document needs it.
func words(line string) []string {
	line, _, _ = strings.Cut(line, " #")
	var all []string
	for _, m := range regexp.MustCompile(`(?:[^\s"]|"[^"]*")+`).FindAllString(line, -1) {
		all = append(all, strings.ReplaceAll(m, `"`, ""))
	}
	return all
}
