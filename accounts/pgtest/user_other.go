//go:build !linux

package pgtest

import "os/exec"

// unprivileged does nothing here: tests are not run as root.
func unprivileged(*exec.Cmd) {}

// giveAway does nothing here, for the same reason.
func giveAway(string) error { return nil }
