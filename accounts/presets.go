package accounts

import "context"

const maxPresets = 6 // per person; setting another status forgets the least recently used one

const (
	sqlAddPreset = `INSERT INTO presets (id, user_id, state, text, emoji, lasts, rev) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (user_id, state, text, emoji) DO UPDATE SET lasts = excluded.lasts, rev = excluded.rev`
	sqlTrimPresets = `DELETE FROM presets WHERE user_id = $1 AND id IN
		(SELECT id FROM presets WHERE user_id = $1 ORDER BY rev DESC LIMIT 100 OFFSET $2)`
	sqlPresets      = `SELECT id, state, text, emoji, lasts FROM presets WHERE user_id = $1 ORDER BY rev DESC LIMIT $2`
	sqlForgetPreset = `DELETE FROM presets WHERE user_id = $1 AND id = $2`
)

// Preset is a status that a person set before and may want to set again.
type Preset struct {
	ID                 string
	State, Text, Emoji string // as in a Status; unique per person
	Lasts              string // as for EndOf, but never LastsAt
}

// Presets returns the statuses that a person set last, at most 6, the most recent first.
func (s *Store) Presets(ctx context.Context, userID string) ([]Preset, error) {
	presets, err := readPresets(ctx, s.r, userID)
	return presets, wrap("list presets", err)
}

func readPresets(ctx context.Context, from reader, userID string) ([]Preset, error) {
	rows, err := from.query(ctx, sqlPresets, userID, maxPresets)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(p *Preset) []any { return []any{&p.ID, &p.State, &p.Text, &p.Emoji, &p.Lasts} })
}

// ForgetPreset deletes one of a person's presets. It's not an error if the person has no such preset.
func (s *Store) ForgetPreset(ctx context.Context, userID, presetID string) error {
	return wrap("forget preset", s.note(ctx, func(ctx context.Context, t *transaction) error {
		_, err := t.exec(ctx, sqlForgetPreset, userID, presetID)
		return err
	}))
}

// addPreset stores w as a preset. It needs the transaction's rev. A status that ends at a certain time becomes a preset
// for the rest of the day, because the time makes no sense on another day.
func addPreset(ctx context.Context, t *transaction, userID string, w Status, lasts string) error {
	if lasts == LastsAt {
		lasts = LastsToday
	}
	id, err := newID()
	if err != nil {
		return err
	}
	if _, err := t.exec(ctx, sqlAddPreset, id, userID, w.State, w.Text, w.Emoji, lasts, t.rev); err != nil {
		return err
	}
	_, err = t.exec(ctx, sqlTrimPresets, userID, maxPresets)
	return err
}
