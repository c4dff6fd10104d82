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
	scratch string // a folder that is removed at the end
)

// TestMain builds the program, unless ROLLCALL_BINARY names one, and ends the browsers that the tests share.
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
	} else if binary, err = given(binary); err != nil {
		fmt.Fprintln(os.Stderr, "ROLLCALL_BINARY:", err)
		return 1
	}
	defer sharedShell.close()
	defer sharedWhole.close()
	return m.Run()
}

// given is the path of a program that is there. That it was looked at keeps go test from answering from its cache when it
// has changed.
func given(program string) (string, error) {
	program, err := filepath.Abs(program)
	if err != nil {
		return "", err
	}
	_, err = os.Stat(program)
	return program, err
}

// How many tests run at once, however many cores there are: more would make browsers slow, and what is waited for late.
var (
	browsing = make(chan struct{}, 2)
	waiting  = make(chan struct{}, 2)
)

// parallel lets t, which has a browser, run beside few other tests.
func parallel(t *testing.T) { beside(t, browsing) }

// patient lets t run beside few other tests. It has no browser, and mostly waits for leases, graces and outages to end.
func patient(t *testing.T) { beside(t, waiting) }

func beside(t *testing.T, slots chan struct{}) {
	t.Parallel()
	slots <- struct{}{}
	t.Cleanup(func() { <-slots })
}
