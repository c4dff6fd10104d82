package handlers

import (
	"context"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

const (
	limiterWait = 500 * time.Millisecond // for Redis to count one attempt
	limiterRest = time.Second            // after a failure Redis is not asked for so long: one sign-in waits once and not four times
)

// takeScript reserves one attempt, all in one step, so that replicas together stay within the limit.
// KEYS[1] the counter; ARGV[1] the limit; ARGV[2] the window in milliseconds.
// Returns 1 or 0 for reserved or not, and the milliseconds until the window ends.
var takeScript = rueidis.NewLuaScript(`
local taken = tonumber(redis.call('GET', KEYS[1]) or '0')
local left = redis.call('PTTL', KEYS[1])
if taken >= tonumber(ARGV[1]) and left > 0 then return {0, left} end
if left <= 0 then
  redis.call('SET', KEYS[1], 1, 'PX', ARGV[2])
  return {1, tonumber(ARGV[2])}
end
redis.call('INCR', KEYS[1])
return {1, left}`)

// giveScript returns one attempt while its window lasts.
// KEYS[1] the counter. Returns nothing of use.
var giveScript = rueidis.NewLuaScript(`
local taken = tonumber(redis.call('GET', KEYS[1]) or '0')
if taken > 1 then redis.call('DECR', KEYS[1]) elseif taken == 1 then redis.call('DEL', KEYS[1]) end
return 0`)

// sharedLimiter is the Limiter of several replicas: Redis counts for all of them. While Redis is away each counts by
// itself to the same numbers, which lets through at most that many times the number of replicas, and never everything.
// What the process counted stays counted there; it is not carried over.
type sharedLimiter struct {
	redis  rueidis.Client
	prefix string
	alone  Limiter
	log    *slog.Logger
	away   atomic.Int64 // unix nanoseconds until which Redis is not asked

	refused countRefusals
}

// NewSharedLimiter returns a Limiter over client, with keys that begin with prefix.
func NewSharedLimiter(client rueidis.Client, prefix string, log *slog.Logger) Limiter {
	return &sharedLimiter{redis: client, prefix: prefix + "limit:", alone: newMemoryLimiter(maxLimiterKeys), log: log}
}

func (l *sharedLimiter) Take(ctx context.Context, key string, limit int, window time.Duration) (bool, time.Duration, error) {
	if l.resting() {
		return l.alone.Take(ctx, key, limit, window)
	}
	wait, cancel := context.WithTimeout(ctx, limiterWait)
	defer cancel()
	answer, err := takeScript.Exec(wait, l.redis, []string{l.prefix + key},
		[]string{strconv.Itoa(limit), strconv.FormatInt(window.Milliseconds(), 10)}).AsIntSlice()
	if err != nil || len(answer) != 2 {
		if ctx.Err() != nil {
			return false, 0, ctx.Err()
		}
		l.rest(err)
		return l.alone.Take(ctx, key, limit, window)
	}
	if answer[0] == 1 {
		return true, 0, nil
	}
	return false, time.Duration(answer[1]) * time.Millisecond, nil
}

// Give returns the attempt where it was counted, as far as that can be known: both places forget one.
func (l *sharedLimiter) Give(ctx context.Context, key string) {
	l.alone.Give(ctx, key)
	if l.resting() {
		return
	}
	wait, cancel := context.WithTimeout(ctx, limiterWait)
	defer cancel()
	if err := giveScript.Exec(wait, l.redis, []string{l.prefix + key}, nil).Error(); err != nil {
		l.rest(err)
	}
}

func (l *sharedLimiter) resting() bool { return time.Now().UnixNano() < l.away.Load() }

// rest has this process count alone for a while.
func (l *sharedLimiter) rest(err error) {
	l.away.Store(time.Now().Add(limiterRest).UnixNano())
	l.refused.note(err, l.log)
	l.log.Debug("attempts are counted by this process alone", "err", err)
}
