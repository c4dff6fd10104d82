package main

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestParseCPU(t *testing.T) {
	stat := "42 (a name) 3 (b) S 1 42 42 0 -1 4194560 1 0 0 0 150 25 7 8 20 0 9 0 100 1 1"
	if got, err := parseCPU([]byte(stat)); got != 1750*time.Millisecond || err != nil {
		t.Errorf("parseCPU(%q) = %v, %v, want 1.75s", stat, got, err)
	}
	for _, stat := range []string{"", "42 (x) S 1 2", "42 (x) S 1 42 42 0 -1 4194560 1 0 0 0 many 25 7 8"} {
		if got, err := parseCPU([]byte(stat)); err == nil {
			t.Errorf("parseCPU(%q) = %v, want an error", stat, got)
		}
	}
}

func TestParseMemory(t *testing.T) {
	status := "Name:\trollcall\nVmHWM:\t   9000 kB\nVmRSS:\t    2048 kB\nThreads:\t7\n"
	if got, err := parseMemory([]byte(status), "VmRSS:"); got != 2<<20 || err != nil {
		t.Errorf("parseMemory(VmRSS:) = %v, %v, want %v", got, err, 2<<20)
	}
	for _, status := range []string{"", "VmRSS:\t12 MB\n", "VmRSS:\n"} {
		if got, err := parseMemory([]byte(status), "VmRSS:"); err == nil {
			t.Errorf("parseMemory(%q, VmRSS:) = %v, want an error", status, got)
		}
	}
}

func TestProcesses(t *testing.T) {
	if runtime.GOOS == "linux" {
		own := process{os.Getpid()}
		one, err := own.rss()
		two, err2 := processes{own, own}.rss()
		if err != nil || err2 != nil || two < one*3/2 {
			t.Errorf("rss() of one process = %d, %v, of two = %d, %v, want about twice as much", one, err, two, err2)
		}
	}
	for _, all := range []processes{nil, {{}}, {{os.Getpid()}, {}}} {
		if got := all.spent(0); got != unknown {
			t.Errorf("%v.spent(0) = %v, want unknown", all, got)
		}
	}
}

func TestZeroProcessIsNotMeasured(t *testing.T) {
	if _, err := (process{}).cpu(); err == nil {
		t.Error("process{}.cpu() = nil, want an error")
	}
	if _, err := (process{}).rss(); err == nil {
		t.Error("process{}.rss() = nil, want an error")
	}
}
