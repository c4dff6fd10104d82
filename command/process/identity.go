// Package process wraps what differs between operating systems: giving up root, acting as the owner of a folder, file
// permissions, file limits and free disk space. It knows no settings and no commands.
package process

import (
	"fmt"
	"strconv"
	"strings"
)

// Identity is the user and group that a process becomes after it was started as root. Images need one, because a volume
// that a platform mounts belongs to root, but Rollcall doesn't need root. The zero Identity is root.
type Identity struct{ UID, GID int }

// maxID is the highest number of a user or group. To the system, the next number means "no change".
const maxID = 1<<32 - 2

// ParseIdentity parses UID or UID:GID. Without a GID, the group has the same number as the user.
func ParseIdentity(text string) (Identity, error) {
	uid, gid, two := strings.Cut(text, ":")
	if !two {
		gid = uid
	}
	var ids [2]int
	for i, part := range []string{uid, gid} {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil || n == 0 || n > maxID {
			return Identity{}, fmt.Errorf("--run-as %q: write the number of a user who isn't root, like 65532, or UID:GID", text)
		}
		ids[i] = int(n)
	}
	return Identity{ids[0], ids[1]}, nil
}

// String returns UID:GID.
func (id Identity) String() string { return fmt.Sprintf("%d:%d", id.UID, id.GID) }
