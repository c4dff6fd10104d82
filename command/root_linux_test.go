package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const nobodys = 65532 // the user of the image

// owners maps each entry of folder, and the folder itself as ".", to its owner.
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

// rollcall runs a command line and returns its output. It stops a server after a minute.
func rollcall(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "rollcall", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil && err != nil {
		err = nil // it served
	}
	return string(out), err
}

// A server that root starts with --run-as becomes that user for good, and gives only the database away.
func TestRunAs(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("without root there's nothing to give up: TestBecomeNeedsRoot checks that")
		return
	}
	folder, elsewhere := t.TempDir(), t.TempDir()
	shadow, keys := filepath.Join(elsewhere, "shadow"), filepath.Join(elsewhere, "keys")
	if err := os.Chmod(filepath.Dir(folder), 0o755); err != nil { // so that other users can pass through it
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
		"Uid:\t65532\t65532\t65532\t65532\n", "Gid:\t65532\t65532\t65532\t65532\n", "Groups:\t \n",
		"CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n",
	} {
		if !strings.Contains(status, want) {
			t.Errorf("the server's status lacks %q:\n%s", want, status)
		}
	}
	got := owners(t, folder)
	for name, want := range map[string]uint32{
		".": nobodys, "rollcall.db": nobodys, "rollcall.db.before-link": 0, "rollcall.db.before-second-name": 0,
		"lost+found": 0,
	} {
		if owner, there := got[name]; !there || owner != want {
			t.Errorf("owner of %s = %d, %t, want %d", name, owner, there, want)
		}
	}
	if got := owners(t, elsewhere); got["shadow"] != 0 || got["keys"] != 0 {
		t.Errorf("owners elsewhere = %v, want root, because links aren't followed", got)
	}
}

// With only the capabilities for giving up root, root gives a volume away on the first start, and later starts also
// work, whatever the volume's mode.
func TestRunAsWithFewCapabilities(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("without root there's nothing to give up: TestBecomeNeedsRoot checks that")
		return
	}
	few := "-all,+chown,+setuid,+setgid"
	for _, mode := range []os.FileMode{0o700, 0o755} {
		folder := t.TempDir()
		if err := errors.Join(os.Chmod(filepath.Dir(folder), 0o755), os.Chmod(folder, mode)); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"ada", "brook", "cyd"} {
			out, err := exec.Command("setpriv", "--bounding-set", few, "--inh-caps", few,
				"rollcall", "user", "add", name, "--create", "--db", filepath.Join(folder, "rollcall.db"),
				"--run-as", fmt.Sprint(nobodys)).CombinedOutput()
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

// statusOfServer starts a server, reads its status from /proc when it serves, and stops it.
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

// The demo also gives up root if the variable is set.
func TestDemoGivesUpRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("without root there's nothing to give up: TestBecomeNeedsRoot checks that")
		return
	}
	t.Setenv("ROLLCALL_RUN_AS", fmt.Sprint(nobodys))
	t.Setenv("TMPDIR", "/tmp")
	if status := statusOf(t, "demo", "--addr", "127.0.0.1:0"); !strings.Contains(status,
		"Uid:\t65532\t65532\t65532\t65532\n") {
		t.Errorf("the demo's status lacks the user in ROLLCALL_RUN_AS:\n%s", status)
	}
}

// A command without the flag uses the variable, and rejects an invalid value. A command that opens nothing ignores it.
func TestCommandsWithoutTheFlag(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("without root there's nothing to give up: TestBecomeNeedsRoot checks that")
		return
	}
	t.Setenv("ROLLCALL_RUN_AS", "0")
	for command, refused := range map[string]bool{
		"db copy --from nowhere.db": true, "demo": true, "version": false, "health --addr 127.0.0.1:1": false,
	} {
		if out, _ := rollcall(strings.Fields(command)...); strings.Contains(out, "--run-as") != refused {
			t.Errorf("rollcall %s with ROLLCALL_RUN_AS=0 prints %q, want an error: %t", command, out, refused)
		}
	}
}

