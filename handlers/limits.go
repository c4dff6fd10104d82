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

// Limiter counts attempts in fixed windows: the first Take of a key opens a window of the given length, and within it
// at most limit Takes succeed. It must be safe for concurrent use and exact under it, and may be shared by replicas.
type Limiter interface {
	// Take reserves one attempt for key. When none is left ok is false, nothing is reserved, and retryAfter is the time
	// until the window ends. limit must be above 0; a key is always used with one limit and window. An
	// implementation that cannot count answers with ok false or an error, never with ok true.
	Take(ctx context.Context, key string, limit int, window time.Duration) (ok bool, retryAfter time.Duration, err error)
	// Give returns an attempt that turned out not to count. It does nothing when the window is over or nothing is
	// reserved. What cannot be given back stays counted until the window ends.
	Give(ctx context.Context, key string)
}

// Limiters are kept apart, so that strangers who fill theirs don't keep members from what is theirs.
type Limiters struct {
	Strangers Limiter // by address and by name, which anybody can make up
	Browsers  Limiter // by browser in which the owner of an account has signed in
	Members   Limiter // by account and by session
}

// Limits that no operator has reason to change.
const (
	failuresPerName    = 10 // failed sign-ins per username, or per browser in which its owner has signed in before
	failuresOfBrowsers = 30 // by all browsers of that kind together
	successesPerName   = 100
	successesShare     = 10 // successful sign-ins per address are so many times the failed ones
	loginWindow        = 15 * time.Minute
	signupWindow       = time.Hour
)

const (
	maxLimiterKeys = 100_000 // of one limiter; about 15 MB
	sharedCounters = 1 << 15 // of each kind of key
)

// coarser is the key that a full limiter uses for a new one: a counter that it shares with others of its kind, which is the
// text up to its last colon. There are so many that a flood of sign-ins can't use all of them up within a window, because
// each takes time to hash.
func coarser(key string) string {
	h := fnv.New32a()
	_, _ = io.WriteString(h, key)
	return key[:strings.LastIndexByte(key, ':')+1] + "shared:" + strconv.FormatUint(uint64(h.Sum32()%sharedCounters), 10)
}

// limited is the error of an attempt that was not made.
type limited struct{ retryAfter time.Duration }

func (l *limited) Error() string { return fmt.Sprintf("limit reached for %s", l.retryAfter) }

// reservation is what one attempt holds of the limits while it is tried. Whoever takes decides what becomes of it:
// dropped, it counts; given back, it does not.
type reservation struct{ taken []taken }

type taken struct {
	limiter Limiter
	key     string
}

// take reserves one more. limit 0 means no limit. A *limited or another error leaves the earlier ones reserved.
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

// takeNetworks reserves one more of each network, in which limit is that of one client.
func (r *reservation) takeNetworks(ctx context.Context, l Limiter, kind string, networks []network,
	limit int, window time.Duration) error {
	for _, n := range networks {
		if err := r.take(ctx, l, hashKey(kind, n.name), limit*n.share, window); err != nil {
			return err
		}
	}
	return nil
}

// giveBack returns all of it, also when the client has gone.
func (r *reservation) giveBack(ctx context.Context) {
	for _, t := range r.taken {
		t.limiter.Give(context.WithoutCancel(ctx), t.key)
	}
	r.taken = nil
}

// hashKey makes a key of what a person typed or a browser sent, or of an address: short, of one length, and not readable in
// a store that other programs can read. kind ends with a colon.
func hashKey(kind, text string) string {
	sum := sha256.Sum256([]byte(text))
	return kind + base64.RawURLEncoding.EncodeToString(sum[:16])
}
