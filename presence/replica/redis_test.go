package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/presence"
	"rollcall/presence/registrytest"
)

func TestRedisRegistry(t *testing.T) {
	registrytest.Run(t, func(t *testing.T) registrytest.Cluster {
		server := startRedis(t)
		var all []*Redis
		return registrytest.Cluster{
			Join: func(t *testing.T) presence.Registry {
				r := server.join()
				all = append(all, r)
				settleAll(t, all)
				return r
			},
			Settle:    func(t *testing.T) { settleAll(t, all) },
			Departure: 2 * leaseTTL,
		}
	})
}

func TestRedisWipeAndRestart(t *testing.T) {
	server := startRedis(t)
	a, b := server.join(), server.join()
	const n = 2000
	for u := range n {
		a.Publish(fmt.Sprint("u", u), presence.Digest{Connected: true})
	}
	settleAll(t, []*Redis{a, b})
	missing := func() (gone int) {
		for u := range n {
			if len(b.Remote(fmt.Sprint("u", u))) == 0 {
				gone++
			}
		}
		return gone
	}
	if gone := missing(); gone != 0 {
		t.Fatalf("%d of %d users are missing before the wipe", gone, n)
	}
	admin := server.admin()
	size := func() int64 {
		v, err := admin.Do(t.Context(), admin.B().Dbsize().Build()).AsInt64()
		if err != nil {
			return -1
		}
		return v
	}
	for range 3 {
		do(t, admin, "FLUSHALL")
		wait(t, "everything to be written again", patience, func() bool {
			if gone := missing(); gone != 0 {
				t.Fatalf("after FLUSHALL, %d users were missing, want 0 at all times", gone)
			}
			return size() >= n+2
		})
	}
	admin.Close()
	server.stop()
	wait(t, "b to notice", patience, func() bool { return !b.Peers().Lost.IsZero() })
	a.Publish("u0", presence.Digest{}) // during the outage
	server.start()
	admin = server.admin()
	wait(t, "both to be back", patience, func() bool {
		return a.Peers().Lost.IsZero() && b.Peers().Lost.IsZero() && size() >= n+1
	})
	for u := 1; u < n; u++ {
		if len(b.Remote(fmt.Sprint("u", u))) == 0 {
			t.Fatalf("after the restart, u%d is missing at b", u)
		}
	}
	wait(t, "the departure during the outage", patience, func() bool { return len(b.Remote("u0")) == 0 })
}

func TestRedisAppearsLater(t *testing.T) {
	server := startRedis(t)
	server.stop()
	a := server.join()
	a.Publish("ada", presence.Digest{Connected: true})
	wait(t, "the loss to show", patience, func() bool { return !a.Peers().Lost.IsZero() })
	server.start()
	b := server.join()
	wait(t, "ada at b", patience, func() bool { return len(b.Remote("ada")) == 1 && a.Peers().Others == 1 })
}

// TestRedisStopsAnnouncing: the server stops tracking, so it doesn't announce the replica's own beat. The replica then
// replaces the connection.
func TestRedisStopsAnnouncing(t *testing.T) {
	server := startRedis(t)
	a, b := server.join(), server.join()
	settleAll(t, []*Redis{a, b})
	c := b.store.client()
	if err := c.Do(t.Context(), c.B().Arbitrary("CLIENT", "TRACKING", "OFF").Build()).Error(); err != nil {
		t.Fatal(err)
	}
	a.Publish("ada", presence.Digest{Connected: true})
	wait(t, "b to see ada after all", patience, func() bool { return len(b.Remote("ada")) == 1 })
	if b.store.client() == c {
		t.Error("b still uses the connection that announces nothing")
	}
}

