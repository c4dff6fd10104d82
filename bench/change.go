package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

const (
	arriveWait = 5 * time.Second
	// nowhere is a page with nobody on it. Those who make changes look at it, so that what their own sockets are
	// sent does not count.
	nowhere = "q=nobody+has+such+a+name"
)

// floor is watchers and people who make changes, all connected. Among replicas those who make changes are all at the
// first one, and the watchers at the others in turn.
type floor struct {
	watchers  *crowd
	changers  *crowd
	watching  []*socket
	changing  []*socket
	sightings *sightings
	trial     atomic.Pointer[trial] // nil: what comes is not looked at
}

// measureChanges measures lone and burst.
func measureChanges(ctx context.Context, b *bench) error {
	f, err := b.gather(ctx)
	if err != nil {
		return err
	}
	defer f.close()
	if b.does("lone") {
		if err := b.lone(ctx, f); err != nil {
			return err
		}
	}
	if b.does("burst") {
		if err := b.bursts(ctx, f); err != nil {
			return err
		}
	}
	runtime.KeepAlive(f)
	return f.check()
}

func (f *floor) check() error { return errors.Join(f.watchers.check(), f.changers.check()) }

func (f *floor) close() {
	f.watchers.close()
	f.changers.close()
}

// watched are the servers at which the watchers are.
func (b *bench) watched() []*url.URL {
	if len(b.bases) > 1 {
		return b.bases[1:]
	}
	return b.bases
}

// gather connects everybody; those who make changes are away then.
func (b *bench) gather(ctx context.Context) (f *floor, err error) {
	f = &floor{watchers: newCrowd(b.watched()...), changers: newCrowd(b.bases[0])}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.check())
			f.close()
		}
	}()
	if err := b.identify(ctx); err != nil {
		return nil, err
	}
	f.sightings = newSightings(b.changers)
	b.tell("connecting %d watchers", b.watchers)
	f.watching, err = f.watchers.dialAll(ctx, b.people[:b.watchers], b.dialers, "", "bench", f.watch)
	if err != nil {
		return nil, err
	}
	f.changing, err = f.changers.dialAll(ctx, b.changers, 4, nowhere, phone, nil)
	if err != nil {
		return nil, err
	}
	for _, s := range f.changing {
		if err := s.say("h"); err != nil {
			return nil, err
		}
	}
	for _, base := range b.watched() {
		if err := b.awaitAway(ctx, base); err != nil {
			return nil, err
		}
	}
	return f, pause(ctx, 2*settle)
}

// watch is what watcher i does with frames.
func (f *floor) watch(i int) *watch {
	return &watch{
		wants: func() bool { return f.trial.Load() != nil },
		see: func(frame []byte, at time.Time) {
			if t := f.trial.Load(); t != nil {
				t.see(i, f.sightings.in(frame), at)
			}
		},
	}
}

// identify learns the ids of those who make changes from the first page, where they must be.
func (b *bench) identify(ctx context.Context) error {
	cl := newClient(b.bases[0], false)
	defer cl.close()
	html, err := cl.board(ctx, b.people[0])
	if err != nil {
		return err
	}
	ids := map[string]string{}
	scanRows(html, func(uid, username, _ []byte) { ids[string(username)] = string(uid) })
	for _, p := range b.changers {
		if p.uid = ids[p.name]; p.uid == "" {
			return fmt.Errorf("%s is not on the first page, where changes are watched: measure a server with fewer people before them", p.name)
		}
	}
	return nil
}

// awaitAway waits until everybody who makes changes is shown away by the server at base.
func (b *bench) awaitAway(ctx context.Context, base *url.URL) error {
	cl := newClient(base, false)
	defer cl.close()
	for end := time.Now().Add(arriveWait); time.Now().Before(end); {
		html, err := cl.board(ctx, b.people[0])
		if err != nil {
			return err
		}
		n := 0
		ours := newSightings(b.changers)
		for _, s := range ours.in(html) {
			if s.state == away {
				n++
			}
		}
		if n == len(b.changers) {
			return nil
		}
		if err := pause(ctx, settle/4); err != nil {
			return err
		}
	}
	return errors.New("people whose only page is a hidden one on a phone are not shown away")
}

// lone makes changes one at a time, so far apart that each comes when all is quiet, and not in step with the server.
func (b *bench) lone(ctx context.Context, f *floor) error {
	b.tell("%d lone changes", b.changes)
	t := newTrial(b.changes, min(len(f.changing), (b.changes+1)/2), b.watchers)
	m := b.begin(f, t)
	for _, c := range t.changes {
		if err := f.make(ctx, t, c); err != nil {
			return err
		}
		select {
		case <-c.there:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(arriveWait):
		}
		if err := pause(ctx, 350*time.Millisecond+rand.N(300*time.Millisecond)); err != nil {
			return err
		}
	}
	wanted := wanted{time: "p99 ≤ 30 at 1,000", cpu: "≤ 16 at 1,000"}
	if b.replicas > 1 {
		wanted.time, wanted.cpu = "p99 ≤ 40 at 500 each", ""
	}
	return m.end("lone", wanted)
}

