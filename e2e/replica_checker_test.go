//go:build unix

package e2e_test

import (
	"testing"
	"time"
)

// TestReplicaChecker: the checker finds each kind of fault, and none where there is none.
func TestReplicaChecker(t *testing.T) {
	start := time.Now().Add(-100 * time.Second)
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	up := []span{{at(0), at(1000)}}
	here, there := &replica{}, &replica{}
	alive, crashed := &life{replica: there}, &life{replica: there, ended: at(20), how: killed}
	for _, c := range []struct {
		name                   string
		stays                  []*stay
		blind                  []disturbance
		sights                 []sight
		false_, ghosts, unseen int
		arrivals, departures   int
	}{
		{
			name:     "comes and goes",
			stays:    []*stay{{life: alive, open: at(10), closed: at(20)}},
			sights:   []sight{{at(1), "offline"}, {at(10.1), "online"}, {at(25.1), "offline"}},
			arrivals: 1, departures: 1,
		},
		{
			name:   "a reload shows",
			stays:  []*stay{{life: alive, open: at(10), closed: at(20)}, {life: alive, open: at(22)}},
			sights: []sight{{at(1), "offline"}, {at(10.1), "online"}, {at(21), "offline"}, {at(22.1), "online"}},
			false_: 1, arrivals: 1,
		},
		{
			name:   "one of two tabs",
			stays:  []*stay{{life: alive, open: at(10), closed: at(20)}, {life: alive, open: at(12), closed: at(40)}},
			sights: []sight{{at(1), "offline"}, {at(10.1), "away"}, {at(25), "offline"}},
			false_: 1, arrivals: 1,
		},
		{
			name:   "stays on",
			stays:  []*stay{{life: alive, open: at(10), closed: at(20)}},
			sights: []sight{{at(1), "offline"}, {at(10.1), "online"}},
			ghosts: 1, arrivals: 1,
		},
		{
			name:   "goes late",
			stays:  []*stay{{life: alive, open: at(10), closed: at(20)}},
			sights: []sight{{at(1), "offline"}, {at(10.1), "online"}, {at(27), "offline"}},
			ghosts: 1, arrivals: 1, departures: 1,
		},
		{
			name:   "is not noticed",
			stays:  []*stay{{life: alive, open: at(10)}},
			sights: []sight{{at(1), "offline"}},
			unseen: 1,
		},
		{
			name:     "goes while Redis is away",
			stays:    []*stay{{life: alive, open: at(10), closed: at(20)}},
			blind:    []disturbance{{span{at(18), at(40)}, false}},
			sights:   []sight{{at(1), "offline"}, {at(10.1), "online"}, {at(43.5), "offline"}},
			arrivals: 1, departures: 1,
		},
		{
			name:   "moves while Redis forgets, and is forgotten",
			stays:  []*stay{{life: &life{replica: here}, open: at(10), closed: at(20)}, {life: alive, open: at(22)}},
			blind:  []disturbance{{span{at(18), at(40)}, false}},
			sights: []sight{{at(1), "offline"}, {at(10.1), "online"}, {at(25), "offline"}, {at(40), "online"}},
			false_: 1, arrivals: 1,
		},
		{
			name:     "moves while replicas are deaf, which nobody can know",
			stays:    []*stay{{life: &life{replica: here}, open: at(10), closed: at(20)}, {life: alive, open: at(22)}},
			blind:    []disturbance{{span{at(18), at(40)}, true}},
			sights:   []sight{{at(1), "offline"}, {at(10.1), "online"}, {at(25), "offline"}, {at(40), "online"}},
			arrivals: 1,
		},
		{
			name:   "was there before replicas were deaf",
			stays:  []*stay{{life: alive, open: at(10)}},
			blind:  []disturbance{{span{at(18), at(40)}, true}},
			sights: []sight{{at(1), "offline"}, {at(10.1), "online"}, {at(25), "offline"}, {at(40), "online"}},
			false_: 1, arrivals: 1,
		},
		{
			name:     "replica killed, comes back elsewhere",
			stays:    []*stay{{life: crashed, open: at(10), closed: at(20), how: killed}, {life: alive, open: at(24)}},
			sights:   []sight{{at(1), "offline"}, {at(10.1), "online"}},
			arrivals: 1,
		},
		{
			name:   "replica killed, hidden too soon",
			stays:  []*stay{{life: crashed, open: at(10), closed: at(20), how: killed}},
			sights: []sight{{at(1), "offline"}, {at(10.1), "online"}, {at(26), "offline"}},
			false_: 1, arrivals: 1, departures: 1,
		},
		{
			name:     "replica killed, hidden in time",
			stays:    []*stay{{life: crashed, open: at(10), closed: at(20), how: killed}},
			sights:   []sight{{at(1), "offline"}, {at(10.1), "online"}, {at(32), "offline"}},
			arrivals: 1, departures: 1,
		},
	} {
		l := newLedger()
		l.stays, l.blind = c.stays, c.blind
		v := l.judge([]record{{name: "w", replica: here, up: up, sights: map[int][]sight{0: c.sights}}})
		if len(v.falseOffline) != c.false_ || len(v.ghosts) != c.ghosts || len(v.unseen) != c.unseen {
			t.Errorf("%s: false offline %q, ghosts %q, unseen %q, want %d, %d, %d", c.name, v.falseOffline, v.ghosts, v.unseen, c.false_, c.ghosts, c.unseen)
		}
		if len(v.arrivals) != c.arrivals || len(v.departures) != c.departures {
			t.Errorf("%s: arrivals %v, departures %v, want %d, %d", c.name, v.arrivals, v.departures, c.arrivals, c.departures)
		}
	}
}
