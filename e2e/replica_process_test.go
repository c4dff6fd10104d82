//go:build unix

package e2e_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

// chaos asks for the full size of the tests of replicas: `make chaos`. The short one runs the same code.
var chaos = os.Getenv("ROLLCALL_CHAOS") == "full"

// sized is short, or long with chaos.
func sized[T any](short, long T) T {
	if chaos {
		return long
	}
	return short
}

// redisServer is a real redis-server of the test's own.
type redisServer struct {
	t    *testing.T
	port string
	cmd  *exec.Cmd // nil: it does not run
}

// newRedis reserves a port; start starts the server.
func newRedis(t *testing.T) *redisServer {
	t.Helper()
	_, port, _ := net.SplitHostPort(freeAddr(t))
	r := &redisServer{t: t, port: port}
	t.Cleanup(r.stop)
	return r
}

func (r *redisServer) addr() string { return "127.0.0.1:" + r.port }

// start starts an empty server and waits until it answers.
func (r *redisServer) start() {
	r.t.Helper()
	r.cmd = exec.Command("redis-server", "--port", r.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", r.t.TempDir())
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
			r.t.Fatal("redis-server does not listen")
		}
	}
}

// stop ends the server at once, frozen or not.
func (r *redisServer) stop() {
	if r.cmd != nil {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
		r.cmd = nil
	}
}

func (r *redisServer) freeze() { r.signal(syscall.SIGSTOP) }
func (r *redisServer) thaw()   { r.signal(syscall.SIGCONT) }

func (r *redisServer) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// do sends one command, given in words, and returns the answer.
func (r *redisServer) do(words ...string) rueidis.RedisResult {
	r.t.Helper()
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{r.addr()}, DisableCache: true, ForceSingleClient: true})
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

// joined waits until n replicas have joined an empty Redis, which a new process does not do at once.
func (r *redisServer) joined(n int) {
	r.t.Helper()
	for deadline := time.Now().Add(startWait); len(r.keys("rollcall:replica:*")) < n; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("fewer than %d replicas have joined Redis after %v", n, startWait)
		}
	}
}

// replica is a server that shares database and Redis with others.
type replica struct {
	*server
	name  string
	proxy *proxy // nil: it talks to Redis itself
	redis string // URL

	mu   sync.Mutex
	life *life // guarded by mu: the process that runs, or ran last
}

// newReplica is a replica that does not run yet; its cleanup is for the caller to arrange.
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
	ended   time.Time // guarded by replica.mu: when it was told to end; zero: it was not
	how     ending    // guarded by replica.mu: restarted or killed
}

// end is when and how l was told to end; a zero time: it was not.
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

// up reports whether the replica's process was not told to end.
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

// launch starts the process and does not wait.
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

// start starts the process, waits until it is ready, and says how long that took.
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

// end signals the process and waits for its exit, which must be 0 and in time. It says how long that took.
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
		r.t.Errorf("replica %s runs %v after %v, want an exit by then", r.name, stopWait, s)
		r.server.kill()
	}
	r.cmd = nil
	return time.Since(began)
}

// crash ends the process with SIGKILL.
func (r *replica) crash() {
	r.t.Helper()
	r.ending(killed)
	r.kill()
}

// memory is the resident memory of the process in MiB: now, and at its highest. 0 where /proc is not there.
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
