//go:build unix

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"
)

// outageScene takes a slot and is like busyScene.
func outageScene(t *testing.T, how setting) (s *scene, movers []int) {
	t.Helper()
	patient(t)
	return busyScene(t, how)
}

// busyScene connects half of the people for the whole test. The movers come and go while churn runs.
func busyScene(t *testing.T, how setting) (s *scene, movers []int) {
	t.Helper()
	s = newScene(t, how)
	s.begin()
	s.watch()
	s.probe()
	s.fill(crowdSize() / 2)
	s.settle(5 * time.Second)
	s.wait(late) // the checker excuses people who arrive less than this before an outage
	return s, upTo(crowdSize()/2, crowdSize()/2+40)
}

// lastGrace is the longest grace period of the people who left. In the short version no connection breaks, because that
// takes 15 s to show.
func lastGrace() time.Duration { return sized(graceClean, graceDropped) }

const (
	churnRate  = 20              // arrivals and departures per second
	healBound  = 5 * time.Second // promised: how long after an outage all pages are correct again
	stillLost  = "cannot be reached"
	pausedText = "Live updates from other servers have been paused since"
)

// Redis stops, people come and go in the meantime, and it starts again empty.
func TestReplicaRedisStopped(t *testing.T) {
	s, movers := outageScene(t, setting{})
	stop := s.churn(movers, churnRate)
	s.wait(time.Second)
	away := time.Now()
	s.redis.stop()
	s.wait(sized(5*time.Second, 30*time.Second))
	s.redis.start()
	s.ledger.outage(away)
	stop()
	t.Logf("Redis was down for %v; all pages correct %v after it came back empty",
		time.Since(away).Round(time.Millisecond), s.settle(healBound))
	s.wait(lastGrace())
	s.settle(late)
	s.report()
	s.reportPages()
}

// Redis loses everything several times.
func TestReplicaRedisFlushed(t *testing.T) {
	s, movers := outageScene(t, setting{})
	stop := s.churn(movers, churnRate)
	n := sized(5, 20)
	for range n {
		s.redis.do("FLUSHALL")
		at := time.Now()
		s.wait(time.Duration(rand.Int64N(int64(2 * time.Second))))
		s.ledger.loss(at) // a departure during this time counts from its end
	}
	stop()
	t.Logf("%d times FLUSHALL; all pages correct %v after the last", n, s.settle(healBound))
	s.wait(lastGrace())
	s.settle(late)
	s.report()
	s.reportPages()
}

