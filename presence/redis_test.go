package presence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

// redisServer is a real redis-server on 127.0.0.1, ended with the test.
type redisServer struct {
	t    *testing.T
	port string
	args []string
	cmd  *exec.Cmd
}

func startRedis(t *testing.T, args ...string) *redisServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	r := &redisServer{t: t, port: port, args: args}
	t.Cleanup(r.stop)
	r.start()
	return r
}

func (r *redisServer) start() {
	r.t.Helper()
	args := append([]string{"--port", r.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", r.t.TempDir()}, r.args...)
	r.cmd = exec.Command("redis-server", args...)
	if err := r.cmd.Start(); err != nil {
		r.t.Fatalf("redis-server: %v (apt-get install redis-server)", err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", "127.0.0.1:"+r.port)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("redis-server does not listen: %v", err)
		}
	}
}

func (r *redisServer) stop() {
	if r.cmd != nil {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
		r.cmd = nil
	}
}

func (r *redisServer) url() string { return "redis://127.0.0.1:" + r.port }

// admin is a client of the test's own.
func (r *redisServer) admin() rueidis.Client {
	r.t.Helper()
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"127.0.0.1:" + r.port}, DisableCache: true, ForceSingleClient: true})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(c.Close)
	return c
}

// calls is how often command was called on the server; "" counts all but what keeps connections and tests alive.
func calls(t *testing.T, admin rueidis.Client, command string) int {
	t.Helper()
	text, err := admin.Do(t.Context(), admin.B().Info().Section("commandstats").Build()).ToString()
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		n, _, _ := strings.Cut(rest, ",")
		if v, err := strconv.Atoi(n); err == nil && (name == command || command == "" && name != "ping" && name != "info") {
			total += v
		}
	}
	return total
}

func (r *redisServer) join(change ...func(*RedisConfig)) *Redis {
	r.t.Helper()
	cfg := RedisConfig{URL: r.url(), Prefix: "rollcall:", Store: "one", Log: slog.New(slog.DiscardHandler), claimAfter: time.Millisecond}
	for _, f := range change {
		f(&cfg)
	}
	reg, err := OpenRedis(r.t.Context(), cfg)
	if err != nil {
		r.t.Fatalf("OpenRedis = %v, want nil", err)
	}
	r.t.Cleanup(func() { _ = reg.Close() })
	return reg
}

// patience bounds waits for what must happen on real servers, on a busy machine.
const patience = 10 * time.Second

func wait(t *testing.T, what string, within time.Duration, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}

func (s *syncer) quiet() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rounds > 0 && len(s.toRead)+len(s.toWrite)+len(s.kept)+len(s.doubted) == 0 && !s.resync
}

// settleAll waits until no replica has had anything to do for a while.
func settleAll(t *testing.T, all []*Redis) {
	t.Helper()
	calm := 0
	wait(t, "the replicas to settle", patience, func() bool {
		calm++
		for _, r := range all {
			if !r.quiet() {
				calm = 0
			}
		}
		return calm >= 20
	})
}

func TestRedisRegistry(t *testing.T) {
	testRegistry(t, func(t *testing.T) cluster {
		server := startRedis(t)
		var all []*Redis
		return cluster{
			join: func(t *testing.T) Registry {
				r := server.join()
				all = append(all, r)
				settleAll(t, all)
				return r
			},
			settle:    func(t *testing.T) { settleAll(t, all) },
			departure: 2 * LeaseTTL,
		}
	})
}

func TestRedisWipeAndRestart(t *testing.T) {
	server := startRedis(t)
	a, b := server.join(), server.join()
	const n = 2000
	for u := range n {
		a.Publish(fmt.Sprint("u", u), Digest{Connected: true})
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
		t.Fatalf("%d of %d users did not arrive", gone, n)
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
		if err := admin.Do(t.Context(), admin.B().Flushall().Build()).Error(); err != nil {
			t.Fatal(err)
		}
		wait(t, "everything to be written again", patience, func() bool {
			if gone := missing(); gone != 0 {
				t.Fatalf("after FLUSHALL %d users were missing, want none ever", gone)
			}
			return size() >= n+2
		})
	}
	admin.Close()
	server.stop()
	wait(t, "b to notice", patience, func() bool { return !b.Peers().Lost.IsZero() })
	a.Publish("u0", Digest{}) // somebody leaves meanwhile
	server.start()
	admin = server.admin()
	wait(t, "both to be back", patience, func() bool { return a.Peers().Lost.IsZero() && b.Peers().Lost.IsZero() && size() >= n+1 })
	for u := 1; u < n; u++ {
		if len(b.Remote(fmt.Sprint("u", u))) == 0 {
			t.Fatalf("after the restart u%d is missing at b", u)
		}
	}
	wait(t, "the departure during the outage", patience, func() bool { return len(b.Remote("u0")) == 0 })
}

