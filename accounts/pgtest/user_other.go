//go:build !linux

package pgtest

import "os/exec"

// unprivileged does nothing, because tests don't run as root here.
func unprivileged(*exec.Cmd) {}

// giveAway does nothing, for the same reason.
func giveAway(string) error { return nil }

// thaw does nothing, because nothing freezes servers here.
func (s *Server) thaw() {}
