package replica

import (
	"context"
	"errors"
	"time"
)

// sharedStore is one replica's connection to the store that all replicas share.
//
// Calls of one method come one after another, except for leases; calls of different methods may run at once. Each
// call ends with its context. After an error, the call may have had its effect, or may have it later, even after
// newer calls.
//
// The store announces each change, including this replica's own, through syncer.announced: at least once after the last
// change, before or after answers. When announcements may have been missed, it calls syncer.announcementsLost.
type sharedStore interface {
	// survey calls found with the users that have an entry and the replicas that have a lease, a few at a time. It may
	// name others, and name some twice. It may take many round trips, each with the deadline of a step.
	survey(ctx context.Context, found func(users, replicas []string)) error
	// whole returns an error if a part of the store can't be used now. If that's errPartly, the other parts can.
	whole() error
	// read returns the entries of each user by replica, or an empty map if there are none. After an error, those of
	// users that it couldn't read are nil.
	read(ctx context.Context, users []string) ([]map[string]string, error)
	// write sets this replica's entries. Before it removes one, it announces that through syncer.removing, to every
	// replica that is connected. The announcement may come late, twice, or not at all: then the others read twice.
	// After an error, it returns those that it may not have set.
	write(ctx context.Context, entries []entry) (unsent []entry, err error)
	// owner checks whose accounts the store belongs to. The error is nil for ours, errUnowned for nobody's, and an
	// *AccountsError for others'. It writes nothing, except that with contest, a foreign mark ends within a lease
	// unless its replicas renew it.
	owner(ctx context.Context, contest bool) error
	// adopt marks a store that belongs to nobody as ours. If others did so first, the error is an *AccountsError.
	adopt(ctx context.Context) error
	// beat renews this replica's lease and writes info into it, and reports whether there still was a lease. If there
	// was none, it starts one, unless only is true: then a process that stands still while it sends this can't bring
	// back a lease that has ended. It also renews the mark that owner checks, and sets it if it's missing. If it's
	// foreign, the error is an *AccountsError.
	beat(ctx context.Context, info leaseInfo, only bool) (had bool, err error)
	// leases returns how long each replica still has a lease, or 0 if it has none. After an error, it's unknownLease
	// for those that it couldn't read.
	leases(ctx context.Context, replicas []string) ([]time.Duration, error)
	// clean removes entries of replicas that are gone for good, given as users by replica. It does nothing while
	// another replica cleans up.
	clean(ctx context.Context, gone map[string][]string) error
	// reconnect replaces the connection, which may look fine but be broken.
	reconnect(ctx context.Context) error
	close()
}

// unknownLease says that a lease couldn't be read.
const unknownLease = -1 * time.Second

// Errors of a sharedStore that the protocol treats specially.
var (
	errUnowned  = errors.New("nobody has marked this Redis as theirs yet")
	errReadOnly = errors.New("this Redis accepts no writes") // the same address may now lead to one that does
	errPartly   = errors.New("a part of the Redis Cluster does not work")
)

// entry is what this replica writes for one user. An empty value removes the entry.
type entry struct{ user, value string }
