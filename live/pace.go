package live

import "time"

const (
	MaxRest = 250 * time.Millisecond // longest rest after a flush

	// RestPerCost is how long to rest for each second that a flush of one person's change took. So lone changes are
	// sent at once, and take at most a fifth of the processors however many people watch.
	RestPerCost = 4
)

// pace says when the next flush may begin. The rest after a flush grows with the number of people whose changes it
// sent: while changes come one by one, each is sent almost at once, and when they pour in, they share frames. Whatever
// watchers may not know about has no influence.
type pace struct {
	ended time.Time // the last flush
	rest  time.Duration
}

// flushed records a flush that sent changes of some people.
func (p *pace) flushed(ended time.Time, took time.Duration, people int) {
	p.ended = ended
	p.rest = min(RestPerCost*min(took, MaxRest)*time.Duration(max(1, people)), MaxRest)
}

// wait returns how long the next flush has to wait.
func (p *pace) wait(now time.Time) time.Duration { return max(0, p.rest-now.Sub(p.ended)) }
