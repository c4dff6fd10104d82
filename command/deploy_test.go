package command

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"rollcall/command/process"
	"rollcall/presence/replica"
)

// drainLimit is the longest that stopping can take.
const drainLimit = drainSockets + finishRequests + stopLoops

// flyApp is the part of Fly's configuration that this test checks.
type flyApp struct {
	App, PrimaryRegion string
	KillSignal         string `toml:"kill_signal"`
	KillTimeout        int    `toml:"kill_timeout"` // seconds
	Env                map[string]string
	Mounts             struct{ Source, Destination string }
	HTTPService        struct {
		InternalPort int    `toml:"internal_port"`
		AutoStop     string `toml:"auto_stop_machines"`
		MinRunning   int    `toml:"min_machines_running"`
		Concurrency  struct{ Type string }
		Checks       []struct{ Path, Method string }
	} `toml:"http_service"`
}

// dockerfile returns the variables that the Dockerfile sets, and its text.
func dockerfile(t *testing.T) (variables environment, text string) {
	t.Helper()
	text = readText(t, "Dockerfile")
	for _, m := range regexp.MustCompile(`(?m)^ENV (.*)$`).FindAllStringSubmatch(text, -1) {
		variables = environ(strings.Fields(m[1]))
	}
	return variables, text
}

// readText reads a file. The path is relative to root.
func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Fly's configuration matches the image and the code, for one machine and for several.
func TestFly(t *testing.T) {
	image, _ := dockerfile(t)
	for file, machines := range map[string]int{"fly.toml": 1, "deploy/fly-many.toml": 2} {
		var fly flyApp
		if err := toml.Unmarshal([]byte(readText(t, file)), &fly); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if got := time.Duration(fly.KillTimeout) * time.Second; fly.KillSignal != "SIGTERM" || got <= drainLimit+time.Second {
			t.Errorf("%s: %s after %v, want SIGTERM after more than %v", file, fly.KillSignal, got, drainLimit+time.Second)
		}
		if port := ":" + fly.Env["PORT"]; port != ":8080" || fly.HTTPService.InternalPort != 8080 || image["PORT"] != "8080" {
			t.Errorf("ports: %s %s and %d, image %s, want 8080", file, port, fly.HTTPService.InternalPort, image["PORT"])
		}
		if s := fly.HTTPService; s.AutoStop != "off" || s.MinRunning != machines || s.Concurrency.Type != "connections" {
			t.Errorf("%s: autostop %q, machines %d, concurrency by %q, want off, %d, connections",
				file, s.AutoStop, s.MinRunning, s.Concurrency.Type, machines)
		}
		if checks := fly.HTTPService.Checks; len(checks) != 1 || checks[0].Path != "/readyz" || checks[0].Method != "GET" {
			t.Errorf("%s checks %v, want GET /readyz", file, checks)
		}
		if unknown := environment(fly.Env).unknown(variables()); len(unknown) > 0 {
			t.Errorf("%s sets %q, which aren't settings", file, unknown)
		}
		folder := fly.Mounts.Destination
		if one := machines == 1; one != (folder != "") || one && !strings.HasPrefix(image["ROLLCALL_DB"], folder+"/") {
			t.Errorf("%s mounts %q, want a volume with %s on it for one machine, or none for several",
				file, folder, image["ROLLCALL_DB"])
		}
	}
}

