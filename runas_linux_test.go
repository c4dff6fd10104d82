package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const nobodys = 65532 // the user of the image

// owners is who owns each entry of folder, and the folder itself as ".".
func owners(t *testing.T, folder string) map[string]uint32 {
	t.Helper()
	all := map[string]uint32{}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append([]string{"."}, names(entries)...) {
		info, err := os.Lstat(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = info.Sys().(*syscall.Stat_t).Uid
	}
	return all
}

func names(entries []os.DirEntry) []string {
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// rollcall runs the command line and returns what it printed.
func rollcall(args ...string) (string, error) {
	out, err := exec.Command("rollcall", args...).CombinedOutput()
	return string(out), err
}

// Root is given up on request; who is not root asks in vain, and that is an error no command goes on after.
func TestRunAs(t *testing.T) {
	if os.Geteuid() != 0 {
		if err := (identity{nobodys, nobodys}).become(); err == nil {
			t.Error("become() without root = nil, want an error")
		}
		return
	}
	folder, elsewhere := t.TempDir(), t.TempDir()
	shadow, keys := filepath.Join(elsewhere, "shadow"), filepath.Join(elsewhere, "keys")
	if err := os.Chmod(filepath.Dir(folder), 0o755); err != nil { // or others cannot pass through it
		t.Fatal(err)
	}
	db := filepath.Join(folder, "rollcall.db")
	if out, err := rollcall("user", "add", "ada", "--create", "--db", db); err != nil {
		t.Fatalf("user add = %v\n%s", err, out)
	}
	for _, file := range []string{shadow, keys} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(shadow, db+".before-link"); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(keys, db+".before-second-name"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	status := statusOfServer(t, "--db", db, "--run-as", fmt.Sprint(nobodys))
	for _, want := range []string{
		"Uid:\t65532\t65532\t65532\t65532\n", "Gid:\t65532\t65532\t65532\t65532\n", "Groups:\t \n", "CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n",
	} {
		if !strings.Contains(status, want) {
			t.Errorf("the server's status lacks %q:\n%s", want, status)
		}
	}
	got := owners(t, folder)
	for name, want := range map[string]uint32{".": nobodys, "rollcall.db": nobodys, "rollcall.db.before-link": 0, "rollcall.db.before-second-name": 0, "lost+found": 0} {
		if owner, there := got[name]; !there || owner != want {
			t.Errorf("owner of %s = %d, %t, want %d", name, owner, there, want)
		}
	}
	if got := owners(t, elsewhere); got["shadow"] != 0 || got["keys"] != 0 {
		t.Errorf("owners elsewhere = %v, want root: nothing is given away through a link", got)
	}
}

// Root that may only do what giving root up takes gives a volume of root's away, and finds it given at the next start,
// whoever may look into it.
func TestRunAsWithFewCapabilities(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("without root there is nothing to give up: TestRunAs sees to that")
		return
	}
	few := "-all,+chown,+setuid,+setgid"
	for _, mode := range []os.FileMode{0o700, 0o755} {
		folder := t.TempDir()
		if err := errors.Join(os.Chmod(filepath.Dir(folder), 0o755), os.Chmod(folder, mode)); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"ada", "brook", "cyd"} {
			out, err := exec.Command("setpriv", "--bounding-set", few, "--inh-caps", few, "rollcall",
				"user", "add", name, "--create", "--db", filepath.Join(folder, "rollcall.db"), "--run-as", fmt.Sprint(nobodys)).CombinedOutput()
			if err != nil {
				t.Errorf("user add %s with few capabilities in a folder of mode %o = %v, want nil\n%s", name, mode, err, out)
			}
		}
		for name, owner := range owners(t, folder) {
			if owner != nobodys {
				t.Errorf("owner of %s in a folder of mode %o = %d, want %d", name, mode, owner, nobodys)
			}
		}
	}
}

// statusOfServer starts a server, and is what the system says of all its threads once it serves. The server ends in order.
func statusOfServer(t *testing.T, flags ...string) string {
	t.Helper()
	return statusOf(t, append([]string{"serve", "--addr", "127.0.0.1:0"}, flags...)...)
}

// statusOf is statusOfServer for any command that serves.
func statusOf(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("rollcall", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Groups: []uint32{0, 4, 6}}}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !bufio.NewScanner(stdout).Scan() {
		t.Fatalf("the server ended: %v\n%s", cmd.Wait(), log.String())
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		t.Error(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the server after SIGTERM: %v, want exit code 0\n%s", err, log.String())
	}
	return string(status)
}

// A demo serves too, and a variable asks for it as well.
func TestDemoGivesUpRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("without root there is nothing to give up: TestRunAs sees to that")
		return
	}
	t.Setenv("ROLLCALL_RUN_AS", fmt.Sprint(nobodys))
	t.Setenv("TMPDIR", "/tmp")
	if status := statusOf(t, "demo", "--addr", "127.0.0.1:0"); !strings.Contains(status, "Uid:\t65532\t65532\t65532\t65532\n") {
		t.Errorf("the demo's status lacks the user it was given:\n%s", status)
	}
}

// A command that has no such flag goes by the variable, and is refused what it does not mean; one that opens nothing does not look.
func TestCommandsWithoutTheFlag(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("without root there is nothing to give up: TestRunAs sees to that")
		return
	}
	t.Setenv("ROLLCALL_RUN_AS", "0")
	for command, refused := range map[string]bool{"db copy --from nowhere.db": true, "demo": true, "version": false, "health --addr 127.0.0.1:1": false} {
		if out, _ := rollcall(strings.Fields(command)...); strings.Contains(out, "--run-as") != refused {
			t.Errorf("rollcall %s with ROLLCALL_RUN_AS=0 prints %q, want a refusal: %t", command, out, refused)
		}
	}
}

// What belongs to the database goes by whole names.
func TestOfDatabase(t *testing.T) {
	for name, want := range map[string]bool{
		"board.db": true, "board.db-wal": true, "board.db-shm": true, "board.db-journal": true, "board.db.before-20261124T200001.000Z-wal": true,
		"board.db2": false, "board.db-wal2": false, "board.db.key": false, "board": false, "-wal": false, "other.db": false,
	} {
		if got := ofDatabase(name, "board.db"); got != want {
			t.Errorf("ofDatabase(%s, board.db) = %t, want %t", name, got, want)
		}
	}
}

// A folder that was not meant for it is not given away, and nothing is reached through a symbolic link.
func TestRunAsRefuses(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "letter"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(folder, link); err != nil {
		t.Fatal(err)
	}
	id := identity{nobodys, nobodys}
	db := filepath.Join(folder, "rollcall.db")
	if err := os.WriteFile(db, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(link, "rollcall.db"):             "symbolic link",
		filepath.Join(link, "deeper", "rollcall.db"):   "symbolic link",
		filepath.Join(folder, "letter", "rollcall.db"): "is no folder",
	} {
		if err := id.take(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("take(%s) = %v, want an error with %q", path, err, want)
		}
	}
	if err := id.take(filepath.Join(folder, "later", "rollcall.db")); err != nil {
		t.Errorf("take of what is not there yet = %v, want nil", err)
	}
	err := id.take(db)
	if refused := err != nil && strings.Contains(err.Error(), "letter, which belongs to root"); refused != (os.Geteuid() == 0) {
		t.Errorf("take in a folder of others = %v, want a refusal when they are root's", err)
	}
	if got := owners(t, folder); got["rollcall.db"] != got["letter"] || got["."] != got["letter"] {
		t.Errorf("owners after a refusal = %v, want nothing given away", got)
	}
}
