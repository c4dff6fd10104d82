package hooks

import (
	"context"
	"errors"
	"time"

	"rollcall/accounts"
)

// begin begins what is due, and returns when to ask again.
func (d *Deliverer) begin(sending context.Context, long time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	if now.Before(d.holdOff) {
		return d.holdOff.Sub(now)
	}
	work, wake := d.machine.next(now)
	for _, x := range work {
		x.attempt.Owner = d.id
		d.workers.Go(func() { d.deliver(sending, x) })
	}
	if wake.IsZero() {
		return long
	}
	return max(wake.Sub(now), 0)
}

// deliver makes one delivery, and has the loop look for the next.
func (d *Deliverer) deliver(ctx context.Context, x *delivery) {
	defer d.signal()
	if x.drop {
		err := d.cfg.Accounts.DropMessage(ctx, d.id, x.attempt.Hook, x.attempt.Parts[0].PersonID)
		if err != nil {
			d.abort(ctx, x, err)
			return
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.machine.dropped(x, time.Now())
		return
	}
	all, err := d.fresh(ctx, x)
	if err != nil || all == nil {
		d.abort(ctx, x, err)
		return
	}
	now := time.Now()
	event := all[0].Event
	body := []byte(x.attempt.Parts[0].Body)
	if len(body) == 0 {
		body = message(x.attempt.Hook, all, now)
		if !x.attempt.Hook.Format.Chat() {
			x.attempt.Parts[0].Body = string(body)
		}
	}
	if err := d.cfg.Accounts.BeginAttempt(ctx, x.attempt); err != nil {
		d.abort(ctx, x, err)
		return
	}
	d.mu.Lock()
	until := d.until
	d.mu.Unlock()
	send, cancel := context.WithDeadline(ctx, until) // no delivery outlasts the lease
	defer cancel()
	d.finish(ctx, x, d.cfg.Sender.send(send, x.attempt.Hook, x.attempt.EventID, body, now), event)
}

// fresh returns what to tell about the people of a delivery. It returns nil, and has the machine learn what is true, if
// that isn't what the delivery is about any more.
func (d *Deliverer) fresh(ctx context.Context, x *delivery) ([]news, error) {
	if err := d.cfg.Board.CatchUp(ctx); err != nil {
		return nil, err
	}
	ids := make([]string, len(x.attempt.Parts))
	for i, part := range x.attempt.Parts {
		ids[i] = part.PersonID
	}
	people, err := d.cfg.Accounts.PeopleByID(ctx, append(ids, x.attempt.Hook.UserID))
	if err != nil {
		return nil, err
	}
	byID := make(map[string]accounts.Person, len(people))
	for _, p := range people {
		byID[p.ID] = p
	}
	h := accounts.ActiveHook{Hook: x.attempt.Hook, Owner: byID[x.attempt.Hook.UserID]}
	if h.Owner.ID == "" || !d.cfg.Board.Sure() {
		return nil, nil
	}
	all := make([]news, len(ids))
	same := true
	for i, part := range x.attempt.Parts {
		var state string
		if p, ok := byID[part.PersonID]; ok {
			state, all[i] = d.stateOf(h, p)
		}
		all[i].Row.ID = part.PersonID
		all[i].From = from(h.Hook, x.from[i])
		all[i].Event = kind(x.from[i], part.State, all[i].Shown)
		if state != part.State {
			same = false
			d.mu.Lock()
			x.target.saw(part.PersonID, state, time.Now())
			d.mu.Unlock()
		}
	}
	if !same {
		return nil, nil
	}
	return all, nil
}

// abort ends a delivery that didn't begin. err is nil if it isn't needed any more.
func (d *Deliverer) abort(ctx context.Context, x *delivery, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.machine.aborted(x, time.Now())
	switch {
	case errors.Is(err, accounts.ErrNotOurs):
		d.reload = true
		d.holdOff = time.Now().Add(checkSure)
	case err != nil:
		d.holdOff = time.Now().Add(checkSure)
		d.warn(ctx, "begin a delivery", err)
	}
}

// finish stores how a delivery ended.
func (d *Deliverer) finish(ctx context.Context, x *delivery, a answer, event string) {
	now := time.Now()
	d.mu.Lock()
	o, stop := d.machine.outcome(x, a, event, now)
	d.mu.Unlock()
	d.count(x, a)
	store, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	err := d.cfg.Accounts.EndAttempt(store, x.attempt, o)
	if err != nil {
		d.log.Warn("how the delivery of a webhook ended couldn't be stored, so its message is sent again", "err", err)
	}
	d.mu.Lock()
	d.machine.ended(x, o, err == nil, now)
	d.mu.Unlock()
	if stop == "" {
		return
	}
	if err := d.cfg.Accounts.StopHook(store, x.attempt.Hook, stop); err != nil {
		d.log.Warn("a webhook couldn't be stopped", "hook", x.attempt.Hook.ID, "err", err)
		return
	}
	d.log.Warn("a webhook was stopped", "hook", x.attempt.Hook.ID, "why", string(stop))
}

func (d *Deliverer) count(x *delivery, a answer) {
	if a.Reason == "" {
		d.accepted.Add(1)
		return
	}
	d.failed.Add(1)
	d.log.Debug("the delivery of a webhook failed", "hook", x.attempt.Hook.ID, "reason", a.Reason, "status", a.Status)
}
