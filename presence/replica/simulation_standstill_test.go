//go:build !race

package replica

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/presence"
)

// resumed makes a replica stand still while its people leave, and returns how many of them another replica shows again
// when it resumes. The replica notices a moment later that the connections are gone.
func resumed(t *testing.T, seed uint64, with rules) (ghosts int) {
	r := rand.New(rand.NewPCG(seed, 9))
	b := newSimStore(rand.New(rand.NewPCG(seed, 10)))
	a, other := b.open("a"), b.open("b")
	a.rules = with
	a.start()
	other.start()
	defer a.Close()
	defer other.Close()
	users := make([]string, 12)
	for i := range users {
		users[i] = fmt.Sprint("u", i)
		a.Publish(users[i], presence.Digest{Connected: true})
	}
	shown := func() (n int) {
		for _, u := range users {
			n += len(other.Remote(u))
		}
		return n
	}
	time.Sleep(5 * time.Second)
	if got := shown(); got != len(users) {
		t.Fatalf("%d of %d people are shown before the standstill", got, len(users))
	}
	still := leaseTTL + time.Duration(5+r.IntN(100))*time.Second
	resume := func() {}
	if r.IntN(2) == 0 {
		a.loop.end() // its loop stops between two rounds, and its data stays
		resume = func() {
			a.loop.ended = make(chan struct{})
			a.start()
		}
	} else { // in the middle of a round: its next command runs when it resumes
		a.store.(*simConn).stopped = time.Now().Add(still)
	}
	time.Sleep(still)
	if got := shown(); got != 0 {
		t.Fatalf("%d people of a replica without a lease are shown", got)
	}
	resume()
	noticed := time.Now().Add(time.Duration(r.IntN(300)) * time.Millisecond)
	for end := time.Now().Add(8 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Microsecond) {
		if !noticed.IsZero() && time.Now().After(noticed) {
			for _, u := range users {
				a.Publish(u, presence.Digest{})
			}
			noticed = time.Time{}
		}
		ghosts = max(ghosts, shown())
	}
	return ghosts
}

// TestStandstill: people who left while their replica stood still aren't shown again. Without the rule, they are.
func TestStandstill(t *testing.T) {
	const runs = 40
	without := allRules
	without.standstill = false
	for name, with := range map[string]rules{"all rules": allRules, "without standstill": without} {
		found := 0
		for range runs {
			seed := rand.Uint64()
			synctest.Test(t, func(t *testing.T) {
				if ghosts := resumed(t, seed, with); ghosts > 0 {
					found++
					if with.standstill {
						t.Errorf("seed %d: %d people who have left are shown again", seed, ghosts)
					}
				}
			})
		}
		t.Logf("%s: people who have left are shown again in %d of %d runs", name, found, runs)
		if !with.standstill && found == 0 {
			t.Error("without the rule, nobody is shown again, so the test has no effect")
		}
	}
}
