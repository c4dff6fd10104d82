package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"rollcall/presence"
	"rollcall/presence/replica"
)

// trackers is how many replicas many simulates.
const trackers = 4

// tracker is a replica without accounts, pages, and sockets: what knows who is here, with simulated connections, and
// what tells the others, over the real Redis.
type tracker struct {
	*presence.Tracker
	registry *replica.Redis
	conns    []*presence.Connection
}

// newTracker starts a replica that shares accounts with the servers, and waits until it knows what the others have.
func newTracker(ctx context.Context, redis *redisServer, accounts string) (*tracker, error) {
	registry, err := replica.Open(ctx, replica.Config{
		URL: redis.url(), Prefix: prefix, Accounts: accounts, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	cfg := presence.DefaultConfig()
	cfg.Registry, cfg.Fresh, cfg.IdleAfter = registry, true, -1
	t := &tracker{Tracker: presence.NewTracker(cfg), registry: registry}
	select {
	case <-registry.Synced():
		return t, nil
	case <-ctx.Done():
		return nil, errors.Join(context.Cause(ctx), t.close())
	case <-time.After(seenWait):
		return nil, errors.Join(fmt.Errorf("a replica hasn't heard of the others after %v", seenWait), t.close())
	}
}

// join connects users, each with a phone, so that hiding its page makes them away at once.
func (t *tracker) join(users []string) {
	for _, user := range users {
		client := presence.Client{Session: user, Phone: true}
		t.conns = append(t.conns, t.Join(user, client, presence.Activity{}))
	}
}

func (t *tracker) close() error {
	t.Close()
	return t.registry.Close()
}

// fleet is several trackers on one Redis.
type fleet []*tracker

func newFleet(ctx context.Context, redis *redisServer, accounts string) (f fleet, err error) {
	for range trackers {
		t, err := newTracker(ctx, redis, accounts)
		if err != nil {
			return nil, errors.Join(err, f.close())
		}
		f = append(f, t)
	}
	return f, nil
}

// join connects users, spread over all trackers, at once.
func (f fleet) join(users []string) {
	for i, part := range slices.Collect(slices.Chunk(users, (len(users)+len(f)-1)/len(f))) {
		f[i].join(part)
	}
}

// await waits until all trackers count as many people online and away.
func (f fleet) await(ctx context.Context, want presence.Counts) error {
	for end := time.Now().Add(seenWait); ; {
		behind := slices.IndexFunc(f, func(t *tracker) bool { return t.Counts() != want })
		if behind < 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("after %v, replica %d counts %+v, not %+v", seenWait, behind, f[behind].Counts(), want)
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

func (f fleet) close() error {
	var errs []error
	for _, t := range f {
		errs = append(errs, t.close())
	}
	return errors.Join(errs...)
}

// heap returns the memory that this process holds after a garbage collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // frees what finalizers and pools held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
