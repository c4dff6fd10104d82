package handlers

import (
	"context"
	"sync"
	"time"
)

const limiterSweepTime = time.Minute

// memoryLimiter is the Limiter of a single process. When max keys have open windows, new keys share counters. So a full
// limiter neither refuses all new keys nor lets all of them through.
type memoryLimiter struct {
	max int

	mu      sync.Mutex
	windows map[string]*window // by key; guarded by mu
	swept   time.Time          // when ended windows were last removed; guarded by mu
}

type window struct {
	taken int
	ends  time.Time
}

// orMemory replaces missing limiters with in-memory ones.
func (l Limiters) orMemory() Limiters {
	for _, limiter := range []*Limiter{&l.Strangers, &l.Browsers, &l.Members} {
		if *limiter == nil {
			*limiter = newMemoryLimiter(maxLimiterKeys)
		}
	}
	return l
}

func newMemoryLimiter(max int) *memoryLimiter {
	return &memoryLimiter{max: max, windows: make(map[string]*window), swept: time.Now()}
}

func (m *memoryLimiter) Take(_ context.Context, key string, limit int,
	length time.Duration) (bool, time.Duration, error) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.windows[key]
	if w == nil && !m.roomLocked(now) {
		key = coarser(key)
		w = m.windows[key]
	}
	if w == nil || !now.Before(w.ends) {
		w = &window{ends: now.Add(length)}
		m.windows[key] = w
	}
	if w.taken >= limit {
		return false, w.ends.Sub(now), nil
	}
	w.taken++
	return true, 0, nil
}

func (m *memoryLimiter) Give(_ context.Context, key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.windows[key]
	if w == nil {
		key = coarser(key)
		w = m.windows[key]
	}
	if w == nil || !time.Now().Before(w.ends) {
		return
	}
	if w.taken--; w.taken <= 0 {
		delete(m.windows, key)
	}
}

// roomLocked reports whether one more key fits. It removes ended windows once a minute, and at most once a second while
// full, so that a flood of new keys doesn't cause a scan of all keys each time.
func (m *memoryLimiter) roomLocked(now time.Time) bool {
	since := now.Sub(m.swept)
	if since >= limiterSweepTime || len(m.windows) >= m.max && since >= time.Second {
		for key, w := range m.windows {
			if !now.Before(w.ends) {
				delete(m.windows, key)
			}
		}
		m.swept = now
	}
	return len(m.windows) < m.max
}
