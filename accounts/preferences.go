package accounts

import (
	"context"
	"errors"
	"time"
)

const (
	minIdleAfter = time.Minute
	maxIdleAfter = 2 * time.Hour
	neverIdle    = -time.Millisecond // stored value
)

const (
	sqlSetPreferences = `UPDATE users SET idle_after = $2, show_last_seen = $3, time_zone = $4, theme = $5, announce = $6, rev = $7
		WHERE id = $1`
	sqlGuessTimeZone = `UPDATE users SET time_zone = $2 WHERE id = $1 AND time_zone = '' AND NOT share_time`
	sqlShareTimeZone = `UPDATE users SET time_zone = $2, rev = $3 WHERE id = $1`
)

// Preferences are a person's own choices.
type Preferences struct {
	IdleAfter    time.Duration // 1 to 120 whole minutes; 0: the default; below 0: never idle
	ShowLastSeen string        // Approximate, Exact or Nobody
	TimeZone     string        // IANA name; "": unknown
	Theme        string        // "light", "dark", or "" to match the system
	Announce     bool          // screen readers announce who comes and goes
}

// Preferences returns the preferences of u.
func (u User) Preferences() Preferences {
	return Preferences{u.IdleAfter, u.ShowLastSeen, u.TimeZone, u.Theme, u.Announce}
}

// ChangePreferences applies change to a person's current preferences, so that forms about different preferences that
// are sent at once don't undo each other. Errors: *FieldError about idle_after, last_seen, time_zone or theme;
// ErrNotFound.
func (s *Store) ChangePreferences(ctx context.Context, userID string, change func(*Preferences)) error {
	return wrap("set preferences", s.write(ctx, func(ctx context.Context, t *transaction) error {
		u, err := readUser(ctx, t, sqlUserByID, []any{userID})
		if err != nil {
			return err
		}
		p := u.Preferences()
		change(&p)
		if p, err = p.clean(); err != nil || p == u.Preferences() {
			return err
		}
		rev, err := t.nextRev(ctx)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, sqlSetPreferences, userID, p.IdleAfter.Milliseconds(), p.ShowLastSeen, p.TimeZone, p.Theme,
			p.Announce, rev)
		return err
	}))
}

// clean returns p in its stored form, or a *FieldError.
func (p Preferences) clean() (Preferences, error) {
	switch {
	case p.IdleAfter < 0:
		p.IdleAfter = neverIdle
	case p.IdleAfter == 0:
	case p.IdleAfter < minIdleAfter || p.IdleAfter > maxIdleAfter || p.IdleAfter%time.Minute != 0:
		return p, wrongField("idle_after", OutOfRange)
	}
	switch p.ShowLastSeen {
	case Approximate, Exact, Nobody:
	default:
		return p, wrongField("last_seen", NotAnOption)
	}
	if p.TimeZone != "" {
		if _, err := loadZone(p.TimeZone); err != nil {
			return p, err
		}
	}
	switch p.Theme {
	case "", "light", "dark":
		return p, nil
	}
	return p, wrongField("theme", NotAnOption)
}

// GuessTimeZone stores the time zone of a person's browser if none is known yet. It ignores invalid zones and unknown
// persons. Other processes notice it only if the person shares their local time.
func (s *Store) GuessTimeZone(ctx context.Context, userID, zone string) error {
	if _, err := loadZone(zone); err != nil {
		return nil
	}
	var guessed int64
	err := s.note(ctx, func(ctx context.Context, t *transaction) (err error) {
		guessed, err = t.exec(ctx, sqlGuessTimeZone, userID, zone)
		return err
	})
	if err == nil && guessed == 0 {
		err = s.shareTimeZone(ctx, userID, zone)
	}
	return wrap("guess time zone", err)
}

// shareTimeZone stores a time zone that others see, if none is known yet.
func (s *Store) shareTimeZone(ctx context.Context, userID, zone string) error {
	return s.write(ctx, func(ctx context.Context, t *transaction) error {
		u, err := readUser(ctx, t, sqlUserByID, []any{userID})
		if errors.Is(err, ErrNotFound) || err == nil && u.TimeZone != "" {
			return nil
		}
		if err != nil {
			return err
		}
		rev, err := t.nextRev(ctx)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, sqlShareTimeZone, userID, zone, rev)
		return err
	})
}
