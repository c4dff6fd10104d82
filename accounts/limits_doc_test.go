package accounts

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestLimitsAreDocumented compares docs/limits.md with the code.
func TestLimitsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/limits.md")
	do(t, "ReadFile", err)
	for _, want := range []string{
		fmt.Sprintf("| text of a status | %d characters |", maxStatusText),
		fmt.Sprintf("| a display name | %d characters |", maxName),
		fmt.Sprintf("| the name of the board | %d characters |", maxName),
		fmt.Sprintf("| pronouns | %d characters |", maxPronouns),
		fmt.Sprintf("| addresses to reach a person | %d, of %d B |", MaxContacts, maxContact),
		fmt.Sprintf("| favorites of a person | %d |", MaxFavorites),
		fmt.Sprintf("| %d, for %d days |", MaxAlerts, AlertLife/(24*time.Hour)),
		fmt.Sprintf("others wait; after %d s they get 503", hashWait/time.Second),
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/limits.md doesn't hold %q", want)
		}
	}
}
