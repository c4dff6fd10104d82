//go:build !linux

package process

import "errors"

var errLinuxOnly = errors.New("this works only on Linux")

// Take gives the database's folder to the user, on Linux.
func (Identity) Take(string) error { return errLinuxOnly }

// Become makes this process the user's, on Linux.
func (Identity) Become() error { return errLinuxOnly }

// Resolve finds no other owner: root's rights are given up only on Linux.
func Resolve(string) (Path, error) { return Path{}, nil }

// Enter makes this process the owner's, on Linux.
func (Path) Enter() error { return errLinuxOnly }

// AsOwner runs do with this process's own rights.
func (p Path) AsOwner(do func(path string) error) error { return do(p.String()) }
