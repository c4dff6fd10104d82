package main

import (
	"sync"
	"time"
)

// observer notes when its page shows that everybody has come. It stops looking then.
type observer struct {
	mu      sync.Mutex
	wanted  int             // guarded by mu; people online in all
	pending map[string]bool // guarded by mu; users whose rows of this page do not show them online yet
	counted time.Time       // guarded by mu; when the count said so
	showed  time.Time       // guarded by mu; when the last row did
	done    chan struct{}   // closed when both have
}

// newObserver waits for so many people online in all, and for these users' rows.
func newObserver(wanted int, rows map[string]bool) *observer {
	return &observer{wanted: wanted, pending: rows, done: make(chan struct{})}
}

func (o *observer) watch() *watch { return &watch{wants: func() bool { return true }, see: o.see} }

func (o *observer) see(frame []byte, at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.complete() {
		return
	}
	if n, ok := scanCount(frame, "n-online"); ok && o.counted.IsZero() && n >= o.wanted {
		o.counted = at
	}
	scanRows(frame, func(uid, _, state []byte) {
		if parseShown(state) == online {
			delete(o.pending, string(uid))
		}
	})
	if len(o.pending) == 0 && o.showed.IsZero() {
		o.showed = at
	}
	if o.complete() {
		close(o.done)
	}
}

// complete needs o.mu.
func (o *observer) complete() bool { return !o.counted.IsZero() && !o.showed.IsZero() }

// times are when the count and the rows were right.
func (o *observer) times() (counted, showed time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counted, o.showed
}
