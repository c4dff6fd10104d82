package handlers

import (
	"testing"
	"time"

	"rollcall/presence"
)

func TestParseActivity(t *testing.T) {
	for frame, want := range map[string]presence.Activity{
		"a":           {},
		"i":           {Ago: presence.NoInput},
		"h":           {Ago: presence.NoInput, Hidden: true},
		"i0":          {},
		"i600":        {Ago: 10 * time.Minute},
		"h45":         {Ago: 45 * time.Second, Hidden: true},
		"i1000000000": {Ago: 1_000_000_000 * time.Second},
	} {
		if got, ok := parseActivity([]byte(frame)); !ok || got != want {
			t.Errorf("parseActivity(%q) = %+v, %v, want %+v", frame, got, ok, want)
		}
	}
	for _, frame := range []string{"", "b", "a5", "i-1", "i+1", "i 5", "h1.5", "i1000000001", "aaaaaaaaaaaaaaa", "i\x00",
		"A"} {
		if got, ok := parseActivity([]byte(frame)); ok {
			t.Errorf("parseActivity(%q) = %+v, want a refusal", frame, got)
		}
	}
}

func FuzzParseActivity(f *testing.F) {
	for _, seed := range []string{"a", "i", "h12", "i99999999999", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		a, ok := parseActivity(frame)
		if ok && (len(frame) > maxActivity || a.Ago < 0 || a.Hidden != (frame[0] == 'h')) {
			t.Errorf("parseActivity(%q) = %+v", frame, a)
		}
	})
}

func TestBudget(t *testing.T) {
	var b budget
	now := time.Now()
	for i := range messageBurst {
		if !b.spend(now) {
			t.Fatalf("spend %d of a burst of %d = false", i+1, messageBurst)
		}
	}
	if b.spend(now) {
		t.Error("spend beyond the burst = true")
	}
	if !b.spend(now.Add(time.Second)) || b.spend(now.Add(time.Second)) {
		t.Error("a second later, want exactly one more message allowed")
	}
}
