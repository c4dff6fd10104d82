package handlers

import (
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// scrape returns the values of all metrics by name and labels.
func (f *fixture) scrape() map[string]string {
	f.t.Helper()
	w := httptest.NewRecorder()
	f.server.Metrics().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		f.t.Fatalf("GET /metrics = %d %q, %v", w.Code, w.Header().Get("Content-Type"), err)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(body)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "} "); ok && name[0] != '#' {
			values[name+"}"] = value
		} else if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name != "#" {
			values[name] = value
		}
	}
	return values
}

// TestMetrics plays a known scenario on a live board and checks the metrics.
func TestMetrics(t *testing.T) {
	l := newLiveBoard(t, func(c *Config) { c.Version, c.Limits.Sockets, c.Limits.Logins = "v1.2.3", 2, 1 })
	ada := l.member("ada")
	a := l.open(ada, "/", "a")
	bob := l.member("bob")
	b := l.open(bob, "/", "a")
	a.sees("bob", "online")
	b.say("h")
	l.bare(ada, "/ws").wantClose(1013) // above the limit
	l.browser().login("ada", goodPassword)
	l.browser().login("ada", "guess")
	l.browser().login("ada", "guess again") // over the limit
	l.browser().signup("secret.carol", goodPassword)
	l.browser().signup("secret.carol", goodPassword)
	l.browser().get("/no/such/secret.path")
	l.browser().get("/?q=secret.query")
	want := map[string]string{
		`rollcall_connections{tab="seen"}`:                                            "1",
		`rollcall_connections{tab="hidden"}`:                                          "1",
		`rollcall_connections_refused_total{reason="full"}`:                           "1",
		`rollcall_connections_refused_total{reason="login"}`:                          "0",
		`rollcall_users{state="online"}`:                                              "2",
		`rollcall_users{state="offline"}`:                                             "1",
		`rollcall_sign_ins_total{outcome="ok"}`:                                       "1",
		`rollcall_sign_ins_total{outcome="refused"}`:                                  "1",
		`rollcall_sign_ins_total{outcome="limited"}`:                                  "1",
		`rollcall_sign_ups_total{outcome="ok"}`:                                       "1",
		`rollcall_sign_ups_total{outcome="refused"}`:                                  "1",
		`rollcall_http_requests_total{class="3xx",method="POST",route="/login"}`:      "1",
		`rollcall_http_requests_total{class="4xx",method="GET",route="other"}`:        "1",
		`rollcall_http_requests_total{class="1xx",method="GET",route="/ws"}`:          "3",
		`rollcall_http_request_duration_seconds_count{route="/ws"}`:                   "3",
		`rollcall_hashes_total`:                                                       "3", // a taken name is not hashed
		`rollcall_hashes_refused_total`:                                               "0",
		`rollcall_build_info{goversion="` + runtime.Version() + `",version="v1.2.3"}`: "1",
		`rollcall_draining`:                                                           "0",
	}
	var got map[string]string
	a.until("the metrics", func() bool {
		got = l.scrape()
		return got[`rollcall_connections{tab="hidden"}`] == "1" && got[`rollcall_users{state="offline"}`] == "1"
	})
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s = %q, want %s", name, got[name], value)
		}
	}
	for _, name := range []string{"rollcall_changes_total", "rollcall_frames_total", "rollcall_frame_bytes_total",
		"rollcall_render_seconds_count",
		"rollcall_flush_lag_seconds_sum", `rollcall_sql_connections{pool="reader"}`, "go_goroutines", "process_open_fds"} {
		if got[name] == "" || got[name] == "0" {
			t.Errorf("%s = %q, want something above 0", name, got[name])
		}
	}
	for name := range got {
		if strings.HasPrefix(name, "rollcall_redis") || strings.HasPrefix(name, "rollcall_lease") {
			t.Errorf("a process without Redis has the metric %s", name)
		}
	}
	wantNobodyNamed(t, got)
}

