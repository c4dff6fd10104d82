package accounts

import (
	"context"
	"time"
)

// Limits of the list of deliveries.
const (
	MaxDeliveries = 100            // of one hook
	DeliveryAge   = 24 * time.Hour // how long a delivery is listed
)

// The reasons why a delivery failed.
const (
	ReasonStatus   = "status"   // the answer has another status than 2xx
	ReasonRedirect = "redirect" // the receiver is elsewhere, where nothing is sent
	ReasonAddress  = "address"  // it isn't public, and the operator doesn't allow it
	ReasonDNS      = "dns"
	ReasonConnect  = "connect"
	ReasonTLS      = "tls"
	ReasonTimeout  = "timeout"
	ReasonAnswer   = "answer" // there was none, or it isn't HTTP
)

// Delivery is one try to deliver something to a hook. It names nobody, and has nothing of what was sent.
type Delivery struct {
	At     time.Time // only the day, if the hook is about one person
	Event  string    // its type, such as presence.changed
	Tries  int       // this one included
	Status int       // of HTTP; 0: there was no answer
	Took   time.Duration
	Reason string // why it failed, such as ReasonStatus; "": it didn't
}

const (
	sqlCountDelivery = `UPDATE hooks SET delivered = delivered + 1, probe_at = $3,
		failures = CASE WHEN $2 THEN 0 ELSE failures + 1 END,
		fails_since = CASE WHEN $2 THEN 0 WHEN fails_since = 0 THEN $4 ELSE fails_since END
		WHERE id = $1 RETURNING delivered`
	sqlCountTest   = `UPDATE hooks SET delivered = delivered + 1 WHERE id = $1 RETURNING delivered`
	sqlAddDelivery = `INSERT INTO deliveries (hook_id, n, at, event, tries, status, ms, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	sqlDropOver    = `DELETE FROM deliveries WHERE hook_id = $1 AND n <= $2`
	sqlDeliveries  = `SELECT at, event, tries, status, ms, reason FROM deliveries WHERE hook_id = $1 AND at > $2 ORDER BY n DESC LIMIT $3`
	sqlOldDelivery = `DELETE FROM deliveries WHERE at <= $1`
)

// addDelivery lists a delivery and counts it.
func addDelivery(ctx context.Context, t *transaction, h Hook, o Outcome) error {
	var n int64
	err := t.queryRow(ctx, sqlCountDelivery, []any{h.ID, o.Accepted, milli(o.ProbeAt), t.now}, &n)
	if err != nil {
		return noRows(err) // the hook was deleted
	}
	return listDelivery(ctx, t, h, n, o.Delivery)
}

// listDelivery lists a delivery. With a hook about one person, its time would tell when that person came or left.
func listDelivery(ctx context.Context, t *transaction, h Hook, n int64, d Delivery) error {
	if h.About == AboutOnePerson && d.Event != TestEvent {
		d.At = d.At.UTC().Truncate(24 * time.Hour)
	}
	_, err := t.exec(ctx, sqlAddDelivery, h.ID, n, milli(d.At), d.Event, d.Tries, d.Status, d.Took.Milliseconds(), d.Reason)
	if err == nil {
		_, err = t.exec(ctx, sqlDropOver, h.ID, n-MaxDeliveries)
	}
	return err
}

// TestEvent is the type of the event that an owner sends to try a hook.
const TestEvent = "test"

// AddTest lists a test of a hook. It doesn't count as a success or a failure. Error: ErrNoHook.
func (s *Store) AddTest(ctx context.Context, h Hook, d Delivery) error {
	return wrap("list a test", s.note(ctx, func(ctx context.Context, t *transaction) error {
		var n int64
		if err := t.queryRow(ctx, sqlCountTest, []any{h.ID}, &n); err != nil {
			if noRows(err) == nil {
				return ErrNoHook
			}
			return err
		}
		return listDelivery(ctx, t, h, n, d)
	}))
}

// Deliveries returns the latest deliveries of a hook, the newest first.
func (s *Store) Deliveries(ctx context.Context, hookID string) ([]Delivery, error) {
	all, err := readDeliveries(ctx, s.r, s.nowMilli(), hookID)
	return all, wrap("list deliveries", err)
}

func readDeliveries(ctx context.Context, from reader, now int64, hookID string) ([]Delivery, error) {
	type deliveryRow struct {
		Delivery
		at, ms int64
	}
	rows, err := from.query(ctx, sqlDeliveries, hookID, now-DeliveryAge.Milliseconds(), MaxDeliveries)
	if err != nil {
		return nil, err
	}
	found, err := collect(rows, func(r *deliveryRow) []any {
		return []any{&r.at, &r.Event, &r.Tries, &r.Status, &r.ms, &r.Reason}
	})
	all := make([]Delivery, len(found))
	for i, r := range found {
		all[i] = r.Delivery
		all[i].At, all[i].Took = at(r.at), time.Duration(r.ms)*time.Millisecond
	}
	return all, err
}
