package command

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// freePort returns an address on this machine that isn't in use.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// read requests a page and returns its status and text.
func read(t *testing.T, client *http.Client, address string) (int, string) {
	t.Helper()
	answer, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// TestDiagnosticsAreServed: metrics and profiles are served on their own listeners, and nowhere else.
func TestDiagnosticsAreServed(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	metrics, debug := freePort(t), freePort(t)
	r := start(t, "serve", "--addr", "127.0.0.1:0", "--db", filepath.Join(t.TempDir(), "rollcall.db"),
		"--metrics-addr", metrics, "--debug-addr", debug)
	client := browser(t)
	answer, err := client.PostForm(r.url+"/signup",
		url.Values{"username": {"ada"}, "password": {"correct horse battery staple"}})
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	var status int
	var text string
	waitFor(t, "the last request to be counted", func() bool {
		status, text = read(t, client, "http://"+metrics+"/metrics")
		return strings.Contains(text, `method="GET",route="/"} 1`)
	})
	for _, want := range []string{
		`rollcall_sign_ups_total{outcome="ok"} 1`,
		`rollcall_http_requests_total{class="3xx",method="POST",route="/signup"} 1`,
		`rollcall_http_requests_total{class="2xx",method="GET",route="/"} 1`,
		"rollcall_hashes_total 1\n", `rollcall_build_info{goversion="go1`,
		`rollcall_users{state="offline"} 1`, "rollcall_http_connections_limit ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("GET /metrics = %d without %q:\n%s", status, want, text)
		}
	}
	status, text = read(t, client, "http://"+debug+"/debug/pprof/goroutine?debug=1")
	if status != 200 || !strings.Contains(text, "goroutine profile") {
		t.Errorf("GET /debug/pprof/goroutine = %d %q, want a profile", status, text)
	}
	for _, elsewhere := range []string{
		r.url + "/metrics", r.url + "/debug/pprof/",
		"http://" + metrics + "/debug/pprof/", "http://" + debug + "/metrics", "http://" + metrics + "/",
	} {
		if status, _ := read(t, client, elsewhere); status != 404 {
			t.Errorf("GET %s = %d, want 404", elsewhere, status)
		}
	}
	client.CloseIdleConnections()
	if err := r.end(t); err != nil {
		t.Errorf("run = %v, want nil after a signal", err)
	}
}

// TestDiagnosticsCheckTheHost: a website can't read diagnostics by pointing its domain at this machine.
func TestDiagnosticsCheckTheHost(t *testing.T) {
	cfg := settings{MetricsAddr: "127.0.0.1:0", DebugAddr: "[::1]:0"}
	d, err := listenDiagnostics(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	d.serve(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	everywhere := &diagnostics{metrics: listening(t, ":0")}
	defer everywhere.close()
	everywhere.serve(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	_, port, _ := net.SplitHostPort(everywhere.metrics.Addr().String())
	for _, tt := range []struct {
		addr, path, host string
		want             int
	}{
		{d.debug.Addr().String(), "/debug/pprof/heap", "localhost", 200},
		{d.debug.Addr().String(), "/debug/pprof/", "Localhost:6060", 200},
		{d.debug.Addr().String(), "/debug/pprof/", "[::1]:6060", 200},
		{d.debug.Addr().String(), "/debug/pprof/", "[::1]", 200},
		{d.debug.Addr().String(), "/debug/pprof/", "127.0.0.1", 200},
		{d.debug.Addr().String(), "/debug/pprof/", "rebound.example.org:6060", 403},
		{d.debug.Addr().String(), "/debug/pprof/", "192.0.2.1:6060", 403},
		{d.debug.Addr().String(), "/debug/pprof/", "localhost.example.org", 403},
		{d.metrics.Addr().String(), "/metrics", "rebound.example.org", 403},
		{d.metrics.Addr().String(), "/metrics", "localhost:9100", 404},
		{"127.0.0.1:" + port, "/metrics", "rollcall-a:9100", 404},
	} {
		r, err := http.NewRequest(http.MethodGet, "http://"+tt.addr+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host, r.Close = tt.host, true
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != tt.want {
			t.Errorf("GET %s at %s as %s = %d, want %d", tt.path, tt.addr, tt.host, answer.StatusCode, tt.want)
		}
	}
}

func listening(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestDiagnosticsAreOffByDefault: by default, only the board listens.
func TestDiagnosticsAreOffByDefault(t *testing.T) {
	d, err := listenDiagnostics(&settings{})
	if err != nil || d.metrics != nil || d.debug != nil {
		t.Errorf("listenDiagnostics() = %+v, %v, want nothing", d, err)
	}
}

// TestDiagnosticsPortInUse: the error for a port in use says which flag to change.
func TestDiagnosticsPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := settings{MetricsAddr: freePort(t), DebugAddr: l.Addr().String()}
	const remedy = "choose another address with --debug-addr"
	if _, err := listenDiagnostics(&cfg); err == nil || !strings.Contains(err.Error(), remedy) {
		t.Errorf("listenDiagnostics() with a port in use = %v, want an error with %q", err, remedy)
	}
	free, err := net.Listen("tcp", cfg.MetricsAddr)
	if err != nil {
		t.Errorf("the other port is still in use: %v", err)
	} else {
		free.Close()
	}
}
