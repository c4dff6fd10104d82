package replica

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

const (
	slotCount = 16384

	askEvery     = 1 * time.Second        // how often the nodes are asked which of them has which slots
	askAgain     = 200 * time.Millisecond // the same while a node can't be reached
	askPause     = 20 * time.Millisecond  // at least, between two questions
	keepUnlisted = 60 * time.Second       // a node that isn't listed stays for this long after commands were sent there
)

// cluster knows the nodes of a Redis Cluster, and keeps a tracked connection to each primary. Slots may move between
// nodes at any time, and nodes may come and go.
//
// A node whose tracked connection broke gets no commands until there's a new connection. So everything that is read was
// read on a connection that announces later changes.
type cluster struct {
	at       *location
	tracking []string // options of CLIENT TRACKING
	to       listener
	builder  rueidis.Builder

	kick   chan struct{} // capacity 1
	ctx    context.Context
	stop   context.CancelFunc
	work   sync.WaitGroup
	opened chan struct{} // capacity 1; readable after nodes were opened

	mu     sync.Mutex // guards everything below, and the fields of nodes; never held during I/O
	nodes  map[string]*node
	owners [slotCount]*node // nil: nobody has the slot, as far as this process knows
	err    error            // why the nodes couldn't be asked the last time
	left   []rueidis.Client // for close to close
}

// node is a server of a cluster.
type node struct {
	address    string
	tracked    rueidis.Client // nil: can't be reached
	plain      rueidis.Client // nil until it was first reached
	generation int            // of the tracked connection; announcements of older ones are ignored
	opening    bool
	sentTo     time.Time // when another node last sent a command here
}

// listener is told about the nodes of a cluster. Its methods only mark.
type listener struct {
	announced func(changed []rueidis.RedisMessage) // keys that changed
	broke     func()                               // the connection to a node broke
	back      func()                               // a node is about to be used again: announcements may have been missed
	moved     func(key func(string) bool)          // slots moved between nodes that stayed connected; says which keys
}

// newCluster returns a cluster without connections.
func newCluster(at *location, tracking []string, to listener) *cluster {
	c := &cluster{
		at: at, tracking: tracking, to: to, builder: builderOfSlots(at.option),
		kick: make(chan struct{}, 1), opened: make(chan struct{}, 1), nodes: map[string]*node{},
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c
}

// builderOfSlots returns a builder of commands that know the slot of their key. Only clients have one.
func builderOfSlots(option rueidis.ClientOption) rueidis.Builder {
	option.DialCtxFn = func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) { return nil, errNotConnected }
	client, _ := rueidis.NewClient(option)
	defer client.Close()
	return client.B()
}

// start asks for the nodes and connects to them, and keeps doing so until close.
func (c *cluster) start(ctx context.Context) error {
	c.ask(ctx)
	c.openAll()
	c.work.Go(c.watch)
	late := time.After(2 * dialWait)
	for {
		err := c.whole()
		if err == nil || !c.opens() {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-late:
			return err
		case <-c.opened:
		}
	}
}

// opens reports whether a connection is being opened.
func (c *cluster) opens() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.nodes {
		if n.opening {
			return true
		}
	}
	return false
}

// watch asks for the nodes over and over, and connects to those that aren't connected.
func (c *cluster) watch() {
	for {
		every := askEvery
		if c.whole() != nil {
			every = askAgain
		}
		timer := time.NewTimer(every)
		select {
		case <-c.ctx.Done():
			timer.Stop()
			return
		case <-c.kick:
			timer.Stop()
			sleep(c.ctx, askPause)
		case <-timer.C:
		}
		c.openAll() // a new connection to a node that was known may be all that is missing
		c.ask(c.ctx)
		c.openAll()
	}
}

func (c *cluster) askSoon() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// whole returns nil if all slots can be used, and otherwise why not.
func (c *cluster) whole() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var down *node
	up, missing := false, 0
	for i, n := range c.owners {
		switch {
		case n == nil:
			missing++
		case i > 0 && n == c.owners[i-1]: // as before
		case n.tracked == nil:
			down = n
		default:
			up = true
		}
	}
	switch {
	case missing == slotCount && c.err != nil:
		return c.err
	case !up && down != nil:
		return fmt.Errorf("no node of the Redis Cluster can be reached, such as %s", down.address)
	case down != nil:
		return fmt.Errorf("%w: %s can't be reached", errPartly, down.address)
	case missing > 0:
		return fmt.Errorf("%w: no node has %d of its slots", errPartly, missing)
	}
	return nil
}

