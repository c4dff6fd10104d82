package handlers

import (
	"context"
	"errors"
	"sync"
	"time"

	"rollcall/accounts"
)

const (
	listNewsEvery = time.Second      // at most one message about lists in this time
	listNewsKept  = 10 * time.Second // how long a new connection is told of a change that its page may have missed
)

// listNews says when to tell the open pages of administrators that lists of accounts have changed. The pages then load
// themselves again. The message doesn't say what has changed.
type listNews struct {
	frame   []byte        // says that lists have changed
	pending chan struct{} // readable if there is a change that hasn't been told

	mu   sync.Mutex
	last time.Time // when lists last changed; guarded by mu
}

func newListNews(frame []byte) *listNews {
	return &listNews{frame: frame, pending: make(chan struct{}, 1)}
}

// changed records a change.
func (n *listNews) changed() {
	n.mu.Lock()
	n.last = time.Now()
	n.mu.Unlock()
	n.again()
}

// again has everybody told of the last change once more.
func (n *listNews) again() {
	select {
	case n.pending <- struct{}{}:
	default:
	}
}

// recent reports whether a page that was loaded a moment ago may have missed a change.
func (n *listNews) recent(now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.last.IsZero() && now.Sub(n.last) < listNewsKept
}

// run calls tell after changes, at most once per listNewsEvery, until ctx ends.
func (n *listNews) run(ctx context.Context, tell func(context.Context)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.pending:
		}
		tell(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(listNewsEvery):
		}
	}
}

// tellLists tells the open pages of administrators that lists have changed. It closes those of people who aren't
// administrators any more, whose pages then say so.
func (s *sockets) tellLists(ctx context.Context) {
	s.mu.Lock()
	told := map[string][]*socket{}
	for person, all := range s.byUser {
		for _, x := range all {
			if x.lists {
				told[person] = append(told[person], x)
			}
		}
	}
	s.mu.Unlock()
	for person, all := range told {
		user, err := s.accounts.UserByID(ctx, person)
		known := err == nil || errors.Is(err, accounts.ErrNotFound)
		if !known && ctx.Err() == nil {
			s.log.Warn("the role of a person can't be read", "user", person, "err", err)
		}
		for _, x := range all {
			switch {
			case !known:
			case user.Admin && !user.Disabled:
				x.writing.Lock()
				s.write(x, s.lists.frame)
				x.writing.Unlock()
			default:
				x.close(closePolicy, endedRole)
			}
		}
	}
}
