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
		fmt.Sprintf("others wait; after %d s they get 503", hashWait/time.Second),
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/limits.md doesn't hold %q", want)
		}
	}
}
