package main

import (
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	ten := make([]time.Duration, 10)
	for i := range ten {
		ten[i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		sorted []time.Duration
		q      float64
		want   time.Duration
	}{
		{nil, 0.5, 0},
		{[]time.Duration{7}, 0.99, 7},
		{ten, 0, 1},
		{ten, 0.5, 5},
		{ten, 0.51, 6},
		{ten, 0.9, 9},
		{ten, 0.99, 10},
		{ten, 1, 10},
	} {
		if got := quantile(c.sorted, c.q); got != c.want {
			t.Errorf("quantile(%v, %v) = %v, want %v", c.sorted, c.q, got, c.want)
		}
	}
}

func TestSpreadOf(t *testing.T) {
	samples := []time.Duration{3 * time.Millisecond, time.Millisecond, 2 * time.Millisecond}
	want := spread{p50: 2, p95: 3, p99: 3, max: 3}
	if got := spreadOf(samples); got != want {
		t.Errorf("spreadOf(%v) = %v, want %v", samples, got, want)
	}
	if samples[0] != 3*time.Millisecond {
		t.Errorf("spreadOf sorted its argument: %v", samples)
	}
}
