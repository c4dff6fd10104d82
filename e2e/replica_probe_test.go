//go:build unix

package e2e_test

import (
	"fmt"
	"slices"
	"time"
)

// probe loads the first page of a replica again and again.
type probe struct {
	*view
	r *replica

	took   times    // guarded by view.mu, like all below
	failed []string // failures while the replica was up
}

func (s *scene) probe() {
	for _, r := range s.replicas {
		p := &probe{view: newView("pages of " + r.name), r: r}
		s.probes = append(s.probes, p)
		s.work.Go(func() {
			tick := time.NewTicker(sized(500*time.Millisecond, 250*time.Millisecond))
			defer tick.Stop()
			for {
				select {
				case <-s.quit:
					return
				case <-tick.C:
				}
				if at := r.now(); r.up() {
					body, took, err := s.get(r, "/")
					p.note(body, took, err, at)
				}
			}
		})
	}
}

func (p *probe) note(body []byte, took time.Duration, err error, at *life) {
	if err == nil {
		p.take(body, time.Now())
	}
	ended, _ := at.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.took = append(p.took, took)
	} else if ended.IsZero() {
		p.failed = append(p.failed, fmt.Sprintf("%s after %v: %v", p.r.name, took, err))
	}
}

// pageBound is the limit for page times, whatever Redis does: for the 99th percentile, or for the 95th of fewer than
// 200 pages, whose 99th is the slowest or the one before it.
const pageBound = 500 * time.Millisecond

// reportPages logs how long pages took, and fails the test if one failed or they were slow.
func (s *scene) reportPages() {
	s.t.Helper()
	for _, p := range s.probes {
		p.mu.Lock()
		took, failed := slices.Clone(p.took), slices.Clone(p.failed)
		p.mu.Unlock()
		s.t.Logf("pages of %s: %v; failed %d", p.r.name, took, len(failed))
		s.wantNone("pages that failed", failed)
		share := 0.99
		if len(took) < 200 {
			share = 0.95
		}
		if got := took.at(share); got > pageBound && chaos { // other tests run beside this one otherwise
			s.t.Errorf("p%.0f of the pages of %s = %v, want %v or less", 100*share, p.r.name, got, pageBound)
		}
	}
}
