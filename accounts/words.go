package accounts

import (
	"context"
	"time"
)

const maxWordText = 140 // runes

const sqlSetWord = `UPDATE users SET word_state = $2, word_text = $3, word_emoji = $4, word_until = $5, word_set_at = $6,
	invisible = $7, invisible_since = CASE WHEN NOT $7 THEN 0 WHEN invisible THEN invisible_since ELSE $8 END, rev = $9
	WHERE id = $1`

// SetWord sets what a person says by hand; the zero Word takes it back. InvisibleSince and SetAt are the store's to
// set. Errors: *FieldError (an unknown state, a text over 140 runes, more than one emoji, an end that is not in the
// future), ErrNotFound.
func (s *Store) SetWord(ctx context.Context, userID string, w Word) error {
	w, err := cleanWord(w, s.now())
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
		n, err := t.exec(ctx, sqlSetWord, userID, w.State, w.Text, w.Emoji, milli(w.Until), setAt, w.Invisible, t.now, rev)
		if err == nil && n == 0 {
			return ErrNotFound
		}
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
		return w, &FieldError{"state", "Choose online, away or do not disturb."}
	}
	var err error
	if w.Text, err = cleanLine("text", w.Text, maxWordText); err != nil {
		return w, err
	}
	if w.Emoji != "" && !isEmoji(w.Emoji) {
		return w, &FieldError{"emoji", "Use one emoji."}
	}
	if !w.Until.IsZero() && !w.Until.After(now) {
		return w, &FieldError{"until", "Choose a time in the future."}
	}
	if !w.says() {
		w.Until = time.Time{}
	}
	return w, nil
}
