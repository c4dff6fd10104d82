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

// outageScene has half of the people there for good; the others come and go while churn runs.
func outageScene(t *testing.T, how setting) (s *scene, movers []int) {
	if !how.alone {
		patient(t)
	}
	s = newScene(t, how)
	s.begin()
	s.watch()
	s.probe()
	s.fill(crowdSize() / 2)
	s.settle(5 * time.Second)
	s.wait(late) // the checker excuses those who come so shortly before an outage
	return s, upTo(crowdSize()/2, crowdSize()/2+40)
}

// lastGrace is for the last who left: the short form has nobody whose line breaks, since that takes 15 s to show.
func lastGrace() time.Duration { return sized(graceClean, graceDropped) }

const (
	churnRate  = 20              // arrivals and departures a second
	healBound  = 5 * time.Second // promised: after an outage all is right again by then
	stillLost  = "cannot be reached"
	pausedText = "Live updates from other servers have been paused since"
)

// Redis is stopped, people come and go meanwhile, and it starts again empty.
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
	t.Logf("Redis was away for %v; as in truth %v after it came back empty", time.Since(away).Round(time.Millisecond), s.settle(healBound))
	s.wait(lastGrace())
	s.settle(late)
	s.report()
	s.reportPages()
}

// Redis loses everything, again and again.
func TestReplicaRedisFlushed(t *testing.T) {
	s, movers := outageScene(t, setting{})
	stop := s.churn(movers, churnRate)
	n := sized(5, 20)
	for range n {
		s.redis.do("FLUSHALL")
		at := time.Now()
		s.wait(time.Duration(rand.Int64N(int64(2 * time.Second))))
		s.ledger.loss(at) // a departure that falls into it counts from its end
	}
	stop()
	t.Logf("%d times FLUSHALL; as in truth %v after the last", n, s.settle(healBound))
	s.wait(lastGrace())
	s.settle(late)
	s.report()
	s.reportPages()
}

// Redis has no room and throws out keys at random, leases among them.
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
	t.Logf("%s keys evicted; as in truth %v after the last", evicted, s.settle(healBound))
	if evicted == "0" {
		t.Error("Redis evicted nothing: this test tests nothing")
	}
	s.wait(lastGrace())
	s.settle(late)
	s.report()
	s.reportPages()
}

// Leases are thrown out just after they were renewed, so that the others look at them before they are renewed again.
// That looks like the death of a replica to whoever looks only once.
func TestReplicaLeasesEvicted(t *testing.T) {
	s, _ := outageScene(t, setting{})
	n := sized(1, 4)
	for range n {
		for _, lease := range s.redis.keys("rollcall:replica:*") {
			s.until("a lease is renewed", 5*time.Second, func() bool {
				ms, _ := s.redis.do("PTTL", lease).AsInt64()
				return ms > 9800
			})
			s.redis.do("DEL", lease)
		}
		s.until("the leases are back", 5*time.Second, func() bool { return len(s.redis.keys("rollcall:replica:*")) == len(s.replicas) })
		s.wait(3500 * time.Millisecond) // all have looked at them once more
	}
	t.Logf("%d times each lease deleted; as in truth %v after the last", n, s.settle(healBound))
	s.report()
}

