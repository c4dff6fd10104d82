package presence

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// beat sends a heartbeat that counts for a minute.
func beat(t *testing.T, tr *Tracker, user, key string, ago time.Duration) {
	t.Helper()
	if err := tr.Beat(user, Heartbeat{Key: key, TTL: time.Minute, Activity: Activity{Ago: ago}}); err != nil {
		t.Fatalf("Beat(%s, %s) = %v, want no error", user, key, err)
	}
}

// Heartbeats keep a person present without a flicker, until the last one lapses.
func TestHeartbeats(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		beat(t, tr, "ada", "lamp", 0)
		feed := tr.Subscribe()
		feed.Take() // who is known already
		for range 20 {
			after(50 * time.Second)
			beat(t, tr, "ada", "lamp", 0)
		}
		last := time.Now()
		if got := feed.Take(); len(got) != 0 || tr.Self("ada").Devices != 1 {
			t.Errorf("twenty heartbeats changed %v and %d devices are connected, want nothing and one", got, tr.Self("ada").Devices)
		}
		after(time.Minute - time.Millisecond)
		wantState(t, tr, "ada", Online)
		after(time.Millisecond)
		wantState(t, tr, "ada", Offline)
		if v := tr.View("ada"); !v.LastSeen.Equal(last) || len(feed.Take()) != 1 {
			t.Errorf("View(ada) after the last heartbeat = %+v, want it to be last seen at %v, and a call of Mark", v, last)
		}
		if tr.SeenStored(tr.TakeSeen()); tr.Stats().People != 0 {
			t.Errorf("%d people are in memory, want none", tr.Stats().People)
		}
	})
}

// A device reports when its person last gave input, like a page. If it doesn't know, it counts as active when it
// connects.
func TestHeartbeatsTellInput(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		began := time.Now()
		for minute := range 30 {
			beat(t, tr, "ada", "laptop", time.Duration(minute)*time.Minute)
			beat(t, tr, "bob", "lamp", NoInput)
			want := Online
			if minute >= 10 {
				want = Away
			}
			wantState(t, tr, "ada", want)
			wantState(t, tr, "bob", want)
			after(30 * time.Second)
			beat(t, tr, "ada", "laptop", time.Duration(minute)*time.Minute+30*time.Second)
			beat(t, tr, "bob", "lamp", NoInput)
			after(30 * time.Second)
		}
		beat(t, tr, "ada", "laptop", 0)
		wantState(t, tr, "ada", Online)
		back := time.Now()
		after(time.Hour)
		for user, want := range map[string]time.Time{"ada": back, "bob": began} {
			if v := tr.View(user); v.State != Offline || !v.LastSeen.Equal(want) {
				t.Errorf("View(%s) = %+v, want it to be last seen at %v", user, v, want)
			}
		}
	})
}

func TestHeartbeatsAreBounded(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		for _, ttl := range []time.Duration{-1, 0, MinTTL - 1, MaxTTL + 1} {
			if err := tr.Beat("ada", Heartbeat{Key: "k", TTL: ttl}); err != ErrTTL || tr.Stats().People != 0 {
				t.Errorf("Beat for %v = %v with %d people in memory, want ErrTTL and none", ttl, err, tr.Stats().People)
			}
		}
		for n := range MaxDevices {
			beat(t, tr, "ada", fmt.Sprint("k", n), 0)
		}
		once := Heartbeat{Key: "one more", TTL: MaxTTL}
		if err := tr.Beat("ada", once); err != ErrDevices || len(tr.Devices("ada")) != MaxDevices {
			t.Errorf("Beat of one more device = %v with %d devices, want ErrDevices and %d", err, len(tr.Devices("ada")), MaxDevices)
		}
		beat(t, tr, "ada", "k0", 0)
		tr.EndDevice("ada", "k1")
		if err := tr.Beat("ada", once); err != nil {
			t.Errorf("Beat after another device ended = %v, want no error", err)
		}
		after(time.Minute)
		if got := tr.Devices("ada"); len(got) != 1 || got[0].Key != "one more" || time.Until(got[0].Until) != MaxTTL-time.Minute {
			t.Errorf("Devices = %+v, want the one that hasn't lapsed", got)
		}
		if err := tr.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := tr.Beat("ada", once); err != ErrDraining {
			t.Errorf("Beat while draining = %v, want ErrDraining", err)
		}
	})
}

func TestEndOfDevices(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		tr.EndDevice("ada", "lamp")
		beat(t, tr, "ada", "lamp", 0)
		tr.EndDevice("ada", "other")
		tr.EndDevice("bob", "lamp")
		after(6 * time.Second)
		wantState(t, tr, "ada", Online)
		tr.EndDevice("ada", "lamp")
		if got := tr.Devices("ada"); len(got) != 0 {
			t.Errorf("Devices after the end = %+v, want none", got)
		}
		after(5*time.Second - time.Millisecond)
		wantState(t, tr, "ada", Online)
		after(time.Millisecond)
		wantState(t, tr, "ada", Offline)

		if err := tr.Beat("ada", Heartbeat{Key: "lamp", Session: "token", TTL: time.Minute}); err != nil {
			t.Fatal(err)
		}
		tr.End("ada", "token") // it was revoked
		wantState(t, tr, "ada", Offline)
		beat(t, tr, "ada", "lamp", 0)
		tr.Forget("ada")
		wantState(t, tr, "ada", Offline)
		beat(t, tr, "ada", "lamp", 0)
		wantState(t, tr, "ada", Online)
	})
}

