package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Limits of the audit log.
const (
	AuditAge        = 400 * 24 * time.Hour // how long a line is kept
	AuditAddressAge = 30 * 24 * time.Hour  // how long a line keeps the address of the browser
	maxAudit        = 1_000_000            // lines; newer ones than auditKept don't count
	auditKept       = 30 * 24 * time.Hour  // how long a line is kept in any case
	maxDetail       = 1024                 // bytes

	// AuditPerDay is how many lines a person can add within 24 hours by what they do to others. In AuditAge, that's
	// fewer lines than maxAudit, so nobody alone can make the log drop what they did.
	AuditPerDay = 2000
)

// ErrTooManyActs says that somebody has added AuditPerDay lines to the audit log within 24 hours.
var ErrTooManyActs = errors.New("too many changes in a day")

const (
	sqlOldAudit     = `DELETE FROM audit WHERE at < $1`
	sqlClearAddress = `UPDATE audit SET address = '' WHERE address <> '' AND at < $1`
	sqlSurplusAudit = `DELETE FROM audit WHERE at < $2
		AND id <= (SELECT id FROM audit WHERE id > '' ORDER BY id DESC LIMIT 1 OFFSET $1)`
	sqlRecentAudit = `SELECT count(*) FROM audit WHERE actor = $1 AND id > $2`
	sqlAuditToday  = sqlRecentAudit + ` AND action = $3`
)

// wantRoomInAudit returns ErrTooManyActs if the actor is a person who has done too much to others lately.
func wantRoomInAudit(ctx context.Context, t *transaction, target string) (err error) {
	if UserOf(t.actor) == "" || target == string(t.actor) {
		return nil
	}
	if t.acted < 0 {
		var id uuid.UUID
		copy(id[:6], idTime(time.Now().Add(-24*time.Hour)))
		if t.acted, err = t.count(ctx, sqlRecentAudit, string(t.actor), id.String()); err != nil {
			return err
		}
	}
	if t.acted++; t.acted > AuditPerDay {
		return ErrTooManyActs
	}
	return nil
}

// wantFewToday returns a *FieldError about field if a person has made as many things for themself today (UTC) as they
// can in a day. Each of them adds a line to the audit log, which needs room for what others do.
func wantFewToday(ctx context.Context, t *transaction, made Action, field string, most int) error {
	if UserOf(t.actor) == "" {
		return nil
	}
	var id uuid.UUID // these lines have an ID of the end of their day; see TellsPresence
	copy(id[:6], idTime(at(t.now).Truncate(wholeDay)))
	n, err := t.count(ctx, sqlAuditToday, string(t.actor), id.String(), string(made))
	if err == nil && n >= most {
		err = &FieldError{Field: field, Code: TooMany, Limit: most, Detail: "day"}
	}
	return err
}

// pruneAudit deletes old lines and addresses.
func pruneAudit(ctx context.Context, t *transaction) error {
	if _, err := t.exec(ctx, sqlOldAudit, t.now-AuditAge.Milliseconds()); err != nil {
		return err
	}
	if _, err := t.exec(ctx, sqlClearAddress, t.now-AuditAddressAge.Milliseconds()); err != nil {
		return err
	}
	_, err := t.exec(ctx, sqlSurplusAudit, maxAudit, t.now-auditKept.Milliseconds())
	return err
}
