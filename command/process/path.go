package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// Path is a path of which root decides only the first part. Root controls everything above folder. Another user owns
// folder and what's below it, and may have put links to anything there. Root follows none of those links: it acts with
// the owner's rights. The zero Path is one that root controls to its end, or one that nobody has resolved.
type Path struct {
	Owner    Identity
	folder   string // absolute, without links
	rest     string // the path below folder, with a slash before it
	passable bool   // the owner can pass through everything above folder
}

// Roots is a path that root controls to its end.
func Roots(path string) Path { return Path{rest: path} }

// IsRoots reports whether root controls all of the path.
func (p Path) IsRoots() bool { return p.Owner == (Identity{}) }

// Passable reports whether the owner can pass through everything above the folder. If not, the folder is all that the
// process sees after Enter.
func (p Path) Passable() bool { return p.passable }

// String is the path as the owner sees it.
func (p Path) String() string {
	if p.passable {
		return filepath.Join(p.folder, p.rest)
	}
	return p.rest
}

// Full turns a path that the owner sees into the one that everybody else uses.
func (p Path) Full(path string) string {
	if p.IsRoots() || p.passable {
		return path
	}
	return filepath.Join(p.folder, path)
}

// FullError is err with the full path in its text.
func (p Path) FullError(err error) error {
	if err == nil || p.IsRoots() || p.passable {
		return err
	}
	inside := regexp.MustCompile(`(^|[\s'"])(` + regexp.QuoteMeta(p.rest) + `)`)
	text := inside.ReplaceAllStringFunc(err.Error(), func(found string) string {
		before := found[:len(found)-len(p.rest)]
		return before + p.Full(p.rest)
	})
	return errors.New(text)
}

// EnterWithNetwork is Enter for a process that also needs files outside the folder, for example to look up host names.
func (p Path) EnterWithNetwork() error {
	if !p.passable {
		return fmt.Errorf("user %d, who owns %s, can't get there: run this as a user who can, or use a backup of the database",
			p.Owner.UID, p.folder)
	}
	return p.Enter()
}

// Open opens another file that root named for a command that works on p. If it's the owner's file, the owner has to be
// able to open it.
func (p Path) Open(file string) (*os.File, error) {
	at, err := Resolve(file)
	if err != nil {
		return nil, err
	}
	if at.Owner != p.Owner {
		return os.Open(file)
	}
	var f *os.File
	err = at.AsOwner(func(path string) error {
		f, err = os.Open(path)
		return err
	})
	return f, err
}
