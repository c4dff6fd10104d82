package ui

import (
	"os/exec"
	"strings"
	"testing"
)

// TestPasskeyScript runs the cases of testdata/passkey.mjs. They imitate what no test in a real browser can: password
// managers with broken methods, requests that overlap, and browsers without autofill.
func TestPasskeyScript(t *testing.T) {
	out, err := exec.Command("node", "testdata/passkey.mjs").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "14 cases") {
		t.Errorf("node testdata/passkey.mjs: %v, want 14 cases that pass\n%s", err, out)
	}
}
