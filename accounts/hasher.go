package accounts

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"time"
)

// hashWait is how long a login waits for a hash worker before it fails with ErrBusy.
const hashWait = 2 * time.Second

// hasher hashes a bounded number of passwords at once. Each takes 19 MiB and a core, so a flood of logins could
// otherwise exhaust the machine.
type hasher struct {
	params argonParams
	slots  chan struct{}     // holds one value for each hash that is being computed
	dummy  phc               // matches nothing; replaces the hash of unknown users
	ops    atomic.Int64      // hashes computed
	count  func(argonParams) // called for each hash computed; may be nil

	waiting, refused atomic.Int64 // for Stats
}

func newHasher(workers int, params argonParams) *hasher {
	h := &hasher{params: params, slots: make(chan struct{}, workers)}
	h.dummy = phc{params: params, salt: make([]byte, saltLength), key: make([]byte, keyLength)}
	rand.Read(h.dummy.salt)
	rand.Read(h.dummy.key)
	return h
}

// enter waits for a slot, first come, first served. After wait it returns ErrBusy.
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

// hash returns the hash of password as text.
func (h *hasher) hash(ctx context.Context, password string, wait time.Duration) (string, error) {
	if err := h.enter(ctx, wait); err != nil {
		return "", err
	}
	defer h.leave()
	h.counts(h.params)
	return newPHC(password, h.params).String(), nil
}

// dummyOf returns a hash with other costs that matches nothing.
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

// check reports whether password matches stored and usable is true. If it does and stored has other parameters, check
// also returns a new hash to store. Every failure costs one hash with each of costs, whatever stored is.
func (h *hasher) check(ctx context.Context, stored phc, usable bool, password string,
	costs []argonParams) (ok bool, renewed string, err error) {
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
