package command

import (
	"go/ast"
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

// root is the top of the repository.
const root = ".."

// mayImport lists, for each top-level folder, the folders that it can import. A new folder needs a line here and a
// sentence in docs/architecture.md.
var mayImport = map[string][]string{
	".":        {"command"}, // hands over the embedded files
	"command":  {"accounts", "handlers", "hooks", "identity", "live", "mail", "mailer", "presence", "ui"},
	"handlers": {"accounts", "identity", "live", "mailer", "presence", "ui"},
	"mailer":   {"accounts", "mail"},
	"hooks":    {"accounts", "live"},     // sees only rows
	"live":     {"accounts", "presence"}, // no HTTP, HTML or SQL
	"accounts": nil,                      // all SQL, but not who is here
	"presence": nil,                      // users are opaque IDs
	"ui":       nil,                      // plain values in, HTML out
	"mail":     nil,                      // plain values in, emails out
	"identity": nil,                      // proofs in, people out
	"e2e":      nil,                      // starts the binary, like a user
	"bench":    {"accounts", "presence"}, // only to start Postgres and to simulate replicas; it knows the server over the network
	"scripts":  nil,                      // works on built programs
}

// testsMayImport is the same for tests alone, which can also import accounts/pgtest to start Postgres servers.
var testsMayImport = map[string][]string{
	"hooks": {"presence"}, // for a real board
}

// onlyIn lists the folders that can import a module. Test files can import all of them. bench, e2e and scripts are
// separate programs.
var onlyIn = map[string][]string{
	"database/sql":                    {"accounts"},
	"modernc.org/sqlite":              {"accounts"},
	"github.com/jackc/pgx/v5":         {"accounts", "bench"},
	"golang.org/x/crypto":             {"accounts", "bench"},
	"github.com/labstack/echo/v4":     {"handlers"},
	"github.com/olahol/melody":        {"handlers"},
	"html/template":                   {"ui", "mail"},
	"net/smtp":                        {"mail"},
	"github.com/alecthomas/kong":      {"command"},
	"github.com/BurntSushi/toml":      {"command"},
	"golang.org/x/term":               {"command"},
	"flag":                            {"bench", "e2e", "scripts"},
	"os/signal":                       {"command", "bench"},
	"github.com/redis/rueidis":        {"presence", "handlers", "bench"},
	"github.com/prometheus":           {"handlers"},
	"net/http/pprof":                  {"command"},
	"github.com/coreos/go-oidc/v3":    {"identity"},
	"golang.org/x/oauth2":             {"identity"},
	"github.com/go-webauthn/webauthn": {"identity"},
	"rsc.io/qr":                       {"identity"},
	"github.com/fxamacker/cbor/v2":    nil, // tests forge passkeys with it
	"github.com/go-jose/go-jose/v4":   nil, // tests sign tokens with it
	"github.com/emersion/go-smtp":     nil, // an SMTP server for tests
	"github.com/pb33f":                nil, // checks the API in tests; it would add 9 MB to the program
	"k8s.io":                          nil, // Kubernetes' own types, for the test of deploy/kubernetes
	"sigs.k8s.io":                     nil, // reads YAML into them
	"github.com/standard-webhooks/standard-webhooks/libraries": nil, // tests verify our signatures with it
	"github.com/zitadel/oidc/v3":                               nil, // a provider for tests, which must never be part of the program
}

func TestArrows(t *testing.T) {
	architecture := readText(t, "docs/architecture.md")
	seen := map[string]bool{}
	for _, file := range goFiles(t) {
		folder, _, _ := strings.Cut(file, "/")
		if folder == file {
			folder = "."
		}
		if _, known := mayImport[folder]; !known {
			t.Errorf("%s: package %s is not in mayImport", file, folder)
			continue
		}
		if !seen[folder] && folder != "." && !strings.Contains(architecture, "`"+folder+"/`") {
			t.Errorf("docs/architecture.md doesn't mention `%s/`", folder)
		}
		seen[folder] = true
		if folder == "." && file != "main.go" && file != "embed.go" {
			t.Errorf("%s is at the root, where only main.go and embed.go belong", file)
		}
		for _, imported := range importsOf(t, file) {
			checkImport(t, file, folder, imported)
		}
	}
	for _, folder := range []string{".", "accounts", "command", "handlers", "hooks", "identity", "live", "mail", "mailer", "presence", "ui"} {
		if !seen[folder] {
			t.Errorf("no Go file found in %s", folder)
		}
	}
}

// checkImport checks one import of a file against mayImport and onlyIn.
func checkImport(t *testing.T, file, folder, imported string) {
	t.Helper()
	if ours, ok := strings.CutPrefix(imported, "rollcall/"); ok {
		target, _, _ := strings.Cut(ours, "/")
		inTest := strings.HasSuffix(file, "_test.go") &&
			(slices.Contains(testsMayImport[folder], target) || ours == "accounts/pgtest")
		if target != folder && !slices.Contains(mayImport[folder], target) && !inTest {
			t.Errorf("%s imports %s, but %s can only import %v", file, imported, folder, mayImport[folder])
		}
	}
	if strings.HasSuffix(file, "_test.go") {
		return
	}
	for module, homes := range onlyIn {
		if (imported == module || strings.HasPrefix(imported, module+"/")) && !slices.Contains(homes, folder) {
			t.Errorf("%s imports %s, but only %v can", file, imported, homes)
		}
	}
}

// TestOnlyCommandReadsTheEnvironment: all settings come from command. Separate programs and tests can read the
// environment too, and so can accounts/pgtest, which only tests use.
func TestOnlyCommandReadsTheEnvironment(t *testing.T) {
	found := false
	for _, file := range goFiles(t) {
		folder, _, _ := strings.Cut(file, "/")
		if strings.HasSuffix(file, "_test.go") || slices.Contains([]string{"bench", "e2e", "scripts"}, folder) ||
			strings.HasPrefix(file, "accounts/pgtest/") {
			continue
		}
		ast.Inspect(parse(t, file, 0), func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok || !slices.Contains([]string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}, selector.Sel.Name) {
				return true
			}
			if on, ok := selector.X.(*ast.Ident); !ok || on.Name != "os" && on.Name != "syscall" {
				return true
			}
			if found = found || folder == "command"; folder != "command" {
				t.Errorf("%s reads the environment with %s, but only command can", file, selector.Sel.Name)
			}
			return true
		})
	}
	if !found {
		t.Error("command doesn't read the environment, so this test looks for the wrong thing")
	}
}

// goFiles returns the paths of the repository's Go files relative to root, without hidden folders and build output.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS(root), ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		hidden := strings.HasPrefix(name, ".") && file != "."
		if d.IsDir() && (hidden || slices.Contains([]string{"node_modules", "testdata", "bin"}, name)) {
			return filepath.SkipDir
		}
		if path.Ext(name) == ".go" {
			files = append(files, file)
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
	var imports []string
	for _, spec := range parse(t, file, parser.ImportsOnly).Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		imports = append(imports, imported)
	}
	return imports
}

// parse parses a file. The path is relative to root.
func parse(t *testing.T, file string, mode parser.Mode) *ast.File {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, mode)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