// serviceFolder creates a folder like that of a service, with a database of two people, all owned by the user nobodys.
// ofRoot is a folder that only root can open.
func serviceFolder(t *testing.T) (db, ofRoot string) {
	t.Helper()
	top := t.TempDir()
	folder, ofRoot := filepath.Join(top, "service"), filepath.Join(top, "root")
	for name, mode := range map[string]os.FileMode{folder: 0o755, ofRoot: 0o700} {
		if err := os.Mkdir(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(os.Chmod(filepath.Dir(top), 0o755), os.Chmod(top, 0o755), os.Chown(folder, nobodys, nobodys))
	if err != nil {
		t.Fatal(err)
	}
	db = filepath.Join(folder, "rollcall.db")
	for _, name := range []string{"ada", "brook"} {
		if out, err := rollcall("user", "add", name, "--create", "--db", db, "--run-as", fmt.Sprint(nobodys)); err != nil {
			t.Fatalf("user add = %v\n%s", err, out)
		}
	}
	return db, ofRoot
}

// If a service's user puts links into its folder, no command that root runs changes anything outside the folder.
func TestRootFollowsNoPlantedLinks(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("without root there's nothing to give up: TestBecomeNeedsRoot checks that")
		return
	}
	t.Setenv("HOME", t.TempDir())
	db, ofRoot := serviceFolder(t)
	backup, dangling := filepath.Join(ofRoot, "backup.db"), filepath.Join(ofRoot, "new.db")
	precious := filepath.Join(ofRoot, "precious")
	if out, err := rollcall("backup", backup, "--db", db); err != nil {
		t.Fatalf("backup = %v\n%s", err, out)
	}
	if err := os.WriteFile(precious, []byte("root's"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(db)
	plant := func(name, target string) string {
		t.Helper()
		link := filepath.Join(folder, name)
		if err := errors.Join(os.Symlink(target, link), os.Lchown(link, nobodys, nobodys)); err != nil {
			t.Fatal(err)
		}
		return link
	}
	toFile, toNothing, toFolder := plant("file.db", precious), plant("nothing.db", dangling), plant("folder", ofRoot)
	toBackup := plant("backup.db", backup)
	for _, args := range [][]string{
		{"restore", backup, "--force", "--db", toFile},
		{"restore", backup, "--force", "--db", toNothing},
		{"restore", backup, "--force", "--db", filepath.Join(toFolder, "new.db")},
		{"user", "add", "eve", "--create", "--db", toNothing},
		{"user", "add", "eve", "--create", "--db", filepath.Join(toFolder, "new.db")},
		{"user", "list", "--db", toBackup},
		{"user", "disable", "ada", "--db", toBackup},
		{"doctor", "--db", toBackup},
		{"backup", filepath.Join(ofRoot, "second.db"), "--db", toBackup},
		{"backup", filepath.Join(toFolder, "second.db"), "--db", db},
		{"backup", toFile, "--db", toBackup, "--force"},
		{"restore", toBackup, "--force", "--db", db},
		{"serve", "--addr", "127.0.0.1:0", "--db", toNothing},
		{"serve", "--addr", "127.0.0.1:0", "--db", toFile},
	} {
		if out, err := rollcall(args...); err == nil {
			t.Errorf("rollcall %q = nil, want an error\n%s", args, out)
		}
	}
	if text, err := os.ReadFile(precious); err != nil || string(text) != "root's" {
		t.Errorf("root's file contains %.20q (%v), want it unchanged", text, err)
	}
	if entries, err := os.ReadDir(ofRoot); err != nil || len(entries) != 2 {
		t.Errorf("root's folder contains %q (%v), want no new files", names(entries), err)
	}
}

// As documented, root can back up to its own folders, restore from them, and import people from a file that only root
// can read. Each file belongs to the owner of its folder.
func TestRootWorksInServiceFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("without root there's nothing to give up: TestBecomeNeedsRoot checks that")
		return
	}
	t.Setenv("HOME", t.TempDir())
	for _, mode := range []os.FileMode{0o755, 0o700} { // of the folder above; systemd's /var/lib/private has 0700
		db, ofRoot := serviceFolder(t)
		if err := os.Chmod(filepath.Dir(filepath.Dir(db)), mode); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(ofRoot, "link")
		if err := os.Symlink(filepath.Dir(db), link); err != nil {
			t.Fatal(err)
		}
		db = filepath.Join(link, "rollcall.db") // systemd has such a link at /var/lib/rollcall
		backup, people := filepath.Join(ofRoot, "backup.db"), filepath.Join(ofRoot, "people.csv")
		if err := os.WriteFile(people, []byte("username,password\ncyd,correct horse battery\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		run := func(want string, args ...string) {
			t.Helper()
			if out, err := rollcall(args...); err != nil || !strings.Contains(out, want) {
				t.Errorf("below a folder of mode %o: rollcall %q = %v, want %q\n%s", mode, args, err, want, out)
			}
		}
		run("Added dana", "user", "add", "dana", "--db", db)
		run("People added: 1", "user", "import", people, "--db", db)
		run("4 accounts, checked", "backup", backup, "--db", db)
		run("Deleted cyd", "user", "delete", "cyd", "--yes", "--db", db)
		run("Restored 4 accounts", "restore", backup, "--db", db, "--force")
		run("\ncyd ", "user", "list", "--db", db)
		run("4 accounts, checked", "backup", backup, "--db", db, "--force")
		run("4 accounts, checked", "backup", filepath.Join(link, "backup.db"), "--db", db)
		run("Restored 4 accounts", "restore", filepath.Join(link, "backup.db"), "--db", db, "--force")
		run("not set: this process serves alone", "doctor", "--db", db)
		for name, owner := range owners(t, filepath.Join(filepath.Dir(ofRoot), "service")) {
			if owner != nobodys {
				t.Errorf("below a folder of mode %o: %s belongs to %d, want %d", mode, name, owner, nobodys)
			}
		}
		if got := owners(t, ofRoot); got["backup.db"] != 0 || got["."] != 0 || len(got) != 4 {
			t.Errorf("below a folder of mode %o: owners in root's folder are %v, want root, with the backup", mode, got)
		}
		out, err := rollcall("restore", backup, "--db", db)
		if err == nil || !strings.Contains(out, "/service/rollcall.db already exists") &&
			!strings.Contains(out, db+" already exists") {
			t.Errorf("restore without --force = %v, want the full path in\n%s", err, out)
		}
	}
}

// A server that root starts on a service's folder becomes the service's user after it has read the secrets that only
// root can read.
func TestServerBecomesTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("without root there's nothing to give up: TestBecomeNeedsRoot checks that")
		return
	}
	db, ofRoot := serviceFolder(t)
	if status := statusOfServer(t, "--db", db); !strings.Contains(status, "Uid:\t65532\t65532\t65532\t65532\n") {
		t.Errorf("the server's status lacks the owner of its folder:\n%s", status)
	}
	secret := filepath.Join(ofRoot, "url")
	if err := os.WriteFile(secret, []byte("postgres://ada@127.0.0.1:1/rollcall"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DATABASE_URL_FILE", secret)
	if out, err := rollcall("db", "copy", "--from", db); err == nil || !strings.Contains(out, "cannot be reached") {
		t.Errorf("db copy with one of root's secrets = %v, want an error that Postgres cannot be reached\n%s", err, out)
	}
}