// wantNobodyNamed fails the test if a label has unexpected values or reveals anything about people.
func wantNobodyNamed(t *testing.T, got map[string]string) {
	t.Helper()
	known := regexp.MustCompile(`^(seen|hidden|full|restart|login|online|away|dnd|offline|ok|refused|limited|unavailable|gone|asked|GET|HEAD|POST|other|[1-5]xx|writer|reader|v1\.2\.3|go1[^"]*|[0-9.e+-]+|\+Inf|/[a-z/.*-]*)$`)
	for name := range got {
		for _, m := range regexp.MustCompile(`="((?:[^"\\]|\\.)*)"`).FindAllStringSubmatch(name, -1) {
			if !known.MatchString(m[1]) {
				t.Errorf("%s has the unexpected label value %q", name, m[1])
			}
		}
		for _, private := range []string{"ada", "bob", "carol", "secret", "192.0.2", "127.0.0"} {
			if strings.Contains(name, private) {
				t.Errorf("%s reveals %q", name, private)
			}
		}
	}
}

// TestMetricsAreWellFormed runs the checks of promtool check metrics.
func TestMetricsAreWellFormed(t *testing.T) {
	f := newFixture(t)
	f.browser().get("/login")
	problems, err := testutil.GatherAndLint(f.server.metrics.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	w := httptest.NewRecorder()
	f.server.Metrics().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	if families, err := parser.TextToMetricFamilies(w.Body); err != nil || len(families) < 40 {
		t.Errorf("%d families, %v, want at least 40", len(families), err)
	}
	w = httptest.NewRecorder()
	f.server.Metrics().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 404 {
		t.Errorf("GET / on the metrics listener = %d, want 404", w.Code)
	}
}

// TestMetricsAreDocumented: docs/operations.md lists all our metrics, and no document names a metric that doesn't
// exist.
func TestMetricsAreDocumented(t *testing.T) {
	f := newFixture(t)
	f.browser().get("/login")
	known := map[string]bool{}
	families, err := f.server.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		known[family.GetName()] = true
	}
	for _, n := range statistics { // includes those of replicas
		_, name, _ := strings.Cut(n.desc.String(), `fqName: "`)
		name, _, _ = strings.Cut(name, `"`)
		known[name] = true
	}
	named := map[string]bool{}
	for _, file := range []string{"operations.md", "alerts.yml", "limits.md"} {
		text, err := os.ReadFile("../docs/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`\b(rollcall|process|go)_[a-z_]+`).FindAllString(string(text), -1) {
			name = strings.TrimSuffix(name, "_bucket")
			named[name] = true
			if ours := strings.HasPrefix(name, "rollcall_"); ours && !known[name] || !ours && !known[name] &&
				strings.Count(name, "_") > 1 {
				t.Errorf("docs/%s names %s, which isn't a metric", file, name)
			}
		}
	}
	for name := range known {
		if strings.HasPrefix(name, "rollcall_") && !named[name] {
			t.Errorf("docs/operations.md doesn't name %s", name)
		}
	}
}

// TestAlertsSayWhatToDo: every rule has a severity and a long enough summary. If promtool is installed, it checks the
// rules, too.
func TestAlertsSayWhatToDo(t *testing.T) {
	text, err := os.ReadFile("../docs/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	rules := strings.Split(string(text), "- alert: ")[1:]
	if len(rules) < 15 {
		t.Errorf("found %d rules, want at least 15", len(rules))
	}
	for _, rule := range rules {
		name, rest, _ := strings.Cut(rule, "\n")
		_, summary, _ := strings.Cut(rest, "summary: ")
		if !strings.HasPrefix(name, "Rollcall") || !strings.Contains(rest, "expr: ") ||
			!regexp.MustCompile(`severity: (page|ticket)`).MatchString(rest) || len(summary) < 80 {
			t.Errorf("the rule %s lacks an expression, a severity or a summary:\n%s", name, rest)
		}
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Log("promtool isn't installed: the expressions weren't checked")
		return
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "check", "rules",
		"../docs/alerts.yml").CombinedOutput(); err != nil {
		t.Errorf("promtool check rules = %v\n%s", err, out)
	}
}
