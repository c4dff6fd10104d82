//go:build unix

package process

import "syscall"

// KeepFilesPrivate keeps everything that this process creates (the database, its log, temporary folders) from other
// users of the machine. restore undoes it.
func KeepFilesPrivate() (restore func()) {
	was := syscall.Umask(0o077)
	return func() { syscall.Umask(was) }
}
