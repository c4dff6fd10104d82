package replica

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

const (
	maxAsked = 5 // nodes that are asked at once
	askWait  = time.Second
)

// layout is what a node says about the cluster.
type layout struct {
	primaries []slotRange
	works     bool  // the node takes commands
	epoch     int64 // grows with each change
	err       error
}

// slotRange is a range of slots and the address of the primary that has them.
type slotRange struct {
	first, last int64
	primary     string
}

// ask asks nodes which of them has which slots, and takes over the newest answer. A node that is cut off from the
// others knows only what was true before, but also that it's cut off.
func (c *cluster) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	asked := c.toAsk()
	answers := make(chan layout, maxAsked+len(c.at.option.InitAddress))
	for address, client := range asked {
		c.work.Go(func() { answers <- askNode(ctx, address, client) })
	}
	n := len(asked)
	if n == 0 {
		for _, address := range c.at.option.InitAddress {
			c.work.Go(func() { answers <- c.askSeed(ctx, address) })
		}
		n = len(c.at.option.InitAddress)
	}
	best := layout{err: errNotConnected}
	for range n {
		var a layout
		select {
		case a = <-answers:
		case <-ctx.Done():
			a.err = ctx.Err()
		}
		if a.better(best) {
			best = a
		}
	}
	c.take(best)
}

func (l layout) better(than layout) bool {
	switch {
	case l.err != nil:
		return than.err != nil && !errors.Is(l.err, context.DeadlineExceeded)
	case than.err != nil:
		return true
	case l.works != than.works:
		return l.works
	}
	return l.epoch > than.epoch
}

// toAsk returns some nodes that can be reached.
func (c *cluster) toAsk() map[string]rueidis.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	up := map[string]rueidis.Client{}
	for address, n := range c.nodes { // in random order
		if n.tracked != nil && len(up) < maxAsked {
			up[address] = n.tracked
		}
	}
	return up
}

// askSeed asks a server whose address the operator has given.
func (c *cluster) askSeed(ctx context.Context, address string) layout {
	option := c.at.option
	option.InitAddress, option.DisableCache = []string{address}, true
	client, err := rueidis.NewClient(option)
	if client != nil {
		defer client.Close()
	}
	if err != nil {
		return layout{err: err}
	}
	return askNode(ctx, address, client)
}

func askNode(ctx context.Context, address string, client rueidis.Client) (l layout) {
	answers := client.DoMulti(ctx,
		client.B().ClusterInfo().Build(), client.B().ClusterSlots().Build())
	for _, a := range answers {
		if err := a.Error(); err != nil {
			return layout{err: err}
		}
	}
	text, _ := answers[0].ToString()
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "cluster_state":
			l.works = value == "ok"
		case "cluster_current_epoch":
			l.epoch, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	ranges, err := answers[1].ToArray()
	if err != nil {
		return layout{err: err}
	}
	for i := range ranges {
		r, err := parseRange(&ranges[i], address)
		if err != nil {
			return layout{err: err}
		}
		if r.primary != "" {
			l.primaries = append(l.primaries, r)
		}
	}
	return l
}

// parseRange parses a part of the answer to CLUSTER SLOTS. asked is the address of the node that answered: it may not
// know its own host.
func parseRange(m *rueidis.RedisMessage, asked string) (r slotRange, err error) {
	parts, err := m.ToArray()
	if err != nil || len(parts) < 3 {
		return r, fmt.Errorf("CLUSTER SLOTS isn't a list of ranges: %w", err)
	}
	if r.first, err = parts[0].AsInt64(); err != nil {
		return r, err
	}
	if r.last, err = parts[1].AsInt64(); err != nil {
		return r, err
	}
	primary, err := parts[2].ToArray()
	if err != nil || len(primary) < 2 || r.first < 0 || r.last >= slotCount {
		return r, fmt.Errorf("CLUSTER SLOTS has an invalid range: %w", err)
	}
	host, _ := primary[0].ToString() // "" if it's null
	port, err := primary[1].AsInt64()
	if host != "?" {
		r.primary = addressOf(host, strconv.FormatInt(port, 10), asked)
	}
	return r, err
}

// addressOf returns the address of a node. Without a host, it's on the same one as the node that says so.
func addressOf(host, port, saidBy string) string {
	if host == "" {
		host, _, _ = net.SplitHostPort(saidBy)
	}
	return net.JoinHostPort(host, port)
}

// take takes over a layout. It closes the connections to servers that aren't primaries anymore.
func (c *cluster) take(l layout) {
	c.mu.Lock()
	if c.err = l.err; l.err != nil {
		c.mu.Unlock()
		return
	}
	var moved [slotCount]bool
	var owners [slotCount]*node
	some, listed := false, map[*node]bool{}
	for _, r := range l.primaries {
		if len(c.nodes) >= maxNodes && c.nodes[r.primary] == nil {
			continue
		}
		n := c.nodeLocked(r.primary)
		listed[n] = true
		for i := r.first; i <= r.last; i++ {
			owners[i] = n
			moved[i] = c.owners[i] != nil && c.owners[i] != n
			some = some || moved[i]
		}
	}
	c.owners = owners
	for address, n := range c.nodes {
		if !listed[n] && time.Since(n.sentTo) >= keepUnlisted {
			delete(c.nodes, address)
			c.dropLocked(n)
			c.closeSoonLocked(n.plain)
		}
	}
	c.mu.Unlock()
	if some {
		c.to.moved(func(key string) bool { return moved[c.slot(key)] })
	}
}

func (c *cluster) nodeLocked(address string) *node {
	if c.nodes[address] == nil {
		c.nodes[address] = &node{address: address}
	}
	return c.nodes[address]
}

// slot returns the slot of a key.
func (c *cluster) slot(key string) uint16 {
	command := c.builder.Get().Key(key).Build()
	return slotOf(command)
}

// slotOf returns the slot of a command's last key, or any slot if it has none.
func slotOf(command rueidis.Completed) uint16 { return command.Slot() % slotCount }

// named returns names whose keys are on each of the nodes: in braces, only a part of a key decides about its slot.
func (c *cluster) named() (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := map[*node]bool{nil: true}
	for _, n := range c.owners {
		if found[n] {
			continue
		}
		found[n] = true
		for {
			name := "{" + strconv.FormatUint(rand.Uint64(), 36) + "}"
			if c.owners[c.slot(name)] == n {
				names = append(names, name)
				break
			}
		}
	}
	return names
}
