//go:build unix

package process

import "syscall"

// FileLimit returns how many files this process can have open, including sockets. 0 means that it isn't known. Go
// raises the limit as far as it can when the process starts.
func FileLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > 1<<30 {
		return 0
	}
	return int(limit.Cur)
}
