//go:build unix

package handlers

import (
	"net"
	"syscall"
)

// writeNow writes as much of p as the kernel takes without waiting, and returns how much that was. It's 0 after an
// error too: a write that waits then finds the same error.
func writeNow(conn net.Conn, p []byte) (n int) {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Write(func(fd uintptr) bool {
		n, _ = syscall.Write(int(fd), p)
		return true // don't wait until the connection is writable
	})
	return max(n, 0)
}
