package command

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionCmd prints the version.
type versionCmd struct{}

// Run prints one line.
func (versionCmd) Run(_ context.Context, con *console) error {
	_, err := fmt.Fprintln(con.stdout, version())
	return err
}

// version returns the version that the Go tool recorded in the build: the tag, or the commit's time and hash, with
// +dirty if the source had uncommitted changes.
func version() string {
	return fmt.Sprintf("rollcall %s %s/%s %s", buildVersion(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}
