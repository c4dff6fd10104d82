//go:build !linux && !darwin

package process

// CheckWritable always returns nil on this system.
func CheckWritable(string) error { return nil }

// FreeSpace returns false, because the free space isn't known on this system.
func FreeSpace(string) (free uint64, known bool) { return 0, false }
