package replica

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// maxHops limits how often a command is sent on from node to node. After that, it fails and is sent again in the next
// round.
const maxHops = 3

// maxNodes limits the nodes that a command can be sent on to.
const maxNodes = 1000

// clusterClient sends commands to the nodes that have their keys, over the tracked connections or over others. Commands
// for one node are sent in order. It does only what the store and scripts need: B, Do, DoMulti, and Close.
type clusterClient struct {
	rueidis.Client // nil; panics if anything else is called
	*cluster
	plain bool
}

func (c *clusterClient) B() rueidis.Builder { return c.builder }
func (c *clusterClient) Close()             {} // the store closes the cluster

func (c *clusterClient) Do(ctx context.Context, command rueidis.Completed) rueidis.RedisResult {
	return c.DoMulti(ctx, command)[0]
}

// target is where a command goes next.
type target struct {
	node   *node
	asking bool // the node is taking over the slot, and takes the command only because another node sent it here
}

// DoMulti returns the answers of all commands. A command fails with errPartly if its node can't be reached or doesn't
// work.
func (c *clusterClient) DoMulti(ctx context.Context, commands ...rueidis.Completed) []rueidis.RedisResult {
	results := make([]rueidis.RedisResult, len(commands))
	next := map[target][]int{} // indexes of commands
	c.mu.Lock()
	for i := range commands {
		commands[i] = commands[i].Pin() // it may be sent twice
		to := target{node: c.owners[slotOf(commands[i])]}
		next[to] = append(next[to], i)
	}
	c.mu.Unlock()
	for range maxHops {
		c.sendAll(ctx, next, commands, results)
		next = c.sentOn(commands, results)
		if len(next) == 0 {
			break
		}
	}
	for i := range results {
		if err := results[i].Error(); err != nil && !rueidis.IsRedisNil(err) && partly(err) {
			results[i] = rueidis.NewErrorResult(fmt.Errorf("%w: %w", errPartly, err))
		}
	}
	return results
}

// partly reports whether err may concern only one node, and may end without anyone doing something.
func partly(err error) bool {
	answer, ok := rueidis.IsRedisErr(err)
	if !ok {
		return true
	}
	_, moved := answer.IsMoved()
	_, ask := answer.IsAsk()
	return moved || ask || answer.IsClusterDown() || answer.IsTryAgain() || answer.IsLoading()
}

// sendAll sends commands to all targets at once, and waits for the answers.
func (c *clusterClient) sendAll(ctx context.Context, to map[target][]int, commands []rueidis.Completed,
	results []rueidis.RedisResult) {
	var sending sync.WaitGroup
	for t, indexes := range to {
		client := c.clientOf(t.node)
		if client == nil {
			for _, i := range indexes {
				results[i] = rueidis.NewErrorResult(errNotConnected)
			}
			continue
		}
		sending.Go(func() { send(ctx, client, t.asking, indexes, commands, results) })
	}
	sending.Wait()
}

func (c *clusterClient) clientOf(n *node) rueidis.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case n == nil || n.tracked == nil:
		return nil
	case c.plain:
		return n.plain
	}
	return n.tracked
}

// send sends some commands to one node.
func send(ctx context.Context, client rueidis.Client, asking bool, indexes []int, commands []rueidis.Completed,
	results []rueidis.RedisResult) {
	each := 1 // commands to send for each
	if asking {
		each = 2
	}
	batch := make([]rueidis.Completed, 0, each*len(indexes))
	for _, i := range indexes {
		if asking {
			batch = append(batch, client.B().Asking().Build())
		}
		batch = append(batch, commands[i])
	}
	for n, answer := range client.DoMulti(ctx, batch...) {
		if n%each == each-1 {
			results[indexes[n/each]] = answer
		}
	}
}

// up returns the tracked connections to the nodes that can be reached.
func (c *cluster) up() (all []rueidis.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.nodes {
		if n.tracked != nil {
			all = append(all, n.tracked)
		}
	}
	return all
}

// sentOn returns where nodes have sent commands on. It remembers that slots have moved.
func (c *clusterClient) sentOn(commands []rueidis.Completed, results []rueidis.RedisResult) map[target][]int {
	next, slots := map[target][]int{}, map[uint16]bool{}
	for i := range results {
		answer, ok := rueidis.IsRedisErr(results[i].Error())
		if !ok {
			continue
		}
		address, moved := answer.IsMoved()
		asking := false
		if !moved {
			if address, asking = answer.IsAsk(); !asking {
				continue
			}
		}
		slot := slotOf(commands[i])
		if moved {
			slots[slot] = true
		}
		if n := c.follow(address, slot, moved); n != nil {
			to := target{n, asking}
			next[to] = append(next[to], i)
		}
	}
	if len(slots) > 0 {
		c.askSoon()
		c.to.moved(func(key string) bool { return slots[c.slot(key)] })
	}
	return next
}

// follow returns the node at an address that another node named, or nil if there's no connection to it yet. moved says
// that it has the slot from now on.
func (c *clusterClient) follow(address string, slot uint16, moved bool) *node {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	said := ""
	if was := c.owners[slot]; was != nil {
		said = was.address
	}
	address = addressOf(host, port, said)
	if len(c.nodes) >= maxNodes && c.nodes[address] == nil {
		return nil
	}
	n := c.nodeLocked(address)
	n.sentTo = time.Now()
	if moved {
		c.owners[slot] = n
	}
	if n.tracked == nil {
		c.askSoon()
		return nil
	}
	return n
}
