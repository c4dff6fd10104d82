//go:build unix

package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// refusal is a way to make Redis refuse writes while it keeps its connections and answers reads.
type refusal struct {
	name        string
	begin, stop func(r *redisServer)
}

var refusals = []refusal{
	{"out of memory",
		func(r *redisServer) { r.do("CONFIG", "SET", "maxmemory", "1") },
		func(r *redisServer) { r.do("CONFIG", "SET", "maxmemory", "0") }},
	{"read only",
		func(r *redisServer) { r.do("REPLICAOF", "127.0.0.1", "1") },
		func(r *redisServer) { r.do("REPLICAOF", "NO", "ONE") }},
	{"cannot save", (*redisServer).failToSave,
		func(r *redisServer) { r.do("CONFIG", "SET", "save", "") }},
}

// failToSave deletes the folder for dumps. As with a full disk, Redis then refuses writes (MISCONF).
func (r *redisServer) failToSave() {
	r.t.Helper()
	dir, err := r.do("CONFIG", "GET", "dir").AsStrMap()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.RemoveAll(dir["dir"]); err != nil {
		r.t.Fatal(err)
	}
	r.do("CONFIG", "SET", "save", "3600 1")
	r.do("BGSAVE")
	for deadline := time.Now().Add(startWait); r.info("persistence", "rdb_last_bgsave_status") != "err"; {
		if time.Now().After(deadline) {
			r.t.Fatal("Redis can still save")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// info returns one value from a section of INFO.
func (r *redisServer) info(section, name string) string {
	r.t.Helper()
	text, err := r.do("INFO", section).ToString()
	if err != nil {
		r.t.Fatal(err)
	}
	return infoNumber(text, name)
}

// Redis refuses writes for longer than a lease, without closing connections. Nobody who stays is shown offline, and all
// pages are correct soon after it accepts writes again, although one replica can write a second before the others.
func TestReplicaRedisRefusesWrites(t *testing.T) {
	t.Parallel()
	for _, how := range refusals[:sized(1, len(refusals))] {
		for range sized(1, 3) {
			t.Run(how.name, func(t *testing.T) {
				s, movers := outageScene(t, setting{replicas: 3, proxied: true})
				stop := func() {}
				if chaos {
					stop = s.churn(movers, churnRate)
				}
				at := time.Now()
				how.begin(s.redis)
				s.wait(sized(13*time.Second, 20*time.Second))
				for _, r := range s.replicas[1:] {
					r.proxy.freeze()
				}
				how.stop(s.redis)
				s.wait(time.Second)
				for _, r := range s.replicas[1:] {
					r.proxy.heal()
				}
				s.ledger.outage(at)
				stop()
				t.Logf("%s for %v; all pages correct %v after",
					how.name, time.Since(at).Round(time.Millisecond), s.settle(healBound))
				s.wait(lastGrace())
				s.settle(late)
				s.report()
				s.reportPages()
			})
		}
	}
}

// A Redis replica is promoted behind the same address, and the old primary becomes its replica. Open connections stay
// with the old one. All Rollcall replicas move to the new one automatically, and nobody is shown offline.
func TestReplicaRedisFailover(t *testing.T) {
	s, movers := outageScene(t, setting{proxied: true})
	for range sized(1, 4) {
		stop := s.churn(movers, churnRate)
		was, next := s.redis, newRedis(t)
		next.start()
		next.do("REPLICAOF", "127.0.0.1", was.port)
		s.until("the other Redis is in sync", startWait, func() bool {
			return next.info("replication", "master_link_status") == "up"
		})
		at := time.Now()
		next.do("REPLICAOF", "NO", "ONE")
		for _, r := range s.replicas {
			r.proxy.retarget(next.addr())
		}
		was.do("REPLICAOF", "127.0.0.1", next.port)
		s.redis = next
		connected := func(r *redisServer) int {
			clients, err := r.do("CLIENT", "LIST").ToString()
			if err != nil {
				t.Fatal(err)
			}
			return strings.Count(clients, "name=rollcall")
		}
		took := s.until("every replica uses the new Redis, and none the old one", startWait, func() bool {
			return connected(next) >= len(s.replicas) && connected(was) == 0
		})
		s.ledger.outage(at)
		stop()
		t.Logf("all have moved after %v; all pages correct %v after", took, s.settle(healBound))
		s.settle(healBound)
	}
	// The new Redis also counts the limits that replicas share. The first guess at each replica fails on a closed
	// connection, and the replica then doesn't ask Redis for a second.
	guess := func(username string, n int) (refused int) {
		for i := range n {
			answer, err := postForm(s.replicas[i%2].url+"/login", username, fmt.Sprint("guess ", i))
			if err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode == http.StatusTooManyRequests {
				refused++
			}
		}
		return refused
	}
	guess(userName(1), 2)
	s.wait(2 * time.Second)
	if refused := guess(userName(2), 20); refused != 10 {
		t.Errorf("after the failover %d of 20 guesses at two replicas were refused, want 10", refused)
	}
	s.wait(lastGrace())
	s.settle(late)
	s.report()
	s.reportPages()
}

// readiness polls /readyz of every replica until stop, which returns how long each wasn't ready.
func (s *scene) readiness() (stop func() []time.Duration) {
	down := make([]time.Duration, len(s.replicas))
	ended := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		for last := time.Now(); ; {
			select {
			case <-ended:
				return
			case <-time.After(50 * time.Millisecond):
			}
			now := time.Now()
			for i, r := range s.replicas {
				if !r.ready() {
					down[i] += now.Sub(last)
				}
			}
			last = now
		}
	})
	return func() []time.Duration {
		close(ended)
		work.Wait()
		return down
	}
}

// supervise starts a process with a different database on the same Redis, and restarts it 2 s after each exit, like a
// supervisor.
func (s *scene) supervise() (stop func()) {
	addr, db := freeAddr(s.t), filepath.Join(s.t.TempDir(), "other.db")
	ended := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		for {
			cmd := exec.Command(binary, "serve", "--addr", addr, "--db", db)
			cmd.Env = append(cleanEnv(), "REDIS_URL="+s.replicas[0].redis)
			dieWithUs(cmd)
			if err := cmd.Start(); err != nil {
				s.t.Error(err)
				return
			}
			exited := make(chan struct{})
			go func() { _ = cmd.Wait(); close(exited) }()
			select {
			case <-ended:
				_ = cmd.Process.Kill()
				<-exited
				return
			case <-exited:
			}
			select {
			case <-ended:
				return
			case <-time.After(2 * time.Second):
			}
		}
	})
	return func() { close(ended); work.Wait() }
}

