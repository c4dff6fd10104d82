//go:build unix

package e2e_test

import (
	"fmt"
	"html"
	"maps"
	"slices"
	"time"
)

// settle waits until every page of every running replica and all watchers show who is really connected. It returns how
// long that took. People in their grace period may be shown either way.
func (s *scene) settle(limit time.Duration) time.Duration {
	s.t.Helper()
	began := time.Now()
	for {
		wrong := s.differences()
		if len(wrong) == 0 {
			return time.Since(began)
		}
		if time.Since(began) > limit {
			s.wantNone(fmt.Sprintf("wrong states after %v", limit), wrong)
			return time.Since(began)
		}
		s.wait(50 * time.Millisecond)
	}
}

// differences lists the states that are wrong at this moment.
func (s *scene) differences() (wrong []string) {
	for _, r := range s.replicas {
		if r.up() {
			v, err := s.wholeBoard(r)
			if err != nil {
				return []string{err.Error()}
			}
			wrong = append(wrong, s.compare(v)...)
		}
	}
	for _, w := range s.watchers {
		switch {
		case w.live():
			wrong = append(wrong, s.compare(w.view)...)
		case w.r.up():
			wrong = append(wrong, w.name+" is not connected")
		}
	}
	return wrong
}

// wholeBoard reads all pages of r.
func (s *scene) wholeBoard(r *replica) (*view, error) {
	v := newView("all pages of " + r.name)
	for path := "/"; ; {
		body, _, err := s.get(r, path)
		if err != nil {
			return nil, err
		}
		v.take(body, time.Now())
		m := nextLink.FindSubmatch(body)
		if m == nil {
			return v, nil
		}
		path = "/" + html.UnescapeString(string(m[1]))
	}
}

func (s *scene) compare(v *view) (wrong []string) {
	present, maybe := s.ledger.here(time.Now())
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, user := range slices.Sorted(maps.Keys(v.states)) {
		n, ok := userNumber(user)
		shown := v.states[user] != "offline"
		switch {
		case !ok, present[n] == shown, !present[n] && maybe[n]:
		case present[n]:
			wrong = append(wrong, fmt.Sprintf("%s: %s is %s, want online", v.name, user, v.states[user]))
		default:
			wrong = append(wrong, fmt.Sprintf("%s: %s is %s, want offline", v.name, user, v.states[user]))
		}
	}
	return wrong
}
