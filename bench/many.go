package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"rollcall/presence"
)

// many measures very many people online on several replicas: their memory, what a change costs Redis, and how long a
// new replica takes until it shows all of them. The replicas are simulated (trackers.go), except for one, which has no
// people of its own. It stops, and the new one takes its place.
func many(ctx context.Context, b *bench) (err error) {
	if err := multiply(ctx, b, max(b.copies, b.many), "many"); err != nil {
		return err
	}
	redis, err := newRedis(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.close()) }()
	s := b.own[0]
	s.redis = redis.url()
	defer func() { s.redis = "" }()
	if err := b.restart(ctx); err != nil {
		return err
	}
	m := &crowded{bench: b, redis: redis, server: s}
	for n := range b.many {
		m.users = append(m.users, copyID(n+1))
	}
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.fleet.close()) }()
	for _, step := range []func(context.Context) error{m.arrive, m.change, m.syncTracker, m.syncServer} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// crowded is the state of many.
type crowded struct {
	*bench
	redis    *redisServer
	server   *server
	fleet    fleet
	accounts string   // ID of the server's accounts
	users    []string // who come online
}

// begin starts the trackers.
func (m *crowded) begin(ctx context.Context) (err error) {
	for end := time.Now().Add(startWait); m.accounts == ""; {
		answers, err := m.redis.do(ctx, []string{"GET", prefix + "store"})
		if err == nil {
			m.accounts, err = answers[0].ToString() // an error until the server has marked Redis
		}
		if err != nil && time.Now().After(end) {
			return fmt.Errorf("the server hasn't joined Redis after %v: %w", startWait, err)
		}
		if err := pause(ctx, settle/10); err != nil {
			return err
		}
	}
	m.tell("starting %d replicas", trackers)
	m.fleet, err = newFleet(ctx, m.redis, m.accounts)
	m.report.add("many", "replicas, besides the server", trackers, "", "")
	return err
}

