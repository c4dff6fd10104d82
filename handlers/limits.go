package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"strings"
	"time"
)

// Limiter counts attempts in fixed windows. The first Take of a key opens a window of the given length, in which at
// most limit Takes succeed. A Limiter must be safe for concurrent use and count exactly. Replicas may share it.
type Limiter interface {
	// Take reserves one attempt for key. If none is left, ok is false, nothing is reserved, and retryAfter is the time
	// until the window ends. limit must be above 0, and a key must always be used with the same limit and window. An
	// implementation that can't count returns ok false or an error, never ok true.
	Take(ctx context.Context, key string, limit int, window time.Duration) (ok bool, retryAfter time.Duration, err error)
	// Give gives back an attempt that turned out not to count. It does nothing if the window is over or nothing is
	// reserved. An attempt that can't be given back counts until the window ends.
	Give(ctx context.Context, key string)
}

// Limiters are separate, so that strangers who fill theirs don't lock out members.
type Limiters struct {
	Strangers Limiter // by address and by name, both of which anybody can invent
	Browsers  Limiter // by browser in which the owner of an account has signed in
	Members   Limiter // by account and by session
}

// Limits that operators have no reason to change.
const (
	failuresPerName    = 10 // failed sign-ins per username, or per browser in which its owner has signed in before
	failuresOfBrowsers = 30 // for all those browsers together
	successesPerName   = 100
	successesShare     = 10 // limit of successful sign-ins per address, in multiples of the limit of failed ones
	loginWindow        = 15 * time.Minute
	signupWindow       = time.Hour
)

const (
	maxLimiterKeys = 100_000 // of one limiter; about 15 MB
	sharedCounters = 1 << 15 // of each kind of key
)

// coarser returns the key of the shared counter that a full limiter uses for a new key. Keys share counters only with
// keys of their kind, which is the text up to the last colon. A flood of sign-ins can't use up all these counters
// within a window, because each sign-in takes time to hash.
func coarser(key string) string {
	h := fnv.New32a()
	_, _ = io.WriteString(h, key)
	return key[:strings.LastIndexByte(key, ':')+1] + "shared:" + strconv.FormatUint(uint64(h.Sum32()%sharedCounters), 10)
}

// limited is the error of an attempt that a limit refused.
type limited struct{ retryAfter time.Duration }

func (l *limited) Error() string { return fmt.Sprintf("limit reached for %s", l.retryAfter) }

// reservation holds what one attempt has reserved of the limits. The attempt counts unless its reservation is given
// back.
type reservation struct{ taken []taken }

type taken struct {
	limiter Limiter
	key     string
}

// take reserves one attempt more. limit 0 means no limit. After a *limited or another error, earlier reservations stay.
func (r *reservation) take(ctx context.Context, l Limiter, key string, limit int, window time.Duration) error {
	if limit <= 0 {
		return nil
	}
	ok, retryAfter, err := l.Take(ctx, key, limit, window)
	if err != nil {
		return fmt.Errorf("count an attempt: %w", err)
	}
	if !ok {
		return &limited{retryAfter}
	}
	r.taken = append(r.taken, taken{l, key})
	return nil
}

// takeNetworks reserves one attempt for each network. limit is the limit of one client.
func (r *reservation) takeNetworks(ctx context.Context, l Limiter, kind string, networks []network,
	limit int, window time.Duration) error {
	for _, n := range networks {
		if err := r.take(ctx, l, hashKey(kind, n.name), limit*n.share, window); err != nil {
			return err
		}
	}
	return nil
}

// giveBack gives everything back, even if the client has disconnected.
func (r *reservation) giveBack(ctx context.Context) {
	for _, t := range r.taken {
		t.limiter.Give(context.WithoutCancel(ctx), t.key)
	}
	r.taken = nil
}

// hashKey makes a key from an address, or from text that a person typed or a browser sent. The key is short, has a
// fixed length and doesn't reveal the text to other programs that can read the store. kind ends with a colon.
func hashKey(kind, text string) string {
	sum := sha256.Sum256([]byte(text))
	return kind + base64.RawURLEncoding.EncodeToString(sum[:16])
}
