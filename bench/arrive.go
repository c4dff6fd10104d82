package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

const (
	settle   = 700 * time.Millisecond // time for the latest changes to reach every page
	seenWait = 2 * time.Minute
	goneWait = 30 * time.Second
)

// arrive measures idle and connect: everyone connects at once while an observer watches, and stays connected.
func arrive(ctx context.Context, b *bench) error {
	cl, c := newClient(b.bases[0], false), newCrowd(b.bases[0])
	defer cl.close()
	defer c.close()
	people := b.people[:b.users]
	online, o, err := observeArrivals(ctx, b, cl, c, people)
	if err != nil {
		return err
	}
	b.tell("connecting %d people", len(people))
	before, rssErr := b.procs.rss()
	cpu, _ := b.procs.cpu()
	began := time.Now()
	if _, err := c.dialAll(ctx, people, b.dialers, "", "bench", nil); err != nil {
		return errors.Join(err, c.check())
	}
	connected := time.Since(began)
	after, err := b.procs.rss()
	rssErr = errors.Join(rssErr, err)
	if err := seen(ctx, o); err != nil {
		return errors.Join(err, c.check())
	}
	connectCPU := b.procs.spent(cpu)
	counted, showed := o.times()
	n := float64(len(people))
	if b.does("connect") {
		b.report.add("connect", "connects", n/connected.Seconds(), "/s", "")
		b.report.add("connect", "all connected", connected.Seconds(), "s", "")
		const limit = "≤ 0.5 at 1,000, ≤ 1.5 at 5,000"
		b.report.add("connect", "all seen, by the count", counted.Sub(began).Seconds(), "s", limit)
		b.report.add("connect", "all seen, by the rows of the page", showed.Sub(began).Seconds(), "s", limit)
		b.report.add("connect", "server CPU per connect", per(connectCPU, n, time.Microsecond), "µs", "")
	}
	if b.does("idle") {
		if err := reportIdle(ctx, b, n, before, after, rssErr); err != nil {
			return err
		}
	}
	if err := c.check(); err != nil {
		return err
	}
	c.close()
	return observeDepartures(ctx, b, cl, online)
}

// observeArrivals opens the observer's socket. before is the number of people who were online until then.
func observeArrivals(
	ctx context.Context, b *bench, cl *client, c *crowd, coming []*person,
) (before int, o *observer, err error) {
	ours := map[string]bool{}
	for _, p := range coming {
		ours[p.name] = true
	}
	html, err := cl.board(ctx, b.observer)
	if err != nil {
		return 0, nil, err
	}
	before, ok := scanCount(html, "n-online")
	if !ok {
		return 0, nil, errors.New("the board doesn't show how many people are online")
	}
	rows := map[string]bool{}
	self := 1 // the observer comes online too
	scanRows(html, func(uid, username, state []byte) {
		if ours[string(username)] {
			rows[string(uid)] = true
		}
		if string(username) == b.observer.name && parseShown(state) == online {
			self = 0
		}
	})
	o = newObserver(before+self+len(coming), rows)
	if _, err := c.dial(ctx, b.observer, showEveryone, "bench", o.watch()); err != nil {
		return 0, nil, err
	}
	return before, o, pause(ctx, settle)
}

// seen waits until the observer has seen everyone.
func seen(ctx context.Context, o *observer) error {
	select {
	case <-o.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(seenWait):
		o.mu.Lock()
		defer o.mu.Unlock()
		return fmt.Errorf("after %v, the observer hasn't seen everyone: %d rows of its page are missing; count of %d reached: %v",
			seenWait, len(o.pending), o.wanted, !o.counted.IsZero())
	}
}

// reportIdle measures n connections that do nothing. before and after are the resident memory before and after they
// connected, valid if rssErr is nil.
func reportIdle(ctx context.Context, b *bench, n float64, before, after int64, rssErr error) error {
	b.tell("idle for %v", b.idle)
	cpu, _ := b.procs.cpu()
	if err := pause(ctx, b.idle); err != nil {
		return err
	}
	spent := b.procs.spent(cpu)
	later, err := b.procs.rss()
	each := func(rss int64) float64 {
		if rssErr != nil || err != nil {
			return math.NaN()
		}
		return float64(rss-before) / n / 1024
	}
	b.report.add("idle", "RSS per connection, right after", each(after), "KiB", "≤ 20 at 1,000, ≤ 16 at 5,000")
	b.report.add("idle", "RSS per connection, after idling", each(later), "KiB", "")
	b.report.add("idle", "server CPU", per(spent, b.idle.Seconds()*0.01, time.Second), "% of one", "")
	return nil
}

// observeDepartures waits until no more than online people are left. Only a server that isn't ours needs it: ours
// restarts.
func observeDepartures(ctx context.Context, b *bench, cl *client, online int) error {
	if b.own != nil {
		return nil
	}
	b.tell("waiting until they're gone")
	for end := time.Now().Add(goneWait); time.Now().Before(end); {
		html, err := cl.board(ctx, b.observer)
		if err != nil {
			return err
		}
		if n, _ := scanCount(html, "n-online"); n <= online {
			return nil
		}
		if err := pause(ctx, settle); err != nil {
			return err
		}
	}
	return fmt.Errorf("people who left were still online after %v", goneWait)
}