// measureRedis returns a function that reports what Redis did since the call, for n changes.
func (m *crowded) measureRedis(ctx context.Context) (report func(name string, n int) error, err error) {
	procs := processes{m.redis.process()}
	cpu, _ := procs.cpu()
	before, err := m.redis.commands(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	return func(name string, n int) error {
		took := time.Since(began)
		spent := procs.spent(cpu)
		after, err := m.redis.commands(ctx)
		if err != nil {
			return err
		}
		asked, _ := after.since(before)
		m.report.add("many", name+": Redis commands per person", float64(asked.sum())/float64(n), "", "")
		m.report.add("many", name+": Redis CPU per person", per(spent, float64(n), time.Microsecond), "µs", "")
		m.report.add("many", name+": Redis CPU", per(spent, took.Seconds()*0.01, time.Second), "% of one", "")
		return nil
	}, nil
}

// arrive has everyone come online at once.
func (m *crowded) arrive(ctx context.Context) error {
	if err := pause(ctx, 2*settle); err != nil { // Redis measures its buffers once per second
		return err
	}
	redisBefore, err := m.redis.memory(ctx)
	if err != nil {
		return err
	}
	heapBefore := heap()
	rssBefore, rssErr := m.procs.rss()
	report, err := m.measureRedis(ctx)
	if err != nil {
		return err
	}
	m.tell("%d people come online", len(m.users))
	began := time.Now()
	m.fleet.join(m.users)
	if err := m.fleet.await(ctx, presence.Counts{Online: len(m.users)}); err != nil {
		return err
	}
	all := time.Since(began)
	if err := m.awaitShown(ctx); err != nil {
		return err
	}
	n := len(m.users)
	m.report.add("many", "people online", float64(n), "", "")
	m.report.add("many", "all come online at once: known to all replicas after", all.Seconds(), "s", "")
	m.report.add("many", "all come online at once: listed by the server after", time.Since(began).Seconds(), "s", "")
	if err := report("all come online at once", n); err != nil {
		return err
	}
	m.tell("idle for %v", m.idle)
	if err := pause(ctx, m.idle); err != nil {
		return err
	}
	m.report.add("many", "memory per person online, of a replica's presence", each(heap()-heapBefore, trackers*n, nil), "B", "")
	rss, err := m.procs.rss()
	m.report.add("many", "memory per person online, RSS of the server", each(rss-rssBefore, n, errors.Join(rssErr, err)), "B", "")
	used, err := m.redis.memory(ctx)
	m.report.add("many", "memory per person online, of Redis", each(used-redisBefore, n, err), "B", "")
	return err
}

// change has people on the first replica become away, one after another at a rate, and back again.
func (m *crowded) change(ctx context.Context) error {
	conns := m.fleet[0].conns
	changes := min(int(m.burst.Seconds()*float64(m.rate)), len(conns))
	m.tell("%d changes, %d a second", 2*changes, m.rate)
	report, err := m.measureRedis(ctx)
	if err != nil {
		return err
	}
	rest := len(m.users) - changes
	for _, hidden := range []bool{true, false} {
		began := time.Now()
		for i, c := range conns[:changes] {
			if err := pause(ctx, time.Until(began.Add(time.Duration(i)*time.Second/time.Duration(m.rate)))); err != nil {
				return err
			}
			c.Record(presence.Activity{Hidden: hidden})
		}
		want := presence.Counts{Online: len(m.users)}
		if hidden {
			want = presence.Counts{Online: rest, Away: changes}
		}
		if err := m.fleet.await(ctx, want); err != nil {
			return err
		}
	}
	return report("a change", 2*changes)
}

// syncTracker measures how long a new replica takes until it knows everyone.
func (m *crowded) syncTracker(ctx context.Context) error {
	m.tell("a replica joins")
	began := time.Now()
	t, err := newTracker(ctx, m.redis, m.accounts)
	if err != nil {
		return err
	}
	synced := time.Since(began)
	err = fleet{t}.await(ctx, presence.Counts{Online: len(m.users)})
	m.report.add("many", "a new replica knows what the others have after", synced.Seconds(), "s", "")
	m.report.add("many", "a new replica counts everyone after", time.Since(began).Seconds(), "s", "≤ 4 at 200,000")
	return errors.Join(err, t.close())
}

// syncServer measures how long a new server takes until its pages show everyone.
func (m *crowded) syncServer(ctx context.Context) error {
	m.tell("a server joins")
	if err := m.server.stop(); err != nil {
		return err
	}
	report, err := m.measureRedis(ctx)
	if err != nil {
		return err
	}
	if err := m.server.start(ctx); err != nil {
		return err
	}
	m.bases[0], m.procs[0] = m.server.base, m.server.process()
	if err := m.awaitCounted(ctx); err != nil {
		return err
	}
	counted := time.Since(m.server.began)
	if err := m.awaitShown(ctx); err != nil {
		return err
	}
	listed, cpu := time.Since(m.server.began), m.procs.spent(0)
	m.report.add("many", "a new server counts everyone after", counted.Seconds(), "s", "≤ 4 at 200,000")
	m.report.add("many", "a new server lists everyone after", listed.Seconds(), "s", "")
	m.report.add("many", "a new server's CPU until then", cpu.Seconds(), "s", "")
	if rss, err := m.procs.rss(); err == nil {
		m.report.add("many", "a new server's RSS then", float64(rss)/1e6, "MB", "")
	}
	return report("a server joins", len(m.users))
}

// awaitCounted waits until the server's pages count everyone.
func (m *crowded) awaitCounted(ctx context.Context) error {
	return m.awaitPage(ctx, func(html []byte) bool {
		n, ok := scanCount(html, "n-online")
		return ok && n >= len(m.users)
	})
}

var pageNumber = regexp.MustCompile(`[?&;]page=(\d+)`)

// awaitShown waits until the pages of people who are here have room for everyone: the server then knows who they are,
// and lists them in order.
func (m *crowded) awaitShown(ctx context.Context) error {
	want := (len(m.users) + pageRows - 1) / pageRows
	return m.awaitPage(ctx, func(html []byte) bool {
		last := 1
		for _, found := range pageNumber.FindAllSubmatch(html, -1) {
			n, _ := strconv.Atoi(string(found[1]))
			last = max(last, n)
		}
		return last >= want
	})
}

// awaitPage loads the page of people who are here until it's right.
func (m *crowded) awaitPage(ctx context.Context, right func(html []byte) bool) error {
	cl := newClient(m.server.base, false)
	defer cl.close()
	at := cl.base.String() + "/?show=here"
	for end := time.Now().Add(seenWait); ; {
		html, err := cl.page(ctx, m.observer, at)
		switch {
		case err != nil:
			return err
		case right(html):
			return nil
		case time.Now().After(end):
			return fmt.Errorf("after %v, the server's page doesn't show everyone", seenWait)
		}
		if err := pause(ctx, settle/3); err != nil {
			return err
		}
	}
}