func TestRedisRefusals(t *testing.T) {
	server := startRedis(t, "--requirepass", "secret")
	withPassword := "redis://:secret@127.0.0.1:" + server.port
	open := func(url, accounts string) error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		cfg := testConfig(url)
		cfg.Accounts = accounts
		r, err := Open(ctx, cfg)
		if err == nil {
			t.Cleanup(func() { _ = r.Close() })
			<-r.Synced()
		}
		return err
	}
	for url, want := range map[string]string{
		server.url(): "wants a password",
		"redis://:wrong@127.0.0.1:" + server.port: "refuses the password",
		withPassword + "/99":                      "no database of that number",
		"http://127.0.0.1":                        "begins with \"http\"",
		"redis-sentinel://h:26379":                "master_set=NAME",
		"redis://h:6379?master_set=":              "master_set=NAME",
		"unix:///redis.sock?master_set=mymaster":  "socket file",
		"redis://:se%cret@h":                      "cannot be read",
	} {
		err := open(url, "one")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Open(%s) = %v, want one line with %q", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error of Open(%s) contains the password: %v", url, err)
		}
	}
	if err := open(withPassword, "one"); err != nil {
		t.Fatalf("Open = %v, want nil", err)
	}
	var other *AccountsError
	if err := open(withPassword, "two"); !errors.As(err, &other) || other.Ours != "two" || other.Theirs != "one" {
		t.Errorf("Open with another store = %v, want an error naming both", err)
	}
	for without, cause := range map[string]string{
		"CLIENT": "unknown command 'CLIENT'", // some providers forbid it
		"GETEX":  "unknown command 'GETEX'",  // Redis before 6.2
		"HELLO":  "not supporting RESP3",     // Redis before 6
	} {
		old := startRedis(t, "--rename-command", without, "")
		err := open(old.url(), "one")
		if text := fmt.Sprint(err); !strings.Contains(text, "use Redis 6.2 or newer") || !strings.Contains(text, cause) {
			t.Errorf("Open without %s = %v, want a line that says what to use, and %q", without, err, cause)
		}
	}
	node := startRedis(t, "--cluster-enabled", "yes")
	if err := open(node.url(), "one"); err == nil || !strings.Contains(err.Error(), "cluster") {
		t.Errorf("Open of a cluster = %v, want an error that names the cluster", err)
	}
}

// TestRedisConflictLater: replicas with other accounts mark the store after the mark was lost. Replicas that notice it
// keep the entries of the others, and write nothing anymore, not even that they leave. When the mark is gone, they come
// back.
func TestRedisConflictLater(t *testing.T) {
	server := startRedis(t)
	a, b := server.join(), server.join()
	b.Publish("ada", presence.Digest{Connected: true})
	settleAll(t, []*Redis{a, b})
	admin := server.admin()
	do(t, admin, "SET", "rollcall:store", "two")
	both := func(ok func(presence.Peers) bool) func() bool {
		return func() bool { return ok(a.Peers()) && ok(b.Peers()) }
	}
	wait(t, "both to notice the conflict", patience, both(func(s presence.Peers) bool { return s.Conflict != nil }))
	var conflict *AccountsError
	if err := a.Peers().Conflict; !errors.As(err, &conflict) || conflict.Ours != "one" || conflict.Theirs != "two" {
		t.Errorf("Peers().Conflict = %v, want both stores named", err)
	}
	if got := a.Remote("ada"); len(got) != 1 || a.Peers().Lost.IsZero() {
		t.Errorf("during a conflict, a has ada as %v and Lost = %v, want her as last known", got, a.Peers().Lost)
	}
	b.Publish("bob", presence.Digest{Connected: true}) // during the conflict
	do(t, admin, "DEL", "rollcall:store")
	wait(t, "both to be back", patience, both(func(s presence.Peers) bool {
		return s.Conflict == nil && s.Lost.IsZero() && s.Others == 1
	}))
	wait(t, "bob at a", patience, func() bool { return len(a.Remote("bob")) == 1 })
	if got := a.Remote("ada"); len(got) != 1 {
		t.Errorf("after the conflict, a has ada as %v, want one entry", got)
	}

	do(t, admin, "SET", "rollcall:store", "two")
	wait(t, "a to notice the conflict", patience, func() bool { return a.Peers().Conflict != nil })
	lease := "rollcall:replica:" + a.self
	do(t, admin, "DEL", lease)
	if err := a.Leave(t.Context()); err != nil {
		t.Errorf("Leave during a conflict = %v, want nil", err)
	}
	if n, err := admin.Do(t.Context(), admin.B().Exists().Key(lease).Build()).AsInt64(); err != nil || n != 0 {
		t.Errorf("after Leave during a conflict, a has %d leases (%v), want 0", n, err)
	}
}

