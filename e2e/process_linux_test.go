package e2e_test

import (
	"os/exec"
	"syscall"
)

// dieWithUs ends the program when the test process is killed, which no deferred function survives.
func dieWithUs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// ownGroup is dieWithUs for a program with children, which can then be killed together.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
