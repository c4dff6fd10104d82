package presence

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// link is a noticeboard that replicas share, as one of them reaches it. Calls of one kind come one after another, but for
// leases; of different kinds also at once. Each ends by its context, and an error says nothing about whether it was done: a
// write that timed out may be carried out later, even after newer ones. What others write, and what this replica writes
// itself, is announced through syncer.invalidated, at least once after the last change while the link is whole, and in no
// order to the answers.
type link interface {
	// users lists those who have an entry, and may list others. It may take many trips, and ends by itself when one of
	// them takes longer than a step may.
	users(ctx context.Context) ([]string, error)
	// read returns the entries of each user by replica id; an empty map for none.
	read(ctx context.Context, users []string) ([]map[string]string, error)
	// write puts this replica's entry of each user; "" takes it away.
	write(ctx context.Context, entries []entry) error
	// beat renews this replica's lease, and reports whether it still had one. A leaving replica's is its last.
	beat(ctx context.Context, leaving bool) (had bool, err error)
	// leases tells how long each of replicas still has one; 0: it has none.
	leases(ctx context.Context, replicas []string) ([]time.Duration, error)
	// clean takes away entries of replicas that are gone for good, given as users by replica. While another replica is
	// cleaning up it does nothing.
	clean(ctx context.Context, gone map[string][]string) error
	// renew replaces a connection that may look whole and is not.
	renew(ctx context.Context) error
	close()
}

// entry is what this replica has of one user, as it is written down.
type entry struct{ user, value string }

// encodeDigest is d on the noticeboard: "1" or "0" for active, and when the state began, unix milliseconds or 0.
func encodeDigest(d Digest) string {
	if !d.Connected {
		return ""
	}
	active, since := "0 ", int64(0)
	if d.Active {
		active = "1 "
	}
	if !d.Since.IsZero() {
		since = d.Since.UnixMilli()
	}
	return active + strconv.FormatInt(since, 10)
}

// decodeDigest is the inverse. Of what a newer version may have written it understands that somebody is connected.
func decodeDigest(s string) Digest {
	if s == "" {
		return Digest{}
	}
	active, rest, _ := strings.Cut(s, " ")
	d := Digest{Connected: true, Active: active == "1"}
	since, _, _ := strings.Cut(rest, " ")
	if ms, err := strconv.ParseInt(since, 10, 64); err == nil && ms > 0 {
		d.Since = time.UnixMilli(ms).UTC()
	}
	return d
}