// A process with a different database starts again and again while Redis goes down and comes back empty. The replicas
// keep this Redis, stay ready, and show nobody offline who is connected.
func TestReplicaWrongStoreTakesOver(t *testing.T) {
	s, _ := outageScene(t, setting{})
	for _, r := range s.replicas {
		r.faulty = true // errors in the log are expected
	}
	ours, err := s.redis.do("GET", "rollcall:store").ToString()
	if err != nil {
		t.Fatal(err)
	}
	stop := s.supervise()
	s.wait(3 * time.Second)
	down := s.readiness()
	for range sized(1, 5) {
		at := time.Now()
		s.redis.stop()
		s.wait(6 * time.Second)
		s.redis.start()
		s.ledger.outage(at)
		t.Logf("all pages correct %v after Redis came back empty", s.settle(healBound))
		s.wait(8 * time.Second)
		if got, err := s.redis.do("GET", "rollcall:store").ToString(); err != nil || got != ours {
			t.Errorf("the Redis belongs to %q (%v), want %q", got, err, ours)
		}
	}
	for i, d := range down() {
		if d > 0 {
			t.Errorf("replica %s wasn't ready for %v, want it always ready", s.replicas[i].name, d)
		}
	}
	stop()
	s.report()
	s.reportPages()
}

// The key that says which database Redis belongs to is overwritten. The replicas stop using Redis and show nobody
// offline. They come back automatically when the key is deleted or expires.
func TestReplicaStoreOverwritten(t *testing.T) {
	s, _ := outageScene(t, setting{})
	for _, r := range s.replicas {
		r.faulty = true // the error in the log is expected
	}
	for _, deleted := range []bool{false, true} {
		at := time.Now()
		down := s.readiness()
		s.redis.do("SET", "rollcall:store", "x")
		s.until("nobody is ready", 10*time.Second, func() bool { return !s.replicas[0].ready() && !s.replicas[1].ready() })
		if deleted {
			s.wait(2 * time.Second)
			s.redis.do("DEL", "rollcall:store")
		}
		s.until("all are ready again", 30*time.Second, func() bool { return s.replicas[0].ready() && s.replicas[1].ready() })
		s.ledger.outage(at)
		for i, d := range down() {
			t.Logf("deleted: %v; replica %s was not ready for %v", deleted, s.replicas[i].name, d.Round(time.Millisecond))
			if d > 30*time.Second {
				t.Errorf("replica %s was not ready for %v, want 30s or less", s.replicas[i].name, d)
			}
		}
		t.Logf("all pages correct %v after", s.settle(healBound))
	}
	s.report()
	s.reportPages()
}
