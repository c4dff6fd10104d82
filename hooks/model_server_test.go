package hooks

import (
	"fmt"
	"time"

	"rollcall/accounts"
)

// modelServer is one replica. Its view of people lags behind, and is wrong while it isn't sure.
type modelServer struct {
	w       *world
	id      string
	life    int // grows with each crash
	machine *machine
	view    map[string]string
	sure    bool
	behind  bool      // it has to look at everybody
	asleep  time.Time // it does nothing until then, such as a virtual machine that is moved
	until   time.Time // when its lease ends, as far as it knows
}

func (s *modelServer) start() {
	w := s.w
	s.life++
	n := 0
	s.machine = newMachine(w.rand.Float64, func() string { n++; return fmt.Sprint(s.id, s.life, ".", n) })
	s.machine.rules = w.rules.machine
	s.view, s.sure, s.until = map[string]string{}, false, time.Time{}
	life := s.life
	w.after(10*time.Second, func() {
		if s.life == life {
			s.know()
		}
	})
	s.every(10*time.Second, s.lease)
	s.every(time.Second, s.look)
}

// every calls do until the server crashes, but not while it sleeps.
func (s *modelServer) every(d time.Duration, do func()) {
	life := s.life
	var again func()
	again = func() {
		if s.life != life {
			return
		}
		if !s.w.now.Before(s.asleep) {
			do()
		}
		next := d
		if !s.w.faults && s.idle() {
			next = 10 * time.Minute // nothing happens any more
		}
		s.w.after(next, again)
	}
	s.w.after(s.w.upTo(d), again)
}

func (s *modelServer) idle() bool { return s.w.now.Sub(s.w.begin) > faultsLast+5*time.Minute }

// know makes the view right.
func (s *modelServer) know() {
	s.sure = true
	for person := range s.w.truth {
		s.view[person] = s.w.isNow(person)
	}
}

// lose cuts the server off from the other one, whose people it takes for offline.
func (s *modelServer) lose() {
	s.sure = false
	for person := range s.view {
		if s.w.chance(50) {
			s.view[person] = ""
		}
	}
}

func (s *modelServer) lease() {
	st, now := &s.w.store, s.w.now
	life := leaseLife
	if s.w.now.Sub(s.w.begin) > faultsLast {
		life = time.Hour // so that the calm takes fewer steps
	}
	if st.owner != s.id && !st.until.Before(now) {
		s.until = time.Time{}
		return
	}
	if st.owner != s.id || !now.Before(s.until) {
		s.machine.forget()
	}
	st.owner, st.until, s.until = s.id, now.Add(life), now.Add(life)
}

func (s *modelServer) load() {
	st := &s.w.store
	if fresh, _ := s.machine.use([]accounts.ActiveHook{st.hook}); len(fresh) == 0 {
		return
	}
	told := make([]accounts.Told, 0, len(st.told))
	for _, person := range people {
		if x, ok := st.told[person]; ok {
			told = append(told, x)
		}
	}
	s.machine.load(st.hook.ID, told, s.view, s.w.now)
}

func (s *modelServer) look() {
	if s.until.Sub(s.w.now) <= sendTime || s.w.rules.sure && !s.sure {
		s.behind = true
		return
	}
	s.load()
	if s.behind {
		s.machine.sawAll(s.w.store.hook.ID, s.view, s.w.now)
	}
	s.behind = false
	for person, state := range s.view {
		if t := s.machine.targets[s.w.store.hook.ID]; t != nil && t.loaded {
			t.saw(person, state, s.w.now)
		}
	}
	work, _ := s.machine.next(s.w.now)
	for _, d := range work {
		s.deliver(d)
	}
}

func (s *modelServer) deliver(d *delivery) {
	w := s.w
	if d.drop {
		w.store.drop(d.attempt.Parts[0].PersonID)
		s.machine.dropped(d, w.now)
		return
	}
	begin := func() {
		if !w.store.begin(w, s.id, d) {
			s.machine.aborted(d, w.now)
			s.until = time.Time{}
			return
		}
		for _, p := range d.attempt.Parts {
			if !w.wasTrue(p.PersonID, p.State, modelSettle) && w.now.Sub(s.asleep) > modelSettle {
				w.fail("%s is told to be %q, which wasn't true for %v", p.PersonID, p.State, modelSettle)
			}
		}
		s.send(d)
	}
	if w.rules.machine.ahead {
		begin()
		return
	}
	s.send(d) // the store learns only of the answer
}

// send sends a message, and has the machine learn the answer, if there's one and the server is still there.
func (s *modelServer) send(d *delivery) {
	w, life := s.w, s.life
	lost := w.faults && w.chance(10)
	way, back := w.upTo(4*time.Second), w.upTo(4*time.Second)
	if w.faults && w.chance(20) {
		s.asleep = w.now.Add(w.upTo(4 * time.Minute))
	}
	if hold := s.asleep.Sub(w.now); hold > 0 && w.chance(30) { // it fell asleep right before it sent
		if w.rules.fence && hold > leaseLife-sendTime {
			lost, way = true, 0
			w.after(hold, func() { s.answered(life, d, answer{Reason: accounts.ReasonTimeout, Unclear: true}) })
			return
		}
		way += hold
	}
	a := answer{Status: 200}
	w.after(way, func() {
		switch {
		case !w.inbox.down:
			w.inbox.take(d)
		case w.chance(50):
			a = answer{Status: 404, Reason: accounts.ReasonStatus}
		default:
			a = answer{Status: 503, Reason: accounts.ReasonStatus, Unclear: true}
		}
		if lost {
			a, back = answer{Reason: accounts.ReasonTimeout, Unclear: true}, sendTime-way
		}
		w.after(max(back, 0), func() { s.answered(life, d, a) })
	})
}

func (s *modelServer) answered(life int, d *delivery, a answer) {
	w := s.w
	if s.life != life {
		return
	}
	if hold := s.asleep.Sub(w.now); hold > 0 {
		w.after(hold, func() { s.answered(life, d, a) })
		return
	}
	o, _ := s.machine.outcome(d, a, eventPresence, w.now)
	w.store.end(w, d, o)
	s.machine.ended(d, o, true, w.now)
}
