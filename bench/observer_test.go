package main

import (
	"testing"
	"time"
)

func TestObserver(t *testing.T) {
	o := newObserver(3, map[string]bool{"1a": true, "2b": true})
	began := time.Now()
	later := func(s int) time.Time { return began.Add(time.Duration(s) * time.Second) }
	for i, frame := range []string{
		`<hx-partial id="n-online">2</hx-partial>` + ada, // Ada is here
		grac, // Grace is away
		`<li id="u-2b" data-state="online"></li>`,
		`<hx-partial id="n-online">3</hx-partial>`,
		`<hx-partial id="n-online">4</hx-partial>`,
	} {
		o.see([]byte(frame), later(i))
	}
	select {
	case <-o.done:
	default:
		t.Error("done is open after the observer has seen everyone, want it closed")
	}
	if counted, showed := o.times(); !counted.Equal(later(3)) || !showed.Equal(later(2)) {
		t.Errorf("times() = %v, %v, want 3s, 2s", counted.Sub(began), showed.Sub(began))
	}
}
