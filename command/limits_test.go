package command

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// Defaults follow the system's limit on open files. Values that the operator sets stay as they are.
func TestLimitsFollowFiles(t *testing.T) {
	for _, tt := range []struct {
		files, connections, sockets int // 0 if not set or not known
		wantConnections, want       int
		warning                     string
	}{
		{files: 1_048_576, wantConnections: 20_000, want: 18_000},
		{files: 0, wantConnections: 20_000, want: 18_000},
		{files: 4096, wantConnections: 3840, want: 3456},
		{files: 1024, wantConnections: 768, want: 692, warning: "only a few connections"},
		{files: 256, wantConnections: 128, want: 116, warning: "only a few connections"},
		{files: 4096, connections: 4000, wantConnections: 4000, want: 3600, warning: "too low for the connection limit"},
		{files: 4096, connections: 500, wantConnections: 500, want: 450},
		{files: 4096, connections: 500, sockets: 100, wantConnections: 500, want: 100},
		{files: 1_048_576, sockets: 50_000, wantConnections: 55_000, want: 50_000},
		{files: 1_048_576, sockets: 19_000, wantConnections: 20_900, want: 19_000},
		{files: 1_048_576, sockets: 100, wantConnections: 20_000, want: 100},
		{files: 4096, sockets: 5000, wantConnections: 5500, want: 5000, warning: "too low for the connection limit"},
		{files: 0, sockets: 50_000, wantConnections: 55_000, want: 50_000},
	} {
		cfg := settings{LimitConnections: tt.connections, LimitSockets: tt.sockets}
		got := cfg.limits(tt.files)
		if got.Connections != tt.wantConnections || got.Sockets != tt.want {
			t.Errorf("limits(%d) with --limit-connections %d --limit-sockets %d = %d connections, %d sockets, want %d, %d",
				tt.files, tt.connections, tt.sockets, got.Connections, got.Sockets, tt.wantConnections, tt.want)
		}
		var log bytes.Buffer
		cfg.warnOfFiles(tt.files, slog.New(slog.NewTextHandler(&log, nil)))
		if tt.warning == "" && log.Len() > 0 || !strings.Contains(log.String(), tt.warning) {
			t.Errorf("warnOfFiles(%d) with --limit-connections %d logs %q, want %q",
				tt.files, tt.connections, log.String(), tt.warning)
		}
	}
}
