package main

import (
	"sync"
	"time"
)

// observer records when its page shows that everyone is online.
type observer struct {
	mu      sync.Mutex
	wanted  int             // guarded by mu; total number of people online
	pending map[string]bool // guarded by mu; users on this page whose rows don't show them online yet
	counted time.Time       // guarded by mu; when the count reached wanted
	showed  time.Time       // guarded by mu; when pending became empty
	done    chan struct{}   // closed when both have happened
}

// newObserver returns an observer that waits for a total of wanted people online, and for the rows of these users.
func newObserver(wanted int, rows map[string]bool) *observer {
	return &observer{wanted: wanted, pending: rows, done: make(chan struct{})}
}

func (o *observer) watch() *watch { return &watch{wants: func() bool { return true }, see: o.see} }

func (o *observer) see(frame []byte, at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.completeLocked() {
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
	if o.completeLocked() {
		close(o.done)
	}
}

// The caller holds o.mu.
func (o *observer) completeLocked() bool { return !o.counted.IsZero() && !o.showed.IsZero() }

// times returns when the count and the rows were right.
func (o *observer) times() (counted, showed time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counted, o.showed
}
