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
	limiterWait  = 500 * time.Millisecond // for Redis to count one attempt
	limiterPause = time.Second            // after a failure, Redis isn't used for this long: a sign-in waits once, not four times
)

// takeScript reserves one attempt atomically, so that all replicas together stay within the limit. KEYS[1] is the
// counter, KEYS[2] the shared counter to use when there are too many, and KEYS[3] the number of counters. ARGV[1] is
// the limit, ARGV[2] the window, ARGV[3] the maximum number of counters, and ARGV[4] the period over which they're
// counted. Times are in milliseconds. The script returns 1 or 0 for reserved or not, and the time until the window
// ends.
var takeScript = rueidis.NewLuaScript(`
local key = KEYS[1]
local left = redis.call('PTTL', key)
if left <= 0 then
  local counters = tonumber(redis.call('GET', KEYS[3]) or '0')
  if counters >= tonumber(ARGV[3]) then
    key = KEYS[2]
    left = redis.call('PTTL', key)
  elseif counters == 0 then
    redis.call('SET', KEYS[3], 1, 'PX', ARGV[4])
  else
    redis.call('INCR', KEYS[3])
  end
end
if left <= 0 then
  redis.call('SET', key, 1, 'PX', ARGV[2])
  return {1, tonumber(ARGV[2])}
end
if tonumber(redis.call('GET', key)) >= tonumber(ARGV[1]) then return {0, left} end
redis.call('INCR', key)
return {1, left}`)

// giveScript gives back one attempt while its window lasts. Its KEYS are those of takeScript. Ignore its result.
var giveScript = rueidis.NewLuaScript(`
local key = KEYS[1]
if redis.call('EXISTS', key) == 0 then key = KEYS[2] end
local taken = tonumber(redis.call('GET', key) or '0')
if taken > 1 then
  redis.call('DECR', key)
elseif taken == 1 then
  redis.call('DEL', key)
  if key == KEYS[1] then
    local counters = tonumber(redis.call('GET', KEYS[3]) or '0')
    if counters > 1 then redis.call('DECR', KEYS[3]) elseif counters == 1 then redis.call('DEL', KEYS[3]) end
  end
end
return 0`)

// sharedLimiter is the Limiter of several replicas: Redis counts for all of them. During an outage of Redis, each
// replica counts by itself up to the same limits, so together they let through at most the limit times the number of
// replicas. These local counts aren't copied to Redis. Redis holds at most twice max counters, plus the shared ones:
// max are created within signupWindow, the longest window, and older ones may still be open.
type sharedLimiter struct {
	redis       rueidis.Client
	prefix      string
	max         int
	local       Limiter       // for outages of Redis
	wait        time.Duration // for Redis to count one attempt; tests lengthen it
	log         *slog.Logger
	pausedUntil *atomic.Int64 // Unix nanoseconds until which Redis isn't used; shared by all limiters of the process

	refused *countRefusals // shared by all limiters of the process
}

// SharedLimiters returns Limiters over client, with keys that begin with prefix.
func SharedLimiters(client rueidis.Client, prefix string, log *slog.Logger) Limiters {
	pausedUntil, refused := new(atomic.Int64), new(countRefusals)
	of := func(whose string) Limiter {
		return &sharedLimiter{
			redis: client, prefix: prefix + "limit:{" + whose + "}:", max: maxLimiterKeys, wait: limiterWait,
			local: newMemoryLimiter(maxLimiterKeys), log: log, pausedUntil: pausedUntil, refused: refused,
		}
	}
	return Limiters{Strangers: of("strangers"), Browsers: of("browsers"), Members: of("members")}
}

// keys returns the KEYS of the scripts.
func (l *sharedLimiter) keys(key string) []string {
	return []string{l.prefix + key, l.prefix + coarser(key), l.prefix + "counters"}
}

func (l *sharedLimiter) Take(ctx context.Context, key string, limit int,
	window time.Duration) (bool, time.Duration, error) {
	if l.paused() {
		return l.local.Take(ctx, key, limit, window)
	}
	wait, cancel := context.WithTimeout(ctx, l.wait)
	defer cancel()
	answer, err := takeScript.Exec(wait, l.redis, l.keys(key), []string{
		strconv.Itoa(limit), strconv.FormatInt(window.Milliseconds(), 10),
		strconv.Itoa(l.max), strconv.FormatInt(signupWindow.Milliseconds(), 10),
	}).AsIntSlice()
	if err != nil || len(answer) != 2 {
		if ctx.Err() != nil {
			return false, 0, ctx.Err()
		}
		l.pause(err)
		return l.local.Take(ctx, key, limit, window)
	}
	if answer[0] == 1 {
		return true, 0, nil
	}
	return false, time.Duration(answer[1]) * time.Millisecond, nil
}

// Give gives the attempt back both locally and in Redis, because it may have been counted in either.
func (l *sharedLimiter) Give(ctx context.Context, key string) {
	l.local.Give(ctx, key)
	if l.paused() {
		return
	}
	wait, cancel := context.WithTimeout(ctx, l.wait)
	defer cancel()
	if err := giveScript.Exec(wait, l.redis, l.keys(key), nil).Error(); err != nil {
		l.pause(err)
	}
}

func (l *sharedLimiter) paused() bool { return time.Now().UnixNano() < l.pausedUntil.Load() }

// pause makes this process count locally for a while.
func (l *sharedLimiter) pause(err error) {
	l.pausedUntil.Store(time.Now().Add(limiterPause).UnixNano())
	l.refused.record(err, l.log)
	l.log.Debug("attempts are counted by this process alone", "err", err)
}
