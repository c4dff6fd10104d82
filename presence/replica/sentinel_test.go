package replica

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/presence"
)

// watched are a primary, a replica of it, and three Sentinels that watch both, all of them real.
type watched struct {
	t         *testing.T
	servers   []*redisServer
	sentinels []*redisServer
}

// startWatched starts the servers with args. Their password, if any, is "secret".
func startWatched(t *testing.T, auth string, args ...string) *watched {
	t.Helper()
	return startWatchedBy(t, func(args ...string) *redisServer { return startServer(t, args...) }, auth, args...)
}

func startWatchedBy(t *testing.T, start func(...string) *redisServer, auth string, args ...string) *watched {
	t.Helper()
	w := &watched{t: t}
	args = append([]string{"--save", "", "--appendonly", "no"}, args...)
	first := start(args...)
	w.servers = []*redisServer{first, start(append(args, "--replicaof", "127.0.0.1 "+first.port)...)}
	for range 3 {
		conf := filepath.Join(t.TempDir(), "sentinel.conf")
		text := fmt.Sprintf("sentinel monitor board 127.0.0.1 %s 2\n%ssentinel down-after-milliseconds board 1000\n"+
			"sentinel failover-timeout board 3000\n", first.port, auth)
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		w.sentinels = append(w.sentinels, start(conf, "--sentinel"))
	}
	wait(t, "the Sentinels to know each other and the replica", 2*patience, func() bool {
		return !slices.ContainsFunc(w.sentinels, func(s *redisServer) bool {
			facts := s.master()
			return facts["num-other-sentinels"] != "2" || facts["num-slaves"] != "1"
		})
	})
	return w
}

// master returns what a Sentinel knows about the primary.
func (r *redisServer) master() map[string]string {
	c, err := r.connect()
	if err != nil {
		return nil
	}
	defer c.Close()
	facts, _ := c.Do(r.t.Context(), c.B().Arbitrary("SENTINEL", "MASTER", "board").Build()).AsStrMap()
	return facts
}

// url returns the address for Rollcall.
func (w *watched) url(credentials string) string {
	var others []string
	for _, s := range w.sentinels[1:] {
		others = append(others, "addr=127.0.0.1:"+s.port)
	}
	return "redis://" + credentials + "127.0.0.1:" + w.sentinels[0].port + "?" + strings.Join(others, "&") + "&master_set=board"
}

// primary returns the server that most Sentinels name.
func (w *watched) primary() *redisServer {
	votes := map[string]int{}
	for _, s := range w.sentinels {
		if s.cmd != nil {
			votes[s.master()["port"]]++
		}
	}
	for _, r := range w.servers {
		if 2*votes[r.port] > len(w.sentinels) {
			return r
		}
	}
	return nil
}

// failedOver waits until another server than was is the primary, and takes writes.
func (w *watched) failedOver(was *redisServer) *redisServer {
	w.t.Helper()
	var now *redisServer
	wait(w.t, "a failover", 6*patience, func() bool {
		if now = w.primary(); now == nil || now == was {
			return false
		}
		admin := now.admin()
		defer admin.Close()
		return admin.Do(w.t.Context(), admin.B().Set().Key("writable").Value("").Build()).Error() == nil
	})
	return now
}

// replicating waits until the other server is an up-to-date replica of the primary.
func (w *watched) replicating() {
	w.t.Helper()
	wait(w.t, "the former primary to be a replica", 6*patience, func() bool {
		for _, s := range w.sentinels {
			if s.master()["num-slaves"] != "1" {
				return false
			}
		}
		admin := w.primary().admin()
		defer admin.Close()
		text, err := admin.Do(w.t.Context(), admin.B().Info().Section("replication").Build()).ToString()
		return err == nil && strings.Contains(text, "state=online")
	})
}

