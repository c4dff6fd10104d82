package presence

import "context"

// alone is the Registry of a process without other replicas. It stores nothing.
type alone struct{ changes *Feed }

func (alone) Publish(string, Digest)      {}
func (alone) Remote(string) []Digest      { return nil }
func (a alone) Changes() *Feed            { return a.changes }
func (alone) Peers() Peers                { return Peers{} }
func (alone) Stats() *ReplicaStats        { return nil }
func (alone) Synced() <-chan struct{}     { return closed }
func (alone) Leave(context.Context) error { return nil }
func (alone) Close() error                { return nil }
