package accounts

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"time"
)

// toldAtOnce is the number of rows that one transaction of SetTold adds.
const toldAtOnce = 500

// ErrNotOurs says that a delivery can't begin: another server delivers now, or the hook has changed or was stopped.
var ErrNotOurs = errors.New("the delivery isn't ours")

// Told is what the receiver of a hook was told last about a person.
type Told struct {
	PersonID string
	State    string // "": that the person isn't here, or nothing
	Unsure   bool   // a message may have arrived since
	Message  HookMessage
}

// HookMessage is a message about a person that was tried at least once, and may be tried again.
type HookMessage struct {
	EventID string // "": there's none
	State   string // that it tells
	Body    string // "": it's written again for each try
	Tries   int
	Due     time.Time // zero: never again, unless other deliveries to the hook succeed
}

const (
	sqlTold        = `SELECT person_id, state, unsure, event_id, event_state, body, tries, due FROM told WHERE hook_id = $1`
	sqlForgetTold  = `DELETE FROM told WHERE hook_id = $1`
	sqlAddTold     = `INSERT INTO told (hook_id, person_id, state, unsure, event_id, event_state, body, tries, due) VALUES ($1, $2, $3, FALSE, '', '', '', 0, 0)`
	sqlHookIsReady = `UPDATE hooks SET ready = TRUE WHERE id = $1 AND version = $2 AND stopped = ''`
	sqlHookIs      = `SELECT count(*) FROM hooks WHERE id = $1 AND version = $2 AND stopped = ''`

	sqlMayDeliver = `SELECT count(*) FROM hooks h JOIN users u ON u.id = h.user_id JOIN leases l ON l.name = 'chores'
		WHERE h.id = $1 AND h.version = $2 AND h.stopped = '' AND NOT u.disabled AND l.owner = $3 AND l.held_until > $4`
	sqlBeginMessage = `INSERT INTO told (hook_id, person_id, state, unsure, event_id, event_state, body, tries, due)
		VALUES ($1, $2, '', TRUE, $3, $4, $5, $6, $7) ON CONFLICT (hook_id, person_id) DO UPDATE SET unsure = TRUE,
		event_id = excluded.event_id, event_state = excluded.event_state, body = excluded.body, tries = excluded.tries,
		due = excluded.due`
	sqlAccepted = `UPDATE told SET state = event_state, unsure = FALSE, event_id = '', event_state = '', body = '', tries = 0, due = 0
		WHERE hook_id = $1 AND person_id = $2 AND event_id = $3`
	sqlRefused           = `UPDATE told SET unsure = $4, body = $5, due = $6 WHERE hook_id = $1 AND person_id = $2 AND event_id = $3`
	sqlDropMessage       = `UPDATE told SET event_id = '', event_state = '', body = '', tries = 0, due = 0 WHERE hook_id = $1 AND person_id = $2`
	sqlDropMessagesAbout = `UPDATE told SET event_id = '', event_state = '', body = '', tries = 0, due = 0 WHERE person_id = $1`
	sqlForgetAbout       = `DELETE FROM told WHERE hook_id IN (SELECT id FROM hooks WHERE person_id = $1 AND person_id <> '')`
	sqlDropNothing       = `DELETE FROM told WHERE hook_id = $1 AND person_id = $2 AND state = '' AND NOT unsure AND event_id = ''`
	sqlTryAgain          = `UPDATE told SET due = $2 WHERE hook_id = $1 AND event_id <> '' AND due > $2`
)

// never is the time at which a message is due that isn't tried again.
const never = math.MaxInt64

func due(t time.Time) int64 {
	if t.IsZero() {
		return never
	}
	return t.UnixMilli()
}

// Told returns what the receiver of a hook was told about each person; people about whom there's nothing to know are
// left out.
func (s *Store) Told(ctx context.Context, hookID string) ([]Told, error) {
	type toldRow struct {
		Told
		due int64
	}
	rows, err := s.r.query(ctx, sqlTold, hookID)
	if err != nil {
		return nil, wrap("read what a webhook was told", err)
	}
	found, err := collect(rows, func(r *toldRow) []any {
		w := &r.Message
		return []any{&r.PersonID, &r.State, &r.Unsure, &w.EventID, &w.State, &w.Body, &w.Tries, &r.due}
	})
	told := make([]Told, len(found))
	for i, r := range found {
		told[i] = r.Told
		if r.due != never {
			told[i].Message.Due = at(r.due)
		}
	}
	return told, wrap("read what a webhook was told", err)
}

// SetTold stores what is true now as what the receiver of a hook knows, by person, and makes the hook ready. owner is
// the server that holds the lease. Error: ErrNotOurs.
func (s *Store) SetTold(ctx context.Context, owner string, h Hook, states map[string]string) error {
	people := make([]string, 0, len(states))
	for id, state := range states {
		if state != "" {
			people = append(people, id)
		}
	}
	slices.Sort(people)
	err := s.note(ctx, func(ctx context.Context, t *transaction) error {
		if err := wantDelivery(ctx, t, owner, h); err != nil {
			return err
		}
		_, err := t.exec(ctx, sqlForgetTold, h.ID)
		return err
	})
	for batch := range slices.Chunk(people, toldAtOnce) {
		if err == nil {
			err = s.addTold(ctx, owner, h, batch, states)
		}
	}
	if err == nil {
		err = s.note(ctx, func(ctx context.Context, t *transaction) error {
			if err := wantDelivery(ctx, t, owner, h); err != nil {
				return err
			}
			n, err := t.exec(ctx, sqlHookIsReady, h.ID, h.Version)
			if err == nil && n == 0 {
				err = ErrNotOurs
			}
			return err
		})
	}
	return wrap("store what a webhook was told", err)
}

