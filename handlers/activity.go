package handlers

import (
	"strconv"
	"time"

	"rollcall/presence"
)

const (
	maxActivity = 12            // bytes of a frame
	maxAgo      = 1_000_000_000 // seconds: more digits are no time since anything
)

// parseActivity reads what a tab says of itself: "a", there was input just now; "i", the page can be seen and there
// was none; "h", it cannot be seen. "i" and "h" may be followed by the whole seconds since the last input, so that a
// tab that reconnects does not wake people who are away; without a number there is nothing new to say about input.
func parseActivity(frame []byte) (presence.Activity, bool) {
	if len(frame) == 0 || len(frame) > maxActivity {
		return presence.Activity{}, false
	}
	a := presence.Activity{Hidden: frame[0] == 'h', Ago: presence.NoInput}
	digits := string(frame[1:])
	switch {
	case frame[0] == 'a' && digits == "":
		a.Ago = 0
		return a, true
	case frame[0] != 'i' && frame[0] != 'h':
		return presence.Activity{}, false
	case digits == "":
		return a, true
	}
	seconds, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || seconds > maxAgo {
		return presence.Activity{}, false
	}
	a.Ago = time.Duration(seconds) * time.Second
	return a, true
}

// budget bounds how often a socket may speak: 20 frames at once, then one a second. Our own page needs one in 30 s, and
// answers a ping each 20 s.
type budget struct {
	spent float64
	last  time.Time
}

const messageBurst = 20

func (b *budget) spend(now time.Time) bool {
	b.spent = max(0, b.spent-now.Sub(b.last).Seconds())
	b.last = now
	if b.spent+1 > messageBurst {
		return false
	}
	b.spent++
	return true
}
