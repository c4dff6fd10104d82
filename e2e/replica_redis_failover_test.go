//go:build unix

package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The primary of a Redis with Sentinel is killed while people come and go. Nobody who stays is shown offline.
func TestReplicaSentinelFailover(t *testing.T) {
	patient(t)
	primary := newRedis(t)
	primary.start()
	second := newRedis(t, "--save", "", "--appendonly", "no", "--replicaof", "127.0.0.1 "+primary.port)
	second.start()
	var sentinels []*redisServer
	for range 3 {
		conf := filepath.Join(t.TempDir(), "sentinel.conf")
		text := "sentinel monitor board 127.0.0.1 " + primary.port + " 2\nsentinel down-after-milliseconds board 1000\n" +
			"sentinel failover-timeout board 3000\n"
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		sentinel := newRedis(t, conf, "--sentinel")
		sentinel.start()
		sentinels = append(sentinels, sentinel)
	}
	knows := func(s *redisServer, what string) string {
		facts, err := s.do("SENTINEL", "MASTER", "board").AsStrMap()
		if err != nil {
			t.Fatal(err)
		}
		return facts[what]
	}
	url := fmt.Sprintf("redis://%s?addr=%s&addr=%s&master_set=board",
		sentinels[0].addr(), sentinels[1].addr(), sentinels[2].addr())
	s, movers := busyScene(t, setting{shared: url})
	s.until("the Sentinels to know each other and the replica", startWait, func() bool {
		return !slices.ContainsFunc(sentinels, func(s *redisServer) bool {
			return knows(s, "num-other-sentinels") != "2" || knows(s, "num-slaves") != "1"
		})
	})
	s.failRedisOver(movers, primary, func() bool {
		return knows(sentinels[0], "port") == second.port && second.info("replication", "role") == "master"
	})
}

// A primary of a Redis Cluster is killed while people come and go. Nobody who stays is shown offline.
func TestReplicaClusterFailover(t *testing.T) {
	patient(t)
	var nodes []*redisServer
	create := []string{"--cluster", "create"}
	for range 6 {
		_, bus, _ := strings.Cut(freeAddr(t), ":")
		node := newRedis(t, "--save", "", "--appendonly", "no", "--cluster-enabled", "yes", "--cluster-node-timeout", "2000",
			"--repl-diskless-sync-delay", "0", "--cluster-port", bus)
		node.start()
		nodes, create = append(nodes, node), append(create, node.addr())
	}
	out, err := exec.Command("redis-cli", append(create, "--cluster-replicas", "1", "--cluster-yes")...).CombinedOutput()
	if err != nil {
		t.Fatalf("redis-cli: %v\n%s", err, out)
	}
	url := fmt.Sprintf("redis://%s?addr=%s&addr=%s", nodes[0].addr(), nodes[1].addr(), nodes[2].addr())
	s, movers := busyScene(t, setting{shared: url})
	s.until("all replicas of the cluster to be in sync", startWait, func() bool {
		return !slices.ContainsFunc(nodes[3:], func(n *redisServer) bool {
			return n.info("replication", "master_link_status") != "up"
		})
	})
	s.failRedisOver(movers, nodes[0], func() bool {
		text, err := nodes[1].do("CLUSTER", "INFO").ToString()
		if err != nil {
			t.Fatal(err)
		}
		promoted := slices.ContainsFunc(nodes[3:], func(n *redisServer) bool { return n.info("replication", "role") == "master" })
		return promoted && strings.Contains(text, "cluster_state:ok") && strings.Contains(text, "cluster_slots_fail:0")
	})
}

// failRedisOver kills a Redis server while people come and go, waits until another one has taken over, and checks that
// everything is right again, limits and the doctor too.
func (s *scene) failRedisOver(movers []int, primary *redisServer, done func() bool) {
	s.t.Helper()
	stop := s.churn(movers, churnRate)
	s.wait(time.Second)
	at := time.Now()
	primary.stop()
	took := s.until("another server to take over", startWait, done)
	s.ledger.outage(at)
	stop()
	s.t.Logf("another server took over after %v; all pages correct %v after that", took, s.settle(healBound))
	refused := 0
	for i := range 20 {
		answer, err := postForm(s.replicas[i%2].url+"/login", userName(2), fmt.Sprint("guess ", i))
		if err != nil {
			s.t.Fatal(err)
		}
		if answer.StatusCode == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused != 10 {
		s.t.Errorf("after the failover, %d of 20 guesses at two replicas were refused, want 10", refused)
	}
	cmd := exec.Command(binary, "doctor", "--db", s.replicas[0].db, "--addr", s.replicas[0].addr)
	cmd.Env = append(cleanEnv(), "REDIS_URL="+s.replicas[0].redis)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "changes are announced") {
		s.t.Errorf("rollcall doctor: %v, and printed\n%s", err, out)
	}
	s.wait(lastGrace())
	s.settle(late)
	s.report()
	s.reportPages()
}
