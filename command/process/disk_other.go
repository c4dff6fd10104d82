//go:build !linux && !darwin

package process

// CheckWritable returns nil: other systems only find out when they write.
func CheckWritable(string) error { return nil }

// FreeSpace isn't known on this system.
func FreeSpace(string) (free uint64, known bool) { return 0, false }
