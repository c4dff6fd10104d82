package command

import (
	"os"

	"golang.org/x/term"
)

// onTerminal reports whether standard output is a terminal that can move its cursor.
func (con *console) onTerminal() bool {
	out, ok := con.stdout.(*os.File)
	return ok && term.IsTerminal(int(out.Fd())) && con.env["TERM"] != "dumb"
}

// colors reports whether to color what is printed.
func (con *console) colors() bool { return con.env["NO_COLOR"] == "" && con.onTerminal() }