func (s *Store) addTold(ctx context.Context, owner string, h Hook, people []string, states map[string]string) error {
	return s.note(ctx, func(ctx context.Context, t *transaction) error {
		if err := wantDelivery(ctx, t, owner, h); err != nil {
			return err
		}
		for _, id := range people {
			if _, err := t.exec(ctx, sqlAddTold, h.ID, id, states[id]); err != nil {
				return err
			}
		}
		return nil
	})
}

// wantDelivery returns ErrNotOurs unless owner holds the lease, and the hook is as owner knows it.
func wantDelivery(ctx context.Context, t *transaction, owner string, h Hook) error {
	n, err := t.count(ctx, sqlMayDeliver, h.ID, h.Version, owner, t.now)
	if err == nil && n == 0 {
		err = ErrNotOurs
	}
	return err
}

// Part is what a delivery tells about one person.
type Part struct {
	PersonID  string
	State     string
	Body      string
	Tries     int       // this one included
	Next      time.Time // when to try again if it fails; zero: never
	WasUnsure bool      // what the receiver knows wasn't known before
}

// Attempt is one try to deliver a message.
type Attempt struct {
	Owner   string // the server that holds the lease
	Hook    Hook
	EventID string
	Parts   []Part
}

// BeginAttempt stores that a message is about to be sent. From then on, nobody knows what the receiver was told, until
// EndAttempt. Error: ErrNotOurs.
func (s *Store) BeginAttempt(ctx context.Context, a Attempt) error {
	return wrap("begin a delivery", s.note(ctx, func(ctx context.Context, t *transaction) error {
		if err := wantDelivery(ctx, t, a.Owner, a.Hook); err != nil {
			return err
		}
		for _, p := range a.Parts {
			if _, err := t.exec(ctx, sqlBeginMessage, a.Hook.ID, p.PersonID, a.EventID, p.State, p.Body, p.Tries,
				due(p.Next)); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Outcome is how an attempt ended.
type Outcome struct {
	Delivery Delivery
	Accepted bool
	Unclear  bool      // it may have arrived all the same
	ProbeAt  time.Time // no delivery to the hook before that
	Again    bool      // what waits for a late try is due now, because the receiver works again
}

// EndAttempt stores how an attempt ended. It changes nothing about messages that were replaced since.
func (s *Store) EndAttempt(ctx context.Context, a Attempt, o Outcome) error {
	return wrap("end a delivery", s.note(ctx, func(ctx context.Context, t *transaction) error {
		for _, p := range a.Parts {
			if err := endPart(ctx, t, a, o, p); err != nil {
				return err
			}
		}
		if o.Again {
			if _, err := t.exec(ctx, sqlTryAgain, a.Hook.ID, t.now); err != nil {
				return err
			}
		}
		return addDelivery(ctx, t, a.Hook, o)
	}))
}

func endPart(ctx context.Context, t *transaction, a Attempt, o Outcome, p Part) error {
	if !o.Accepted {
		body := p.Body
		if p.Next.IsZero() {
			body = "" // it will be another message
		}
		_, err := t.exec(ctx, sqlRefused, a.Hook.ID, p.PersonID, a.EventID, o.Unclear || p.WasUnsure, body, due(p.Next))
		return err
	}
	if _, err := t.exec(ctx, sqlAccepted, a.Hook.ID, p.PersonID, a.EventID); err != nil {
		return err
	}
	_, err := t.exec(ctx, sqlDropNothing, a.Hook.ID, p.PersonID)
	return err
}

// DropMessage drops a message that's no longer true, because the receiver was last told what is. Error: ErrNotOurs.
func (s *Store) DropMessage(ctx context.Context, owner string, h Hook, personID string) error {
	return wrap("drop a message", s.note(ctx, func(ctx context.Context, t *transaction) error {
		if err := wantDelivery(ctx, t, owner, h); err != nil {
			return err
		}
		if _, err := t.exec(ctx, sqlDropMessage, h.ID, personID); err != nil {
			return err
		}
		_, err := t.exec(ctx, sqlDropNothing, h.ID, personID)
		return err
	}))
}

// StopHook stops deliveries to a hook that can't be delivered to. It does nothing if the hook has changed since.
func (s *Store) StopHook(ctx context.Context, h Hook, why HookStop) error {
	return wrap("stop webhook", s.write(ctx, func(ctx context.Context, t *transaction) error {
		n, err := t.count(ctx, sqlHookIs, h.ID, h.Version)
		if err != nil || n == 0 {
			return err
		}
		if err := stopHook(ctx, t, h.ID, why); err != nil {
			return err
		}
		return changesHooks(ctx, t)
	}))
}

// noRows turns the absence of a row into the zero value.
func noRows(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}
