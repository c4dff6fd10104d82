//go:build !unix

package process

// FileLimit returns 0, because the limit on open files isn't known on this system.
func FileLimit() int { return 0 }
