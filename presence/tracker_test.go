package presence

import (
	"maps"
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs f with a Tracker on fake time. change may alter the Config.
func inBubble(t *testing.T, change func(*Config), f func(t *testing.T, tr *Tracker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg := DefaultConfig()
		cfg.Warming = 0
		if change != nil {
			change(&cfg)
		}
		tr := NewTracker(cfg)
		defer tr.Close()
		f(t, tr)
	})
}

// after lets fake time pass, and waits until everything that was due has happened.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func wantState(t *testing.T, tr *Tracker, user string, want State) {
	t.Helper()
	if got := tr.View(user).State; got != want {
		t.Errorf("View(%s).State = %s, want %s", user, got, want)
	}
}

func TestGracePeriods(t *testing.T) {
	for _, c := range []struct {
		name  string
		how   LeaveReason
		grace time.Duration
	}{{"signed out", SignedOut, 0}, {"clean", Clean, 5 * time.Second}, {"dropped", Dropped, 15 * time.Second}} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, tr *Tracker) {
				tr.Join("ada", Client{}, Activity{}).Leave(c.how)
				if c.grace > 0 {
					wantState(t, tr, "ada", Online)
					after(c.grace - time.Millisecond)
					wantState(t, tr, "ada", Online)
					after(time.Millisecond)
				}
				wantState(t, tr, "ada", Offline)
			})
		})
	}
}

// TestTwoTabs: closing one of two tabs doesn't make a person offline.
func TestTwoTabs(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		one, two := tr.Join("ada", Client{}, Activity{}), tr.Join("ada", Client{}, Activity{})
		one.Leave(Clean)
		after(time.Hour)
		two.Record(Activity{})
		wantState(t, tr, "ada", Online)
		one.Leave(SignedOut) // the connection has already ended
		wantState(t, tr, "ada", Online)
		two.Leave(SignedOut)
		wantState(t, tr, "ada", Offline)
	})
}

func TestReloadChangesNothing(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		c := tr.Join("ada", Client{}, Activity{Ago: 20 * time.Minute})
		wantState(t, tr, "ada", Away)
		feed := tr.Subscribe()
		feed.Take() // who is known already
		for range 10 {
			c.Leave(Clean)
			after(2 * time.Second)
			c = tr.Join("ada", Client{}, Activity{Ago: 20 * time.Minute})
			after(10 * time.Second)
		}
		if got := feed.Take(); len(got) != 0 {
			t.Errorf("ten reloads of an away person changed %v, want nothing", got)
		}
	})
}

func TestIdleByServerClock(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		feed := tr.Subscribe()
		c := tr.Join("ada", Client{}, Activity{})
		feed.Take()
		after(10*time.Minute - time.Millisecond)
		wantState(t, tr, "ada", Online)
		after(time.Millisecond)
		wantState(t, tr, "ada", Away)
		if got := feed.Take(); len(got) != 1 {
			t.Errorf("Take after idle-after = %v, want ada", got)
		}
		if why := tr.Self("ada").Why; why.Rule != ByIdleness || why.Idle != 10*time.Minute {
			t.Errorf("Self(ada) why = %+v, want idleness of 10 min", why)
		}
		c.Record(Activity{Hidden: true, Ago: time.Hour})
		wantState(t, tr, "ada", Away)
		c.Record(Activity{})
		wantState(t, tr, "ada", Online)
	})
}

func TestHiddenPhoneIsIdleAtOnce(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		phone := tr.Join("ada", Client{Phone: true}, Activity{})
		phone.Record(Activity{Hidden: true})
		wantState(t, tr, "ada", Away)
		tr.Join("ada", Client{}, Activity{}).Record(Activity{Hidden: true})
		wantState(t, tr, "ada", Online)
	})
}

func TestStatusesEndOnTime(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		tr.Join("ada", Client{}, Activity{})
		end := time.Now().Add(time.Minute)
		tr.SetFacts("ada", Facts{Status: Status{State: DND, Text: "tests", Until: end}})
		tr.SetFacts("bob", Facts{Status: Status{Text: "on the train", Until: end}}) // offline people's statuses end too
		wantState(t, tr, "ada", DND)
		feed := tr.Subscribe()
		after(time.Minute)
		wantState(t, tr, "ada", Online)
		if v := tr.View("bob"); v.Text != "" {
			t.Errorf("View(bob).Text = %q after its end, want none", v.Text)
		}
		if got := feed.Take(); len(got) != 2 {
			t.Errorf("Take = %v, want both", got)
		}
	})
}

