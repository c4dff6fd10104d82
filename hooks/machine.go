package hooks

import (
	"maps"
	"slices"
	"time"

	"rollcall/accounts"
)

// Limits of deliveries.
const (
	maxSending      = 16 // at once
	maxSendingOwner = 4  // at once to the hooks of one person, so that slow receivers don't take all places
	maxSendingHook  = 2  // at once to one hook
	maxTogether     = 8  // people in one message of a chat format

	circuitAfter = 5                  // failures in a row; then there's one delivery at a time, and pauses between them
	failingFor   = 5 * 24 * time.Hour // after that, a hook is stopped
	chatEvery    = time.Second        // at least, between two messages of a chat format
)

var (
	// pauses are the times between the tries of one message. After the last one, it waits until something else has
	// reached the receiver.
	pauses = [...]time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 10 * time.Hour}
	// circuitPauses are the times between the tries to reach a hook, from the failure circuitAfter on.
	circuitPauses = [...]time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
		30 * time.Minute}
)

// rules can be switched off, by the test that shows that each is needed.
type rules struct {
	unsure  bool // without a clear answer, nobody knows what a receiver was told
	ahead   bool // the store learns of a message before it's sent
	settle  bool // what changes is told once it has stayed the same for a while; so is a retry
	replace bool // a message that's no longer true isn't tried again
	alone   bool // there's one message about a person at a time
}

var allRules = rules{true, true, true, true, true}

// machine decides what is delivered when. It compares what is true with what each receiver was told, so it needs no
// queue of changes. It does no I/O, and its caller tells it the time.
type machine struct {
	rules   rules
	random  func() float64 // from 0 to 1
	newID   func() string
	targets map[string]*target // by ID of the hook
	order   []string           // the IDs, sorted
	turn    string             // the ID of the last hook to which a delivery began
	sending int
	busy    map[string]int    // deliveries on their way, by hook; also those of targets that were forgotten
	owners  map[string]int    // the same, by owner
	flying  map[[2]string]int // the same, by hook and person
}

// target is one hook.
type target struct {
	hook   accounts.ActiveHook
	people map[string]*pair // by person; without those whom the receiver rightly takes for offline
	open   map[string]*pair // those that may need a message
	loaded bool             // people has what the receiver was told
	nextAt time.Time        // of the next message of a chat format
}

// pair is what is known about one person at one hook.
type pair struct {
	told    accounts.Told // as stored
	now     string        // what is true
	changed time.Time     // when that last changed
}

// delivery is one try to deliver a message.
type delivery struct {
	target  *target
	attempt accounts.Attempt
	from    []accounts.Told // by part: what the receiver was told before
	drop    bool            // nothing is sent: the message of the only part is dropped
}

func newMachine(random func() float64, newID func() string) *machine {
	return &machine{rules: allRules, random: random, newID: newID, targets: map[string]*target{}, busy: map[string]int{},
		owners: map[string]int{}, flying: map[[2]string]int{}}
}

// use takes in all hooks to which changes are delivered. It returns those whose told has to be loaded. busy means that
// some of them have to wait for deliveries of what was told before, and use has to be called again then.
func (m *machine) use(hooks []accounts.ActiveHook) (fresh []accounts.ActiveHook, busy bool) {
	was := m.targets
	m.targets, m.order = make(map[string]*target, len(hooks)), m.order[:0]
	for _, h := range hooks {
		t := was[h.ID]
		switch {
		case t != nil && t.loaded && h.Ready:
		case m.busy[h.ID] > 0:
			busy = true
			t = &target{}
		default:
			fresh = append(fresh, h)
			t = &target{people: map[string]*pair{}, open: map[string]*pair{}}
		}
		if t.hook.Version == h.Version {
			h.HookHealth = t.hook.HookHealth // which only this machine changes
		}
		t.hook = h
		m.targets[h.ID] = t
		m.order = append(m.order, h.ID)
	}
	slices.Sort(m.order)
	return fresh, busy
}

// forget drops everything, because another server may have delivered since. Deliveries on their way end without effect.
func (m *machine) forget() { m.targets, m.order = map[string]*target{}, nil }

// hooks returns all hooks whose told is loaded.
func (m *machine) hooks() []accounts.ActiveHook {
	all := make([]accounts.ActiveHook, 0, len(m.order))
	for _, id := range m.order {
		if t := m.targets[id]; t.loaded {
			all = append(all, t.hook)
		}
	}
	return all
}

// owned reports whether one of these people is the owner of a hook.
func (m *machine) owned(people map[string]bool) bool {
	if len(people) == 0 {
		return false
	}
	for _, t := range m.targets {
		if people[t.hook.UserID] {
			return true
		}
	}
	return false
}

// load takes in what the receiver of a hook was told, and what is true now.
func (m *machine) load(id string, told []accounts.Told, states map[string]string, now time.Time) {
	t := m.targets[id]
	if t == nil || t.people == nil {
		return
	}
	for _, x := range told {
		t.people[x.PersonID] = &pair{told: x, changed: now}
	}
	t.loaded, t.hook.Ready = true, true
	m.sawAll(id, states, now)
}

// sawAll takes in the current state of everybody. People who aren't in states are offline or gone. Changes that aren't
// told yet have to settle again, because nobody knows what happened before.
func (m *machine) sawAll(id string, states map[string]string, now time.Time) {
	t := m.targets[id]
	if t == nil || !t.loaded {
		return
	}
	for person := range t.people {
		if _, ok := states[person]; !ok {
			t.saw(person, "", now)
		}
	}
	for person, state := range states {
		t.saw(person, state, now)
	}
	for _, p := range t.open {
		p.changed = now
	}
}

