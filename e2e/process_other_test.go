//go:build unix && !linux

package e2e_test

import (
	"os/exec"
	"syscall"
)

// dieWithUs does nothing here: only Linux has a means for it.
func dieWithUs(*exec.Cmd) {}

// ownGroup gives a program with children a group, so that they can be killed together.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
