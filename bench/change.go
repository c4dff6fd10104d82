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
	// emptyPage is the query of a page with nobody on it. The people who make changes watch it, so that their own
	// sockets receive almost nothing.
	emptyPage = "q=nobody+has+such+a+name"
)

// participants are the connected watchers and changers. With replicas, all changers are on the first one, and the
// watchers are spread over the others in turn.
type participants struct {
	watchers  *crowd
	changers  *crowd
	watching  []*socket
	changing  []*socket
	sightings *sightings
	trial     atomic.Pointer[trial] // nil between trials: frames are then ignored
}

// measureChanges measures lone and burst.
func measureChanges(ctx context.Context, b *bench) error {
	p, err := b.connectAll(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if b.does("lone") {
		if err := b.lone(ctx, p); err != nil {
			return err
		}
	}
	if b.does("burst") {
		if err := b.bursts(ctx, p); err != nil {
			return err
		}
	}
	runtime.KeepAlive(p)
	return p.check()
}

func (p *participants) check() error { return errors.Join(p.watchers.check(), p.changers.check()) }

func (p *participants) close() {
	p.watchers.close()
	p.changers.close()
}

// watched returns the servers that the watchers connect to.
func (b *bench) watched() []*url.URL {
	if len(b.bases) > 1 {
		return b.bases[1:]
	}
	return b.bases
}

// connectAll connects everyone and waits until the changers are shown as away.
func (b *bench) connectAll(ctx context.Context) (p *participants, err error) {
	p = &participants{watchers: newCrowd(b.watched()...), changers: newCrowd(b.bases[0])}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.check())
			p.close()
		}
	}()
	if err := b.identify(ctx); err != nil {
		return nil, err
	}
	p.sightings = newSightings(b.changers)
	b.tell("connecting %d watchers", b.watchers)
	p.watching, err = p.watchers.dialAll(ctx, b.people[:b.watchers], b.dialers, showEveryone, "bench", p.watch)
	if err != nil {
		return nil, err
	}
	p.changing, err = p.changers.dialAll(ctx, b.changers, 4, emptyPage, phone, nil)
	if err != nil {
		return nil, err
	}
	for _, s := range p.changing {
		if err := s.say("h"); err != nil {
			return nil, err
		}
	}
	for _, base := range b.watched() {
		if err := b.awaitAway(ctx, base); err != nil {
			return nil, err
		}
	}
	return p, pause(ctx, 2*settle)
}

// watch returns the frame handler of watcher i.
func (p *participants) watch(i int) *watch {
	return &watch{
		wants: func() bool { return p.trial.Load() != nil },
		see: func(frame []byte, at time.Time) {
			if t := p.trial.Load(); t != nil {
				t.see(i, p.sightings.in(frame), at)
			}
		},
	}
}

// identify reads the IDs of the changers from the first page, where they must be.
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
			return fmt.Errorf("%s isn't on the first page, which the watchers watch: "+
				"use a server on which fewer people sort before them", p.name)
		}
	}
	return nil
}

// awaitAway waits until the server at base shows all changers as away.
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
	return errors.New("people whose only page is hidden on a phone aren't shown as away")
}

// lone makes changes one at a time. The random pauses between them let the server become idle and keep the changes out
// of step with its timers.
func (b *bench) lone(ctx context.Context, p *participants) error {
	b.tell("%d lone changes", b.changes)
	t := newTrial(b.changes, min(len(p.changing), (b.changes+1)/2), b.watchers)
	m := b.begin(p, t)
	for _, c := range t.changes {
		if err := p.make(ctx, t, c); err != nil {
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
	wanted := wanted{time: "p99 ≤ 18 at 1,000", cpu: "≤ 13 at 1,000"}
	if b.replicas > 1 {
		wanted.time, wanted.cpu = "p99 ≤ 40 at 500 each", ""
	}
	return m.end("lone", wanted)
}

// bursts makes many changes a second.
func (b *bench) bursts(ctx context.Context, p *participants) error {
	n := max(1, int(float64(b.rate)*b.burst.Seconds()))
	b.tell("%d changes, %d a second", n, b.rate)
	if err := pause(ctx, settle); err != nil {
		return err
	}
	t := newTrial(n, len(p.changing), b.watchers)
	m := b.begin(p, t)
	if err := t.run(ctx, b.rate, func(c *change) error { return p.make(ctx, t, c) }); err != nil {
		return err
	}
	return m.end("burst", wanted{time: "p99 ≤ 60 at 10/s, ≤ 400 at 100/s and 1,000", cpu: "far below lone"})
}

// make makes the change c.
func (p *participants) make(ctx context.Context, t *trial, c *change) error {
	frame := "h"
	if c.to == online {
		frame = "a"
	}
	t.make(c)
	if err := p.changing[c.who].say(frame); err != nil {
		return errors.Join(err, p.check(), context.Cause(ctx))
	}
	return nil
}

// meter holds the counters as they were when a trial began.
type meter struct {
	bench         *bench
	participants  *participants
	trial         *trial
	server, own   time.Duration
	frames, bytes int64
	delay         *timerDelay
}

// begin starts a trial: from now on, the watchers record what arrives.
func (b *bench) begin(p *participants, t *trial) *meter {
	m := &meter{bench: b, participants: p, trial: t}
	m.server, _ = b.procs.cpu()
	m.own, _ = process{os.Getpid()}.cpu()
	m.frames, m.bytes = received(p.watching)
	m.delay = watchTimers()
	t.began = time.Now()
	p.trial.Store(t)
	return m
}

// ownCPU returns the processor time that the load generator has used since the trial began.
func (m *meter) ownCPU() time.Duration {
	own, _ := process{os.Getpid()}.cpu()
	return own - m.own
}

// wanted holds the goals of a trial: the time to a watcher, and server CPU per change and watcher.
type wanted struct{ time, cpu string }

// end reports a trial. It returns an error if a change didn't arrive, because no change may be lost.
func (m *meter) end(scenario string, wanted wanted) error {
	m.participants.trial.Store(nil)
	delay := m.delay.end()
	spent, elapsed := m.bench.procs.spent(m.server), time.Since(m.trial.began)
	own := m.ownCPU()
	frames, bytes := received(m.participants.watching)
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
		if m.bench.replicas > 1 { // the changes are made on server 0
			r.add(scenario, "time from A to a watcher at "+m.bench.name(i+1)+", p99", spreadOf(took).p99, "ms", wanted.time)
		}
	}
	r.add(scenario, "delay of the load generator's timers, max", per(delay, 1, time.Millisecond), "ms", "")
	r.add(scenario, "server CPU per change and watcher", per(spent, float64(len(took)), time.Microsecond), "µs",
		wanted.cpu)
	r.add(scenario, "server CPU per frame", per(spent, float64(frames), time.Microsecond), "µs", "")
	r.add(scenario, "server CPU", per(spent, elapsed.Seconds()*0.01, time.Second), "% of one", "")
	r.add(scenario, "load generator's CPU", per(own, elapsed.Seconds()*0.01, time.Second), "% of one", "")
	r.add(scenario, "frames per watcher", float64(frames)/watchers, "", "")
	r.add(scenario, "bytes per watcher and change", float64(bytes)/watchers/float64(len(m.trial.changes)), "", "")
	if missing > 0 {
		return errors.Join(fmt.Errorf("%s: %d of %d changes didn't arrive at a watcher within %v",
			scenario, missing, missing+len(took), arriveWait), m.participants.check())
	}
	return nil
}
