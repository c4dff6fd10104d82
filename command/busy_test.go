//go:build linux

package command

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"rollcall/accounts"
)

const testToken = "rollcall_000000000000000000000000000000000000000026NDBb"

// claimServer is a server that tells which requests it gets.
func claimServer(t *testing.T) (url string, requests <-chan string) {
	t.Helper()
	told := make(chan string, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told <- r.Method + " " + r.URL.Path
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	return server.URL, told
}

// busyScript runs a shell script under busy. It must print ready.
func busyScript(t *testing.T, url, script string, attr *syscall.SysProcAttr, tty *os.File) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "rollcall", "busy", "--key", "build", "--", "sh", "-c", script)
	cmd.Env = append(os.Environ(), clientURL+"="+url, clientToken+"="+testToken, "HOME="+t.TempDir(), "XDG_CONFIG_HOME=")
	cmd.SysProcAttr = attr
	var out *bufio.Reader
	if tty == nil {
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		out = bufio.NewReader(stdout)
	} else {
		cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() }) // a test that fails ends, too
	t.Cleanup(func() { guard.Stop(); cmd.Process.Kill() })
	return cmd, out
}

func wantLine(t *testing.T, out *bufio.Reader, want string) {
	t.Helper()
	for {
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatalf("the output ended (%v), want %q", err, want)
		}
		if strings.HasSuffix(strings.TrimSpace(line), want) { // a terminal also shows ^C
			return
		}
	}
}

func wantRequests(t *testing.T, requests <-chan string, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := <-requests; got != w {
			t.Errorf("the server gets %s, want %s", got, w)
		}
	}
}

func wantCode(t *testing.T, cmd *exec.Cmd, want int) {
	t.Helper()
	cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Errorf("busy ended with %v, want code %d", cmd.ProcessState, want)
	}
}

const (
	putBuild    = "PUT /api/v1/me/claims/build"
	deleteBuild = "DELETE /api/v1/me/claims/build"
)

// busy forwards SIGTERM and SIGHUP. The claim ends when the command has ended.
func TestBusyForwardsSignals(t *testing.T) {
	for s, name := range map[syscall.Signal]string{syscall.SIGTERM: "TERM", syscall.SIGHUP: "HUP"} {
		hear := make(chan os.Signal, 1)
		signal.Notify(hear, s) // or else a command inherits that the tests ignore it, as under nohup
		defer signal.Stop(hear)
		url, requests := claimServer(t)
		script := `trap 'kill $p; echo caught; exit 3' ` + name + `; sleep 60 >/dev/null & p=$!; echo ready; wait`
		cmd, out := busyScript(t, url, script, nil, nil)
		wantLine(t, out, "ready")
		wantRequests(t, requests, putBuild)
		cmd.Process.Signal(s)
		wantLine(t, out, "caught")
		wantCode(t, cmd, 3)
		wantRequests(t, requests, deleteBuild)
	}
}

// A command that a signal ends gives the exit code of a shell.
func TestBusyEndsLikeAShell(t *testing.T) {
	url, requests := claimServer(t)
	cmd, out := busyScript(t, url, "echo ready; exec sleep 60", nil, nil)
	wantLine(t, out, "ready")
	wantRequests(t, requests, putBuild)
	cmd.Process.Signal(syscall.SIGINT) // only to busy, which ignores it
	cmd.Process.Signal(syscall.SIGTERM)
	wantCode(t, cmd, 128+int(syscall.SIGTERM))
	wantRequests(t, requests, deleteBuild)
}

// Ctrl-C in a terminal is for the command, which decides what to do about it.
func TestBusyInATerminal(t *testing.T) {
	url, requests := claimServer(t)
	control, tty := openTerminal(t)
	cmd, _ := busyScript(t, url, `trap 'echo got it; exit 5' INT; echo ready; while :; do sleep 1; done`,
		&syscall.SysProcAttr{Setsid: true, Setctty: true}, tty)
	tty.Close() // so that control ends with the command
	out := bufio.NewReader(control)
	wantLine(t, out, "ready")
	wantRequests(t, requests, putBuild)
	if _, err := control.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	wantLine(t, out, "got it")
	wantCode(t, cmd, 5)
	wantRequests(t, requests, deleteBuild)
}

// A command in the background of a script keeps ignoring SIGINT.
func TestBusyInTheBackground(t *testing.T) {
	url, _ := claimServer(t)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `trap '' INT QUIT; exec rollcall busy -- sh -c 'kill -INT $$; kill -QUIT $$; exit 4'`)
	cmd.Env = append(os.Environ(), clientURL+"="+url, clientToken+"="+testToken)
	cmd.Run()
	wantCode(t, cmd, 4)
}

// openTerminal returns both ends of a terminal.
func openTerminal(t *testing.T) (control, tty *os.File) {
	t.Helper()
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { control.Close() })
	var unlock, number int32
	for request, arg := range map[uintptr]*int32{syscall.TIOCSPTLCK: &unlock, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, control.Fd(), request, uintptr(unsafe.Pointer(arg))); errno != 0 {
			t.Fatal(errno)
		}
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return control, tty
}

// Any command gets a key that the server takes.
func FuzzBusyKey(f *testing.F) {
	for _, seed := range []string{"make", "/usr/bin/Make", "--", "", "...", "-x", strings.Repeat("a", 100), "日本語"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if key := busyKey([]string{name}); accounts.CheckKey(key) != nil {
			t.Errorf("busyKey(%q) = %q, which isn't a key", name, key)
		}
	})
}
