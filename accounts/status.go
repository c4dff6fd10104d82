package accounts

import (
	"context"
	"time"
)

const maxStatusText = 140 // runes

const (
	sqlSetStatus = `UPDATE users SET status_state = $2, status_text = $3, status_emoji = $4, status_until = $5, status_set_at = $6, rev = $7
		WHERE id = $1`
	sqlSetInvisible = `UPDATE users SET invisible = $2, invisible_since = $3, rev = $4 WHERE id = $1`
)

// SetStatus sets a person's whole status; the zero Status clears it. It doesn't change whether they're invisible. A
// status with a text or an emoji becomes a preset with lasts, which says how its end was chosen, as for EndOf. The
// store sets SetAt. Errors: *FieldError (an unknown state, a text over 140 runes, more than one emoji, an end that is
// in the past or more than a year ahead, an unknown lasts), ErrNotFound.
func (s *Store) SetStatus(ctx context.Context, userID string, w Status, lasts string) error {
	w, err := cleanStatus(w, s.now())
	if err == nil {
		err = checkLasts(lasts)
	}
	if err != nil {
		return err
	}
	return wrap("set status", s.write(ctx, func(ctx context.Context, t *transaction) error {
		rev, err := t.nextRev(ctx)
		if err != nil {
			return err
		}
		var setAt int64
		if w.says() {
			setAt = t.now
		}
		n, err := t.exec(ctx, sqlSetStatus, userID, w.State, w.Text, w.Emoji, milli(w.Until), setAt, rev)
		if err == nil && n == 0 {
			return ErrNotFound
		}
		if err != nil || w.Text == "" && w.Emoji == "" {
			return err
		}
		return addPreset(ctx, t, userID, w, lasts)
	}))
}

// SetInvisible makes a person invisible or visible. Their status stays. Error: ErrNotFound.
func (s *Store) SetInvisible(ctx context.Context, userID string, on bool) error {
	return wrap("set invisible", s.write(ctx, func(ctx context.Context, t *transaction) error {
		u, err := readUser(ctx, t, sqlUserByID, []any{userID})
		if err != nil || u.Invisible == on {
			return err
		}
		rev, err := t.nextRev(ctx)
		if err != nil {
			return err
		}
		var since int64
		if on {
			since = t.now
		}
		_, err = t.exec(ctx, sqlSetInvisible, userID, on, since, rev)
		return err
	}))
}

// says reports whether w is set.
func (w Status) says() bool { return w.State != "" || w.Text != "" || w.Emoji != "" }

// cleanStatus returns w in its stored form, or a *FieldError.
func cleanStatus(w Status, now time.Time) (Status, error) {
	switch w.State {
	case "", "online", "away", "dnd":
	default:
		return w, wrongField("state", NotAnOption)
	}
	var err error
	if w.Text, err = cleanLine("text", w.Text, maxStatusText); err != nil {
		return w, err
	}
	if w.Emoji != "" && !isEmoji(w.Emoji) {
		return w, wrongField("emoji", NotOneEmoji)
	}
	if !w.Until.IsZero() && !w.Until.After(now) {
		return w, wrongField("until", InThePast)
	}
	if w.Until.After(now.AddDate(1, 0, 1)) { // a day more than EndOf allows, which counts in the person's time zone
		return w, wrongField("until", TooFarAhead)
	}
	if !w.says() {
		w.Until = time.Time{}
	}
	return w, nil
}
