//go:build linux || darwin

package process

import "syscall"

// writeAccess is W_OK of access(2).
const writeAccess = 2

// CheckWritable returns an error if this user can't write path.
func CheckWritable(path string) error { return syscall.Access(path, writeAccess) }

// FreeSpace returns how many bytes this user can still write to the file system of path.
func FreeSpace(path string) (free uint64, known bool) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(path, &stat); err != nil {
		return 0, false
	}
	return stat.Bavail * uint64(stat.Bsize), true
}
