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
// KEYS[1] the counter; KEYS[2] the one that it shares with others, for when there are too many; KEYS[3] how many there are.
// ARGV[1] the limit; ARGV[2] the window; ARGV[3] how many counters there may be; ARGV[4] how long they are counted
// together. Times are milliseconds.
// Returns 1 or 0 for reserved or not, and the time until the window ends.
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

// giveScript returns one attempt while its window lasts.
// KEYS are those of takeScript. Returns nothing of use.
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

// sharedLimiter is the Limiter of several replicas: Redis counts for all of them. While Redis is away each counts by
// itself to the same numbers, which lets through at most that many times the number of replicas, and never everything.
// What the process counted stays counted there; it is not carried over. Redis holds at most twice max counters, beside
// those that keys share: max are made within signupWindow, the longest there is, and those made before may still last.
type sharedLimiter struct {
	redis  rueidis.Client
	prefix string
	max    int
	alone  Limiter
	wait   time.Duration // for Redis to count one attempt; tests lengthen it
	log    *slog.Logger
	away   *atomic.Int64 // unix nanoseconds until which Redis is not asked; one for all limiters of the process

	refused *countRefusals // of all limiters of the process
}

// SharedLimiters returns Limiters over client, with keys that begin with prefix.
func SharedLimiters(client rueidis.Client, prefix string, log *slog.Logger) Limiters {
	away, refused := new(atomic.Int64), new(countRefusals)
	of := func(whose string) Limiter {
		return &sharedLimiter{
			redis: client, prefix: prefix + "limit:" + whose + ":", max: maxLimiterKeys, wait: limiterWait,
			alone: newMemoryLimiter(maxLimiterKeys), log: log, away: away, refused: refused,
		}
	}
	return Limiters{Strangers: of("strangers"), Browsers: of("browsers"), Members: of("members")}
}

// keys are the KEYS of the scripts.
func (l *sharedLimiter) keys(key string) []string {
	return []string{l.prefix + key, l.prefix + coarser(key), l.prefix + "counters"}
}

func (l *sharedLimiter) Take(ctx context.Context, key string, limit int, window time.Duration) (bool, time.Duration, error) {
	if l.resting() {
		return l.alone.Take(ctx, key, limit, window)
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
	wait, cancel := context.WithTimeout(ctx, l.wait)
	defer cancel()
	if err := giveScript.Exec(wait, l.redis, l.keys(key), nil).Error(); err != nil {
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
