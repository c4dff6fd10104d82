//go:build unix

package accounts

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// giveTo gives a new file to the owner of the file or folder at path. Only root can and must: a server that runs as
// somebody else could not open the file. Whoever owns the folder may have put a link to somebody else's file in the
// place of ours, so nothing that is reached by one is given away.
func giveTo(f *os.File, path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	like, err := os.Stat(path)
	if err != nil {
		return err
	}
	ours, err := f.Stat()
	if err != nil {
		return err
	}
	named, err := os.Lstat(f.Name())
	if err != nil {
		return err
	}
	owner, have := like.Sys().(*syscall.Stat_t), ours.Sys().(*syscall.Stat_t)
	if have.Uid == owner.Uid && have.Gid == owner.Gid {
		return nil
	}
	if have.Uid != 0 || have.Nlink != 1 || !os.SameFile(named, ours) {
		return errors.New("somebody else changes the folder of the database: try again when nobody does")
	}
	if err := f.Chown(int(owner.Uid), int(owner.Gid)); err != nil {
		return fmt.Errorf("give the database to the user that the server runs as: %w", err)
	}
	return nil
}
