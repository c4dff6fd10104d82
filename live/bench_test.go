package live

import (
	"testing"

	"rollcall/presence"
)

// BenchmarkLoneChange is one change of one person until each of 100 watchers has it encoded.
func BenchmarkLoneChange(b *testing.B) {
	f := newFixture(b)
	ada, bob := f.person("ada"), f.person("bob")
	encoded, taken := 0, 0
	encode := func(*Change) []byte { encoded++; return []byte("a change") }
	for range 100 {
		w, err := f.board.Watch(b.Context(), Want{List: &Query{}, Eyes: ada})
		f.must(err)
		w.Start(func() {
			changes, _ := w.Take()
			for _, c := range changes {
				c.Encoded(HTML, encode)
				taken++
			}
		})
		defer w.Stop()
	}
	phone := f.here.Join(bob.ID, presence.Client{Phone: true}, presence.Activity{Hidden: true, Ago: presence.NoInput})
	f.step()
	hidden, rounds := true, 0
	encoded, taken = 0, 0
	for b.Loop() {
		hidden, rounds = !hidden, rounds+1
		phone.Record(presence.Activity{Hidden: hidden})
		f.board.look(f.board.feed.Take())
		f.board.flush()
	}
	if taken != 100*rounds || encoded != rounds {
		b.Errorf("%d changes were encoded %d times and taken %d times, want once each and 100 times", rounds, encoded, taken)
	}
}
