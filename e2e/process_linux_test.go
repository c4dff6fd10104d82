package e2e_test

import (
	"os/exec"
	"syscall"
)

// dieWithUs ends the program when the test process is killed, because deferred functions don't run then.
func dieWithUs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// ownGroup does the same, and gives the program its own process group, so that it can be killed with its children.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
