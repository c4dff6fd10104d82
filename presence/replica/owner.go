package replica

import (
	"errors"
	"time"
)

// ownership says whose accounts the store belongs to, as far as this replica knows. Guarded by syncer.mu.
type ownership struct {
	adoptAfter time.Duration // see the constant; tests don't wait that long

	ours         bool      // this process has seen that the store belongs to our accounts
	unownedSince time.Time // since when it has belonged to nobody; zero if it has an owner, or can't be reached
	conflict     error     // why this replica doesn't talk to the others; nil if it does
}

// joined reports whether this replica may write to the store.
func (o *ownership) joined() bool { return o.ours && o.conflict == nil }

// mayAdopt reports whether this replica may mark the store as ours, after sharedStore.owner returned err. Replicas
// that were already running mark an empty store at once. A new process waits for them, because it may be the one that
// has the wrong accounts.
func (o *ownership) mayAdopt(err error, waitTurn bool, now time.Time) bool {
	switch {
	case !errors.Is(err, errUnowned):
		o.unownedSince = time.Time{}
		return false
	case o.ours || !waitTurn:
		return true
	case o.unownedSince.IsZero():
		o.unownedSince = now
	}
	return now.Sub(o.unownedSince) >= o.adoptAfter
}
