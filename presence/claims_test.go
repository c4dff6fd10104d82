package presence

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// claimsModel is what the Tracker is compared with: the facts about a person, and since when they have had no input, or
// zero while they aren't connected.
type claimsModel struct {
	facts Facts
	input time.Time
}

// newest returns the claim that counts and that ok accepts, or the zero Claim.
func (m *claimsModel) newest(now time.Time, ok func(Claim) bool) (best Claim) {
	for _, c := range m.facts.Claims {
		if now.Before(c.Ends) && ok(c) && cmp.Or(best.SetAt.Compare(c.SetAt), cmp.Compare(c.Key, best.Key)) < 0 {
			best = c
		}
	}
	return best
}

// state returns the state that others see, and the key of the claim that decides it.
func (m *claimsModel) state(now time.Time) (State, string) {
	if m.facts.Invisible || m.input.IsZero() {
		return Offline, ""
	}
	if s := m.facts.Status; s.State != "" && s.Until.After(now) {
		return s.State, ""
	}
	for _, state := range []State{DND, Away} {
		if c := m.newest(now, func(c Claim) bool { return c.State == state }); c.Key != "" {
			return state, c.Key
		}
	}
	if now.Sub(m.input) < 10*time.Minute {
		return Online, ""
	}
	return Away, ""
}

// text returns the text that others see, and the end that they're told of it.
func (m *claimsModel) text(now time.Time) (string, time.Time) {
	if s := m.facts.Status; s.Text != "" && s.Until.After(now) {
		return s.Text, s.Until
	}
	c := m.newest(now, func(c Claim) bool { return c.Text != "" })
	return c.Text, c.Until
}

// keys returns the keys of the claims that count.
func (m *claimsModel) keys(now time.Time) (keys []string) {
	for _, c := range m.facts.Claims {
		if now.Before(c.Ends) {
			keys = append(keys, c.Key)
		}
	}
	return keys
}

// change changes the facts at random.
func (m *claimsModel) change(r *rand.Rand, now time.Time) {
	soon := func() time.Time { return now.Add(time.Duration(1+r.IntN(300)) * time.Second) }
	key := string(rune('a' + r.IntN(4)))
	m.facts.Claims = slices.Clone(m.facts.Claims)
	i := slices.IndexFunc(m.facts.Claims, func(c Claim) bool { return c.Key == key })
	switch do := r.IntN(8); {
	case do == 0:
		m.facts.Invisible = !m.facts.Invisible
	case do == 1:
		m.facts.Status = Status{State: []State{"", Online, Away, DND}[r.IntN(4)], Text: []string{"", "mine"}[r.IntN(2)],
			Until: soon()}
	case i < 0:
		c := Claim{Key: key, State: []State{"", Away, DND}[r.IntN(3)], Text: []string{"", key}[r.IntN(2)], SetAt: now,
			Ends: soon()}
		if r.IntN(2) == 0 {
			c.Until = c.Ends.Add(time.Minute)
		}
		m.facts.Claims = append(m.facts.Claims, c)
	case do == 2:
		m.facts.Claims = slices.Delete(m.facts.Claims, i, i+1)
	default:
		c := &m.facts.Claims[i]
		if c.Ends = soon(); !c.Until.IsZero() && c.Until.Before(c.Ends) {
			c.Until = c.Ends
		}
	}
}

// TestRandomClaims: whatever programs and people do, views, reasons and what people see of their own claims follow from
// what counts now. Everyone whose view changed is named on the feed.
func TestRandomClaims(t *testing.T) {
	for range 20 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, tr *Tracker) {
				r, feed := rand.New(rand.NewPCG(seed, 3)), tr.Subscribe()
				people, conns, told := map[string]*claimsModel{"ada": {}, "bob": {}}, map[string]*Connection{}, map[string]Self{}
				for step := range 400 {
					user := []string{"ada", "bob"}[r.IntN(2)]
					m := people[user]
					switch r.IntN(4) {
					case 0:
						if conns[user] != nil {
							conns[user].Leave(SignedOut)
							delete(conns, user)
							m.input = time.Time{}
						} else {
							conns[user], m.input = tr.Join(user, Client{}, Activity{}), time.Now()
						}
					case 1:
						after(time.Duration(r.IntN(200)) * time.Second)
					default:
						m.change(r, time.Now())
						tr.SetFacts(user, m.facts)
					}
					changed := feed.Take()
					for u, m := range people {
						now, self := time.Now(), tr.Self(u)
						state, key := m.state(now)
						text, until := m.text(now)
						if v := self.View; v.State != state || v.Text != text || text != "" && v.Until != until || self.Why.Claim != key {
							t.Fatalf("step %d: Self(%s) = %+v, want %s by the claim %q and the text %q until %v", step, u, self, state, key,
								text, until)
						}
						if got, want := keysOf(self.Claims), m.keys(now); !slices.Equal(got, want) {
							t.Fatalf("step %d: Self(%s) has the claims %v, want %v", step, u, got, want)
						}
						if was, known := told[u]; known && was != self && !slices.Contains(changed, u) {
							t.Fatalf("step %d: %s went from %+v to %+v, but the feed doesn't have them", step, u, was, self)
						}
						told[u] = self
					}
				}
			})
		})
	}
}

