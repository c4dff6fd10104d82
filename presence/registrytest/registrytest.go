// Package registrytest is the conformance suite that every implementation of presence.Registry passes.
package registrytest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"rollcall/presence"
)

// Cluster is a set of replicas that know each other.
type Cluster struct {
	// Join starts a replica. The caller doesn't close it.
	Join func(t *testing.T) presence.Registry
	// Settle returns when everything published so far has arrived everywhere.
	Settle func(t *testing.T)
	// Departure is how long the digests of a replica may stay after Leave.
	Departure time.Duration
}

// Run tests a Registry. start returns a new Cluster without replicas.
func Run(t *testing.T, start func(*testing.T) Cluster) {
	since := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	active := presence.Digest{Connected: true, Active: true, Since: since}
	idle := presence.Digest{Connected: true, Since: since}

	t.Run("the others get what one replica publishes", func(t *testing.T) {
		c := start(t)
		a, b, d := c.Join(t), c.Join(t), c.Join(t)
		a.Publish("ada", active)
		c.Settle(t)
		wantRemote(t, a, "ada")
		wantRemote(t, b, "ada", active)
		wantRemote(t, d, "ada", active)
		wantRemote(t, b, "bob")
	})
	t.Run("the last digest counts", func(t *testing.T) {
		c := start(t)
		a, b := c.Join(t), c.Join(t)
		for range 50 {
			a.Publish("ada", active)
			a.Publish("ada", idle)
			a.Publish("ada", presence.Digest{})
			a.Publish("ada", idle)
		}
		c.Settle(t)
		wantRemote(t, b, "ada", idle)
		a.Publish("ada", presence.Digest{})
		c.Settle(t)
		wantRemote(t, b, "ada")
	})
	t.Run("each replica has its own digest", func(t *testing.T) {
		c := start(t)
		a, b, d := c.Join(t), c.Join(t), c.Join(t)
		a.Publish("ada", active)
		b.Publish("ada", idle)
		c.Settle(t)
		wantRemote(t, d, "ada", active, idle)
		wantRemote(t, a, "ada", idle)
		a.Publish("ada", presence.Digest{})
		c.Settle(t)
		wantRemote(t, d, "ada", idle)
		wantRemote(t, a, "ada", idle)
	})
	t.Run("everything in a digest arrives, also without connections", func(t *testing.T) {
		c := start(t)
		a, b := c.Join(t), c.Join(t)
		full := presence.Digest{Connected: true, Active: true, Since: since, Devices: "ab.cd", Ended: "ab-xyz.ef-xyz",
			Invisible: true, AsOf: 7}
		for _, d := range []presence.Digest{full, {Ended: "ab-xyz"}, {Disabled: true, AsOf: 8}} {
			a.Publish("ada", d)
			c.Settle(t)
			wantRemote(t, b, "ada", d)
		}
	})
	t.Run("the others hear of a change", func(t *testing.T) {
		c := start(t)
		a, b := c.Join(t), c.Join(t)
		c.Settle(t)
		b.Changes().Take()
		a.Changes().Take()
		a.Publish("ada", active)
		c.Settle(t)
		<-b.Changes().Ready()
		if got := b.Changes().Take(); !slices.Contains(got, "ada") {
			t.Errorf("Changes of the other replica = %v, want ada", got)
		}
	})
	t.Run("a new replica gets what the others have published", func(t *testing.T) {
		c := start(t)
		a := c.Join(t)
		a.Publish("ada", active)
		c.Settle(t)
		b := c.Join(t)
		c.Settle(t)
		wantRemote(t, b, "ada", active)
		if got := b.Changes().Take(); !slices.Contains(got, "ada") {
			t.Errorf("Changes of a new replica = %v, want ada", got)
		}
		if got := b.Peers(); got.Others != 1 || !got.Lost.IsZero() {
			t.Errorf("Peers = %+v, want one other and zero Lost", got)
		}
	})
	t.Run("the digests of a replica disappear when it leaves", func(t *testing.T) {
		c := start(t)
		a, b := c.Join(t), c.Join(t)
		a.Publish("ada", active)
		b.Publish("ada", idle)
		c.Settle(t)
		b.Changes().Take()
		if err := a.Leave(t.Context()); err != nil {
			t.Fatalf("Leave = %v, want nil", err)
		}
		eventually(t, c, func() bool { return len(b.Remote("ada")) == 0 })
		if got := b.Changes().Take(); !slices.Contains(got, "ada") {
			t.Errorf("Changes after a departure = %v, want ada", got)
		}
		a.Publish("ada", active) // has no effect after Leave
		c.Settle(t)
		wantRemote(t, b, "ada")
	})
	t.Run("random histories converge", func(t *testing.T) {
		c := start(t)
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 2))
		all := []presence.Registry{c.Join(t), c.Join(t), c.Join(t)}
		truth := make([]map[string]presence.Digest, len(all))
		for i := range truth {
			truth[i] = map[string]presence.Digest{}
		}
		for range 500 {
			i, user := r.IntN(len(all)), fmt.Sprint("u", r.IntN(20))
			d := []presence.Digest{{}, idle, active}[r.IntN(3)]
			all[i].Publish(user, d)
			truth[i][user] = d
		}
		c.Settle(t)
		for u := range 20 {
			user := fmt.Sprint("u", u)
			for i, reg := range all {
				var want []presence.Digest
				for j := range all {
					if d := truth[j][user]; j != i && d.Connected {
						want = append(want, d)
					}
				}
				if got := reg.Remote(user); !SameDigests(got, want) {
					t.Errorf("seed %d: Remote(%s) at replica %d = %v, want %v", seed, user, i, got, want)
				}
			}
		}
	})
}

// eventually waits until ok returns true, for at most c.Departure.
func eventually(t *testing.T, c Cluster, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(c.Departure); !ok(); c.Settle(t) {
		if time.Now().After(deadline) {
			t.Fatalf("the digests are still there after %s", c.Departure)
		}
	}
}

func wantRemote(t *testing.T, reg presence.Registry, user string, want ...presence.Digest) {
	t.Helper()
	if got := reg.Remote(user); !SameDigests(got, want) {
		t.Errorf("Remote(%s) = %+v, want %+v", user, got, want)
	}
}

// SameDigests reports whether a and b hold the same digests in any order.
func SameDigests(a, b []presence.Digest) bool {
	if len(a) != len(b) {
		return false
	}
	left := slices.Clone(b)
	for _, d := range a {
		i := slices.Index(left, d)
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return true
}
