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

// promptLink is a noticeboard that answers in no time, and notes when it was asked and about how many users. It
// is silent about other replicas, and announces nothing but beats.
type promptLink struct {
	link
	s      *syncer
	mu     sync.Mutex
	reads  []promptStep // guarded by mu
	writes []promptStep // guarded by mu
}

type promptStep struct {
	at    time.Time
	users int
}

func (l *promptLink) survey(context.Context, func(users, replicas []string)) error { return nil }

func (l *promptLink) read(_ context.Context, users []string) ([]map[string]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads = append(l.reads, promptStep{time.Now(), len(users)})
	return make([]map[string]string, len(users)), nil
}

func (l *promptLink) write(_ context.Context, entries []entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes = append(l.writes, promptStep{time.Now(), len(entries)})
	return nil
}

func (l *promptLink) owner(context.Context, bool) error { return nil }

func (l *promptLink) beat(context.Context, health) (bool, error) {
	l.s.invalidated(nil, []string{l.s.self}, false)
	return true, nil
}

func (l *promptLink) renew(context.Context) error { return nil }

func (l *promptLink) close() {}

// TestGather: a lone change is written, and a lone announcement read, almost at once, and what comes in one go together.
// While more come all the time, they are gathered, and none waits longer than for that.
func TestGather(t *testing.T) {
	const ms = time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		s := newSyncer("self", slog.New(slog.DiscardHandler))
		l := &promptLink{s: s}
		s.link = l
		s.start()
		defer s.Close()
		// steps makes n changes, every so often, and returns how many steps they took and how long any of them waited.
		steps := func(what string, n int, every time.Duration, change func(user string), seen *[]promptStep) (took int, longest time.Duration) {
			t.Helper()
			time.Sleep(beatEvery / 6)
			synctest.Wait() // the loop sleeps: what the link noted can be read
			*seen = nil
			began := time.Now()
			for i := range n {
				change(fmt.Sprint(what, n, "of", i))
				time.Sleep(every)
			}
			time.Sleep(gather)
			synctest.Wait()
			users := 0
			for _, step := range *seen {
				longest = max(longest, step.at.Sub(began.Add(time.Duration(users)*every))) // of the first in this step
				users += step.users
			}
			if users != n {
				t.Errorf("%d of %d changes were %s", users, n, what)
			}
			return len(*seen), longest
		}
		for _, c := range []struct {
			what   string
			change func(user string)
			seen   *[]promptStep
		}{
			{"written", func(user string) { s.Publish(user, Digest{Connected: true}) }, &l.writes},
			{"read", func(user string) { s.invalidated([]string{user}, nil, false) }, &l.reads},
		} {
			if _, waited := steps(c.what, 1, ms, c.change, c.seen); waited > ms {
				t.Errorf("a lone change was %s after %v, want %v", c.what, waited, ms)
			}
			if n, _ := steps(c.what, 10, ms/20, c.change, c.seen); n != 1 {
				t.Errorf("10 changes in one go were %s in %d steps, want 1", c.what, n)
			}
			n, waited := steps(c.what, 100, ms, c.change, c.seen)
			if most := 2 + 100/int(gather/ms); n > most || waited > gather {
				t.Errorf("100 changes in as many ms were %s in %d steps, the longest after %v, want %d and %v at most", c.what, n, waited, most, gather)
			}
		}
	})
}

// leaseLink tells how long any other replica has a lease.
type leaseLink struct {
	*promptLink
	left func() time.Duration
}

func (l leaseLink) leases(_ context.Context, replicas []string) ([]time.Duration, error) {
	left := make([]time.Duration, len(replicas))
	for i := range left {
		left[i] = l.left()
	}
	return left, nil
}

// TestBackWhileAsked: a replica comes back just after another asked for its lease, and that is announced before the answer
// arrives that it has none. The other asks again at once, not only with its next beat.
func TestBackWhileAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSyncer("self", slog.New(slog.DiscardHandler))
		asked := 0
		s.link = leaseLink{&promptLink{s: s}, func() time.Duration {
			if asked++; asked > 1 {
				return LeaseTTL
			}
			s.invalidated(nil, []string{"other"}, false)
			return 0
		}}
		s.start()
		defer s.Close()
		time.Sleep(beatEvery / 3)
		s.invalidated(nil, []string{"other"}, false)
		time.Sleep(beatEvery / 3)
		if got := s.Peers().Others; got != 1 {
			t.Errorf("after %d questions Peers tells of %d other replicas, want the one that is back", asked, got)
		}
	})
}

// failingLink fails every beat with err, and counts how often its connection is replaced.
type failingLink struct {
	*promptLink
	mu     sync.Mutex
	err    error // guarded by mu
	renews int   // guarded by mu
}

func (l *failingLink) beat(ctx context.Context, says health) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return false, l.err
	}
	return l.promptLink.beat(ctx, says)
}

func (l *failingLink) renew(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.renews++
	return nil
}

// TestRedial: while beats fail, the connection is replaced every few seconds. When the server says that it takes no
// writes, it's replaced before the next try, and every second from then on.
func TestRedial(t *testing.T) {
	for _, c := range []struct {
		err   error
		after time.Duration
		want  int
	}{
		{errNotConnected, redialEvery - retryLast, 0},
		{errNotConnected, 4*redialEvery + redialEvery/2, 4},
		{errReadOnly, 2 * retryFirst, 1},
		{errReadOnly, 5*redialTold + 2*retryFirst, 5},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSyncer("self", slog.New(slog.DiscardHandler))
			l := &failingLink{promptLink: &promptLink{s: s}}
			s.link = l
			s.start()
			defer s.Close()
			time.Sleep(beatEvery / 2)
			l.mu.Lock()
			l.err = c.err
			l.mu.Unlock()
			time.Sleep(beatEvery/2 + c.after)
			l.mu.Lock()
			defer l.mu.Unlock()
			// The pauses between tries put each replacement off by up to one of them.
			if least := c.want - c.want/4; l.renews < least || l.renews > c.want {
				t.Errorf("%v after beats began to fail with %q, the connection was replaced %d times, want %d to %d", c.after, c.err, l.renews, least, c.want)
			}
		})
	}
}
