package presence

import (
	"context"
	"slices"
	"sync"
)

// Memory connects replicas inside one process. A process without Redis opens one Replica. Tests open several to
// simulate several machines.
type Memory struct {
	mu       sync.Mutex
	replicas []*memoryReplica // guarded by mu
}

// NewMemory returns a Memory without replicas.
func NewMemory() *Memory { return &Memory{} }

// Replica adds a replica. The others notice it when it publishes something.
func (m *Memory) Replica() Registry {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := &memoryReplica{memory: m, own: map[string]Digest{}, changes: NewFeed()}
	for _, other := range m.replicas {
		for user := range other.own {
			r.changes.Mark(user)
		}
	}
	m.replicas = append(m.replicas, r)
	return r
}

// memoryReplica is one replica of a Memory. memory.mu guards its fields.
type memoryReplica struct {
	memory  *Memory
	own     map[string]Digest
	changes *Feed
}

func (r *memoryReplica) Publish(user string, d Digest) {
	r.memory.mu.Lock()
	defer r.memory.mu.Unlock()
	if r.own == nil || r.own[user] == d {
		return // closed, or nothing new
	}
	if d != (Digest{}) {
		r.own[user] = d
	} else {
		delete(r.own, user)
	}
	r.announceLocked(user)
}

func (r *memoryReplica) announceLocked(user string) {
	for _, other := range r.memory.replicas {
		if other != r {
			other.changes.Mark(user)
		}
	}
}

func (r *memoryReplica) Remote(user string) []Digest {
	r.memory.mu.Lock()
	defer r.memory.mu.Unlock()
	var remote []Digest
	for _, other := range r.memory.replicas {
		if d := other.own[user]; other != r && d != (Digest{}) {
			remote = append(remote, d)
		}
	}
	return remote
}

func (r *memoryReplica) Changes() *Feed { return r.changes }

func (r *memoryReplica) Peers() Peers {
	r.memory.mu.Lock()
	defer r.memory.mu.Unlock()
	return Peers{Others: len(r.memory.replicas) - 1}
}

func (r *memoryReplica) Stats() *ReplicaStats { return nil }

func (r *memoryReplica) Synced() <-chan struct{} { return closed }

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (r *memoryReplica) Leave(context.Context) error { return r.Close() }

func (r *memoryReplica) Close() error {
	r.memory.mu.Lock()
	defer r.memory.mu.Unlock()
	r.memory.replicas = slices.DeleteFunc(r.memory.replicas, func(o *memoryReplica) bool { return o == r })
	for user := range r.own {
		r.announceLocked(user)
	}
	r.own = nil
	return nil
}