// bursts makes many changes a second.
func (b *bench) bursts(ctx context.Context, f *floor) error {
	n := max(1, int(float64(b.rate)*b.burst.Seconds()))
	b.tell("%d changes, %d a second", n, b.rate)
	if err := pause(ctx, settle); err != nil {
		return err
	}
	t := newTrial(n, len(f.changing), b.watchers)
	m := b.begin(f, t)
	for i, c := range t.changes {
		due := t.began.Add(time.Duration(i) * time.Second / time.Duration(b.rate))
		if err := pause(ctx, time.Until(due)); err != nil {
			return err
		}
		if err := f.make(ctx, t, c); err != nil {
			return err
		}
	}
	end := time.After(arriveWait)
	for _, c := range t.changes {
		select {
		case <-c.there:
			continue
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-end:
		}
		break
	}
	return m.end("burst", wanted{time: "p99 ≤ 400 at 100/s and 1,000", cpu: "far below lone"})
}

// make makes c.
func (f *floor) make(ctx context.Context, t *trial, c *change) error {
	frame := "h"
	if c.to == online {
		frame = "a"
	}
	t.make(c)
	if err := f.changing[c.who].say(frame); err != nil {
		return errors.Join(err, f.check(), context.Cause(ctx))
	}
	return nil
}

// meter is what was spent when a trial began.
type meter struct {
	bench         *bench
	floor         *floor
	trial         *trial
	server, own   time.Duration
	frames, bytes int64
	lateness      *lateness
}

// begin lets the watchers look.
func (b *bench) begin(f *floor, t *trial) *meter {
	m := &meter{bench: b, floor: f, trial: t}
	m.server, _ = b.procs.cpu()
	m.own, _ = process{os.Getpid()}.cpu()
	m.frames, m.bytes = received(f.watching)
	m.lateness = watchLateness()
	t.began = time.Now()
	f.trial.Store(t)
	return m
}

// wanted is what is hoped for of a trial: the time to a watcher, and server CPU for each.
type wanted struct{ time, cpu string }

// end reports a trial. Changes that did not arrive are an error: nothing may be lost.
func (m *meter) end(scenario string, wanted wanted) error {
	m.floor.trial.Store(nil)
	late := m.lateness.end()
	spent, elapsed := m.bench.procs.spent(m.server), time.Since(m.trial.began)
	own, _ := process{os.Getpid()}.cpu()
	frames, bytes := received(m.floor.watching)
	frames, bytes = frames-m.frames, bytes-m.bytes
	byServer, missing := m.trial.arrivals(len(m.bench.watched()))
	took := slices.Concat(byServer...)
	s := spreadOf(took)
	r, watchers := m.bench.report, float64(m.trial.watchers)
	r.add(scenario, "changes", float64(len(m.trial.changes)), "", "")
	r.add(scenario, "arrived at watchers", float64(len(took)), "", "")
	r.add(scenario, "did not arrive", float64(missing), "", "0")
	r.add(scenario, "time to a watcher, p50", s.p50, "ms", "")
	r.add(scenario, "time to a watcher, p99", s.p99, "ms", wanted.time)
	r.add(scenario, "time to a watcher, max", s.max, "ms", "")
	for i, took := range byServer {
		if m.bench.replicas > 1 { // 0 is where the changes are made
			r.add(scenario, "time from A to a watcher at "+m.bench.name(i+1)+", p99", spreadOf(took).p99, "ms", wanted.time)
		}
	}
	r.add(scenario, "timers of the load were late by, max", per(late, 1, time.Millisecond), "ms", "")
	r.add(scenario, "server CPU per change and watcher", per(spent, float64(len(took)), time.Microsecond), "µs", wanted.cpu)
	r.add(scenario, "server CPU per frame", per(spent, float64(frames), time.Microsecond), "µs", "")
	r.add(scenario, "server CPU", per(spent, elapsed.Seconds()*0.01, time.Second), "% of one", "")
	r.add(scenario, "load's own CPU", per(own-m.own, elapsed.Seconds()*0.01, time.Second), "% of one", "")
	r.add(scenario, "frames per watcher", float64(frames)/watchers, "", "")
	r.add(scenario, "bytes per watcher and change", float64(bytes)/watchers/float64(len(m.trial.changes)), "", "")
	if missing > 0 {
		return errors.Join(fmt.Errorf("%s: %d of %d changes did not arrive at a watcher within %v", scenario, missing, missing+len(took), arriveWait), m.floor.check())
	}
	return nil
}
