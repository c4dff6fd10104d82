package replica

import (
	"context"
	"errors"
	"strconv"
)

// Bell lets replicas tell each other that accounts have changed, so that they read them at once. Replicas also read
// accounts regularly, so a lost signal only costs time.
type Bell struct {
	store  *redisStore
	nudged chan struct{} // capacity 1
}

// NewBell returns the Bell of a replica. A replica has at most one.
func NewBell(r *Redis) *Bell {
	b := &Bell{store: r.store, nudged: make(chan struct{}, 1)}
	r.store.bell.Store(b)
	return b
}

// Nudge tells all replicas, including this one, that accounts have changed up to a revision.
func (b *Bell) Nudge(ctx context.Context, rev int64) error {
	plain := b.store.plain
	set := plain.B().Set().Key(b.store.keys.rev).Value(strconv.FormatInt(rev, 10)).Build()
	err := readOnly(plain.Do(ctx, set).Error())
	if errors.Is(err, errReadOnly) {
		b.store.plainConn.close()
	}
	return err
}

// Nudged is readable after a call of Nudge on any replica.
func (b *Bell) Nudged() <-chan struct{} { return b.nudged }

// ring makes Nudged readable. b may be nil.
func (b *Bell) ring() {
	if b == nil {
		return
	}
	select {
	case b.nudged <- struct{}{}:
	default:
	}
}
