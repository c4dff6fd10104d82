package live

import (
	"testing"
	"testing/synctest"
	"time"
)

// A page that lacks a row asks for the list, and gets it once in a while.
func TestRenew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.watch(Query{Show: Here}, f.person("ada"))
	for i, want := range []int{1, 0} {
		s.w.Renew()
		if c := s.take(t); len(c) != want || want == 1 && c[0].List == nil {
			t.Errorf("request %d for the list gave %+v, want %d snapshots", i, c, want)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s.w.renewed = time.Now().UnixMilli()
		time.Sleep(renewEvery)
		s.w.Renew()
		if c := s.take(t); len(c) != 1 || c[0].List == nil {
			t.Errorf("after %v a request for the list gave %+v, want a snapshot", renewEvery, c)
		}
	})
}