// TestRedisNewProcessWaits: a new process that finds an empty Redis waits before it marks it as its own, and writes
// nothing until then. A process that was already running doesn't wait.
func TestRedisNewProcessWaits(t *testing.T) {
	server := startRedis(t)
	began := time.Now()
	a := server.join(func(cfg *Config) { cfg.adoptAfter = 0 })
	admin := server.admin()
	keys := func() int64 {
		n, err := admin.Do(t.Context(), admin.B().Dbsize().Build()).AsInt64()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	wait(t, "a to read the mark", patience, func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return !a.owner.unownedSince.IsZero()
	})
	if n := keys(); n != 0 && time.Since(began) < adoptAfter {
		t.Errorf("a wrote %d keys within %v, want none within %v", n, time.Since(began), adoptAfter)
	}
	<-a.Synced()
	if took := time.Since(began); took < adoptAfter {
		t.Errorf("a joined after %v, want at least %v", took, adoptAfter)
	}
	if st := a.Peers(); !st.Lost.IsZero() {
		t.Errorf("after only waiting, a has Lost = %v, want zero", st.Lost)
	}
	server.stop()
	wait(t, "a to notice", patience, func() bool { return !a.Peers().Lost.IsZero() })
	server.start()
	cfg := testConfig(server.url())
	cfg.Accounts, cfg.adoptAfter = "two", 0
	other, err := Open(t.Context(), cfg)
	var refused *AccountsError
	switch {
	case err == nil: // it opened before a marked the store, and must notice the mark
		t.Cleanup(func() { _ = other.Close() })
		wait(t, "the other one to notice the conflict", patience, func() bool { return other.Peers().Conflict != nil })
	case !errors.As(err, &refused):
		t.Fatalf("Open with other accounts = %v, want nil or an AccountsError", err)
	}
	wait(t, "a to be back", patience, func() bool { return a.Peers().Lost.IsZero() })
	if err := a.Peers().Conflict; err != nil {
		t.Errorf("a has a conflict: %v", err)
	}
}

func TestBell(t *testing.T) {
	server := startRedis(t)
	a, b := server.join(), server.join()
	settleAll(t, []*Redis{a, b})
	ringing, listening := NewBell(a), NewBell(b)
	if err := ringing.Nudge(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	select {
	case <-listening.Nudged():
	case <-time.After(patience):
		t.Error("Nudge on one replica didn't reach the other")
	}
}

// TestRedisIdleCost: while nothing happens, three replicas with any number of users send at most five commands per
// second. The test counts commands per beat, so the time that it takes doesn't matter.
func TestRedisIdleCost(t *testing.T) {
	server := startRedis(t)
	all := []*Redis{server.join(), server.join(), server.join()}
	for u := range 3000 {
		all[u%3].Publish(fmt.Sprint("u", u), presence.Digest{Connected: true})
	}
	settleAll(t, all)
	admin := server.admin()
	before, beats := calls(t, admin, ""), calls(t, admin, "getex")
	wait(t, "nine beats", 2*patience, func() bool { return calls(t, admin, "getex") >= beats+9 })
	perBeat := float64(calls(t, admin, "")-before) / float64(calls(t, admin, "getex")-beats)
	if perSecond := perBeat * 3 / beatEvery.Seconds(); perSecond > 5 {
		t.Errorf("three idle replicas send %.1f commands per second, want at most 5", perSecond)
	} else {
		t.Logf("three idle replicas send %.1f commands per second", perSecond)
	}
}

func FuzzDecodeDigest(f *testing.F) {
	for _, s := range []string{"", "1 0", "0 1700000000000", "1", "2 x y", "1 -5", "0 0  i7", "- 0  v8",
		"1 5 ab.cd id9 new"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d := decodeDigest(s)
		if d.Connected == (s == "" || s == "-" || strings.HasPrefix(s, "- ")) {
			t.Errorf("decodeDigest(%q) = %+v", s, d)
		}
		if again := decodeDigest(encodeDigest(d)); again != d {
			t.Errorf("decodeDigest(%q) = %+v, which is %+v after encoding and decoding it", s, d, again)
		}
	})
}

