//go:build !unix

package process

// KeepFilesPrivate does nothing on systems where new files are already private to their user's profile.
func KeepFilesPrivate() (restore func()) { return func() {} }
