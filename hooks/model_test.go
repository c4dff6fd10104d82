package hooks

import (
	"container/heap"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"rollcall/accounts"
)

var (
	histories = flag.Int("histories", 600, "how many random histories to try")
	seed      = flag.Uint64("seed", 0, "of the first history; 0: a random one")
)

const (
	modelSettle = 30 * time.Second
	viewLag     = time.Second // between a change and a server that knows of it
	faultsLast  = 20 * time.Minute
	calmLasts   = 30 * time.Hour // then, everything that waits has been tried again
)

// modelRules are the rules of the machine, and those that its surroundings keep.
type modelRules struct {
	machine rules
	fence   bool // no delivery begins without the lease, and none outlasts it
	sure    bool // nothing is told while it isn't known who is offline
}

// world is a simulation: people, two servers that share a store, and a receiver, in which anything fails. Its time is
// its own.
type world struct {
	rules  modelRules
	rand   *rand.Rand
	now    time.Time
	begin  time.Time
	events agenda
	number int
	faults bool

	truth   map[string][]moment // by person: every state, with its beginning
	servers []*modelServer
	store   modelStore
	inbox   receiver
	wrong   string // what was found; "": nothing
}

type moment struct {
	state string
	at    time.Time
}

type event struct {
	at time.Time
	n  int
	do func()
}

type agenda []event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at.Before(a[j].at) || a[i].at.Equal(a[j].at) && a[i].n < a[j].n
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) }
func (a *agenda) Pop() any     { x := (*a)[len(*a)-1]; *a = (*a)[:len(*a)-1]; return x }

func (w *world) after(d time.Duration, do func()) {
	w.number++
	heap.Push(&w.events, event{w.now.Add(d), w.number, do})
}

func (w *world) chance(percent int) bool { return w.rand.IntN(100) < percent }
func (w *world) upTo(d time.Duration) time.Duration {
	return time.Duration(w.rand.Int64N(int64(d/time.Millisecond)+1)) * time.Millisecond
}

func (w *world) fail(format string, args ...any) {
	if w.wrong == "" {
		w.wrong = fmt.Sprintf("after %v: ", w.now.Sub(w.begin)) + fmt.Sprintf(format, args...)
	}
}

// isNow returns the true state of a person.
func (w *world) isNow(person string) string {
	all := w.truth[person]
	return all[len(all)-1].state
}

// wasTrue reports whether a person was in a state all the time since the moment before, give or take the lag of views.
func (w *world) wasTrue(person, state string, before time.Duration) bool {
	all := w.truth[person]
	from, to := w.now.Add(viewLag-before), w.now.Add(-viewLag)
	for i, m := range all {
		end := w.now.Add(time.Hour)
		if i+1 < len(all) {
			end = all[i+1].at
		}
		if end.Sub(m.at) < 3*viewLag {
			continue // a server may not have seen it
		}
		if m.state != state && m.at.Before(to) && end.After(from) {
			return false
		}
	}
	return true
}

// modelStore does what package accounts does, in memory.
type modelStore struct {
	owner string
	until time.Time
	told  map[string]accounts.Told
	hook  accounts.ActiveHook
}

func (s *modelStore) begin(w *world, owner string, d *delivery) bool {
	if w.rules.fence && (s.owner != owner || !s.until.After(w.now)) {
		return false
	}
	for _, p := range d.attempt.Parts {
		x := s.told[p.PersonID]
		x.PersonID, x.Unsure = p.PersonID, x.Unsure || w.rules.machine.ahead
		x.Message = accounts.HookMessage{EventID: d.attempt.EventID, State: p.State, Body: p.Body, Tries: p.Tries, Due: p.Next}
		s.told[p.PersonID] = x
	}
	return true
}

func (s *modelStore) end(w *world, d *delivery, o accounts.Outcome) {
	for _, p := range d.attempt.Parts {
		x := s.told[p.PersonID]
		switch {
		case x.Message.EventID != d.attempt.EventID:
		case o.Accepted:
			x = accounts.Told{PersonID: p.PersonID, State: p.State}
		default:
			x.Unsure, x.Message.Body, x.Message.Due = o.Unclear || p.WasUnsure, p.Body, p.Next
		}
		s.told[p.PersonID] = x
		if o.Again && x.Message.EventID != "" && x.Message.Due.After(w.now) {
			x.Message.Due = w.now
			s.told[p.PersonID] = x
		}
	}
	h := &s.hook.HookHealth
	if h.ProbeAt = o.ProbeAt; o.Accepted {
		h.Failures, h.FailsSince = 0, time.Time{}
		return
	}
	if h.Failures++; h.FailsSince.IsZero() {
		h.FailsSince = w.now
	}
}

func (s *modelStore) drop(person string) {
	x := s.told[person]
	x.Message = accounts.HookMessage{}
	s.told[person] = x
}

// receiver is what gets the messages. It knows each message by its ID, as receivers should.
type receiver struct {
	down    bool
	knows   map[string]string
	seen    map[string]bool
	doubles int // messages that say what it knew
	got     int
}

func (r *receiver) take(d *delivery) {
	if r.seen[d.attempt.EventID] {
		return
	}
	r.seen[d.attempt.EventID] = true
	for _, p := range d.attempt.Parts {
		r.got++
		if r.knows[p.PersonID] == p.State {
			r.doubles++
		}
		r.knows[p.PersonID] = p.State
	}
}

var (
	people = []string{"ada", "bob"}
	states = []string{"", "online", "away", "dnd"}
)

