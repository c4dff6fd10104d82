package accounts

import (
	"strings"
	"time"
)

// How long a status lasts, for EndOf.
const (
	LastsForever = ""
	Lasts30Min   = "30m"
	Lasts1Hour   = "1h"
	Lasts2Hours  = "2h"
	Lasts4Hours  = "4h"
	LastsToday   = "today" // until the person's next midnight
	LastsWeek    = "week"  // until the person's next Monday begins
	LastsAt      = "at"    // until a time that the person chooses
)

// checkLasts returns a *FieldError for a value that EndOf doesn't accept.
func checkLasts(lasts string) error {
	switch lasts {
	case LastsForever, Lasts30Min, Lasts1Hour, Lasts2Hours, Lasts4Hours, LastsToday, LastsWeek, LastsAt:
		return nil
	}
	return wrongField("until", NotAnOption)
}

// EndOf returns when a status that is set now ends, in UTC, or the zero time for LastsForever. With LastsAt, at is a
// local time in zone: "2006-01-02T15:04" from <input type=datetime-local>, optionally with seconds, or "15:04" for the
// next time of day. If the clock shows the time twice, the next occurrence counts. If the clock jumps over the time, or
// over a midnight, the moment of the jump counts. The error is a *FieldError about until: an unknown choice, or a time
// that is invalid, has passed or is more than a year ahead.
func EndOf(lasts, at string, zone *time.Location, now time.Time) (time.Time, error) {
	if err := checkLasts(lasts); err != nil {
		return time.Time{}, err
	}
	end := time.Time{}
	today := day(shown(now, zone))
	switch lasts {
	case Lasts30Min:
		end = now.Add(30 * time.Minute)
	case Lasts1Hour:
		end = now.Add(time.Hour)
	case Lasts2Hours:
		end = now.Add(2 * time.Hour)
	case Lasts4Hours:
		end = now.Add(4 * time.Hour)
	case LastsToday:
		end, _ = next(today.AddDate(0, 0, 1), zone, now)
	case LastsWeek:
		sinceMonday := (int(today.Weekday()) + 6) % 7
		end, _ = next(today.AddDate(0, 0, 7-sinceMonday), zone, now)
	case LastsAt:
		return endAt(strings.TrimSpace(at), zone, now)
	}
	return end.UTC(), nil
}

// endAt is EndOf for LastsAt.
func endAt(at string, zone *time.Location, now time.Time) (time.Time, error) {
	clock := shown(now, zone)
	if t, err := time.Parse("15:04", at); err == nil {
		today := day(clock).Add(time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute)
		for _, days := range []int{-1, 0, 1} { // -1: a clock that goes back over midnight shows yesterday again
			if end, ok := next(today.AddDate(0, 0, days), zone, now); ok {
				return end.UTC(), nil
			}
		}
	}
	wanted, err := time.Parse("2006-01-02T15:04", at)
	if err != nil {
		wanted, err = time.Parse("2006-01-02T15:04:05", at)
	}
	switch {
	case err != nil:
		return time.Time{}, wrongField("until", BadTime)
	case wanted.After(clock.AddDate(1, 0, 0)):
		return time.Time{}, wrongField("until", TooFarAhead)
	}
	end, ok := next(wanted, zone, now)
	if !ok {
		return time.Time{}, wrongField("until", InThePast)
	}
	return end.UTC(), nil
}

// shown returns the local time in zone at t, as a time in UTC.
func shown(t time.Time, zone *time.Location) time.Time { return t.UTC().Add(offset(t.In(zone))) }

// day returns the beginning of the day in UTC.
func day(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }

// offset returns the offset of t's zone from UTC at t.
func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

// next returns the first moment after now at which the clock in zone shows or jumps over wanted, a local time as
// returned by shown. It returns false if there is none. It goes from one clock change to the next, because time.Date
// doesn't specify the result for times that occur twice or not at all.
func next(wanted time.Time, zone *time.Location, now time.Time) (time.Time, bool) {
	for t := now.In(zone); ; {
		change := nextChange(t)
		moment := wanted.Add(-offset(t))
		switch {
		case !change.IsZero() && !moment.Before(change):
			t = change
			continue
		case t.After(now) && moment.Before(t): // wanted is in the gap of the clock change at t
			return t, true
		case moment.After(now):
			return moment, true
		case change.IsZero():
			return time.Time{}, false
		}
		again := wanted.Add(-offset(change))
		return again, !again.Before(change) // the time comes again if the clock goes back over it
	}
}

// nextChange returns a moment after t before which t's zone has no clock change, or the zero time if there is never
// one.
func nextChange(t time.Time) time.Time {
	_, change := t.ZoneBounds()
	if change.IsZero() || change.After(t) {
		return change
	}
	// For zones with a rule, package time assumes that every year has 365 days, so on the last day of a leap year it
	// returns a change in the past. The next change isn't before the new year in UTC.
	return t.Truncate(24 * time.Hour).Add(24 * time.Hour)
}
