package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// Path is a path that leads into a folder of another user's. Root controls everything above folder. The other user owns
// folder and what's below it, and may have put links to anything there. Root doesn't follow those links: it acts with
// the owner's rights. The zero Path is one that root controls completely, or one that wasn't resolved.
type Path struct {
	Owner    Identity
	folder   string // absolute, without links
	rest     string // the path below folder, with a slash before it
	passable bool   // the owner can pass through everything above folder
}

// Roots returns a Path that root controls completely.
func Roots(path string) Path { return Path{rest: path} }

// IsRoots reports whether root controls all of the path.
func (p Path) IsRoots() bool { return p.Owner == (Identity{}) }

// Passable reports whether the owner can pass through everything above the folder. If not, the folder is all that the
// process sees after Enter.
func (p Path) Passable() bool { return p.passable }

// String returns the path as the owner sees it.
func (p Path) String() string {
	if p.passable {
		return filepath.Join(p.folder, p.rest)
	}
	return p.rest
}

// Full converts a path that the owner sees to the one that everyone else uses.
func (p Path) Full(path string) string {
	if p.IsRoots() || p.passable {
		return path
	}
	return filepath.Join(p.folder, path)
}

// FullError returns err with the full path in its text.
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

// Open opens another file for a command that works on p. If the file belongs to p's owner, Open opens it with the
// owner's rights.
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
