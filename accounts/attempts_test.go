package accounts

import (
	"errors"
	"slices"
	"testing"
	"time"
)

const aServer = "server-1"

// ready makes aServer the one that delivers, and has it store what the receiver of h knows.
func ready(tb testing.TB, s *Store, h Hook, states map[string]string) Hook {
	tb.Helper()
	_, held, err := s.TakeLease(tb.Context(), aServer, time.Hour)
	if err != nil || !held {
		tb.Fatalf("TakeLease = %t, %v, want true", held, err)
	}
	h = mustHook(tb, s, h.ID)
	do(tb, "SetTold", s.SetTold(tb.Context(), aServer, h, states))
	return mustHook(tb, s, h.ID)
}

func attempt(h Hook, event string, parts ...Part) Attempt {
	return Attempt{Owner: aServer, Hook: h, EventID: event, Parts: parts}
}

func mustTold(tb testing.TB, s *Store, h Hook) map[string]Told {
	tb.Helper()
	all, err := s.Told(tb.Context(), h.ID)
	do(tb, "Told", err)
	byPerson := map[string]Told{}
	for _, x := range all {
		byPerson[x.PersonID] = x
	}
	return byPerson
}

// Only one server holds the lease, also if several ask at once.
func TestLease(t *testing.T) { onEach(t, testLease) }

func testLease(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	take := func(owner string) bool {
		t.Helper()
		until, held, err := s.TakeLease(t.Context(), owner, time.Minute)
		do(t, "TakeLease", err)
		if held && !until.Equal(c.now().Add(time.Minute)) {
			t.Errorf("TakeLease until %v, want %v", until, c.now().Add(time.Minute))
		}
		return held
	}
	contenders := make(chan bool, 5)
	for n := range cap(contenders) {
		go func() {
			_, held, err := s.TakeLease(t.Context(), string(rune('a'+n)), time.Minute)
			contenders <- held && err == nil
		}()
	}
	held := 0
	for range cap(contenders) {
		if <-contenders {
			held++
		}
	}
	if held != 1 {
		t.Fatalf("%d of 5 servers hold the lease, want 1", held)
	}
	c.add(time.Minute + time.Millisecond)
	if !take("x") || take("y") {
		t.Error("after its end, the lease isn't that of the first server that asks")
	}
	c.add(50 * time.Second)
	if !take("x") {
		t.Error("the owner couldn't renew the lease")
	}
	c.add(50 * time.Second)
	if take("y") {
		t.Error("another server has taken a renewed lease")
	}
	do(t, "DropLease by another", s.DropLease(t.Context(), "y"))
	if take("y") {
		t.Error("a server has dropped the lease of another one")
	}
	do(t, "DropLease", s.DropLease(t.Context(), "x"))
	if !take("y") {
		t.Error("another server couldn't take a dropped lease")
	}
}

// What a receiver was told is unknown from before each try until there's a clear answer.
func TestAttempts(t *testing.T) { onEach(t, testAttempts) }

func testAttempts(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ctx := t.Context()
	ada := add(t, s, "ada", "", "")
	h := ready(t, s, addHook(t, s, ada.ID, HookWish{}), map[string]string{"p": "online", "gone": ""})
	if !h.Ready {
		t.Fatal("the hook isn't ready after SetTold")
	}
	if got := mustTold(t, s, h); len(got) != 1 || got["p"].State != "online" || got["p"].Unsure {
		t.Fatalf("Told = %+v, want that p is online", got)
	}
	next := c.now().Add(5 * time.Second)
	part := Part{PersonID: "p", State: "away", Body: "{}", Tries: 1, Next: next}
	a := attempt(h, "e1", part)
	want := func(what string, want Told) {
		t.Helper()
		want.PersonID = "p"
		if got := mustTold(t, s, h)["p"]; got != want {
			t.Errorf("%s: Told = %+v, want %+v", what, got, want)
		}
	}
	message := HookMessage{"e1", "away", "{}", 1, next.Truncate(time.Millisecond)}
	do(t, "BeginAttempt", s.BeginAttempt(ctx, a))
	want("while sending", Told{State: "online", Unsure: true, Message: message})
	do(t, "EndAttempt", s.EndAttempt(ctx, a, Outcome{Delivery: Delivery{At: c.now(), Event: "presence.changed", Tries: 1, Status: 404}}))
	want("refused", Told{State: "online", Message: message})
	do(t, "EndAttempt", s.EndAttempt(ctx, a, Outcome{Unclear: true}))
	want("no answer", Told{State: "online", Unsure: true, Message: message})
	if got := mustHook(t, s, h.ID); got.Failures != 2 || !got.FailsSince.Equal(c.now()) {
		t.Errorf("after two failures, health = %+v", got.HookHealth)
	}
	a.Parts[0].Next = time.Time{}
	do(t, "EndAttempt", s.EndAttempt(ctx, a, Outcome{Unclear: true}))
	want("given up", Told{State: "online", Unsure: true, Message: HookMessage{"e1", "away", "", 1, time.Time{}}})
	do(t, "EndAttempt", s.EndAttempt(ctx, attempt(h, "another", part), Outcome{Accepted: true}))
	want("an answer to a replaced message", Told{State: "online", Unsure: true, Message: HookMessage{"e1", "away", "", 1, time.Time{}}})
	do(t, "EndAttempt", s.EndAttempt(ctx, a, Outcome{Accepted: true}))
	want("accepted", Told{State: "away"})
	if got := mustHook(t, s, h.ID); got.Failures != 0 || !got.FailsSince.IsZero() {
		t.Errorf("after a success, health = %+v", got.HookHealth)
	}
	off := attempt(h, "e2", Part{PersonID: "p", Tries: 1})
	do(t, "BeginAttempt", s.BeginAttempt(ctx, off))
	do(t, "DropMessage", s.DropMessage(ctx, aServer, h, "p"))
	want("dropped", Told{State: "away", Unsure: true})
	do(t, "BeginAttempt", s.BeginAttempt(ctx, off))
	do(t, "EndAttempt", s.EndAttempt(ctx, off, Outcome{Accepted: true}))
	if got := mustTold(t, s, h); len(got) != 0 {
		t.Errorf("after p was told to be offline, Told = %+v, want nothing", got)
	}
	do(t, "BeginAttempt", s.BeginAttempt(ctx, a))
	do(t, "EndAttempt", s.EndAttempt(ctx, a, Outcome{}))
	do(t, "EndAttempt", s.EndAttempt(ctx, off, Outcome{Accepted: true, Again: true}))
	want("another message succeeded", Told{Message: HookMessage{"e1", "away", "", 1, c.now().Truncate(time.Millisecond)}})
}

