package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"
)

// tick is the unit of processor times in /proc. Linux reports 100 ticks per second to user space, whatever it uses
// internally.
const tick = 10 * time.Millisecond

// process measures a running process. This only works on Linux. The zero process can't be measured.
type process struct{ pid int }

// processes are measured together: their figures are added up. An empty list can't be measured.
type processes []process

func (all processes) cpu() (time.Duration, error) { return sum(all, process.cpu) }

func (all processes) rss() (int64, error) { return sum(all, process.rss) }

func (all processes) peak() (int64, error) { return sum(all, process.peak) }

func sum[N time.Duration | int64](all processes, of func(process) (N, error)) (N, error) {
	if len(all) == 0 {
		return 0, errNotMeasured
	}
	var total N
	for _, p := range all {
		n, err := of(p)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// spent returns the processor time used since cpu returned before, or unknown if it can't be measured.
func (all processes) spent(before time.Duration) time.Duration {
	now, err := all.cpu()
	if err != nil {
		return unknown
	}
	return now - before
}

// unknown stands for a processor time that can't be measured.
const unknown = time.Duration(math.MinInt64)

var errNotMeasured = errors.New("not measured: no process ID, or no /proc")

// cpu returns the processor time used since the process started, in steps of 10 ms.
func (p process) cpu() (time.Duration, error) {
	stat, err := p.read("stat")
	if err != nil {
		return 0, err
	}
	return parseCPU(stat)
}

// rss returns the resident memory in bytes.
func (p process) rss() (int64, error) {
	status, err := p.read("status")
	if err != nil {
		return 0, err
	}
	return parseMemory(status, "VmRSS:")
}

// peak returns the highest resident memory so far in bytes.
func (p process) peak() (int64, error) {
	status, err := p.read("status")
	if err != nil {
		return 0, err
	}
	return parseMemory(status, "VmHWM:")
}

func (p process) read(file string) ([]byte, error) {
	if p.pid == 0 {
		return nil, errNotMeasured
	}
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.pid, file))
	if err != nil {
		return nil, errors.Join(errNotMeasured, err)
	}
	return data, nil
}

// parseCPU adds the user and system time in /proc/PID/stat. The name in parentheses can contain any characters.
func parseCPU(stat []byte) (time.Duration, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("stat has %d fields after the name", len(fields))
	}
	user, err1 := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}

// parseMemory returns a value from /proc/PID/status in bytes.
func parseMemory(status []byte, name string) (int64, error) {
	_, after, found := bytes.Cut(status, []byte(name))
	fields := bytes.Fields(after)
	if !found || len(fields) < 2 || string(fields[1]) != "kB" {
		return 0, errors.New("status has no " + name)
	}
	kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
	return kib << 10, err
}
