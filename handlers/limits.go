package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
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

// Limits that no operator has reason to change.
const (
	failuresPerName    = 10 // failed sign-ins per username, or per browser in which its owner has signed in before
	failuresOfBrowsers = 30 // by all browsers of that kind together
	failureWindow      = 15 * time.Minute
	signupWindow       = time.Hour
)

// limited is the error of an attempt that was not made.
type limited struct{ retryAfter time.Duration }

func (l *limited) Error() string { return fmt.Sprintf("limit reached for %s", l.retryAfter) }

// reservation is what one attempt holds of the limits while it is tried. Whoever takes decides what becomes of it:
// dropped, it counts; given back, it does not.
type reservation struct {
	limiter Limiter
	keys    []string
}

// take reserves one more. limit 0 means no limit. A *limited or another error leaves the earlier ones reserved.
func (r *reservation) take(ctx context.Context, key string, limit int, window time.Duration) error {
	if limit <= 0 {
		return nil
	}
	ok, retryAfter, err := r.limiter.Take(ctx, key, limit, window)
	if err != nil {
		return fmt.Errorf("count an attempt: %w", err)
	}
	if !ok {
		return &limited{retryAfter}
	}
	r.keys = append(r.keys, key)
	return nil
}

// giveBack returns all of it, also when the client has gone.
func (r *reservation) giveBack(ctx context.Context) {
	for _, key := range r.keys {
		r.limiter.Give(context.WithoutCancel(ctx), key)
	}
	r.keys = nil
}

// hashKey makes a key of what a person typed or a browser sent: short, of one length, and not readable in a store
// that other programs can read.
func hashKey(kind, text string) string {
	sum := sha256.Sum256([]byte(text))
	return kind + base64.RawURLEncoding.EncodeToString(sum[:16])
}
