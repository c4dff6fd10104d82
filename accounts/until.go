package accounts

import (
	"strings"
	"time"
)

// How long a status is to last, as EndOf takes it.
const (
	LastsForever = ""
	Lasts30Min   = "30m"
	Lasts1Hour   = "1h"
	Lasts4Hours  = "4h"
	LastsToday   = "today" // until the person's next midnight
	LastsWeek    = "week"  // until the next midnight at which the person's Monday begins
	LastsAt      = "at"    // until a time of the person's own choice
)

// checkLasts returns a *FieldError for what EndOf does not take.
func checkLasts(lasts string) error {
	switch lasts {
	case LastsForever, Lasts30Min, Lasts1Hour, Lasts4Hours, LastsToday, LastsWeek, LastsAt:
		return nil
	}
	return wrongField("until", NotAnOption)
}

// EndOf returns when a status that is set now ends, in UTC; the zero time for LastsForever. With LastsAt, at is a time of
// the clock in zone: "2006-01-02T15:04" as <input type=datetime-local> sends it, seconds allowed, or "15:04" for the
// next time that the clock shows it. Of a time that the clock shows twice, the first one to come counts; one that it
// jumps over is the moment of the jump, and so is a midnight. The error is a *FieldError about until: an unknown
// choice, or a time that cannot be read, has passed or is more than a year ahead.
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
		for _, days := range []int{-1, 0, 1} { // -1: a clock put back over midnight shows yesterday again
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

// shown is what the clock in zone shows at t, as if that were UTC.
func shown(t time.Time, zone *time.Location) time.Time { return t.UTC().Add(offset(t.In(zone))) }

// day is the beginning of the day in UTC.
func day(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }

// offset is how far the clock in t's zone is ahead of UTC at t.
func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

// next returns the first moment after now at which the clock in zone shows wanted (given as by shown) or jumps over it;
// false when that has been for the last time. It walks from one change of the clock to the next, because time.Date
// leaves open what it makes of times that there are twice or not at all.
func next(wanted time.Time, zone *time.Location, now time.Time) (time.Time, bool) {
	for t := now.In(zone); ; {
		change := nextChange(t)
		moment := wanted.Add(-offset(t))
		switch {
		case !change.IsZero() && !moment.Before(change):
			t = change
			continue
		case t.After(now) && moment.Before(t): // before the change at t, while without that change it would be after it
			return t, true
		case moment.After(now):
			return moment, true
		case change.IsZero():
			return time.Time{}, false
		}
		again := wanted.Add(-offset(change))
		return again, !again.Before(change) // shown a second time if the clock is put back over it
	}
}

// nextChange returns a moment after t up to which the clock in t's zone runs on evenly; zero: it always does.
func nextChange(t time.Time) time.Time {
	_, change := t.ZoneBounds()
	if change.IsZero() || change.After(t) {
		return change
	}
	// Where zones go by a rule, time takes every year to have 365 days: on the last day of a leap year the change that it
	// tells is in the past. The next one is not before the new year, in UTC.
	return t.Truncate(24 * time.Hour).Add(24 * time.Hour)
}
