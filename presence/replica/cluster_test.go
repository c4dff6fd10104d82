package replica

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// clusterFault is something that happens to a cluster. It returns when the cluster works again, with a function that
// ends what is left of it.
type clusterFault struct {
	name  string
	start func(c *clusterServers, people *crowd) (end func())
	long  bool // only in the long version
}

var clusterFaults = []clusterFault{
	{name: "a primary is killed", start: func(c *clusterServers, people *crowd) func() {
		primary := c.leaseholder(people)
		replica := c.replicaOf(primary)
		primary.stop()
		c.promoted(replica)
		return primary.start
	}},
	{name: "a primary is frozen", long: true, start: func(c *clusterServers, people *crowd) func() {
		primary := c.leaseholder(people)
		replica := c.replicaOf(primary)
		primary.freeze()
		c.promoted(replica)
		return primary.resume
	}},
	{name: "a replica takes over by hand", start: func(c *clusterServers, people *crowd) func() {
		replica := c.replicaOf(c.leaseholder(people))
		do(c.t, replica.admin(), "CLUSTER", "FAILOVER")
		c.promoted(replica)
		return func() {}
	}},
	{name: "a replica takes over without asking", long: true, start: func(c *clusterServers, people *crowd) func() {
		replica := c.replicaOf(c.leaseholder(people))
		do(c.t, replica.admin(), "CLUSTER", "FAILOVER", "TAKEOVER")
		c.promoted(replica)
		return func() {}
	}},
	{name: "slots move", start: func(c *clusterServers, people *crowd) func() {
		from, to := c.twoPrimaries(people)
		c.move(from, to, 500)
		c.works()
		return func() {}
	}},
	{name: "a node is added and removed", long: true, start: func(c *clusterServers, people *crowd) func() {
		from, _ := c.twoPrimaries(people)
		added := c.another()
		c.cli("add-node", "127.0.0.1:"+added.port, "127.0.0.1:"+from.port)
		c.nodes = append(c.nodes, added)
		c.whole()
		c.move(from, added, 1000)
		c.whole()
		c.move(added, from, 1000)
		c.whole()
		s, err := added.state()
		if err != nil {
			c.t.Fatal(err)
		}
		c.cli("del-node", "127.0.0.1:"+from.port, s.id)
		added.stop()
		c.nodes = c.nodes[:len(c.nodes)-1]
		c.whole()
		return func() {}
	}},
	{name: "most primaries are frozen", long: true, start: func(c *clusterServers, people *crowd) func() {
		a, b := c.twoPrimaries(people)
		a.freeze()
		b.freeze()
		wait(c.t, "the outage to show", patience, func() bool { return !people.all[0].Peers().Lost.IsZero() })
		sleepFor(c.t, 2*leaseTTL) // nobody can renew a lease
		a.resume()
		b.resume()
		c.works()
		return func() {}
	}},
	{name: "one node loses everything", long: true, start: func(c *clusterServers, people *crowd) func() {
		do(c.t, c.leaseholder(people).admin(), "FLUSHALL")
		return func() {}
	}},
}

// TestClusterFaults: parts of a cluster fail in every way while a thousand people are connected to three replicas of
// Rollcall. Nobody who stays is missing anywhere at any time.
func TestClusterFaults(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	at := func(cfg *Config) { cfg.URL = c.url("") }
	people := newCrowd(t, c.nodes[0].join(at), c.nodes[0].join(at), c.nodes[0].join(at))
	for _, fault := range clusterFaults {
		if fault.long && !chaos {
			continue
		}
		stop := people.churn(50)
		end := fault.start(c, people)
		stop()
		people.settle("right after "+fault.name, rightAgain())
		end()
		c.whole()
		people.settle("right after that ended", rightAgain())
	}
	people.report()
}

func (r *redisServer) freeze() { r.signal(syscall.SIGSTOP); r.frozen = true }
func (r *redisServer) resume() { r.signal(syscall.SIGCONT); r.frozen = false }

// leaseholder returns the node with the lease of a replica of Rollcall.
func (c *clusterServers) leaseholder(people *crowd) *redisServer {
	return c.primaryOf("rollcall:replica:" + people.all[0].self)
}

// twoPrimaries returns the node with the lease of a replica of Rollcall, and another one.
func (c *clusterServers) twoPrimaries(people *crowd) (a, b *redisServer) {
	c.t.Helper()
	a = c.leaseholder(people)
	for _, n := range c.running() {
		if s, err := n.state(); err == nil && !s.replica && n != a && s.slots > 0 {
			return a, n
		}
	}
	c.t.Fatal("there's no second primary")
	return nil, nil
}

// move moves some slots with their keys.
func (c *clusterServers) move(from, to *redisServer, slots int) {
	c.t.Helper()
	of := func(n *redisServer) string {
		s, err := n.state()
		if err != nil {
			c.t.Fatal(err)
		}
		return s.id
	}
	c.cli("reshard", "127.0.0.1:"+from.port, "--cluster-from", of(from), "--cluster-to", of(to),
		"--cluster-slots", fmt.Sprint(slots), "--cluster-yes")
}

func sleepFor(t *testing.T, d time.Duration) {
	select {
	case <-t.Context().Done():
	case <-time.After(d):
	}
}
