package command

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// office is a time in the afternoon, so that a day lies behind those who are here.
const office = 16*time.Hour + 24*time.Minute

// inTheAfternoon runs a test in a synctest bubble in which it's afternoon, by the local clock.
func inTheAfternoon(t *testing.T, test func(*testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		year, month, day := time.Now().Date()
		next := time.Date(year, month, day+1, 0, 0, 0, 0, time.Local).Add(office)
		time.Sleep(time.Until(next))
		test(t)
	})
}

// The demo starts in the middle of a day: people have been here for different times, are in every state, and say
// different things; absent people were last seen minutes to months ago, and show that in different ways.
func TestCastOpensInTheMiddleOfADay(t *testing.T) {
	inTheAfternoon(t, func(t *testing.T) {
		c, store := openedCast(t, usualPeople, 1, true)
		now := time.Now()
		counts := c.tracker.Counts()
		if counts.Here() != 34 || counts.Online < 20 || counts.Away < 5 || counts.DND < 3 {
			t.Errorf("Counts = %+v, want 34 people, at least 20 online, 5 away and 3 on do not disturb", counts)
		}
		hours, endings, onLeave, texts := map[int]bool{}, 0, 0, map[string]int{}
		for _, p := range c.players {
			v := c.tracker.View(p.id)
			if v.State != presence.Offline {
				if ago := now.Sub(v.Since); ago < time.Minute || ago > 9*time.Hour+time.Minute {
					t.Errorf("%s has been %s for %v, want a minute to 9 hours", p.username, v.State, ago)
				}
				hours[v.Since.Hour()] = true
				offered := []time.Duration{30 * time.Minute, time.Hour, 4 * time.Hour}
				if lasts := v.Until.Sub(v.Since); p.statusSetsState() && !slices.Contains(offered, lasts) {
					t.Errorf("%s is %s for %v, want a time that the menu offers", p.username, v.State, lasts)
				}
			}
			if !v.Until.IsZero() {
				endings++
			}
			if p.onLeave && v.State == presence.Offline && v.Text != "" {
				onLeave++
			}
			if v.Text != "" {
				texts[v.Text]++
			}
		}
		if len(hours) < 6 || endings < 8 || len(texts) < 15 || onLeave < 3 {
			t.Errorf("people are here since %d different hours, %d statuses end, there are %d different texts, and %d people say "+
				"that they're on leave, want at least 6, 8, 15, 3", len(hours), endings, len(texts), onLeave)
		}
		for text, n := range texts {
			if n > 1 {
				t.Errorf("%d people say %q, want one", n, text)
			}
		}
		expectLastSeen(t, c, store, now)
	})
}

// expectLastSeen checks the last-seen times of absent people, and who can see them.
func expectLastSeen(t *testing.T, c *cast, store *fakeStore, now time.Time) {
	t.Helper()
	choices := map[string]int{}
	spans := [4]int{} // within an hour, a day, a month, and more
	for _, p := range c.players {
		seen, absent := store.seen[p.id]
		if absent != (c.tracker.View(p.id).State == presence.Offline) {
			t.Errorf("%s is %s, and was last seen at %v", p.username, c.tracker.View(p.id).State, seen)
		}
		if !absent {
			continue
		}
		choices[store.showLastSeen[p.id]]++
		switch ago := now.Sub(seen); {
		case ago < time.Hour:
			spans[0]++
		case ago < 24*time.Hour:
			spans[1]++
		case ago < 30*24*time.Hour:
			spans[2]++
		default:
			spans[3]++
		}
	}
	if choices[accounts.Exact] < 3 || choices[accounts.Nobody] < 2 || choices[""] < 10 {
		t.Errorf("absent people chose %v, want at least 3 exact, 2 nobody, and 10 the default", choices)
	}
	for i, n := range spans {
		if n < 2 {
			t.Errorf("last seen within an hour, a day, a month, and longer ago: %v, want at least 2 in place %d", spans, i)
		}
	}
}

