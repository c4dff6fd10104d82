package replica

import (
	"testing"

	"rollcall/presence"
)

// TestStats checks the numbers in normal operation, after a repair and a wipe, and while Redis is down.
func TestStats(t *testing.T) {
	server := startRedis(t)
	a, b := server.join(), server.join()
	cfg := presence.DefaultConfig()
	cfg.Registry = a
	tr := presence.NewTracker(cfg)
	defer tr.Close()
	tr.Join("ada", presence.Client{}, presence.Activity{})
	b.Publish("bob", presence.Digest{Connected: true})
	link := func() *presence.ReplicaStats { return tr.Stats().Link }
	wait(t, "a to know of b and of bob", patience, func() bool {
		st := link()
		return st.Others == 1 && st.Own == 1 && st.Elsewhere == 1
	})
	if got := tr.Stats(); got.Online != 1 || got.Changes == 0 || got.People == 0 {
		t.Errorf("Stats = %+v, want ada online, and Changes above 0", got)
	}
	got := *link()
	if got.RoundTrip <= 0 || got.LeaseAge <= 0 || got.LeaseAge > leaseTTL {
		t.Errorf("Stats.Link = %+v, want a fresh lease", got)
	}
	got.RoundTrip, got.LeaseAge = 0, 0
	if want := (presence.ReplicaStats{Others: 1, Own: 1, Elsewhere: 1}); got != want {
		t.Errorf("Stats.Link = %+v, want %+v", got, want)
	}
	settleAll(t, []*Redis{a, b})
	admin := server.admin()
	do(t, admin, "HSET", "rollcall:presence:ada", a.self, "0 5")
	wait(t, "a repair", patience, func() bool { return link().Repaired == 1 })
	do(t, admin, "FLUSHALL")
	wait(t, "a resync", patience, func() bool { return link().Resyncs == 1 })
	server.stop()
	wait(t, "the others to be lost", patience, func() bool { st := link(); return st.Lost && st.Outages == 1 })
	before := link().LeaseAge
	wait(t, "the lease to age", patience, func() bool { return link().LeaseAge > before })
}
