package command

import (
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
)

// drainLimit is how long all steps of stopping can take together.
const drainLimit = drainSockets + finishRequests + stopLoops

// flyApp is the part of Fly's configuration that Rollcall sets.
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

// dockerfile is the variables in the Dockerfile, and its text.
func dockerfile(t *testing.T) (variables environment, text string) {
	t.Helper()
	text = readText(t, "Dockerfile")
	for _, m := range regexp.MustCompile(`(?m)^ENV (.*)$`).FindAllStringSubmatch(text, -1) {
		variables = environ(strings.Fields(m[1]))
	}
	return variables, text
}

// readText reads a file by its path from root.
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
			t.Errorf("%s: autostop %q, machines %d, concurrency by %q, want off, %d, connections", file, s.AutoStop, s.MinRunning, s.Concurrency.Type, machines)
		}
		if checks := fly.HTTPService.Checks; len(checks) != 1 || checks[0].Path != "/readyz" || checks[0].Method != "GET" {
			t.Errorf("%s checks %v, want GET /readyz", file, checks)
		}
		if unknown := environment(fly.Env).unknown(variables()); len(unknown) > 0 {
			t.Errorf("%s sets %q, which are no settings", file, unknown)
		}
		folder := fly.Mounts.Destination
		if one := machines == 1; one != (folder != "") || one && !strings.HasPrefix(image["ROLLCALL_DB"], folder+"/") {
			t.Errorf("%s mounts %q, want a volume for one machine alone, with %s on it", file, folder, image["ROLLCALL_DB"])
		}
	}
}

// The image sets only variables that are settings, and its health check is a command that exists.
func TestDockerfile(t *testing.T) {
	image, text := dockerfile(t)
	if unknown := image.unknown(variables()); len(unknown) > 0 {
		t.Errorf("the image sets %q, which are no settings", unknown)
	}
	if id, err := process.ParseIdentity(image["ROLLCALL_RUN_AS"]); err != nil || id.UID != id.GID {
		t.Errorf("the image runs as %v, %v, want a user and a group of the same number", id, err)
	}
	for _, want := range []string{
		"\nFROM scratch\n", "\nENTRYPOINT [\"/rollcall\"]\n", "CMD [\"/rollcall\", \"health\"]\n", "\nVOLUME /data\n", "\nSTOPSIGNAL SIGTERM\n",
		"--chown=" + image["ROLLCALL_RUN_AS"] + ":" + image["ROLLCALL_RUN_AS"] + " --chmod=0700 ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the Dockerfile lacks %q", want)
		}
	}
	for m := range strings.Lines(text) {
		if strings.HasPrefix(m, "FROM ") && strings.Contains(m, ":") && !strings.Contains(m, "--platform=$BUILDPLATFORM ") {
			t.Errorf("%swants --platform=$BUILDPLATFORM: builders are not emulated", m)
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
			t.Errorf("%s does not say how long a stop may take", file)
			continue
		}
		if got, err := time.ParseDuration(m[1] + "s"); err != nil || got <= drainLimit+time.Second {
			t.Errorf("%s waits %v, %v, want more than %v", file, got, err, drainLimit+time.Second)
		}
	}
	if unit, _, _ := strings.Cut(readText(t, "deploy/rollcall.service"), "\n[Service]\n"); !strings.Contains(unit, "\nStartLimitIntervalSec=0\n") {
		t.Error("systemd gives up after some starts, want StartLimitIntervalSec=0 in [Unit]: a database may be away for long")
	}
	compose := readText(t, "deploy/docker-compose.yml")
	for _, m := range regexp.MustCompile(`ports: \[(.*)\]`).FindAllStringSubmatch(compose, -1) {
		if !regexp.MustCompile(`^"127\.0\.0\.1:808[12]:8080"$`).MatchString(m[1]) {
			t.Errorf("docker-compose.yml publishes %s, want the board alone, on this machine alone", m[1])
		}
	}
	known := append(variables(), "DATABASE_URL", "REDIS_URL")
	for _, m := range regexp.MustCompile(`(?m)^    (ROLLCALL_\w+|DATABASE_URL|REDIS_URL)(?:_FILE)?: `).FindAllStringSubmatch(compose, -1) {
		if !slices.Contains(known, m[1]) {
			t.Errorf("docker-compose.yml sets %s, which is no setting", m[1])
		}
	}
}

// The Redis configurations in deploy/ limit memory, with room for a flood of sign-in attempts and well below the memory of
// the machine, and never evict keys.
func TestRedisHasALimit(t *testing.T) {
	for file, machine := range map[string]int{"deploy/secrets.sh": 0, "deploy/fly-redis/fly.toml": 256, "docs/fly.md": 256} {
		found := regexp.MustCompile(`(?m)maxmemory (\d+)mb\s+(?:--)?maxmemory-policy noeviction`).FindStringSubmatch(readText(t, file))
		if found == nil {
			t.Errorf("%s sets no maxmemory beside noeviction", file)
			continue
		}
		if n, _ := strconv.Atoi(found[1]); n < 160 || machine > 0 && n > machine*2/3 {
			t.Errorf("%s sets maxmemory %d MB on a machine of %d", file, n, machine)
		}
	}
	if !strings.Contains(readText(t, "deploy/fly-redis/fly.toml"), `memory = "256mb"`) {
		t.Error("deploy/fly-redis/fly.toml has another machine than one of 256 MB")
	}
}

// The proxies' read timeouts are longer than the time between two pings.
func TestProxiesWaitForPings(t *testing.T) {
	for _, file := range []string{"deploy/nginx/root.conf", "deploy/nginx/path.conf"} {
		all := regexp.MustCompile(`proxy_(?:read|send)_timeout (\d+s);`).FindAllStringSubmatch(readText(t, file), -1)
		if len(all) != 2 {
			t.Errorf("%s has %d time-outs, want two", file, len(all))
		}
		for _, m := range all {
			if d, err := time.ParseDuration(m[1]); err != nil || d < 60*time.Second {
				t.Errorf("%s: %s, want a minute or more: there is a ping every 20 s", file, m[0])
			}
		}
	}
}

// The release job that can publish runs no code from the source or npm, and nothing is released without tests.
func TestReleaseIsPublishedByAJobOfItsOwn(t *testing.T) {
	writes := 0
	for _, job := range regexp.MustCompile(`(?m)^  \w+:\n(?:(?: {4}.*)?\n)+`).FindAllString(readText(t, ".github/workflows/release.yml"), -1) {
		if !strings.Contains(job, "contents: write") {
			continue
		}
		writes++
		for _, never := range []string{"checkout", "setup-node", "make ", "npm"} {
			if strings.Contains(job, never) {
				t.Errorf("a job that may write has %q in it:\n%s", never, job)
			}
		}
		if !strings.Contains(job, "needs: archives\n") {
			t.Errorf("a job that may write does not wait for the archives:\n%s", job)
		}
	}
	if writes != 1 {
		t.Errorf("%d jobs may write contents, want one", writes)
	}
	if n := strings.Count(readText(t, ".github/workflows/release.yml"), "\n    needs: test\n"); n != 2 {
		t.Errorf("%d jobs wait for the tests, want archives and image", n)
	}
}
