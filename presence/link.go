package presence

import (
	"context"
	"fmt"
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
	// survey calls found with the users who have an entry and the replicas that have a lease, a part at a time, and may
	// include others and repeat some. It may take many round trips, and it fails if one takes longer than a step may.
	survey(ctx context.Context, found func(users, replicas []string)) error
	// read returns the entries of each user by replica id; an empty map for none.
	read(ctx context.Context, users []string) ([]map[string]string, error)
	// write puts this replica's entry of each user; "" takes it away.
	write(ctx context.Context, entries []entry) error
	// beat renews this replica's lease, with what it says of itself in it, and reports whether it still had one.
	beat(ctx context.Context, says health) (had bool, err error)
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

// health is what a replica says of itself in its lease, for people who look at the noticeboard from outside. It costs
// nothing: the lease is written anyway. Other replicas do not read it.
type health struct {
	leaving  bool          // this beat is the last
	people   int           // users with an entry of this replica, by its own account
	trip     time.Duration // of the beat before
	deaf     bool          // that beat was not announced back in time
	repaired int           // own entries that an audit found wrong or missing, since the start
	ago      time.Duration // since the last of them
	resyncs  int           // how often announcements were missed and everything was read anew
}

const (
	liveLease    = "here" // what a lease begins with
	leavingLease = "leaving"
)

// encodeHealth is h as it stands in a lease.
func encodeHealth(h health) string {
	if h.leaving {
		return leavingLease
	}
	text := fmt.Sprintf("%s people=%d trip=%v repaired=%d resyncs=%d", liveLease, h.people, h.trip.Round(time.Microsecond), h.repaired, h.resyncs)
	if h.repaired > 0 {
		text += " ago=" + h.ago.Round(time.Second).String()
	}
	if h.deaf {
		text += " deaf"
	}
	return text
}

// decodeHealth is the inverse. Words it does not know, of a newer version, are passed over.
func decodeHealth(text string) (h health) {
	for word := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case leavingLease:
			h.leaving = true
		case "people":
			h.people, _ = strconv.Atoi(value)
		case "trip":
			h.trip, _ = time.ParseDuration(value)
		case "repaired":
			h.repaired, _ = strconv.Atoi(value)
		case "resyncs":
			h.resyncs, _ = strconv.Atoi(value)
		case "ago":
			h.ago, _ = time.ParseDuration(value)
		case "deaf":
			h.deaf = true
		}
	}
	return h
}

// encodeDigest is d on the noticeboard: "1" or "0" for active, when the state began, unix milliseconds or 0, and the
// marks of devices if there are any.
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
	text := active + strconv.FormatInt(since, 10)
	if d.Devices != "" {
		text += " " + d.Devices
	}
	return text
}

// decodeDigest is the inverse. Of what a newer version may have written it understands that somebody is connected.
func decodeDigest(s string) Digest {
	if s == "" {
		return Digest{}
	}
	active, rest, _ := strings.Cut(s, " ")
	d := Digest{Connected: true, Active: active == "1"}
	since, rest, _ := strings.Cut(rest, " ")
	d.Devices, _, _ = strings.Cut(rest, " ")
	if ms, err := strconv.ParseInt(since, 10, 64); err == nil && ms > 0 {
		d.Since = time.UnixMilli(ms).UTC()
	}
	return d
}
