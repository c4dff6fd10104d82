package pgtest

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// unprivileged runs a program as another user if we're root, because Postgres refuses to run as root. It also makes the
// kernel end the program if the test process is killed, because deferred functions don't run then.
func unprivileged(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() == 0 {
		uid, gid := nobody()
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
}

// giveAway changes the owner of a folder to the user that unprivileged programs run as.
func giveAway(folder string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid := nobody()
	return os.Chown(folder, uid, gid)
}

// nobody returns an unprivileged user: postgres if it exists, or else nobody.
func nobody() (uid, gid int) {
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ = strconv.Atoi(u.Uid)
			gid, _ = strconv.Atoi(u.Gid)
			return uid, gid
		}
	}
	return 65534, 65534
}
