package presence

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A mark is a short hash of a session ID. Digests contain marks, so that a browser with tabs on two replicas counts as
// one device. One in a million pairs of sessions has the same mark and counts as one.

const (
	numMarks = 36 * 36 * 36 * 36
	maxMarks = 8 // in one Digest; further ones don't count
	markSep  = "."
)

// markOf returns the mark of a session.
func markOf(session string) string {
	h := fnv.New64a()
	h.Write([]byte(session))
	return strconv.FormatUint(h.Sum64()%numMarks, 36)
}

// marks returns the sorted marks of p's live connections to this replica.
func marks(p *person, now time.Time) string {
	var one string
	var more []string
	for _, c := range p.conns {
		switch {
		case !c.info.live(now), c.mark == one, slices.Contains(more, c.mark):
		case one == "":
			one = c.mark
		default:
			more = append(more, c.mark)
		}
	}
	if more == nil {
		return one // most people
	}
	more = append(more, one)
	slices.Sort(more)
	return strings.Join(more[:min(len(more), maxMarks)], markSep)
}

// devices counts the different marks of this replica and the others.
func devices(own string, remote []Digest) int {
	if len(remote) == 0 { // most people
		if own == "" {
			return 0
		}
		return strings.Count(own, markSep) + 1
	}
	all := map[string]struct{}{}
	add := func(marks string) {
		for mark := range strings.SplitSeq(marks, markSep) {
			if mark != "" {
				all[mark] = struct{}{}
			}
		}
	}
	add(own)
	for _, d := range remote {
		add(d.Devices)
	}
	return len(all)
}