// pair starts two replicas.
func pair(t *testing.T) [2]*Tracker {
	memory := NewMemory()
	var trackers [2]*Tracker
	for i := range trackers {
		cfg := DefaultConfig()
		cfg.Warming, cfg.Registry = 0, memory.Replica()
		trackers[i] = NewTracker(cfg)
		t.Cleanup(trackers[i].Close)
	}
	return trackers
}

// Heartbeats of one device that reach different replicas neither count twice nor make its person flicker.
func TestHeartbeatsAtTwoReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trackers := pair(t)
		began := time.Now().UTC()
		for n := range 20 {
			beat(t, trackers[n%3%2], "ada", "lamp", 0)
			synctest.Wait()
			for i, tr := range trackers {
				if self := tr.Self("ada"); self.View.State != Online || self.View.Since != began || self.Devices != 1 {
					t.Errorf("heartbeat %d: Self(ada) at %d = %+v, want online since %v with one device", n, i, self, began)
				}
			}
			after(50 * time.Second)
		}
		after(10 * time.Second)
		for _, tr := range trackers {
			wantState(t, tr, "ada", Offline)
		}
	})
}

// A device ends on all replicas that got its heartbeats. A heartbeat after that counts again.
func TestEndOfDeviceElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trackers := pair(t)
		a, b := trackers[0], trackers[1]
		want := func(state State) {
			t.Helper()
			synctest.Wait()
			for _, tr := range trackers {
				wantState(t, tr, "ada", state)
			}
		}
		for range 3 {
			beat(t, a, "ada", "lamp", 0)
			want(Online)
			b.EndDevice("ada", "lamp")
			after(5*time.Second - time.Millisecond)
			want(Online)
			after(time.Millisecond)
			want(Offline)
			a.SeenStored(a.TakeSeen())
			beat(t, a, "ada", "lamp", 0)
			beat(t, b, "ada", "phone", 0)
			after(20 * time.Second)
			b.EndDevice("ada", "phone") // the end of another device doesn't repeat that of this one
			after(10 * time.Second)
			want(Online)
			if got := a.Devices("ada"); len(got) != 1 || got[0].Key != "lamp" {
				t.Errorf("Devices(ada) = %+v, want the lamp", got)
			}
			after(time.Minute)
			want(Offline)
		}
		for i, tr := range trackers {
			if tr.SeenStored(tr.TakeSeen()); tr.Stats().People != 0 {
				t.Errorf("%d people are in the memory of %d, want none", tr.Stats().People, i)
			}
		}
		for n := range 3 * maxEndings { // and what replicas tell each other stays small
			beat(t, a, "ada", "lamp", 0)
			synctest.Wait()
			b.EndDevice("ada", fmt.Sprint(n))
		}
		if n := len(b.people["ada"].endings.own); n != maxEndings {
			t.Errorf("%d endings are told, want %d", n, maxEndings)
		}
	})
}

// TestRandomHeartbeats sends heartbeats of two people's devices to two replicas, and ends devices, at random. A person
// is present as long as anything counts.
func TestRandomHeartbeats(t *testing.T) {
	for range 20 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, trackers := rand.New(rand.NewPCG(seed, 4)), pair(t)
				type device struct {
					at        int
					user, key string
				}
				counts, present := map[device]time.Time{}, map[string]time.Time{} // until when
				for step := range 300 {
					d := device{r.IntN(2), []string{"ada", "bob"}[r.IntN(2)], []string{"lamp", "phone"}[r.IntN(2)]}
					now := time.Now()
					switch r.IntN(5) {
					case 0, 1:
						ttl := MinTTL + time.Duration(r.IntN(60))*time.Second
						if err := trackers[d.at].Beat(d.user, Heartbeat{Key: d.key, TTL: ttl}); err != nil {
							t.Fatal(err)
						}
						counts[d] = now.Add(ttl)
					case 2:
						trackers[d.at].EndDevice(d.user, d.key)
						for at := range trackers {
							if o := (device{at, d.user, d.key}); now.Before(counts[o]) {
								present[d.user] = later(present[d.user], now.Add(5*time.Second))
								delete(counts, o)
							}
						}
					default:
						time.Sleep(time.Duration(r.IntN(40)) * time.Second)
					}
					synctest.Wait()
					now = time.Now()
					for _, user := range []string{"ada", "bob"} {
						until := present[user]
						for o, u := range counts {
							if o.user == user {
								until = later(until, u)
							}
						}
						for i, tr := range trackers {
							if got := tr.View(user).State; (got != Offline) != now.Before(until) {
								t.Fatalf("step %d: View(%s) at %d = %s at %v, want the person to be present until %v", step, user, i, got,
									now, until)
							}
						}
					}
				}
			})
		})
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
