package main

import (
	"context"
	"errors"
	"time"
)

// syncReplica measures how a replica learns who is online at others: one that is running when very many people arrive at
// once, and one that starts after that. A made-up replica holds these people, so nobody has to connect.
func syncReplica(ctx context.Context, b *bench) (err error) {
	if err := fill(ctx, b, b.online+1); err != nil {
		return err
	}
	running, joining := b.own[0], b.own[len(b.own)-1]
	b.tell("reading who there is")
	// At the replica that is started anew later: loading pages leaves memory behind, and the other one's is measured.
	cl := newClient(joining.base, false)
	defer cl.close()
	uids, err := cl.everybody(ctx, b.observer, b.online)
	if err != nil {
		return err
	}
	if err := joining.stop(); err != nil {
		return err
	}
	b.report.add("sync", "people online", float64(len(uids)), "", "")
	c := newCrowd(running.base)
	defer c.close()
	others, err := announcePhantoms(ctx, b, c, running, uids)
	if err != nil {
		return errors.Join(err, c.check())
	}
	defer func() { err = errors.Join(err, others.leave()) }()
	if err := timeJoin(ctx, b, joining, uids); err != nil {
		return err
	}
	return c.check()
}

// announcePhantoms makes all users online at once at a replica that is made up, and measures running, at which nobody is but the
// observer.
func announcePhantoms(ctx context.Context, b *bench, c *crowd, running *server, uids []string) (others *phantom, err error) {
	o := awaitOnline(b, uids)
	if _, err := c.dial(ctx, b.observer, "", "bench", o.watch()); err != nil {
		return nil, err
	}
	if err := pause(ctx, 2*settle); err != nil {
		return nil, err
	}
	before, _ := running.process().rss()
	b.tell("%d people come online elsewhere", len(uids))
	if others, err = newPhantom(ctx, b.redis); err != nil {
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
	b.tell("resting for %v", b.idle)
	if err := pause(ctx, b.idle); err != nil {
		return nil, err
	}
	later, rssErr := running.process().rss()
	b.report.add("sync", "RSS per remote user, right after", each(after-before, len(uids), rssErr), "B", "")
	b.report.add("sync", "RSS per remote user, rested", each(later-before, len(uids), rssErr), "B", "")
	return others, nil
}

// timeJoin starts a replica among others that know of users online.
func timeJoin(ctx context.Context, b *bench, joining *server, uids []string) error {
	b.tell("a new replica joins")
	o := awaitOnline(b, uids)
	if err := joining.start(ctx); err != nil {
		return err
	}
	c := newCrowd(joining.base)
	defer c.close()
	if _, err := c.dial(ctx, b.observer, "", "bench", o.watch()); err != nil {
		return err
	}
	if err := seen(ctx, o); err != nil {
		return errors.Join(err, c.check())
	}
	cpu, _ := joining.process().cpu()
	counted, showed := o.times()
	b.report.add("sync", "new replica ready", ms(joining.startup), "ms", "")
	b.report.add("sync", "all seen by a new replica, by the count", counted.Sub(joining.began).Seconds(), "s", "≤ 2 at 100,000")
	b.report.add("sync", "all seen by a new replica, by the rows of the page", showed.Sub(joining.began).Seconds(), "s", "≤ 2 at 100,000")
	b.report.add("sync", "new replica's CPU until then", cpu.Seconds(), "s", "")
	return c.check()
}

// awaitOnline is an observer who waits for all users, of whom the first stand on the first page.
func awaitOnline(b *bench, uids []string) *observer {
	rows := map[string]bool{}
	for _, uid := range uids[:min(len(uids), pageRows-1)] { // one row may be the observer's own
		rows[uid] = true
	}
	return newObserver(len(uids)+1, rows)
}