func TestDisabledAndForgottenPeopleDoNotCount(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		c := tr.Join("ada", Client{}, Activity{})
		tr.SetFacts("ada", Facts{Disabled: true})
		if v := tr.View("ada"); v.Listed || tr.Counts() != (Counts{}) {
			t.Errorf("disabled: View = %+v, Counts = %+v, want unlisted, and zero", v, tr.Counts())
		}
		tr.SetFacts("ada", Facts{})
		if tr.Counts() != (Counts{Online: 1}) {
			t.Errorf("enabled again: Counts = %+v, want one online", tr.Counts())
		}
		tr.Forget("ada")
		c.Record(Activity{})
		c.Leave(Clean)
		if tr.Counts() != (Counts{}) || len(tr.TakeSeen()) != 0 {
			t.Errorf("forgotten: Counts = %+v, want zero, and nothing from TakeSeen", tr.Counts())
		}
	})
}

func TestLastSeen(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		start := time.Now().UTC()
		c := tr.Join("ada", Client{}, Activity{})
		if got := tr.TakeSeen(); len(got) != 0 {
			t.Errorf("TakeSeen on arrival = %v, want nothing yet", got)
		}
		after(61 * time.Second)
		c.Record(Activity{})
		after(time.Second)
		c.Record(Activity{})
		want := map[string]time.Time{"ada": start.Add(62 * time.Second)}
		if got := tr.TakeSeen(); !maps.EqualFunc(got, want, time.Time.Equal) {
			t.Errorf("TakeSeen after a minute = %v, want %v", got, want)
		}
		after(30 * time.Second)
		c.Record(Activity{})
		if got := tr.TakeSeen(); len(got) != 0 {
			t.Errorf("TakeSeen within the minute = %v, want nothing", got)
		}
		c.Leave(Clean)
		after(5 * time.Second)
		last := start.Add(92 * time.Second)
		if v := tr.View("ada"); !v.LastSeen.Equal(last) {
			t.Errorf("View.LastSeen = %v, want the last input %v", v.LastSeen, last)
		}
		if got := tr.TakeSeen(); !got["ada"].Equal(last) {
			t.Errorf("TakeSeen on leaving = %v, want %v", got, last)
		}
		if v := tr.View("ada"); !v.LastSeen.Equal(last) {
			t.Errorf("View.LastSeen, which isn't stored yet, = %v, want %v", v.LastSeen, last)
		}
		tr.SeenStored(want)
		if tr.people["ada"] != nil {
			t.Error("a person who left and whose last seen is stored is still in memory")
		}
	})
}

// TestInvisibleLeavesNoTrace compares an invisible person with one who signed out at the same moment: their views, the
// counts, and the results of TakeSeen are the same, whatever the invisible person does.
func TestInvisibleLeavesNoTrace(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		ada, bob := tr.Join("ada", Client{}, Activity{}), tr.Join("bob", Client{}, Activity{})
		after(10 * time.Second)
		tr.SetFacts("ada", Facts{Invisible: true, InvisibleSince: time.Now()})
		bob.Leave(SignedOut)
		for range 5 {
			if a, b := tr.View("ada"), tr.View("bob"); a != b {
				t.Errorf("View(invisible) = %+v, want the view of the person who left, %+v", a, b)
			}
			after(20 * time.Second)
			ada.Record(Activity{})
			tr.Join("ada", Client{}, Activity{}).Leave(Clean)
		}
		if tr.Counts().Here() != 0 {
			t.Errorf("Counts = %+v, want nobody", tr.Counts())
		}
		got := tr.TakeSeen()
		if !got["ada"].Equal(got["bob"]) {
			t.Errorf("TakeSeen = %v, want the same stamp for both", got)
		}
	})
}

// TestInvisibleWithoutAMessage: if a client never reported input, its person was last seen when it connected, whether
// they go invisible or leave.
func TestInvisibleWithoutAMessage(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		tr.Join("ada", Client{}, Activity{Ago: NoInput})
		bob := tr.Join("bob", Client{}, Activity{Ago: NoInput})
		after(time.Minute)
		tr.SetFacts("ada", Facts{Invisible: true, InvisibleSince: time.Now()})
		bob.Leave(SignedOut)
		if a, b := tr.View("ada"), tr.View("bob"); a != b {
			t.Errorf("View(invisible) = %+v, want the view of the person who left, %+v", a, b)
		}
		if got := tr.TakeSeen(); !got["ada"].Equal(got["bob"]) {
			t.Errorf("TakeSeen = %v, want the same stamp for both", got)
		}
	})
}

