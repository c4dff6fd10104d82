package handlers

import (
	"fmt"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// A device without a browser keeps its owner present until it's disconnected, or its token ends.
func TestAPIDevices(t *testing.T) {
	t.Parallel()
	f := newFixture(t, quick)
	ada, ben := f.program("ada", accounts.ReadMe, accounts.WriteClaim), f.program("ben", accounts.ReadRoster)
	state := func(name, want string) {
		t.Helper()
		if got := into[personJSON](t, ben.want(200, "GET", "/users/"+name, "")).State; got != want {
			t.Errorf("ben sees %s %s, want %s", name, got, want)
		}
	}
	state("ada", "offline")
	d := into[deviceJSON](t, ada.want(200, "PUT", "/me/devices/desk", `{"ttl":"1m","idle":"0s"}`))
	left, ago := time.Until(d.EndsAt), time.Since(d.Input)
	if d.Key != "desk" || left > time.Minute || left < 40*time.Second || ago > 20*time.Second {
		t.Errorf("the device is %+v, want one with input for a minute", d)
	}
	state("ada", "online")
	ada.want(200, "PUT", "/me/devices/door.2", `{}`)
	list := into[devicesJSON](t, ada.want(200, "GET", "/me/devices", ""))
	if len(list.Devices) != 2 || list.Devices[1].Key != "door.2" ||
		time.Until(list.Devices[1].EndsAt) < usualTTL-20*time.Second {
		t.Errorf("GET /me/devices = %+v, want two, the last for %s", list, usualTTL)
	}
	if own := into[ownJSON](t, ada.want(200, "GET", "/me/presence", "")); own.Devices != 2 || own.Why.Rule != "recent_input" {
		t.Errorf("GET /me/presence = %+v, want two devices", own)
	}
	for range 2 {
		ada.want(204, "DELETE", "/me/devices/desk", "")
	}
	if list := into[devicesJSON](t, ada.want(200, "GET", "/me/devices", "")); len(list.Devices) != 1 {
		t.Errorf("GET /me/devices = %+v, want one", list)
	}
	state("ada", "online")
	zoe := f.program("zoe", accounts.WriteClaim)
	zoe.want(200, "PUT", "/me/devices/lamp", `{"idle":null}`)
	state("zoe", "online")
	f.must(f.store.RevokeToken(acting(t.Context()), f.uid("zoe"), f.tokenOf(zoe).ID))
	state("zoe", "offline")
	zoe.want(401, "PUT", "/me/devices/lamp", `{}`)
	state("ada", "online")
}

// tokenOf returns the token of a program.
func (f *fixture) tokenOf(p *program) accounts.Token {
	f.t.Helper()
	token, _, err := f.store.TokenByText(f.t.Context(), p.token)
	f.must(err)
	return token
}

// A device that had no input for long makes its owner away, and an invisible person stays offline for others.
func TestAPIDevicesTellOnlyPresence(t *testing.T) {
	t.Parallel()
	f := newFixture(t, quick)
	ada, ben := f.program("ada", accounts.WriteClaim, accounts.WriteMe), f.program("ben", accounts.ReadRoster)
	ada.want(200, "PUT", "/me/devices/desk", `{"idle":"2h"}`)
	if got := into[personJSON](t, ben.want(200, "GET", "/users/ada", "")).State; got != "away" {
		t.Errorf("without input for two hours, ada is %s, want away", got)
	}
	ada.want(200, "PUT", "/me/privacy", `{"invisible":true}`)
	hidden := ben.want(200, "GET", "/users/ada", "")
	ada.want(200, "PUT", "/me/devices/desk", `{"idle":"0s"}`)
	ada.want(200, "PUT", "/me/devices/second", `{"idle":"0s"}`)
	if now := ben.want(200, "GET", "/users/ada", ""); now.body != hidden.body || now.Header.Get("ETag") != hidden.Header.Get("ETag") {
		t.Errorf("heartbeats of an invisible person change what others see:\n%s%s", hidden.body, now.body)
	}
}

func TestAPIDevicesRefuse(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.program("ada", accounts.WriteClaim)
	for body, want := range map[string]string{
		`{"ttl":"14s"}`:              "#/ttl out_of_range Choose 15 seconds to 15 minutes.",
		`{"ttl":"16m"}`:              "#/ttl out_of_range Choose 15 seconds to 15 minutes.",
		`{"ttl":"0s"}`:               "#/ttl bad_duration Write a duration such as 45m, 2h, or 3d.",
		`{"ttl":"2m","idle":"-1s"}`:  "#/idle bad_duration Write a duration such as 45m, 2h, or 3d.",
		`{"ttl":"2m","idle":"soon"}`: "#/idle bad_duration Write a duration such as 45m, 2h, or 3d.",
		`{"ttl":120}`:                "#/ttl wrong_type This must be a string.",
		`{"hidden":true}`:            "#/hidden unknown_field There is no such field here.",
	} {
		p := ada.wantProblem(422, "validation", "PUT", "/me/devices/desk", body)
		if len(p.Errors) != 1 || p.Errors[0].Pointer+" "+p.Errors[0].Code+" "+p.Errors[0].Detail != want {
			t.Errorf("PUT %s = %+v, want %s", body, p.Errors, want)
		}
	}
	ada.wantProblem(422, "validation", "PUT", "/me/devices/Desk", `{}`)
	ada.wantProblem(404, "not-found", "DELETE", "/me/devices/Desk", "")
	for i := range presence.MaxDevices {
		ada.want(200, "PUT", fmt.Sprint("/me/devices/d", i), `{}`)
	}
	ada.wantProblem(422, "validation", "PUT", "/me/devices/more", `{}`)
	ada.want(200, "PUT", "/me/devices/d3", `{}`)
	f.program("ben", accounts.ReadMe, accounts.WriteMe).wantProblem(403, insufficientScope, "PUT", "/me/devices/x", `{}`)
}
