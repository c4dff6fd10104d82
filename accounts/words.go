package accounts

import (
	"context"
	"time"
)

const maxWordText = 140 // runes

const (
	sqlSetWord = `UPDATE users SET word_state = $2, word_text = $3, word_emoji = $4, word_until = $5, word_set_at = $6, rev = $7
		WHERE id = $1`
	sqlSetInvisible = `UPDATE users SET invisible = $2, invisible_since = $3, rev = $4 WHERE id = $1`
)

// SetWord sets what a person says by hand, all of it in one act; the zero Word takes it back. Whether they are visible
// stays as it is. A word with a text or an emoji is remembered among their Presets, with lasts: how its end was chosen,
// as EndOf takes it. SetAt is the store's to set. Errors: *FieldError (an unknown state, a text over 140 runes, more
// than one emoji, an end that is not in the year to come, an unknown lasts), ErrNotFound.
func (s *Store) SetWord(ctx context.Context, userID string, w Word, lasts string) error {
	w, err := cleanWord(w, s.now())
	if err == nil {
		err = checkLasts(lasts)
	}
	if err != nil {
		return err
	}
	return wrap("set word", s.write(ctx, func(ctx context.Context, t *transaction) error {
		rev, err := t.nextRev(ctx)
		if err != nil {
			return err
		}
		var setAt int64
		if w.says() {
			setAt = t.now
		}
		n, err := t.exec(ctx, sqlSetWord, userID, w.State, w.Text, w.Emoji, milli(w.Until), setAt, rev)
		if err == nil && n == 0 {
			return ErrNotFound
		}
		if err != nil || w.Text == "" && w.Emoji == "" {
			return err
		}
		return t.addPreset(ctx, userID, w, lasts)
	}))
}

// SetInvisible makes a person look as if they had left, or shows them again. Their word stays. Error: ErrNotFound.
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

// says reports whether w says anything that can end.
func (w Word) says() bool { return w.State != "" || w.Text != "" || w.Emoji != "" }

// cleanWord returns w as it is stored, or a *FieldError.
func cleanWord(w Word, now time.Time) (Word, error) {
	switch w.State {
	case "", "online", "away", "dnd":
	default:
		return w, &FieldError{"state", "Choose online, away, do not disturb or automatic."}
	}
	var err error
	if w.Text, err = cleanLine("text", w.Text, maxWordText); err != nil {
		return w, err
	}
	if w.Emoji != "" && !isEmoji(w.Emoji) {
		return w, &FieldError{"emoji", "Use one emoji."}
	}
	if !w.Until.IsZero() && !w.Until.After(now) {
		return w, errPast()
	}
	if w.Until.After(now.AddDate(1, 0, 1)) { // a day more than EndOf allows, whose year is that of the person's clock
		return w, errFar()
	}
	if !w.says() {
		w.Until = time.Time{}
	}
	return w, nil
}
