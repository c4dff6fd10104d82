package accounts

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"time"
)

// hashWait is how long a login waits for its turn to be hashed before it is told to come back.
const hashWait = 2 * time.Second

// hasher hashes a bounded number of passwords at once: each takes 19 MiB and a core, and an unbounded flood of logins
// would take all there is.
type hasher struct {
	params argonParams
	slots  chan struct{}     // holds one value for each hash that is being worked on
	dummy  phc               // matches nothing; stands in for the hash of unknown users
	ops    atomic.Int64      // hashes computed
	count  func(argonParams) // called for each hash computed; nil: nobody counts

	waiting, refused atomic.Int64 // for Stats
}

func newHasher(workers int, params argonParams) *hasher {
	h := &hasher{params: params, slots: make(chan struct{}, workers)}
	h.dummy = phc{params: params, salt: make([]byte, saltLength), key: make([]byte, keyLength)}
	rand.Read(h.dummy.salt)
	rand.Read(h.dummy.key)
	return h
}

// enter waits for a slot, at most wait, and then returns ErrBusy. Those who wait are served in order.
func (h *hasher) enter(ctx context.Context, wait time.Duration) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	default:
	}
	h.waiting.Add(1)
	defer h.waiting.Add(-1)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-timer.C:
		h.refused.Add(1)
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *hasher) leave() { <-h.slots }

// hash returns the text to store for password.
func (h *hasher) hash(ctx context.Context, password string, wait time.Duration) (string, error) {
	if err := h.enter(ctx, wait); err != nil {
		return "", err
	}
	defer h.leave()
	h.counts(h.params)
	return newPHC(password, h.params).String(), nil
}

// dummyOf is a hash with other costs that matches nothing.
func (h *hasher) dummyOf(params argonParams) phc {
	dummy := h.dummy
	dummy.params = params
	return dummy
}

func (h *hasher) counts(params argonParams) {
	h.ops.Add(1)
	if h.count != nil {
		h.count(params)
	}
}

// check reports whether password is the one behind stored and its owner may use it (usable), and then, when stored was
// made with other parameters, a hash to store in its place. A failure costs one hash of each of costs, whatever stored is.
func (h *hasher) check(ctx context.Context, stored phc, usable bool, password string, costs []argonParams) (ok bool, renewed string, err error) {
	if err := h.enter(ctx, hashWait); err != nil {
		return false, "", err
	}
	defer h.leave()
	h.counts(stored.params)
	if !stored.matches(password) || !usable {
		for _, params := range otherCosts(stored.params, costs) {
			h.counts(params)
			h.dummyOf(params).matches(password)
		}
		return false, "", nil
	}
	if stored.outdated(h.params) {
		h.counts(h.params)
		renewed = newPHC(password, h.params).String()
	}
	return true, renewed, nil
}
