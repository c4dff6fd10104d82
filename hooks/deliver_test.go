package hooks

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

const shortLease = 3 * time.Second

// wantTold waits until exactly this has arrived at a path.
func (f *fixture) wantTold(what, path string, want ...string) {
	f.t.Helper()
	f.until(what, func() bool { return len(f.inbox.told(path)) >= len(want) })
	if got := f.inbox.told(path); !slices.Equal(got, want) {
		f.t.Fatalf("%s: the receiver was told %q, want %q\n%s", what, got, want, f.logs)
	}
}

// A receiver is told what changes from the moment on when its hook was made.
func TestDelivers(t *testing.T) { onEach(t, testDelivers) }

func testDelivers(t *testing.T, f *fixture) {
	ada, bob := f.person("ada", "Ops"), f.person("bob", "")
	s := f.start(shortLease)
	s.arrive(bob)
	h := f.hook(ada, accounts.HookWish{URL: "/in"})
	f.isReady(h)
	c := s.arrive(ada)
	f.wantTold("ada comes", "/in", "Ada:online")
	f.must(f.store.SetStatus(t.Context(), bob.ID, accounts.Status{State: "dnd", Text: "Deep work"}, ""))
	f.wantTold("bob is busy", "/in", "Ada:online", "Bob:dnd")
	c.Leave(presence.SignedOut)
	f.wantTold("ada leaves", "/in", "Ada:online", "Bob:dnd", "Ada:offline")
	f.until("the deliveries are listed", func() bool {
		all, err := f.store.Deliveries(t.Context(), h.ID)
		return err == nil && len(all) == 3 && all[0].Status == 200 && all[0].Event == eventPresence && all[0].Reason == ""
	})
	f.until("only bob is remembered", func() bool {
		told, err := f.store.Told(t.Context(), h.ID)
		return err == nil && len(told) == 1 && told[0] == accounts.Told{PersonID: bob.ID, State: "dnd"}
	})
	if stats := s.deliver.Stats(); !stats.Delivering || stats.Accepted != 3 || stats.Failed != 0 {
		t.Errorf("Stats = %+v, want 3 deliveries", stats)
	}
	if log := f.logs.String(); strings.Contains(log, f.inbox.url) || strings.Contains(log, "whsec_") {
		t.Errorf("the log has an address or a secret:\n%s", log)
	}
}

// While somebody can't be seen, a receiver learns nothing of them but that they're gone. An invisible person is like
// one who left.
func TestHidden(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	f.must(f.store.ChangeSettings(t.Context(), func(x *accounts.Settings) error { x.Visibility = accounts.VisibleTeams; return nil }))
	ada, bob, cleo := f.person("ada", "Ops"), f.person("bob", "Ops"), f.person("cleo", "Dev")
	s := f.start(shortLease)
	h := f.hook(ada, accounts.HookWish{URL: "/in"})
	f.isReady(h)
	s.arrive(cleo) // of another team
	s.arrive(bob)
	f.wantTold("bob comes", "/in", "Bob:online")
	f.must(f.store.SetInvisible(t.Context(), bob.ID, true))
	f.wantTold("bob goes invisible", "/in", "Bob:online", "Bob:offline")
	s.arrive(bob).Leave(presence.SignedOut) // what he does now must not be told
	s.arrive(bob)
	f.must(s.here.Beat(bob.ID, presence.Heartbeat{Key: "lamp", TTL: time.Minute, Activity: presence.Activity{Ago: time.Hour}}))
	_, _, err := f.store.PutClaim(t.Context(), bob.ID, accounts.Claim{Key: "build", State: "away"}, time.Hour)
	f.must(err)
	s.arrive(ada)
	f.wantTold("bob is busy in secret, and ada comes", "/in", "Bob:online", "Bob:offline", "Ada:online")
	f.must(f.store.SetStatus(t.Context(), bob.ID, accounts.Status{State: "dnd"}, ""))
	f.must(f.store.SetInvisible(t.Context(), bob.ID, false))
	f.wantTold("bob goes visible", "/in", "Bob:online", "Bob:offline", "Ada:online", "Bob:dnd")
	f.must(f.store.SetTeam(t.Context(), bob.ID, "Dev"))
	f.until("bob is gone", func() bool { return len(f.inbox.told("/in")) == 5 })
	f.inbox.mu.Lock()
	last := f.inbox.got[len(f.inbox.got)-1]
	f.inbox.mu.Unlock()
	if last.Type != eventGone || last.Data.User.ID != bob.ID || last.Data.User.Name != "" {
		t.Errorf("the last message is %+v, want only that bob is gone", last)
	}
	f.must(f.store.SetTeam(t.Context(), cleo.ID, "Ops"))
	f.until("cleo is there", func() bool { return slices.Contains(f.inbox.told("/in"), "Cleo:online") })
}

