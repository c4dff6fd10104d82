//go:build unix

package process

import "syscall"

// KeepFilesPrivate keeps everything that this process creates (the database, its log, temporary folders) from other
// users of the machine.
func KeepFilesPrivate() { syscall.Umask(0o077) }
