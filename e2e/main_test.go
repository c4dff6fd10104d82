package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Set once by TestMain.
var (
	binary  string // the program under test
	scratch string // a folder that is deleted at the end
)

// TestMain builds the program, unless ROLLCALL_BINARY names one, and stops the shared browsers at the end.
func TestMain(m *testing.M) {
	os.Exit(runAll(m))
}

func runAll(m *testing.M) (code int) {
	if err := flag.Set("test.parallel", "1000"); err != nil { // see parallel and patient
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	folder, err := os.MkdirTemp("", "rollcall-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	scratch = folder
	defer os.RemoveAll(scratch)
	if binary = os.Getenv("ROLLCALL_BINARY"); binary == "" {
		binary = filepath.Join(scratch, "rollcall")
		if out, err := exec.Command("go", "build", "-o", binary, "rollcall").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
	} else if binary, err = existing(binary); err != nil {
		fmt.Fprintln(os.Stderr, "ROLLCALL_BINARY:", err)
		return 1
	}
	defer sharedShell.close()
	defer sharedFull.close()
	defer stopPostgres()
	return m.Run()
}

// existing returns the absolute path of a program, which must exist. Calling os.Stat on it makes go test ignore cached
// results when the program changes.
func existing(program string) (string, error) {
	program, err := filepath.Abs(program)
	if err != nil {
		return "", err
	}
	_, err = os.Stat(program)
	return program, err
}

// The capacity is how many tests run at once, on any number of cores. More would slow down the browsers and cause
// timeouts.
var (
	browserSlots = make(chan struct{}, 4) // tests in Chromium, which they share
	engineSlots  = make(chan struct{}, 1) // tests in Firefox or WebKit, which start for each test
	waitSlots    = make(chan struct{}, sized(proving(5, 2), 2))
)

// parallel runs t, which uses Chromium, in parallel with a few other tests.
func parallel(t *testing.T) { takeSlot(t, browserSlots) }

// patient runs t in parallel with a few other tests. It uses no browser, and mostly waits for leases, grace periods,
// and outages to end.
func patient(t *testing.T) { takeSlot(t, waitSlots) }

func takeSlot(t *testing.T, slots chan struct{}) {
	t.Parallel()
	slots <- struct{}{}
	t.Cleanup(func() { <-slots })
}
