package live

import "testing"

// FuzzCursor: only a cursor of the same epoch and selection opens, and it opens as the place that was sealed.
func FuzzCursor(f *testing.F) {
	s, other := newSealer(), newSealer()
	for _, text := range []string{"", "0", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB", s.seal(7, 9),
		other.seal(7, 9)} {
		f.Add(text, uint64(7), uint64(9))
	}
	f.Fuzz(func(t *testing.T, text string, seq, selection uint64) {
		if got, ok := s.open(text, selection); ok && text != s.seal(got, selection) {
			t.Errorf("open(%q) = %d, which isn't what seal makes of it", text, got)
		}
		made := s.seal(seq, selection)
		if got, ok := s.open(made, selection); !ok || got != seq {
			t.Errorf("open(seal(%d)) = %d, %t", seq, got, ok)
		}
		if _, ok := s.open(made, selection+1); ok {
			t.Errorf("the cursor of selection %d opens as one of another", selection)
		}
		if _, ok := other.open(made, selection); ok {
			t.Error("a cursor opens in another epoch")
		}
	})
}