// Entries are thrown out, which looks like a departure.
func TestReplicaEntriesEvicted(t *testing.T) {
	s, _ := outageScene(t, setting{})
	n := sized(12, 40)
	for range n {
		keys := s.redis.keys("rollcall:presence:*")
		rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		s.redis.do(append([]string{"DEL"}, keys[:min(20, len(keys))]...)...)
		s.wait(time.Duration(rand.Int64N(int64(800 * time.Millisecond))))
	}
	t.Logf("%d times 20 entries deleted; as in truth %v after the last", n, s.settle(healBound))
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

// infoNumber is a value in what INFO answers.
func infoNumber(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Redis stands still for less than a lease: nobody notices.
func TestReplicaRedisFrozenBriefly(t *testing.T) {
	s, _ := outageScene(t, setting{})
	s.lastMoment()
	at := time.Now()
	s.redis.freeze()
	s.wait(5 * time.Second)
	s.redis.thaw()
	s.ledger.outage(at)
	t.Logf("as in truth %v after 5s of standstill", s.settle(healBound))
	s.wait(graceClean)
	s.report()
	s.reportPages()
	for _, w := range s.watchers {
		if said := w.everSaid(); strings.Contains(fmt.Sprint(said), pausedText) {
			t.Errorf("%s was told %q, want nothing of a standstill of 5s", w.name, said)
		}
	}
}

// lastMoment waits until some replica is about to renew its lease: it has heard nothing of Redis for the longest time
// that is in order.
func (s *scene) lastMoment() {
	s.t.Helper()
	leases := s.redis.keys("rollcall:replica:*")
	s.until("a lease is about to be renewed", 5*time.Second, func() bool {
		ms, _ := s.redis.do("PTTL", leases[0]).AsInt64()
		return ms > 0 && ms < 7300
	})
}

// Redis stands still for longer than a lease. Pages say so, and sign-ins go on.
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
	s.redis.thaw()
	s.ledger.outage(at)
	stop()
	t.Logf("frozen for %v; %d of %d watchers were told; as in truth %v after", time.Since(at).Round(time.Millisecond), told, len(s.watchers), s.settle(healBound))
	t.Logf("sign-ins meanwhile: %v, failed %d", signIns, signInsFailed)
	if told != len(s.watchers) {
		t.Errorf("%d of %d watchers were told that others cannot be heard, want all", told, len(s.watchers))
	}
	if signInsFailed > 0 || signIns.at(1) > signInBound {
		t.Errorf("%d sign-ins failed and the slowest took %v, want none and %v or less", signInsFailed, signIns.at(1), signInBound)
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

// signInBound is no promise of its own: that nothing hangs on Redis. A sign-in asks it up to four times and waits half
// a second each.
const signInBound = 4 * time.Second

// signIns signs people in one after the other until then, on one replica after the other.
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

// Redis is far away: 300 ms for each round trip.
func TestReplicaRedisSlow(t *testing.T) {
	s, movers := outageScene(t, setting{proxied: true, alone: true})
	s.ledger.late, s.ledger.heard = 3*time.Second, 2500*time.Millisecond
	for _, r := range s.replicas {
		r.proxy.delay(300 * time.Millisecond)
	}
	stop := s.churn(movers, churnRate)
	short := 100 * time.Second
	for until := time.Now().Add(sized(9*time.Second, time.Minute)); time.Now().Before(until); s.wait(250 * time.Millisecond) {
		leases := s.redis.keys("rollcall:replica:*")
		if len(leases) != len(s.replicas) {
			t.Errorf("%d leases, want those of %d replicas", len(leases), len(s.replicas))
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
	if got := v.arrivals.at(0.99); len(v.arrivals) == 0 || got > 2*time.Second {
		t.Errorf("p99 of arrivals = %v of %d, want 2s or less", got, len(v.arrivals))
	}
}

// redisAway is how Redis can be away when replicas start: not there, or there and saying nothing.
var redisAway = []struct {
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
		s.until(r.name+" has said that it serves alone", late, func() bool { return len(r.logged("serving alone")) > 0 })
		slowest = max(slowest, took)
	}
	return s, slowest
}

// Replicas that start without Redis serve soon. It is measured, so no other test runs beside.
func TestReplicaServesWithoutRedis(t *testing.T) {
	for _, c := range redisAway {
		t.Run(c.name, func(t *testing.T) {
			if _, slowest := startWithoutRedis(t, c.name, c.frozen); slowest > 2*time.Second {
				t.Errorf("a replica served after %v, want 2s or less", slowest)
			}
		})
	}
}

// Replicas that started without Redis join when it appears.
func TestReplicaRedisDownAtBoot(t *testing.T) {
	patient(t)
	for _, c := range redisAway {
		s, _ := startWithoutRedis(t, c.name, c.frozen)
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
		t.Logf("Redis %s: joined and as in truth %v after it appeared", c.name, s.settle(5*time.Second))
		s.ledger.outage(at.Add(-10 * time.Second))
		s.report()
	}
}

// One replica is cut off from Redis. It says so, keeps the people of the other as they were, keeps its own right, and
// heals without a reload. The other hides the people of the first when their lease is over, and has them back.
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
		t.Log("the line is cut")
		a.proxy.cut()
	} else {
		t.Log("the line is silent")
		a.proxy.freeze()
	}
	newcomer, elsewhere := crowdSize()/2+1, crowdSize()/2+2
	s.wait(time.Second)
	seen := time.Now()
	tab := s.mustOpen(newcomer, a)
	s.mustOpen(elsewhere, b)
	took := s.until("a newcomer is seen where they came, cut off or not", 2*time.Second, func() bool { return s.shownAt(a, newcomer) == "online" })
	t.Logf("a newcomer at A was seen there after %v", max(took, time.Since(seen)))
	s.until("pages say so", 15*time.Second, func() bool { return strings.HasPrefix(atA[0].notLive(), pausedText) })
	t.Logf("pages of A say %q %v after the cut", atA[0].notLive(), time.Since(cut))
	if got := time.Since(cut); got < 6*time.Second {
		t.Errorf("pages said so %v after the cut, want nothing of the first seconds", got)
	}
	s.wait(time.Second)
	for _, w := range atA {
		stale, present := w.drained()
		if present > 1 && (stale == 0 || stale >= present) {
			t.Errorf("%s shows %d of %d people without colour, want those of B", w.name, stale, present)
		}
	}
	if got := s.shownAt(a, elsewhere); got != "offline" {
		t.Errorf("A shows somebody who has just come to B as %s: the line is not cut", got)
	}
	body, _, err := s.get(a, "/")
	if err != nil || !strings.Contains(string(body), pausedText) {
		t.Errorf("a page loaded from A now does not say %q (%v)", pausedText, err)
	}
	tab.leave()
	s.wait(time.Until(cut.Add(sized(10*time.Second, 40*time.Second))))
	hidden := 0
	for u := 0; u < crowdSize()/2; u += 2 {
		if s.shownAt(b, u) == "offline" {
			hidden++
		}
	}
	t.Logf("after %v %s hides %d of the %d people of A", time.Since(cut).Round(time.Millisecond), b.name, hidden, crowdSize()/4)
	if want := crowdSize() / 4; hidden != want && time.Since(cut) > leaseMost+late {
		t.Errorf("%s hides %d people of A after the longest lease, want all %d", b.name, hidden, want)
	}
	s.until("who left at A while it was cut off is shown gone there", graceClean+late, func() bool { return s.shownAt(a, newcomer) == "offline" })
	for _, w := range atB {
		if said := w.notLive(); said != "" {
			t.Errorf("%s says %q, want nothing at the replica that is not cut off", w.name, said)
		}
	}
	a.proxy.heal()
	t.Logf("as in truth %v after the line was whole", s.settle(healBound))
	for _, w := range s.watchers {
		s.until(w.name+" says nothing any more", 2*time.Second, func() bool { return w.notLive() == "" })
		s.until(w.name+" shows everybody in colour", late, func() bool { stale, _ := w.drained(); return stale == 0 })
	}
	s.reportPages()

	// What the watchers of A were shown is never excused; at B the people of A are, for as long as it was cut off.
	s.ledger.outage(cut)
	var records []record
	for _, w := range atA {
		records = append(records, w.record())
	}
	s.wantNone("shown offline at A while there", s.ledger.judge(records).falseOffline)
	for _, w := range atB {
		for u, sights := range w.record().sights {
			for _, sg := range sights {
				if sg.offline() && u%2 == 0 && sg.at.After(cut) && sg.at.Before(cut.Add(leaseLeast-early)) {
					t.Errorf("%s was shown offline at B %v after the cut, want at least %v", userName(u), sg.at.Sub(cut), leaseLeast)
				}
				if sg.offline() && u%2 == 1 && u < crowdSize()/2 && sg.at.After(cut) {
					t.Errorf("%s, who is at B, was shown offline at B", userName(u))
				}
			}
		}
	}
}
