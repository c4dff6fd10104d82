package handlers

import (
	"strconv"
	"time"

	"rollcall/presence"
)

const (
	maxActivity = 12            // bytes of a frame
	maxAgo      = 1_000_000_000 // seconds; larger values are invalid
)

// renew is the message with which a page requests the whole list, because it lacks the row that a new row belongs next
// to.
const renew = "s"

// parseActivity reads what a tab reports about itself: "a" means input just now, "i" means visible without input, and
// "h" means hidden. "i" and "h" may be followed by the whole seconds since the last input, so that a tab that
// reconnects doesn't turn its person from away to online. Without a number, the tab has nothing new to report about
// input.
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

// budget limits how often a socket may send: 20 frames at once, then one per second. Our own page sends one every 30 s
// at most and answers a ping every 20 s.
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
