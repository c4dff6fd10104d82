//go:build unix

package accounts

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// giveTo changes the owner of a new file to the owner of the file or folder at path. Only root can and must do this:
// otherwise a server that runs as another user couldn't open the file. The owner of the folder may have replaced our
// file by a link to somebody else's file, so linked files are refused.
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
		return errors.New("somebody else is changing the folder of the database: try again later")
	}
	if err := f.Chown(int(owner.Uid), int(owner.Gid)); err != nil {
		return fmt.Errorf("give the database to the user that the server runs as: %w", err)
	}
	return nil
}
