package accounts

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

const (
	hookColumns = `h.id, h.user_id, h.label, h.url, h.format, h.about, h.team_key, h.team, h.person_id, h.states, h.texts,
		h.settle, h.secret, h.old_secret, h.old_secret_until, h.stopped, h.stopped_at, h.failures, h.fails_since,
		h.probe_at, h.ready, h.version, h.created_at`

	sqlHooksOf     = `SELECT ` + hookColumns + ` FROM hooks h WHERE h.user_id = $1 ORDER BY h.created_at, h.id LIMIT $2`
	sqlHook        = `SELECT ` + hookColumns + ` FROM hooks h WHERE h.id = $1`
	sqlAllHooks    = `SELECT ` + hookColumns + ` FROM hooks h WHERE h.id > '' ORDER BY h.id LIMIT $1`
	sqlActiveHooks = `SELECT ` + hookColumns + `, ` + personColumns + ` FROM hooks h JOIN users u ON u.id = h.user_id
		WHERE h.id > '' AND h.stopped = '' AND NOT u.disabled ORDER BY h.id LIMIT $1`
	sqlCountHooks    = `SELECT count(*) FROM hooks WHERE user_id = $1`
	sqlCountAllHooks = `SELECT count(*) FROM hooks WHERE id > ''`
	sqlAddHook       = `INSERT INTO hooks (id, user_id, label, url, format, about, team_key, team, person_id, states, texts, settle,
		secret, old_secret, old_secret_until, stopped, stopped_at, failures, fails_since, probe_at, delivered, ready, version,
		created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', 0, '', 0, 0, 0, 0, 0, FALSE, 1, $14)`
	sqlChangeHook = `UPDATE hooks SET label = $3, url = $4, format = $5, about = $6, team_key = $7, team = $8, person_id = $9,
		states = $10, texts = $11, settle = $12, ready = $13, failures = 0, fails_since = 0, probe_at = 0, version = version + 1
		WHERE id = $1 AND user_id = $2`
	sqlRotateHook = `UPDATE hooks SET old_secret = secret, old_secret_until = $3, secret = $2, version = version + 1 WHERE id = $1`
	sqlStopHook   = `UPDATE hooks SET stopped = $2, stopped_at = $3, version = version + 1 WHERE id = $1 AND stopped = ''`
	sqlStartHook  = `UPDATE hooks SET stopped = '', stopped_at = 0, failures = 0, fails_since = 0, probe_at = 0, ready = FALSE,
		version = version + 1 WHERE id = $1 AND stopped <> ''`
	sqlDropHook       = `DELETE FROM hooks WHERE id = $1`
	sqlStopHooksAbout = `UPDATE hooks SET stopped = 'person', stopped_at = $2, person_id = '', version = version + 1
		WHERE person_id = $1 AND person_id <> ''`
	sqlMoveTeamHooks   = `UPDATE hooks SET team_key = $2, team = $3, version = version + 1 WHERE about = 'team' AND team_key = $1`
	sqlMergeTeamHooks  = `UPDATE hooks SET team_key = $2, team = $3, ready = FALSE, version = version + 1 WHERE about = 'team' AND team_key = $1`
	sqlOldHookSecrets  = `UPDATE hooks SET old_secret = '', old_secret_until = 0 WHERE id > '' AND old_secret <> '' AND old_secret_until <= $1`
	sqlSetHooksRev     = `INSERT INTO meta (name, value) VALUES ('hooks_rev', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	sqlHooksAboutOwner = `SELECT ` + hookColumns + `, ` + personColumns + ` FROM hooks h JOIN users u ON u.id = h.user_id
		WHERE h.id > '' AND h.stopped = '' AND NOT u.disabled AND (h.about = 'all' OR h.about = 'team' AND h.team_key = $1
			OR h.person_id = $2) ORDER BY h.id LIMIT $3`
)

type hookRow struct {
	Hook
	settle, oldUntil, stoppedAt, failsSince, probeAt, created int64
}

func (r *hookRow) dest() []any {
	h := &r.Hook
	return []any{&h.ID, &h.UserID, &h.Label, &h.URL, &h.Format, &h.About, &h.TeamKey, &h.Team, &h.PersonID, &h.States, &h.Texts,
		&r.settle, &h.Secret, &h.Old, &r.oldUntil, &h.Stopped, &r.stoppedAt, &h.Failures, &r.failsSince, &r.probeAt, &h.Ready,
		&h.Version, &r.created}
}

func (r *hookRow) finish(now int64) Hook {
	h := r.Hook
	h.Settle = time.Duration(r.settle) * time.Millisecond
	h.OldUntil, h.StoppedAt, h.CreatedAt = at(r.oldUntil), at(r.stoppedAt), at(r.created)
	h.FailsSince, h.ProbeAt = at(r.failsSince), at(r.probeAt)
	if r.oldUntil <= now {
		h.Old, h.OldUntil = "", time.Time{}
	}
	return h
}

func readHooks(ctx context.Context, from reader, now int64, text string, args ...any) ([]Hook, error) {
	rows, err := from.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	found, err := collect(rows, (*hookRow).dest)
	hooks := make([]Hook, len(found))
	for i := range found {
		hooks[i] = found[i].finish(now)
	}
	return hooks, err
}

// Hooks returns the hooks of a person, the oldest first.
func (s *Store) Hooks(ctx context.Context, userID string) ([]Hook, error) {
	hooks, err := readHooks(ctx, s.r, s.nowMilli(), sqlHooksOf, userID, MaxHooks)
	return hooks, wrap("list webhooks", err)
}

// AllHooks returns the hooks of everybody, for operators.
func (s *Store) AllHooks(ctx context.Context) ([]Hook, error) {
	hooks, err := readHooks(ctx, s.r, s.nowMilli(), sqlAllHooks, MaxAllHooks)
	return hooks, wrap("list webhooks", err)
}

// Hook returns a hook of a person; userID "" is for operators, and finds the hooks of everybody. Error: ErrNoHook.
func (s *Store) Hook(ctx context.Context, userID, id string) (Hook, error) {
	h, err := ownHook(ctx, s.r, s.nowMilli(), userID, id)
	return h, wrap("read webhook", err)
}

func ownHook(ctx context.Context, from reader, now int64, userID, id string) (Hook, error) {
	var r hookRow
	err := from.queryRow(ctx, sqlHook, []any{id}, r.dest()...)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && userID != "" && r.UserID != userID:
		return Hook{}, ErrNoHook
	case err != nil:
		return Hook{}, err
	}
	return r.finish(now), nil
}

// AddHook adds a hook of a person, with a new secret. Errors: *FieldError, about hooks if there are too many (Detail is
// "all" if the board has too many); ErrNotFound.
func (s *Store) AddHook(ctx context.Context, userID string, w HookWish) (h Hook, err error) {
	w, key, err := w.clean()
	if err != nil {
		return h, err
	}
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		if err := wantRoomForHook(ctx, t, userID); err != nil {
			return err
		}
		if err := wantHookPerson(ctx, t, w); err != nil {
			return err
		}
		id, err := newID()
		if err != nil {
			return err
		}
		h = Hook{ID: id, UserID: userID, HookWish: w, TeamKey: key, HookSecrets: HookSecrets{Secret: newHookSecret()}, Version: 1,
			CreatedAt: at(t.now)}
		_, err = t.exec(ctx, sqlAddHook, h.ID, userID, w.Label, w.URL, string(w.Format), string(w.About), key, w.Team, w.PersonID,
			w.States, w.Texts, w.Settle.Milliseconds(), h.Secret, t.now)
		if isOrphan(err) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		return changedHook(ctx, t, HookMade, h)
	})
	return h, wrap("add webhook", err)
}

func wantRoomForHook(ctx context.Context, t *transaction, userID string) error {
	own, err := t.count(ctx, sqlCountHooks, userID)
	if err != nil {
		return err
	}
	if own >= MaxHooks {
		return &FieldError{Field: "hooks", Code: TooMany, Limit: MaxHooks}
	}
	all, err := t.count(ctx, sqlCountAllHooks)
	if err == nil && all >= MaxAllHooks {
		err = &FieldError{Field: "hooks", Code: TooMany, Limit: MaxAllHooks, Detail: "all"}
	}
	return err
}

// wantHookPerson returns a *FieldError if the hook is about a person who doesn't exist.
func wantHookPerson(ctx context.Context, t *transaction, w HookWish) error {
	if w.About != AboutOnePerson {
		return nil
	}
	u, err := readUser(ctx, t, sqlUserByID, []any{w.PersonID})
	if errors.Is(err, ErrNotFound) || err == nil && u.Disabled {
		return wrongField("person", UnknownPerson)
	}
	return err
}

// changedHook tells servers of a hook that changed, and records it.
func changedHook(ctx context.Context, t *transaction, action Action, h Hook) error {
	if err := changesHooks(ctx, t); err != nil {
		return err
	}
	return t.audit(ctx, action, TargetUser(h.UserID), map[string]string{"format": string(h.Format), "about": string(h.About)})
}

// changesHooks records that hooks have changed, for Changes.
func changesHooks(ctx context.Context, t *transaction) error {
	rev, err := t.nextRev(ctx)
	if err == nil {
		_, err = t.exec(ctx, sqlSetHooksRev, rev)
	}
	return err
}

// changeHook runs fn on a hook of a person.
func (s *Store) changeHook(ctx context.Context, userID, id string, action Action,
	fn func(context.Context, *transaction, Hook) error) error {
	return s.write(ctx, func(ctx context.Context, t *transaction) error {
		h, err := ownHook(ctx, t, t.now, userID, id)
		if err != nil {
			return err
		}
		if err := fn(ctx, t, h); err != nil {
			return err
		}
		return changedHook(ctx, t, action, h)
	})
}

// ChangeHook changes what a person chose for a hook. If it's about other people, tells other things, or leads elsewhere
// then, its receiver hears only of later changes. Errors: *FieldError, ErrNoHook.
func (s *Store) ChangeHook(ctx context.Context, userID, id string, w HookWish) error {
	w, key, err := w.clean()
	if err != nil {
		return err
	}
	change := func(ctx context.Context, t *transaction, h Hook) error {
		if w.PersonID != h.PersonID {
			if err := wantHookPerson(ctx, t, w); err != nil {
				return err
			}
		}
		same := w
		same.Label, same.Settle, same.Team = h.Label, h.Settle, h.Team
		ready := h.Ready && same == h.HookWish && key == h.TeamKey
		if !ready {
			if _, err := t.exec(ctx, sqlForgetTold, id); err != nil {
				return err
			}
		}
		_, err := t.exec(ctx, sqlChangeHook, id, h.UserID, w.Label, w.URL, string(w.Format), string(w.About), key, w.Team,
			w.PersonID, w.States, w.Texts, w.Settle.Milliseconds(), ready)
		return err
	}
	return wrap("change webhook", s.changeHook(ctx, userID, id, HookChanged, change))
}

// RotateHook gives a hook a new secret, and returns it. The previous one signs, too, for OldSecretLife. Error:
// ErrNoHook.
func (s *Store) RotateHook(ctx context.Context, userID, id string) (secret string, err error) {
	secret = newHookSecret()
	err = s.changeHook(ctx, userID, id, HookRotated, func(ctx context.Context, t *transaction, _ Hook) error {
		_, err := t.exec(ctx, sqlRotateHook, id, secret, t.now+OldSecretLife.Milliseconds())
		return err
	})
	return secret, wrap("rotate webhook", err)
}

// PauseHook stops deliveries to a hook until StartHook. Error: ErrNoHook.
func (s *Store) PauseHook(ctx context.Context, userID, id string) error {
	return wrap("pause webhook", s.changeHook(ctx, userID, id, HookChanged, func(ctx context.Context, t *transaction, _ Hook) error {
		return stopHook(ctx, t, id, HookPaused)
	}))
}

// StartHook starts deliveries to a hook that was stopped. Its receiver hears only of later changes. Errors:
// ErrNoHook; *FieldError about person, if the hook was about somebody who no longer has an account.
func (s *Store) StartHook(ctx context.Context, userID, id string) error {
	return wrap("start webhook", s.changeHook(ctx, userID, id, HookChanged, func(ctx context.Context, t *transaction, h Hook) error {
		if err := wantHookPerson(ctx, t, h.HookWish); err != nil {
			return err
		}
		_, err := t.exec(ctx, sqlStartHook, id)
		return err
	}))
}

// stopHook stops a hook, and forgets what its receiver was told and what waits to be delivered.
func stopHook(ctx context.Context, t *transaction, id string, why HookStop) error {
	if _, err := t.exec(ctx, sqlForgetTold, id); err != nil {
		return err
	}
	_, err := t.exec(ctx, sqlStopHook, id, string(why), t.now)
	return err
}

// DeleteHook deletes a hook. Error: ErrNoHook.
func (s *Store) DeleteHook(ctx context.Context, userID, id string) error {
	drop := func(ctx context.Context, t *transaction, _ Hook) error {
		_, err := t.exec(ctx, sqlDropHook, id)
		return err
	}
	return wrap("delete webhook", s.changeHook(ctx, userID, id, HookDeleted, drop))
}
