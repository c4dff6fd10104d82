package replica

import (
	"maps"
	"time"

	"rollcall/presence"
)

const (
	batchEntries = 500                    // users in one batch
	recheckAfter = 250 * time.Millisecond // a replica writes an entry that the store lost again within this time
	removalKept  = 2 * time.Second        // after a replica said that it removes an entry, that explains why it's missing
)

// userSet is a set of user IDs.
type userSet map[string]struct{}

func (u userSet) add(users ...string) {
	for _, user := range users {
		u[user] = struct{}{}
	}
}

func (u userSet) has(user string) bool {
	_, ok := u[user]
	return ok
}

// batches returns how many calls of take empty the set.
func (u userSet) batches() int { return (len(u) + batchEntries - 1) / batchEntries }

// take removes up to a batch of users from the set.
func (u userSet) take() []string {
	users := make([]string, 0, min(len(u), batchEntries))
	for user := range u {
		if len(users) == batchEntries {
			break
		}
		users = append(users, user)
		delete(u, user)
	}
	return users
}

// remoteEntry is the entry that a peer has of one user.
type remoteEntry struct {
	by    *peer
	value string
}

// valueOf returns the value of by's entry, or "" if there's none.
func valueOf(entries []remoteEntry, by *peer) string {
	for _, e := range entries {
		if e.by == by {
			return e.value
		}
	}
	return ""
}

// removal is what a replica says before it removes its entry of a user. Otherwise, the others would think that the
// store lost the entry.
type removal struct{ user, replica string }

// entryKey identifies the entry that a peer has of a user.
type entryKey struct {
	user string
	by   *peer
}

// entries are what this replica knows of users: its own entries, those of its peers, and what has to be read or
// written. Guarded by syncer.mu.
type entries struct {
	self  string
	rules *rules
	peers *peers

	own    map[string]string        // the entries of this replica as they should be
	remote map[string][]remoteEntry // those of its peers, by user, in no order

	toRead  userSet
	toWrite userSet
	sent    userSet                // written in this round; a read may still return the older value
	held    userSet                // users with a missing entry that counts until the hold ends
	recheck map[string]time.Time   // users with an entry that is missing while its peer is alive: when to read again
	removed map[entryKey]time.Time // when peers said that they remove these entries

	repaired   int // own entries that were found wrong or missing
	repairedAt time.Time
}

func newEntries(self string, r *rules, p *peers) entries {
	return entries{
		self: self, rules: r, peers: p, own: map[string]string{}, remote: map[string][]remoteEntry{},
		toRead: userSet{}, toWrite: userSet{}, sent: userSet{}, held: userSet{}, recheck: map[string]time.Time{},
		removed: map[entryKey]time.Time{},
	}
}

// publish sets this replica's entry of user, and reports whether that's a change.
func (e *entries) publish(user, value string) bool {
	if e.own[user] == value {
		return false
	}
	if value == "" {
		delete(e.own, user)
	} else {
		e.own[user] = value
	}
	e.toWrite.add(user)
	return true
}

// digests returns the digests that live peers have of user.
func (e *entries) digests(user string) (digests []presence.Digest) {
	for _, r := range e.remote[user] {
		if r.by.alive {
			digests = append(digests, decodeDigest(r.value))
		}
	}
	return digests
}

// noteRemoval records that a peer said that it removes an entry, and reports whether this replica knows the entry. Its
// user is read again, because a read of the removed entry may have been earlier.
func (e *entries) noteRemoval(r removal, now time.Time) bool {
	by := e.peers.byID[r.replica]
	if by == nil || valueOf(e.remote[r.user], by) == "" {
		return false
	}
	e.removed[entryKey{r.user, by}] = now
	e.toRead.add(r.user)
	return true
}

// explained reports whether a peer said that it removes its entry of user. That explains one disappearance.
func (e *entries) explained(user string, by *peer, now time.Time) bool {
	at, said := e.removed[entryKey{user, by}]
	delete(e.removed, entryKey{user, by})
	return said && now.Sub(at) < removalKept
}

