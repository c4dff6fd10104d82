package presence

import (
	"context"
	"errors"
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
	// owner checks whose accounts the noticeboard belongs to. The error is nil for ours, errUnowned for nobody's, and a
	// *StoreError for those of others. It writes nothing, except that with contest a foreign mark ends within a lease
	// unless its replicas go on renewing it.
	owner(ctx context.Context, contest bool) error
	// claim marks a noticeboard that belongs to nobody as ours. When others were quicker, the error is a *StoreError.
	claim(ctx context.Context) error
	// beat renews this replica's lease, with what it says of itself in it, and reports whether it still had one. It also
	// renews the mark that owner reads, and sets it if it's gone. When the mark is foreign, the error is a *StoreError.
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

// Errors of a link that the protocol tells apart.
var (
	errUnowned  = errors.New("nobody has marked this Redis as theirs yet")
	errReadOnly = errors.New("this Redis takes no writes") // the same address may lead to one that does
)

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

// encodeDigest is d on the noticeboard, in fields with one space between. "1" is active, "0" connected and no more, "-" not
// connected. Then when the state began, in unix milliseconds or 0, the marks of devices, and who may see the person: "i"
// for invisible, "d" for disabled, "v" for visible again, with the revision of the accounts that says so. Fields at the
// end are left out when empty.
func encodeDigest(d Digest) string {
	if d == (Digest{}) {
		return ""
	}
	active, since := "-", int64(0)
	switch {
	case d.Active:
		active = "1"
	case d.Connected:
		active = "0"
	}
	if !d.Since.IsZero() {
		since = d.Since.UnixMilli()
	}
	text := active + " " + strconv.FormatInt(since, 10) + " " + d.Devices
	if d.AsOf > 0 {
		text += " " + d.standing() + strconv.FormatInt(d.AsOf, 10)
	}
	return strings.TrimRight(text, " ")
}

// standing is who may see the person of d, in letters.
func (d *Digest) standing() string {
	switch {
	case d.Invisible && d.Disabled:
		return "id"
	case d.Invisible:
		return "i"
	case d.Disabled:
		return "d"
	}
	return "v"
}

// decodeDigest is the inverse. It ignores fields that a newer version may have added.
func decodeDigest(s string) Digest {
	if s == "" {
		return Digest{}
	}
	fields := strings.SplitN(s, " ", 5)
	fields = append(fields, "", "", "")[:4]
	d := Digest{Connected: fields[0] != "-", Active: fields[0] == "1", Devices: fields[2]}
	if ms, err := strconv.ParseInt(fields[1], 10, 64); err == nil && ms > 0 {
		d.Since = time.UnixMilli(ms).UTC()
	}
	letters := strings.TrimRight(fields[3], "0123456789")
	if rev, err := strconv.ParseInt(fields[3][len(letters):], 10, 64); err == nil && rev > 0 {
		d.Invisible, d.Disabled, d.AsOf = strings.Contains(letters, "i"), strings.Contains(letters, "d"), rev
	}
	return d
}