// change gives a person another state, for a while.
func (w *world) change(person string) {
	all := w.truth[person]
	next := states[w.rand.IntN(len(states))]
	if len(all) > 1 && w.chance(40) {
		next = all[len(all)-2].state // flaps
	}
	if next != w.isNow(person) {
		w.truth[person] = append(all, moment{next, w.now})
		for _, s := range w.servers {
			w.after(w.upTo(viewLag), func() {
				if s.sure {
					s.view[person] = w.isNow(person)
				}
			})
		}
	}
	pause := w.upTo(2 * time.Minute)
	if w.chance(30) {
		pause = w.upTo(10 * time.Second)
	}
	if w.now.Sub(w.begin) < faultsLast-5*time.Minute {
		w.after(pause, func() { w.change(person) })
	}
}

// trouble makes something fail, for a while.
func (w *world) trouble() {
	s := w.servers[w.rand.IntN(2)]
	life := s.life
	lasts := w.upTo(2 * time.Minute)
	switch w.rand.IntN(4) {
	case 0:
		s.life++
		w.after(lasts, func() {
			if s.life == life+1 {
				s.start()
			}
		})
	case 1:
		if !s.sure {
			break
		}
		s.lose()
		w.after(lasts, func() {
			if s.life == life {
				s.know()
			}
		})
	case 2:
		s.asleep = w.now.Add(lasts)
	case 3:
		w.inbox.down = true
		w.after(lasts, func() { w.inbox.down = false })
	}
	if w.now.Sub(w.begin) < faultsLast-5*time.Minute {
		w.after(w.upTo(4*time.Minute), w.trouble)
	}
}

// history runs one random history, and returns what went wrong; "" if nothing did.
func history(seed uint64, r modelRules) (wrong string, got int) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	w := &world{rules: r, rand: rand.New(rand.NewPCG(seed, 1)), now: start, begin: start, truth: map[string][]moment{},
		inbox: receiver{knows: map[string]string{}, seen: map[string]bool{}}}
	w.faults = w.chance(80)
	w.store = modelStore{told: map[string]accounts.Told{}, hook: accounts.ActiveHook{Hook: accounts.Hook{ID: "hook", Ready: true,
		HookWish: accounts.HookWish{Format: accounts.HookStandard, States: true, Settle: modelSettle}}}}
	if w.chance(25) {
		w.store.hook.Format = accounts.HookSlack
	}
	for _, person := range people {
		w.truth[person] = []moment{{"", start.Add(-time.Hour)}}
		w.after(w.upTo(time.Minute), func() { w.change(person) })
	}
	for _, id := range []string{"a", "b"} {
		s := &modelServer{w: w, id: id}
		w.servers = append(w.servers, s)
		s.start()
	}
	faulty := w.faults
	if faulty {
		w.after(w.upTo(4*time.Minute), w.trouble)
	}
	w.after(faultsLast, func() { w.faults, w.inbox.down = false, false })
	for len(w.events) > 0 && w.wrong == "" && w.now.Sub(start) < calmLasts {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		e.do()
	}
	for _, person := range people {
		if is := w.isNow(person); w.inbox.knows[person] != is {
			w.fail("at the end, %s is %q, but the receiver has %q (told %+v)", person, is, w.inbox.knows[person], w.store.told[person])
		}
	}
	if !faulty && w.inbox.doubles > 0 {
		w.fail("%d messages told what the receiver knew, although nothing failed", w.inbox.doubles)
	}
	return w.wrong, w.inbox.got
}

var everyRule = modelRules{allRules, true, true}

func firstSeed() uint64 {
	if *seed != 0 {
		return *seed
	}
	return rand.Uint64()
}

// Whatever fails, the receiver ends up with what is true, and is never told anything else. If nothing fails, it's told
// nothing twice. For all 20,000 histories: go test ./hooks -run TestHistories -histories 20000
func TestHistories(t *testing.T) {
	t.Parallel()
	first, all := firstSeed(), 0
	for n := range uint64(*histories) {
		wrong, got := history(first+n, everyRule)
		if wrong != "" {
			t.Fatalf("history with -seed %d: %s", first+n, wrong)
		}
		all += got
	}
	t.Logf("%d histories from -seed %d, with %d messages", *histories, first, all)
}

// Without any one of the rules, some history goes wrong.
func TestEachRuleIsNeeded(t *testing.T) {
	t.Parallel()
	const tries = 3000
	off := map[string]modelRules{}
	for i := range reflect.TypeFor[rules]().NumField() {
		r, name := allRules, reflect.TypeFor[rules]().Field(i).Name
		switch name {
		case "unsure":
			r.unsure = false
		case "ahead":
			r.ahead = false
		case "settle":
			r.settle = false
		case "replace":
			r.replace = false
		case "alone":
			r.alone = false
		default:
			t.Fatalf("there's no test of the rule %s", name)
		}
		off[name] = modelRules{r, true, true}
	}
	off["fence"], off["sure"] = modelRules{allRules, false, true}, modelRules{allRules, true, false}
	first := firstSeed()
	for name, r := range off {
		found := slices.ContainsFunc(make([]struct{}, tries), func() func(struct{}) bool {
			n := uint64(0)
			return func(struct{}) bool {
				n++
				wrong, _ := history(first+n, r)
				if wrong != "" {
					t.Logf("without %s, history %d: %s", name, n, wrong)
				}
				return wrong != ""
			}
		}())
		if !found {
			t.Errorf("without the rule %s, %d histories from -seed %d end well", name, tries, first)
		}
	}
}
