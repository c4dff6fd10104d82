package presence

import "sync"

// Feed carries the ids of users about whom there may be news. It coalesces: however often a user changes between two
// calls of Take, the id is there once, so a Feed never holds more ids than there are users, and marking never blocks.
// The reader asks for the state of things after Take, so it always sees the newest.
type Feed struct {
	wake chan struct{} // capacity 1

	mu    sync.Mutex
	users map[string]struct{} // guarded by mu
}

func newFeed() *Feed {
	return &Feed{wake: make(chan struct{}, 1), users: map[string]struct{}{}}
}

// Ready is readable after the first mark since the last Take.
func (f *Feed) Ready() <-chan struct{} { return f.wake }

// Take returns the users marked since the last Take, in no order.
func (f *Feed) Take() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	users := make([]string, 0, len(f.users))
	for u := range f.users {
		users = append(users, u)
	}
	clear(f.users)
	return users
}

func (f *Feed) mark(user string) {
	f.mu.Lock()
	f.users[user] = struct{}{}
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}
