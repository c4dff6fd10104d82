package handlers

import (
	"errors"
	"slices"
	"sync"
	"time"

	"rollcall/live"
	"rollcall/presence"
)

// errEnded says that the token or the session of a heartbeat has ended.
var errEnded = errors.New("the token or session has ended")

// devices ends devices without a browser when the token or session that they use ends.
type devices struct {
	presence *presence.Tracker

	mu     sync.Mutex             // guards the rest
	owners map[string]deviceOwner // by token or session
	ended  map[string]time.Time   // tokens and sessions that ended within the last minute
	swept  time.Time
}

// deviceOwner is whose token or session it is, and until when a device uses it.
type deviceOwner struct {
	user  string
	until time.Time
}

func newDevices(board *live.Board, tracker *presence.Tracker) *devices {
	d := &devices{presence: tracker, owners: map[string]deviceOwner{}, ended: map[string]time.Time{}}
	board.Subscribe(d.applyUpdate)
	return d
}

// beat passes a heartbeat on to presence. Errors: errEnded, and those of presence.Tracker.Beat.
func (d *devices) beat(user string, h presence.Heartbeat) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.sweepLocked(now)
	if _, ended := d.ended[h.Session]; ended { // between the check of the token and now
		return errEnded
	}
	if err := d.presence.Beat(user, h); err != nil {
		return err
	}
	if until := now.Add(h.TTL); until.After(d.owners[h.Session].until) {
		d.owners[h.Session] = deviceOwner{user, until}
	}
	return nil
}

// applyUpdate ends the devices of tokens and sessions that ended.
func (d *devices) applyUpdate(u live.Update) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.sweepLocked(now)
	for _, id := range slices.Concat(u.Sessions, u.Tokens) {
		d.ended[id] = now
		if owner, known := d.owners[id]; known {
			d.presence.End(owner.user, id)
			delete(d.owners, id)
		}
	}
}

// sweepLocked forgets what doesn't matter any more, at most once a minute.
func (d *devices) sweepLocked(now time.Time) {
	if now.Sub(d.swept) < forgetEvery {
		return
	}
	d.swept = now
	for id, owner := range d.owners {
		if now.After(owner.until) {
			delete(d.owners, id)
		}
	}
	for id, at := range d.ended {
		if now.Sub(at) > forgetEvery {
			delete(d.ended, id)
		}
	}
}