// TestLastSeenAfterInvisible: people who went visible again were never last seen before that.
func TestLastSeenAfterInvisible(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		c := tr.Join("ada", Client{}, Activity{})
		tr.SetFacts("ada", Facts{Invisible: true})
		after(30 * 24 * time.Hour)
		c.Record(Activity{})
		back := time.Now()
		tr.SetFacts("ada", Facts{})
		after(20 * time.Second)
		c.Leave(SignedOut)
		if got := tr.View("ada").LastSeen; !got.Equal(back) {
			t.Errorf("View.LastSeen = %v, want the time they went visible, %v", got, back)
		}
	})
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		tr.SetFacts("ada", Facts{Invisible: true})
		c := tr.Join("ada", Client{}, Activity{}) // came while invisible
		tr.SetFacts("ada", Facts{})
		c.Leave(SignedOut)
		if v := tr.View("ada"); v.LastSeen.IsZero() || len(tr.TakeSeen()) == 0 {
			t.Errorf("View = %+v, want a last seen, and a time to store", v)
		}
	})
}

func TestDrainStampsPresentPeople(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		tr.Join("ada", Client{}, Activity{})
		after(9 * time.Minute) // without input, but not idle yet
		tr.TakeSeen()
		if err := tr.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := tr.TakeSeen(); len(got) != 1 {
			t.Errorf("TakeSeen after Drain = %v, want ada, who may not come back", got)
		}
	})
}

// TestEndOfSession: the end of a session also ends its connections in their grace period, but no connections of other
// sessions.
func TestEndOfSession(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		tr.Join("ada", Client{Session: "one"}, Activity{}).Leave(Clean) // a reload
		tr.Join("ada", Client{Session: "one"}, Activity{})
		tr.End("ada", "one")
		wantState(t, tr, "ada", Offline)
		tr.Join("ada", Client{Session: "two"}, Activity{})
		tr.End("ada", "one")
		tr.End("bob", "one")
		wantState(t, tr, "ada", Online)
	})
}

// TestLateFirstMessage: a client counts as active until it says when the last input was, and not longer.
func TestLateFirstMessage(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		c := tr.Join("ada", Client{}, Activity{Ago: NoInput})
		wantState(t, tr, "ada", Online)
		after(3 * time.Second)
		c.Record(Activity{Ago: NoInput, Hidden: true})
		wantState(t, tr, "ada", Online)
		c.Record(Activity{Ago: time.Hour, Hidden: true})
		wantState(t, tr, "ada", Away)
		c.Leave(SignedOut)
		if got := time.Since(tr.View("ada").LastSeen); got < time.Hour {
			t.Errorf("last seen %v ago, want an hour", got)
		}
		tr.Join("bob", Client{}, Activity{Ago: NoInput}).Leave(SignedOut)
		if tr.View("bob").LastSeen.IsZero() {
			t.Error("LastSeen is zero for a client that never reported input, want the time it connected")
		}
	})
}

// TestEndedConnectionsAreBounded: connecting and disconnecting over and over doesn't use more and more memory.
func TestEndedConnectionsAreBounded(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		for i := range 1000 {
			tr.Join("eve", Client{}, Activity{Ago: time.Duration(i) * time.Minute}).Leave(LeaveReason(i % 2))
		}
		if n := len(tr.people["eve"].conns); n > maxEnded {
			t.Errorf("%d of 1000 ended connections are in memory, want at most %d", n, maxEnded)
		}
		wantState(t, tr, "eve", Online)
	})
}

func TestSinceIsSetOnlyIfKnown(t *testing.T) {
	inBubble(t, func(c *Config) { c.Warming = 10 * time.Second }, func(t *testing.T, tr *Tracker) {
		tr.Join("back", Client{}, Activity{})
		idle := tr.Join("idle", Client{}, Activity{Ago: 25 * time.Minute})
		if v := tr.View("back"); v.State != Online || !v.Since.IsZero() {
			t.Errorf("while warming, View = %+v, want online and no Since", v)
		}
		if v, want := tr.View("idle"), time.Now().Add(-15*time.Minute).UTC(); !v.Since.Equal(want) {
			t.Errorf("while warming, View(idle).Since = %v, want %v", v.Since, want)
		}
		select {
		case <-tr.Warmed():
			t.Error("Warmed is closed at once, want it open for 10 s")
		default:
		}
		after(10 * time.Second)
		<-tr.Warmed()
		tr.Join("new", Client{}, Activity{})
		if v := tr.View("new"); !v.Since.Equal(time.Now().UTC()) {
			t.Errorf("View(new).Since = %v, want now", v.Since)
		}
		idle.Record(Activity{})
		if v := tr.View("idle"); v.State != Online || !v.Since.Equal(time.Now().UTC()) {
			t.Errorf("View(idle) after input = %+v, want online since now", v)
		}
	})
}

