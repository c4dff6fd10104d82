package replica

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"rollcall/presence"
)

// leaseInfo is what a replica writes about itself into its lease, for the doctor command. Other replicas don't read it.
type leaseInfo struct {
	leaving      bool          // this replica has stopped, and doesn't renew its lease anymore
	people       int           // users with an entry of this replica, as it counts them
	roundTrip    time.Duration // of the previous renewal
	notAnnounced bool          // the store didn't announce that renewal to this replica in time
	repaired     int           // own entries that it found wrong or missing since it started
	ago          time.Duration // since the last of them
	resyncs      int           // how often it missed announcements and read everything again
}

// A lease starts with one of these words.
const (
	liveLease    = "live"
	leavingLease = "leaving"
)

// encodeLease returns the text of a lease.
func encodeLease(i leaseInfo) string {
	if i.leaving {
		return leavingLease
	}
	text := fmt.Sprintf("%s people=%d trip=%v repaired=%d resyncs=%d",
		liveLease, i.people, i.roundTrip.Round(time.Microsecond), i.repaired, i.resyncs)
	if i.repaired > 0 {
		text += " ago=" + i.ago.Round(time.Second).String()
	}
	if i.notAnnounced {
		text += " unannounced"
	}
	return text
}

// decodeLease is the inverse. It skips fields that it doesn't know, which a newer version may have added.
func decodeLease(text string) (i leaseInfo) {
	for field := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case leavingLease:
			i.leaving = true
		case "people":
			i.people, _ = strconv.Atoi(value)
		case "trip":
			i.roundTrip, _ = time.ParseDuration(value)
		case "repaired":
			i.repaired, _ = strconv.Atoi(value)
		case "resyncs":
			i.resyncs, _ = strconv.Atoi(value)
		case "ago":
			i.ago, _ = time.ParseDuration(value)
		case "unannounced":
			i.notAnnounced = true
		}
	}
	return i
}

// encodeDigest returns d as an entry in the store: fields with one space between, without empty ones at the end.
//
//  1. "1" for active, "0" for connected but idle, "-" for not connected
//  2. when the state began, in Unix milliseconds, or 0
//  3. the marks of devices
//  4. "i" for invisible, "d" for disabled, "id" for both, or "v" for visible again, then the revision of the accounts
//     that says so
//  5. devices without a socket that were ended
func encodeDigest(d presence.Digest) string {
	if d == (presence.Digest{}) {
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
	hidden := ""
	if d.AsOf > 0 {
		hidden = visibility(d) + strconv.FormatInt(d.AsOf, 10)
	}
	text += " " + hidden + " " + d.Ended
	return strings.TrimRight(text, " ")
}

// visibility returns the letters of field 4.
func visibility(d presence.Digest) string {
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

// decodeDigest is the inverse. It ignores further fields, which a newer version may have added.
func decodeDigest(text string) presence.Digest {
	if text == "" {
		return presence.Digest{}
	}
	fields := strings.SplitN(text, " ", 6)
	fields = append(fields, "", "", "", "")[:5]
	d := presence.Digest{Connected: fields[0] != "-", Active: fields[0] == "1", Devices: fields[2], Ended: fields[4]}
	if ms, err := strconv.ParseInt(fields[1], 10, 64); err == nil && ms > 0 {
		d.Since = time.UnixMilli(ms).UTC()
	}
	letters := strings.TrimRight(fields[3], "0123456789")
	if rev, err := strconv.ParseInt(fields[3][len(letters):], 10, 64); err == nil && rev > 0 {
		d.Invisible, d.Disabled, d.AsOf = strings.Contains(letters, "i"), strings.Contains(letters, "d"), rev
	}
	return d
}
