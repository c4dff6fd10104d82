package presence

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// promptLink is a noticeboard that answers in no time, and notes when what was asked of it. It tells of no other replicas.
type promptLink struct {
	link
	s      *syncer
	mu     sync.Mutex
	reads  []time.Time // guarded by mu
	writes []time.Time // guarded by mu
}

func (l *promptLink) survey(context.Context) (users, replicas []string, err error) {
	return nil, nil, nil
}

func (l *promptLink) read(_ context.Context, users []string) ([]map[string]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads = append(l.reads, time.Now())
	return make([]map[string]string, len(users)), nil
}

func (l *promptLink) write(context.Context, []entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes = append(l.writes, time.Now())
	return nil
}

func (l *promptLink) beat(context.Context, health) (bool, error) {
	l.s.invalidated(nil, []string{l.s.self}, false)
	return true, nil
}

func (l *promptLink) close() {}

// TestGather: a lone change is written, and a lone announcement read, without any rest. Of many in a row only the first is;
// the others are gathered.
func TestGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSyncer("self", slog.New(slog.DiscardHandler))
		l := &promptLink{s: s}
		s.link = l
		s.start()
		defer s.Close()
		quiet := func() time.Time {
			time.Sleep(beatEvery / 3)
			synctest.Wait()
			l.reads, l.writes = nil, nil
			return time.Now()
		}
		for what, change := range map[string]struct {
			does func(user string)
			seen *[]time.Time
		}{
			"written": {func(user string) { s.Publish(user, Digest{Connected: true}) }, &l.writes},
			"read":    {func(user string) { s.invalidated([]string{user}, nil, false) }, &l.reads},
		} {
			at := quiet()
			change.does("ada")
			synctest.Wait()
			if got := *change.seen; len(got) != 1 || !got[0].Equal(at) {
				t.Errorf("a lone change was %s at %v, want at %v", what, got, at)
			}
			quiet()
			const n = 100
			for i := range n {
				change.does(fmt.Sprint(what, i))
				time.Sleep(time.Millisecond)
			}
			time.Sleep(gather)
			synctest.Wait()
			if got, want := len(*change.seen), 1+n/int(gather/time.Millisecond); got > want {
				t.Errorf("%d changes in as many ms were %s in %d steps, want %d at most", n, what, got, want)
			}
		}
	})
}