// The state that a status sets began before the demo did, even if the tracker learns of the status after the person's
// arrival. After the hand-over, states begin when they change.
func TestCastHandsOver(t *testing.T) {
	inTheAfternoon(t, func(t *testing.T) {
		c, store := openedCast(t, usualPeople, 1, false)
		var busy *player
		for _, p := range c.players {
			if p.conn != nil && p.statusSetsState() {
				busy = p
			}
		}
		store.tracker = c.tracker
		_ = store.SetStatus(t.Context(), busy.id, busy.status, "")
		if v := c.tracker.View(busy.id); string(v.State) != busy.status.State || time.Since(v.Since) < time.Minute {
			t.Errorf("View = %s since %v ago, want %s since more than a minute", v.State, time.Since(v.Since), busy.status.State)
		}
		before := c.tracker.Counts()
		c.handOver()
		synctest.Wait()
		if after := c.tracker.Counts(); after != before {
			t.Errorf("Counts = %+v after the hand-over, want %+v as before", after, before)
		}
		_ = store.SetStatus(t.Context(), busy.id, accounts.Status{}, "")
		if v := c.tracker.View(busy.id); v.State != presence.Online || time.Since(v.Since) > time.Second {
			t.Errorf("View = %s since %v ago, want online since now", v.State, time.Since(v.Since))
		}
	})
}

// However large the board is, about 200 people are here, and only so many players come and go.
func TestCastOfThousands(t *testing.T) {
	inTheAfternoon(t, func(t *testing.T) {
		c, store := openedCast(t, 5000, 1, true)
		c.handOver()
		synctest.Wait()
		if n := c.tracker.Counts().Here(); n < 180 || n > 200 {
			t.Errorf("%d people are here, want about 190, who fit on one page", n)
		}
		if len(store.seen) != 4999-c.tracker.Counts().Here() || len(c.players) != mostPlayers {
			t.Errorf("%d last-seen times and %d players, want one of each absent person and %d players",
				len(store.seen), len(c.players), mostPlayers)
		}
		if n := len(store.showLastSeen) + store.statuses; n > 300 {
			t.Errorf("open wrote to the accounts %d times, want at most 300: each takes a transaction", n)
		}
		for range 500 {
			if err := c.step(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := c.tracker.Counts().Here(); n > 198 {
				t.Fatalf("%d people are here, want fewer than fit on one page with the visitor", n)
			}
		}
	})
}

// Something happens every two to four seconds. Someone arrives at least every 20 seconds on average. People who leave
// stay away for longer than the grace period.
func TestCastIsCalm(t *testing.T) {
	inTheAfternoon(t, func(t *testing.T) {
		cfg := presence.DefaultConfig()
		cfg.Warming = 0
		tracker, earlier := demoTracker(cfg)
		defer tracker.Close()
		ctx, cancel := context.WithCancel(t.Context())
		store := newFakeStore(tracker)
		var players []*player
		for _, person := range demoStaff(usualPeople)[1:] {
			players = append(players, &player{id: person.Username, username: person.Username})
		}
		ended := make(chan error)
		go func() {
			ended <- newCast(store, tracker, earlier, players, rand.New(rand.NewPCG(1, 0))).play(ctx)
		}()
		time.Sleep(30 * time.Second)
		states := func() map[string]presence.View {
			views := map[string]presence.View{}
			for _, p := range players {
				views[p.id] = tracker.View(p.id)
			}
			return views
		}
		arrivals, changes, was := 0, 0, states()
		const minutes = 30
		for range minutes * 60 {
			time.Sleep(time.Second)
			synctest.Wait()
			is := states()
			for id := range is {
				if was[id].State == presence.Offline && is[id].State != presence.Offline {
					arrivals++
				}
				if was[id] != is[id] {
					changes++
				}
			}
			was = is
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if arrivals < 3*minutes || changes < 15*minutes || changes > 30*minutes {
			t.Errorf("in %d minutes, %d people arrived and %d things changed, want at least %d and %d to %d",
				minutes, arrivals, changes, 3*minutes, 15*minutes, 30*minutes)
		}
	})
}

// A demo can be as small as the visitor alone.
func TestCastOfFew(t *testing.T) {
	for n := 1; n <= 8; n++ {
		synctest.Test(t, func(t *testing.T) {
			c, _ := openedCast(t, n, 1, true)
			c.handOver()
			synctest.Wait()
			changes := 0
			for range 100 {
				before := c.tracker.Counts()
				if err := c.step(t.Context()); err != nil {
					t.Fatal(err)
				}
				if c.tracker.Counts() != before {
					changes++
				}
			}
			if n > 1 && changes < 20 {
				t.Errorf("with %d people, the counts changed %d times in 100 steps, want at least 20", n, changes)
			}
		})
	}
}
