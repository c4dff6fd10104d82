package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// TestQuick runs everything at a small size against real servers. It checks only counts, because times depend on the
// machine.
func TestQuick(t *testing.T) {
	binary := buildServer(t)
	t.Run("own server", func(t *testing.T) {
		t.Parallel()
		figures := measure(t, "-quick", "-server", binary)
		expectFigures(t, figures, map[string]float64{
			"lone/changes": 6, "lone/arrived at watchers": 6 * 40, "lone/did not arrive": 0,
			"burst/changes": 40, "burst/arrived at watchers": 40 * 40, "burst/did not arrive": 0,
			"page/accounts": 250, "page/rows on it": 200,
			"churn/accounts": 250, "churn/people here": 40, "churn/watchers": 40,
			"churn/state changes": 40, "churn/state changes: arrived at watchers": 40 * 40,
			"churn/arrivals and departures": 40, "churn/arrivals and departures: arrived at watchers": 40 * 40,
			"streams/open": 40, "streams/changes received": 20 * 40, "streams/streams lost": 0,
			"churn/state changes: did not arrive": 0, "churn/arrivals and departures: did not arrive": 0,
		})
		expectRatio(t, figures, "churn/bytes, churn / state changes", 2)
		expectMeasured(t, figures, "server/start-up", "connect/connects", "connect/all seen, by the count", "page/pages",
			"browse/search, two words, p95", "browse/later page, p95", "api/API, later page of the roster, p95",
			"churn/arrivals and departures: time to a watcher, p99")
		if runtime.GOOS == "linux" {
			expectMeasured(t, figures, "idle/RSS per connection, right after", "lone/server CPU per change and watcher",
				"churn/server CPU, churn / state changes")
		}
	})
	t.Run("replicas", func(t *testing.T) {
		t.Parallel()
		figures := measure(t, "-quick", "-replicas", "3", "-server", binary)
		expectFigures(t, figures, map[string]float64{
			"lone/arrived at watchers": 6 * 40, "lone/did not arrive": 0,
			"burst/arrived at watchers": 40 * 40, "burst/did not arrive": 0,
			"quiet/people online": 60, "quiet/replicas": 3, "sync/people online": 450,
		})
		expectMeasured(t, figures, "lone/delay of the load generator's timers, max",
			"lone/time from A to a watcher at B, p99", "lone/time from A to a watcher at C, p99",
			"quiet/Redis commands except PING", "quiet/PINGs of the driver", "quiet/Redis memory per entry, estimated",
			"sync/all seen by a running replica, by the count", "sync/all seen by a new replica, by the count")
		if runtime.GOOS == "linux" {
			expectMeasured(t, figures, "quiet/Redis CPU", "sync/RSS per remote user, after idling")
		}
	})
	t.Run("large boards", func(t *testing.T) {
		t.Parallel()
		figures := measure(t, "-quick", "-scenarios", "million,many", "-server", binary)
		expectFigures(t, figures, map[string]float64{
			"million/accounts":   3000 + 1 + 1 + 20 + apiTokens, // copies, their pattern, the observer, changers, and people
			"many/people online": 400, "many/replicas, besides the server": trackers,
		})
		expectRatio(t, figures, "many/a change: Redis commands per person", trackers+5)
		expectMeasured(t, figures, "million/start until the first page is shown", "million/search, two words, p95",
			"million/API, later page of the roster, p95", "million/list for administrators, p95",
			"many/a new replica counts everyone after", "many/a new server lists everyone after",
			"many/memory per person online, of Redis")
	})
	t.Run("running server", func(t *testing.T) {
		t.Parallel()
		s, err := newServer(binary)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.close(); err != nil {
				t.Error(err)
			}
		}()
		if err := s.start(t.Context()); err != nil {
			t.Fatal(err)
		}
		figures := measure(t, "-quick", "-addr", s.base.String(), "-pid", strconv.Itoa(s.cmd.Process.Pid),
			"-scenarios", "connect,burst")
		expectFigures(t, figures, map[string]float64{"burst/arrived at watchers": 40 * 40, "burst/did not arrive": 0})
		if runtime.GOOS == "linux" {
			expectMeasured(t, figures, "burst/server CPU per change and watcher")
		}
		for name := range figures {
			if strings.HasPrefix(name, "lone/") || strings.HasPrefix(name, "server/") {
				t.Errorf("%s was measured, want only connect and burst", name)
			}
		}
	})
}

// buildServer builds the server, unless ROLLCALL_BINARY names one. The build needs the output of make assets.
func buildServer(t *testing.T) string {
	t.Helper()
	if binary := os.Getenv("ROLLCALL_BINARY"); binary != "" {
		if _, err := os.Stat(binary); err != nil { // also makes go test rerun when the file changes
			t.Fatalf("ROLLCALL_BINARY: %v", err)
		}
		return binary
	}
	binary := filepath.Join(t.TempDir(), "rollcall")
	build := exec.Command("go", "build", "-o", binary, "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// measure runs the command and returns the figures by "scenario/name", nil for those that weren't measured.
func measure(t *testing.T, args ...string) map[string]*float64 {
	t.Helper()
	file := filepath.Join(t.TempDir(), "figures.json")
	var out, progress bytes.Buffer
	if err := run(t.Context(), append(args, "-json", file), &out, &progress); err != nil {
		t.Fatalf("run(%q) = %v\n%s%s", args, err, &progress, &out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	figures := map[string]*float64{}
	for _, f := range r.Figures {
		figures[f.Scenario+"/"+f.Name] = f.Value
	}
	return figures
}

func expectFigures(t *testing.T, figures map[string]*float64, want map[string]float64) {
	t.Helper()
	for name, n := range want {
		if got := figures[name]; got == nil || *got != n {
			t.Errorf("%s = %v, want %v", name, value(got), n)
		}
	}
}

func expectMeasured(t *testing.T, figures map[string]*float64, names ...string) {
	t.Helper()
	for _, name := range names {
		if figures[name] == nil {
			t.Errorf("%s was not measured", name)
		}
	}
}

// expectRatio checks a ratio of counts, which doesn't depend on the machine.
func expectRatio(t *testing.T, figures map[string]*float64, name string, most float64) {
	t.Helper()
	if got := figures[name]; got == nil || *got > most {
		t.Errorf("%s = %v, want at most %v", name, value(got), most)
	}
}

func value(v *float64) any {
	if v == nil {
		return "not measured"
	}
	return *v
}

func TestRunRefusesOtherMachines(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), []string{"-quick", "-addr", "http://192.0.2.1"}, &out, &out)
	if err == nil || !strings.Contains(err.Error(), "only servers on this machine") {
		t.Errorf("run(-addr http://192.0.2.1) = %v, want an error that says only servers on this machine", err)
	}
}

func TestRunNeedsAServer(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), []string{"-quick", "-server", filepath.Join(t.TempDir(), "none")}, &out, &out)
	if err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("run(-server none) = %v, want an error that says make build", err)
	}
}
