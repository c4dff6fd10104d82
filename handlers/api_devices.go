package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// usualTTL is how long a heartbeat counts unless it says otherwise.
const usualTTL = 2 * time.Minute

// deviceJSON is a device without a browser that heartbeats keep connected.
type deviceJSON struct {
	Key    string    `json:"key"`
	Input  time.Time `json:"last_input_at"` // or the first heartbeat, if no input is known
	EndsAt time.Time `json:"ends_at"`       // unless there's another heartbeat
}

type devicesJSON struct {
	Devices []deviceJSON `json:"devices"`
}

// devicesOf returns the devices of a person that heartbeats to this server keep connected.
func (s *Server) devicesOf(userID string) devicesJSON {
	list := devicesJSON{Devices: []deviceJSON{}}
	for _, d := range s.cfg.Presence.Devices(userID) {
		list.Devices = append(list.Devices, deviceJSON{d.Key, d.Input.Truncate(time.Second), d.Until.Truncate(time.Second)})
	}
	return list
}

// apiDevices lists the devices of the caller.
func (s *Server) apiDevices(_ context.Context, x *call) (reply, error) {
	return ok(s.devicesOf(x.caller.user.ID)), nil
}

// deviceInput is a heartbeat.
type deviceInput struct {
	TTL  string           `json:"ttl"`  // a duration; missing: usualTTL
	Idle optional[string] `json:"idle"` // the time since the last input; missing or null: unknown
}

// heartbeat returns the heartbeat of a device.
func (in deviceInput) heartbeat(key string) (h presence.Heartbeat, err error) {
	h = presence.Heartbeat{Key: key, TTL: usualTTL, Activity: silent}
	if in.TTL != "" {
		if h.TTL, err = lasting("ttl", in.TTL, day); err != nil {
			return h, err
		}
	}
	if in.Idle.Set && !in.Idle.Null {
		h.Ago, err = elapsed("idle", in.Idle.Value, maxStatus)
	}
	return h, err
}

// apiPutDevice connects a device of the caller, or keeps it connected. It doesn't wait for the board to change.
func (s *Server) apiPutDevice(ctx context.Context, x *call) (reply, error) {
	in, err := decode[deviceInput](x.Request)
	if err != nil {
		return reply{}, err
	}
	key := x.params["key"]
	if err := accounts.CheckKey(key); err != nil {
		return reply{}, err
	}
	h, err := in.heartbeat(key)
	if err != nil {
		return reply{}, err
	}
	if err := s.live.CatchUp(ctx); err != nil { // so that somebody who has just gone invisible isn't shown
		return reply{}, notRead(fmt.Errorf("heartbeat: %w", err))
	}
	h.Session = x.caller.grant()
	if err := s.beats.beat(x.caller.user.ID, h); err != nil {
		return reply{}, beatFailure(err)
	}
	all := s.devicesOf(x.caller.user.ID).Devices
	i := slices.IndexFunc(all, func(d deviceJSON) bool { return d.Key == key })
	if i < 0 {
		return reply{}, beatFailure(errEnded) // meanwhile
	}
	return ok(all[i]), nil
}

// beatFailure returns what to answer about a heartbeat that was refused.
func beatFailure(err error) error {
	switch {
	case errors.Is(err, presence.ErrTTL):
		return &accounts.FieldError{Field: "ttl", Code: accounts.OutOfRange}
	case errors.Is(err, presence.ErrDevices):
		return &accounts.FieldError{Field: "devices", Code: accounts.TooMany, Limit: presence.MaxDevices}
	case errors.Is(err, errEnded):
		return &failure{Status: http.StatusUnauthorized, Message: "This access token or session has ended.", Err: err}
	case errors.Is(err, presence.ErrDraining):
		return &failure{Status: http.StatusServiceUnavailable, Message: "This server is about to stop. Try again in a few seconds.",
			Err: err, quiet: true}
	}
	return unavailable(err)
}

// apiEndDevice disconnects a device of the caller. One that isn't connected is no error, so a program can repeat the
// call.
func (s *Server) apiEndDevice(_ context.Context, x *call) (reply, error) {
	key := x.params["key"]
	if err := accounts.CheckKey(key); err != nil {
		return reply{}, &failure{Status: http.StatusNotFound, Message: "There can't be a device with this key.", Err: err}
	}
	s.cfg.Presence.EndDevice(x.caller.user.ID, key)
	return none(), nil
}
