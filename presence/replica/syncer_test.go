package replica

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/presence"
)

// instantStore answers at once, and records when it was called and with how many users. It has no other replicas, and
// announces only beats.
type instantStore struct {
	sharedStore
	s      *syncer
	mu     sync.Mutex
	reads  []call // guarded by mu
	writes []call // guarded by mu
}

type call struct {
	at    time.Time
	users int
}

func (l *instantStore) survey(context.Context, func(users, replicas []string)) error { return nil }

func (l *instantStore) read(_ context.Context, users []string) ([]map[string]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads = append(l.reads, call{time.Now(), len(users)})
	return make([]map[string]string, len(users)), nil
}

func (l *instantStore) whole() error { return nil }

func (l *instantStore) write(_ context.Context, entries []entry) ([]entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes = append(l.writes, call{time.Now(), len(entries)})
	return nil, nil
}

func (l *instantStore) owner(context.Context, bool) error { return nil }

func (l *instantStore) beat(context.Context, leaseInfo, bool) (bool, error) {
	l.s.announced(nil, []string{l.s.self})
	return true, nil
}

func (l *instantStore) reconnect(context.Context) error { return nil }

func (l *instantStore) close() {}

// TestGather: the loop handles a single change or announcement almost at once, and several at the same moment together.
// While more keep coming, it handles them in batches, and none waits longer than gather.
func TestGather(t *testing.T) {
	const ms = time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		s := newSyncer("self", slog.New(slog.DiscardHandler))
		l := &instantStore{s: s}
		s.store = l
		s.start()
		defer s.Close()
		// steps makes n changes, one per interval, and returns how many calls they took and the longest wait.
		steps := func(what string, n int, every time.Duration, change func(user string), seen *[]call) (int, time.Duration) {
			t.Helper()
			time.Sleep(beatEvery / 6)
			synctest.Wait() // the loop sleeps, so the recorded calls can be read
			*seen = nil
			began := time.Now()
			for i := range n {
				change(fmt.Sprint(what, n, "of", i))
				time.Sleep(every)
			}
			time.Sleep(gather)
			synctest.Wait()
			users, longest := 0, time.Duration(0)
			for _, step := range *seen {
				longest = max(longest, step.at.Sub(began.Add(time.Duration(users)*every))) // the first one waits longest
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
			seen   *[]call
		}{
			{"written", func(user string) { s.Publish(user, presence.Digest{Connected: true}) }, &l.writes},
			{"read", func(user string) { s.announced([]string{user}, nil) }, &l.reads},
		} {
			if _, waited := steps(c.what, 1, ms, c.change, c.seen); waited > ms {
				t.Errorf("a single change was %s after %v, want %v", c.what, waited, ms)
			}
			if n, _ := steps(c.what, 10, ms/20, c.change, c.seen); n != 1 {
				t.Errorf("10 changes at once were %s in %d calls, want 1", c.what, n)
			}
			n, waited := steps(c.what, 100, ms, c.change, c.seen)
			if most := 2 + 100/int(gather/ms); n > most || waited > gather {
				t.Errorf("100 changes in 100 ms were %s in %d calls, with a longest wait of %v, want at most %d and %v",
					c.what, n, waited, most, gather)
			}
		}
	})
}

// leaseStore has a function that returns how long another replica has a lease.
type leaseStore struct {
	*instantStore
	left func() time.Duration
}

func (l leaseStore) leases(_ context.Context, replicas []string) ([]time.Duration, error) {
	left := make([]time.Duration, len(replicas))
	for i := range left {
		left[i] = l.left()
	}
	return left, nil
}

// TestLeaseAnnouncedDuringRead: a replica renews its lease just after another one read that it has none, and the
// announcement overtakes the answer. The reader reads again at once, instead of waiting for its next beat.
func TestLeaseAnnouncedDuringRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSyncer("self", slog.New(slog.DiscardHandler))
		asked := 0
		s.store = leaseStore{&instantStore{s: s}, func() time.Duration {
			if asked++; asked > 1 {
				return leaseTTL
			}
			s.announced(nil, []string{"other"})
			return 0
		}}
		s.start()
		defer s.Close()
		time.Sleep(beatEvery / 3)
		s.announced(nil, []string{"other"})
		time.Sleep(beatEvery / 3)
		if got := s.Peers().Others; got != 1 {
			t.Errorf("after %d reads of the lease, Peers().Others = %d, want 1", asked, got)
		}
	})
}

// failingStore fails every beat with err, and counts reconnects.
type failingStore struct {
	*instantStore
	mu         sync.Mutex
	err        error // guarded by mu
	reconnects int   // guarded by mu
}

func (l *failingStore) beat(ctx context.Context, info leaseInfo, only bool) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return false, l.err
	}
	return l.instantStore.beat(ctx, info, only)
}

func (l *failingStore) reconnect(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reconnects++
	return nil
}

// TestReconnectWhileBeatsFail: while beats fail, the replica replaces its connection every few seconds. If the server
// accepts no writes, it does so before the next try, and every second from then on.
func TestReconnectWhileBeatsFail(t *testing.T) {
	for _, c := range []struct {
		err   error
		after time.Duration
		want  int
	}{
		{errNotConnected, redialEvery - retryLast, 0},
		{errNotConnected, 4*redialEvery + redialEvery/2, 4},
		{errReadOnly, 2 * retryFirst, 1},
		{errReadOnly, 5*redialReadOnly + 2*retryFirst, 5},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSyncer("self", slog.New(slog.DiscardHandler))
			l := &failingStore{instantStore: &instantStore{s: s}}
			s.store = l
			s.start()
			defer s.Close()
			time.Sleep(beatEvery / 2)
			l.mu.Lock()
			l.err = c.err
			l.mu.Unlock()
			time.Sleep(beatEvery/2 + c.after)
			l.mu.Lock()
			defer l.mu.Unlock()
			// The pause between tries delays each replacement by up to one pause.
			if least := c.want - c.want/4; l.reconnects < least || l.reconnects > c.want {
				t.Errorf("%v after beats began to fail with %q, the connection was replaced %d times, want %d to %d",
					c.after, c.err, l.reconnects, least, c.want)
			}
		})
	}
}

// TestReconnectResyncs: whatever made a replica replace its connection, it reads everything again afterwards, because
// it may have missed announcements.
func TestReconnectResyncs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSyncer("self", slog.New(slog.DiscardHandler))
		s.store = &instantStore{s: s}
		s.start()
		defer s.Close()
		time.Sleep(time.Second)
		before := s.Stats()
		s.mu.Lock()
		s.health.redial = true // as if the resync that was asked for at the same time had begun before
		s.loop.wakeUp()
		s.mu.Unlock()
		time.Sleep(time.Second)
		after := s.Stats()
		if after.Reconnects != before.Reconnects+1 || after.Resyncs != before.Resyncs+1 {
			t.Errorf("%d new connections and %d resyncs, want 1 and 1",
				after.Reconnects-before.Reconnects, after.Resyncs-before.Resyncs)
		}
	})
}
