package handlers

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/live"
)

const (
	longestWait    = 25 * time.Second // for news; a response has to be sent within writeTimeout
	waitsPerPerson = 20               // requests that wait at a time; more are answered at once
	waitsInTotal   = 1000

	// waitRest is the least time between two looks at what a waiting request asks for. What others do often wakes it
	// for nothing, such as when it asks for one page of a long list.
	waitRest = 500 * time.Millisecond
)

// waits counts requests that wait for news.
type waits struct {
	ended chan struct{} // closed when the server drains

	mu       sync.Mutex
	stopped  bool           // ended is closed; guarded by mu
	all      int            // guarded by mu
	byPerson map[string]int // guarded by mu
}

func newWaits() *waits { return &waits{ended: make(chan struct{}), byPerson: map[string]int{}} }

// begin reports whether another request of a person may wait. If so, call end afterward.
func (w *waits) begin(person string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped || w.all >= waitsInTotal || w.byPerson[person] >= waitsPerPerson {
		return false
	}
	w.all++
	w.byPerson[person]++
	return true
}

func (w *waits) end(person string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all--
	if w.byPerson[person]--; w.byPerson[person] == 0 {
		delete(w.byPerson, person)
	}
}

// stop ends all waits for good.
func (w *waits) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.stopped {
		w.stopped = true
		close(w.ended)
	}
}

// wantedWait returns how long a request wants to wait for news (RFC 7240: Prefer: wait=10), at most longestWait.
func wantedWait(values []string) time.Duration {
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			item, _, _ = strings.Cut(item, ";")
			name, n, _ := strings.Cut(strings.TrimSpace(item), "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			seconds, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(n), `"`), 10, 31)
			if err != nil {
				return 0
			}
			return min(time.Duration(seconds)*time.Second, longestWait)
		}
	}
	return 0
}

// answerRead answers a read. If the caller already knows the answer and wants to wait, it's sent as soon as it's
// another one, or else after that time.
func (s *Server) answerRead(c echo.Context, x *call, o operation) error {
	r, body, err := s.read(x.Context(), x, o)
	if err != nil {
		return err
	}
	known, wait := x.Header.Get("If-None-Match"), wantedWait(x.Header.Values("Prefer"))
	if known == "" || wait == 0 || len(r.watch) == 0 || !matches(known, etagOf(body)) || !s.waiting.begin(x.caller.user.ID) {
		return r.sendRead(c, body)
	}
	defer s.waiting.end(x.caller.user.ID)
	c.Response().Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(wait/time.Second)))
	over := time.NewTimer(wait)
	defer over.Stop()
	news, stop, err := s.watchAll(x.Context(), r.watch)
	defer stop()
	for waiting := true; err == nil && waiting && matches(known, etagOf(body)); {
		looked := time.Now()
		if x.caller.user, err = x.caller.again(x.Context()); err != nil {
			return endedMeanwhile(c, err)
		}
		if r, body, err = s.read(x.Context(), x, o); err != nil {
			return err
		}
		if matches(known, etagOf(body)) {
			waiting = waitFor(x.Context(), news, over.C, s.waiting.ended) &&
				waitFor(x.Context(), time.After(waitRest-time.Since(looked)), over.C, s.waiting.ended)
		}
	}
	if err != nil {
		return notRead(fmt.Errorf("wait for news: %w", err))
	}
	return r.sendRead(c, body)
}

// read makes the reply to a read.
func (s *Server) read(ctx context.Context, x *call, o operation) (r reply, body []byte, err error) {
	if r, err = o.handle(s, ctx, x); err != nil {
		return r, nil, err
	}
	body, err = r.encoded()
	return r, body, err
}

// waitFor waits for news, and reports whether there are any. It also ends when the time is over or the server drains.
func waitFor[T any](ctx context.Context, news <-chan T, over <-chan time.Time, drains <-chan struct{}) bool {
	select {
	case <-news:
		return true
	case <-over:
	case <-ctx.Done():
	case <-drains:
	}
	return false
}

// endedMeanwhile is the failure of a request whose token or session ended while it waited.
func endedMeanwhile(c echo.Context, err error) error {
	if errors.Is(err, accounts.ErrNoToken) || errors.Is(err, accounts.ErrNoSession) {
		return unauthorized(c, "invalid_token", "This access token or session has ended.", err)
	}
	return unavailable(err)
}

// watchAll returns a channel that is readable after something that is watched may have changed.
func (s *Server) watchAll(ctx context.Context, all []live.Want) (news <-chan struct{}, stop func(), err error) {
	woken := make(chan struct{}, 1)
	var started []*live.Watcher
	stop = func() {
		for _, w := range started {
			w.Stop()
		}
	}
	for _, want := range all {
		var w *live.Watcher
		wake := func() {
			_, _ = w.Take() // what has changed doesn't matter: the answer is made again
			select {
			case woken <- struct{}{}:
			default:
			}
		}
		for begun := false; !begun; {
			if w, err = s.live.Watch(ctx, want); err != nil {
				return woken, stop, err
			}
			started = append(started, w)
			begun = w.Start(wake)
		}
	}
	return woken, stop, nil
}
