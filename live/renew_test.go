package live

import (
	"testing"
	"testing/synctest"
	"time"
)

// A page that couldn't apply a change gets the whole list again, but only once per renewEvery.
func TestRenew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.watch(Query{Show: Here}, f.person("ada"))
	for i, want := range []int{1, 0} {
		s.w.Renew()
		if c := s.take(t); len(c) != want || want == 1 && c[0].List == nil {
			t.Errorf("call %d of Renew sent %+v, want %d snapshots", i, c, want)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s.w.renewed = time.Now().UnixMilli()
		time.Sleep(renewEvery)
		s.w.Renew()
		if c := s.take(t); len(c) != 1 || c[0].List == nil {
			t.Errorf("Renew after %v sent %+v, want a snapshot", renewEvery, c)
		}
	})
}
