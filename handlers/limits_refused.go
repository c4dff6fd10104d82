package handlers

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// remindAfter is the time after which the log repeats that Redis refuses to count.
const remindAfter = time.Hour

// countRefusals records that Redis is reachable but refuses to count attempts, because a permission is missing or its
// memory is full. Without the log line, operators wouldn't notice.
type countRefusals struct {
	mu     sync.Mutex
	last   *rueidis.RedisError // guarded by mu; nil: Redis has never refused
	warned time.Time           // guarded by mu
}

// record records why an attempt wasn't counted in Redis.
func (r *countRefusals) record(err error, log *slog.Logger) {
	refused, ok := rueidis.IsRedisErr(err)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = refused
	if r.warned.IsZero() || time.Since(r.warned) >= remindAfter {
		r.warned = time.Now()
		log.Warn("Redis refuses to count attempts to sign in and sign up; each replica counts only its own", "err", err)
	}
}

// CheckSharedLimiter returns a function that counts two attempts in Redis and gives them back. The function returns the
// error with which Redis refuses any of these commands, and nil if Redis can't be reached. prefix is that of
// SharedLimiters. No keys are left in Redis.
func CheckSharedLimiter(prefix string) func(context.Context, rueidis.Client) error {
	return func(ctx context.Context, client rueidis.Client) error {
		l := &sharedLimiter{
			redis: client, prefix: prefix + "limit:{check}:", max: maxLimiterKeys, wait: limiterWait, local: newMemoryLimiter(1),
			log: slog.New(slog.DiscardHandler), pausedUntil: new(atomic.Int64), refused: new(countRefusals),
		}
		key := "key:" + rand.Text()
		for range 2 {
			_, _, _ = l.Take(ctx, key, 2, 5*time.Second)
		}
		for range 2 {
			l.Give(ctx, key)
		}
		return l.refused.err()
	}
}

// err returns the last refusal, or nil.
func (r *countRefusals) err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		return nil
	}
	return r.last
}
