package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// The part of the replicas' Redis format that the bench writes: a hash for each user, with an entry from each replica
// that has a connection of theirs, and a lease for each replica.
const (
	prefix      = "rollcall:"
	presenceKey = prefix + "presence:" // + user ID; fields by replica: 1 if active or 0, and since when, in ms
	leaseKey    = prefix + "replica:"  // + replica ID
	leaseValue  = "live"
	leaseTTL    = "10000" // milliseconds
	leaseEvery  = 3 * time.Second
)

// simulatedReplica is a replica that exists only in Redis: it renews a lease until it leaves, and has people.
type simulatedReplica struct {
	redis *redisServer
	id    string
	stop  context.CancelFunc
	ended chan error // capacity 1
}

func newSimulatedReplica(ctx context.Context, redis *redisServer) (*simulatedReplica, error) {
	p := &simulatedReplica{redis: redis, id: "bench-" + rand.Text()[:10], ended: make(chan error, 1)}
	if err := p.renew(ctx); err != nil {
		return nil, err
	}
	ctx, p.stop = context.WithCancel(ctx)
	go func() { p.ended <- p.keep(ctx) }()
	return p, nil
}

// bring makes users come online on this replica.
func (p *simulatedReplica) bring(ctx context.Context, uids []string) error {
	value := fmt.Sprintf("1 %d", time.Now().UnixMilli())
	commands := make([][]string, len(uids))
	for i, uid := range uids {
		commands[i] = []string{"HSET", presenceKey + uid, p.id, value}
	}
	_, err := p.redis.do(ctx, commands...)
	return err
}

func (p *simulatedReplica) renew(ctx context.Context) error {
	_, err := p.redis.do(ctx, []string{"SET", leaseKey + p.id, leaseValue, "PX", leaseTTL})
	return err
}

// keep renews the lease until ctx ends.
func (p *simulatedReplica) keep(ctx context.Context) error {
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

// leave stops renewing the lease. It returns an error if a renewal failed before.
func (p *simulatedReplica) leave() error {
	p.stop()
	return <-p.ended
}
