package main

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

// version tells what was built, as the Go tool stamped it: the tag, or the commit's time and hash, with +dirty when
// the source had changes.
func version() string {
	return fmt.Sprintf("rollcall %s %s/%s %s", buildVersion(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}
