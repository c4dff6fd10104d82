package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport is every arrow of the design: a folder, and the folders of ours that it may import. A folder that is not
// here is a new package, and needs a line here and a sentence in docs/architecture.md.
var mayImport = map[string][]string{
	".":        {"accounts", "handlers", "presence", "ui"},
	"handlers": {"accounts", "live", "presence", "ui"},
	"live":     {"accounts", "presence"}, // no HTTP, HTML or SQL
	"accounts": nil,                      // all SQL, and nothing of who is here
	"presence": nil,                      // users are opaque ids
	"ui":       nil,                      // plain values in, HTML out
	"e2e":      nil,                      // starts the binary, as a user does
	"bench":    nil,                      // talks to any address, as a stranger does
	"scripts":  nil,                      // looks at built programs from outside
}

// onlyIn keeps what one package is there for out of the others. Tests may use what they like, and bench is a program
// of its own.
var onlyIn = map[string][]string{
	"database/sql":                {"accounts"},
	"modernc.org/sqlite":          {"accounts"},
	"github.com/jackc/pgx/v5":     {"accounts"},
	"golang.org/x/crypto":         {"accounts", "bench"},
	"github.com/labstack/echo/v4": {"handlers"},
	"github.com/olahol/melody":    {"handlers"},
	"html/template":               {"ui"},
	"github.com/alecthomas/kong":  {"."},
	"os/signal":                   {".", "bench"},
	"github.com/redis/rueidis":    {"presence", "handlers", "bench"},
	"github.com/prometheus":       {"handlers"},
	"net/http/pprof":              {"."},
}

func TestArrows(t *testing.T) {
	architecture, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, file := range goFiles(t) {
		folder, _, _ := strings.Cut(file, "/")
		if folder == file {
			folder = "."
		}
		allowed, known := mayImport[folder]
		if !known {
			t.Errorf("%s: package %s is not in mayImport", file, folder)
			continue
		}
		if !seen[folder] && folder != "." && !strings.Contains(string(architecture), "`"+folder+"/`") {
			t.Errorf("docs/architecture.md has no sentence about `%s/`", folder)
		}
		seen[folder] = true
		for _, imported := range importsOf(t, file) {
			if ours, ok := strings.CutPrefix(imported, "rollcall/"); ok {
				target, _, _ := strings.Cut(ours, "/")
				if target != folder && !slices.Contains(allowed, target) {
					t.Errorf("%s imports %s: the arrows of %s go to %v", file, imported, folder, allowed)
				}
			}
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for module, homes := range onlyIn {
				if (imported == module || strings.HasPrefix(imported, module+"/")) && !slices.Contains(homes, folder) {
					t.Errorf("%s imports %s: that is for %v", file, imported, homes)
				}
			}
		}
	}
	for _, folder := range []string{"accounts", "handlers", "presence", "ui"} {
		if !seen[folder] {
			t.Errorf("no Go file found in %s", folder)
		}
	}
}

// goFiles lists the source of the tree, with forward slashes, without what the build and others put there.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && file != "." && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || name == "bin") {
			return filepath.SkipDir
		}
		if path.Ext(name) == ".go" {
			files = append(files, filepath.ToSlash(file))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func importsOf(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var imports []string
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		imports = append(imports, imported)
	}
	return imports
}
