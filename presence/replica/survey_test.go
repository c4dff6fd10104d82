package replica

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/presence"
)

// slowSurvey is a store whose surveys continue until the test ends them.
type slowSurvey struct {
	*instantStore
	found chan string // what the survey finds next
	end   chan error
	begun *atomic.Int32
}

func (l slowSurvey) survey(ctx context.Context, found func(users, replicas []string)) error {
	l.begun.Add(1)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case user := <-l.found:
			found([]string{user}, nil)
		case err := <-l.end:
			return err
		}
	}
}

// startSlow starts a syncer on a slowSurvey, in a synctest bubble.
func startSlow(t *testing.T) (*syncer, slowSurvey) {
	t.Helper()
	s := newSyncer("self", slog.New(slog.DiscardHandler))
	l := slowSurvey{&instantStore{s: s}, make(chan string), make(chan error), new(atomic.Int32)}
	s.store = l
	s.start()
	return s, l
}

// TestSurveyDelaysNothing: a survey of a server full of other keys delays neither reads nor writes. The replica is
// synced only after it has read everyone whom the survey found.
func TestSurveyDelaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := startSlow(t)
		defer s.Close()
		s.Publish("ada", presence.Digest{Connected: true})
		s.announced([]string{"bob"}, nil)
		time.Sleep(time.Second)
		synctest.Wait()
		if len(l.reads) == 0 || len(l.writes) == 0 {
			t.Fatalf("after one second of the survey: %d reads and %d writes, want some of both", len(l.reads), len(l.writes))
		}
		for range 3 {
			before := len(l.reads)
			l.found <- "eve"
			time.Sleep(time.Second)
			synctest.Wait()
			if len(l.reads) == before {
				t.Error("a user that the survey found wasn't read during the survey")
			}
		}
		if isClosed(s.Synced()) {
			t.Error("the replica is synced before the survey has ended")
		}
		l.found <- "kim"
		l.end <- nil
		<-s.Synced()
		if !s.idle() {
			t.Error("the replica is synced before everyone was read")
		}
		if l.begun.Load() != 1 {
			t.Errorf("%d surveys began, want 1", l.begun.Load())
		}
	})
}

// TestLossDuringSurvey: a replica that misses announcements during a survey starts over at once, and writes its own
// entries again.
func TestLossDuringSurvey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := startSlow(t)
		defer s.Close()
		s.Publish("ada", presence.Digest{Connected: true})
		time.Sleep(beatEvery / 2)
		synctest.Wait()
		writes := len(l.writes)
		s.announcementsLost()
		time.Sleep(beatEvery / 2)
		synctest.Wait()
		if l.begun.Load() != 2 {
			t.Errorf("%d surveys began, want a second one after the loss", l.begun.Load())
		}
		if len(l.writes) == writes { // the store is empty
			t.Error("the replica's own entry wasn't written again during the second survey")
		}
		l.end <- nil
		<-s.Synced()
	})
}

// TestSurveyFails: a failed survey counts as a failed round. The replica tries again, at most twice per second, and
// stays lost until a survey succeeds.
func TestSurveyFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := startSlow(t)
		defer s.Close()
		failing, stop := context.WithCancel(t.Context())
		go func() {
			for failing.Err() == nil {
				select {
				case l.end <- errors.New("refused"):
				case <-failing.Done():
				}
			}
		}()
		time.Sleep(time.Minute)
		synctest.Wait()
		if s.Peers().Lost.IsZero() || isClosed(s.Synced()) {
			t.Error("the replica isn't lost although no survey succeeds")
		}
		if n, most := int(l.begun.Load()), int(time.Minute/retryLast)+10; n < 10 || n > most {
			t.Errorf("%d surveys began in a minute, want at most %d", n, most)
		}
		stop()
		time.Sleep(time.Second)
		l.end <- nil
		<-s.Synced()
		synctest.Wait()
		if lost := s.Peers().Lost; !lost.IsZero() {
			t.Errorf("Peers().Lost = %v after a survey succeeded, want zero", lost)
		}
	})
}
