package live

import (
	"log/slog"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

func (f *fixture) claim(p accounts.Person, c accounts.Claim, lease time.Duration) {
	f.t.Helper()
	_, _, err := f.store.PutClaim(acting(f.t.Context()), p.ID, c, lease)
	f.must(err)
}

// other returns another replica on the accounts of f.
func (f *fixture) other(registry presence.Registry) *fixture {
	p := presence.DefaultConfig()
	p.Warming, p.Registry = 0, registry
	cfg := Config{Accounts: f.store, Log: slog.New(slog.DiscardHandler), Presence: presence.NewTracker(p)}
	f.t.Cleanup(cfg.Presence.Close)
	return &fixture{f.t, f.folder, f.store, cfg.Presence, New(cfg)}
}

// Three renewals of a claim send nothing to anybody, on any replica, and change no view. The other replica still learns
// when the claim ends now.
func TestRenewedClaimsSendNothing(t *testing.T) {
	t.Parallel()
	memory := presence.NewMemory()
	f := newFixture(t, func(_ *Config, p *presence.Config) { p.Registry = memory.Replica() })
	g := f.other(memory.Replica())
	ada, bob := f.person("ada"), f.person("bob")
	heard := g.here.Subscribe()
	f.arrive(ada)
	for g.here.View(ada.ID).State == presence.Offline { // the tracker of g hears of it from its own goroutine
		<-heard.Ready()
		heard.Take()
	}
	f.step()
	g.step()
	screens := []*screen{f.watch(Query{}, bob), f.watch(Query{}, ada), g.watch(Query{}, bob), g.watch(Query{}, ada)}
	build := accounts.Claim{Key: "build", State: "dnd", Text: "Building"}
	f.claim(ada, build, time.Minute)
	for _, r := range []*fixture{f, g} {
		r.step()
	}
	for i, s := range screens {
		s.take(t)
		if row := s.rows["ada"]; row.State != presence.DND || row.Text != "Building" || !row.Until.IsZero() {
			t.Errorf("screen %d shows %+v, want the claim, without an end", i, row)
		}
	}
	if self := g.here.Self(ada.ID); self.Why.Rule != presence.ByClaim || self.Why.Claim != "build" {
		t.Errorf("Self(ada) at the other replica = %+v, want the claim's key", self)
	}
	changes := []uint64{f.here.Stats().Changes, g.here.Stats().Changes}
	for n := range 3 {
		before := g.board.follower.rev.Load()
		f.claim(ada, build, time.Duration(n+2)*time.Minute)
		for _, r := range []*fixture{f, g} {
			r.step()
		}
		if g.board.follower.rev.Load() == before {
			t.Error("the other replica didn't read the renewal")
		}
		for i, s := range screens {
			if got := s.take(t); len(got) != 0 {
				t.Errorf("renewal %d sent %+v to screen %d, want nothing", n+1, got[0], i)
			}
		}
	}
	if got := []uint64{f.here.Stats().Changes, g.here.Stats().Changes}; got[0] != changes[0] || got[1] != changes[1] {
		t.Errorf("three renewals changed %v views, want none after %v", got, changes)
	}
	if _, err := f.store.DeleteClaim(acting(t.Context()), ada.ID, "build"); err != nil {
		t.Fatal(err)
	}
	g.step()
	if screens[2].take(t); screens[2].rows["ada"].Text != "" {
		t.Errorf("after the claim was deleted, the other replica shows %+v", screens[2].rows["ada"])
	}
}

// Presence learns both ends of a claim: the one that's told, and the one at which the claim really ends.
func TestPresenceFactsOfClaims(t *testing.T) {
	set := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := accounts.Claim{Key: "build", State: "dnd", Text: "Building", Emoji: "🔨", SetAt: set, Until: set.Add(time.Hour),
		Ends: set.Add(time.Minute), Token: "token"}
	want := presence.Claim{Key: "build", State: presence.DND, Text: "Building", Emoji: "🔨", SetAt: set,
		Until: set.Add(time.Hour), Ends: set.Add(time.Minute)}
	got := presenceFacts(accounts.Facts{UserID: "ada", Claims: []accounts.Claim{c}}, 7)
	if len(got.Claims) != 1 || got.Claims[0] != want || got.AsOf != 7 {
		t.Errorf("presenceFacts = %+v, want the claim %+v", got, want)
	}
}

// A claim of an invisible person sends others nothing. The person sees it.
func TestClaimsOfInvisiblePeople(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob := f.person("ada"), f.person("bob")
	f.arrive(ada)
	f.must(f.store.SetInvisible(acting(t.Context()), ada.ID, true))
	f.step()
	others, own := f.watch(Query{}, bob), f.watch(Query{}, ada)
	f.claim(ada, accounts.Claim{Key: "call", State: "dnd", Until: time.Now().Add(time.Hour)}, 0)
	f.step()
	if got := others.take(t); len(got) != 0 {
		t.Errorf("a claim of an invisible person sent others %+v, want nothing", got[0])
	}
	got := own.take(t)
	if len(got) != 1 || got[0].Own == nil || got[0].Own.Now.Claims == nil || (*got[0].Own.Now.Claims)[0].Key != "call" {
		t.Errorf("a claim of an invisible person sent her %+v, want the claim", got)
	}
}
