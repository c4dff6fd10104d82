package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestLogLinesAreExplained: docs/operations.md says of every line at error or warn level what it means and what to do.
func TestLogLinesAreExplained(t *testing.T) {
	text, err := os.ReadFile("docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || strings.TrimSpace(cells[3]) == "" {
			continue
		}
		for i, part := range strings.Split(cells[1], "`") {
			explained[part] = explained[part] || i%2 == 1
		}
	}
	found := 0
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "bench/") || strings.HasPrefix(file, "e2e/") {
			continue
		}
		for _, line := range logLines(t, file) {
			if found++; !explained[line] {
				t.Errorf("docs/operations.md does not explain the line of the log %q, from %s", line, file)
			}
		}
	}
	for _, line := range []string{"request failed", "http server"} { // their level is a variable
		if !explained[line] {
			t.Errorf("docs/operations.md does not explain the line of the log %q", line)
		}
	}
	if found < 25 {
		t.Errorf("%d calls that log at error or warn level were found, want all", found)
	}
}

// logLines are the messages that file logs at error or warn level. They are constants, so they can be found.
func logLines(t *testing.T, file string) (lines []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || method.Sel.Name != "Error" && method.Sel.Name != "Warn" {
			return true
		}
		if !isLog(method.X) {
			return true // http.Error, for one
		}
		text, ok := call.Args[0].(*ast.BasicLit)
		if !ok {
			t.Errorf("%s logs something that is no constant", file)
			return true
		}
		line, err := strconv.Unquote(text.Value)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
		return true
	})
	return lines
}

// isLog reports whether what a method is called on is a logger, by its name.
func isLog(on ast.Expr) bool {
	switch x := on.(type) {
	case *ast.Ident:
		return x.Name == "log"
	case *ast.SelectorExpr:
		return strings.EqualFold(x.Sel.Name, "log")
	}
	return false
}
