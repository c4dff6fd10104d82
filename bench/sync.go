package main

import (
	"context"
	"errors"
	"time"
)

// syncReplica measures how a replica learns who is online on others: a running replica when very many people come
// online at once, and a replica that starts afterward. The people are on a simulated replica, so that nobody has to
// connect.
func syncReplica(ctx context.Context, b *bench) (err error) {
	if err := fill(ctx, b, b.online+1); err != nil {
		return err
	}
	running, joining := b.own[0], b.own[len(b.own)-1]
	b.tell("reading the IDs of %d people", b.online)
	// From the replica that restarts later: loading pages uses memory, and the other one's memory is measured.
	cl := newClient(joining.base, false)
	defer cl.close()
	uids, err := cl.otherPeople(ctx, b.observer, b.online)
	if err != nil {
		return err
	}
	if err := joining.stop(); err != nil {
		return err
	}
	b.report.add("sync", "people online", float64(len(uids)), "", "")
	c := newCrowd(running.base)
	defer c.close()
	others, err := announceUsers(ctx, b, c, running, uids)
	if err != nil {
		return errors.Join(err, c.check())
	}
	defer func() { err = errors.Join(err, others.leave()) }()
	if err := timeJoin(ctx, b, joining, uids); err != nil {
		return err
	}
	return c.check()
}

// announceUsers makes all users come online at once on a simulated replica, and measures running, to which only the
// observer is connected.
func announceUsers(
	ctx context.Context, b *bench, c *crowd, running *server, uids []string,
) (others *simulatedReplica, err error) {
	o := awaitOnline(b, uids)
	if _, err := c.dial(ctx, b.observer, showEveryone, "bench", o.watch()); err != nil {
		return nil, err
	}
	if err := pause(ctx, 2*settle); err != nil {
		return nil, err
	}
	before, _ := running.process().rss()
	b.tell("%d people come online elsewhere", len(uids))
	if others, err = newSimulatedReplica(ctx, b.redis); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, others.leave())
		}
	}()
	began := time.Now()
	if err := others.bring(ctx, uids); err != nil {
		return nil, err
	}
	if err := seen(ctx, o); err != nil {
		return nil, err
	}
	after, _ := running.process().rss()
	counted, _ := o.times()
	b.report.add("sync", "all seen by a running replica, by the count", counted.Sub(began).Seconds(), "s", "")
	b.tell("idle for %v", b.idle)
	if err := pause(ctx, b.idle); err != nil {
		return nil, err
	}
	later, rssErr := running.process().rss()
	b.report.add("sync", "RSS per remote user, right after", each(after-before, len(uids), rssErr), "B", "")
	b.report.add("sync", "RSS per remote user, after idling", each(later-before, len(uids), rssErr), "B", "")
	return others, nil
}

// timeJoin starts a replica while users are online on others, and measures it.
func timeJoin(ctx context.Context, b *bench, joining *server, uids []string) error {
	b.tell("a new replica joins")
	o := awaitOnline(b, uids)
	if err := joining.start(ctx); err != nil {
		return err
	}
	c := newCrowd(joining.base)
	defer c.close()
	if _, err := c.dial(ctx, b.observer, showEveryone, "bench", o.watch()); err != nil {
		return err
	}
	if err := seen(ctx, o); err != nil {
		return errors.Join(err, c.check())
	}
	cpu, _ := joining.process().cpu()
	counted, showed := o.times()
	b.report.add("sync", "new replica ready", ms(joining.startup), "ms", "")
	const limit = "≤ 2 at 100,000"
	b.report.add("sync", "all seen by a new replica, by the count", counted.Sub(joining.began).Seconds(), "s", limit)
	b.report.add("sync", "all seen by a new replica, by the rows of the page", showed.Sub(joining.began).Seconds(), "s",
		limit)
	b.report.add("sync", "new replica's CPU until then", cpu.Seconds(), "s", "")
	return c.check()
}

// awaitOnline returns an observer that waits for all users. The first of them are on the first page.
func awaitOnline(b *bench, uids []string) *observer {
	rows := map[string]bool{}
	for _, uid := range uids[:min(len(uids), pageRows-1)] { // one row can be the observer's own
		rows[uid] = true
	}
	return newObserver(len(uids)+1, rows)
}