// openAll opens the tracked connections that are missing, without waiting for them.
func (c *cluster) openAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.nodes {
		if n.tracked == nil && !n.opening && c.ctx.Err() == nil {
			n.opening = true
			c.work.Go(func() { c.open(n) })
		}
	}
}

// open opens the tracked connection to a node, and the plain one if there's none. What was announced before is lost, so
// it says so before the first command is sent.
func (c *cluster) open(n *node) {
	c.mu.Lock()
	n.generation++
	generation := n.generation
	c.mu.Unlock()
	option := c.at.option
	option.InitAddress = []string{n.address}
	option.ClientTrackingOptions = c.tracking
	option.OnInvalidations = func(changed []rueidis.RedisMessage) { c.announced(n, generation, changed) }
	tracked, err := rueidis.NewClient(option)
	var plain rueidis.Client
	if err == nil {
		plain = c.openPlain(n)
		c.to.back()
	}
	c.mu.Lock()
	n.opening = false
	if n.plain == nil {
		n.plain, plain = plain, nil
	}
	used := err == nil && n.generation == generation && c.nodes[n.address] == n && c.ctx.Err() == nil
	if used {
		n.tracked = tracked
	} else if err != nil {
		c.err = err
	}
	c.mu.Unlock()
	if !used {
		closeAll(tracked, plain)
	}
	select {
	case c.opened <- struct{}{}:
	default:
	}
}

func (c *cluster) openPlain(n *node) rueidis.Client {
	c.mu.Lock()
	known := n.plain != nil
	c.mu.Unlock()
	if known {
		return nil
	}
	option := c.at.option
	option.InitAddress, option.DisableCache = []string{n.address}, true
	plain, _ := rueidis.NewClient(option) // works later if it doesn't now
	return plain
}

// announced passes on which keys changed on a node. nil means that announcements were lost, because the connection
// broke or all keys were deleted. It runs on the connection's reading goroutine, so it only marks.
func (c *cluster) announced(n *node, generation int, changed []rueidis.RedisMessage) {
	c.mu.Lock()
	current := n.generation == generation
	if current && changed == nil {
		c.dropLocked(n)
	}
	c.mu.Unlock()
	switch {
	case !current:
	case changed == nil:
		c.askSoon()
		c.to.broke()
	default:
		c.to.announced(changed)
	}
}

// dropLocked ends the use of a node's tracked connection.
func (c *cluster) dropLocked(n *node) {
	n.generation++
	if old := n.tracked; old != nil {
		n.tracked = nil
		c.closeSoonLocked(old)
	}
}

// closeSoonLocked closes clients. That waits for their commands, so the caller doesn't wait.
func (c *cluster) closeSoonLocked(clients ...rueidis.Client) {
	if c.ctx.Err() == nil {
		c.work.Go(func() { closeAll(clients...) })
	} else {
		c.left = append(c.left, clients...)
	}
}

func closeAll(clients ...rueidis.Client) {
	for _, client := range clients {
		if client != nil {
			client.Close()
		}
	}
}

// reopen replaces all tracked connections.
func (c *cluster) reopen() {
	c.mu.Lock()
	for _, n := range c.nodes {
		if n.tracked != nil {
			c.dropLocked(n)
		}
	}
	c.mu.Unlock()
	c.openAll()
	c.askSoon()
}

// close ends everything that the cluster runs, and closes all connections.
func (c *cluster) close() {
	c.mu.Lock()
	c.stop()
	for _, n := range c.nodes {
		n.generation++ // nothing is announced from now on
	}
	c.mu.Unlock()
	c.work.Wait()
	c.mu.Lock()
	left := c.left
	for _, n := range c.nodes {
		left = append(left, n.tracked, n.plain)
		n.tracked = nil
	}
	c.mu.Unlock()
	closeAll(left...)
}