// saw takes in what is true about a person.
func (t *target) saw(person, state string, now time.Time) {
	p := t.people[person]
	if p == nil {
		if state == "" {
			return
		}
		p = &pair{told: accounts.Told{PersonID: person}}
		t.people[person] = p
	}
	if p.now != state {
		p.now, p.changed = state, now
	}
	t.sort(p)
}

// sort notes whether p may need a message, or isn't worth remembering.
func (t *target) sort(p *pair) {
	id := p.told.PersonID
	if p.told.State != p.now || p.told.Unsure || p.told.Message.EventID != "" {
		t.open[id] = p
		return
	}
	delete(t.open, id)
	if p.now == "" {
		delete(t.people, id)
	}
}

// inTurn returns the IDs of the hooks, those first that weren't served for longer. Otherwise, a few hooks with slow
// receivers could keep all others waiting.
func (m *machine) inTurn() []string {
	i, found := slices.BinarySearch(m.order, m.turn)
	if found {
		i++
	}
	return slices.Concat(m.order[i:], m.order[:i])
}

// next returns what to deliver now, and when to ask again at the latest; zero if only after something changes.
func (m *machine) next(now time.Time) (work []*delivery, wake time.Time) {
	for _, id := range m.inTurn() {
		t := m.targets[id]
		if len(t.open) == 0 || !t.loaded {
			continue
		}
		if at := t.mayBegin(); at.After(now) {
			wake = earliest(wake, at)
			continue
		}
		due, at := m.due(t, now)
		wake = earliest(wake, at)
		for len(due) > 0 {
			if m.sending >= maxSending {
				return work, wake
			}
			if m.busy[id] >= t.limit() || m.owners[t.hook.UserID] >= maxSendingOwner {
				break
			}
			n := 1
			if t.hook.Format.Chat() && !due[0].drops() {
				n = min(len(due), maxTogether)
			}
			work = append(work, m.begin(t, due[:n], now))
			due = due[n:]
		}
	}
	return work, wake
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// limit returns how many deliveries there can be at once.
func (t *target) limit() int {
	if t.hook.Format.Chat() || t.hook.Failures >= circuitAfter {
		return 1
	}
	return maxSendingHook
}

// mayBegin returns when the next delivery can begin.
func (t *target) mayBegin() time.Time {
	if t.nextAt.After(t.hook.ProbeAt) {
		return t.nextAt
	}
	return t.hook.ProbeAt
}

// due returns the pairs that need a message now, the longest waiting first, and when the next one does.
func (m *machine) due(t *target, now time.Time) (due []*pair, wake time.Time) {
	for _, id := range slices.Sorted(maps.Keys(t.open)) {
		p := t.open[id]
		if m.flying[[2]string{t.hook.ID, id}] > 0 && m.rules.alone {
			continue
		}
		at := m.dueAt(t, p)
		switch {
		case at.IsZero():
		case at.After(now):
			wake = earliest(wake, at)
		default:
			due = append(due, p)
		}
	}
	slices.SortStableFunc(due, func(a, b *pair) int {
		if a.drops() != b.drops() {
			return map[bool]int{true: -1, false: 1}[a.drops()]
		}
		return a.changed.Compare(b.changed)
	})
	return due, wake
}

// drops reports whether the message of p has to be dropped, because the receiver was told what is true.
func (p *pair) drops() bool {
	x := p.told.Message
	return x.EventID != "" && x.State != p.now && p.told.State == p.now && !p.told.Unsure
}

// dueAt returns when p needs a message, or its message has to be dropped; zero if it doesn't.
func (m *machine) dueAt(t *target, p *pair) time.Time {
	x := p.told.Message
	same := x.EventID != "" && (x.State == p.now || !m.rules.replace)
	if same && x.Due.IsZero() || !same && x.EventID == "" && p.told.State == p.now && !p.told.Unsure {
		return time.Time{}
	}
	at := p.changed
	if m.rules.settle {
		at = at.Add(t.hook.Settle)
	}
	if same && x.Due.After(at) {
		at = x.Due
	}
	return at
}

// begin makes a delivery about people. From then on, only ended changes what is known about them.
func (m *machine) begin(t *target, people []*pair, now time.Time) *delivery {
	d := &delivery{target: t, attempt: accounts.Attempt{Hook: t.hook.Hook, EventID: m.newID()}}
	for _, p := range people {
		x := p.told.Message
		part := accounts.Part{PersonID: p.told.PersonID, State: p.now, Tries: 1, WasUnsure: p.told.Unsure}
		if x.EventID != "" && (x.State == p.now || !m.rules.replace) {
			part.State, part.Tries = x.State, x.Tries+1
			if x.Body != "" {
				part.Body, d.attempt.EventID = x.Body, x.EventID
			}
		} else if p.drops() {
			d.drop = true
		}
		if part.Tries <= len(pauses) {
			part.Next = now.Add(m.jitter(pauses[part.Tries-1]))
		}
		d.attempt.Parts, d.from = append(d.attempt.Parts, part), append(d.from, p.told)
		m.flying[[2]string{t.hook.ID, part.PersonID}]++
	}
	if t.hook.Format.Chat() {
		t.nextAt = now.Add(max(chatEvery, t.hook.Settle))
	}
	m.busy[t.hook.ID]++
	m.owners[t.hook.UserID]++
	m.sending++
	m.turn = t.hook.ID
	return d
}

// jitter returns d, give or take a fifth, so that not everything is tried at once.
func (m *machine) jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*m.random()))
}

// waiting returns how many people some receiver hasn't been told about yet.
func (m *machine) waiting() (n int) {
	for _, t := range m.targets {
		n += len(t.open)
	}
	return n
}
