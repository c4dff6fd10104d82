//go:build !linux

package handlers

import (
	"net"
	"time"
)

// setUserTimeout does nothing: only Linux can limit how long a peer may be silent.
func setUserTimeout(*net.TCPConn, time.Duration) error { return nil }
