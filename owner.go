package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/alecthomas/kong"
)

// place is where a path leads as far as that is root's to decide. Everything above folder is root's; what is below it is
// its owner's, who may have put links to anything there. Root follows none of those: it acts with the owner's rights.
// The zero place is a path that is root's to its end, or one that nobody asked about.
type place struct {
	owner    identity
	folder   string // absolute, without links
	rest     string // the path below folder, with a slash before it
	passable bool   // the owner may pass through everything above folder
}

// orAt is p, or where path is when p is zero.
func (p place) orAt(path string) place {
	if p.owner == (identity{}) {
		return place{rest: path}
	}
	return p
}

// path is what the owner calls it.
func (p place) path() string {
	if p.passable {
		return filepath.Join(p.folder, p.rest)
	}
	return p.rest // the folder is all there is for them
}

// seen is what everybody else calls a path that the owner sees.
func (p place) seen(path string) string {
	if p.owner == (identity{}) || p.passable {
		return path
	}
	return filepath.Join(p.folder, path)
}

// outside is err with paths as everybody else sees them.
func (p place) outside(err error) error {
	if err == nil || p.owner == (identity{}) || p.passable {
		return err
	}
	inside := regexp.MustCompile(`(^|[\s'"])(` + regexp.QuoteMeta(p.rest) + `)`)
	text := inside.ReplaceAllStringFunc(err.Error(), func(found string) string {
		before := found[:len(found)-len(p.rest)]
		return before + p.seen(p.rest)
	})
	return errors.New(text)
}

// becomes is a command that needs more than the folder of the database, and so gives root up in its own way.
type becomes interface{ become(place) error }

// actAsOwner gives root up where the folder of the database belongs to somebody else.
func actAsOwner(command *kong.Context, con *console) error {
	flag := databaseFlag(command, con.env)
	if flag == nil || flag.Target.String() == "" {
		return nil
	}
	p, err := placeOf(flag.Target.String())
	if err != nil || p.owner == (identity{}) {
		return err
	}
	if err := con.env.readSecrets(); err != nil {
		return err
	}
	con.place = p
	if own, ok := command.Selected().Target.Addr().Interface().(becomes); ok {
		err = own.become(p)
	} else {
		err = p.enter()
	}
	if os.Geteuid() != 0 { // for good
		flag.Target.SetString(p.path())
	}
	return err
}

// databaseFlag is the flag that names the database file, nil when the command opens none.
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

// enterWithNetwork is enter for a command that also needs what is outside, to look up names of hosts for one.
func (p place) enterWithNetwork() error {
	if !p.passable {
		return fmt.Errorf("user %d, who owns %s, can't get there: run this as a service that can, or use a backup of the database", p.owner.uid, p.folder)
	}
	return p.enter()
}

// openAsRoot opens a file that root named for a command on the database at p. What the owner of p decides about, they
// have to be able to open.
func openAsRoot(path string, p place) (*os.File, error) {
	at, err := placeOf(path)
	if err != nil {
		return nil, err
	}
	if at.owner != p.owner {
		return os.Open(path)
	}
	var f *os.File
	err = at.within(func(path string) error {
		f, err = os.Open(path)
		return err
	})
	return f, err
}
