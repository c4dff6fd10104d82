package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// showHere is the query of the first page of the people who are here.
const showHere = "show=here"

// churners are the connected watchers, and the people who come and go. Half of the people who are here watch, each in
// several tabs. The other half come and go, and as many again are gone at any time.
type churners struct {
	*participants
	people  []*person // who come and go; by index, like changing, where the sockets of those who are gone are nil
	present []int     // indexes into people, in the order in which they arrived
	absent  []int     // in the order in which they left
}

// churn measures what arrivals and departures cost the server on a page of those who are here, and in the same run what
// state changes of the same people cost. Both send whole rows, so that it compares like with like.
func churn(ctx context.Context, b *bench) (err error) {
	if err := fill(ctx, b, max(b.accounts, pageRows+1)); err != nil {
		return err
	}
	// Otherwise, people would stay for a grace period after they leave, and more would be here than have sockets.
	b.own[0].env = []string{"ROLLCALL_GRACE_CLEAN=0s"}
	defer func() { b.own[0].env = nil }()
	if err := b.restart(ctx); err != nil {
		return err
	}
	c, err := b.connectChurners(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	states := &cost{kind: "state changes", plan: c.planStates, make: c.make}
	moves := &cost{kind: "arrivals and departures", plan: c.planMoves, make: c.move}
	for _, kind := range []*cost{states, moves, moves, states} { // so that a drift affects both alike
		if err := b.measureChurn(ctx, c, kind); err != nil {
			return err
		}
	}
	b.reportChurn(states, moves)
	if n := states.missing + moves.missing; n > 0 {
		err = fmt.Errorf("%d changes didn't arrive at a watcher within %v", n, arriveWait)
	}
	return errors.Join(err, c.check())
}

// churnPeople returns how many people churn needs: half of -present watch, and twice as many as the other half come and
// go.
func (b *bench) churnPeople() int { return b.present/2 + 2*(b.present-b.present/2) }

// castChurn divides the people into those who watch and those who come and go, mixed in the order of the board.
func (b *bench) castChurn() (watching, moving []*person) {
	for i, p := range b.people[:b.churnPeople()] {
		if i%3 == 0 && len(watching) < b.present/2 {
			watching = append(watching, p)
		} else {
			moving = append(moving, p)
		}
	}
	chance := rand.New(rand.NewPCG(1, 0)) // the same order each time
	chance.Shuffle(len(moving), func(i, j int) { moving[i], moving[j] = moving[j], moving[i] })
	return watching, moving
}

// connectChurners connects the watchers and half of those who come and go, and waits until all are shown.
func (b *bench) connectChurners(ctx context.Context) (c *churners, err error) {
	watching, moving := b.castChurn()
	c = &churners{
		participants: &participants{watchers: newCrowd(b.bases[0]), changers: newCrowd(b.bases[0])}, people: moving,
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.check())
			c.close()
		}
	}()
	cl := newClient(b.bases[0], false)
	defer cl.close()
	if err := cl.identify(ctx, b.observer, moving); err != nil {
		return nil, err
	}
	c.sightings = newSightings(moving)
	c.sightings.whole = true
	for i := range moving {
		if i < len(moving)/2 {
			c.present = append(c.present, i)
		} else {
			c.absent = append(c.absent, i)
		}
	}
	b.tell("connecting %d people, and %d pages that watch", b.present, b.watchers)
	c.changing, err = c.changers.dialAll(ctx, moving[:len(c.present)], b.dialers, emptyPage, phone, nil)
	if err != nil {
		return nil, err
	}
	c.changing = append(c.changing, make([]*socket, len(c.absent))...)
	tabs := make([]*person, max(b.watchers, len(watching)))
	for i := range tabs {
		tabs[i] = watching[i%len(watching)]
	}
	c.watching, err = c.watchers.dialAll(ctx, tabs, b.dialers, showHere+wholeRows, "bench", c.watch)
	if err != nil {
		return nil, err
	}
	return c, b.awaitPresent(ctx, cl)
}

// identify sets the IDs of people from the pages of everyone.
func (cl *client) identify(ctx context.Context, as *person, all []*person) error {
	missing := map[string]*person{}
	for _, p := range all {
		missing[p.name] = p
	}
	err := cl.allPages(ctx, as, func(_ string, html []byte) bool {
		scanRows(html, func(uid, username, _ []byte) {
			if p := missing[string(username)]; p != nil {
				p.uid = string(uid)
				delete(missing, p.name)
			}
		})
		return len(missing) > 0
	})
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("%d people aren't on the board", len(missing))
	}
	return err
}

// awaitPresent waits until the page of those who are here has as many rows as people who are connected.
func (b *bench) awaitPresent(ctx context.Context, cl *client) error {
	rows := 0
	for end := time.Now().Add(arriveWait); time.Now().Before(end); {
		html, err := cl.page(ctx, b.observer, cl.base.String()+"/?"+showHere)
		if err != nil {
			return err
		}
		rows = 0
		scanRows(html, func(_, _, _ []byte) { rows++ })
		if rows == b.present {
			return pause(ctx, 2*settle)
		}
		if err := pause(ctx, settle/4); err != nil {
			return err
		}
	}
	return fmt.Errorf("after %v, the page of the people who are here has %d rows, not %d", arriveWait, rows, b.present)
}

// planStates plans n state changes: everyone who is here goes away, then everyone comes online, and so on.
func (c *churners) planStates(n int) []step {
	plan := make([]step, n)
	for i := range plan {
		plan[i] = step{who: c.present[i%len(c.present)], to: away}
		if i/len(c.present)%2 == 1 {
			plan[i].to = online
		}
	}
	return plan
}

