package command

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestLogLinesAreExplained: docs/operations.md says what each line at error or warn level means, and what to do.
func TestLogLinesAreExplained(t *testing.T) {
	text := readText(t, "docs/operations.md")
	explained := map[string]bool{}
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || strings.TrimSpace(cells[3]) == "" {
			continue
		}
		for i, part := range strings.Split(cells[1], "`") {
			explained[part] = explained[part] || i%2 == 1
		}
	}
	found := 0
	for _, call := range logCalls(t) {
		if call.method != "Error" && call.method != "Warn" {
			continue
		}
		if found++; !explained[call.message] {
			t.Errorf("docs/operations.md doesn't explain the log line %q from %s", call.message, call.file)
		}
	}
	for _, line := range []string{"request failed", "http server"} { // their level is a variable
		if !explained[line] {
			t.Errorf("docs/operations.md doesn't explain the log line %q", line)
		}
	}
	if found < 25 {
		t.Errorf("found %d calls that log at error or warn level, want at least 25", found)
	}
}

// TestLogKeyOfErrors: every logged error has the key err, so that one search finds all of them.
func TestLogKeyOfErrors(t *testing.T) {
	for _, call := range logCalls(t) {
		if slices.Contains(call.keys, "error") {
			t.Errorf("%s logs %q with the key error, want err", call.file, call.message)
		}
	}
}

// logCall is one call of a logger's method.
type logCall struct {
	file, method, message string
	keys                  []string // also includes values that are constant strings
}

// logCalls returns all calls that log, except in tests and separate programs.
func logCalls(t *testing.T) (calls []logCall) {
	t.Helper()
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "bench/") || strings.HasPrefix(file, "e2e/") {
			continue
		}
		ast.Inspect(parse(t, file, 0), func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && len(call.Args) > 0 {
				method, ok := call.Fun.(*ast.SelectorExpr)
				if ok && slices.Contains([]string{"Debug", "Info", "Warn", "Error"}, method.Sel.Name) && isLog(method.X) {
					calls = append(calls, newLogCall(t, file, method.Sel.Name, call.Args))
				}
			}
			return true
		})
	}
	return calls
}

// newLogCall parses the arguments of a call. The message must be constant, so that people can search for it.
func newLogCall(t *testing.T, file, method string, args []ast.Expr) logCall {
	t.Helper()
	message, ok := constant(args[0])
	if !ok {
		t.Errorf("%s logs a message that isn't constant", file)
	}
	call := logCall{file: file, method: method, message: message}
	for _, arg := range args[1:] {
		if key, ok := constant(arg); ok {
			call.keys = append(call.keys, key)
		}
	}
	return call
}

// constant returns the value of a string literal, or of a concatenation of literals.
func constant(e ast.Expr) (text string, ok bool) {
	switch x := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(x.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, ok := constant(x.X)
		right, also := constant(x.Y)
		return left + right, ok && also && x.Op == token.ADD
	}
	return "", false
}

// isLog reports whether a method is called on a logger, by its name.
func isLog(on ast.Expr) bool {
	switch x := on.(type) {
	case *ast.Ident:
		return x.Name == "log"
	case *ast.SelectorExpr:
		return strings.EqualFold(x.Sel.Name, "log")
	}
	return false
}