func TestInspect(t *testing.T) {
	server := startRedis(t)
	a, b := server.join(), server.join()
	a.Publish("ada", presence.Digest{Connected: true})
	b.Publish("ada", presence.Digest{Connected: true})
	b.Publish("bob", presence.Digest{Connected: true})
	settleAll(t, []*Redis{a, b})
	admin := server.admin()
	do(t, admin, "HSET", "rollcall:presence:eve", "dead-ABCDEFGHIJ", "1 0")
	inspect := func() Report {
		t.Helper()
		r, err := Inspect(t.Context(), testConfig(server.url()))
		if err != nil {
			t.Fatalf("Inspect = %v, want nil", err)
		}
		return r
	}
	r := inspect()
	if !r.Announces || r.Accounts != "one" || r.Users != 3 || r.RoundTrip <= 0 || len(r.Replicas) != 3 {
		t.Fatalf("Inspect = %+v, want three users of three replicas of store one", r)
	}
	for _, rep := range r.Replicas {
		want := map[string]int{a.self: 1, b.self: 2, "dead-ABCDEFGHIJ": 1}[rep.ID]
		if alive := rep.Lease > 0; rep.Users != want || alive != (rep.ID != "dead-ABCDEFGHIJ") || rep.Leaving {
			t.Errorf("Inspect has %+v, want %d users", rep, want)
		}
	}
	// b repairs an entry that another program changed, and says so with its next beat.
	do(t, admin, "HSET", "rollcall:presence:bob", b.self, "0 5")
	find := func(id string) (found ReplicaReport) {
		for _, rep := range inspect().Replicas {
			if rep.ID == id {
				found = rep
			}
		}
		return found
	}
	wait(t, "b to report one repair", patience, func() bool { return find(b.self).Repaired == 1 })
	if got := find(b.self); got.Counts != 2 || got.RoundTrip <= 0 || got.NotAnnounced || got.Resyncs != 0 {
		t.Errorf("Inspect has %+v, want Counts 2, and nothing else wrong", got)
	}
	if got := find(a.self); got.Repaired != 0 {
		t.Errorf("Inspect has %+v, want no repair", got)
	}
}

// TestRedisRenewsOnly: a renewal doesn't start a lease again that has ended.
func TestRedisRenewsOnly(t *testing.T) {
	server := startRedis(t)
	a := server.join()
	settleAll(t, []*Redis{a})
	a.loop.end() // nothing else renews its lease now
	admin, key := server.admin(), "rollcall:replica:"+a.self
	for _, step := range []struct {
		ended, only, had, has bool
	}{
		{false, true, true, true}, {true, true, false, false}, {false, false, false, true},
	} {
		if step.ended {
			do(t, admin, "DEL", key)
		}
		had, err := a.store.beat(t.Context(), leaseInfo{}, step.only)
		if err != nil {
			t.Fatal(err)
		}
		n, err := admin.Do(t.Context(), admin.B().Exists().Key(key).Build()).AsInt64()
		if err != nil {
			t.Fatal(err)
		}
		if had != step.had || n == 1 != step.has {
			t.Errorf("%+v: had %v, and now %d leases", step, had, n)
		}
	}
}

// TestRedisFindsEmptyReplicas: once synced, a new replica also knows replicas without users.
func TestRedisFindsEmptyReplicas(t *testing.T) {
	server := startRedis(t)
	settleAll(t, []*Redis{server.join()})
	for range 3 {
		b := server.join()
		<-b.Synced()
		if got := b.Peers().Others; got != 1 {
			t.Errorf("Others = %d when first synced, want 1", got)
		}
		if err := b.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		do(t, server.admin(), "DEL", "rollcall:replica:"+b.self)
	}
}