// Redis runs out of memory and evicts random keys, including leases.
func TestReplicaRedisEvicting(t *testing.T) {
	s, movers := outageScene(t, setting{})
	stop := s.churn(movers, churnRate)
	began := time.Now()
	s.redis.do("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
	s.redis.do("CONFIG", "SET", "maxmemory", s.usedMemory())
	s.wait(sized(4*time.Second, 20*time.Second))
	s.redis.do("CONFIG", "SET", "maxmemory", "0")
	s.ledger.loss(began)
	stop()
	info, err := s.redis.do("INFO", "stats").ToString()
	if err != nil {
		t.Fatal(err)
	}
	evicted := infoNumber(info, "evicted_keys")
	t.Logf("%s keys evicted; all pages correct %v after the last", evicted, s.settle(healBound))
	if evicted == "0" {
		t.Error("Redis evicted no keys, so this test tested nothing")
	}
	s.wait(lastGrace())
	s.settle(late)
	s.report()
	s.reportPages()
}

// Leases are deleted just after they were renewed, so that the other replicas see them missing before the next renewal.
// A replica that checked only once would consider their owners dead.
func TestReplicaLeasesEvicted(t *testing.T) {
	s, _ := outageScene(t, setting{})
	n := sized(1, 4)
	for range n {
		for _, lease := range s.redis.leases() {
			s.until("a lease is renewed", 5*time.Second, func() bool {
				ms, _ := s.redis.do("PTTL", lease).AsInt64()
				return ms > 9800
			})
			s.redis.do("DEL", lease)
		}
		s.until("the leases are back",
			5*time.Second, func() bool { return len(s.redis.leases()) == len(s.replicas) })
		s.wait(3500 * time.Millisecond) // all replicas have checked them once more
	}
	t.Logf("each lease deleted %d times; all pages correct %v after the last", n, s.settle(healBound))
	s.report()
}

// Presence entries are deleted, which looks like a departure.
func TestReplicaEntriesEvicted(t *testing.T) {
	s, _ := outageScene(t, setting{})
	n := sized(12, 40)
	for range n {
		keys := s.redis.keys("rollcall:presence:*")
		rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		s.redis.do(append([]string{"DEL"}, keys[:min(20, len(keys))]...)...)
		s.wait(time.Duration(rand.Int64N(int64(800 * time.Millisecond))))
	}
	t.Logf("20 entries deleted %d times; all pages correct %v after the last", n, s.settle(healBound))
	s.report()
}

func (s *scene) usedMemory() string {
	s.t.Helper()
	info, err := s.redis.do("INFO", "memory").ToString()
	if err != nil {
		s.t.Fatal(err)
	}
	return infoNumber(info, "used_memory")
}

// infoNumber returns a value from the output of INFO.
func infoNumber(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Redis is frozen for less than a lease. Nobody notices.
func TestReplicaRedisFrozenBriefly(t *testing.T) {
	s, _ := outageScene(t, setting{})
	s.untilRenewalIsDue()
	at := time.Now()
	s.redis.freeze()
	s.wait(5 * time.Second)
	s.redis.resume()
	s.ledger.outage(at)
	t.Logf("all pages correct %v after Redis was frozen for 5s", s.settle(healBound))
	s.wait(graceClean)
	s.report()
	s.reportPages()
	for _, w := range s.watchers {
		if said := w.everSaid(); strings.Contains(fmt.Sprint(said), pausedText) {
			t.Errorf("%s was told %q, want no message when Redis is frozen for only 5s", w.name, said)
		}
	}
}

// untilRenewalIsDue waits until a replica is about to renew its lease. Its last response from Redis is then as old as
// it gets in normal operation.
func (s *scene) untilRenewalIsDue() {
	s.t.Helper()
	leases := s.redis.leases()
	s.until("a lease is about to be renewed", 5*time.Second, func() bool {
		ms, _ := s.redis.do("PTTL", leases[0]).AsInt64()
		return ms > 0 && ms < 7300
	})
}

// Redis is frozen for longer than a lease. Pages say that updates are paused, and sign-ins still work.
func TestReplicaRedisFrozen(t *testing.T) {
	s, movers := outageScene(t, setting{})
	stop := s.churn(movers, churnRate)
	at := time.Now()
	s.redis.freeze()
	signIns, signInsFailed := s.signIns(at.Add(sized(11*time.Second, 40*time.Second)))
	var told int
	for _, w := range s.watchers {
		if strings.Contains(w.notLive(), pausedText) {
			told++
		}
	}
	s.redis.resume()
	s.ledger.outage(at)
	stop()
	t.Logf("frozen for %v; %d of %d watchers were told; all pages correct %v after",
		time.Since(at).Round(time.Millisecond), told, len(s.watchers), s.settle(healBound))
	t.Logf("sign-ins in the meantime: %v, failed %d", signIns, signInsFailed)
	if told != len(s.watchers) {
		t.Errorf("%d of %d watchers were told that updates are paused, want all", told, len(s.watchers))
	}
	if signInsFailed > 0 || chaos && signIns.at(1) > signInBound {
		t.Errorf("%d sign-ins failed and the slowest took %v, want none and %v or less",
			signInsFailed, signIns.at(1), signInBound)
	}
	s.wait(lastGrace())
	s.settle(late)
	s.report()
	s.reportPages()
	for _, w := range s.watchers {
		if said := w.notLive(); said != "" {
			t.Errorf("%s still says %q, want nothing", w.name, said)
		}
	}
}

// signInBound shows that sign-ins don't hang on Redis. A sign-in makes up to four requests to it and waits half a
// second for each.
const signInBound = 4 * time.Second

// signIns signs people in one by one until the given time, alternating between replicas.
func (s *scene) signIns(until time.Time) (took times, failed int) {
	for i := 0; time.Now().Before(until); i++ {
		began := time.Now()
		answer, err := postForm(s.replicas[i%len(s.replicas)].url+"/login", userName(i%s.cast.people), password)
		took = append(took, time.Since(began))
		if err != nil || answer.StatusCode != http.StatusSeeOther {
			failed++
		}
		s.wait(300 * time.Millisecond)
	}
	return took, failed
}

// Redis is far away, with 300 ms for each round trip.
func TestReplicaRedisSlow(t *testing.T) {
	measured(t)
	s, movers := busyScene(t, setting{proxied: true})
	s.ledger.late, s.ledger.heard = 3*time.Second, 2500*time.Millisecond
	for _, r := range s.replicas {
		r.proxy.delay(300 * time.Millisecond)
	}
	stop := s.churn(movers, churnRate)
	short := 100 * time.Second
	for until := time.Now().Add(sized(9*time.Second,
		time.Minute)); time.Now().Before(until); s.wait(250 * time.Millisecond) {
		leases := s.redis.leases()
		if len(leases) != len(s.replicas) {
			t.Errorf("%d leases, want %d, one per replica", len(leases), len(s.replicas))
		}
		for _, l := range leases {
			if ms, err := s.redis.do("PTTL", l).AsInt64(); err == nil {
				short = min(short, time.Duration(ms)*time.Millisecond)
			}
		}
	}
	stop()
	for _, r := range s.replicas {
		s.wantNone("replica "+r.name+" logged", r.logged(stillLost))
	}
	t.Logf("the shortest lease had %v left", short)
	s.settle(healBound)
	v := s.report()
	s.reportPages()
	if got := v.arrivals.at(0.99); len(v.arrivals) == 0 || chaos && got > 2*time.Second {
		t.Errorf("p99 of arrivals = %v of %d, want 2s or less", got, len(v.arrivals))
	}
}

// redisOutages are the ways Redis can be down when replicas start: it isn't running, or it doesn't respond.
var redisOutages = []struct {
	name   string
	frozen bool
}{{"refuses", false}, {"silent", true}}

// startWithoutRedis starts the replicas of a new scene, and returns how long the slowest took.
func startWithoutRedis(t *testing.T, name string, frozen bool) (s *scene, slowest time.Duration) {
	t.Helper()
	s = newScene(t, setting{noRedis: true, proxied: true})
	if frozen {
		s.redis.start()
	}
	for _, r := range s.replicas {
		if frozen {
			r.proxy.freeze()
		}
		took := r.start("--warming=50ms")
		t.Logf("Redis %s: %s serves after %v", name, r.name, took)
		s.until(r.name+" has logged that it serves alone", late, func() bool { return len(r.logged("serving alone")) > 0 })
		slowest = max(slowest, took)
	}
	return s, slowest
}

// Replicas that start without Redis serve soon, and join when it appears.
func TestReplicaRedisDownAtBoot(t *testing.T) {
	measured(t)
	for _, c := range redisOutages {
		s, slowest := startWithoutRedis(t, c.name, c.frozen)
		if chaos && slowest > 2*time.Second {
			t.Errorf("Redis %s: a replica served after %v, want 2s or less", c.name, slowest)
		}
		s.watch()
		s.fill(20)
		s.wait(time.Second)
		at := time.Now()
		if c.frozen {
			for _, r := range s.replicas {
				r.proxy.heal()
			}
		} else {
			s.redis.start()
		}
		t.Logf("Redis %s: joined and all pages correct %v after it appeared", c.name, s.settle(5*time.Second))
		s.ledger.outage(at.Add(-10 * time.Second))
		s.report()
	}
}

// One replica is cut off from Redis. It says so, keeps the other replica's people as last known and its own people
// correct, and recovers without a reload. The other replica hides the people of the first when the lease expires, and
// shows them again later.
func TestReplicaCutOff(t *testing.T) {
	s, _ := outageScene(t, setting{proxied: true})
	a, b := s.replicas[0], s.replicas[1]
	var atA, atB []*watcher
	for _, w := range s.watchers {
		if w.r == a {
			atA = append(atA, w)
		} else {
			atB = append(atB, w)
		}
	}
	cut := time.Now()
	if rand.IntN(2) == 0 {
		t.Log("the connection is cut")
		a.proxy.cut()
	} else {
		t.Log("the connection is frozen")
		a.proxy.freeze()
	}
	newcomer, elsewhere := crowdSize()/2+1, crowdSize()/2+2
	s.wait(time.Second)
	seen := time.Now()
	tab := s.mustOpen(newcomer, a)
	s.mustOpen(elsewhere, b)
	took := s.until("a newcomer is shown at the replica they connected to", 2*time.Second,
		func() bool { return s.shownAt(a, newcomer) == "online" })
	t.Logf("a newcomer at A was shown there after %v", max(took, time.Since(seen)))
	s.until("pages say that updates are paused",
		15*time.Second, func() bool { return strings.HasPrefix(atA[0].notLive(), pausedText) })
	t.Logf("pages of A say %q %v after the cut", atA[0].notLive(), time.Since(cut))
	if got := time.Since(cut); got < 6*time.Second {
		t.Errorf("pages said so %v after the cut, want no message in the first seconds", got)
	}
	s.wait(time.Second)
	for _, w := range atA {
		stale, present := w.staleCount()
		if present > 1 && (stale == 0 || stale >= present) {
			t.Errorf("%s shows %d of %d people as stale, want those of B", w.name, stale, present)
		}
	}
	if got := s.shownAt(a, elsewhere); got != "offline" {
		t.Errorf("A shows a newcomer at B as %s, so the connection isn't cut", got)
	}
	body, _, err := s.get(a, "/")
	if err != nil || !strings.Contains(string(body), pausedText) {
		t.Errorf("a page loaded from A now doesn't say %q (%v)", pausedText, err)
	}
	tab.leave()
	s.wait(time.Until(cut.Add(sized(10*time.Second, 40*time.Second))))
	hidden := 0
	for u := 0; u < crowdSize()/2; u += 2 {
		if s.shownAt(b, u) == "offline" {
			hidden++
		}
	}
	t.Logf("after %v %s hides %d of the %d people of A", time.Since(cut).Round(time.Millisecond), b.name, hidden,
		crowdSize()/4)
	if want := crowdSize() / 4; hidden != want && time.Since(cut) > leaseMost+late {
		t.Errorf("%s hides %d people of A after the longest lease, want all %d", b.name, hidden, want)
	}
	s.until("the person who left A while it was cut off is shown offline there",
		graceClean+late, func() bool { return s.shownAt(a, newcomer) == "offline" })
	for _, w := range atB {
		if said := w.notLive(); said != "" {
			t.Errorf("%s says %q, want no message at the replica that isn't cut off", w.name, said)
		}
	}
	a.proxy.heal()
	t.Logf("all pages correct %v after the connection was restored", s.settle(healBound))
	for _, w := range s.watchers {
		s.until(w.name+" shows no message", 2*time.Second, func() bool { return w.notLive() == "" })
		s.until(w.name+" shows nobody as stale", late, func() bool { stale, _ := w.staleCount(); return stale == 0 })
	}
	s.reportPages()

	// A must always show its own people correctly. B may hide A's people while A is cut off.
	s.ledger.outage(cut)
	var records []record
	for _, w := range atA {
		records = append(records, w.record())
	}
	s.wantNone("shown offline at A while connected", s.ledger.judge(records).falseOffline)
	for _, w := range atB {
		for u, observations := range w.record().observations {
			for _, sg := range observations {
				if sg.offline() && u%2 == 0 && sg.at.After(cut) && sg.at.Before(cut.Add(leaseLeast-early)) {
					t.Errorf("%s was shown offline at B %v after the cut, want at least %v",
						userName(u), sg.at.Sub(cut), leaseLeast)
				}
				if sg.offline() && u%2 == 1 && u < crowdSize()/2 && sg.at.After(cut) {
					t.Errorf("%s is connected to B, but was shown offline there", userName(u))
				}
			}
		}
	}
}
