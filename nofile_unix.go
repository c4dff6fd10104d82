//go:build unix

package main

import "syscall"

// fileLimit is how many files this process may have open, sockets included; 0: not known. Go has raised the limit as far
// as it may be raised by then.
func fileLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > 1<<30 {
		return 0
	}
	return int(limit.Cur)
}
