package replica

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"rollcall/presence"
)

// TestRedisRefusesWrites: Redis refuses writes for longer than a lease, while connections and reads work. When it
// accepts writes again, nobody who stayed disappears anywhere, not even for a moment.
func TestRedisRefusesWrites(t *testing.T) {
	for name, fault := range map[string][2][]string{
		"out of memory": {{"CONFIG", "SET", "maxmemory", "1"}, {"CONFIG", "SET", "maxmemory", "0"}},
		"read only":     {{"REPLICAOF", "127.0.0.1", "1"}, {"REPLICAOF", "NO", "ONE"}},
		"no replicas":   {{"CONFIG", "SET", "min-replicas-to-write", "1"}, {"CONFIG", "SET", "min-replicas-to-write", "0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startRedis(t)
			all := []*Redis{server.join(), server.join(), server.join()}
			const n = 31
			for u := range n {
				all[u%3].Publish(fmt.Sprint("u", u), presence.Digest{Connected: true})
			}
			settleAll(t, all)
			missing := func() (gone int) {
				for u := range n {
					for at := range all {
						if at != u%3 && len(all[at].Remote(fmt.Sprint("u", u))) == 0 {
							gone++
						}
					}
				}
				return gone
			}
			if gone := missing(); gone > 0 {
				t.Fatalf("%d people are missing before the fault, want 0", gone)
			}
			do(t, server.admin(), fault[0]...)
			admin := server.admin()
			wait(t, "all leases to end", 2*leaseTTL, func() bool {
				left, err := admin.Do(t.Context(), admin.B().Keys().Pattern("rollcall:replica:*").Build()).AsStrSlice()
				return err == nil && len(left) == 0
			})
			do(t, admin, fault[1]...)
			most, back := 0, time.Now()
			wait(t, "all to be back and to agree", 2*patience, func() bool {
				most = max(most, missing())
				settled := true
				for _, r := range all {
					settled = settled && r.idle() && r.Peers().Lost.IsZero()
				}
				return settled
			})
			t.Logf("all agreed %v after Redis accepted writes again", time.Since(back).Round(time.Millisecond))
			if most > 0 {
				t.Errorf("after Redis accepted writes again, up to %d people were missing at once, want 0", most)
			}
		})
	}
}

// forwarder listens on one address and forwards new connections to a target. Open connections keep theirs.
type forwarder struct {
	net.Listener
	mu     sync.Mutex
	target string     // guarded by mu
	open   []net.Conn // guarded by mu
}

func startForwarder(t *testing.T, target string) *forwarder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &forwarder{Listener: l, target: target}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			far, err := net.Dial("tcp", f.target)
			if err != nil {
				_ = near.Close()
				f.mu.Unlock()
				continue
			}
			f.open = append(f.open, near, far)
			f.mu.Unlock()
			for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
				work.Go(func() {
					defer way[0].Close()
					defer way[1].Close()
					_, _ = io.Copy(way[0], way[1])
				})
			}
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		f.mu.Lock()
		for _, c := range f.open {
			_ = c.Close()
		}
		f.mu.Unlock()
		work.Wait()
	})
	return f
}

func (f *forwarder) lead(target string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.target = target
}

// TestRedisFailover: another server is promoted behind the same address, the old one becomes its replica, and all
// connections stay open. All replicas replace both of their connections, and nobody disappears in the meantime.
func TestRedisFailover(t *testing.T) {
	was, next := startRedis(t), startRedis(t)
	line := startForwarder(t, "127.0.0.1:"+was.port)
	through := func(cfg *Config) { cfg.URL = "redis://" + line.Addr().String() }
	a, b := was.join(through), was.join(through)
	bells := map[string]*Bell{"a": NewBell(a), "b": NewBell(b)}
	a.Publish("ada", presence.Digest{Connected: true})
	settleAll(t, []*Redis{a, b})
	do(t, next.admin(), "REPLICAOF", "127.0.0.1", was.port)
	info := next.admin()
	wait(t, "the next server to have all", 2*patience, func() bool {
		text, err := info.Do(t.Context(), info.B().Info().Section("replication").Build()).ToString()
		return err == nil && strings.Contains(text, "master_link_status:up")
	})
	do(t, info, "REPLICAOF", "NO", "ONE")
	line.lead("127.0.0.1:" + next.port)
	do(t, was.admin(), "REPLICAOF", "127.0.0.1", next.port)
	b.Publish("bob", presence.Digest{Connected: true})
	began := time.Now()
	wait(t, "bob to be known at a", 2*patience, func() bool {
		if len(b.Remote("ada")) == 0 {
			t.Fatal("ada is missing at b")
		}
		return len(a.Remote("bob")) == 1 && a.Peers().Lost.IsZero() && b.Peers().Lost.IsZero()
	})
	t.Logf("both replicas had reconnected after %v", time.Since(began).Round(time.Millisecond))
	for name, bell := range bells {
		wait(t, "a nudge of "+name+" to succeed", patience, func() bool { return bell.Nudge(t.Context(), 7) == nil })
	}
}

// do sends a command that must succeed.
func do(t *testing.T, c rueidis.Client, words ...string) {
	t.Helper()
	if err := c.Do(t.Context(), c.B().Arbitrary(words...).Build()).Error(); err != nil {
		t.Fatalf("%q: %v", words, err)
	}
}
