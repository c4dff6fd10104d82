package handlers

import (
	"slices"
	"testing"
)

func TestWave(t *testing.T) {
	for name, tt := range map[string]struct {
		opened []uint64 // at each check
		want   []int    // indexes of the checks that find the end of a wave
	}{
		"few":           {[]uint64{100, 100, 100, 0, 0, 0}, nil},
		"many":          {[]uint64{0, 400, 300, 5, 0, 0}, []int{3}},
		"two waves":     {[]uint64{600, 0, 0, 600, 600, 20, 0}, []int{1, 5}},
		"steady change": {slices.Repeat([]uint64{20}, 60), []int{24, 49}},
		"never calm":    {slices.Repeat([]uint64{21}, 60), nil},
	} {
		var w wave
		var got []int
		total := uint64(0)
		for i, n := range tt.opened {
			if total += n; w.over(total) {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: the ends of waves are at %v, want %v", name, got, tt.want)
		}
	}
}
