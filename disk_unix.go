//go:build linux || darwin

package main

import "syscall"

// writeAccess is W_OK of access(2).
const writeAccess = 2

// writable returns why this user may not write path; nil: they may.
func writable(path string) error { return syscall.Access(path, writeAccess) }

// freeSpace is how many bytes this user may still write on the file system of path.
func freeSpace(path string) (free uint64, known bool) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(path, &stat); err != nil {
		return 0, false
	}
	return stat.Bavail * uint64(stat.Bsize), true
}
