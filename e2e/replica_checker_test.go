//go:build unix

package e2e_test

import (
	"testing"
	"time"
)

// TestReplicaChecker: the checker finds each kind of error, and reports none where there is none.
func TestReplicaChecker(t *testing.T) {
	start := time.Now().Add(-100 * time.Second)
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	up := []span{{at(0), at(1000)}}
	here, there := &replica{}, &replica{}
	alive, crashed := &life{replica: there}, &life{replica: there, ended: at(20), how: killed}
	for _, c := range []struct {
		name                              string
		stays                             []*stay
		disturbances                      []disturbance
		observations                      []observation
		falseOffline, falseOnline, unseen int
		arrivals, departures              int
	}{
		{
			name:         "comes and goes",
			stays:        []*stay{{life: alive, open: at(10), closed: at(20)}},
			observations: []observation{{at(1), "offline"}, {at(10.1), "online"}, {at(25.1), "offline"}},
			arrivals:     1, departures: 1,
		},
		{
			name:         "a reload is visible",
			stays:        []*stay{{life: alive, open: at(10), closed: at(20)}, {life: alive, open: at(22)}},
			observations: []observation{{at(1), "offline"}, {at(10.1), "online"}, {at(21), "offline"}, {at(22.1), "online"}},
			falseOffline: 1, arrivals: 1,
		},
		{
			name:         "one of two tabs",
			stays:        []*stay{{life: alive, open: at(10), closed: at(20)}, {life: alive, open: at(12), closed: at(40)}},
			observations: []observation{{at(1), "offline"}, {at(10.1), "away"}, {at(25), "offline"}},
			falseOffline: 1, arrivals: 1,
		},
		{
			name:         "never goes offline",
			stays:        []*stay{{life: alive, open: at(10), closed: at(20)}},
			observations: []observation{{at(1), "offline"}, {at(10.1), "online"}},
			falseOnline:  1, arrivals: 1,
		},
		{
			name:         "goes late",
			stays:        []*stay{{life: alive, open: at(10), closed: at(20)}},
			observations: []observation{{at(1), "offline"}, {at(10.1), "online"}, {at(27), "offline"}},
			falseOnline:  1, arrivals: 1, departures: 1,
		},
		{
			name:         "is never shown",
			stays:        []*stay{{life: alive, open: at(10)}},
			observations: []observation{{at(1), "offline"}},
			unseen:       1,
		},
		{
			name:         "leaves while Redis is down",
			stays:        []*stay{{life: alive, open: at(10), closed: at(20)}},
			disturbances: []disturbance{{span{at(18), at(40)}, false}},
			observations: []observation{{at(1), "offline"}, {at(10.1), "online"}, {at(43.5), "offline"}},
			arrivals:     1, departures: 1,
		},
		{
			name:         "moves while Redis loses keys, and is shown offline",
			stays:        []*stay{{life: &life{replica: here}, open: at(10), closed: at(20)}, {life: alive, open: at(22)}},
			disturbances: []disturbance{{span{at(18), at(40)}, false}},
			observations: []observation{{at(1), "offline"}, {at(10.1), "online"}, {at(25), "offline"}, {at(40), "online"}},
			falseOffline: 1, arrivals: 1,
		},
		{
			name:         "moves while replicas are isolated, so others can't know",
			stays:        []*stay{{life: &life{replica: here}, open: at(10), closed: at(20)}, {life: alive, open: at(22)}},
			disturbances: []disturbance{{span{at(18), at(40)}, true}},
			observations: []observation{{at(1), "offline"}, {at(10.1), "online"}, {at(25), "offline"}, {at(40), "online"}},
			arrivals:     1,
		},
		{
			name:         "was online before replicas were isolated",
			stays:        []*stay{{life: alive, open: at(10)}},
			disturbances: []disturbance{{span{at(18), at(40)}, true}},
			observations: []observation{{at(1), "offline"}, {at(10.1), "online"}, {at(25), "offline"}, {at(40), "online"}},
			falseOffline: 1, arrivals: 1,
		},
		{
			name:         "replica killed, comes back elsewhere",
			stays:        []*stay{{life: crashed, open: at(10), closed: at(20), how: killed}, {life: alive, open: at(24)}},
			observations: []observation{{at(1), "offline"}, {at(10.1), "online"}},
			arrivals:     1,
		},
		{
			name:         "replica killed, hidden too soon",
			stays:        []*stay{{life: crashed, open: at(10), closed: at(20), how: killed}},
			observations: []observation{{at(1), "offline"}, {at(10.1), "online"}, {at(26), "offline"}},
			falseOffline: 1, arrivals: 1, departures: 1,
		},
		{
			name:         "replica killed, hidden in time",
			stays:        []*stay{{life: crashed, open: at(10), closed: at(20), how: killed}},
			observations: []observation{{at(1), "offline"}, {at(10.1), "online"}, {at(32), "offline"}},
			arrivals:     1, departures: 1,
		},
	} {
		l := newLedger()
		l.stays, l.disturbances = c.stays, c.disturbances
		v := l.judge([]record{{name: "w", replica: here, up: up, observations: map[int][]observation{0: c.observations}}})
		if len(v.falseOffline) != c.falseOffline || len(v.falseOnline) != c.falseOnline || len(v.unseen) != c.unseen {
			t.Errorf("%s: false offline %q, false online %q, unseen %q, want %d, %d, %d",
				c.name, v.falseOffline, v.falseOnline, v.unseen, c.falseOffline, c.falseOnline, c.unseen)
		}
		if len(v.arrivals) != c.arrivals || len(v.departures) != c.departures {
			t.Errorf("%s: arrivals %v, departures %v, want %d, %d", c.name, v.arrivals, v.departures, c.arrivals, c.departures)
		}
	}
}
