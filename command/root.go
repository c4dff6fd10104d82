package command

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"rollcall/command/process"
)

// giveUpRoot applies --run-as in a process that was started as root, before its command opens anything: it gives the
// database's folder to the user, and becomes the user for good. Commands without the flag use its variable, so that no
// command does its work as root in an image.
//
// Without --run-as, root acts with the rights of the user who owns the database's folder, because that user may have
// put links into it.
func giveUpRoot(command *kong.Context, con *console) error {
	as, known := textOf(command, "run-as")
	if !known && !opensNothing(command.Selected()) {
		as = con.env["ROLLCALL_RUN_AS"]
	}
	if os.Geteuid() != 0 {
		return nil
	}
	if as == "" {
		return actAsOwner(command, con)
	}
	id, err := process.ParseIdentity(as)
	if err != nil {
		return err
	}
	if db, _ := textOf(command, "db"); db != "" && command.Command() != "doctor" { // doctor changes nothing
		if db, err = filepath.Abs(db); err != nil {
			return fmt.Errorf("--db: %w", err)
		}
		if err := id.Take(db); err != nil {
			return fmt.Errorf("--run-as %s: %w", as, err)
		}
	}
	if err := id.Become(); err != nil {
		return fmt.Errorf("--run-as %s: %w: "+
			"start Rollcall as that user, or don't drop the capabilities CHOWN, SETUID and SETGID", as, err)
	}
	return nil
}

// opensNothing reports whether a command works as any user. A health check must work without any capability.
func opensNothing(command *kong.Node) bool {
	return command != nil && (command.Name == "healthcheck" || command.Name == "version")
}

// dropsRoot is a command that needs files outside the database's folder, and so gives up root in its own way.
type dropsRoot interface{ dropRoot(process.Path) error }

// actAsOwner gives up root if another user owns the database's folder.
func actAsOwner(command *kong.Context, con *console) error {
	flag := databaseFlag(command, con.env)
	if flag == nil || flag.Target.String() == "" {
		return nil
	}
	db, err := process.Resolve(flag.Target.String())
	if err != nil || db.IsRoots() {
		return err
	}
	if err := con.env.readSecrets(); err != nil {
		return err
	}
	con.db = db
	if own, ok := command.Selected().Target.Addr().Interface().(dropsRoot); ok {
		err = own.dropRoot(db)
	} else {
		err = db.Enter()
	}
	if os.Geteuid() != 0 { // no longer root
		flag.Target.SetString(db.String())
	}
	return err
}

// databaseFlag returns the flag that names the database file, or nil if the command doesn't open one.
func databaseFlag(command *kong.Context, env environment) (flag *kong.Flag) {
	if command.Selected() == nil {
		return nil
	}
	switch command.Selected().Name {
	case "config", "healthcheck", "version", "demo":
		return nil
	case "copy":
		flag, _ = flagOf(command, "from")
		return flag
	}
	if env["DATABASE_URL"] == "" && env["DATABASE_URL_FILE"] == "" {
		flag, _ = flagOf(command, "db")
	}
	return flag
}

// flagOf finds a flag of the command or of a command above it.
func flagOf(command *kong.Context, name string) (*kong.Flag, bool) {
	for _, flag := range command.Flags() {
		if flag.Name == name {
			return flag, true
		}
	}
	return nil, false
}

// textOf returns the text of a flag, and whether the command has the flag.
func textOf(command *kong.Context, name string) (text string, known bool) {
	flag, known := flagOf(command, name)
	if !known {
		return "", false
	}
	return flag.Target.String(), true
}
