package main

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestPlanMoves(t *testing.T) {
	c := &churners{present: []int{0, 1}, absent: []int{2, 3}}
	want := []step{{2, online}, {0, gone}, {3, online}, {1, gone}, {0, online}, {2, gone}}
	if got := c.planMoves(6); !slices.Equal(got, want) {
		t.Errorf("planMoves(6) = %v, want %v", got, want)
	}
	if want := []int{3, 0}; !slices.Equal(c.present, want) {
		t.Errorf("present afterward = %v, want %v", c.present, want)
	}
	if want := []int{1, 2}; !slices.Equal(c.absent, want) {
		t.Errorf("absent afterward = %v, want %v", c.absent, want)
	}
}

func TestPlanStates(t *testing.T) {
	c := &churners{present: []int{4, 7}, absent: []int{1}}
	want := []step{{4, away}, {7, away}, {4, online}, {7, online}, {4, away}}
	if got := c.planStates(5); !slices.Equal(got, want) {
		t.Errorf("planStates(5) = %v, want %v", got, want)
	}
}

func TestCastChurn(t *testing.T) {
	for _, present := range []int{4, 5, 40, 199, 200} {
		b := &bench{options: options{present: present}}
		b.people = people("user", b.churnPeople(), 0)
		watching, moving := b.castChurn()
		if here := len(watching) + len(moving)/2; here != present || len(moving)%2 == 1 {
			t.Errorf("castChurn with %d present = %d who watch and %d who come and go", present, len(watching), len(moving))
		}
		seen := map[*person]bool{}
		for _, p := range slices.Concat(watching, moving) {
			seen[p] = true
		}
		if len(seen) != len(b.people) {
			t.Errorf("castChurn with %d present has %d different people, want %d", present, len(seen), len(b.people))
		}
	}
}

// The costs of all turns of a kind are added up.
func TestCostPerSecond(t *testing.T) {
	k := &cost{cpu: 300 * time.Millisecond, elapsed: 2 * time.Second, bytes: 4000, frames: 20, watchers: 10}
	got := fmt.Sprint(k.perSecond())
	if want := fmt.Sprint(150.0, 200.0, 1.0); got != want {
		t.Errorf("perSecond() = %s, want %s: ms, bytes per watcher, and frames per watcher", got, want)
	}
	k.cpu = unknown
	if cpu, _, _ := k.perSecond(); cpu == cpu {
		t.Errorf("perSecond() = %v with unknown CPU, want NaN", cpu)
	}
}