// planMoves plans n arrivals and departures in turn. The person who has been gone longest arrives, and the one who has
// been here longest leaves.
func (c *churners) planMoves(n int) []step {
	plan := make([]step, n)
	for i := range plan {
		if i%2 == 0 {
			plan[i] = step{who: takeFirst(&c.absent, &c.present), to: online}
		} else {
			plan[i] = step{who: takeFirst(&c.present, &c.absent), to: gone}
		}
	}
	return plan
}

// takeFirst moves the first number to the end of another list.
func takeFirst(from, to *[]int) int {
	first := (*from)[0]
	*from, *to = (*from)[1:], append(*to, first)
	return first
}

// move makes an arrival or a departure.
func (c *churners) move(ctx context.Context, t *trial, ch *change) (err error) {
	t.make(ch)
	if ch.to == gone {
		c.changers.leave(c.changing[ch.who])
		c.changing[ch.who] = nil
		return nil
	}
	c.changing[ch.who], err = c.changers.dial(ctx, c.people[ch.who], emptyPage, phone, nil)
	return err
}

// rest brings everyone who is here online, and waits until that has been sent.
func (c *churners) rest(ctx context.Context) error {
	for _, who := range c.present {
		if err := c.changing[who].say("a"); err != nil {
			return err
		}
	}
	return pause(ctx, 2*settle)
}

// cost is what changes of one kind cost in all its turns.
type cost struct {
	kind string
	plan func(n int) []step
	make func(context.Context, *trial, *change) error

	changes, missing int
	cpu, own         time.Duration // of the server, or unknown, and of the load generator
	elapsed          time.Duration
	frames, bytes    int64 // received by all watchers
	watchers         float64
	took             []time.Duration
	delay            time.Duration // of the load generator's timers
}

// measureChurn takes a turn with one kind of change, which is half of -churn.
func (b *bench) measureChurn(ctx context.Context, c *churners, kind *cost) error {
	plan := kind.plan(max(2, int(float64(b.moves)*b.churn.Seconds()/2)/2*2))
	b.tell("%d %s, %d a second", len(plan), kind.kind, b.moves)
	t := planTrial(plan, len(c.people), len(c.watching))
	m := b.begin(c.participants, t)
	err := t.run(ctx, b.moves, func(ch *change) error { return kind.make(ctx, t, ch) })
	kind.add(m)
	if err != nil {
		return errors.Join(err, c.check())
	}
	return c.rest(ctx)
}

// add ends a turn and adds it.
func (k *cost) add(m *meter) {
	m.participants.trial.Store(nil)
	k.delay = max(k.delay, m.delay.end())
	spent := m.bench.procs.spent(m.server)
	if spent == unknown || k.cpu == unknown {
		k.cpu = unknown
	} else {
		k.cpu += spent
	}
	k.own += m.ownCPU()
	k.elapsed += time.Since(m.trial.began)
	frames, bytes := received(m.participants.watching)
	k.frames, k.bytes = k.frames+frames-m.frames, k.bytes+bytes-m.bytes
	k.watchers = float64(m.trial.watchers)
	byServer, missing := m.trial.arrivals(1)
	k.changes, k.missing, k.took = k.changes+len(m.trial.changes), k.missing+missing, append(k.took, byServer[0]...)
}

// perSecond returns the server's CPU in ms, and the bytes and frames of one watcher, for each second.
func (k *cost) perSecond() (cpu, bytes, frames float64) {
	seconds := k.elapsed.Seconds()
	return per(k.cpu, seconds, time.Millisecond), float64(k.bytes) / k.watchers / seconds,
		float64(k.frames) / k.watchers / seconds
}

// reportChurn reports both kinds, and the ratio that counts.
func (b *bench) reportChurn(states, moves *cost) {
	r := b.report
	r.add("churn", "accounts", float64(max(b.filled, 1+len(b.changers)+len(b.people))), "", "")
	r.add("churn", "people here", float64(b.present), "", "")
	r.add("churn", "watchers", moves.watchers, "", "")
	for _, k := range []*cost{states, moves} {
		cpu, bytes, frames := k.perSecond()
		s := spreadOf(k.took)
		r.add("churn", k.kind, float64(k.changes), "", "")
		r.add("churn", k.kind+": arrived at watchers", float64(len(k.took)), "", "")
		r.add("churn", k.kind+": did not arrive", float64(k.missing), "", "0")
		r.add("churn", k.kind+": time to a watcher, p50", s.p50, "ms", "")
		r.add("churn", k.kind+": time to a watcher, p99", s.p99, "ms", "")
		r.add("churn", k.kind+": server CPU per second", cpu, "ms", "")
		r.add("churn", k.kind+": bytes per watcher and second", bytes, "B", "")
		r.add("churn", k.kind+": frames per watcher and second", frames, "", "")
		r.add("churn", k.kind+": load generator's CPU per second", per(k.own, k.elapsed.Seconds(), time.Millisecond), "ms",
			"")
		r.add("churn", k.kind+": delay of the load generator's timers, max", per(k.delay, 1, time.Millisecond), "ms", "")
	}
	const wanted = "≤ 2 at 1,000 and 200"
	cpu, bytes, _ := moves.perSecond()
	stateCPU, stateBytes, _ := states.perSecond()
	r.add("churn", "server CPU, churn / state changes", cpu/stateCPU, "", wanted)
	r.add("churn", "bytes, churn / state changes", bytes/stateBytes, "", wanted)
}