// The image sets only variables that are settings, and its health check is a command that exists.
func TestDockerfile(t *testing.T) {
	image, text := dockerfile(t)
	if unknown := image.unknown(variables()); len(unknown) > 0 {
		t.Errorf("the image sets %q, which aren't settings", unknown)
	}
	if id, err := process.ParseIdentity(image["ROLLCALL_RUN_AS"]); err != nil || id.UID != id.GID {
		t.Errorf("the image runs as %v, %v, want a user and a group of the same number", id, err)
	}
	for _, want := range []string{
		"\nFROM scratch\n", "\nENTRYPOINT [\"/rollcall\"]\n", "CMD [\"/rollcall\", \"health\"]\n", "\nVOLUME /data\n",
		"\nSTOPSIGNAL SIGTERM\n",
		"--chown=" + image["ROLLCALL_RUN_AS"] + ":" + image["ROLLCALL_RUN_AS"] + " --chmod=0700 ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the Dockerfile lacks %q", want)
		}
	}
	for m := range strings.Lines(text) {
		if strings.HasPrefix(m, "FROM ") && strings.Contains(m, ":") && !strings.Contains(m, "--platform=$BUILDPLATFORM ") {
			t.Errorf("%q lacks --platform=$BUILDPLATFORM, without which the build runs in emulation", m)
		}
	}
}

// Supervisors wait longer than stopping can take, and only the board is reachable from outside.
func TestSupervisors(t *testing.T) {
	for file, pattern := range map[string]string{
		"deploy/rollcall.service":   `(?m)^TimeoutStopSec=(\d+)$`,
		"deploy/docker-compose.yml": `(?m)^  stop_grace_period: (\d+)s$`,
	} {
		m := regexp.MustCompile(pattern).FindStringSubmatch(readText(t, file))
		if m == nil {
			t.Errorf("%s doesn't set a stop timeout", file)
			continue
		}
		if got, err := time.ParseDuration(m[1] + "s"); err != nil || got <= drainLimit+time.Second {
			t.Errorf("%s waits %v, %v, want more than %v", file, got, err, drainLimit+time.Second)
		}
	}
	unit, _, _ := strings.Cut(readText(t, "deploy/rollcall.service"), "\n[Service]\n")
	if !strings.Contains(unit, "\nStartLimitIntervalSec=0\n") {
		t.Error("[Unit] lacks StartLimitIntervalSec=0, so systemd gives up if the database is away for a long time")
	}
	compose := readText(t, "deploy/docker-compose.yml")
	for _, m := range regexp.MustCompile(`ports: \[(.*)\]`).FindAllStringSubmatch(compose, -1) {
		if !regexp.MustCompile(`^"127\.0\.0\.1:808[12]:8080"$`).MatchString(m[1]) {
			t.Errorf("docker-compose.yml publishes %s, want only the board, and only on this machine", m[1])
		}
	}
	known := append(variables(), secretNames()...)
	setting := regexp.MustCompile(`(?m)^    (ROLLCALL_\w+|DATABASE_URL|REDIS_URL)(?:_FILE)?: `)
	for _, m := range setting.FindAllStringSubmatch(compose, -1) {
		if !slices.Contains(known, strings.TrimSuffix(m[1], "_FILE")) {
			t.Errorf("docker-compose.yml sets %s, which isn't a setting", m[1])
		}
	}
}

// The variant with Sentinel uses files that secrets.sh creates and settings that exist, and its address names its
// Sentinels and what they watch.
func TestSentinelCompose(t *testing.T) {
	compose, secrets := readText(t, "deploy/docker-compose.sentinel.yml"), readText(t, "deploy/secrets.sh")
	for _, m := range regexp.MustCompile(`file: (secrets/\S+)`).FindAllStringSubmatch(compose, -1) {
		if !strings.Contains(secrets, ">"+m[1]) {
			t.Errorf("secrets.sh doesn't create %s", m[1])
		}
	}
	known := append(variables(), secretNames()...)
	for _, m := range regexp.MustCompile(`(?m)^      ([A-Z_]+): `).FindAllStringSubmatch(compose, -1) {
		if !slices.Contains(known, strings.TrimSuffix(m[1], "_FILE")) {
			t.Errorf("docker-compose.sentinel.yml sets %s, which isn't a setting", m[1])
		}
	}
	if strings.Contains(compose, "ports:") {
		t.Error("docker-compose.sentinel.yml publishes a port, want none")
	}
	address := regexp.MustCompile(`redis://:%s@([^']+sentinel[^']+)'`).FindStringSubmatch(secrets)
	if address == nil {
		t.Fatal("secrets.sh has no address of Sentinels")
	}
	u, err := url.Parse("redis://:word@" + address[1])
	if err != nil || replica.CheckURL(u.String()) != nil {
		t.Fatalf("the address of the Sentinels is %s, which isn't valid: %v, %v", address[1], err, replica.CheckURL(u.String()))
	}
	for _, host := range append(u.Query()["addr"], u.Host) {
		if name, port, _ := strings.Cut(host, ":"); port != "26379" || !strings.Contains(compose, "\n  "+name+": *sentinel\n") {
			t.Errorf("the address names %s, which isn't a Sentinel", host)
		}
	}
	if set := u.Query().Get("master_set"); !strings.Contains(secrets, "\nsentinel monitor "+set+" redis 6379 2\n") {
		t.Errorf("the Sentinels don't watch %q", set)
	}
}

