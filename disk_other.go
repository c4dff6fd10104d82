//go:build !linux && !darwin

package main

// writable is not known here before somebody writes.
func writable(string) error { return nil }

// freeSpace is not known here.
func freeSpace(string) (free uint64, known bool) { return 0, false }
