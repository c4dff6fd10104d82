package presence

import "testing"

// TestStatsOverRedis: what a replica tells in numbers, while all is well, after a wipe, and while Redis is gone.
func TestStatsOverRedis(t *testing.T) {
	server := startRedis(t)
	a, b := server.join(), server.join()
	cfg := DefaultConfig()
	cfg.Registry = a
	tr := NewTracker(cfg)
	defer tr.Close()
	tr.Join("ada", Client{}, Activity{})
	b.Publish("bob", Digest{Connected: true})
	link := func() ReplicaStats { return *tr.Stats().Link }
	wait(t, "a to know of b and of bob", patience, func() bool { st := link(); return st.Others == 1 && st.Own == 1 && st.Elsewhere == 1 })
	if got := tr.Stats(); got.Online != 1 || got.Changes == 0 || got.People == 0 {
		t.Errorf("Stats = %+v, want ada online, and something to have changed", got)
	}
	if got := link(); got.Trip <= 0 || got.LeaseAge <= 0 || got.LeaseAge > LeaseTTL || got.Lost || got.Conflict || got.Outages+got.Resyncs+got.Repaired+got.Reconnects != 0 {
		t.Errorf("Stats.Link = %+v, want a fresh lease and nothing wrong", got)
	}
	settleAll(t, []*Redis{a, b})
	admin := server.admin()
	if err := admin.Do(t.Context(), admin.B().Hset().Key("rollcall:presence:ada").FieldValue().FieldValue(a.ID(), "0 5").Build()).Error(); err != nil {
		t.Fatal(err)
	}
	wait(t, "a repair", patience, func() bool { return link().Repaired == 1 })
	if err := admin.Do(t.Context(), admin.B().Flushall().Build()).Error(); err != nil {
		t.Fatal(err)
	}
	wait(t, "a resync", patience, func() bool { return link().Resyncs == 1 })
	server.stop()
	wait(t, "the others to be lost", patience, func() bool { st := link(); return st.Lost && st.Outages == 1 })
	before := link().LeaseAge
	wait(t, "the lease to age", patience, func() bool { return link().LeaseAge > before })
}

// TestStatsAlone: a process without others has nothing to tell of them.
func TestStatsAlone(t *testing.T) {
	tr := NewTracker(DefaultConfig())
	defer tr.Close()
	if got := tr.Stats(); got.Link != nil {
		t.Errorf("Stats.Link of a process alone = %+v, want none", got.Link)
	}
}
