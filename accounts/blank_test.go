package accounts

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/runenames"
)

// drawsNothing reports whether the Unicode name of r calls it a blank, a null, a filler, or an object replacement.
// Pictures of control characters (␀, ␢) and line fillers, which are punctuation, are visible.
func drawsNothing(r rune) bool {
	words := strings.FieldsFunc(runenames.Name(r), func(r rune) bool { return r == ' ' || r == '-' })
	switch {
	case 0x2400 <= r && r <= 0x243F:
		return false
	case slices.Contains(words, "BLANK"), slices.Contains(words, "NULL"), slices.Contains(words, "OBJECT"):
		return true
	}
	return slices.Contains(words, "FILLER") && !unicode.Is(unicode.P, r)
}

// The table of blanks matches the Unicode tables, including after an update of those.
func TestBlanksAreThoseOfUnicode(t *testing.T) {
	for r := rune(' '); r <= unicode.MaxRune; r++ {
		if got, want := unicode.Is(blanks, r), drawsNothing(r); got != want {
			t.Errorf("unicode.Is(blanks, %U) = %v, want %v: it is %s", r, got, want, runenames.Name(r))
		}
	}
}

func TestBlankNames(t *testing.T) {
	tried := 0
	for r := rune(' '); r <= unicode.MaxRune; r++ {
		if !drawsNothing(r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) {
			continue
		}
		tried++
		for _, name := range []string{string(r), strings.Repeat(string(r), 2), "Ada" + string(r)} {
			if got, err := cleanDisplayName(name); err == nil {
				t.Errorf("cleanDisplayName(%U) = %q, want an error: %s", []rune(name), got, runenames.Name(r))
			}
		}
	}
	if tried < 10 {
		t.Errorf("%d characters were tried, want 10 and more", tried)
	}
	for _, name := range []string{"␀", "␢", "∅", "𝅗", "꣹", "◍"} { // similar names, but drawn
		if got, err := cleanDisplayName(name); err != nil || got != name {
			t.Errorf("cleanDisplayName(%q) = %q, %v, want it as it is", name, got, err)
		}
	}
}
