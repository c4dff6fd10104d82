package pgtest

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// unprivileged lets a program run as somebody else when we are root, which Postgres refuses to be, and ends it when the
// test process is killed, which no deferred function survives.
func unprivileged(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() == 0 {
		uid, gid := nobody()
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
}

// giveAway gives a folder to whoever unprivileged programs run as.
func giveAway(folder string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid := nobody()
	return os.Chown(folder, uid, gid)
}

// nobody is an unprivileged user: postgres, as packages make it, or the one who owns nothing anywhere.
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