func keysOf(claims *[]Claim) (keys []string) {
	if claims != nil {
		for _, c := range *claims {
			keys = append(keys, c.Key)
		}
	}
	return keys
}

// Renewing a lease changes nothing that anybody sees, not even the person. The claim ends by the new lease.
func TestRenewalChangesNothing(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		tr.Join("ada", Client{}, Activity{})
		set := time.Now()
		claim := Claim{Key: "build", State: DND, Text: "Building", SetAt: set, Ends: set.Add(5 * time.Minute)}
		tr.SetFacts("ada", Facts{Claims: []Claim{claim}})
		feed, self, changes := tr.Subscribe(), tr.Self("ada"), tr.Stats().Changes
		feed.Take() // who is known already
		for range 3 {
			after(2 * time.Minute)
			claim.Ends = time.Now().Add(5 * time.Minute)
			tr.SetFacts("ada", Facts{Claims: []Claim{claim}})
		}
		if got := tr.Self("ada"); got != self || len(feed.Take()) != 0 || tr.Stats().Changes != changes {
			t.Errorf("three renewals changed %+v to %+v in %d changes, want nothing", self, got, tr.Stats().Changes-changes)
		}
		if !self.View.Until.IsZero() || !self.Why.Until.IsZero() {
			t.Errorf("Self(ada) = %+v, want no end, because only the lease has one", self)
		}
		after(5*time.Minute - time.Millisecond)
		wantState(t, tr, "ada", DND)
		after(time.Millisecond)
		wantState(t, tr, "ada", Away)
		if self := tr.Self("ada"); self.Claims != nil || self.View.Text != "" || len(feed.Take()) != 1 {
			t.Errorf("after the lease, Self(ada) = %+v, want no claim, no text, and a call of Mark", self)
		}
	})
}

// Every replica ends a claim by its own clock, also one that the others can't reach.
func TestClaimsEndOnEveryReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newReaders(t, 2)
		c.trackers[0].Join("ada", Client{}, Activity{})
		c.change("ada", Facts{Claims: []Claim{{Key: "build", State: DND, Ends: time.Now().Add(time.Minute)}}})
		for i := range c.trackers {
			c.catchUp(i)
		}
		for _, want := range []State{DND, Online} {
			for _, tr := range c.trackers {
				wantState(t, tr, "ada", want)
			}
			after(time.Minute)
		}
	})
}

// A person whose claims have ended needs no memory.
func TestEndedClaimsAreForgotten(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		tr.SetFacts("ada", Facts{Claims: []Claim{{Key: "build", Text: "Building", Ends: time.Now().Add(time.Minute)}}})
		if tr.View("ada").Text != "Building" {
			t.Errorf("View(ada) = %+v, want the text of the claim", tr.View("ada"))
		}
		after(time.Minute)
		if n := tr.Stats().People; n != 0 || tr.View("ada") != nobody {
			t.Errorf("after the claim, %d people are in memory and View(ada) = %+v, want nobody", n, tr.View("ada"))
		}
	})
}

// A claim of an invisible person tells others nothing but its text, as if the person had left.
func TestClaimsOfInvisiblePeople(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, tr *Tracker) {
		ada, bob := tr.Join("ada", Client{}, Activity{}), tr.Join("bob", Client{}, Activity{})
		tr.SetFacts("ada", Facts{Invisible: true})
		bob.Leave(SignedOut)
		for _, claim := range []Claim{{Key: "a", State: DND}, {Key: "a", State: Away, Until: time.Now().Add(time.Hour)},
			{Key: "a", State: DND, Text: "Building"}} {
			claim.SetAt, claim.Ends = time.Now(), time.Now().Add(time.Minute)
			tr.SetFacts("ada", Facts{Invisible: true, Claims: []Claim{claim}})
			tr.SetFacts("bob", Facts{Claims: []Claim{claim}})
			for range 2 {
				if a, b := tr.View("ada"), tr.View("bob"); a != b || a.State != Offline || claim.Text == "" && !a.Until.IsZero() {
					t.Errorf("with %+v, View(invisible) = %+v and View(departed) = %+v, want both offline and equal", claim, a, b)
				}
				after(time.Minute)
			}
		}
		ada.Leave(SignedOut)
	})
}