func TestDrainingChangesNothing(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		c := tr.Join("ada", Client{}, Activity{})
		feed := tr.Subscribe()
		feed.Take() // who is known already
		if err := tr.Drain(t.Context()); err != nil {
			t.Errorf("Drain = %v, want nil", err)
		}
		c.Leave(Dropped)
		after(time.Hour)
		wantState(t, tr, "ada", Online)
		if got := feed.Take(); len(got) != 0 {
			t.Errorf("draining changed %v, want nothing", got)
		}
	})
}

// TestTwoReplicas: a person who disconnects from one replica is only offline if they're not connected to another one.
func TestTwoReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := NewMemory()
		open := func() *Tracker {
			cfg := DefaultConfig()
			cfg.Warming, cfg.Registry = 0, board.Replica()
			return NewTracker(cfg)
		}
		a, b := open(), open()
		defer a.Close()
		defer b.Close()
		onA, onB := a.Join("ada", Client{}, Activity{}), b.Join("ada", Client{}, Activity{Ago: time.Hour})
		synctest.Wait()
		for _, tr := range []*Tracker{a, b} {
			wantState(t, tr, "ada", Online)
		}
		onA.Leave(SignedOut)
		synctest.Wait()
		for _, tr := range []*Tracker{a, b} {
			wantState(t, tr, "ada", Away)
		}
		onB.Leave(SignedOut)
		synctest.Wait()
		for _, tr := range []*Tracker{a, b} {
			wantState(t, tr, "ada", Offline)
		}
	})
}

func BenchmarkJoinLeave(b *testing.B) {
	tr := NewTracker(DefaultConfig())
	defer tr.Close()
	tr.Subscribe()
	for b.Loop() {
		tr.Join("ada", Client{}, Activity{}).Leave(SignedOut)
	}
}

func BenchmarkRecord(b *testing.B) {
	tr := NewTracker(DefaultConfig())
	defer tr.Close()
	c := tr.Join("ada", Client{}, Activity{})
	for b.Loop() {
		c.Record(Activity{})
	}
}

// TestEndNoticedLate: if the server notices late that a connection has ended, the grace period still begins when it
// ended.
func TestEndNoticedLate(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		ada, bob := tr.Join("ada", Client{}, Activity{}), tr.Join("bob", Client{}, Activity{})
		heard := time.Now()
		after(120 * time.Second) // this process stood still
		ada.LeaveAt(Dropped, heard.Add(45*time.Second))
		wantState(t, tr, "ada", Offline)
		bob.LeaveAt(Dropped, time.Now().Add(-10*time.Second))
		wantState(t, tr, "bob", Online)
		after(5 * time.Second)
		wantState(t, tr, "bob", Offline)
		if got := tr.View("ada").LastSeen; !got.Equal(heard) {
			t.Errorf("View.LastSeen = %v, want the last input, %v", got, heard)
		}
	})
}

// WarmAgain starts warming again. Each further call extends it.
func TestWarmAgain(t *testing.T) {
	inBubble(t, func(c *Config) { c.Warming, c.Fresh = 10*time.Second, true }, func(t *testing.T, tr *Tracker) {
		warming := func() bool {
			select {
			case <-tr.Warmed():
				return false
			default:
				return true
			}
		}
		if warming() {
			t.Error("after a fresh start, Warmed is open, want closed")
		}
		for range 30 {
			tr.WarmAgain()
			after(time.Second)
		}
		after(8 * time.Second)
		if !warming() {
			t.Error("9 s after the last WarmAgain, Warmed is closed, want open")
		}
		after(time.Second)
		if warming() {
			t.Error("10 s after the last WarmAgain, Warmed is open, want closed")
		}
	})
}

// People see their own status until it ends, and hear of its state even while nobody else sees a change.
func TestOwnStatusWhileInvisible(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		tr.Join("ada", Client{}, Activity{})
		tr.SetFacts("ada", Facts{Invisible: true})
		feed := tr.Subscribe()
		feed.Take()
		view := tr.View("ada")
		want := Status{State: Away, Until: time.Now().Add(time.Hour)}
		tr.SetFacts("ada", Facts{Invisible: true, Status: want})
		if self := tr.Self("ada"); self.Status == nil || *self.Status != want || self.View != view || len(feed.Take()) != 1 {
			t.Errorf("Self(ada) = %+v, want her status, the same view %+v, and a call of Mark", self, view)
		}
		after(time.Hour)
		if self := tr.Self("ada"); self.Status != nil || self.View != view || len(feed.Take()) != 1 {
			t.Errorf("after its end, Self(ada) = %+v, want no status, the same view %+v, and a call of Mark", self, view)
		}
	})
}