// The Redis configurations limit memory to well below the machine's memory, with room for a flood of sign-in attempts,
// and never evict keys.
func TestRedisMemoryLimit(t *testing.T) {
	for file, machine := range map[string]int{"deploy/secrets.sh": 0, "deploy/fly-redis/fly.toml": 256,
		"docs/fly.md": 256} {
		limit := regexp.MustCompile(`(?m)maxmemory (\d+)mb\s+(?:--)?maxmemory-policy noeviction`)
		found := limit.FindStringSubmatch(readText(t, file))
		if found == nil {
			t.Errorf("%s doesn't set maxmemory with maxmemory-policy noeviction", file)
			continue
		}
		if n, _ := strconv.Atoi(found[1]); n < 160 || machine > 0 && n > machine*2/3 {
			t.Errorf("%s sets maxmemory to %d MB on a machine with %d MB, want at least 160 and at most two thirds",
				file, n, machine)
		}
	}
	if !strings.Contains(readText(t, "deploy/fly-redis/fly.toml"), `memory = "256mb"`) {
		t.Error("deploy/fly-redis/fly.toml doesn't use a machine with 256 MB")
	}
}

// The proxies' read timeouts are longer than the time between two pings.
func TestProxiesWaitForPings(t *testing.T) {
	for _, file := range []string{"deploy/nginx/root.conf", "deploy/nginx/path.conf", "deploy/nginx/authelia.conf",
		"deploy/nginx/oauth2-proxy.conf"} {
		all := regexp.MustCompile(`proxy_(?:read|send)_timeout (\d+s);`).FindAllStringSubmatch(readText(t, file), -1)
		if len(all) != 2 {
			t.Errorf("%s has %d timeouts, want 2", file, len(all))
		}
		for _, m := range all {
			if d, err := time.ParseDuration(m[1]); err != nil || d < 60*time.Second {
				t.Errorf("%s: %s, want at least a minute, because pings come every 20 s", file, m[0])
			}
		}
	}
}

// The release job that can publish runs no code from the repository or npm, and nothing is released without tests.
func TestReleaseIsPublishedByASeparateJob(t *testing.T) {
	writes := 0
	jobs := regexp.MustCompile(`(?m)^  \w+:\n(?:(?: {4}.*)?\n)+`)
	for _, job := range jobs.FindAllString(readText(t, ".github/workflows/release.yml"), -1) {
		if !strings.Contains(job, "contents: write") {
			continue
		}
		writes++
		for _, never := range []string{"checkout", "setup-node", "make ", "npm"} {
			if strings.Contains(job, never) {
				t.Errorf("a job with write access has %q in it:\n%s", never, job)
			}
		}
		if !strings.Contains(job, "needs: archives\n") {
			t.Errorf("a job with write access doesn't wait for the archives:\n%s", job)
		}
	}
	if writes != 1 {
		t.Errorf("%d jobs have write access, want 1", writes)
	}
	if n := strings.Count(readText(t, ".github/workflows/release.yml"), "\n    needs: test\n"); n != 2 {
		t.Errorf("%d jobs wait for the tests, want 2: archives and image", n)
	}
}
