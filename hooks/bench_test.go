package hooks

import (
	"fmt"
	"testing"

	"rollcall/accounts"
)

// BenchmarkDeliver delivers changes of 50 people to 16 hooks, to a receiver on the same machine.
func BenchmarkDeliver(b *testing.B) {
	f := newFixture(b, accounts.Config{Path: b.TempDir() + "/rollcall.db"})
	owners := []accounts.Person{f.person("ada", ""), f.person("bob", ""), f.person("cyd", ""), f.person("dan", "")}
	s := f.start(leaseLife)
	for n := range 16 {
		f.isReady(f.hook(owners[n%len(owners)], accounts.HookWish{URL: fmt.Sprintf("/%d", n)}))
	}
	people := make([]accounts.Person, 50)
	for n := range people {
		people[n] = f.person(fmt.Sprintf("p%02d", n), "")
	}
	b.ResetTimer()
	sent := 0
	for n := 0; b.Loop(); n++ {
		for _, p := range people {
			f.must(f.store.SetStatus(b.Context(), p.ID, accounts.Status{State: []string{"dnd", "away"}[n%2]}, ""))
			if n == 0 {
				s.arrive(p)
			}
		}
		sent += len(people) * 16
		f.until("everything is delivered", func() bool { return s.deliver.Stats().Accepted >= uint64(sent) })
	}
	b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "deliveries/s")
}
