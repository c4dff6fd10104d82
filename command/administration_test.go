package command

import (
	"slices"
	"strings"
	"testing"
)

// Each command that is said to do what administrators do in the browser exists.
func TestAdministrationCommands(t *testing.T) {
	commands := 0
	for line := range strings.Lines(readText(t, "handlers/testdata/administration.txt")) {
		path, list, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.HasPrefix(path, "/") {
			continue
		}
		for name := range strings.SplitSeq(list, ",") {
			words := strings.Fields(name)
			for n, word := range words {
				if !slices.Contains(completed(t, words[:n+1]...), word) {
					t.Errorf("%s: there's no command %q", path, strings.Join(words, " "))
				}
			}
			commands++
		}
	}
	if commands < 30 {
		t.Errorf("the list has %d commands, want those of all pages", commands)
	}
}
