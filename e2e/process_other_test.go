//go:build unix && !linux

package e2e_test

import (
	"os/exec"
	"syscall"
)

// dieWithUs does nothing here: only Linux supports it.
func dieWithUs(*exec.Cmd) {}

// ownGroup gives the program its own process group, so that it can be killed with its children.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
