package presence

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// tab is the model of a connection.
type tab struct {
	conn  *Connection
	input time.Time
	until time.Time // zero while open
}

// modelState is the model that the Tracker is compared with, for people without a status.
func modelState(tabs []*tab, now time.Time) State {
	state := Offline
	for _, tb := range tabs {
		switch live := tb.until.IsZero() || now.Before(tb.until); {
		case live && now.Before(tb.input.Add(10*time.Minute)):
			return Online
		case live:
			state = Away
		}
	}
	return state
}

// TestRandomHistories lets five people open, use and close tabs at random for hours. After each step, it compares all
// views and counts with the model, and checks that the feed named everyone who changed.
func TestRandomHistories(t *testing.T) {
	grace := map[LeaveReason]time.Duration{Dropped: 15 * time.Second, Clean: 5 * time.Second, SignedOut: 0}
	pauses := []time.Duration{
		0, time.Second, 4 * time.Second, 9 * time.Second, 16 * time.Second, time.Minute, 9 * time.Minute, 20 * time.Minute,
	}
	for range 20 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, tr *Tracker) {
				r := rand.New(rand.NewPCG(seed, 1))
				feed, told := tr.Subscribe(), map[string]State{}
				people := map[string][]*tab{}
				for step := range 400 {
					user := string(rune('a' + r.IntN(5)))
					tabs := people[user]
					switch do := r.IntN(4); {
					case do == 0 || len(tabs) == 0:
						ago := time.Duration(r.IntN(15)) * time.Minute
						conn := tr.Join(user, Client{}, Activity{Ago: ago})
						people[user] = append(tabs, &tab{conn: conn, input: time.Now().Add(-ago)})
					case do == 1:
						if tb := tabs[r.IntN(len(tabs))]; tb.until.IsZero() {
							tb.conn.Record(Activity{Hidden: r.IntN(2) == 0})
							tb.input = time.Now()
						}
					case do == 2:
						how := LeaveReason(r.IntN(3))
						if tb := tabs[r.IntN(len(tabs))]; tb.until.IsZero() {
							tb.conn.Leave(how)
							tb.until = time.Now().Add(grace[how])
						}
					default:
						after(pauses[r.IntN(len(pauses))])
					}
					if r.IntN(3) == 0 {
						tr.SeenStored(tr.TakeSeen())
					}
					changed := map[string]bool{}
					for _, u := range feed.Take() {
						changed[u] = true
					}
					var counts Counts
					for u := range people {
						want := modelState(people[u], time.Now())
						if got := tr.View(u).State; got != want {
							t.Fatalf("step %d: View(%s).State = %s, want %s", step, u, got, want)
						}
						if was, known := told[u]; want != was && (known || want != Offline) && !changed[u] {
							t.Fatalf("step %d: %s went from %q to %s, but the feed doesn't have them", step, u, was, want)
						}
						told[u] = want
						switch want {
						case Online:
							counts.Online++
						case Away:
							counts.Away++
						}
					}
					if got := tr.Counts(); got != counts {
						t.Fatalf("step %d: Counts = %+v, want %+v", step, got, counts)
					}
				}
			})
		})
	}
}