func (r *redisServer) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// TestSentinelFailover: the primary fails over in every way while a thousand people are connected to three replicas of
// Rollcall. Nobody who stays is missing anywhere at any time.
func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	w := startWatched(t, "")
	at := func(cfg *Config) { cfg.URL = w.url("") }
	c := newCrowd(t, w.servers[0].join(at), w.servers[0].join(at), w.servers[0].join(at))
	for _, fault := range []struct {
		name  string
		start func(primary *redisServer) (end func())
		long  bool
	}{
		{name: "killed", start: func(p *redisServer) func() { p.stop(); return p.start }},
		{name: "frozen", start: func(p *redisServer) func() {
			p.signal(syscall.SIGSTOP)
			return func() { p.signal(syscall.SIGCONT) }
		}},
		{name: "failed over by hand", start: func(*redisServer) func() {
			do(t, w.sentinels[0].admin(), "SENTINEL", "FAILOVER", "board")
			return func() {}
		}, long: true},
		{name: "killed without a majority of Sentinels", start: func(p *redisServer) func() {
			w.sentinels[0].stop()
			w.sentinels[1].stop()
			p.stop()
			wait(t, "the outage to show", patience, func() bool { return !c.all[0].Peers().Lost.IsZero() })
			w.sentinels[0].start()
			w.sentinels[1].start()
			return p.start
		}, long: true},
	} {
		if fault.long && !chaos {
			continue
		}
		was := w.primary()
		stop := c.churn(50)
		end := fault.start(was)
		w.failedOver(was)
		stop()
		c.settle("right after the primary was "+fault.name, rightAgain())
		end()
		w.replicating()
		c.settle("right after the former primary came back", rightAgain())
	}
	c.report()
}

// TestSentinelSplit: the former primary is cut off from the Sentinels and takes writes, so connections to it look fine.
func TestSentinelSplit(t *testing.T) {
	t.Parallel()
	w := startWatched(t, "")
	at := func(cfg *Config) { cfg.URL = w.url("") }
	a, b := w.servers[0].join(at), w.servers[0].join(at)
	a.Publish("ada", presence.Digest{Connected: true})
	wait(t, "ada at b", patience, func() bool { return len(b.Remote("ada")) == 1 })
	other := startRedis(t) // what the Sentinels name; the former primary knows nothing of it
	for _, s := range w.sentinels {
		admin := s.admin()
		do(t, admin, "SENTINEL", "REMOVE", "board")
		do(t, admin, "SENTINEL", "MONITOR", "board", "127.0.0.1", other.port, "2")
	}
	leads := func(r *Redis) bool {
		at := r.store.primary.Load()
		return at != nil && *at == "127.0.0.1:"+other.port
	}
	wait(t, "both to move", patience, func() bool { return leads(a) && leads(b) && a.Peers().Others == 1 })
	if len(b.Remote("ada")) != 1 {
		t.Error("after the move, ada is missing at b")
	}
	a.Publish("bob", presence.Digest{Connected: true})
	wait(t, "bob at b", patience, func() bool { return len(b.Remote("bob")) == 1 })
}

// TestSentinelAddresses: what's wrong with the address of Sentinels is said at once, and Sentinels that are down are
// skipped.
func TestSentinelAddresses(t *testing.T) {
	t.Parallel()
	w := startWatched(t, "sentinel auth-pass board secret\n", "--requirepass", "secret", "--masterauth", "secret")
	open := func(url string) error {
		r, err := Open(t.Context(), testConfig(url))
		if err == nil {
			t.Cleanup(func() { _ = r.Close() })
		}
		_, inspected := Inspect(t.Context(), testConfig(url))
		if (err == nil) != (inspected == nil) {
			t.Errorf("Open = %v, but Inspect = %v", err, inspected)
		}
		return err
	}
	right := w.url(":secret@")
	for url, want := range map[string]string{
		w.url(""):        "wants a password",
		w.url(":wrong@"): "refuses the password",
		strings.Replace(right, "=board", "=other", 1): "check master_set",
	} {
		if err := open(url); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Open(%s) = %v, want one line with %q", url, err, want)
		}
	}
	w.sentinels[0].stop()
	if err := open(right); err != nil {
		t.Errorf("Open with one Sentinel down = %v, want nil", err)
	}
	started := time.Now()
	w.sentinels[1].signal(syscall.SIGSTOP)
	defer w.sentinels[1].signal(syscall.SIGCONT)
	r, err := Open(t.Context(), testConfig(right))
	if err != nil {
		t.Fatalf("Open with one Sentinel down and one frozen = %v, want nil", err)
	}
	defer func() { _ = r.Close() }()
	<-r.Synced()
	t.Logf("with one Sentinel down and one frozen, synced after %v", time.Since(started))
}
