package hooks

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
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		fmt.Sprintf("| deliveries of webhooks at once | %d; %d to the webhooks of one person, %d to one webhook, 1 about one person |",
			maxSending, maxSendingOwner, maxSendingHook),
		fmt.Sprintf("| time for a delivery | %d s, of which %d s to connect |", sendTime/time.Second, dialTime/time.Second),
		fmt.Sprintf("| an answer to a delivery | %d KiB are read", maxAnswer>>10),
		fmt.Sprintf("| tries of a delivery | %d, in about 28 hours |", len(pauses)+1),
		fmt.Sprintf("| failures of a webhook | %d in a row; all for %d days |", circuitAfter, failingFor/(24*time.Hour)),
		fmt.Sprintf("| people in one message to a chat | %d |", maxTogether),
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/limits.md doesn't hold %q", want)
		}
	}
}
