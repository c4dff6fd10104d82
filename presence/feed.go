package presence

import "sync"

// Feed carries the IDs of users whose data may have changed. It coalesces: a user who changes many times between two
// calls of Take is in it once. So a Feed never holds more IDs than there are users, and Mark never blocks. Readers ask
// for the current data after Take, so they always see the newest.
type Feed struct {
	wake chan struct{} // capacity 1

	mu    sync.Mutex
	users map[string]struct{} // guarded by mu
}

// NewFeed returns an empty Feed.
func NewFeed() *Feed {
	return &Feed{wake: make(chan struct{}, 1), users: map[string]struct{}{}}
}

// Ready is readable after the first Mark since the last Take.
func (f *Feed) Ready() <-chan struct{} { return f.wake }

// Take returns the users marked since the last Take, in no order.
func (f *Feed) Take() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	users := make([]string, 0, len(f.users))
	for u := range f.users {
		users = append(users, u)
	}
	f.users = map[string]struct{}{} // clear would keep the memory of the largest one ever
	return users
}

// Mark says that user may have changed.
func (f *Feed) Mark(user string) {
	f.mu.Lock()
	f.users[user] = struct{}{}
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}