// keepRemovals keeps what peers said about removals of a user's entries, because those can't be read now.
func (e *entries) keepRemovals(user string, now time.Time) {
	for key := range e.removed {
		if key.user == user {
			e.removed[key] = now
		}
	}
}

// markDue marks the users to read because a recheck is due or the hold has ended. It also forgets old removals.
func (e *entries) markDue(now time.Time) {
	maps.DeleteFunc(e.removed, func(_ entryKey, at time.Time) bool { return now.Sub(at) >= removalKept })
	for user, t := range e.recheck {
		if !now.Before(t) {
			e.toRead.add(user)
		}
	}
	if !e.peers.holding(now) {
		maps.Copy(e.toRead, e.held)
		clear(e.held)
	}
}

// nextDue returns when markDue next has something to mark, or due if that's earlier.
func (e *entries) nextDue(due time.Time) time.Time {
	if len(e.held) > 0 {
		due = earlier(e.peers.holdUntil, due)
	}
	for _, t := range e.recheck {
		due = earlier(t, due)
	}
	return due
}

// markAll marks all users with an entry of this replica or its peers.
func (e *entries) markAll() {
	for user := range e.remote {
		e.toRead.add(user)
	}
	for user := range e.own {
		e.toRead.add(user)
	}
}

// rewriteAll marks all own entries to be written without waiting for a read, because the others hold them only for a
// few seconds.
func (e *entries) rewriteAll() {
	for user := range e.own {
		e.toWrite.add(user)
		e.toRead.add(user)
	}
}

// apply applies the entries that the store has of user, by replica. It reports whether a peer's entry changed, and
// whether this replica's entry has to be written again, because only this replica knows its own connections.
func (e *entries) apply(user string, found map[string]string, now time.Time) (changed, repair bool) {
	if repair = e.rules.audit && found[e.self] != e.own[user]; repair {
		e.repair(user, now)
	}
	was := e.remote[user]
	is := make([]remoteEntry, 0, len(found))
	for id, value := range found {
		if id != e.self && value != "" {
			is = append(is, remoteEntry{e.peers.get(id), value})
		}
	}
	is = e.keepMissing(user, was, is, now)
	changed = len(is) != len(was)
	for _, r := range was {
		r.by.users--
	}
	for _, r := range is {
		r.by.users++
		changed = changed || valueOf(was, r.by) != r.value
	}
	if len(is) > 0 {
		e.remote[user] = is
	} else {
		delete(e.remote, user)
	}
	return changed, repair
}

// keepMissing returns is and the entries of was that are missing in it although their peer is alive and didn't say that
// it removes them. The store may have lost them, so they count until the hold ends, or until the peer has had the time
// to write them again.
func (e *entries) keepMissing(user string, was, is []remoteEntry, now time.Time) []remoteEntry {
	decideAt, rechecking := e.recheck[user]
	delete(e.recheck, user)
	for _, r := range was {
		switch value := valueOf(is, r.by); {
		case value == r.value: // perhaps it's about to be removed
		case value != "": // it wasn't removed, or was written again since
			delete(e.removed, entryKey{user, r.by})
		case !r.by.alive, e.explained(user, r.by, now):
		case e.peers.holding(now):
			is = append(is, r)
			e.held.add(user)
		case rechecking && !now.Before(decideAt): // the peer removed it on purpose
		default:
			if !rechecking {
				decideAt = now.Add(recheckAfter)
			}
			e.recheck[user] = decideAt
			is = append(is, r)
		}
	}
	return is
}

// repair marks this replica's entry of user to be written again. It counts as a repair unless a write is pending
// anyway.
func (e *entries) repair(user string, now time.Time) {
	if !e.toWrite.has(user) && !e.sent.has(user) {
		e.repaired++
		e.repairedAt = now
	}
	e.toWrite.add(user)
}

// usersOf returns the users with an entry of a peer.
func (e *entries) usersOf(p *peer) []string {
	users := make([]string, 0, p.users)
	for user, all := range e.remote {
		if valueOf(all, p) != "" {
			users = append(users, user)
		}
	}
	return users
}

// idle reports whether nothing is marked.
func (e *entries) idle() bool {
	return len(e.toRead)+len(e.toWrite)+len(e.held)+len(e.recheck) == 0
}
