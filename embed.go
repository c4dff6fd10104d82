package main

import (
	"embed"
	"io/fs"
)

// embedded holds what people see. It is filled when the program is built;
// ui/static/build comes from `make assets`, and ui.New says so when it is empty.
//
//go:embed all:ui/templates all:ui/static
var embedded embed.FS

// files returns the templates and assets as ui.New takes them.
func files() fs.FS {
	sub, err := fs.Sub(embedded, "ui")
	if err != nil {
		panic(err) // only for a path that is not valid, and "ui" is
	}
	return sub
}
