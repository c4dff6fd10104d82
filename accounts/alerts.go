package accounts

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"
)

const (
	MaxAlerts = 50                 // that one person waits for
	AlertLife = 7 * 24 * time.Hour // then an alert expires
	AlertTold = 2 * time.Minute    // for how long an alert that was told stays
)

// What an alert waits for.
const (
	AlertHere = "here" // the person is online or on do not disturb
	AlertFree = "free" // the person is online
)

const (
	alertColumns = `a.user_id, a.person_id, p.username_key, p.display_name, p.team_key, a.kind, a.asked_at, a.expires_at, a.told_at
		FROM alerts a JOIN users p ON p.id = a.person_id`

	sqlAlerts        = `SELECT ` + alertColumns + ` ORDER BY a.rev`
	sqlChangedAlerts = `SELECT ` + alertColumns + ` WHERE a.rev > $1 ORDER BY a.rev LIMIT $2`
	sqlAlertsOf      = `SELECT ` + alertColumns + ` WHERE a.user_id = $1 ORDER BY p.username_key`
	sqlAlert         = `SELECT kind FROM alerts WHERE user_id = $1 AND person_id = $2 AND told_at = 0 AND expires_at > $3`
	sqlCountAlerts   = `SELECT count(*) FROM alerts WHERE user_id = $1 AND person_id <> $2 AND told_at = 0 AND expires_at > $3`
	sqlSetAlert      = `INSERT INTO alerts (user_id, person_id, kind, asked_at, expires_at, told_at, rev) VALUES ($1, $2, $3, $4, $5, 0, $6)
		ON CONFLICT (user_id, person_id) DO UPDATE SET kind = excluded.kind, asked_at = excluded.asked_at,
		expires_at = excluded.expires_at, told_at = 0, rev = excluded.rev`
	sqlTellAlert       = `UPDATE alerts SET told_at = $3, expires_at = $4, rev = $5 WHERE user_id = $1 AND person_id = $2`
	sqlDropAlert       = `DELETE FROM alerts WHERE user_id = $1 AND person_id = $2`
	sqlDropAlertsAbout = `DELETE FROM alerts WHERE person_id = $1`
	sqlPurgeAlerts     = `DELETE FROM alerts WHERE expires_at <= $1`
)

// Alert is somebody's wish to be told, once, when another person is here.
//
// It's stored here and not in the browser. So it works in every tab and on every device of the person, whichever list a
// page shows, and a replica that notices the arrival can have the others tell their pages.
type Alert struct {
	UserID         string // who wants to be told
	PersonID       string // about whom
	Username, Name string // of the person
	TeamKey        string // of the person
	Kind           string // AlertHere or AlertFree
	AskedAt        time.Time
	ExpiresAt      time.Time
	ToldAt         time.Time // zero: not yet
}

type alertRow struct {
	alert                Alert
	asked, expires, told int64
}

func (r *alertRow) dest() []any {
	a := &r.alert
	return []any{&a.UserID, &a.PersonID, &a.Username, &a.Name, &a.TeamKey, &a.Kind, &r.asked, &r.expires, &r.told}
}

func readAlerts(ctx context.Context, from reader, text string, args ...any) ([]Alert, error) {
	rows, err := from.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	found, err := collect(rows, (*alertRow).dest)
	var alerts []Alert
	for _, r := range found {
		r.alert.AskedAt, r.alert.ExpiresAt, r.alert.ToldAt = at(r.asked), at(r.expires), at(r.told)
		alerts = append(alerts, r.alert)
	}
	return alerts, err
}

// SetAlert stores that userID wants to be told once when a person is here or can be disturbed. It replaces an earlier
// alert about the same person. Errors: *FieldError about alerts, if there are too many or the person forbids them;
// ErrNotFound if there's no such person, they're disabled, or they're userID.
func (s *Store) SetAlert(ctx context.Context, userID, personID, kind string) error {
	if kind != AlertHere && kind != AlertFree {
		return wrongField("alerts", NotAnOption)
	}
	return wrap("set alert", s.write(ctx, func(ctx context.Context, t *transaction) error {
		if err := wantOther(ctx, t, userID, personID); err != nil {
			return err
		}
		if d, err := readDetails(ctx, t, personID); err != nil || d.NoAlerts {
			return cmp.Or[error](err, wrongField("alerts", NotAllowed))
		}
		var n int
		if err := t.queryRow(ctx, sqlCountAlerts, []any{userID, personID, t.now}, &n); err != nil {
			return err
		}
		if n >= MaxAlerts {
			return &FieldError{Field: "alerts", Code: TooMany, Limit: MaxAlerts}
		}
		rev, err := t.nextRev(ctx)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, sqlSetAlert, userID, personID, kind, t.now, t.now+AlertLife.Milliseconds(), rev)
		return err
	}))
}

// DropAlert withdraws an alert, if there is one. Replicas that still know it can't tell it: see TellAlert.
func (s *Store) DropAlert(ctx context.Context, userID, personID string) error {
	return wrap("drop alert", s.note(ctx, func(ctx context.Context, t *transaction) error {
		_, err := t.exec(ctx, sqlDropAlert, userID, personID)
		return err
	}))
}

// Alert returns what userID waits for from a person: AlertHere, AlertFree or "".
func (s *Store) Alert(ctx context.Context, userID, personID string) (kind string, err error) {
	return waitingAlert(ctx, s.r, userID, personID, s.nowMilli())
}

func waitingAlert(ctx context.Context, from reader, userID, personID string, now int64) (kind string, err error) {
	err = from.queryRow(ctx, sqlAlert, []any{userID, personID, now}, &kind)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return kind, wrap("read alert", err)
}

// Alerts returns all alerts.
func (s *Store) Alerts(ctx context.Context) ([]Alert, error) {
	alerts, err := readAlerts(ctx, s.r, sqlAlerts)
	return alerts, wrap("list alerts", err)
}

// AlertsOf returns the alerts of one person, also those that were told a moment ago.
func (s *Store) AlertsOf(ctx context.Context, userID string) ([]Alert, error) {
	alerts, err := readAlerts(ctx, s.r, sqlAlertsOf, userID)
	return alerts, wrap("list alerts", err)
}

// TellAlert marks an alert as told, so that Changes reports it to every process once. It does nothing if the alert was
// told, was withdrawn or has expired. So it doesn't matter how many processes call it.
func (s *Store) TellAlert(ctx context.Context, userID, personID string) error {
	return wrap("tell alert", s.write(ctx, func(ctx context.Context, t *transaction) error {
		kind, err := waitingAlert(ctx, t, userID, personID, t.now)
		if err != nil || kind == "" {
			return err
		}
		rev, err := t.nextRev(ctx)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, sqlTellAlert, userID, personID, t.now, t.now+AlertTold.Milliseconds(), rev)
		return err
	}))
}

// PurgeAlerts deletes alerts that have expired or were told a while ago.
func (s *Store) PurgeAlerts(ctx context.Context) error {
	return wrap("purge alerts", s.note(ctx, func(ctx context.Context, t *transaction) error {
		_, err := t.exec(ctx, sqlPurgeAlerts, t.now)
		return err
	}))
}