func TestLeaseEncoding(t *testing.T) {
	for _, h := range []leaseInfo{
		{},
		{leaving: true},
		{people: 812, roundTrip: 230 * time.Microsecond, repaired: 3, ago: 14 * time.Second, resyncs: 2},
		{people: 1, roundTrip: 2 * time.Second, notAnnounced: true},
	} {
		if got := decodeLease(encodeLease(h)); got != h {
			t.Errorf("decodeLease(%q) = %+v, want %+v", encodeLease(h), got, h)
		}
	}
	if got, want := decodeLease("here people=7 moons=3 ago=x"), (leaseInfo{people: 7}); got != want {
		t.Errorf("decodeLease of a newer version = %+v, want %+v", got, want)
	}
}

// TestRedisHostUnknown: an unknown host doesn't stop the start, because its machine may start later.
func TestRedisHostUnknown(t *testing.T) {
	r, err := Open(t.Context(), testConfig("redis://no-such-host.invalid:6379"))
	if err != nil {
		t.Fatalf("Open = %v, want nil", err)
	}
	defer r.Close()
	wait(t, "the others to be lost", patience, func() bool { return !r.Peers().Lost.IsZero() })
}

// TestRedisForeignKey: keys of other programs under our prefix don't stop replicas, not even for the users of those
// keys.
func TestRedisForeignKey(t *testing.T) {
	server := startRedis(t)
	admin := server.admin()
	put := func(user string) {
		t.Helper()
		do(t, admin, "SET", "rollcall:presence:"+user, "x")
	}
	put("junk")
	a, b := server.join(), server.join()
	a.Publish("ada", presence.Digest{Connected: true})
	wait(t, "ada at b", patience, func() bool { return len(b.Remote("ada")) == 1 })
	put("ada")
	put("bob")
	a.Publish("bob", presence.Digest{Connected: true})
	wait(t, "bob at b, and ada again", patience, func() bool {
		return len(b.Remote("bob")) == 1 && len(b.Remote("ada")) == 1
	})
	settleAll(t, []*Redis{a, b})
	if !a.Peers().Lost.IsZero() || len(b.Remote("ada")) != 1 {
		t.Errorf("after foreign keys, a has Lost = %v, and b has ada as %v, want zero and one entry",
			a.Peers().Lost, b.Remote("ada"))
	}
}

// TestRedisDeparture: a replica that removes an entry says so with one more command, and the others read the entry only
// once.
func TestRedisDeparture(t *testing.T) {
	server := startRedis(t)
	a, b := server.join(), server.join()
	admin := server.admin()
	const people = 20
	for i := range people {
		b.Publish(fmt.Sprint("u", i), presence.Digest{Connected: true})
	}
	settleAll(t, []*Redis{a, b})
	wait(t, "everyone at a", patience, func() bool { return len(a.Remote("u0")) == 1 && a.Stats().Elsewhere == people })
	before := map[string]int{}
	for _, command := range []string{"hdel", "set", "hrandfield"} {
		before[command] = calls(t, admin, command)
	}
	took := make([]time.Duration, people)
	for i := range people {
		user, began := fmt.Sprint("u", i), time.Now()
		b.Publish(user, presence.Digest{})
		for late := time.After(patience); len(a.Remote(user)) > 0; a.Changes().Take() {
			select {
			case <-a.Changes().Ready():
			case <-late:
				t.Fatalf("%s hasn't left after %v", user, patience)
			}
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	t.Logf("half of the departures were shown within %v, and all within %v", took[people/2], took[people-1])
	settleAll(t, []*Redis{a, b})
	for command, most := range map[string]int{"hdel": people, "set": people + 20, "hrandfield": 3*people - 1} {
		if n := calls(t, admin, command) - before[command]; n > most {
			t.Errorf("%d departures took %d %s, want at most %d", people, n, strings.ToUpper(command), most)
		}
	}
}
