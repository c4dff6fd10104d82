package presence

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sign-ins are counted over replicas by marks: a few characters made of the id of a session, which stand for it in a
// Digest, so that a browser with tabs on two replicas is one device. Two sessions of one person share a mark once in a
// million, and then count as one.

const (
	markKinds  = 36 * 36 * 36 * 36
	maxMarks   = 8 // in one Digest; further ones are not counted
	betweenTwo = "."
)

// markOf is the mark of a session.
func markOf(session string) string {
	h := fnv.New64a()
	h.Write([]byte(session))
	return strconv.FormatUint(h.Sum64()%markKinds, 36)
}

// marks are those of p's live connections here, sorted.
func (p *person) marks(now time.Time) string {
	var one string
	var more []string
	for _, c := range p.conns {
		switch {
		case !c.lease.live(now), c.mark == one, slices.Contains(more, c.mark):
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
	return strings.Join(more[:min(len(more), maxMarks)], betweenTwo)
}

// OpenElsewhere reports whether user has a live connection of session on another replica, by the mark of the session.
func (t *Tracker) OpenElsewhere(user, session string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, mark := t.people[user], markOf(session)
	return p != nil && slices.ContainsFunc(p.remote, func(d Digest) bool {
		return slices.Contains(strings.Split(d.Devices, betweenTwo), mark)
	})
}

// devices counts the sign-ins behind marks of this replica and of others.
func devices(own string, remote []Digest) int {
	if len(remote) == 0 { // most people
		if own == "" {
			return 0
		}
		return strings.Count(own, betweenTwo) + 1
	}
	all := map[string]struct{}{}
	add := func(marks string) {
		for mark := range strings.SplitSeq(marks, betweenTwo) {
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