func TestRedisAppearsLater(t *testing.T) {
	server := startRedis(t)
	server.stop()
	a := server.join()
	a.Publish("ada", Digest{Connected: true})
	wait(t, "the loss to show", patience, func() bool { return !a.Peers().Lost.IsZero() })
	server.start()
	b := server.join()
	wait(t, "ada at b", patience, func() bool { return len(b.Remote("ada")) == 1 && a.Peers().Others == 1 })
}

// TestRedisPushPathDies: tracking is switched off behind the client's back. The own beat does not come back, so the
// connection is replaced.
func TestRedisPushPathDies(t *testing.T) {
	server := startRedis(t)
	a, b := server.join(), server.join()
	settleAll(t, []*Redis{a, b})
	c := b.link.client()
	if err := c.Do(t.Context(), c.B().Arbitrary("CLIENT", "TRACKING", "OFF").Build()).Error(); err != nil {
		t.Fatal(err)
	}
	a.Publish("ada", Digest{Connected: true})
	wait(t, "b to see ada after all", patience, func() bool { return len(b.Remote("ada")) == 1 })
	if b.link.client() == c {
		t.Error("b still uses the connection that announces nothing")
	}
}

func TestRedisRefusals(t *testing.T) {
	server := startRedis(t, "--requirepass", "secret")
	withPassword := "redis://:secret@127.0.0.1:" + server.port
	open := func(url, store string) error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		r, err := OpenRedis(ctx, RedisConfig{URL: url, Prefix: "rollcall:", Store: store, Log: slog.New(slog.DiscardHandler), claimAfter: time.Millisecond})
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
		"redis-sentinel://h:26379":                "Sentinel",
		"redis://h:6379?master_set=mymaster":      "Sentinel",
		"redis://a:6379,b:6379":                   "cluster",
		"redis://h:6379?addr=i:6379":              "cluster",
		"redis://:se%cret@h":                      "cannot be read",
	} {
		err := open(url, "one")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("OpenRedis(%s) = %v, want one line with %q", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("OpenRedis(%s) tells the password: %v", url, err)
		}
	}
	if err := open(withPassword, "one"); err != nil {
		t.Fatalf("OpenRedis = %v, want nil", err)
	}
	var other *StoreError
	if err := open(withPassword, "two"); !errors.As(err, &other) || other.Ours != "two" || other.Theirs != "one" {
		t.Errorf("OpenRedis with another store = %v, want an error naming both", err)
	}
	for without, cause := range map[string]string{
		"CLIENT": "unknown command 'CLIENT'", // as with providers that forbid it
		"GETEX":  "unknown command 'GETEX'",  // as before 6.2
		"HELLO":  "not supporting RESP3",     // as before 6
	} {
		old := startRedis(t, "--rename-command", without, "")
		if err := open(old.url(), "one"); err == nil || !strings.Contains(err.Error(), "use Redis 6.2 or newer") || !strings.Contains(err.Error(), cause) {
			t.Errorf("OpenRedis without %s = %v, want a line that says what to use, and %q", without, err, cause)
		}
	}
	node := startRedis(t, "--cluster-enabled", "yes")
	if err := open(node.url(), "one"); err == nil || !strings.Contains(err.Error(), "cluster") {
		t.Errorf("OpenRedis of a cluster = %v, want a refusal", err)
	}
}

// TestRedisStoreConflictLater: the mark of the store was lost, and others came in between. Replicas that notice stay away:
// they keep what they know of others, and write nothing more, not even that they leave. When the mark is gone, they come
// back.
func TestRedisStoreConflictLater(t *testing.T) {
	server := startRedis(t)
	a, b := server.join(), server.join()
	b.Publish("ada", Digest{Connected: true})
	settleAll(t, []*Redis{a, b})
	admin := server.admin()
	do(t, admin, "SET", "rollcall:store", "two")
	both := func(ok func(Peers) bool) func() bool {
		return func() bool { return ok(a.Peers()) && ok(b.Peers()) }
	}
	wait(t, "both to stay away", patience, both(func(s Peers) bool { return s.Conflict != nil }))
	var conflict *StoreError
	if err := a.Peers().Conflict; !errors.As(err, &conflict) || conflict.Ours != "one" || conflict.Theirs != "two" {
		t.Errorf("Peers().Conflict = %v, want both stores named", err)
	}
	if got := a.Remote("ada"); len(got) != 1 || a.Peers().Lost.IsZero() {
		t.Errorf("a replica that stays away has %v of ada and is lost since %v, want her as last known", got, a.Peers().Lost)
	}
	b.Publish("bob", Digest{Connected: true}) // somebody comes meanwhile
	do(t, admin, "DEL", "rollcall:store")
	wait(t, "both to be back", patience, both(func(s Peers) bool { return s.Conflict == nil && s.Lost.IsZero() && s.Others == 1 }))
	wait(t, "bob at a", patience, func() bool { return len(a.Remote("bob")) == 1 })
	if got := a.Remote("ada"); len(got) != 1 {
		t.Errorf("after all ada is %v at a, want here", got)
	}

	do(t, admin, "SET", "rollcall:store", "two")
	wait(t, "a to stay away", patience, func() bool { return a.Peers().Conflict != nil })
	lease := "rollcall:replica:" + a.ID()
	do(t, admin, "DEL", lease)
	if err := a.Leave(t.Context()); err != nil {
		t.Errorf("Leave of a replica that stays away = %v, want nil", err)
	}
	if n, err := admin.Do(t.Context(), admin.B().Exists().Key(lease).Build()).AsInt64(); err != nil || n != 0 {
		t.Errorf("its lease: %d, %v, want none", n, err)
	}
}

