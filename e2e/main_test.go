package e2e_test

import (
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

// slots lets three tests run at once, however many cores there are: each waits most of the time, and more would make the
// browser slow.
var slots = make(chan struct{}, 3)

// parallel lets t run beside few other tests.
func parallel(t *testing.T) {
	t.Parallel()
	slots <- struct{}{}
	t.Cleanup(func() { <-slots })
}
