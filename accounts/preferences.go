package accounts

import (
	"context"
	"time"
)

const (
	minIdleAfter = time.Minute
	maxIdleAfter = 2 * time.Hour
	neverIdle    = -time.Millisecond // as it is stored
)

const (
	sqlSetPreferences = `UPDATE users SET idle_after = $2, show_last_seen = $3, time_zone = $4, theme = $5, announce = $6, rev = $7
		WHERE id = $1`
	sqlGuessTimeZone = `UPDATE users SET time_zone = $2 WHERE id = $1 AND time_zone = ''`
)

// Preferences are what a person chooses for themselves.
type Preferences struct {
	IdleAfter time.Duration // 1 to 120 whole minutes; 0: the default; below 0: never idle
	Precision string        // Approximate, Exact or Nobody
	TimeZone  string        // IANA name; "": not known
	Theme     string        // "light", "dark", or "" for what the system has
	Announce  bool          // screen readers are to speak of who comes and goes
}

// Preferences are what u has chosen.
func (u User) Preferences() Preferences {
	return Preferences{u.IdleAfter, u.Precision, u.TimeZone, u.Theme, u.Announce}
}

// ChangePreferences sets what change makes of a person's choices as they are at that moment: forms about different ones
// that are sent at once do not undo each other. Errors: *FieldError about idle_after, last_seen, time_zone or theme;
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
		_, err = t.exec(ctx, sqlSetPreferences, userID, p.IdleAfter.Milliseconds(), p.Precision, p.TimeZone, p.Theme, p.Announce, rev)
		return err
	}))
}

// clean returns p as it is stored, or a *FieldError.
func (p Preferences) clean() (Preferences, error) {
	switch {
	case p.IdleAfter < 0:
		p.IdleAfter = neverIdle
	case p.IdleAfter == 0:
	case p.IdleAfter < minIdleAfter || p.IdleAfter > maxIdleAfter || p.IdleAfter%time.Minute != 0:
		return p, wrongField("idle_after", OutOfRange)
	}
	switch p.Precision {
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

// GuessTimeZone notes the zone that a person's browser says it is in, while none is known. What is no zone, and a
// person who does not exist, is ignored. Others need not notice.
func (s *Store) GuessTimeZone(ctx context.Context, userID, zone string) error {
	if _, err := loadZone(zone); err != nil {
		return nil
	}
	return wrap("guess time zone", s.note(ctx, func(ctx context.Context, t *transaction) error {
		_, err := t.exec(ctx, sqlGuessTimeZone, userID, zone)
		return err
	}))
}
