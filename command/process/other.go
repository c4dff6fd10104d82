//go:build !linux

package process

import "errors"

var errLinuxOnly = errors.New("this works only on Linux")

// Take gives the database's folder to the user. It works only on Linux.
func (Identity) Take(string) error { return errLinuxOnly }

// Become switches this process to the user. It works only on Linux.
func (Identity) Become() error { return errLinuxOnly }

// Resolve returns the zero Path, because giving up root works only on Linux.
func Resolve(string) (Path, error) { return Path{}, nil }

// Enter switches this process to the owner. It works only on Linux.
func (Path) Enter() error { return errLinuxOnly }

// AsOwner runs do with this process's rights.
func (p Path) AsOwner(do func(path string) error) error { return do(p.String()) }
