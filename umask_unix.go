//go:build unix

package main

import "syscall"

// restrictNewFiles keeps everything this process creates (the database, its log, temporary folders) from other users
// of the machine.
func restrictNewFiles() { syscall.Umask(0o077) }
