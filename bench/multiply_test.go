package main

import "testing"

func TestNameAt(t *testing.T) {
	for _, c := range []struct{ n, syllables int }{{firstNames, 2}, {lastNames, 3}} {
		seen := map[string]bool{}
		for i := range c.n {
			name := nameAt(i, c.syllables)
			if seen[name] || len(name) != 2*c.syllables {
				t.Fatalf("nameAt(%d, %d) = %q, want another name of %d letters", i, c.syllables, name, 2*c.syllables)
			}
			seen[name] = true
		}
	}
}
