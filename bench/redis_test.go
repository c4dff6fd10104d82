package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

func TestCommandsSince(t *testing.T) {
	read := func(info string) commands {
		t.Helper()
		c, err := parseCommands(parseInfo(info))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	before := read("# Commandstats\r\ncmdstat_info:calls=1,usec=9\r\ncmdstat_set:calls=5,usec=7,usec_per_call=1.40\r\n" +
		"cmdstat_ping:calls=2,usec=1\r\ncmdstat_client|tracking:calls=3,usec=1\r\n")
	after := read("# Commandstats\r\ncmdstat_info:calls=2,usec=9\r\ncmdstat_set:calls=9,usec=7\r\n" +
		"cmdstat_ping:calls=9,usec=1\r\ncmdstat_client|tracking:calls=3,usec=1\r\ncmdstat_pttl:calls=1,usec=1\r\n")
	asked, pings := after.since(before)
	if want := (commands{"set": 4, "pttl": 1}); !maps.Equal(asked, want) || pings != 7 || asked.sum() != 5 {
		t.Errorf("since = %v, %d pings, %d in total, want %v, 7, 5", asked, pings, asked.sum(), want)
	}
	if got, err := parseCommands(parseInfo("cmdstat_set:calls=many")); err == nil {
		t.Errorf("parseCommands(calls=many) = %v, want an error", got)
	}
}

func startRedis(t *testing.T) *redisServer {
	t.Helper()
	r, err := newRedis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// The counts leave out the command that reads them, because they stand for the replicas' commands.
func TestRedisCommandCounts(t *testing.T) {
	r := startRedis(t)
	count := func() commands {
		t.Helper()
		c, err := r.commands(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	before := count()
	var sets [][]string
	for range 2*redisBatch + 1 {
		sets = append(sets, []string{"SET", "a", "b"})
	}
	if answers, err := r.do(t.Context(), sets...); err != nil || len(answers) != len(sets) {
		t.Fatalf("do(%d commands) = %d answers, %v", len(sets), len(answers), err)
	}
	asked, pings := count().since(before)
	if want := (commands{"set": int64(len(sets))}); !maps.Equal(asked, want) || pings != 0 {
		t.Errorf("since = %v, %d pings, want %v, 0", asked, pings, want)
	}
	if _, err := r.do(t.Context(), []string{"GET"}); err == nil || !strings.Contains(err.Error(), "redis GET") {
		t.Errorf("do(GET) = %v, want an error that names the command", err)
	}
}

// By default, the driver sends a PING every second. Our connection must not, or it would add to the counts.
func TestOurConnectionSendsNoPings(t *testing.T) {
	r := startRedis(t)
	other := func(name string) rueidis.Client {
		t.Helper()
		c, err := rueidis.NewClient(rueidis.ClientOption{
			InitAddress: []string{r.addr}, ForceSingleClient: true, DisableCache: true, ClientName: name,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	other("usual") // connects after ours, so its first PING comes later than ours would
	asking := other("asking")
	for deadline := time.Now().Add(startWait); ; time.Sleep(10 * time.Millisecond) {
		list, err := asking.Do(t.Context(), asking.B().ClientList().Build()).ToString()
		if err != nil {
			t.Fatal(err)
		}
		if pinged(list, "usual") {
			if pinged(list, "bench") {
				t.Errorf("our connection has sent a PING:\n%s", list)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the default connection has sent no PING after %v:\n%s", startWait, list)
		}
	}
}

// pinged reports whether the last command of a connection in CLIENT LIST was a PING.
func pinged(list, name string) bool {
	for line := range strings.Lines(list) {
		if strings.Contains(line, " name="+name+" ") {
			return strings.Contains(line, " cmd=ping ")
		}
	}
	return false
}

func TestReplicasNeedRedis(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var out bytes.Buffer
	server := filepath.Join(t.TempDir(), "server") // never started
	if err := os.WriteFile(server, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), []string{"-quick", "-replicas", "2", "-server", server}, &out, &out)
	if err == nil || !strings.Contains(err.Error(), "install redis-server") {
		t.Errorf("run(-replicas 2) without redis-server = %v, want an error that says what to install", err)
	}
}
