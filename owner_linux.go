package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLinks bounds the symbolic links on one path, as the system does.
const maxLinks = 40

// placeOf finds the first folder on the way to path that isn't root's. Links that are root's are followed; one of
// somebody else's leads wherever they like, so it's refused.
func placeOf(path string) (place, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return place{}, err
	}
	p := place{folder: "/", rest: path, passable: true}
	for links := 0; ; {
		name, rest, _ := strings.Cut(strings.TrimLeft(p.rest, "/"), "/")
		if name == "" {
			return place{}, nil
		}
		at := filepath.Join(p.folder, name)
		info, err := os.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			return place{}, nil // what is to be made here is root's, like the folder that it's made in
		}
		if err != nil {
			return place{}, err
		}
		owner := ownerOf(info)
		switch {
		case info.Mode()&fs.ModeSymlink != 0 && owner.uid != 0:
			return place{}, fmt.Errorf("%s is a symbolic link of user %d's: name the file that it leads to", at, owner.uid)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(at)
			if links++; err != nil || links > maxLinks {
				return place{}, fmt.Errorf("%s: %w", at, errors.Join(err, syscall.ELOOP))
			}
			if filepath.IsAbs(target) {
				p.folder, p.passable = "/", true
			}
			p.rest = target + "/" + rest
			continue
		case !info.IsDir():
			return place{}, nil // a file in a folder of root's
		case owner.uid != 0:
			p.folder, p.rest, p.owner = at, "/"+strings.TrimLeft(rest, "/"), owner
			return p, nil
		}
		p.folder, p.rest, p.passable = at, rest, p.passable && info.Mode()&0o001 != 0
	}
}

// ownerOf is who owns a file. The group of root is not passed on.
func ownerOf(info fs.FileInfo) identity {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}
	}
	id := identity{int(stat.Uid), int(stat.Gid)}
	if id.gid == 0 {
		id.gid = id.uid
	}
	return id
}

// enter makes this process the owner's for good. A folder that the owner can't get to, like systemd's below
// /var/lib/private, becomes the root of all that the process can reach.
func (p place) enter() error {
	if !p.passable {
		if err := errors.Join(syscall.Chroot(p.folder), syscall.Chdir("/")); err != nil {
			return fmt.Errorf("enter %s: %w", p.folder, err)
		}
	}
	if err := p.owner.become(); err != nil {
		return fmt.Errorf("%s belongs to user %d: %w: run this as that user, or leave root the capabilities SETUID and SETGID", p.folder, p.owner.uid, err)
	}
	return nil
}

// within runs do with the owner's rights, for the path as it's seen with them, and returns to root.
func (p place) within(do func(path string) error) (err error) {
	if p.owner == (identity{}) {
		return do(p.path())
	}
	back, err := p.lend()
	if err != nil {
		return fmt.Errorf("act as user %d, who owns %s: %w", p.owner.uid, p.folder, errors.Join(err, back()))
	}
	defer func() {
		if failed := back(); failed != nil {
			err = errors.Join(err, fmt.Errorf("become root again: %w", failed))
		}
	}()
	return p.outside(do(p.path()))
}

// lend gives this process the owner's rights until back is called, also when it fails halfway.
func (p place) lend() (back func() error, err error) {
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
	return back, errors.Join(syscall.Setgroups(nil), syscall.Setresgid(-1, p.owner.gid, -1), syscall.Setresuid(-1, p.owner.uid, -1))
}
