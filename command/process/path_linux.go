package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLinks limits the symbolic links in one path, like the system's own limit.
const maxLinks = 40

// Resolve finds the first folder in path that doesn't belong to root. It follows root's links, and returns an error for
// links of other users, which can lead anywhere.
func Resolve(path string) (Path, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Path{}, err
	}
	p := Path{folder: "/", rest: path, passable: true}
	for links := 0; ; {
		name, rest, _ := strings.Cut(strings.TrimLeft(p.rest, "/"), "/")
		if name == "" {
			return Path{}, nil
		}
		at := filepath.Join(p.folder, name)
		info, err := os.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			return Path{}, nil // what root creates here belongs to root, like the folder above
		}
		if err != nil {
			return Path{}, err
		}
		owner := ownerOf(info)
		switch {
		case info.Mode()&fs.ModeSymlink != 0 && owner.UID != 0:
			return Path{}, fmt.Errorf("%s is a symbolic link that belongs to user %d: name the file that it leads to",
				at, owner.UID)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(at)
			if links++; err != nil || links > maxLinks {
				return Path{}, fmt.Errorf("%s: %w", at, errors.Join(err, syscall.ELOOP))
			}
			if filepath.IsAbs(target) {
				p.folder, p.passable = "/", true
			}
			p.rest = target + "/" + rest
			continue
		case !info.IsDir():
			return Path{}, nil // a file in one of root's folders
		case owner.UID != 0:
			p.folder, p.rest, p.Owner = at, "/"+strings.TrimLeft(rest, "/"), owner
			return p, nil
		}
		p.folder, p.rest, p.passable = at, rest, p.passable && info.Mode()&0o001 != 0
	}
}

// ownerOf returns the owner of a file. If the file's group is root, ownerOf returns the user's own group instead.
func ownerOf(info fs.FileInfo) Identity {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Identity{}
	}
	id := Identity{int(stat.Uid), int(stat.Gid)}
	if id.GID == 0 {
		id.GID = id.UID
	}
	return id
}

// Enter switches this process to the owner for good. If the owner can't get to the folder, as with systemd's
// /var/lib/private, the folder becomes the root of the file system that the process sees.
func (p Path) Enter() error {
	if !p.passable {
		if err := errors.Join(syscall.Chroot(p.folder), syscall.Chdir("/")); err != nil {
			return fmt.Errorf("enter %s: %w", p.folder, err)
		}
	}
	if err := p.Owner.Become(); err != nil {
		return fmt.Errorf("%s belongs to user %d: %w: run this as that user, or don't drop the capabilities SETUID and SETGID",
			p.folder, p.Owner.UID, err)
	}
	return nil
}

// AsOwner runs do with the owner's rights and the path as the owner sees it, and then returns to root.
func (p Path) AsOwner(do func(path string) error) (err error) {
	if p.IsRoots() {
		return do(p.String())
	}
	back, err := p.borrow()
	if err != nil {
		return fmt.Errorf("act as user %d, who owns %s: %w", p.Owner.UID, p.folder, errors.Join(err, back()))
	}
	defer func() {
		if failed := back(); failed != nil {
			err = errors.Join(err, fmt.Errorf("become root again: %w", failed))
		}
	}()
	return p.FullError(do(p.String()))
}

// borrow gives this process the owner's rights until back is called. Call back even after an error.
func (p Path) borrow() (back func() error, err error) {
	root, err := os.Open("/")
	if err != nil {
		return func() error { return nil }, err
	}
	here, err := os.Open(".")
	groups, noGroups := syscall.Getgroups()
	gid := syscall.Getegid()
	back = func() error {
		err := errors.Join(syscall.Setresuid(-1, 0, -1), syscall.Setresgid(-1, gid, -1), syscall.Setgroups(groups))
		if !p.passable {
			err = errors.Join(err, root.Chdir(), syscall.Chroot("."), here.Chdir())
		}
		return errors.Join(err, root.Close(), here.Close())
	}
	if err = errors.Join(err, noGroups); err != nil {
		return back, err
	}
	if !p.passable {
		if err := errors.Join(syscall.Chroot(p.folder), syscall.Chdir("/")); err != nil {
			return back, err
		}
	}
	return back, errors.Join(
		syscall.Setgroups(nil), syscall.Setresgid(-1, p.Owner.GID, -1), syscall.Setresuid(-1, p.Owner.UID, -1))
}
