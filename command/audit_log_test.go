package command

import (
	"go/ast"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/accounts"
)

// log --action knows every action, and docs/admin.md explains it.
func TestAllActionsAreKnown(t *testing.T) {
	text := readText(t, "docs/admin.md")
	found := 0
	ast.Inspect(parse(t, "accounts/audit.go", 0), func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != "Action" {
			return true
		}
		action, _ := constant(spec.Values[0])
		if found++; !slices.Contains(auditActions(), accounts.Action(action)) {
			t.Errorf("log --action doesn't know %q", action)
		}
		if !strings.Contains(text, "`"+action+"`") {
			t.Errorf("docs/admin.md doesn't explain %q", action)
		}
		return true
	})
	if found == 0 || found != len(auditActions()) {
		t.Errorf("accounts has %d actions, and log --action knows %d", found, len(auditActions()))
	}
}

// More lines than are read at once arrive, the newest first.
func TestLogReadsSeveralPages(t *testing.T) {
	db := filepath.Join(t.TempDir(), "rollcall.db")
	command(t, "user", "add", "ada", "--create", "--db", db)
	store := openDatabase(t, db)
	for range logPage + 1 {
		if err := store.RecordExport(t.Context(), accounts.PeopleExported); err != nil {
			t.Fatal(err)
		}
	}
	store.Close()
	printed := command(t, "log", "--limit", "2000", "--db", db)
	if got, want := strings.Count(printed, "\n"), logPage+3; got != want {
		t.Errorf("log prints %d lines, want %d with the header and the new account", got, want)
	}
	if got := command(t, "log", "--action", "user.create", "--db", db); !strings.Contains(got, " ada ") {
		t.Errorf("log --action user.create = %q, want the oldest line", got)
	}
	if got := command(t, "log", "--user", "ada", "--db", db); !strings.Contains(got, "user.create") {
		t.Errorf("log --user ada = %q, want the new account", got)
	}
}
