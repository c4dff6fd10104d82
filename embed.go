package main

import (
	"embed"
	"io/fs"
)

// embedded holds what people see. ui/static/build comes from `make assets`; ui.New returns an error if it's empty.
//
//go:embed all:ui/templates all:ui/static
var embedded embed.FS

// files returns the templates and assets as ui.New takes them.
func files() fs.FS {
	sub, err := fs.Sub(embedded, "ui")
	if err != nil {
		panic(err) // only for an invalid path, and "ui" is valid
	}
	return sub
}
