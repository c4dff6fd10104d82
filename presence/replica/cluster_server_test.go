package replica

import (
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/redis/rueidis"
)

// clusterServers are the nodes of a real Redis Cluster: primaries, each with a replica.
type clusterServers struct {
	t     *testing.T
	nodes []*redisServer
	args  []string
	start func(...string) *redisServer
}

// startCluster starts a cluster of three primaries and three replicas.
func startCluster(t *testing.T, args ...string) *clusterServers {
	t.Helper()
	return startClusterBy(t, func(args ...string) *redisServer { return startServer(t, args...) }, args...)
}

func startClusterBy(t *testing.T, start func(...string) *redisServer, args ...string) *clusterServers {
	t.Helper()
	c := &clusterServers{t: t, start: start}
	c.args = append([]string{"--save", "", "--appendonly", "no", "--cluster-enabled", "yes",
		"--cluster-node-timeout", "2000", "--repl-diskless-sync-delay", "0"}, args...)
	for range 6 {
		c.nodes = append(c.nodes, c.another())
	}
	create := []string{"create"}
	for _, n := range c.nodes {
		create = append(create, "127.0.0.1:"+n.port)
	}
	c.cli(append(create, "--cluster-replicas", "1", "--cluster-yes")...)
	c.whole()
	return c
}

// another starts a node that isn't part of the cluster yet.
func (c *clusterServers) another() *redisServer {
	c.t.Helper()
	_, bus, _ := net.SplitHostPort(freeAddr(c.t))
	return c.start(append(slices.Clone(c.args), "--cluster-port", bus)...)
}

// cli runs redis-cli --cluster.
func (c *clusterServers) cli(words ...string) {
	c.t.Helper()
	args := append([]string{"--cluster"}, words...)
	if c.nodes[0].tls != nil {
		args = append(args, "--tls", "--insecure")
	}
	if out, err := exec.Command("redis-cli", args...).CombinedOutput(); err != nil {
		c.t.Fatalf("redis-cli %q: %v\n%s", args, err, out)
	}
}

func (c *clusterServers) url(credentials string) string {
	return fmt.Sprintf("redis://%s127.0.0.1:%s?addr=127.0.0.1:%s&addr=127.0.0.1:%s",
		credentials, c.nodes[0].port, c.nodes[1].port, c.nodes[2].port)
}

// nodeState is what a node says about itself and the cluster.
type nodeState struct {
	id, primary, address string
	replica, works       bool
	slots                int
	view                 string // of all nodes: who is a replica of whom, and who has which slots
}

func (r *redisServer) state() (s nodeState, err error) {
	admin, err := r.connect()
	if err != nil {
		return s, err
	}
	defer admin.Close()
	nodes, err := admin.Do(r.t.Context(), admin.B().ClusterNodes().Build()).ToString()
	if err != nil {
		return s, err
	}
	var view []string
	for line := range strings.Lines(strings.TrimPrefix(nodes, "txt:")) {
		fields := strings.Fields(line)
		view = append(view, fmt.Sprint(fields[0], strings.TrimPrefix(fields[2], "myself,"), fields[3], fields[8:]))
		if strings.Contains(fields[2], "myself") {
			s.id, s.address, s.primary = fields[0], fields[1], fields[3]
			s.replica = strings.Contains(fields[2], "slave")
			s.slots = len(fields) - 8
		}
	}
	slices.Sort(view)
	s.view = strings.Join(view, " ")
	info, err := admin.Do(r.t.Context(), admin.B().ClusterInfo().Build()).ToString()
	s.works = strings.Contains(info, "cluster_state:ok")
	return s, err
}

// running returns the nodes that answer.
func (c *clusterServers) running() []*redisServer {
	return slices.DeleteFunc(slices.Clone(c.nodes), func(n *redisServer) bool { return n.cmd == nil || n.frozen })
}

// whole waits until all running nodes say that the cluster works and agree about each other, and all replicas have
// caught up. Until then, nodes ignore a failover by hand, and don't let slots move.
func (c *clusterServers) whole() {
	c.t.Helper()
	wait(c.t, "the cluster to work", 3*patience, func() bool {
		view := ""
		for _, n := range c.running() {
			s, err := n.state()
			if err != nil || !s.works || view != "" && s.view != view {
				return false
			}
			view = s.view
			if text := n.infoOf("replication"); s.replica && !strings.Contains(text, "master_link_status:up") {
				return false
			}
		}
		return true
	})
}

func (r *redisServer) infoOf(section string) string {
	admin, err := r.connect()
	if err != nil {
		return ""
	}
	defer admin.Close()
	text, _ := admin.Do(r.t.Context(), admin.B().Info().Section(section).Build()).ToString()
	return text
}

// primaryOf returns the running primary that has a key.
func (c *clusterServers) primaryOf(key string) *redisServer {
	c.t.Helper()
	var found *redisServer
	wait(c.t, "a primary with "+key, patience, func() bool {
		for _, n := range c.running() {
			admin, err := n.connect()
			if err != nil {
				continue
			}
			s, _ := n.state()
			err = admin.Do(c.t.Context(), admin.B().Get().Key(key).Build()).Error()
			admin.Close()
			if !s.replica && (err == nil || rueidis.IsRedisNil(err)) {
				found = n
				return true
			}
		}
		return false
	})
	return found
}

// replicaOf returns the running replica of a primary, once there is one.
func (c *clusterServers) replicaOf(primary *redisServer) *redisServer {
	c.t.Helper()
	p, err := primary.state()
	if err != nil {
		c.t.Fatal(err)
	}
	var found *redisServer
	wait(c.t, "a replica", 3*patience, func() bool {
		for _, n := range c.running() {
			if s, err := n.state(); err == nil && s.replica && s.primary == p.id {
				found = n
				return true
			}
		}
		return false
	})
	return found
}

// promoted waits until a former replica is a primary, and the cluster works.
func (c *clusterServers) promoted(replica *redisServer) {
	c.t.Helper()
	wait(c.t, "the replica to be the primary", 3*patience, func() bool {
		s, err := replica.state()
		return err == nil && !s.replica && s.works
	})
	c.works()
}

// works waits until all running nodes take commands.
func (c *clusterServers) works() {
	c.t.Helper()
	wait(c.t, "the cluster to work", 3*patience, func() bool {
		for _, n := range c.running() {
			if s, err := n.state(); err != nil || !s.works {
				return false
			}
		}
		return true
	})
}
