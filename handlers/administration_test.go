package handlers

import (
	"os"
	"strings"
	"testing"
)

// Everything that administrators can do in the browser is in the list of what commands do. A test in command checks
// that there are such commands.
func TestAdministrationHasCommands(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/administration.txt")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if path, _, found := strings.Cut(line, " "); found && path != "#" {
			listed[path] = true
		}
	}
	routes := map[string]bool{}
	for _, route := range newFixture(t).server.echo.Routes() {
		if routes[route.Path] = true; strings.HasPrefix(route.Path, "/admin") && !listed[route.Path] {
			t.Errorf("testdata/administration.txt names no command for %s %s", route.Method, route.Path)
		}
	}
	for path := range listed {
		if !routes[path] {
			t.Errorf("testdata/administration.txt has %s, which isn't a route", path)
		}
	}
}
