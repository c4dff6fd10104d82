package presence

import (
	"context"
	"slices"
	"sync"
)

// Memory is a noticeboard in this process. A process alone opens one Replica on it; tests open several, and get the
// semantics of several machines without any.
type Memory struct {
	mu       sync.Mutex
	replicas []*memoryReplica // guarded by mu
}

// NewMemory returns an empty noticeboard.
func NewMemory() *Memory { return &Memory{} }

// Replica joins the noticeboard. Replicas that are already there learn nothing until something is published.
func (m *Memory) Replica() Registry {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := &memoryReplica{board: m, own: map[string]Digest{}, changes: newFeed()}
	for _, other := range m.replicas {
		for user := range other.own {
			r.changes.mark(user)
		}
	}
	m.replicas = append(m.replicas, r)
	return r
}

// memoryReplica is one replica's side of a Memory. Its fields are guarded by board.mu.
type memoryReplica struct {
	board   *Memory
	own     map[string]Digest
	changes *Feed
}

func (r *memoryReplica) Publish(user string, d Digest) {
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	if r.own == nil || r.own[user] == d {
		return // gone, or nothing new
	}
	if d != (Digest{}) {
		r.own[user] = d
	} else {
		delete(r.own, user)
	}
	r.tellLocked(user)
}

func (r *memoryReplica) tellLocked(user string) {
	for _, other := range r.board.replicas {
		if other != r {
			other.changes.mark(user)
		}
	}
}

func (r *memoryReplica) Remote(user string) []Digest {
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	var remote []Digest
	for _, other := range r.board.replicas {
		if d := other.own[user]; other != r && d != (Digest{}) {
			remote = append(remote, d)
		}
	}
	return remote
}

func (r *memoryReplica) Changes() *Feed { return r.changes }

func (r *memoryReplica) Peers() Peers {
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	return Peers{Others: len(r.board.replicas) - 1}
}

func (r *memoryReplica) Synced() <-chan struct{} { return closed }

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (r *memoryReplica) Leave(context.Context) error { return r.Close() }

func (r *memoryReplica) Close() error {
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	r.board.replicas = slices.DeleteFunc(r.board.replicas, func(o *memoryReplica) bool { return o == r })
	for user := range r.own {
		r.tellLocked(user)
	}
	r.own = nil
	return nil
}
