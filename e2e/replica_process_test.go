//go:build unix

package e2e_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

// chaos selects the full versions of the replica tests, as `make chaos` does. The short ones run the same code.
var chaos = os.Getenv("ROLLCALL_CHAOS") == "full"

// sized returns short, or long if chaos is set.
func sized[T any](short, long T) T {
	if chaos {
		return long
	}
	return short
}

// measured runs t alone where its times are checked, as in `make chaos`, and otherwise like patient.
func measured(t *testing.T) {
	if !chaos {
		patient(t)
	}
}

// redisServer is a real redis-server for one test.
type redisServer struct {
	t    *testing.T
	port string
	args []string
	cmd  *exec.Cmd // nil: not running
}

// newRedis reserves a port; start starts the server with args, or with those of a server without persistence.
func newRedis(t *testing.T, args ...string) *redisServer {
	t.Helper()
	_, port, _ := net.SplitHostPort(freeAddr(t))
	if len(args) == 0 {
		args = []string{"--save", "", "--appendonly", "no"}
	}
	r := &redisServer{t: t, port: port, args: args}
	t.Cleanup(r.stop)
	return r
}

func (r *redisServer) addr() string { return "127.0.0.1:" + r.port }

// start starts an empty server and waits until it answers.
func (r *redisServer) start() {
	r.t.Helper()
	r.cmd = exec.Command("redis-server",
		append(slices.Clone(r.args), "--port", r.port, "--bind", "127.0.0.1", "--dir", r.t.TempDir())...)
	dieWithUs(r.cmd)
	if err := r.cmd.Start(); err != nil {
		r.t.Fatalf("redis-server: %v (apt-get install redis-server)", err)
	}
	for deadline := time.Now().Add(startWait); ; time.Sleep(2 * time.Millisecond) {
		if conn, err := net.Dial("tcp", r.addr()); err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatal("redis-server doesn't accept connections")
		}
	}
}

// stop kills the server, frozen or not.
func (r *redisServer) stop() {
	if r.cmd != nil {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
		r.cmd = nil
	}
}

func (r *redisServer) freeze() { r.signal(syscall.SIGSTOP) }
func (r *redisServer) resume() { r.signal(syscall.SIGCONT) }

func (r *redisServer) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// do sends one command and returns the response.
func (r *redisServer) do(words ...string) rueidis.RedisResult {
	r.t.Helper()
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{r.addr()}, DisableCache: true,
		ForceSingleClient: true})
	if err != nil {
		r.t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), startWait)
	defer cancel()
	answer := c.Do(ctx, c.B().Arbitrary(words...).Build())
	if err := answer.Error(); err != nil && !rueidis.IsRedisNil(err) {
		r.t.Fatalf("redis %q: %v", words, err)
	}
	return answer
}

// keys lists the keys that match a pattern.
func (r *redisServer) keys(pattern string) []string {
	r.t.Helper()
	keys, err := r.do("KEYS", pattern).AsStrSlice()
	if err != nil {
		r.t.Fatal(err)
	}
	return keys
}

// leases returns the keys of leases. Keys that say that an entry is removed begin in the same way.
func (r *redisServer) leases() []string {
	r.t.Helper()
	return slices.DeleteFunc(r.keys("rollcall:replica:*"), func(key string) bool { return strings.Contains(key, ":removes:") })
}

// joined waits until n replicas have joined Redis.
func (r *redisServer) joined(n int) {
	r.t.Helper()
	for deadline := time.Now().Add(startWait); len(r.leases()) < n; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("fewer than %d replicas have joined Redis after %v", n, startWait)
		}
	}
}

// replica is a server that shares its database and Redis with others.
type replica struct {
	*server
	name  string
	proxy *proxy // nil: it connects to Redis directly
	redis string // URL

	mu   sync.Mutex
	life *life // guarded by mu; the current or the last process
}

// newReplica returns a replica that isn't running yet. The caller must register its cleanup.
func newReplica(t *testing.T, name, db string, redis *redisServer) *replica {
	t.Helper()
	addr := freeAddr(t)
	r := &replica{name: name, redis: "redis://" + redis.addr()}
	r.server = &server{t: t, addr: addr, url: "http://" + addr, db: db}
	return r
}

// life is one process of a replica.
type life struct {
	replica *replica
	ended   time.Time // guarded by replica.mu; when it was told to exit; zero: it wasn't
	how     ending    // guarded by replica.mu; restarted or killed
}

// end returns when and how l was told to exit, or a zero time if it wasn't.
func (l *life) end() (time.Time, ending) {
	l.replica.mu.Lock()
	defer l.replica.mu.Unlock()
	return l.ended, l.how
}

func (r *replica) now() *life {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.life
}

// up reports whether the replica has a process that wasn't told to exit.
func (r *replica) up() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.life != nil && r.life.ended.IsZero()
}

func (r *replica) ending(how ending) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.life.ended, r.life.how = time.Now(), how
}

// launch starts the process without waiting until it is ready.
func (r *replica) launch(flags ...string) {
	r.t.Helper()
	args := append([]string{"serve", "--addr", r.addr, "--db", r.db}, r.flags...)
	cmd := exec.Command(binary, append(args, flags...)...)
	cmd.Env = append(append(cleanEnv(), "REDIS_URL="+r.redis), r.env...)
	cmd.Stdout, cmd.Stderr = &r.log, &r.log
	r.run(cmd)
	exited := make(chan error, 1)
	r.cmd, r.exited = cmd, exited
	go func() { exited <- cmd.Wait() }()
}

// start starts the process, waits until it is ready, and returns how long that took.
func (r *replica) start(flags ...string) time.Duration {
	r.t.Helper()
	began := time.Now()
	r.launch(flags...)
	for !r.ready() {
		select {
		case err := <-r.exited:
			r.cmd = nil
			r.t.Fatalf("replica %s ended: %v\n%s", r.name, err, r.log.String())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Since(began) > startWait {
			r.t.Fatalf("replica %s was not ready after %v:\n%s", r.name, startWait, r.log.String())
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.life = &life{replica: r}
	return time.Since(began)
}

// end signals the process and waits until it exits, which must be in time and with code 0. It returns how long that
// took.
func (r *replica) end(s syscall.Signal) time.Duration {
	r.t.Helper()
	r.ending(restarted)
	began := time.Now()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
	select {
	case err := <-r.exited:
		if err != nil {
			r.t.Errorf("replica %s after %v: %v, want exit code 0", r.name, s, err)
		}
	case <-time.After(stopWait):
		r.t.Errorf("replica %s still runs %v after %v", r.name, stopWait, s)
		r.server.kill()
	}
	r.cmd = nil
	return time.Since(began)
}

// crash kills the process with SIGKILL.
func (r *replica) crash() {
	r.t.Helper()
	r.ending(killed)
	r.kill()
}

// memory returns the current and the peak resident memory of the process in MiB, or 0 where there is no /proc.
func (r *replica) memory() (now, peak float64) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kb, _ := strconv.ParseFloat(fields[1], 64)
		switch fields[0] {
		case "VmRSS:":
			now = kb / 1024
		case "VmHWM:":
			peak = kb / 1024
		}
	}
	return now, peak
}