// TestRedisNewcomerWaits: a process that was never here finds an empty Redis, waits before it marks it as its own, and
// writes nothing until then. A process that was here before does not wait.
func TestRedisNewcomerWaits(t *testing.T) {
	server := startRedis(t)
	began := time.Now()
	a := server.join(func(cfg *RedisConfig) { cfg.claimAfter = 0 })
	admin := server.admin()
	keys := func() int64 {
		n, err := admin.Do(t.Context(), admin.B().Dbsize().Build()).AsInt64()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	wait(t, "a to look", patience, func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return !a.unowned.IsZero()
	})
	if n := keys(); n != 0 && time.Since(began) < claimAfter {
		t.Errorf("a wrote %d keys within %v, want none within %v", n, time.Since(began), claimAfter)
	}
	<-a.Synced()
	if took := time.Since(began); took < claimAfter {
		t.Errorf("a joined after %v, want %v at least", took, claimAfter)
	}
	if st := a.Peers(); !st.Lost.IsZero() {
		t.Errorf("a, which only waited, is lost since %v, want not lost", st.Lost)
	}
	server.stop()
	wait(t, "a to notice", patience, func() bool { return !a.Peers().Lost.IsZero() })
	server.start()
	other := server.join(func(cfg *RedisConfig) { cfg.Store, cfg.claimAfter = "two", 0 })
	wait(t, "a to be back, and the other one to stay away", patience, func() bool {
		return a.Peers().Lost.IsZero() && other.Peers().Conflict != nil
	})
	if err := a.Peers().Conflict; err != nil {
		t.Errorf("a stays away: %v", err)
	}
}

func TestRedisNudge(t *testing.T) {
	server := startRedis(t)
	a, b := server.join(), server.join()
	settleAll(t, []*Redis{a, b})
	select {
	case <-b.Nudged():
	default:
	}
	if err := a.Nudge(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	select {
	case <-b.Nudged():
	case <-time.After(patience):
		t.Error("b heard no nudge")
	}
}

// TestRedisIdleCost: while nothing happens, three replicas with any number of users send at most five commands a
// second. Counted over beats, so that the length of the measurement does not matter.
func TestRedisIdleCost(t *testing.T) {
	server := startRedis(t)
	all := []*Redis{server.join(), server.join(), server.join()}
	for u := range 3000 {
		all[u%3].Publish(fmt.Sprint("u", u), Digest{Connected: true})
	}
	settleAll(t, all)
	admin := server.admin()
	before, beats := calls(t, admin, ""), calls(t, admin, "getex")
	wait(t, "nine beats", 2*patience, func() bool { return calls(t, admin, "getex") >= beats+9 })
	perBeat := float64(calls(t, admin, "")-before) / float64(calls(t, admin, "getex")-beats)
	if perSecond := perBeat * 3 / beatEvery.Seconds(); perSecond > 5 {
		t.Errorf("three idle replicas send %.1f commands a second, want at most 5", perSecond)
	} else {
		t.Logf("three idle replicas send %.1f commands a second", perSecond)
	}
}

func FuzzDecodeDigest(f *testing.F) {
	for _, s := range []string{"", "1 0", "0 1700000000000", "1", "2 x y", "1 -5", "0 0  i7", "- 0  v8", "1 5 ab.cd id9 new"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d := decodeDigest(s)
		if d.Connected == (s == "" || s == "-" || strings.HasPrefix(s, "- ")) {
			t.Errorf("decodeDigest(%q) = %+v", s, d)
		}
		if again := decodeDigest(encodeDigest(d)); again != d {
			t.Errorf("decodeDigest(%q) = %+v, which reads %+v when it was written once more", s, d, again)
		}
	})
}

