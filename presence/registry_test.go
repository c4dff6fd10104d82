package presence

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// cluster is a set of replicas that share one noticeboard, whatever carries it.
type cluster struct {
	join func(t *testing.T) Registry
	// settle returns when everything published so far has arrived everywhere.
	settle func(t *testing.T)
	// departure is how long after Leave the digests of a replica may stay.
	departure time.Duration
}

func TestMemoryRegistry(t *testing.T) {
	testRegistry(t, func(*testing.T) cluster {
		m := NewMemory()
		return cluster{join: func(*testing.T) Registry { return m.Replica() }, settle: func(*testing.T) {}}
	})
}

// testRegistry is the conformance suite of the seam: every implementation passes it.
func testRegistry(t *testing.T, start func(*testing.T) cluster) {
	active := Digest{Connected: true, Active: true, Since: noon}
	idle := Digest{Connected: true, Since: noon}

	t.Run("what one publishes the others have, and it does not", func(t *testing.T) {
		c := start(t)
		a, b, d := c.join(t), c.join(t), c.join(t)
		a.Publish("ada", active)
		c.settle(t)
		wantRemote(t, a, "ada")
		wantRemote(t, b, "ada", active)
		wantRemote(t, d, "ada", active)
		wantRemote(t, b, "bob")
	})
	t.Run("the last digest is the truth", func(t *testing.T) {
		c := start(t)
		a, b := c.join(t), c.join(t)
		for range 50 {
			a.Publish("ada", active)
			a.Publish("ada", idle)
			a.Publish("ada", Digest{})
			a.Publish("ada", idle)
		}
		c.settle(t)
		wantRemote(t, b, "ada", idle)
		a.Publish("ada", Digest{})
		c.settle(t)
		wantRemote(t, b, "ada")
	})
	t.Run("each replica owns its own digest alone", func(t *testing.T) {
		c := start(t)
		a, b, d := c.join(t), c.join(t), c.join(t)
		a.Publish("ada", active)
		b.Publish("ada", idle)
		c.settle(t)
		wantRemote(t, d, "ada", active, idle)
		wantRemote(t, a, "ada", idle)
		a.Publish("ada", Digest{})
		c.settle(t)
		wantRemote(t, d, "ada", idle)
		wantRemote(t, a, "ada", idle)
	})
	t.Run("changes name the user, at others and not at home", func(t *testing.T) {
		c := start(t)
		a, b := c.join(t), c.join(t)
		c.settle(t)
		b.Changes().Take()
		a.Changes().Take()
		a.Publish("ada", active)
		c.settle(t)
		<-b.Changes().Ready()
		if got := b.Changes().Take(); !slices.Contains(got, "ada") {
			t.Errorf("Changes at the other = %v, want ada", got)
		}
	})
	t.Run("a replica that joins learns what is there", func(t *testing.T) {
		c := start(t)
		a := c.join(t)
		a.Publish("ada", active)
		c.settle(t)
		b := c.join(t)
		c.settle(t)
		wantRemote(t, b, "ada", active)
		if got := b.Changes().Take(); !slices.Contains(got, "ada") {
			t.Errorf("Changes of a new replica = %v, want ada", got)
		}
		if got := b.Peers(); got.Others != 1 || !got.Lost.IsZero() {
			t.Errorf("Peers = %+v, want one other and nothing lost", got)
		}
	})
	t.Run("a replica that leaves takes its digests with it", func(t *testing.T) {
		c := start(t)
		a, b := c.join(t), c.join(t)
		a.Publish("ada", active)
		b.Publish("ada", idle)
		c.settle(t)
		b.Changes().Take()
		if err := a.Leave(t.Context()); err != nil {
			t.Fatalf("Leave = %v, want nil", err)
		}
		eventually(t, c, func() bool { return len(b.Remote("ada")) == 0 })
		if got := b.Changes().Take(); !slices.Contains(got, "ada") {
			t.Errorf("Changes after a departure = %v, want ada", got)
		}
		a.Publish("ada", active) // too late: it is gone
		c.settle(t)
		wantRemote(t, b, "ada")
	})
	t.Run("random histories converge", func(t *testing.T) {
		c := start(t)
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 2))
		all := []Registry{c.join(t), c.join(t), c.join(t)}
		truth := make([]map[string]Digest, len(all))
		for i := range truth {
			truth[i] = map[string]Digest{}
		}
		for range 500 {
			i, user := r.IntN(len(all)), fmt.Sprint("u", r.IntN(20))
			d := []Digest{{}, idle, active}[r.IntN(3)]
			all[i].Publish(user, d)
			truth[i][user] = d
		}
		c.settle(t)
		for u := range 20 {
			user := fmt.Sprint("u", u)
			for i, reg := range all {
				var want []Digest
				for j := range all {
					if d := truth[j][user]; j != i && d.Connected {
						want = append(want, d)
					}
				}
				if got := reg.Remote(user); !sameDigests(got, want) {
					t.Errorf("seed %d: Remote(%s) at replica %d = %v, want %v", seed, user, i, got, want)
				}
			}
		}
	})
}

// eventually waits for the departure bound of a cluster.
func eventually(t *testing.T, c cluster, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(c.departure); !ok(); c.settle(t) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s", c.departure)
		}
	}
}

func wantRemote(t *testing.T, reg Registry, user string, want ...Digest) {
	t.Helper()
	if got := reg.Remote(user); !sameDigests(got, want) {
		t.Errorf("Remote(%s) = %+v, want %+v", user, got, want)
	}
}

func sameDigests(a, b []Digest) bool {
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
