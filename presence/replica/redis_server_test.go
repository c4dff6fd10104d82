package replica

import (
	"crypto/tls"
	"log/slog"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

// redisServer is a real redis-server on 127.0.0.1. The test stops it.
type redisServer struct {
	t    *testing.T
	port string
	args []string
	tls  *tls.Config // nil: it doesn't speak TLS
	dir  string
	cmd  *exec.Cmd

	frozen bool
}

func startRedis(t *testing.T, args ...string) *redisServer {
	t.Helper()
	return startServer(t, append([]string{"--save", "", "--appendonly", "no"}, args...)...)
}

// startServer starts a redis-server with args on a free port.
func startServer(t *testing.T, args ...string) *redisServer {
	t.Helper()
	r := newServer(t, args...)
	r.start()
	return r
}

// newServer returns a server that isn't running yet.
func newServer(t *testing.T, args ...string) *redisServer {
	t.Helper()
	_, port, _ := net.SplitHostPort(freeAddr(t))
	r := &redisServer{t: t, port: port, args: args, dir: t.TempDir()}
	t.Cleanup(r.stop)
	return r
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func (r *redisServer) start() {
	r.t.Helper()
	args := append(slices.Clone(r.args), "--bind", "127.0.0.1", "--dir", r.dir)
	if r.tls == nil {
		args = append(args, "--port", r.port)
	} else {
		args = append(args, "--port", "0", "--tls-port", r.port)
	}
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
			r.t.Fatalf("redis-server doesn't listen: %v", err)
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

// admin returns a client for the test itself.
func (r *redisServer) admin() rueidis.Client {
	r.t.Helper()
	c, err := r.connect()
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(c.Close)
	return c
}

func (r *redisServer) connect() (rueidis.Client, error) {
	return rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{"127.0.0.1:" + r.port}, DisableCache: true, ForceSingleClient: true, TLSConfig: r.tls,
	})
}

// calls returns how often command ran on the server. "" counts all commands except PING and INFO.
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
		counts := name == command || command == "" && name != "ping" && name != "info"
		if v, err := strconv.Atoi(n); err == nil && counts {
			total += v
		}
	}
	return total
}

// testConfig returns a Config whose replicas don't wait long before they mark an empty store as theirs.
func testConfig(url string) Config {
	return Config{
		URL: url, Prefix: "rollcall:", Accounts: "one", Log: slog.New(slog.DiscardHandler),
		adoptAfter: time.Millisecond,
	}
}

func (r *redisServer) join(change ...func(*Config)) *Redis {
	r.t.Helper()
	cfg := testConfig(r.url())
	for _, f := range change {
		f(&cfg)
	}
	reg, err := Open(r.t.Context(), cfg)
	if err != nil {
		r.t.Fatalf("Open = %v, want nil", err)
	}
	r.t.Cleanup(func() { _ = reg.Close() })
	return reg
}

// patience is the deadline for events on real servers, even on a busy machine.
const patience = 10 * time.Second

func wait(t *testing.T, what string, within time.Duration, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}

// idle reports whether s has nothing to read or write.
func (s *syncer) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.health.rounds > 0 && s.entries.idle() && !s.resync
}

// settleAll waits until everything published so far has arrived at all replicas: until all of them have received what
// Redis announced and have done a full round after that, and none has read or written an entry in the meantime.
func settleAll(t *testing.T, all []*Redis) {
	t.Helper()
	running := slices.DeleteFunc(slices.Clone(all), func(r *Redis) bool { return isClosed(r.loop.ended) })
	if len(running) == 0 {
		return
	}
	for deadline := time.Now().Add(2 * patience); ; {
		before := entryCalls(t, running[0])
		receiveAnnouncements(t, running)
		idle := true
		for _, r := range running {
			doRounds(t, r, 2) // the one that may be running, and a full one
			idle = idle && r.idle()
		}
		if idle && entryCalls(t, running[0]) == before {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the replicas haven't settled within %s", 2*patience)
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// entryCalls returns how often replicas have read or written entries.
func entryCalls(t *testing.T, r *Redis) int {
	t.Helper()
	return calls(t, r.Client(), "hset") + calls(t, r.Client(), "hdel") + calls(t, r.Client(), "hrandfield")
}

// receiveAnnouncements waits until all replicas have received what Redis has announced so far. Redis announces changes
// in order, so it causes one more and waits for that.
func receiveAnnouncements(t *testing.T, all []*Redis) {
	t.Helper()
	bells := make([]*Bell, len(all))
	for i, r := range all {
		if bells[i] = r.store.bell.Load(); bells[i] == nil {
			bells[i] = NewBell(r)
		}
		select {
		case <-bells[i].Nudged():
		default:
		}
	}
	if err := bells[0].Nudge(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, b := range bells {
		select {
		case <-b.Nudged():
		case <-time.After(patience):
			t.Fatal("a replica has received no announcement")
		}
	}
}

// doRounds waits until r has finished n more rounds.
func doRounds(t *testing.T, r *Redis, n int) {
	t.Helper()
	rounds := func() int {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.health.rounds
	}
	until := rounds() + n
	wait(t, "another round", patience, func() bool {
		r.loop.wakeUp()
		return rounds() >= until
	})
}
