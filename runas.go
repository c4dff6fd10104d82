package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// identity is the user that a process started as root becomes. Images ask for it, because a volume that a platform
// mounts belongs to root and because nothing that Rollcall does needs root.
type identity struct{ uid, gid int }

// maxID is the largest number of a user or group; the one above means "no change" to the system.
const maxID = 1<<32 - 2

// parseIdentity reads UID or UID:GID; the group has the number of the user where none is given.
func parseIdentity(text string) (identity, error) {
	uid, gid, two := strings.Cut(text, ":")
	if !two {
		gid = uid
	}
	var ids [2]int
	for i, part := range []string{uid, gid} {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil || n == 0 || n > maxID {
			return identity{}, fmt.Errorf("--run-as %q: write the number of a user who is not root, like 65532, or UID:GID", text)
		}
		ids[i] = int(n)
	}
	return identity{ids[0], ids[1]}, nil
}

// String is UID:GID.
func (id identity) String() string { return fmt.Sprintf("%d:%d", id.uid, id.gid) }

// giveUpRoot does what --run-as asks of a process that was started as root, before its command opens anything: the
// database's folder becomes the user's, and so does the process, for good. Anybody else stays who they are. Commands
// without the flag go by its variable, so that nothing an image does is done by root.
//
// Without --run-as, root acts with the rights of whoever owns the folder of the database: they may have put links into it.
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
	id, err := parseIdentity(as)
	if err != nil {
		return err
	}
	if db, _ := textOf(command, "db"); db != "" && command.Command() != "doctor" { // which changes nothing
		if db, err = filepath.Abs(db); err != nil {
			return fmt.Errorf("--db: %w", err)
		}
		if err := id.take(db); err != nil {
			return fmt.Errorf("--run-as %s: %w", as, err)
		}
	}
	if err := id.become(); err != nil {
		return fmt.Errorf("--run-as %s: %w: start Rollcall as that user, or leave root the capabilities CHOWN, SETUID and SETGID", as, err)
	}
	return nil
}

// opensNothing reports whether a command needs no user: a health check must work without any capability.
func opensNothing(command *kong.Node) bool {
	return command != nil && (command.Name == "healthcheck" || command.Name == "version")
}

// flagOf finds a flag of the command or of one above it.
func flagOf(command *kong.Context, name string) (*kong.Flag, bool) {
	for _, flag := range command.Flags() {
		if flag.Name == name {
			return flag, true
		}
	}
	return nil, false
}

// textOf is the text of a flag, and whether there is one.
func textOf(command *kong.Context, name string) (text string, known bool) {
	flag, known := flagOf(command, name)
	if !known {
		return "", false
	}
	return flag.Target.String(), true
}
