package main

import (
	"math"
	"slices"
	"time"
)

// quantile returns the smallest sample that at least the fraction q of the samples don't exceed, or zero if there are
// no samples. sorted must be in order.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

// spread summarizes many times, in milliseconds.
type spread struct{ p50, p95, p99, max float64 }

func spreadOf(samples []time.Duration) spread {
	sorted := slices.Sorted(slices.Values(samples))
	return spread{
		ms(quantile(sorted, 0.50)), ms(quantile(sorted, 0.95)), ms(quantile(sorted, 0.99)), ms(quantile(sorted, 1)),
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
