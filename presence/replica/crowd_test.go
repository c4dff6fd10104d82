package replica

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"rollcall/presence"
)

const (
	crowdSize   = 1000
	crowdMovers = 100 // of them, those who come and go; the others stay
)

// chaos selects the long versions of tests, as `make chaos` does.
var chaos = os.Getenv("ROLLCALL_CHAOS") == "full"

// rightAgain returns how long it may take after the servers work again until everybody is right. The promise is 5 s.
// Other tests run next to the short versions of tests, so these wait longer.
func rightAgain() time.Duration {
	if chaos {
		return 5 * time.Second
	}
	return 2 * patience
}

// crowd are people who are connected to replicas. Each is connected to one of them, and the test watches what the
// others know. Nobody who stays may be missing at any of them at any time.
type crowd struct {
	t    *testing.T
	all  []*Redis
	rand *rand.Rand

	mu     sync.Mutex
	here   [crowdSize]bool // guarded by mu
	missed map[string]int  // guarded by mu; how often people who stayed were missing

	stop    chan struct{}
	watches sync.WaitGroup
}

// newCrowd connects people to replicas, and waits until all replicas know everybody.
func newCrowd(t *testing.T, all ...*Redis) *crowd {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := &crowd{t: t, all: all, rand: rand.New(rand.NewPCG(seed, 0)), missed: map[string]int{}, stop: make(chan struct{})}
	for n := range crowdSize {
		c.set(n, true)
	}
	c.settle("all replicas to know everybody", 2*patience)
	c.watches.Go(c.watch)
	t.Cleanup(func() { c.end(); c.watches.Wait() })
	return c
}

func name(n int) string { return fmt.Sprint("person-", n) }

// home returns the replica that somebody is connected to.
func (c *crowd) home(n int) *Redis { return c.all[n%len(c.all)] }

func (c *crowd) set(n int, here bool) {
	c.mu.Lock()
	c.here[n] = here
	c.mu.Unlock()
	c.home(n).Publish(name(n), presence.Digest{Connected: here, Active: here})
}

// churn lets people come and go at a rate per second until the returned function is called.
func (c *crowd) churn(rate int) (stop func()) {
	ended := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				n := c.rand.IntN(crowdMovers)
				c.set(n, !c.here[n]) // only this goroutine changes here
			}
		}
	})
	return func() { close(ended); work.Wait() }
}

// watch looks for people who stay and are missing somewhere, over and over.
func (c *crowd) watch() {
	for {
		for n := crowdMovers; n < crowdSize; n++ {
			for i, r := range c.all {
				if r != c.home(n) && len(r.Remote(name(n))) == 0 {
					c.mu.Lock()
					c.missed[fmt.Sprintf("%s at replica %d", name(n), i)]++
					c.mu.Unlock()
				}
			}
		}
		select {
		case <-c.stop:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// wrong counts people who are wrong at some replica: missing, or shown although they left.
func (c *crowd) wrong() (missing, ghosts int) {
	c.mu.Lock()
	here := c.here
	c.mu.Unlock()
	for n := range crowdSize {
		for _, r := range c.all {
			if r == c.home(n) {
				continue
			}
			switch shown := len(r.Remote(name(n))) > 0; {
			case here[n] && !shown:
				missing++
			case !here[n] && shown:
				ghosts++
			}
		}
	}
	return missing, ghosts
}

// settle waits until everybody is right at all replicas, and all of them are well.
func (c *crowd) settle(what string, within time.Duration) {
	c.t.Helper()
	start := time.Now()
	for {
		missing, ghosts := c.wrong()
		lost := 0
		for _, r := range c.all {
			if !r.Peers().Lost.IsZero() || r.Peers().Others != len(c.all)-1 {
				lost++
			}
		}
		if missing+ghosts+lost == 0 {
			c.t.Logf("%s: %v", what, time.Since(start).Round(time.Millisecond))
			return
		}
		if time.Since(start) > within {
			c.t.Fatalf("not within %v: %s: %d missing, %d shown although they left, %d of %d replicas not well",
				within, what, missing, ghosts, lost, len(c.all))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (c *crowd) end() {
	select {
	case <-c.stop:
	default:
		close(c.stop)
	}
}

// report fails the test if anybody who stayed was ever missing.
func (c *crowd) report() {
	c.t.Helper()
	c.end()
	c.watches.Wait()
	if len(c.missed) > 0 {
		some := ""
		for who := range c.missed {
			some = who
		}
		c.t.Errorf("%d people who stayed were missing for a moment, such as %s, want 0", len(c.missed), some)
	}
}
