package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"
)

// countWait is how long a replica may take to count everyone who has connected.
const countWait = time.Minute

// quiet measures the load that replicas put on Redis while people are connected and nothing happens.
func quiet(ctx context.Context, b *bench) error {
	people := b.people[:b.users]
	if err := pause(ctx, 2*settle); err != nil { // Redis measures its buffers once per second
		return err
	}
	before, err := b.redis.memory(ctx)
	if err != nil {
		return err
	}
	c := newCrowd(b.bases...)
	defer c.close()
	b.tell("connecting %d people to %d replicas", len(people), len(b.bases))
	if _, err := c.dialAll(ctx, people, b.dialers, "", "bench", nil); err != nil {
		return errors.Join(err, c.check())
	}
	for _, base := range b.bases {
		if err := b.awaitCount(ctx, base, len(people)); err != nil {
			return errors.Join(err, c.check())
		}
	}
	if err := pause(ctx, 2*settle); err != nil {
		return err
	}
	b.report.add("quiet", "people online", float64(len(people)), "", "")
	b.report.add("quiet", "replicas", float64(len(b.bases)), "", "")
	if err := b.countCommands(ctx); err != nil {
		return err
	}
	if err := b.measureMemory(ctx, before, len(people)); err != nil {
		return err
	}
	return c.check()
}

// awaitCount waits until the board of the server at base shows that n people are online.
func (b *bench) awaitCount(ctx context.Context, base *url.URL, n int) error {
	cl := newClient(base, false)
	defer cl.close()
	got := 0
	for end := time.Now().Add(countWait); time.Now().Before(end); {
		html, err := cl.board(ctx, b.observer)
		if err != nil {
			return err
		}
		if got, _ = scanCount(html, "n-online"); got == n {
			return nil
		}
		if err := pause(ctx, settle/4); err != nil {
			return err
		}
	}
	return fmt.Errorf("after %v, the board of %s shows %d people online, not %d", countWait, base, got, n)
}

// countCommands counts Redis commands while nothing happens.
func (b *bench) countCommands(ctx context.Context) error {
	b.tell("counting commands for %v", b.idle)
	servers, _ := b.procs.cpu()
	redis := processes{b.redis.process()}
	redisCPU, _ := redis.cpu()
	before, err := b.redis.commands(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := pause(ctx, b.idle); err != nil {
		return err
	}
	after, err := b.redis.commands(ctx)
	if err != nil {
		return err
	}
	seconds := time.Since(began).Seconds()
	asked, pings := after.since(before)
	b.report.add("quiet", "Redis commands except PING", float64(asked.sum())/seconds, "/s", "≤ 2.4 for 3 replicas")
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		b.report.add("quiet", "Redis commands: "+strings.ToUpper(name), float64(asked[name])/seconds, "/s", "")
	}
	b.report.add("quiet", "PINGs of the driver", float64(pings)/seconds, "/s", "")
	b.report.add("quiet", "server CPU, all replicas", per(b.procs.spent(servers), seconds*0.01, time.Second), "% of one",
		"")
	b.report.add("quiet", "Redis CPU", per(redis.spent(redisCPU), seconds*0.01, time.Second), "% of one", "")
	return nil
}

// measureMemory reports the Redis memory that n people take. before is the memory used without them.
func (b *bench) measureMemory(ctx context.Context, before int64, n int) error {
	after, err := b.redis.memory(ctx)
	if err != nil {
		return err
	}
	sizes, err := b.redis.entrySizes(ctx)
	if err != nil {
		return err
	}
	sum := int64(0)
	for _, size := range sizes {
		sum += size
	}
	b.report.add("quiet", "Redis memory per person", each(after-before, n, nil), "B", "")
	b.report.add("quiet", "Redis memory per entry, estimated", each(sum, len(sizes), nil), "B", "")
	return nil
}

// each returns bytes per item, or NaN if err says that bytes couldn't be measured.
func each(bytes int64, n int, err error) float64 {
	if err != nil || n == 0 {
		return math.NaN()
	}
	return float64(bytes) / float64(n)
}
