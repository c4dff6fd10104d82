package hooks

import (
	"fmt"
	"testing"
	"time"

	"rollcall/accounts"
)

// targetOf adds a loaded hook of an owner, which has to tell of n people.
func (m *machine) targetOf(owner, id string, n int, now time.Time) {
	h := accounts.ActiveHook{Hook: accounts.Hook{ID: id, UserID: owner, Ready: true}}
	h.Format = accounts.HookStandard
	all := m.hooks()
	m.use(append(all, h))
	states := map[string]string{}
	for i := range n {
		states[fmt.Sprint("person ", i)] = "online"
	}
	m.load(id, nil, states, now)
}

// Receivers that take their time can't keep others waiting: one person's hooks get only some of the places, and places
// that become free go around.
func TestSlowReceiversLeaveRoom(t *testing.T) {
	n := 0
	m := newMachine(func() float64 { return 0.5 }, func() string { n++; return fmt.Sprint(n) })
	now := time.Unix(1e9, 0)
	for _, owner := range []string{"a", "b", "c", "d", "e"} {
		for hook := range 10 {
			m.targetOf(owner, fmt.Sprint(owner, hook), 50, now)
		}
	}
	m.targetOf("z", "z", 1, now)
	flying, _ := m.next(now)
	owners := map[string]int{}
	for _, d := range flying {
		owners[d.attempt.Hook.UserID]++
	}
	if len(flying) != maxSending || owners["a"] != maxSendingOwner {
		t.Fatalf("%d deliveries begin, by owner %v, want %d and %d to each owner's hooks", len(flying), owners, maxSending, maxSendingOwner)
	}
	for turns := 1; ; turns++ { // the one that has taken longest is answered
		d := flying[0]
		m.ended(d, accounts.Outcome{Accepted: true}, true, now)
		more, _ := m.next(now)
		flying = append(flying[1:], more...)
		if len(more) != 1 || len(flying) != maxSending {
			t.Fatalf("after one ended, %d begin and %d are on their way, want 1 and %d", len(more), len(flying), maxSending)
		}
		if more[0].attempt.Hook.ID == "z" {
			break
		}
		if turns > 51 {
			t.Fatalf("the last of 51 hooks still waits after %d others", turns)
		}
	}
}