// Nothing is delivered to a hook whose owner is disabled. When the owner is enabled again, what is different then is.
func TestDisabledOwner(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	ada, bob := f.person("ada", ""), f.person("bob", "")
	s := f.start(shortLease)
	h, other := f.hook(ada, accounts.HookWish{URL: "/in"}), f.hook(bob, accounts.HookWish{URL: "/other"})
	f.isReady(h)
	f.isReady(other)
	f.must(f.store.SetDisabled(t.Context(), ada.ID, true))
	s.arrive(bob)
	f.wantTold("bob comes", "/other", "Bob:online")
	if got := f.inbox.told("/in"); len(got) != 0 {
		t.Errorf("the receiver of a disabled owner was told %q", got)
	}
	f.must(f.store.SetDisabled(t.Context(), ada.ID, false))
	f.wantTold("ada is enabled", "/in", "Bob:online")
}

// A hook is about everyone, a team, or a person, and tells of states, texts, or both.
func TestFilters(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	ada, bob := f.person("ada", "Ops"), f.person("bob", "Dev")
	s := f.start(shortLease)
	for _, w := range []accounts.HookWish{
		{URL: "/team", About: accounts.AboutOneTeam, Team: "dev"}, {URL: "/person", About: accounts.AboutOnePerson, PersonID: ada.ID},
		{URL: "/texts", Texts: true},
	} {
		f.isReady(f.hook(ada, w))
	}
	s.arrive(ada)
	f.wantTold("ada comes", "/person", "Ada:online")
	s.arrive(bob)
	f.wantTold("bob comes", "/team", "Bob:online")
	f.must(f.store.SetStatus(t.Context(), bob.ID, accounts.Status{Text: "Lunch"}, ""))
	f.wantTold("bob writes", "/texts", "Bob:online")
	f.inbox.mu.Lock()
	last := f.inbox.got[len(f.inbox.got)-1]
	f.inbox.mu.Unlock()
	if last.Type != eventStatus || last.Data.From != nil {
		t.Errorf("the message about a text is %+v, want %s", last, eventStatus)
	}
}

// Several people are in one message of a chat format.
func TestChat(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	ada, bob := f.person("ada", ""), f.person("bob", "")
	s := f.start(shortLease)
	f.isReady(f.hook(ada, accounts.HookWish{URL: "/chat", Format: accounts.HookSlack, Settle: time.Second}))
	s.arrive(ada)
	s.arrive(bob)
	f.until("the message arrives", func() bool { return f.inbox.requests() > 0 })
	f.inbox.mu.Lock()
	text := f.inbox.got[0].Text
	f.inbox.mu.Unlock()
	if !strings.Contains(text, "Ada is online") || !strings.Contains(text, "Bob is online") {
		t.Errorf("the message is %q, want it about ada and bob", text)
	}
}

// After an answer that is lost, the receiver ends up with what is true, although that is what it was told before.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	ada := f.person("ada", "")
	s := f.start(shortLease)
	h := f.hook(ada, accounts.HookWish{URL: "/in"})
	f.isReady(h)
	f.inbox.answer("/in", 600)
	c := s.arrive(ada)
	f.until("the failure is stored", func() bool {
		h, err := f.store.Hook(t.Context(), "", h.ID)
		return err == nil && h.Failures == 1
	})
	f.inbox.answer("/in", 0)
	c.Leave(presence.SignedOut)
	f.wantTold("ada leaves", "/in", "Ada:online", "Ada:offline")
}