// A delivery begins only by the server that holds the lease, to a hook that hasn't changed, whose owner is enabled.
func TestBeginAttempt(t *testing.T) { onEach(t, testBeginAttempt) }

func testBeginAttempt(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ctx := t.Context()
	ada, bob := add(t, s, "ada", "", "Ops"), add(t, s, "bob", "", "")
	h := addHook(t, s, ada.ID, HookWish{About: AboutOnePerson, PersonID: bob.ID})
	try := func(what string, h Hook, owner string, want error) {
		t.Helper()
		a := attempt(h, "e", Part{PersonID: bob.ID, State: "away", Tries: 1})
		a.Owner = owner
		for name, err := range map[string]error{
			"BeginAttempt": s.BeginAttempt(ctx, a), "DropMessage": s.DropMessage(ctx, owner, h, bob.ID),
			"SetTold": s.SetTold(ctx, owner, h, map[string]string{bob.ID: "dnd"}),
		} {
			if !errors.Is(err, want) {
				t.Errorf("%s %s = %v, want %v", name, what, err, want)
			}
		}
	}
	try("without a lease", h, aServer, ErrNotOurs)
	h = ready(t, s, h, nil)
	try("with the lease", h, aServer, nil)
	try("by another server", h, "server-2", ErrNotOurs)
	old := h
	do(t, "ChangeHook", s.ChangeHook(ctx, ada.ID, h.ID, wish(HookWish{About: AboutOnePerson, PersonID: bob.ID, URL: "https://b.example"})))
	try("to the previous address", old, aServer, ErrNotOurs)
	h = mustHook(t, s, h.ID)
	if got := mustTold(t, s, h); len(got) != 0 || h.Ready {
		t.Errorf("after a change of the address, Told = %+v and ready is %t, want nothing, and false", got, h.Ready)
	}
	try("to the new address", h, aServer, nil)
	rev := mustRev(t, s)
	do(t, "SetDisabled", s.SetDisabled(ctx, ada.ID, true))
	if c, err := s.Changes(ctx, rev); err != nil || !c.Hooks {
		t.Errorf("Changes after SetDisabled = %+v, %v, want that hooks have changed", c, err)
	}
	try("of a disabled owner", h, aServer, ErrNotOurs)
	if active, err := s.ActiveHooks(ctx); err != nil || len(active) != 0 {
		t.Errorf("ActiveHooks of a disabled owner = %+v, %v, want none", active, err)
	}
	do(t, "SetDisabled", s.SetDisabled(ctx, ada.ID, false))
	try("of an enabled owner", h, aServer, nil)
	do(t, "PauseHook", s.PauseHook(ctx, ada.ID, h.ID))
	try("to a paused hook", mustHook(t, s, h.ID), aServer, ErrNotOurs)
	do(t, "StartHook", s.StartHook(ctx, ada.ID, h.ID))
	h = mustHook(t, s, h.ID)
	c.add(time.Hour)
	try("after the lease ended", h, aServer, ErrNotOurs)
}

// Deliveries are listed for a day, at most MaxDeliveries of a hook, and never tell when one person came or left.
func TestDeliveries(t *testing.T) { onEach(t, testDeliveries) }

func testDeliveries(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ctx := t.Context()
	ada, bob := add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
	h := addHook(t, s, ada.ID, HookWish{})
	for n := range MaxDeliveries + 3 {
		do(t, "AddTest", s.AddTest(ctx, h, Delivery{At: c.now(), Event: TestEvent, Tries: n}))
	}
	all, err := s.Deliveries(ctx, h.ID)
	if err != nil || len(all) != MaxDeliveries || all[0].Tries != MaxDeliveries+2 {
		t.Fatalf("Deliveries = %d, %v, want the latest %d", len(all), err, MaxDeliveries)
	}
	one := addHook(t, s, ada.ID, HookWish{About: AboutOnePerson, PersonID: bob.ID})
	change := Delivery{At: c.now(), Event: "presence.changed", Tries: 1, Status: 200, Took: 84 * time.Millisecond}
	do(t, "EndAttempt", s.EndAttempt(ctx, attempt(one, "e"), Outcome{Delivery: change, Accepted: true}))
	all, err = s.Deliveries(ctx, one.ID)
	change.At = change.At.Truncate(24 * time.Hour)
	if err != nil || !slices.Equal(all, []Delivery{change}) {
		t.Errorf("Deliveries = %+v, %v, want %+v", all, err, change)
	}
	c.add(DeliveryAge)
	do(t, "Prune", s.Prune(ctx))
	all, err = s.Deliveries(ctx, h.ID)
	if err != nil || len(all) != 0 {
		t.Errorf("Deliveries after a day = %+v, %v, want none", all, err)
	}
	wantErr(t, "AddTest", s.AddTest(ctx, Hook{ID: "none"}, Delivery{}), ErrNoHook)
}
