package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// What replicas write in Redis, as far as the bench writes it, too. Like forms and rows it is known by contract: a hash
// for each user with an entry of each replica that holds a connection of theirs, and a lease for each replica.
const (
	presenceKey = "rollcall:presence:" // and the user's id; by replica: 1 or 0 for active, and since when, unix milliseconds
	leaseKey    = "rollcall:replica:"  // and the replica's id
	leaseValue  = "live"
	leaseTTL    = "10000" // milliseconds
	leaseEvery  = 3 * time.Second
)

// phantom is a replica that only the others believe in: it has a lease, which it renews until it leaves, and people.
type phantom struct {
	redis *redisServer
	id    string
	stop  context.CancelFunc
	ended chan error // capacity 1
}

func newPhantom(ctx context.Context, redis *redisServer) (*phantom, error) {
	p := &phantom{redis: redis, id: "bench-" + rand.Text()[:10], ended: make(chan error, 1)}
	if err := p.renew(ctx); err != nil {
		return nil, err
	}
	ctx, p.stop = context.WithCancel(ctx)
	go func() { p.ended <- p.keep(ctx) }()
	return p, nil
}

// bring makes users online there.
func (p *phantom) bring(ctx context.Context, uids []string) error {
	value := fmt.Sprintf("1 %d", time.Now().UnixMilli())
	commands := make([][]string, len(uids))
	for i, uid := range uids {
		commands[i] = []string{"HSET", presenceKey + uid, p.id, value}
	}
	_, err := p.redis.do(ctx, commands...)
	return err
}

func (p *phantom) renew(ctx context.Context) error {
	_, err := p.redis.do(ctx, []string{"SET", leaseKey + p.id, leaseValue, "PX", leaseTTL})
	return err
}

// keep renews the lease until ctx ends.
func (p *phantom) keep(ctx context.Context) error {
	tick := time.NewTicker(leaseEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := p.renew(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("renew a lease: %w", err)
		}
	}
}

// leave lets the lease run out. An error says that it was not kept until now.
func (p *phantom) leave() error {
	p.stop()
	return <-p.ended
}