// A receiver that answers 410 isn't asked again.
func TestGoneReceiver(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	ada := f.person("ada", "")
	s := f.start(shortLease)
	h := f.hook(ada, accounts.HookWish{URL: "/in"})
	f.isReady(h)
	f.inbox.answer("/in", 410)
	s.arrive(ada)
	f.until("the hook is stopped", func() bool {
		h, err := f.store.Hook(t.Context(), "", h.ID)
		return err == nil && h.Stopped == accounts.HookGone
	})
	f.inbox.answer("/in", 0)
	f.must(f.store.StartHook(t.Context(), ada.ID, h.ID))
	f.isReady(h)
	f.must(f.store.SetStatus(t.Context(), ada.ID, accounts.Status{State: "dnd"}, ""))
	f.wantTold("ada is busy after the start", "/in", "Ada:dnd")
}

// When the server that delivers crashes, another one takes over. No notice is lost. Only one whose answer the crashed
// server hadn't stored can be there twice, with the same ID.
func TestCrash(t *testing.T) { onEach(t, testCrash) }

func testCrash(t *testing.T, f *fixture) {
	ada, bob := f.person("ada", ""), f.person("bob", "")
	a := f.start(shortLease)
	h := f.hook(ada, accounts.HookWish{URL: "/in"})
	f.isReady(h)
	b := f.start(shortLease)
	b.arrive(bob)
	f.wantTold("bob comes", "/in", "Bob:online")
	f.inbox.mu.Lock()
	f.inbox.answered = make(chan struct{})
	f.inbox.mu.Unlock()
	b.arrive(ada)
	f.until("the message about ada is there", func() bool { return len(f.inbox.told("/in")) == 2 })
	a.crash()
	f.inbox.mu.Lock()
	close(f.inbox.answered)
	f.inbox.answered = nil
	f.inbox.mu.Unlock()
	f.must(f.store.SetStatus(t.Context(), bob.ID, accounts.Status{State: "dnd"}, ""))
	f.until("the other server tells of bob, and of ada again", func() bool { return len(f.inbox.told("/in")) >= 4 })
	got := f.inbox.told("/in")
	slices.Sort(got[2:])
	if !slices.Equal(got, []string{"Bob:online", "Ada:online", "Ada:online", "Bob:dnd"}) || f.inbox.doubled != 1 {
		t.Errorf("the receiver was told %q, %d with the same ID, want ada twice with one ID", got, f.inbox.doubled)
	}
	if !b.deliver.Stats().Delivering {
		t.Error("the other server doesn't hold the lease")
	}
}

// A server that stops hands over at once, without a notice too many.
func TestStop(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	ada, bob := f.person("ada", ""), f.person("bob", "")
	a := f.start(time.Minute)
	h := f.hook(ada, accounts.HookWish{URL: "/in"})
	f.isReady(h)
	b := f.start(shortLease) // asks for the lease often
	b.arrive(bob)
	f.wantTold("bob comes", "/in", "Bob:online")
	a.stop()
	b.arrive(ada)
	f.wantTold("ada comes", "/in", "Bob:online", "Ada:online")
}

// A delivery that is on its way when a server stops still has a moment to end.
func TestStopFinishes(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	ada := f.person("ada", "")
	s := f.start(time.Minute)
	h := f.hook(ada, accounts.HookWish{URL: "/in"})
	f.isReady(h)
	answer := make(chan struct{})
	f.inbox.mu.Lock()
	f.inbox.answered = answer
	f.inbox.mu.Unlock()
	s.arrive(ada)
	f.until("the message is there", func() bool { return f.inbox.requests() == 1 })
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.stop()
	}()
	close(answer)
	<-stopped
	told, err := f.store.Told(t.Context(), h.ID)
	if err != nil || len(told) != 1 || told[0] != (accounts.Told{PersonID: ada.ID, State: "online"}) {
		t.Errorf("Told = %+v, %v, want that the message was accepted", told, err)
	}
}

// Nothing is told while it isn't known who is offline.
func TestUnsure(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	ada := f.person("ada", "")
	s := f.start(shortLease)
	h := f.hook(ada, accounts.HookWish{URL: "/in"})
	f.isReady(h)
	c := s.arrive(ada)
	f.wantTold("ada comes", "/in", "Ada:online")
	s.link.lost.Store(true)
	c.Leave(presence.SignedOut)
	f.until("ada is offline", func() bool { return s.here.View(ada.ID).State == presence.Offline })
	s.deliver.signal()
	if got := f.inbox.told("/in"); len(got) != 1 {
		t.Errorf("the receiver was told %q, want nothing while other servers can't be reached", got)
	}
	s.link.lost.Store(false)
	f.wantTold("the board is sure again", "/in", "Ada:online", "Ada:offline")
}