func TestInspect(t *testing.T) {
	server := startRedis(t)
	a, b := server.join(), server.join()
	a.Publish("ada", Digest{Connected: true})
	b.Publish("ada", Digest{Connected: true})
	b.Publish("bob", Digest{Connected: true})
	settleAll(t, []*Redis{a, b})
	admin := server.admin()
	if err := admin.Do(t.Context(), admin.B().Hset().Key("rollcall:presence:eve").FieldValue().FieldValue("dead-ABCDEFGHIJ", "1 0").Build()).Error(); err != nil {
		t.Fatal(err)
	}
	inspect := func() Report {
		t.Helper()
		r, err := Inspect(t.Context(), RedisConfig{URL: server.url(), Prefix: "rollcall:", Store: "one", Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatalf("Inspect = %v, want nil", err)
		}
		return r
	}
	r := inspect()
	if !r.Announces || r.Store != "one" || r.Users != 3 || r.RoundTrip <= 0 || len(r.Replicas) != 3 {
		t.Fatalf("Inspect = %+v, want three users of three replicas of store one", r)
	}
	for _, rep := range r.Replicas {
		want := map[string]int{a.ID(): 1, b.ID(): 2, "dead-ABCDEFGHIJ": 1}[rep.ID]
		if alive := rep.Lease > 0; rep.Users != want || alive != (rep.ID != "dead-ABCDEFGHIJ") || rep.Leaving {
			t.Errorf("Inspect has %+v, want %d users", rep, want)
		}
	}
	// What a replica says of itself comes with its next beat: an entry of b's that was tampered with has been repaired.
	if err := admin.Do(t.Context(), admin.B().Hset().Key("rollcall:presence:bob").FieldValue().FieldValue(b.ID(), "0 5").Build()).Error(); err != nil {
		t.Fatal(err)
	}
	find := func(id string) (found ReplicaReport) {
		for _, rep := range inspect().Replicas {
			if rep.ID == id {
				found = rep
			}
		}
		return found
	}
	wait(t, "b to tell of one repair", patience, func() bool { return find(b.ID()).Repaired == 1 })
	if got := find(b.ID()); got.Counts != 2 || got.RoundTrip <= 0 || got.Deaf || got.Resyncs != 0 {
		t.Errorf("Inspect has %+v, want 2 users by its own account and nothing else wrong", got)
	}
	if got := find(a.ID()); got.Repaired != 0 {
		t.Errorf("Inspect has %+v, want no repair", got)
	}
}

// TestRedisMeetsEmptyReplicas: a replica on which nobody is yet is known to one that joins as soon as that has synced.
func TestRedisMeetsEmptyReplicas(t *testing.T) {
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
		if err := server.admin().Do(t.Context(), b.Client().B().Del().Key("rollcall:replica:"+b.ID()).Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHealthInLease(t *testing.T) {
	for _, h := range []health{
		{},
		{leaving: true},
		{people: 812, trip: 230 * time.Microsecond, repaired: 3, ago: 14 * time.Second, resyncs: 2},
		{people: 1, trip: 2 * time.Second, deaf: true},
	} {
		if got := decodeHealth(encodeHealth(h)); got != h {
			t.Errorf("decodeHealth(%q) = %+v, want %+v", encodeHealth(h), got, h)
		}
	}
	if got, want := decodeHealth("here people=7 moons=3 ago=x"), (health{people: 7}); got != want {
		t.Errorf("decodeHealth of a newer version = %+v, want %+v", got, want)
	}
}

// TestRedisHostUnknown: where a host is not known it may be that its machine does not run yet.
func TestRedisHostUnknown(t *testing.T) {
	r, err := OpenRedis(t.Context(), RedisConfig{URL: "redis://no-such-host.invalid:6379", Prefix: "rollcall:", Store: "one", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("OpenRedis = %v, want nil", err)
	}
	defer r.Close()
	wait(t, "the others to be lost", patience, func() bool { return !r.Peers().Lost.IsZero() })
}

// TestRedisForeignKey: what other programs leave under our prefix stops nobody, not even the one whose key it is.
func TestRedisForeignKey(t *testing.T) {
	server := startRedis(t)
	admin := server.admin()
	put := func(user string) {
		t.Helper()
		if err := admin.Do(t.Context(), admin.B().Set().Key("rollcall:presence:"+user).Value("x").Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	put("junk")
	a, b := server.join(), server.join()
	a.Publish("ada", Digest{Connected: true})
	wait(t, "ada at b", patience, func() bool { return len(b.Remote("ada")) == 1 })
	put("ada")
	put("bob")
	a.Publish("bob", Digest{Connected: true})
	wait(t, "bob at b, and ada again", patience, func() bool { return len(b.Remote("bob")) == 1 && len(b.Remote("ada")) == 1 })
	settleAll(t, []*Redis{a, b})
	if !a.Peers().Lost.IsZero() || len(b.Remote("ada")) != 1 {
		t.Errorf("after foreign keys a is lost since %v and ada is %v at b, want not lost and here", a.Peers().Lost, b.Remote("ada"))
	}
}
